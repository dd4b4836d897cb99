//! The History tab, by keys through the real loop over a real portal in SQLite: what it shows, filters, opens and takes
//! back.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/program.rs"]
mod program;
mod support;

use portaldesk::change::{Account, Actor, Plan};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, Settings, groups, users};
use portaldesk::tui::screens::history::History;
use portaldesk::tui::screens::users::Users;
use portaldesk::tui::{Screen, Setup, Theme};
use program::{Program, clock, setup};
use support::{Made, Server, TestDb, digest};

const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
const OTHER_HASH: &str =
    "pbkdf2_sha256$1$0123456789abcdefABCDEF$wWYlblNv6KDJToWgCkLfQbjlp6SOsy9XHjqVfwiLRR4=";

/// A portal in the hands of its Admin.
struct Desk {
    db: TestDb,
    portal: Portal,
}

impl Desk {
    /// Two accounts, made from the command line; then amir works on bela, here and in the portal's admin.
    async fn new() -> Self {
        let db = TestDb::new(Server::Sqlite, Made::Init).await;
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let desk = Self { db, portal };
        desk.apply(groups::setup(&desk.portal).await.unwrap()).await;
        desk.db
            .run(
                "INSERT INTO core_department (name, description, is_active, created_at) VALUES \
                  ('Sales', '', 1, '2025-01-01'), ('IT', '', 1, '2025-01-01')",
            )
            .await;
        desk.add("amir", "Admin", &[("is_superuser", "true"), ("is_staff", "true")]).await;
        desk.add("bela", "Engineer", &[]).await;
        let bela = users::find(&desk.portal, "bela").await.unwrap();
        let mut desk = desk.in_hands_of("amir").await;
        let from = Actor {
            ssh_from: Some("192.0.2.7".to_owned()),
            ticket: Some("T-17".to_owned()),
            ..(*desk.portal.actor).clone()
        };
        desk.portal.actor = from.into();
        for draft in [
            Draft { department: Some(Some(1)), ..Draft::default() }.with("phone_number", "+1 555 0100"),
            Draft { department: Some(Some(2)), ..Draft::default() },
            Draft { encoded_password: Some(OTHER_HASH.into()), ..Draft::default() },
        ] {
            desk.apply(accounts::edit(&desk.portal, bela, &draft).await.unwrap()).await;
        }
        let amir = users::find(&desk.portal, "amir").await.unwrap();
        desk.db
            .run(&format!(
                "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, \
                 content_type_id, user_id) SELECT '2025-10-09 08:30:00', '{bela}', 'bela', 2, \
                 '[{{\"changed\": {{\"fields\": [\"First name\", \"Email address\"]}}}}]', id, {amir} \
                 FROM django_content_type WHERE app_label = 'auth' AND model = 'user'"
            ))
            .await;
        desk
    }

    /// Gives everything the same time and the same names in every run; the chain of hashes does not survive that.
    async fn made_plain(self) -> Self {
        self.db
            .run(
                "UPDATE portaldesk_change SET operation = 'operation-' || id, run = 'run-' || id, \
                 made = datetime('2025-10-09 08:00:00', '+' || (id * 7) || ' minutes'); \
                 DELETE FROM django_admin_log WHERE change_message LIKE '%portaldesk%'",
            )
            .await;
        self
    }

    async fn add(&self, name: &str, group: &str, more: &[(&'static str, &str)]) {
        let group = groups::find(&self.portal, group).await.unwrap();
        let mut draft = Draft {
            encoded_password: Some(HASH.into()),
            groups: Groups::Set(vec![group]),
            ..Draft::default()
        }
        .with("username", name);
        for (field, value) in more {
            draft = draft.with(field, *value);
        }
        self.apply(accounts::create(&self.portal, &draft).await.unwrap()).await;
    }

    async fn apply(&self, plan: Plan) {
        self.portal.writer().unwrap().apply(plan).await.unwrap();
    }

    async fn in_hands_of(self, name: &str) -> Self {
        let id = users::find(&self.portal, name).await.unwrap();
        let portal = self.portal.signed_in(Account { id, username: name.to_owned() });
        Self { portal, ..self }
    }

    async fn open(&self, width: u16, height: u16) -> Program {
        let tabs: Vec<Box<dyn Screen>> = vec![Box::new(History::new(clock())), Box::new(Users::new(clock()))];
        let setup = setup(tabs, self.portal.clone());
        let theme = Theme { colours: false, ascii: false };
        Program::open(Setup { theme, ..setup }, (width, height)).await
    }
}

impl Program {
    fn footer(&self) -> String {
        self.shown().lines().last().unwrap_or_default().to_owned()
    }

    /// The right end of the last line.
    fn status(&self) -> String {
        self.footer().rsplit("   ").next().unwrap_or_default().trim().to_owned()
    }
}

#[tokio::test]
async fn pictures_of_the_tab() {
    let desk = Desk::new().await.made_plain().await;
    for (name, width, height) in [("tab_80x24", 80, 24), ("tab_120x40", 120, 40), ("tab_40x10", 40, 10)] {
        let mut program = desk.open(width, height).await;
        program.press("j").await;
        insta::assert_snapshot!(name, program.shown());
    }
    let mut program = desk.open(80, 24).await;
    program.press("/field:shoes").await;
    insta::assert_snapshot!("problem_80x24", program.shown());
    let mut program = desk.open(40, 10).await;
    program.press("jj⏎").await;
    insta::assert_snapshot!("entry_40x10", program.shown());
}

#[tokio::test]
async fn what_is_found_by_a_filter_is_taken_back_and_done_again() {
    let desk = Desk::new().await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(80, 24).await;
    program.press("/field:department since:1h edit⏎").await;
    assert!(program.status().ends_with("1 of 2"), "{}", program.shown());
    assert!(program.shown().contains("Department  Sales → IT"), "{}", program.shown());
    program.press("u").await;
    assert_eq!(program.titles(), ["History", "Undo: Edit bela"]);
    assert!(program.shown().contains("Department  IT → Sales"), "{}", program.shown());
    assert!(digest(&desk.db).await == before, "a review writes nothing");
    program.confirm().await;
    assert_eq!(program.toast(), "Taken back: Edit bela · U redoes");
    assert!(program.shown().contains("Edit bela (taken back)"), "{}", program.shown());
    program.press("gj").await;
    assert!(!program.footer().contains("u undo  "), "{}", program.footer());
    program.press("u").await;
    assert!(program.toast().starts_with("It was taken back already, by "), "{}", program.toast());
    program.press("g").await;
    assert!(program.shown().contains("takes back "), "{}", program.shown());
    program.press("u").await;
    program.confirm().await;
    assert!(digest(&desk.db).await == before, "the undo of an undo");
}

#[tokio::test]
async fn an_old_password_is_asked_for_and_named_where_it_stays() {
    let desk = Desk::new().await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(80, 24).await;
    program.press("/field:password by:amir source:portaldesk⏎").await;
    assert!(!program.shown().contains("pbkdf2_sha256$1$"), "{}", program.shown());
    program.press("u").await;
    assert!(program.shown().contains("Should the old one work again?"), "{}", program.shown());
    program.press("n").await;
    assert!(program.shown().contains("the old password does not come back"), "{}", program.shown());
    program.press("⎋u").await;
    program.press("y").await;
    program.confirm().await;
    assert!(digest(&desk.db).await != before, "the old password works again");
}

#[tokio::test]
async fn a_filter_that_is_wrong_says_so_and_leaves_the_list() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    let all = program.status();
    program.press("/whom:bela").await;
    assert!(
        program.shown().contains("'whom:bela'") && program.shown().contains("about:, by:"),
        "{}",
        program.shown()
    );
    assert!(program.shown().contains("Create bela"), "the list stays");
    program.press("⎋").await;
    assert!(!program.shown().contains("whom"), "{}", program.shown());
    program.press("/about:nobody⏎").await;
    assert!(program.shown().contains("There is no user 'nobody'"), "{}", program.shown());
    program.press("⎋").await;
    assert_eq!(program.status(), all);
}

#[tokio::test]
async fn the_users_of_an_operation_are_opened_and_their_history_too() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("/\"Create bela\"⏎o").await;
    assert_eq!(program.titles(), ["History", "Users"]);
    assert!(program.shown().contains(" / op:") && program.status().contains("1 of 1"), "{}", program.shown());
    assert!(program.shown().contains("▸  bela"), "{}", program.shown());
    program.press("H").await;
    assert_eq!(program.titles(), ["History", "Users", "History of bela"]);
    assert!(program.status().ends_with("1 of 5"), "{}", program.shown());
    assert!(!program.shown().contains("Create amir"), "{}", program.shown());
    program.press("⎋⎋").await;
    assert_eq!(program.titles(), ["History"], "Esc leaves what was opened with its filter");
}

#[tokio::test]
async fn what_the_portal_did_is_shown_and_stays() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("/source:portal⏎").await;
    assert!(program.shown().contains("Changed “bela” — Changed First name and Email"), "{}", program.shown());
    for key in ["u", "o", "A"] {
        program.press(key).await;
        assert!(program.toast().contains("in the portal's admin"), "{key}: {}", program.toast());
    }
    assert_eq!(program.titles(), ["History"]);
}

#[tokio::test]
async fn who_may_not_see_it_is_told_why() {
    let desk = Desk::new().await.in_hands_of("bela").await;
    let mut program = desk.open(80, 24).await;
    let shown = program.shown();
    assert!(!shown.contains("Create bela") && !shown.contains("/ filter"), "{shown}");
    program.press("u").await;
    assert_eq!(program.titles(), ["History"]);
    program.press("2H").await;
    assert_eq!(program.titles().last().map(String::as_str), Some("Users"), "{}", program.shown());
    assert!(!program.toast().is_empty());
}
