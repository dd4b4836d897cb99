//! Two people at the same account: whoever saves second sees what the first one did and decides, field by field. No way
//! through a form overwrites unseen what somebody else wrote.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use futures_util::stream;
use portaldesk::change::{Actor, Plan};
use portaldesk::directory::accounts::{self, Draft, Groups, Rows};
use portaldesk::directory::{Portal, Settings, groups, users};
use portaldesk::error::Kind;
use portaldesk::tui::event_loop::{NoHost, from_stream};
use portaldesk::tui::screens::memberships::Memberships;
use portaldesk::tui::screens::password::PasswordForm;
use portaldesk::tui::screens::user_form::UserForm;
use portaldesk::tui::{
    App, EventLoop, Head, Input, Key, KeyChord, Keymap, Screen, Setup, Theme, code, ctrl, key, shift,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;
use support::{TestDb, digest};

/// A hash that costs nothing to make, so that new ones cost nothing either.
const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

/// A portal with bela, an Engineer, over two connections: the form's and that of somebody else.
struct Desk {
    portal: Portal,
    bela: i64,
}

impl Desk {
    async fn new(db: &TestDb) -> Self {
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let desk = Self { portal, bela: 0 };
        desk.apply(groups::setup(&desk.portal).await.unwrap()).await;
        let engineer = desk.group("Engineer").await;
        let bela = Draft {
            encoded_password: Some(HASH.into()),
            groups: Groups::Set(vec![engineer]),
            ..Draft::default()
        };
        let bela = bela
            .with("username", "bela")
            .with("first_name", "Bela")
            .with("last_name", "Novak")
            .with("phone_number", "+1 555 0100");
        desk.apply(accounts::create(&desk.portal, &bela).await.unwrap()).await;
        Self { bela: users::find(&desk.portal, "bela").await.unwrap(), ..desk }
    }

    async fn group(&self, name: &str) -> i64 {
        groups::find(&self.portal, name).await.unwrap()
    }

    async fn apply(&self, plan: Plan) {
        self.portal.writer().unwrap().apply(plan).await.unwrap();
    }

    /// Somebody else changes bela.
    async fn meanwhile(&self, draft: Draft) {
        self.apply(accounts::edit(&self.portal, self.bela, &draft).await.unwrap()).await;
    }

    async fn rows(&self) -> Rows {
        Rows::read(&self.portal, self.bela).await.unwrap()
    }

    async fn user(&self, column: &str) -> String {
        self.rows().await.user.text(column).unwrap_or_default().to_owned()
    }

    async fn open(&self, form: impl Screen + 'static) -> Program {
        let setup = Setup {
            tabs: Vec::new(),
            first: Some(Box::new(form)),
            portal: Some(self.portal.clone()),
            head: Head::default(),
            keymap: Keymap::default(),
            theme: Theme { colours: false, ascii: false },
            commands: Vec::new(),
            lock: None,
        };
        let app = App::new(setup, Size::new(80, 24));
        let terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut program = Program(EventLoop::new(app, terminal, NoHost::default()));
        program.keys("").await;
        program
    }
}

struct Program(EventLoop<TestBackend, NoHost>);

impl Program {
    /// Types and waits until everything that it starts is done and drawn; see [`chord`].
    async fn keys(&mut self, keys: &str) {
        let inputs: Vec<Input> = keys.chars().map(|c| Input::Key(chord(c))).collect();
        self.0.run(&mut from_stream(stream::iter(inputs))).await;
    }

    fn screen(&self) -> String {
        let buffer = self.0.terminal.backend().buffer();
        let row = |cells: &[ratatui::buffer::Cell]| {
            cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
        };
        buffer.content.chunks(80).map(row).collect::<Vec<_>>().join("\n")
    }

    fn shows(&self, words: &str) {
        assert!(self.screen().contains(words), "no {words:?} in\n{}", self.screen());
    }

    fn top(&self) -> String {
        self.0.app.titles().pop().unwrap_or_default()
    }

    fn toast(&self) -> String {
        self.0.app.toast().map(|toast| toast.text().to_owned()).unwrap_or_default()
    }
}

/// `⇥` is Tab, `⇤` Shift-Tab, `⎋` Esc, `← → ↓` themselves, `§` Ctrl-S, `⏎` Enter.
fn chord(c: char) -> KeyChord {
    match c {
        '⇥' => code(Key::Tab),
        '⇤' => shift(Key::Tab),
        '⎋' => code(Key::Esc),
        '→' => code(Key::Right),
        '←' => code(Key::Left),
        '↓' => code(Key::Down),
        '§' => ctrl('s'),
        '⏎' => code(Key::Enter),
        c => key(c),
    }
}

stories! {
    async fn what_both_changed_is_decided_field_by_field(db: TestDb) {
        let desk = Desk::new(&db).await;
        let mut program = desk.open(UserForm::edit(desk.bela)).await;
        program.keys("⇥ B.⇥ak⇥b@example.org").await;
        desk.meanwhile(
            Draft::default().with("first_name", "Adalbert").with("last_name", "Nowak").with("phone_number", "911"),
        )
        .await;
        let theirs = digest(&db).await;
        program.keys("§").await;
        assert_eq!(program.top(), "bela was changed meanwhile", "{}", program.screen());
        program.shows("First name  Bela            Adalbert        Bela B.");
        program.shows("Last name   Novak           Nowak           Novakak");
        program.shows("Phone +1 555 0100 → 911");
        program.keys("§").await;
        assert_eq!(program.toast(), "2 fields are open: ← takes theirs, → mine.");
        program.keys("→↓←§").await;
        assert_eq!(program.top(), "Edit bela", "{}", program.screen());
        assert_eq!(digest(&db).await, theirs, "deciding writes nothing");
        program.keys("§").await;
        assert_eq!(program.top(), "Edit bela", "{}", program.screen());
        program.shows("First name  Adalbert → Bela B.");
        program.keys("y").await;
        let rows = desk.rows().await;
        let user = |column| rows.user.text(column).unwrap();
        assert_eq!((user("first_name"), user("last_name"), user("email")), ("Bela B.", "Nowak", "b@example.org"));
        assert_eq!(rows.profiles[0].text("phone_number"), Some("911"));
    }

    async fn what_only_they_changed_is_kept_and_shown(db: TestDb) {
        let desk = Desk::new(&db).await;
        let mut program = desk.open(UserForm::edit(desk.bela)).await;
        program.keys("⇥ B.").await;
        desk.meanwhile(Draft::default().with("last_name", "Nowak")).await;
        program.keys("§").await;
        program.shows("First name  Bela → Bela B.");
        program.shows("it stays so: Last name Novak → Nowak");
        program.keys("n").await;
        program.shows("Nowak");
        program.keys("§").await;
        program.keys("y").await;
        assert_eq!((desk.user("first_name").await.as_str(), desk.user("last_name").await.as_str()), ("Bela B.", "Nowak"));
    }

    async fn the_same_change_twice_is_no_conflict(db: TestDb) {
        let desk = Desk::new(&db).await;
        let mut program = desk.open(UserForm::edit(desk.bela)).await;
        program.keys("⇥ B.").await;
        desk.meanwhile(Draft::default().with("first_name", "Bela B.")).await;
        program.keys("§").await;
        assert_eq!(program.toast(), "Nothing would change.", "{}", program.screen());
    }

    async fn who_is_overtaken_during_the_review_decides_too(db: TestDb) {
        let desk = Desk::new(&db).await;
        let mut program = desk.open(UserForm::edit(desk.bela)).await;
        program.keys("⇥ B.§").await;
        desk.meanwhile(Draft::default().with("first_name", "Adalbert")).await;
        program.keys("y").await;
        assert_eq!(program.top(), "bela was changed meanwhile", "{}", program.screen());
        assert_eq!(desk.user("first_name").await, "Adalbert");
        program.keys("→§").await;
        program.keys("§").await;
        desk.meanwhile(Draft::default().with("last_name", "Nowak")).await;
        program.keys("y").await;
        assert!(program.toast().contains("Nothing was written.") && program.toast().contains("Novak → Nowak"));
        program.keys("§").await;
        program.keys("y").await;
        assert_eq!((desk.user("first_name").await.as_str(), desk.user("last_name").await.as_str()), ("Bela B.", "Nowak"));
    }

    async fn groups_given_by_two_are_merged(db: TestDb) {
        let desk = Desk::new(&db).await;
        let (engineer, amc) = (desk.group("Engineer").await, desk.group("AMC Admin").await);
        let mut program = desk.open(UserForm::edit(desk.bela)).await;
        program.keys("⇥⇥⇥⇥⇥⇥⇥⇥ ").await;
        desk.meanwhile(Draft { groups: Groups::Change { add: vec![amc], remove: vec![] }, ..Draft::default() }).await;
        program.keys("§").await;
        program.shows("it stays so: Groups Engineer →");
        program.keys("y").await;
        let now = desk.rows().await.group_ids();
        assert_eq!(now, [amc], "without {engineer}");
    }

    async fn what_others_give_and_take_is_shown_before_the_review(db: TestDb) {
        let desk = Desk::new(&db).await;
        let (engineer, amc, admin) =
            (desk.group("Engineer").await, desk.group("AMC Admin").await, desk.group("Admin").await);
        let mut program = desk.open(Memberships::new(desk.bela)).await;
        program.keys("jj ").await;
        program.shows("gains Admin; loses nothing");
        let theirs = Groups::Change { add: vec![amc], remove: vec![engineer] };
        desk.meanwhile(Draft { groups: theirs, ..Draft::default() }).await;
        program.keys("§").await;
        assert_eq!(program.toast(), "Somebody else changed bela: given AMC Admin; taken Engineer. Nothing was written; look again.");
        program.shows("[x] AMC Admin");
        program.shows("gains Admin; loses nothing");
        program.keys("§").await;
        program.shows("Type bela to go on");
        // Overtaken once more, during the review: nothing is written, and the list is read again.
        let theirs = Groups::Change { add: vec![admin], remove: vec![] };
        desk.meanwhile(Draft { groups: theirs, ..Draft::default() }).await;
        let before = digest(&db).await;
        program.keys("bela⏎").await;
        assert_eq!(digest(&db).await, before, "{}", program.screen());
        assert_eq!(program.toast(), "Somebody else changed bela: given Admin. Nothing was written; look again.");
        program.shows("gains nothing; loses nothing");
    }

    async fn a_password_set_by_two_is_asked_and_never_shown(db: TestDb) {
        let desk = Desk::new(&db).await;
        let mut program = desk.open(PasswordForm::new(desk.bela, "bela")).await;
        program.keys("wQ7-uphill-tram⇥wQ7-uphill-tram").await;
        let theirs = "pbkdf2_sha256$1$0123456789abcdefABCDEG$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
        desk.meanwhile(Draft { encoded_password: Some(theirs.to_owned()), ..Draft::default() }).await;
        program.keys("§").await;
        program.shows("Password    as it was       changed         the new one");
        assert!(!program.screen().contains("pbkdf2") && !program.screen().contains("uphill"), "{}", program.screen());
        program.keys("←§").await;
        program.keys("§").await;
        assert_eq!(program.toast(), "Type a password, generate one, or disable it.");
        assert_eq!(desk.user("password").await, theirs);
    }

    async fn an_account_deleted_meanwhile_can_be_made_anew(db: TestDb) {
        let desk = Desk::new(&db).await;
        let mut program = desk.open(UserForm::edit(desk.bela)).await;
        program.keys("⇥ B.").await;
        // An off-boarded account is taken away by hand, as Django's admin would.
        for sql in ["DELETE FROM auth_user_groups", "DELETE FROM core_userprofile", "DELETE FROM auth_user"] {
            db.run(sql).await;
        }
        program.keys("§").await;
        program.shows("bela was deleted meanwhile");
        program.keys("y").await;
        assert_eq!(program.top(), "New user", "{}", program.screen());
        program.shows("Bela B.");
        program.keys("§").await;
        assert_eq!(program.top(), "Create bela", "{}", program.screen());
        program.keys("y").await;
        let id = users::find(&desk.portal, "bela").await.unwrap();
        let rows = Rows::read(&desk.portal, id).await.unwrap();
        assert_eq!((rows.user.text("first_name"), rows.user.text("last_name")), (Some("Bela B."), Some("Novak")));
        assert_eq!(rows.profiles[0].text("phone_number"), Some("+1 555 0100"));
        assert_eq!(rows.group_ids(), [desk.group("Engineer").await]);
    }

    async fn a_refused_plan_names_every_column_and_no_secret(db: TestDb) {
        let desk = Desk::new(&db).await;
        let draft = Draft { encoded_password: Some("!mine".to_owned()), ..Draft::default() };
        let draft = draft.with("first_name", "B.").with("phone_number", "1");
        let plan = accounts::edit(&desk.portal, desk.bela, &draft).await.unwrap();
        let theirs = Draft { encoded_password: Some("!theirs".to_owned()), ..Draft::default() };
        desk.meanwhile(theirs.with("last_name", "Nowak").with("phone_number", "911")).await;
        let before = digest(&db).await;
        let error = desk.portal.writer().unwrap().apply(plan).await.unwrap_err();
        assert_eq!((error.kind, error.kind.exit_code()), (Kind::Conflict, 4));
        let mut columns: Vec<&str> = error.differences.iter().map(|it| it.column.as_str()).collect();
        columns.sort_unstable();
        assert_eq!(columns, ["last_name", "password", "phone_number"]);
        let phone = error.differences.iter().find(|it| it.column == "phone_number").unwrap();
        assert!(phone.base.contains("0100") && phone.theirs.contains("911"), "{phone:?}");
        assert!(!format!("{error:?}").contains("!theirs") && !format!("{error:?}").contains("pbkdf2"));
        assert!(error.message.contains("last_name") && error.message.contains("phone_number"), "{error}");
        assert_eq!(digest(&db).await, before);
    }

    async fn a_group_that_somebody_else_gave_meanwhile_is_named(db: TestDb) {
        let desk = Desk::new(&db).await;
        let admin = desk.group("Admin").await;
        let groups = || Groups::Change { add: vec![admin], remove: vec![] };
        let draft = Draft { groups: groups(), ..Draft::default() }.with("first_name", "B.");
        let plan = accounts::edit(&desk.portal, desk.bela, &draft).await.unwrap();
        desk.meanwhile(Draft { groups: groups(), ..Draft::default() }).await;
        let before = digest(&db).await;
        let error = desk.portal.writer().unwrap().apply(plan).await.unwrap_err();
        assert_eq!((error.kind, error.kind.exit_code()), (Kind::Duplicate, 4));
        assert_eq!(
            error.message,
            "bela is already a member of Admin, given meanwhile; nothing was written. Look again."
        );
        assert_eq!(digest(&db).await, before);
    }
}
