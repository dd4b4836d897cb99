//! The Integrity tab, by keys through the real loop over a real portal in SQLite: what it finds, repairs and takes back.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/program.rs"]
mod program;
mod support;

use std::os::unix::fs::PermissionsExt as _;

use portaldesk::change::{Account, Actor, MOST_ROWS, Plan};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, ReadOnly, Settings, groups, users};
use portaldesk::tui::screens::integrity::Integrity;
use portaldesk::tui::{Key, Screen, Setup, Theme, code, ctrl};
use program::{Program, setup};
use support::{Made, Server, TestDb, digest};

const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
/// A user id that nobody has.
const NOBODY: i64 = 4711;

/// A portal in the hands of its Admin.
struct Desk {
    db: TestDb,
    portal: Portal,
}

impl Desk {
    /// A healthy portal with a superuser (amir) and an engineer (bela).
    async fn new() -> Self {
        let db = TestDb::new(Server::Sqlite, Made::Init).await;
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let desk = Self { db, portal };
        desk.apply(groups::setup(&desk.portal).await.unwrap()).await;
        desk.add("amir", "Admin", &[("is_superuser", "true"), ("is_staff", "true")]).await;
        desk.add("bela", "Engineer", &[]).await;
        desk.in_hands_of("amir").await
    }

    async fn add(&self, name: &str, group: &str, more: &[(&'static str, &str)]) {
        let group = groups::find(&self.portal, group).await.unwrap();
        let mut draft = Draft {
            encoded_password: Some(HASH.into()),
            groups: Groups::Set(vec![group]),
            ..Draft::default()
        }
        .with("username", name)
        .with("email", format!("{name}@example.org"));
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

    /// Accounts as another program makes them, without a profile.
    async fn add_without_profile(&self, names: &[&str]) {
        for name in names {
            self.db.add_user(name).await;
        }
    }

    /// So many of them.
    async fn add_many_without_profile(&self, count: usize) {
        self.db
            .run(&format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
                 INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
                 is_active, date_joined) SELECT '!', 0, printf('user%06d', i), '', '', '', 0, 1, \
                 '2024-03-02 12:00:00' FROM n"
            ))
            .await;
    }

    /// A profile and a membership of somebody who is gone.
    async fn leave_a_ghost(&self) {
        self.db
            .without_foreign_keys(&format!(
                "INSERT INTO core_userprofile (user_id, department_id, phone_number, main_portal_id, \
                 email_notifications, created_at, updated_at) VALUES ({NOBODY}, NULL, NULL, NULL, 1, \
                 '2025-01-01', '2025-01-01'); \
                 INSERT INTO auth_user_groups (user_id, group_id) SELECT {NOBODY}, MIN(id) FROM auth_group"
            ))
            .await;
    }

    /// A second profile of bela's, as a portal without the unique index lets it happen.
    async fn leave_a_twin(&self) {
        self.db.run("ALTER TABLE core_userprofile RENAME TO strict").await;
        self.db
            .run(
                "CREATE TABLE core_userprofile (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, \
                 phone_number varchar(15) NULL, main_portal_id varchar(50) NULL, email_notifications bool NOT NULL, \
                 created_at datetime NOT NULL, updated_at datetime NOT NULL, \
                 department_id bigint NULL REFERENCES core_department (id), \
                 user_id integer NOT NULL REFERENCES auth_user (id))",
            )
            .await;
        let columns = "phone_number, main_portal_id, email_notifications, created_at, updated_at, user_id";
        self.db
            .run(&format!("INSERT INTO core_userprofile (id, {columns}) SELECT id, {columns} FROM strict"))
            .await;
        self.db.run("DROP TABLE strict").await;
        let bela = users::find(&self.portal, "bela").await.unwrap();
        self.db
            .run(&format!("UPDATE core_userprofile SET phone_number = '+1 555 0100' WHERE user_id = {bela}"))
            .await;
        self.db
            .run(&format!(
                "INSERT INTO core_userprofile ({columns}) SELECT '+1 555 0199', main_portal_id, email_notifications, \
                 created_at, '2031-01-01 00:00:00', user_id FROM core_userprofile WHERE user_id = {bela}"
            ))
            .await;
    }

    async fn open(&self, width: u16, height: u16) -> Program {
        let tabs: Vec<Box<dyn Screen>> = vec![Box::new(Integrity::new())];
        let setup = setup(tabs, self.portal.clone());
        let theme = Theme { colours: false, ascii: false };
        Program::open(Setup { theme, ..setup }, (width, height)).await
    }

    async fn profiles(&self) -> i64 {
        self.db.number("SELECT COUNT(*) FROM core_userprofile").await
    }
}

impl Program {
    /// Puts the cursor on the finding of a check.
    async fn go_to(&mut self, id: &str) {
        self.press("g").await;
        let most = self.shown().lines().count();
        for _ in 0..most {
            if self.shown().lines().any(|line| line.contains('▸') && line.contains(id)) {
                return;
            }
            self.press("j").await;
        }
        panic!("{id} is not in the list:\n{}", self.shown());
    }

    fn footer(&self) -> String {
        self.shown().lines().last().unwrap_or_default().to_owned()
    }
}

#[tokio::test]
async fn a_fault_is_found_repaired_and_back_after_the_undo() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["cho", "evan"]).await;
    let (before, profiles) = (digest(&desk.db).await, desk.profiles().await);
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    assert!(program.shown().contains("cho") && program.shown().contains("evan"), "{}", program.shown());
    program.press("F").await;
    assert_eq!(program.titles(), ["Integrity", "PRF-001: repair users without a profile"]);
    assert!(digest(&desk.db).await == before, "a review writes nothing");
    program.press("y").await;
    assert_eq!(program.toast(), "Repaired PRF-001: 2 rows · u undoes · o opens these 2 users");
    assert_eq!(desk.profiles().await, profiles + 2);
    assert!(!program.shown().contains("PRF-001  error"), "{}", program.shown());
    program.press("u").await;
    program.confirm().await;
    assert!(program.toast().starts_with("Taken back"), "{}", program.toast());
    assert!(digest(&desk.db).await == before);
    program.go_to("PRF-001").await;
}

#[tokio::test]
async fn rows_are_repaired_one_by_one_or_as_marked() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["ada", "ben", "cho", "dan"]).await;
    let profiles = desk.profiles().await;
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("⏎").await;
    assert_eq!(program.titles(), ["Integrity", "PRF-001"]);
    program.press("jd").await;
    let preview = program.shown();
    assert!(preview.contains("ben") && !preview.contains("ada"), "only the row under the cursor:\n{preview}");
    program.press("⎋F").await;
    program.press("y").await;
    assert_eq!(program.toast(), "Repaired PRF-001: 1 row · u undoes · o opens this user");
    assert_eq!(desk.profiles().await, profiles + 1);
    assert!(!program.shown().contains("'ben'"), "{}", program.shown());
    program.press("g  F").await;
    program.press("y").await;
    assert_eq!(desk.profiles().await, profiles + 3);
    assert!(program.shown().contains("'dan'") && !program.shown().contains("'ada'"), "{}", program.shown());
    program.press("u").await;
    program.confirm().await;
    assert_eq!(desk.profiles().await, profiles + 1);
    assert!(program.shown().contains("'ada'"), "{}", program.shown());
    program.press("A").await;
    program.press("y").await;
    assert_eq!(program.titles(), ["Integrity"], "nothing is left to show");
    assert_eq!(desk.profiles().await, profiles + 4);
}

#[tokio::test]
async fn the_rows_of_a_finding_in_usual_and_very_small_terminals() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["ada", "b\u{1b}en", "日本語の名前"]).await;
    for (name, width, height) in [("rows_80x24", 80, 24), ("rows_40x10", 40, 10)] {
        let mut program = desk.open(width, height).await;
        program.go_to("PRF-001").await;
        program.press("⏎ ").await;
        let shown = program.shown();
        // The first line counts what every check finds.
        insta::assert_snapshot!(name, shown.split_once('\n').unwrap().1);
    }
}

#[tokio::test]
async fn more_than_ten_rows_ask_for_their_count() {
    let desk = Desk::new().await;
    let names: Vec<String> = (10..22).map(|number| format!("user{number}")).collect();
    desk.add_without_profile(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let profiles = desk.profiles().await;
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("A").await;
    program.press("y⏎").await;
    assert_eq!(desk.profiles().await, profiles, "y alone is not enough");
    program.press("⎋A").await;
    program.press(&format!("{}⏎", names.len())).await;
    assert_eq!(
        program.toast(),
        format!("Repaired PRF-001: {0} rows · u undoes · o opens these {0} users", names.len())
    );
}

#[tokio::test]
async fn a_repair_of_several_plans_is_one_to_repair_and_one_to_take_back() {
    let desk = Desk::new().await;
    let count = MOST_ROWS + 100;
    desk.add_many_without_profile(count).await;
    let (before, profiles) = (digest(&desk.db).await, desk.profiles().await);
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("A").await;
    assert!(program.shown().contains(&format!("Type {count} to go on")), "{}", program.shown());
    program.confirm().await;
    assert_eq!(
        program.toast(),
        format!("Repaired PRF-001: {count} rows · u undoes · o opens these {count} users")
    );
    assert_eq!(usize::try_from(desk.profiles().await - profiles).unwrap(), count);
    program.press("u").await;
    program.confirm().await;
    assert!(digest(&desk.db).await == before, "{}", program.toast());
}

#[tokio::test]
async fn ghosts_are_removed_and_come_back_with_the_undo() {
    let desk = Desk::new().await;
    desk.leave_a_ghost().await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(120, 40).await;
    for id in ["PRF-003", "REL-001"] {
        program.go_to(id).await;
        program.press("F").await;
        program.confirm().await;
        assert!(program.toast().starts_with(&format!("Repaired {id}: 1 row")), "{}", program.toast());
    }
    assert!(!program.shown().contains("critical"), "{}", program.shown());
    for _ in 0..2 {
        program.press("u").await;
        program.confirm().await;
    }
    assert!(digest(&desk.db).await == before);
    program.go_to("REL-001").await;
}

#[tokio::test]
async fn what_needs_a_choice_is_asked_and_not_repaired() {
    let desk = Desk::new().await;
    desk.db.run("UPDATE auth_group SET name = 'engineer' WHERE name = 'Engineer'").await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(80, 24).await;
    program.go_to("GRP-001").await;
    assert!(program.shown().contains("choose"), "{}", program.shown());
    program.press("A").await;
    assert!(program.toast().contains("someone must choose"), "{}", program.toast());
    program.press("F").await;
    assert_eq!(program.titles(), ["Integrity", "Decide GRP-001"]);
    assert!(digest(&desk.db).await == before);
}

#[tokio::test]
async fn profiles_that_differ_become_one_as_somebody_decides() {
    let desk = Desk::new().await;
    desk.leave_a_twin().await;
    let (before, profiles) = (digest(&desk.db).await, desk.profiles().await);
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-002").await;
    program.press("F").await;
    assert_eq!(program.titles(), ["Integrity", "Decide PRF-002"]);
    // The newest is proposed; the other side is chosen.
    assert!(program.shown().contains("● +1 555 0199"), "{}", program.shown());
    program.feed(vec![code(Key::Left)]).await;
    let shown = program.shown();
    assert!(shown.contains("● +1 555 0100") && shown.contains("The result, nothing written yet"), "{shown}");
    program.feed(vec![ctrl('s')]).await;
    program.confirm().await;
    assert!(program.toast().ends_with("· u undoes"), "{}", program.toast());
    assert_eq!(program.titles(), ["Integrity"], "nothing is left to decide");
    assert_eq!(desk.profiles().await, profiles - 1);
    assert_eq!(
        desk.db.number("SELECT COUNT(*) FROM core_userprofile WHERE phone_number = '+1 555 0100'").await,
        1
    );
    program.press("u").await;
    program.confirm().await;
    assert!(digest(&desk.db).await == before, "{}", program.toast());
    program.go_to("PRF-002").await;
}

#[tokio::test]
async fn a_record_shows_its_findings_and_repairs_them() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["cho", "evan"]).await;
    let profiles = desk.profiles().await;
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("⏎⏎").await;
    let shown = program.shown();
    assert!(shown.contains("Findings    PRF-001 error: users without a profile; F repairs it"), "{shown}");
    program.press("F").await;
    program.confirm().await;
    assert!(program.toast().starts_with("Repaired PRF-001: 1 row"), "{}", program.toast());
    assert_eq!((program.titles().last().unwrap().as_str(), desk.profiles().await), ("cho", profiles + 1));
    assert!(!program.shown().contains("PRF-001 error"), "{}", program.shown());
    // What is left of it needs a choice: which group.
    program.press("F").await;
    assert!(program.titles().last().unwrap().starts_with("Decide USR-003"), "{:?}", program.titles());
}

#[tokio::test]
async fn a_finding_is_accepted_with_a_reason_shown_apart_and_taken_back() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["robot", "cho"]).await;
    let before = digest(&desk.db).await;
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("⏎b").await;
    assert_eq!(program.titles().last().unwrap(), "Accept 1 × PRF-001");
    program.press("a machine signs in with it⇥30d").await;
    program.feed(vec![ctrl('s')]).await;
    let review = program.shown();
    assert!(review.contains("'robot'") && !review.contains("'cho'"), "{review}");
    assert!(review.contains("Reason: a machine signs in with it"), "{review}");
    program.press("y").await;
    assert!(program.toast().starts_with("Accepted 1 × PRF-001"), "{}", program.toast());
    assert!(!program.shown().contains("'robot'") && program.shown().contains("'cho'"), "{}", program.shown());
    // It is apart in the list, and nothing repairs it.
    program.press("⎋A").await;
    program.press("y").await;
    assert!(program.toast().starts_with("Repaired PRF-001: 1 row"), "{}", program.toast());
    assert!(program.shown().contains("1 accepted"), "{}", program.shown());
    program.press("u").await;
    program.confirm().await;
    program.press("G").await;
    let shown = program.shown();
    assert!(shown.contains("Accepted by amir") && shown.contains("'robot'"), "{shown}");
    program.press("F").await;
    assert!(program.toast().contains("was accepted"), "{}", program.toast());
    // Everybody sees it, and everybody may take it back.
    let mut other = desk.open(120, 40).await;
    assert!(other.shown().contains("1 accepted"), "{}", other.shown());
    other.press("Gb").await;
    assert!(other.shown().contains("It counts again, for everyone."), "{}", other.shown());
    other.press("y").await;
    assert_eq!(other.toast(), "Taken back: 1 × PRF-001 counts again");
    assert!(!other.shown().contains("accepted"), "{}", other.shown());
    assert!(digest(&desk.db).await == before, "no row of the portal was written but what was undone");
}

#[tokio::test]
async fn a_read_only_portal_is_scanned_and_nothing_else() {
    let mut desk = Desk::new().await;
    desk.add_without_profile(&["cho"]).await;
    desk.portal.read_only = Some(ReadOnly::Asked);
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("F").await;
    assert!(program.toast().contains("read-only"), "{}", program.toast());
    program.press("d").await;
    assert!(program.shown().contains("Nothing is written from here"), "{}", program.shown());
}

#[tokio::test]
async fn an_engineer_is_told_why_nothing_is_scanned() {
    let desk = Desk::new().await.in_hands_of("bela").await;
    let mut program = desk.open(80, 24).await;
    assert!(program.shown().contains("This needs the role AMC Admin or above."), "{}", program.shown());
    program.press("R").await;
    assert_eq!(program.toast(), "This needs the role AMC Admin or above.");
}

#[tokio::test]
async fn what_is_shown_goes_into_a_new_file_of_its_owners() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["=cmd()", "b\u{1b}en"]).await;
    let folder = std::env::temp_dir().join(format!("portaldesk-export-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    for (keys, name) in [("E", "findings.csv"), ("⏎E", "rows.csv"), ("E", "rows.json")] {
        let path = folder.join(name);
        program.press(keys).await;
        program.feed(vec![ctrl('u')]).await;
        program.press(&format!("{}⏎", path.display())).await;
        assert_eq!(program.toast(), format!("Exported to {}", path.display()));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(read("findings.csv").contains("\nPRF-001,error,safe,2,users without a profile,"));
    let rows = read("rows.csv");
    assert!(rows.contains(",'=cmd(),") && rows.contains(",b\\x1ben,") && !rows.contains('\u{1b}'), "{rows}");
    let json: serde_json::Value = serde_json::from_str(&read("rows.json")).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1);
    assert_eq!(json["findings"][0]["rows"][1]["username"], "b\u{1b}en");
    // What is there already stays as it is.
    program.press("E").await;
    program.feed(vec![ctrl('u')]).await;
    program.press(&format!("{}⏎", folder.join("rows.csv").display())).await;
    assert!(program.shown().contains("there already"), "{}", program.shown());
    assert_eq!(read("rows.csv"), rows);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_users_of_a_repair_are_opened_from_its_toast() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["cho", "evan"]).await;
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("F").await;
    program.press("y").await;
    assert!(program.footer().contains("o users repaired"), "{}", program.footer());
    program.press("o").await;
    let shown = program.shown();
    assert!(shown.contains("cho") && shown.contains("evan") && shown.contains("of 2"), "{shown}");
}

#[tokio::test]
async fn names_that_attack_the_terminal_are_shown_harmless() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["x\u{1b}[2J\u{202e}y"]).await;
    let mut program = desk.open(100, 30).await;
    program.go_to("PRF-001").await;
    assert!(!program.shown().contains(['\u{1b}', '\u{202e}']));
    program.press("⏎").await;
    assert!(program.shown().contains("\\x1b") && !program.shown().contains(['\u{1b}', '\u{202e}']));
}

#[tokio::test]
async fn the_row_of_a_finding_leads_to_its_account() {
    let desk = Desk::new().await;
    desk.add_without_profile(&["cho"]).await;
    let mut program = desk.open(80, 24).await;
    program.go_to("PRF-001").await;
    program.press("⏎⏎").await;
    assert_eq!(program.titles(), ["Integrity", "PRF-001", "cho"]);
}

#[tokio::test]
async fn the_row_of_a_finding_leads_to_its_department() {
    let desk = Desk::new().await;
    desk.db
        .run(
            "INSERT INTO core_department (name, description, is_active, created_at) VALUES \
             ('Archive', 'Old\u{202e} files', TRUE, CURRENT_TIMESTAMP), \
             ('archive', '', TRUE, CURRENT_TIMESTAMP)",
        )
        .await;
    let mut program = desk.open(80, 24).await;
    program.go_to("DEP-002").await;
    program.press("⏎").await;
    program.feed(vec![code(Key::Tab)]).await;
    let shown = program.shown();
    assert!(shown.contains(" Archive ") && shown.contains("Members     none"), "{shown}");
    assert!(shown.contains("Old\\u{202e} files") && shown.contains("DEP-002"), "{shown}");
}

#[tokio::test]
async fn the_palette_leads_from_an_errors_number_to_its_checks() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press(":1062⏎1062⏎").await;
    let shown = program.shown();
    assert!(shown.contains("PRF-003") && shown.contains("Usual cause"), "{shown}");
}
