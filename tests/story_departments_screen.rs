//! The Departments tab, by keys through the real loop over a real portal in SQLite: what it shows and what it writes.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/program.rs"]
mod program;
mod support;

use portaldesk::change::{Account, Actor};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, Settings, departments, groups, users};
use portaldesk::tui::screens::departments::Departments;
use portaldesk::tui::{Key, Screen, code, ctrl};
use program::{Program, clock, setup};
use support::{Made, Server, TestDb, digest};

const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

/// A portal in the hands of one of its users.
struct Desk {
    db: TestDb,
    portal: Portal,
}

impl Desk {
    /// Four departments, one of them switched off with somebody in it, one with a name that attacks the terminal; `amir`, a
    /// superuser, and five more people.
    async fn new() -> Self {
        let db = TestDb::new(Server::Sqlite, Made::Init).await;
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let desk = Self { db, portal };
        desk.apply(groups::setup(&desk.portal).await.unwrap()).await;
        desk.db
            .run(
                "INSERT INTO core_department (name, description, is_active, created_at) VALUES \
                  ('IT', 'Runs the portal, the printers and the network of both buildings.' || char(10) || \
                   'Room 3.14', 1, '2025-01-01 12:00:00'), \
                  ('Sales', 'Sells.', 1, '2025-01-01 12:00:00'), \
                  ('Zürich', '', 0, '2025-01-01 12:00:00'), \
                  ('x' || char(27) || '[2J' || char(8238) || 'y', 'a' || char(27) || ']0;b' || char(7), 1, '2025-01-01 12:00:00')",
            )
            .await;
        for (name, department, group, active) in [
            ("amir", "IT", "Admin", true),
            ("bela", "IT", "Engineer", true),
            ("cho", "Sales", "Engineer", true),
            ("dana", "Sales", "AMC Admin", false),
            ("eva", "Zürich", "Engineer", true),
            ("fay", "Sales", "Admin", true),
        ] {
            let draft = Draft {
                encoded_password: Some(HASH.into()),
                department: Some(Some(departments::find(&desk.portal, department).await.unwrap())),
                groups: Groups::Set(vec![groups::find(&desk.portal, group).await.unwrap()]),
                ..Draft::default()
            };
            let draft = draft
                .with("username", name)
                .with("is_superuser", (name == "amir").to_string())
                .with("is_active", active.to_string());
            desk.apply(accounts::create(&desk.portal, &draft).await.unwrap()).await;
        }
        desk.db
            .run(
                "UPDATE portaldesk_change SET made = '2025-10-01 12:00:00'; \
                  UPDATE core_userprofile SET updated_at = created_at",
            )
            .await;
        desk.used_by("amir").await
    }

    async fn apply(&self, plan: portaldesk::change::Plan) {
        self.portal.writer().unwrap().apply(plan).await.unwrap();
    }

    async fn used_by(self, name: &str) -> Self {
        let id = users::find(&self.portal, name).await.unwrap();
        let portal = self.portal.signed_in(Account { id, username: name.to_owned() });
        Self { portal, ..self }
    }

    async fn open(&self, width: u16, height: u16) -> Program {
        let tabs: Vec<Box<dyn Screen>> = vec![Box::new(Departments::new(clock()))];
        Program::open(setup(tabs, self.portal.clone()), (width, height)).await
    }

    /// The digests with the moment of the last change set back: undo doesn't bring that back.
    async fn rows(&self) -> std::collections::BTreeMap<String, Vec<String>> {
        self.db.run("UPDATE core_userprofile SET updated_at = created_at").await;
        digest(&self.db).await
    }
}

/// Takes the review on top, once it was looked at.
async fn save(program: &mut Program) {
    program.feed(vec![ctrl('s')]).await;
}

#[tokio::test]
async fn the_list_and_the_record() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    insta::assert_snapshot!("list_80x24", program.shown());
    program.press("⏎").await;
    assert_eq!(program.titles(), ["Departments", "IT"]);
    insta::assert_snapshot!("record_80x24", program.shown());
    let wide = desk.open(120, 40).await;
    insta::assert_snapshot!("list_120x40", wide.shown());
    for (width, height) in [(40, 10), (20, 5), (1, 1)] {
        desk.open(width, height).await;
    }
}

#[tokio::test]
async fn sorting_and_filtering() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("s").await;
    insta::assert_snapshot!("sort_80x24", program.shown());
    program.press("mem⏎").await;
    program.press("g").await;
    assert!(program.shown().contains("▸  Sales"), "{}", program.shown());
    program.press("S").await;
    program.press("g").await;
    assert!(program.shown().contains("by members, reversed"), "{}", program.shown());
    assert!(!program.shown().contains("▸  Sales"), "{}", program.shown());
    program.press("/printers").await;
    assert!(program.shown().contains("IT") && !program.shown().contains("Sales"), "{}", program.shown());
    program.press(" nobody").await;
    assert!(program.shown().contains("No department matches"), "{}", program.shown());
    program.press("⎋").await;
    assert!(program.shown().contains("Sales"), "{}", program.shown());
}

#[tokio::test]
async fn a_new_department_with_a_description_of_several_lines() {
    let desk = Desk::new().await;
    let before = desk.rows().await;
    let mut program = desk.open(80, 24).await;
    program.press("n").await;
    program.press("Legal⇥").await;
    program
        .press("Contracts, and whatever else the two buildings have to sign before anything moves.⏎Room 1")
        .await;
    insta::assert_snapshot!("form_80x24", program.shown());
    save(&mut program).await;
    insta::assert_snapshot!("form_review_80x24", program.shown());
    program.press("y").await;
    assert_eq!(program.toast(), "Created department Legal · u undoes");
    assert!(program.shown().contains("▸  Legal"), "the cursor is on it: {}", program.shown());
    let id = departments::find(&desk.portal, "Legal").await.unwrap();
    let made = departments::by_id(&desk.portal, id).await.unwrap().unwrap();
    assert!(made.description.ends_with("moves.\nRoom 1"), "{}", made.description);
    program.press("uLegal⏎").await;
    assert_eq!(program.toast(), "Taken back: Create department Legal · U redoes");
    assert_eq!(desk.rows().await, before);
    // A name that is taken, and one that says nothing.
    program.press("nIT").await;
    assert!(program.shown().contains("there is a department 'IT'"), "{}", program.shown());
    program.feed(vec![ctrl('u')]).await;
    save(&mut program).await;
    assert!(program.shown().contains("This field is required."), "{}", program.shown());
}

#[tokio::test]
async fn two_edit_the_same_department() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("e").await;
    program.press("2⇥").await;
    desk.db.run("UPDATE core_department SET name = 'Information', is_active = 0 WHERE name = 'IT'").await;
    save(&mut program).await;
    assert!(
        program.toast().contains("Somebody else changed meanwhile: Name, Is active."),
        "{}",
        program.toast()
    );
    insta::assert_snapshot!("form_conflict_80x24", program.shown());
    save(&mut program).await;
    program.press("y").await;
    let shown = departments::choices(&desk.portal).await.unwrap();
    let one = shown.iter().find(|it| it.name == "IT2").expect("mine");
    assert!(!one.is_active, "theirs stays");

    program.press("e").await;
    program.press("x").await;
    desk.db.without_foreign_keys("DELETE FROM core_department WHERE name = 'IT2'").await;
    save(&mut program).await;
    assert!(program.toast().contains("was deleted meanwhile"), "{}", program.toast());
}

#[tokio::test]
async fn switching_off_says_who_stays_inside() {
    let desk = Desk::new().await;
    let before = desk.rows().await;
    let mut program = desk.open(80, 24).await;
    program.press("a").await;
    insta::assert_snapshot!("menu_80x24", program.shown());
    program.press("d").await;
    assert!(program.shown().contains("2 active accounts stay in IT: amir, bela"), "{}", program.shown());
    program.press("y").await;
    assert_eq!(program.toast(), "Deactivated department IT · u undoes");
    assert!(program.shown().contains("DEP-001"), "{}", program.shown());
    program.press("uy").await;
    assert_eq!(desk.rows().await, before);
}

#[tokio::test]
async fn deleting_asks_where_the_members_go() {
    let desk = Desk::new().await;
    let before = desk.rows().await;
    let mut program = desk.open(80, 24).await;
    program.press("jD").await;
    insta::assert_snapshot!("delete_80x24", program.shown());
    program.press("it⏎").await;
    insta::assert_snapshot!("delete_review_80x24", program.shown());
    program.press("y⏎").await;
    assert_eq!(desk.rows().await, before, "neither y nor Enter deletes");
    program.feed(vec![ctrl('u')]).await;
    program.press("Sales⏎").await;
    assert_eq!(program.toast(), "Deleted department Sales · u undoes");
    assert!(!program.shown().contains("Sells."), "{}", program.shown());
    program.press("u").await;
    program.confirm().await;
    assert_eq!(desk.rows().await, before);

    program.press("gjD⏎").await;
    assert!(program.shown().contains("are left without a department"), "{}", program.shown());
    program.press("Sales⏎").await;
    assert_eq!(program.toast(), "Deleted department Sales · u undoes");
}

#[tokio::test]
async fn merging_shows_what_is_left_behind() {
    for (width, height, size) in [(80, 24, "80x24"), (120, 40, "120x40")] {
        let desk = Desk::new().await;
        let before = desk.rows().await;
        let mut program = desk.open(width, height).await;
        program.press("jJ").await;
        program.press(" it⏎").await;
        program.feed(vec![code(Key::Down), code(Key::Right)]).await;
        insta::assert_snapshot!(format!("merge_{size}"), program.shown());
        save(&mut program).await;
        insta::assert_snapshot!(format!("merge_review_{size}"), program.shown());
        program.press("Sales⏎").await;
        assert_eq!(program.toast(), "Merged department Sales into IT · u undoes");
        let left = departments::choices(&desk.portal).await.unwrap();
        assert_eq!(left.len(), 3);
        assert!(left.iter().any(|it| it.name == "Sales") && left.iter().all(|it| it.name != "IT"));
        program.press("u").await;
        program.confirm().await;
        assert_eq!(desk.rows().await, before);
    }
}

#[tokio::test]
async fn a_merge_wants_two_departments_and_two_that_are_there() {
    let desk = Desk::new().await;
    let mut program = desk.open(80, 24).await;
    program.press("jJ").await;
    save(&mut program).await;
    assert!(
        program.toast().contains("Choose the department that Sales is merged into"),
        "{}",
        program.toast()
    );
    program.press(" it⏎").await;
    desk.db.without_foreign_keys("DELETE FROM core_department WHERE name = 'IT'").await;
    save(&mut program).await;
    assert!(program.toast().contains("There is no department with id"), "{}", program.toast());
    program.press("⎋").await;
    desk.db.without_foreign_keys("DELETE FROM core_department WHERE name <> 'Sales'").await;
    let mut program = desk.open(80, 24).await;
    program.press("J").await;
    assert_eq!(program.toast(), "There is no other department to merge it into.");
    assert_eq!(program.titles(), ["Departments"]);
}

#[tokio::test]
async fn some_members_move_to_another_department() {
    let desk = Desk::new().await;
    let before = desk.rows().await;
    let mut program = desk.open(80, 24).await;
    program.press("jM").await;
    assert_eq!(program.titles(), ["Departments", "Members of Sales"]);
    insta::assert_snapshot!("members_80x24", program.shown());
    program.press("  >").await;
    assert!(program.shown().contains("2 members of Sales"), "{}", program.shown());
    program.press("it⏎").await;
    insta::assert_snapshot!("move_review_80x24", program.shown());
    program.press("y").await;
    assert_eq!(program.toast(), "Moved 2 members of Sales to IT · u undoes");
    program.press("uy").await;
    assert_eq!(desk.rows().await, before);
}

#[tokio::test]
async fn wide_names_keep_the_columns() {
    let desk = Desk::new().await;
    desk.db.run("UPDATE core_department SET name = '日本語の営業部門です' WHERE name = 'Sales'").await;
    let program = desk.open(80, 24).await;
    insta::assert_snapshot!("wide_80x24", program.shown());
}

#[tokio::test]
async fn who_may_not_is_told_and_sees_no_keys_for_it() {
    let desk = Desk::new().await.used_by("cho").await;
    let mut program = desk.open(120, 40).await;
    assert!(!program.shown().contains("n new"), "{}", program.shown());
    program.press("n").await;
    assert_eq!(program.toast(), "This needs the role Admin or above.");
    program.press("D").await;
    assert_eq!(program.titles(), ["Departments"]);

    // An Admin moves nobody whom only a superuser may change, and learns so before a review.
    let desk = desk.used_by("fay").await;
    let mut program = desk.open(80, 24).await;
    program.press("D").await;
    program.press("⏎").await;
    assert!(program.toast().contains("it is privileged"), "{}", program.toast());
}

#[tokio::test]
async fn a_portal_without_departments_says_so() {
    let desk = Desk::new().await;
    desk.db.without_foreign_keys("DROP TABLE core_department").await;
    let portal =
        Portal::over(desk.db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
    let desk = Desk { portal, ..desk };
    let mut program = desk.open(80, 24).await;
    assert!(program.shown().contains("table core_department is missing"), "{}", program.shown());
    program.press("n").await;
    assert!(program.toast().contains("table core_department is missing"), "{}", program.toast());
}
