//! The Groups tab, by keys through the real loop over a real portal in SQLite: what it shows, what it writes, and who may.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[expect(dead_code, reason = "this story names no permission")]
#[path = "support/cast.rs"]
mod cast;
#[path = "support/program.rs"]
mod program;
mod support;

use cast::Cast;
use portaldesk::portal::access::Level;
use portaldesk::tui::screens::groups::Groups;
use portaldesk::tui::screens::groups::actions::Which;
use portaldesk::tui::screens::short_list::entries;
use portaldesk::tui::screens::user_actions::Sitting;
use portaldesk::tui::{Key, Screen, code, ctrl};
use program::{Program, clock, setup};
use support::{Made, Server, TestDb, digest};

async fn cast() -> Cast {
    let cast = Cast::new(TestDb::new(Server::Sqlite, Made::Init).await).await;
    cast.db.run("UPDATE portaldesk_change SET made = '2025-10-01 12:00:00'").await;
    cast
}

async fn open(cast: &Cast, by: &str, size: (u16, u16)) -> Program {
    Program::open(setup(vec![Box::new(Groups::new(clock()))], cast.by(by)), size).await
}

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (120, 40);

/// The group whose row has the cursor.
fn on(program: &Program) -> String {
    let shown = program.shown();
    let line = shown.lines().find(|line| line.contains('▸')).unwrap_or_default();
    line.trim_start_matches(['▸', ' ']).split("  ").next().unwrap_or_default().trim().to_owned()
}

fn last_line(program: &Program) -> String {
    program.shown().lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_list_and_the_record() {
    let cast = cast().await;
    let mut program = open(&cast, "root", SMALL).await;
    insta::assert_snapshot!("list_80x24", program.shown());
    program.press("Gk⏎").await;
    assert_eq!(program.titles(), ["Groups", "Keepers"]);
    insta::assert_snapshot!("record_80x24", program.shown());
    program.press("⏎").await;
    assert_eq!(program.titles(), ["Groups", "Keepers", "Members of Keepers"]);
    program.press("⎋⎋").await;
    assert_eq!((program.titles(), on(&program)), (vec!["Groups".to_owned()], "Keepers".to_owned()));

    let mut program = open(&cast, "root", LARGE).await;
    program.press("Gk").await;
    insta::assert_snapshot!("list_120x40", program.shown());
    program.press("⏎").await;
    assert_eq!(program.titles(), ["Groups", "Members of Keepers"]);
}

#[tokio::test]
async fn it_is_sorted_and_filtered_as_typed() {
    let cast = cast().await;
    let mut program = open(&cast, "root", SMALL).await;
    assert_eq!(on(&program), "Admin");
    assert!(last_line(&program).ends_with("1 of 5 · by role"), "{}", last_line(&program));
    program.press("smem⏎g").await;
    assert!(last_line(&program).ends_with("1 of 5 · by members"), "{}", last_line(&program));
    assert_eq!(on(&program), "Admin");
    program.press("S").await;
    assert!(last_line(&program).ends_with("by members, reversed"), "{}", last_line(&program));
    assert_eq!(on(&program), "Admin", "the cursor stays on its group");
    program.press("/keep").await;
    assert_eq!(on(&program), "Keepers");
    program.press("x").await;
    assert!(program.shown().contains("No group matches; Esc clears the filter."));
    program.press("⎋").await;
    assert!(program.shown().contains("Engineer"));
}

#[tokio::test]
async fn a_group_is_made_renamed_deleted_and_taken_back() {
    let cast = cast().await;
    let before = digest(&cast.db).await;
    let mut program = open(&cast, "root", SMALL).await;
    program.press("nReaders").await;
    program.feed(vec![ctrl('s')]).await;
    assert!(program.toast().contains("A group named 'Readers' exists already"), "{}", program.toast());
    program.press("⎋ on duty").await;
    program.feed(vec![ctrl('s')]).await;
    assert_eq!(program.titles(), ["Groups", "New group", "Create the group Readers on duty"]);
    program.press("y").await;
    assert_eq!(program.toast(), "Created the group Readers on duty · u undoes");
    assert_eq!((program.titles().len(), on(&program)), (1, "Readers on duty".to_owned()));

    program.press("e").await;
    program.feed(vec![ctrl('u')]).await;
    program.press("Auditor").await;
    program.feed(vec![ctrl('s')]).await;
    insta::assert_snapshot!("rename_80x24", program.shown());
    program.press("y⏎").await;
    assert_eq!(program.titles().len(), 3, "what makes a role asks for the name");
    program.feed(vec![ctrl('u')]).await;
    program.confirm().await;
    assert_eq!(program.toast(), "Renamed the group Readers on duty to Auditor · u undoes");
    assert_eq!(on(&program), "Auditor");

    program.press("D").await;
    program.confirm().await;
    assert_eq!(program.toast(), "Deleted the group Auditor · u undoes");
    assert!(!program.shown().contains("   Auditor"), "{}", program.shown());
    for _ in 0..3 {
        program.press("u").await;
        program.confirm().await;
        assert!(program.toast().starts_with("Taken back"), "{}", program.toast());
    }
    assert_eq!(digest(&cast.db).await, before);
}

#[tokio::test]
async fn a_group_with_members_says_who_loses_what_before_it_goes() {
    let cast = cast().await;
    let before = digest(&cast.db).await;
    let mut program = open(&cast, "root", SMALL).await;
    program.press("j").await;
    assert_eq!(on(&program), "AMC Admin");
    program.press("D").await;
    insta::assert_snapshot!("delete_80x24", program.shown());
    program.press("y⏎").await;
    assert_eq!(digest(&cast.db).await, before, "neither y nor Enter deletes");
    program.feed(vec![ctrl('u')]).await;
    program.press("AMC Admin⏎").await;
    assert_eq!(program.toast(), "Deleted the group AMC Admin · u undoes");
    program.press("u").await;
    program.confirm().await;
    assert_eq!(digest(&cast.db).await, before);
}

#[tokio::test]
async fn permissions_are_found_by_typing_and_reviewed() {
    let cast = cast().await;
    let before = digest(&cast.db).await;
    let mut program = open(&cast, "root", SMALL).await;
    program.press("Gkp").await;
    assert_eq!(program.titles(), ["Groups", "Permissions of Keepers"]);
    program.press("/change_user⏎ ").await;
    program.press("⎋/view dep⏎ ⎋").await;
    insta::assert_snapshot!("permissions_80x24", program.shown());
    program.press("⎋").await;
    assert!(program.shown().contains("the permissions of Keepers"), "what is not saved is asked about");
    program.press("n").await;
    program.feed(vec![code(Key::F(2))]).await;
    let shown = program.shown();
    assert!(shown.contains("− permission  auth.change_user"), "{shown}");
    assert!(shown.contains("+ permission  core.view_department"), "{shown}");
    program.press("y").await;
    assert_eq!(program.toast(), "Changed the permissions of Keepers · u undoes");
    assert_eq!((program.titles().len(), on(&program)), (1, "Keepers".to_owned()));
    program.press("uy").await;
    assert_eq!(digest(&cast.db).await, before);
}

#[tokio::test]
async fn somebody_is_put_into_a_group_from_its_side() {
    let cast = cast().await;
    let before = digest(&cast.db).await;
    let mut program = open(&cast, "root", SMALL).await;
    program.press("GM").await;
    assert_eq!(program.titles(), ["Groups", "Members of Readers"]);
    program.press("+nor").await;
    assert!(program.shown().contains("▸ nora"), "{}", program.shown());
    program.press("⏎y").await;
    assert_eq!(program.toast(), "Added nora to Readers · u undoes");
    assert!(program.shown().contains("nora"), "{}", program.shown());
    program.press("+nora⏎").await;
    assert_eq!(program.toast(), "They are in Readers already.");
    program.press("⎋-").await;
    assert_eq!(program.titles()[2], "Remove nora from Readers");
    program.press("y").await;
    assert_eq!(program.toast(), "Removed nora from Readers · u undoes");
    assert_eq!(digest(&cast.db).await, before);
}

#[tokio::test]
async fn a_group_that_vanished_is_said_and_leaves_the_list() {
    let cast = cast().await;
    let mut program = open(&cast, "root", SMALL).await;
    program.press("G").await;
    assert_eq!(on(&program), "Readers");
    cast.db.run("DELETE FROM auth_group WHERE name = 'Readers'").await;
    program.press("D").await;
    assert!(program.toast().starts_with("There is no group with id"), "{}", program.toast());
    program.press("⎋r").await;
    assert_eq!(on(&program), "Keepers");
}

#[tokio::test]
async fn keys_are_those_of_the_role() {
    let cast = cast().await;
    for (by, of_role, of_other) in
        [("root", "meph nx", "meph nx"), ("ann", "mh n", "meh nx"), ("max", "mh", "mh"), ("eve", "m", "m")]
    {
        let sitting = Sitting::read(&cast.by(by)).await.unwrap();
        let letters = |name: &str, level| {
            let which = Which { id: cast.group(name), name: name.to_owned(), level };
            entries(&which, &sitting).iter().map(|entry| entry.letter).collect::<String>()
        };
        assert_eq!(letters("Engineer", Some(Level::Engineer)), of_role.replace(' ', ""), "{by}");
        assert_eq!(letters("Readers", None), of_other.replace(' ', ""), "{by}");
    }
    let mut program = open(&cast, "ann", SMALL).await;
    assert!(!last_line(&program).contains("e rename"), "{}", last_line(&program));
    program.press("e").await;
    assert!(program.toast().starts_with("Only a superuser may do this."), "{}", program.toast());
    program.press("G").await;
    assert!(last_line(&program).contains("e rename"), "{}", last_line(&program));
    let program = open(&cast, "eve", SMALL).await;
    let status = program.0.app.top().map(Screen::status).unwrap_or_default();
    assert_eq!(status, "1 of 5 · by role");
    assert!(!last_line(&program).contains("n new"), "{}", last_line(&program));
}

/// What was put on the clipboard, as the toast says it.
async fn copied(program: &mut Program, key: &str) -> String {
    program.press(key).await;
    program.toast()
}

#[tokio::test]
async fn a_name_and_its_command_are_copied_and_columns_chosen() {
    let cast = cast().await;
    let mut program = open(&cast, "root", SMALL).await;
    program.press("j").await;
    assert_eq!(copied(&mut program, "y").await, "Copied AMC Admin");
    assert_eq!(copied(&mut program, "Y").await, "Copied portaldesk group show 'AMC Admin'");
    cast.db.run("UPDATE auth_group SET name = '#7' WHERE name = 'Keepers'").await;
    program.press("r/#7⏎").await;
    let command = copied(&mut program, "Y").await;
    assert_eq!(command, format!("Copied portaldesk group show '#{}'", cast.group("Keepers")));
    program.press("⎋c").await;
    insta::assert_snapshot!("columns_80x24", program.shown());
    // The last one in, the first one out.
    program.press("jjjjj kkkkkk ⏎").await;
    assert!(program.shown().contains("FINDINGS"), "{}", program.shown());
}
