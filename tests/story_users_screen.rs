//! The Users tab, by keys through the real loop over a real portal in SQLite: what it shows, what it writes, what it costs.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/program.rs"]
mod program;
mod support;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use portaldesk::change::{Account, Actor};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, ReadOnly, Settings, groups, users};
use portaldesk::tui::event_loop::NoHost;
use portaldesk::tui::screens::users::Users;
use portaldesk::tui::{App, EventLoop, Input, Key, Screen, code, ctrl, key};
use program::{Program, clock, setup};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, TestBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use support::{Made, Server, TestDb, digest};

const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
const OTHER_HASH: &str =
    "pbkdf2_sha256$1$0123456789abcdefABCDEF$wWYlblNv6KDJToWgCkLfQbjlp6SOsy9XHjqVfwiLRR4=";

/// A portal in the hands of one of its users.
struct Desk {
    db: TestDb,
    portal: Portal,
}

impl Desk {
    /// Five people: one healthy, one without a profile, names in several scripts, and a name that attacks the terminal.
    async fn new() -> Self {
        let db = TestDb::new(Server::Sqlite, Made::Init).await;
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let desk = Self { db, portal };
        desk.apply(groups::setup(&desk.portal).await.unwrap()).await;
        desk.db
            .run(
                "INSERT INTO core_department (name, description, is_active, created_at) VALUES \
                  ('IT', '', 1, '2025-01-01'), ('営業部', '', 1, '2025-01-01')",
            )
            .await;
        desk.add("amir", ("امیر", "رحیمی"), "IT", "Admin", &[("is_superuser", "true")]).await;
        desk.add(
            "bela",
            ("Bela", "Novak"),
            "IT",
            "Engineer",
            &[("phone_number", "+1 555 0100"), ("main_portal_id", "B31")],
        )
        .await;
        desk.db.add_user("cho").await;
        desk.add("dana", ("조민지", "日本語の名前"), "営業部", "AMC Admin", &[("is_active", "false")]).await;
        desk.add("eva", ("E\u{301}va", "Nowa\u{301}k"), "IT", "Engineer", &[]).await;
        desk.db
            .run("UPDATE auth_user SET date_joined = '2025-06-01 12:00:00', password = '!canary' WHERE username = 'cho'; \
                  UPDATE auth_user SET first_name = 'x' || char(27) || '[2J' || char(8238) || 'y' WHERE username = 'cho'; \
                  UPDATE auth_user SET date_joined = '2024-03-02 12:00:00', last_login = '2025-08-29 10:30:00' \
                  WHERE username <> 'cho'; \
                  UPDATE auth_user SET last_login = '2025-10-09 06:53:00' WHERE username = 'amir'; \
                  UPDATE portaldesk_change SET made = '2025-10-01 12:00:00'")
            .await;
        desk.used_by("amir").await
    }

    async fn add(
        &self,
        name: &str,
        names: (&str, &str),
        department: &str,
        group: &str,
        more: &[(&'static str, &str)],
    ) {
        let department = portaldesk::directory::departments::find(&self.portal, department).await.unwrap();
        let group = groups::find(&self.portal, group).await.unwrap();
        let mut draft = Draft {
            encoded_password: Some(HASH.into()),
            department: Some(Some(department)),
            groups: Groups::Set(vec![group]),
            ..Draft::default()
        }
        .with("username", name)
        .with("first_name", names.0)
        .with("last_name", names.1)
        .with("email", format!("{name}@example.org"));
        for (field, value) in more {
            draft = draft.with(field, *value);
        }
        self.apply(accounts::create(&self.portal, &draft).await.unwrap()).await;
    }

    /// So many users more, named `user000001` and so on.
    async fn add_many(&self, count: usize) {
        self.db
            .run(&format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
                 INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
                 is_active, date_joined, last_login) SELECT '{HASH}', 0, printf('user%06d', i), \
                 substr('AdaBelChoDanEva', 1 + i % 5 * 3, 3), 'Number ' || (i * 7919 % 997), \
                 printf('user%06d@example.org', i), 0, i % 9 > 0, '2024-03-02 12:00:00', \
                 datetime('2025-10-09', '-' || (i % 300) || ' days') FROM n; \
                 INSERT INTO core_userprofile (user_id, department_id, phone_number, main_portal_id, \
                 email_notifications, created_at, updated_at) SELECT id, 1 + id % 2, '+1 555 ' || id, NULL, 1, \
                 date_joined, date_joined FROM auth_user WHERE username LIKE 'user%'; \
                 INSERT INTO auth_user_groups (user_id, group_id) SELECT id, 1 + id % 3 FROM auth_user \
                 WHERE username LIKE 'user%'"
            ))
            .await;
    }

    async fn apply(&self, plan: portaldesk::change::Plan) {
        self.portal.writer().unwrap().apply(plan).await.unwrap();
    }

    async fn id(&self, name: &str) -> i64 {
        users::find(&self.portal, name).await.unwrap()
    }

    async fn used_by(self, name: &str) -> Self {
        let id = self.id(name).await;
        let portal = self.portal.signed_in(Account { id, username: name.to_owned() });
        Self { portal, ..self }
    }

    async fn open(&self, width: u16, height: u16) -> Program<TestBackend> {
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        Program::over(self.portal.clone(), terminal, Size::new(width, height)).await
    }
}

impl<B: Backend> Program<B>
where
    B::Error: std::fmt::Display,
{
    async fn over(portal: Portal, terminal: Terminal<B>, size: Size) -> Self {
        let setup = setup(vec![Box::new(Users::new(clock()))], portal);
        let mut program = Self(EventLoop::new(App::new(setup, size), terminal, NoHost::default()));
        program.press("").await;
        program
    }

    fn status(&self) -> String {
        self.0.app.top().map(Screen::status).unwrap_or_default()
    }
}

impl Program<TestBackend> {
    /// The user whose row has the cursor.
    fn on(&self) -> String {
        let shown = self.shown();
        let line = shown.lines().find(|line| line.contains('▸')).unwrap_or_default();
        line.trim_start_matches(['▸', ' ', '●']).split_whitespace().next().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn the_list_in_a_usual_terminal() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("j").await;
    insta::assert_snapshot!("list_80x24", program.shown());
}

#[tokio::test]
async fn the_list_with_the_record_beside_it() {
    let desk = Desk::new().await;
    let mut program = desk.open(120, 40).await;
    program.press("j").await;
    insta::assert_snapshot!("list_120x40", program.shown());
}

#[tokio::test]
async fn the_list_in_a_very_small_terminal() {
    let desk = Desk::new().await;
    let program = desk.open(40, 10).await;
    insta::assert_snapshot!("list_40x10", program.shown());
}

#[tokio::test]
async fn the_record_as_a_screen() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("jj⏎").await;
    assert_eq!(program.titles(), ["Users", "cho"]);
    insta::assert_snapshot!("record_80x24", program.shown());
    program.press("⎋").await;
    assert_eq!((program.titles(), program.on()), (vec!["Users".to_owned()], "cho".to_owned()));
}

#[tokio::test]
async fn a_review_and_what_it_did_and_its_undo() {
    let desk = Desk::new().await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(80, 24).await;
    program.press("jL").await;
    insta::assert_snapshot!("review_80x24", program.shown());
    program.press("⏎").await;
    assert_eq!(digest(&desk.db).await, before, "Enter confirms nothing");
    program.press("y").await;
    assert_eq!(program.toast(), "Deactivated bela · u undoes");
    assert!(program.shown().contains("inactive"), "{}", program.shown());
    let after = digest(&desk.db).await;
    program.press("u").await;
    assert_eq!(program.titles(), ["Users", "Undo: Deactivate bela"]);
    assert!(program.shown().contains("revives the portal sessions"), "{}", program.shown());
    program.press("y").await;
    assert_eq!(program.toast(), "Taken back: Deactivate bela · U redoes");
    assert_eq!(digest(&desk.db).await, before);
    program.press("Uy").await;
    assert_eq!(digest(&desk.db).await, after);
    program.press("uy").await;
    assert_eq!(digest(&desk.db).await, before, "what was done again can be undone again");
}

#[tokio::test]
async fn deleting_offers_off_boarding_first_and_asks_for_the_name() {
    let desk = Desk::new().await;
    let before = digest(&desk.db).await;
    let bela = desk.id("bela").await;
    desk.db
        .run(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 214) \
             INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, user_id) \
             SELECT '2025-10-01 12:00:00', i, 'ticket ' || i, 1, '', {bela} FROM n"
        ))
        .await;
    let mut program = desk.open(80, 24).await;
    program.press("jD").await;
    insta::assert_snapshot!("delete_80x24", program.shown());
    program.press("D").await;
    insta::assert_snapshot!("delete_review_80x24", program.shown());
    program.press("y⏎").await;
    assert_eq!(digest(&desk.db).await, before, "neither y nor Enter deletes");
    program.press("⎋Doy").await;
    assert_eq!(program.toast(), "Off-boarded bela · u undoes");
    program.press("uy").await;
    assert!(program.shown().contains("unusable → pbkdf2_sha256"), "{}", program.shown());
    program.press("y").await;
    assert_eq!(digest(&desk.db).await, before);
    program.press("DDbela⏎").await;
    assert_eq!(program.toast(), "Deleted bela · u undoes");
    program.press("u217⏎").await;
    assert_eq!(program.toast(), "Taken back: Delete bela · U redoes");
    assert_eq!(digest(&desk.db).await, before);
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_delete_is_named_in_a_very_small_terminal_too() {
    let desk = Desk::new().await;
    desk.db.run("CREATE TABLE core_complaint (id integer PRIMARY KEY, author_id integer REFERENCES auth_user (id))").await;
    desk.db.run("INSERT INTO core_complaint SELECT NULL, id FROM auth_user WHERE username = 'bela'").await;
    let portal =
        Portal::over(desk.db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
    let desk = Desk { portal, ..desk }.used_by("amir").await;
    for (width, height, snapshot) in [(80, 24, "delete_refused_80x24"), (40, 10, "delete_refused_40x10")] {
        let mut program = desk.open(width, height).await;
        program.press("jD").await;
        insta::assert_snapshot!(snapshot, program.shown());
        program.press("jjjjjj").await;
        assert!(program.shown().contains("core_complaint"), "{}", program.shown());
    }
}

#[tokio::test]
async fn the_menu_has_every_action_on_one_user() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("ja").await;
    insta::assert_snapshot!("menu_80x24", program.shown());
    program.press("c").await;
    assert_eq!(program.titles(), ["Users", "New user like bela"]);
    insta::assert_snapshot!("like_80x24", program.shown());
}

#[tokio::test]
async fn taking_back_a_password_asks_whether_the_old_one_should_work_again() {
    let desk = Desk::new().await;
    let id = desk.id("bela").await;
    let before = digest(&desk.db).await;
    desk.apply(accounts::set_password(&desk.portal, id, OTHER_HASH.to_owned()).await.unwrap()).await;
    let after = digest(&desk.db).await;
    let mut program = desk.open(80, 24).await;
    program.press("u").await;
    assert!(program.shown().contains("Should the old one work again?"), "{}", program.shown());
    program.press("⏎").await;
    assert!(program.shown().contains("Nothing can be taken back"), "{}", program.shown());
    assert_eq!(digest(&desk.db).await, after);
    program.press("⎋uy").await;
    assert_eq!(program.titles(), ["Users", "Undo: Set the password of bela"]);
    assert!(!program.shown().contains("pbkdf2_sha256$"), "{}", program.shown());
    program.press("y").await;
    assert_eq!(digest(&desk.db).await, before);
}

#[tokio::test]
async fn what_changed_since_is_left_and_said() {
    let desk = Desk::new().await;
    let id = desk.id("bela").await;
    let draft = Draft::default().with("first_name", "Ada").with("last_name", "King");
    desk.apply(accounts::edit(&desk.portal, id, &draft).await.unwrap()).await;
    desk.db.run("UPDATE auth_user SET last_name = 'Lovelace' WHERE username = 'bela'").await;
    let mut program = desk.open(100, 24).await;
    program.press("u").await;
    let shown = program.shown();
    assert!(shown.contains("~ First name  Ada → Bela"), "{shown}");
    assert!(shown.contains("last_name changed since, so it stays"), "{shown}");
}

#[tokio::test]
async fn a_filter_is_typed_kept_and_cleared() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("/nov").await;
    assert!(program.shown().contains("bela") && !program.shown().contains("dana"), "{}", program.shown());
    assert_eq!(program.status(), "1 of 1 · by username");
    program.press("⏎j").await;
    assert!(program.shown().contains(" / nov"), "a kept filter stays visible: {}", program.shown());
    program.press("⎋").await;
    assert_eq!(program.status(), "1 of 5 · by username");
    program.press("/zzz").await;
    assert!(program.shown().contains("No user matches"), "{}", program.shown());
    program.press("⎋⎋⎋").await;
    assert_eq!(program.titles(), ["Users"]);
}

#[tokio::test]
async fn a_long_list_is_walked_to_both_ends_and_turned_round() {
    let desk = Desk::new().await;
    desk.add_many(1_199).await;
    let mut program = desk.open(80, 24).await;
    assert_eq!((program.on(), program.status()), ("amir".to_owned(), "1 of 1 204 · by username".to_owned()));
    program.press("G").await;
    assert_eq!(
        (program.on(), program.status()),
        ("user001199".to_owned(), "1 204 of 1 204 · by username".to_owned())
    );
    program.press("g").await;
    program.feed(vec![key('j'); 700]).await;
    assert_eq!(
        (program.on(), program.status()),
        ("user000696".to_owned(), "701 of 1 204 · by username".to_owned())
    );
    program.press("S").await;
    assert_eq!(
        (program.on(), program.status()),
        ("user000696".to_owned(), "504 of 1 204 · by username, reversed".to_owned())
    );
    program.feed(vec![ctrl('d'); 300]).await;
    assert_eq!(program.on(), "amir");
    program.feed(vec![code(Key::PageUp); 300]).await;
    assert_eq!(
        (program.on(), program.status()),
        ("user001199".to_owned(), "1 of 1 204 · by username, reversed".to_owned())
    );
    program.press("slast⏎").await;
    assert_eq!(program.status(), "1 of 1 204 · by last web login");
}

#[tokio::test]
async fn a_user_made_elsewhere_comes_with_the_reload_and_the_cursor_stays() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("jj").await;
    desk.db.add_user("aaron").await;
    desk.db
        .run(
            "DELETE FROM auth_user_groups WHERE user_id = 2; DELETE FROM core_userprofile WHERE user_id = 2; \
                 DELETE FROM auth_user WHERE id = 2",
        )
        .await;
    program.press("r").await;
    assert_eq!(program.on(), "cho");
    assert!(program.shown().contains("aaron") && !program.shown().contains("bela"), "{}", program.shown());
}

#[tokio::test]
async fn a_new_user_is_moved_to() {
    let desk = Desk::new().await;
    desk.add_many(500).await;
    let mut program = desk.open(80, 24).await;
    program.press("n").await;
    for c in "user000250x".chars() {
        program.feed(vec![key(c)]).await;
    }
    program.feed(vec![ctrl('s')]).await;
    program.press("y").await;
    assert_eq!(program.on(), "user000250x");
    assert_eq!(program.status(), "256 of 506 · by username");
}

#[tokio::test]
async fn who_may_not_is_told_why_and_offered_nothing() {
    let desk = Desk::new().await.used_by("eva").await;
    let mut program = desk.open(80, 24).await;
    for (keys, why) in
        [("n", "This needs the role AMC Admin or above."), ("jL", "This needs the role AMC Admin or above.")]
    {
        program.press(keys).await;
        assert_eq!(program.toast(), why, "{keys}");
    }
    let footer = program.shown().lines().last().unwrap_or_default().to_owned();
    assert!(!footer.contains("new") && !footer.contains("edit") && !footer.contains("undo"), "{footer}");
    program.press("a").await;
    assert!(program.shown().contains("v  view every permission"), "{}", program.shown());
    assert!(!program.shown().contains("password"), "{}", program.shown());
    program.feed(vec![code(Key::Esc)]).await;
    program.press("Ga").await;
    assert_eq!(program.titles(), ["Users", "eva"]);
    assert!(program.shown().contains("p  set or generate a password"), "{}", program.shown());
    program.press("p").await;
    assert_eq!(program.titles().len(), 2);
}

#[tokio::test]
async fn a_portal_opened_read_only_offers_no_write() {
    let mut desk = Desk::new().await;
    desk.portal.read_only = Some(ReadOnly::Asked);
    let mut program = desk.open(80, 24).await;
    for keys in ["n", "e", "L", "u"] {
        program.press(keys).await;
        assert_eq!(program.toast(), ReadOnly::Asked.to_string(), "{keys}");
        assert_eq!(program.titles(), ["Users"]);
    }
}

#[tokio::test]
async fn beside_the_list_tab_moves_into_the_record_and_back() {
    let desk = Desk::new().await;
    let mut program = desk.open(120, 12).await;
    program.press("⇥j").await;
    assert_eq!(program.on(), "amir", "the record scrolls, the list does not");
    program.press("⇥j").await;
    assert_eq!(program.on(), "bela");
    assert!(program.shown().contains("bela@example.org"), "{}", program.shown());
    program.press("⏎⎋j").await;
    assert_eq!(program.on(), "cho");
}

#[tokio::test]
async fn every_small_size_can_be_drawn() {
    let desk = Desk::new().await;
    for keys in ["", "/x", "⏎", "s", "a", "L"] {
        let mut program = desk.open(120, 30).await;
        program.press(keys).await;
        for (width, height) in
            (1..=120).step_by(7).flat_map(|width| (1..=12).map(move |height| (width, height)))
        {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| program.0.app.draw(frame)).unwrap();
        }
    }
}

/// A terminal as the program writes to it, of a size that is said.
struct Wire {
    inner: CrosstermBackend<Written>,
    size: Size,
}

#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    fn take(&self) -> usize {
        self.0.take().len()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Backend for Wire {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        // As the real backend: what changes nothing is not written.
        let mut content = content.peekable();
        if content.peek().is_none() { Ok(()) } else { self.inner.draw(content) }
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What one frame adds around its bytes: begin and end of a synchronized update.
const FRAME: usize = "\x1b[?2026h\x1b[?2026l".len();

#[tokio::test]
async fn a_row_down_costs_few_bytes() {
    let desk = Desk::new().await;
    desk.add_many(3_000).await;
    // Accounts in which nothing is to be found: what was found takes room.
    desk.db
        .run("UPDATE auth_user SET last_login = CURRENT_TIMESTAMP, password = replace(password, '$1$', '$1000000$')")
        .await;
    let written = Written::default();
    let size = Size::new(120, 40);
    let wire = Wire { inner: CrosstermBackend::new(written.clone()), size };
    let mut program = Program::over(desk.portal.clone(), Terminal::new(wire).unwrap(), size).await;
    program.press("jjjjj").await;
    written.take();
    // The record follows when the cursor rests, in a frame of its own.
    program.press("j").await;
    let one = written.take() + 2 * FRAME;
    let mut held = 0;
    for _ in 0..200 {
        let chord = Input::Key(key('j'));
        program.0.app.update(&portaldesk::tui::input::Arrival::now(chord));
        program.0.terminal.draw(|frame| program.0.app.draw(frame)).unwrap();
        while let Some(finished) = program.0.app.jobs().try_next() {
            program.0.app.finished(finished);
        }
        tokio::task::yield_now().await;
        held += written.take() + FRAME;
    }
    assert!(held / 200 <= 450, "{} bytes a row", held / 200);
    assert!(one <= 450, "{one} bytes for a row and the record");
}
