//! The forms about an account, by keys through the real loop, from the empty form to the rows of the database.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::sync::{Arc, Mutex};

use futures_util::stream;
use portaldesk::change::{Account, Actor, Outcome, Watch, undo::OldPassword};
use portaldesk::db::Sql;
use portaldesk::directory::accounts::{self, Draft, Groups, Rows};
use portaldesk::directory::{Portal, Settings, departments, groups, history, passwords, permissions, users};
use portaldesk::portal::password::Verdict;
use portaldesk::tui::event_loop::{NoHost, from_stream};
use portaldesk::tui::screens::memberships::Memberships;
use portaldesk::tui::screens::password::PasswordForm;
use portaldesk::tui::screens::permissions::Permissions;
use portaldesk::tui::screens::test_password::TestPassword;
use portaldesk::tui::screens::user_form::{SAVED, UserForm};
use portaldesk::tui::{
    Action, App, Binding, Cx, EventLoop, Head, Input, Key, KeyChord, Keymap, Reply, Screen, Setup, Theme,
    code, ctrl, key, shift,
};
use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::{Frame, Terminal};
use support::{Made, Server, TestDb, digest};

/// A hash that costs nothing to make, so that new ones cost nothing either.
const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

/// The screen below: it opens one form and hears whose account was saved.
struct Home {
    form: Option<Box<dyn Screen>>,
    saved: Arc<Mutex<Option<i64>>>,
}

const KEYS: &[Binding] = &[Binding::new(&[code(Key::Insert)], Action::Open, "open")];

impl Screen for Home {
    fn title(&self) -> String {
        "Users".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, _action: Action, cx: &mut Cx) {
        if let Some(form) = self.form.take() {
            cx.ask(portaldesk::tui::Effect::Push(form));
        }
    }

    fn reply(&mut self, reply: &mut Reply, _cx: &mut Cx) {
        if let Some(Ok(user)) = SAVED.take(reply) {
            *self.saved.lock().unwrap() = Some(user);
        }
    }

    fn draw(&mut self, _frame: &mut Frame<'_>, _area: Rect, _theme: &Theme) {}
}

/// A portal with its groups, a department and two people, and the program on a terminal over it.
struct Desk {
    db: TestDb,
    portal: Portal,
    bela: i64,
}

struct Program {
    running: EventLoop<TestBackend, NoHost>,
    saved: Arc<Mutex<Option<i64>>>,
}

impl Desk {
    async fn new() -> Self {
        let db = TestDb::new(Server::Sqlite, Made::Init).await;
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let desk = Self { db, portal, bela: 0 };
        desk.apply(groups::setup(&desk.portal).await.unwrap()).await;
        desk.db
            .run("INSERT INTO core_department (name, description, is_active, created_at) VALUES \
                  ('IT', '', 1, '2025-01-01'), ('Sales', '', 1, '2025-01-01'), ('Old Works', '', 0, '2025-01-01')")
            .await;
        let root = Draft { encoded_password: Some(HASH.into()), ..Draft::default() }
            .with("username", "root")
            .with("is_superuser", "true");
        desk.apply(accounts::create(&desk.portal, &root).await.unwrap()).await;
        let engineer = desk.group("Engineer").await;
        let bela = Draft {
            encoded_password: Some(HASH.into()),
            department: Some(Some(desk.department("Sales").await)),
            groups: Groups::Set(vec![engineer]),
            ..Draft::default()
        }
        .with("username", "bela")
        .with("first_name", "Bela")
        .with("last_name", "Novak")
        .with("email", "bela@example.org")
        .with("phone_number", "+1 555 0100")
        .with("main_portal_id", "B31");
        desk.apply(accounts::create(&desk.portal, &bela).await.unwrap()).await;
        let bela = users::find(&desk.portal, "bela").await.unwrap();
        let desk = Self { bela, ..desk };
        desk.in_the_hands_of("root").await
    }

    async fn in_the_hands_of(self, name: &str) -> Self {
        let id = users::find(&self.portal, name).await.unwrap();
        let portal = self.portal.signed_in(Account { id, username: name.to_owned() });
        Self { portal, ..self }
    }

    async fn apply(&self, plan: portaldesk::change::Plan) -> Outcome {
        self.portal.writer().unwrap().apply(plan).await.unwrap()
    }

    async fn edit(&self, draft: Draft) {
        self.apply(accounts::edit(&self.portal, self.bela, &draft).await.unwrap()).await;
    }

    async fn group(&self, name: &str) -> i64 {
        groups::choices(&self.portal).await.unwrap().into_iter().find(|group| group.name == name).unwrap().id
    }

    /// Gives a group permissions by hand.
    async fn carry(&self, group: &str, names: &[&str]) {
        let group = self.group(group).await;
        for name in names {
            let permission = permissions::find(&self.portal, name).await.unwrap();
            let row = format!("({group}, {permission})");
            let sql = format!("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES {row}");
            self.db.run(&sql).await;
        }
    }

    async fn department(&self, name: &str) -> i64 {
        departments::find(&self.portal, name).await.unwrap()
    }

    async fn rows(&self, name: &str) -> Rows {
        let id = users::find(&self.portal, name).await.unwrap();
        Rows::read(&self.portal, id).await.unwrap()
    }

    /// The text of a column of `auth_user`.
    async fn column(&self, name: &str, column: &str) -> String {
        self.rows(name).await.user.text(column).unwrap_or_default().to_owned()
    }

    async fn accepts(&self, name: &str, password: &str) -> bool {
        let encoded = self.column(name, "password").await;
        passwords::verify(&self.portal, password, Some(&encoded)).await.unwrap() == Verdict::Right
    }

    async fn undo_newest(&self) {
        let newest =
            history::newest_of_sitting(&self.portal).await.unwrap().change.expect("something was written");
        let id = newest.change.operation;
        let planned = history::plan_undo(&self.portal, &id, OldPassword::WorksAgain).await.unwrap();
        history::apply_undo(&self.portal, &id, planned, &Watch::default()).await.unwrap();
    }

    /// The program with a form open, read and drawn.
    async fn open(&self, form: impl Screen + 'static, width: u16, height: u16) -> Program {
        let mut program = self.start(form, width, height);
        program.feed(vec![Input::Key(code(Key::Insert))]).await;
        program
    }

    fn start(&self, form: impl Screen + 'static, width: u16, height: u16) -> Program {
        let saved = Arc::default();
        let home = Home { form: Some(Box::new(form)), saved: Arc::clone(&saved) };
        let setup = Setup {
            tabs: vec![Box::new(home)],
            first: None,
            portal: Some(self.portal.clone()),
            head: Head::default(),
            keymap: Keymap::default(),
            theme: Theme { colours: false, ascii: false },
            commands: Vec::new(),
            lock: None,
        };
        let app = App::new(setup, Size::new(width, height));
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        Program { running: EventLoop::new(app, terminal, NoHost::default()), saved }
    }
}

impl Program {
    /// Gives these inputs at once and waits until everything that they start is done and drawn.
    async fn feed(&mut self, inputs: Vec<Input>) {
        self.running.run(&mut from_stream(stream::iter(inputs))).await;
    }

    /// Types; `⏎` is Enter, `⇥` Tab, `⇤` Shift-Tab, `⎋` Esc, `← → ↓ ⌫` themselves, `§` Ctrl-S, `¤` Ctrl-G, `¶` Ctrl-N, `‡` Ctrl-T.
    async fn keys(&mut self, keys: &str) {
        self.feed(keys.chars().map(|c| Input::Key(chord(c))).collect()).await;
    }

    fn screen(&self) -> String {
        let buffer = self.running.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let row = |cells: &[ratatui::buffer::Cell]| {
            cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
        };
        buffer.content.chunks(width).map(row).collect::<Vec<_>>().join("\n")
    }

    fn toast(&self) -> String {
        self.running.app.toast().map(|toast| toast.text().to_owned()).unwrap_or_default()
    }

    fn titles(&self) -> Vec<String> {
        self.running.app.titles()
    }

    fn saved(&self) -> Option<i64> {
        *self.saved.lock().unwrap()
    }

    fn has(&self, words: &str) -> bool {
        self.screen().contains(words)
    }
}

fn chord(c: char) -> KeyChord {
    match c {
        '⏎' => code(Key::Enter),
        '⇥' => code(Key::Tab),
        '⇤' => shift(Key::Tab),
        '⎋' => code(Key::Esc),
        '→' => code(Key::Right),
        '←' => code(Key::Left),
        '↓' => code(Key::Down),
        '⌫' => code(Key::Backspace),
        '§' => ctrl('s'),
        '¤' => ctrl('g'),
        '¶' => ctrl('n'),
        '‡' => ctrl('t'),
        c => key(c),
    }
}

/// The keys from the username of a new account to its end: names, e-mail, a password, IT, a phone and an id, Engineer.
const NEW_USER: &str = "cho⇥Cho⇥Min-ji⇥cho@example.org⇥Kx7m-rT4p-wqHn⇥Kx7m-rT4p-wqHn⇥→⇥+82 2 555⇥C9⇥⇥ ";

#[tokio::test]
async fn a_user_is_made_by_keys_from_an_empty_form() {
    let desk = Desk::new().await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(UserForm::new(), 100, 30).await;
    program.keys(NEW_USER).await;
    assert!(program.has("gains Engineer, loses nothing"), "{}", program.screen());
    program.keys("§").await;
    assert_eq!(program.titles().last().unwrap(), "Create cho", "{}", program.screen());
    assert!(!program.has("Kx7m"), "a typed password is not shown: {}", program.screen());
    assert_eq!(digest(&desk.db).await, before, "a review writes nothing");
    program.keys("y").await;
    assert_eq!(program.toast(), "Created cho · u undoes");
    assert_eq!(program.titles(), ["Users"]);
    let rows = desk.rows("cho").await;
    assert_eq!(program.saved(), rows.user.int("id"));
    assert_eq!(rows.user.text("last_name"), Some("Min-ji"));
    assert_eq!(rows.group_ids(), [desk.group("Engineer").await]);
    assert_eq!(rows.profiles[0].int("department_id"), Some(desk.department("IT").await));
    assert_eq!(rows.profiles[0].text("phone_number"), Some("+82 2 555"));
    assert_eq!(rows.profiles[0].text("main_portal_id"), Some("C9"));
    assert!(desk.accepts("cho", "Kx7m-rT4p-wqHn").await);
    desk.undo_newest().await;
    assert_eq!(digest(&desk.db).await, before);
}

#[tokio::test]
async fn keys_that_come_before_the_form_is_read_are_kept_in_order() {
    let desk = Desk::new().await;
    let mut program = desk.start(UserForm::new(), 100, 30);
    let keys = format!("{NEW_USER}§");
    let early = std::iter::once(code(Key::Insert)).chain(keys.chars().map(chord)).filter(|chord| !chord.ctrl);
    program.feed(early.map(Input::Key).collect()).await;
    assert_eq!(program.titles(), ["Users", "New user"]);
    program.keys("§").await;
    program.keys("y").await;
    assert!(desk.accepts("cho", "Kx7m-rT4p-wqHn").await, "{}", program.screen());
}

#[tokio::test]
async fn an_edit_writes_what_changed_and_nothing_else() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::edit(desk.bela), 100, 30).await;
    program.keys("§").await;
    assert_eq!(program.toast(), "Nothing was changed yet.");
    program.keys("⇥⌫⌫⌫⌫Béla⇥⇥⇥").await;
    program.keys("←←").await;
    assert!(program.has("was Sales") && program.has("2 changes"), "{}", program.screen());
    let before = desk.rows("bela").await;
    program.keys("§").await;
    assert!(
        program.has("First name  Bela → Béla") && program.has("Department  Sales → IT"),
        "{}",
        program.screen()
    );
    program.keys("y").await;
    assert_eq!(program.toast(), "Changed bela · u undoes");
    assert_eq!(program.saved(), Some(desk.bela));
    let after = desk.rows("bela").await;
    assert_eq!(after.user.text("first_name"), Some("Béla"));
    let others = |rows: &Rows| {
        let mut user = rows.user.clone();
        user.set("first_name", portaldesk::db::Cell::Null);
        (user, rows.groups.clone())
    };
    assert_eq!(others(&after), others(&before));
    desk.undo_newest().await;
    assert_eq!(desk.rows("bela").await.user, before.user);
}

#[tokio::test]
async fn what_is_taken_is_said_while_it_is_typed() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::new(), 100, 30).await;
    program.keys("BELA").await;
    assert!(program.has("✗ belongs to 'bela'") && program.has("1 error"), "{}", program.screen());
    program.keys("2").await;
    assert!(program.has("✓ free") && !program.has("belongs to"), "{}", program.screen());
    program.keys("⇤⇤⇤⇤⇤⇤B31").await;
    assert!(program.has("✗ belongs to 'bela'"), "{}", program.screen());
    program.keys("§").await;
    let said = program.toast();
    assert!(said.contains("The portal id 'B31' belongs to 'bela' already; nothing was written."), "{said}");
    assert!(program.has("BELA2"), "what was typed is kept");
    program.keys("⎋").await;
    program.keys("b§").await;
    assert_eq!(program.titles().last().unwrap(), "Create BELA2", "{}", program.screen());
}

#[tokio::test]
async fn a_portal_id_is_taken_over_in_the_same_plan() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::new(), 80, 24).await;
    program.keys("cho‡").await;
    assert_eq!(program.toast(), "No other user is known to have this portal id.");
    program.keys("⇤⇤⇤⇤⇤⇤B31").await;
    insta::assert_snapshot!("taken_80x24", program.screen());
    program.keys("‡").await;
    assert!(program.has("taken over from 'bela'") && !program.has("✗"), "{}", program.screen());
    program.keys("2").await;
    assert!(program.has("✓ free"), "another id is another question: {}", program.screen());
    program.keys("⌫").await;
    program.keys("‡§").await;
    insta::assert_snapshot!("take_over_80x24", program.screen());
    program.keys("y").await;
    assert_eq!(program.toast(), "Created cho · u undoes");
    let id = |rows: &Rows| rows.profiles[0].text("main_portal_id").map(str::to_owned);
    assert_eq!((id(&desk.rows("bela").await), id(&desk.rows("cho").await)), (None, Some("B31".into())));
    desk.undo_newest().await;
    assert_eq!(id(&desk.rows("bela").await).as_deref(), Some("B31"));
}

#[tokio::test]
async fn a_review_that_is_left_keeps_the_form_and_a_changed_form_asks_before_it_closes() {
    let desk = Desk::new().await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(UserForm::edit(desk.bela), 100, 30).await;
    program.keys("2§").await;
    program.keys("n").await;
    assert!(program.has("bela2") && program.titles().len() == 2, "{}", program.screen());
    program.keys("⎋").await;
    assert!(program.has("Close without saving 1 change to bela?"), "{}", program.screen());
    program.keys("n").await;
    assert!(program.has("bela2"));
    program.keys("⎋").await;
    program.keys("y").await;
    assert_eq!(program.titles(), ["Users"]);
    assert_eq!(digest(&desk.db).await, before);
    let mut clean = desk.open(UserForm::edit(desk.bela), 100, 30).await;
    clean.keys("⎋").await;
    assert_eq!(clean.titles(), ["Users"]);
}

#[tokio::test]
async fn superuser_needs_the_name_typed() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::edit(desk.bela), 100, 30).await;
    program.keys("⇤ §").await;
    assert!(
        program.has("bela becomes superuser.") && program.has("Type bela to go on"),
        "{}",
        program.screen()
    );
    program.keys("y").await;
    program.keys("⌫bela").await;
    assert_eq!(desk.rows("bela").await.user.bool("is_superuser"), Some(false));
    program.keys("⏎").await;
    assert_eq!(program.toast(), "Changed bela · u undoes");
    assert_eq!(desk.rows("bela").await.user.bool("is_superuser"), Some(true));
}

#[tokio::test]
async fn fields_that_are_not_theirs_are_locked_with_the_reason() {
    let mut desk = Desk::new().await;
    let dana = Draft {
        encoded_password: Some(HASH.into()),
        groups: Groups::Set(vec![desk.group("AMC Admin").await]),
        ..Draft::default()
    };
    desk.apply(accounts::create(&desk.portal, &dana.with("username", "dana")).await.unwrap()).await;
    desk = desk.in_the_hands_of("dana").await;
    let mut program = desk.open(UserForm::edit(desk.bela), 120, 30).await;
    assert!(program.has("only a superuser may change this"), "{}", program.screen());
    assert!(program.has("full administrative access · not yours to change"), "{}", program.screen());
    program.keys("⇤ ").await;
    assert_eq!(program.toast(), "only a superuser may change this");
    program.keys("⇤⇤⇤↓↓ ").await;
    assert_eq!(program.toast(), "An AMC Admin may not give or take the role Admin.");
    assert!(program.has("gains nothing, loses nothing"), "{}", program.screen());
    let root = users::find(&desk.portal, "root").await.unwrap();
    let mut program = desk.open(UserForm::edit(root), 100, 30).await;
    program.keys("x").await;
    assert!(!program.has("rootx"), "{}", program.screen());
}

#[tokio::test]
async fn a_generated_password_is_shown_before_and_after_the_write_and_works() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::new(), 100, 30).await;
    program.keys("cho¤").await;
    assert!(program.has("✓ generated"), "{}", program.screen());
    program.keys("§").await;
    let shown = generated(&program.screen());
    program.keys("¤").await;
    assert!(program.screen().to_lowercase().contains(&spelled_start(&shown)), "{}", program.screen());
    program.keys("y").await;
    assert_eq!(program.titles(), ["Users", "New password of cho"]);
    assert_eq!(generated(&program.screen()), shown);
    program.keys("⏎").await;
    assert_eq!(program.titles().len(), 2, "Enter does not dismiss it");
    program.keys("q").await;
    assert_eq!(program.titles(), ["Users"]);
    assert!(desk.accepts("cho", &shown).await);
}

/// The generated password on a screen: four groups of four.
fn generated(screen: &str) -> String {
    let is_one = |word: &&str| word.len() == 19 && word.split('-').all(|group| group.len() == 4);
    screen.split_whitespace().find(is_one).unwrap_or_else(|| panic!("no password in {screen}")).to_owned()
}

/// How the first letter sounds on the telephone.
fn spelled_start(password: &str) -> String {
    let first = portaldesk::portal::password::spell(password).swap_remove(0).to_lowercase();
    first.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_new_password_is_judged_as_django_does_and_typed_twice() {
    let desk = Desk::new().await;
    let before = desk.column("bela", "password").await;
    let mut program = desk.open(PasswordForm::new(desk.bela, "bela"), 100, 30).await;
    program.keys("§").await;
    assert_eq!(program.toast(), "Type a password, generate one, or disable it.");
    program.keys("belanovak").await;
    assert!(program.has("too similar to the"), "{}", program.screen());
    program.keys("§").await;
    assert!(program.has("✗ The password is too similar"), "{}", program.screen());
    program.feed(vec![Input::Key(ctrl('u'))]).await;
    program.keys("wQ7-uphill-tram⇥wQ7-x").await;
    assert!(program.has("strong") && program.has("didn’t match"), "{}", program.screen());
    program.keys("⌫uphill-tram").await;
    assert!(program.has("✓ the same"), "{}", program.screen());
    program.keys("§").await;
    assert!(program.has("The portal sessions of bela end."), "{}", program.screen());
    program.keys("y").await;
    assert_eq!(program.toast(), "Set the password of bela · u undoes");
    assert!(desk.accepts("bela", "wQ7-uphill-tram").await);
    desk.undo_newest().await;
    assert_eq!(desk.column("bela", "password").await, before);
}

#[tokio::test]
async fn a_password_can_be_made_unusable() {
    let desk = Desk::new().await;
    let mut program = desk.open(PasswordForm::new(desk.bela, "bela"), 80, 24).await;
    program.keys("secret⇥⇥ ").await;
    assert!(!program.has("***"), "{}", program.screen());
    program.keys("§").await;
    program.keys("y").await;
    assert!(desk.column("bela", "password").await.starts_with('!'), "{}", program.screen());
}

#[tokio::test]
async fn groups_are_ticked_and_admin_needs_the_name_typed() {
    let desk = Desk::new().await;
    let mut program = desk.open(Memberships::new(desk.bela), 80, 24).await;
    program.keys(" jkjj ").await;
    assert!(program.has("gains Admin; loses Engineer"), "{}", program.screen());
    program.keys("§").await;
    assert!(program.has("Type bela to go on"), "{}", program.screen());
    program.keys("bela⏎").await;
    assert_eq!(program.toast(), "Changed bela · u undoes");
    let rows = desk.rows("bela").await;
    assert_eq!(rows.group_ids(), [desk.group("Admin").await]);
    assert_eq!(program.saved(), Some(desk.bela));
}

#[tokio::test]
async fn permissions_are_ticked_and_what_they_mean_is_told_before() {
    let desk = Desk::new().await;
    desk.carry("Engineer", &["core.add_department", "core.view_department"]).await;
    let mut program = desk.open(Memberships::new(desk.bela), 100, 40).await;
    assert!(program.has("Can add department · through Engineer"), "{}", program.screen());
    program.keys(" ").await;
    assert!(program.has("loses core.add_department (was through Engineer)"), "{}", program.screen());
    program.keys("/add_dep↓ ").await;
    assert!(program.has("gains core.add_department; loses Engineer"), "{}", program.screen());
    assert!(program.has("keeps core.add_department directly"), "{}", program.screen());
    assert!(program.has("2 changes"), "{}", program.screen());
    // The filter goes first, and what was chosen stays.
    program.keys("⎋§").await;
    assert_eq!(program.titles().last().map(String::as_str), Some("Edit bela"));
    assert!(program.has("permission  core.add_department"), "{}", program.screen());
    assert!(program.has("loses core.view_department (was through Engineer)"), "{}", program.screen());
    program.keys("y").await;
    assert_eq!(program.toast(), "Changed bela · u undoes");
    assert_eq!(program.saved(), Some(desk.bela));
    let rows = desk.rows("bela").await;
    assert_eq!((rows.groups.len(), rows.permissions.len()), (0, 1));
    desk.undo_newest().await;
    let rows = desk.rows("bela").await;
    assert_eq!((rows.groups.len(), rows.permissions.len()), (1, 0));
}

#[tokio::test]
async fn what_somebody_else_gives_meanwhile_is_neither_lost_nor_given_twice() {
    let desk = Desk::new().await;
    let add = permissions::find(&desk.portal, "core.add_department").await.unwrap();
    let view = permissions::find(&desk.portal, "core.view_department").await.unwrap();
    let mut program = desk.open(Memberships::new(desk.bela), 100, 40).await;
    program.keys("/add_dep↓ ").await;
    desk.edit(Draft { permissions: Groups::Set(vec![add, view]), ..Draft::default() }).await;
    program.keys("⎋r").await;
    assert!(program.has("gains nothing; loses nothing"), "{}", program.screen());
    program.keys("/view_dep↓ §").await;
    program.keys("y").await;
    let held: Vec<_> =
        desk.rows("bela").await.permissions.iter().filter_map(|row| row.int("permission_id")).collect();
    assert_eq!(held, [add]);
}

#[tokio::test]
async fn a_password_is_tested_in_a_dialog() {
    let desk = Desk::new().await;
    let mut program = desk.open(TestPassword::new(desk.bela, "bela"), 80, 24).await;
    program.keys("wrong-plover").await;
    assert!(!program.has("plover") && program.has("************"), "{}", program.screen());
    program.keys("⏎").await;
    assert!(
        program.has("The password is wrong. bela can sign in with the right one."),
        "{}",
        program.screen()
    );
    desk.edit(Draft::default().with("is_active", "false")).await;
    program.keys("again⏎").await;
    assert!(
        program.has("can't sign in with any: the") && program.has("account is inactive."),
        "{}",
        program.screen()
    );
}

#[tokio::test]
async fn save_and_new_leaves_an_empty_form() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::new(), 100, 30).await;
    program.keys("cho¶").await;
    program.keys("y").await;
    assert_eq!(program.titles(), ["Users", "New user"]);
    assert!(program.has("Username") && !program.has("Username    cho"), "{}", program.screen());
    assert!(desk.column("cho", "password").await.starts_with('!'));
    program.keys("dan¶").await;
    program.keys("y").await;
    assert_eq!(program.saved(), Some(users::find(&desk.portal, "dan").await.unwrap()));
}

#[tokio::test]
async fn a_mebibyte_is_cut_at_the_field_and_that_is_said() {
    let desk = Desk::new().await;
    let mut program = desk.open(UserForm::new(), 100, 30).await;
    program.feed(vec![Input::Paste(format!("\u{1b}{}", "x".repeat(1 << 20)))]).await;
    let dropped = (1 << 20) - portaldesk::portal::rules::USERNAME_MAX;
    assert_eq!(program.toast(), format!("{dropped} characters of the paste had no room."));
}

#[tokio::test]
async fn a_portal_that_is_read_only_shows_the_form_and_says_why_it_saves_nothing() {
    let desk = Desk::new().await;
    let read_only = Some(portaldesk::directory::ReadOnly::Asked);
    let desk = Desk { portal: Portal { read_only, ..desk.portal.clone() }, ..desk };
    let mut program = desk.open(UserForm::edit(desk.bela), 100, 30).await;
    program.keys("2§").await;
    assert!(program.toast().contains("read-only"), "{}", program.toast());
}

#[tokio::test]
async fn an_account_that_is_gone_is_said() {
    let desk = Desk::new().await;
    let program = desk.open(UserForm::edit(desk.bela + 1), 100, 30).await;
    assert!(program.toast().contains("There is no user with id"), "{}", program.toast());
    assert_eq!(program.titles(), ["Users"]);
}

#[tokio::test]
async fn the_forms_in_three_sizes() {
    let desk = Desk::new().await;
    desk.carry("Engineer", &["core.add_department", "core.view_department", "core.view_userprofile"]).await;
    for (width, height) in [(80, 24), (120, 40), (40, 10)] {
        let size = format!("{width}x{height}");
        let mut program = desk.open(UserForm::edit(desk.bela), width, height).await;
        program.keys("⇥⇥⇥⇥←⇥x⇥").await;
        insta::assert_snapshot!(format!("edit_{size}"), program.screen());
        let mut program = desk.open(UserForm::new(), width, height).await;
        program.keys("cho⇥⇥⇥⇥wQ7-uphill-tram⇥wQ7").await;
        insta::assert_snapshot!(format!("new_{size}"), program.screen());
        let mut program = desk.open(PasswordForm::new(desk.bela, "bela"), width, height).await;
        program.keys("wQ7-uphill-tram⇥").await;
        insta::assert_snapshot!(format!("password_{size}"), program.screen());
        // Out of Engineer, into AMC Admin, and one permission that Engineer carried.
        let mut program = desk.open(Memberships::new(desk.bela), width, height).await;
        program.keys(" j /add_dep↓ ").await;
        insta::assert_snapshot!(format!("memberships_{size}"), program.screen());
        let program = desk.open(Permissions::new(desk.bela, "bela", true), width, height).await;
        insta::assert_snapshot!(format!("permissions_{size}"), program.screen());
    }
}

#[tokio::test]
async fn no_password_is_left_in_the_journal() {
    let desk = Desk::new().await;
    let mut program = desk.open(PasswordForm::new(desk.bela, "bela"), 100, 30).await;
    program.keys("wQ7-uphill-tram⇥wQ7-uphill-tram§").await;
    program.keys("y").await;
    let sql = Sql::new("SELECT COUNT(*) FROM portaldesk_change_row WHERE after_image LIKE '%uphill%'");
    assert_eq!(desk.portal.count(sql).await.unwrap(), 0);
    assert!(!program.toast().contains("uphill"));
}
