//! Many users at once in the real program, on a small terminal and on a wide one: marked, reviewed, changed, taken back.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::Value;
use terminal::keys::{CTRL_U, ENTER, ESC};
use terminal::{Home, SMALL, Size, Terminal, apply};

const WIDE: Size = (120, 40);

/// A portal with the superuser `amir`, and twelve users whose last name is Clerk.
fn portal() -> Home {
    let home = Home::with_portal();
    for number in 1..=12 {
        let name = format!("user{number:02}");
        home.ok("", &["user", "add", "--username", &name, "--last-name", "Clerk"]);
    }
    home
}

/// The list with the twelve marked, of whom all are shown.
fn with_marks(home: &Home, size: Size) -> Terminal {
    let mut terminal = Terminal::signed_in(home, size);
    terminal.wait_for("1 of 13");
    terminal.keys(&format!("/clerk{ENTER}"));
    terminal.wait_for("1 of 12");
    terminal.keys("*");
    terminal.wait_for("12 marked");
    terminal
}

fn clerks(home: &Home) -> Vec<Value> {
    let list = home.json(&["user", "list", "clerk"]);
    list["items"].as_array().expect("items").clone()
}

fn active(home: &Home) -> usize {
    clerks(home).iter().filter(|user| user["is_active"] == true).count()
}

/// Chooses from the menu of the marked.
fn choose(terminal: &mut Terminal, letter: &str, then: &str) {
    terminal.keys("a");
    terminal.wait_for("add to a group");
    terminal.press_until(letter, then, true);
}

fn deactivate_all_and_take_it_back(size: Size) {
    let home = portal();
    let before = clerks(&home);
    let mut terminal = with_marks(&home, size);
    choose(&mut terminal, "d", "Deactivate 12 users: 12 marked");
    terminal.wait_for("12 of 12 users would change.");
    terminal.wait_for("Rehearsed: 12 rows written and taken back.");
    terminal.wait_for("Type 12 to go on, then Enter:");
    terminal.press_until(&format!("{CTRL_U}13{ENTER}"), "Type 12 first, then Enter.", true);
    assert_eq!(active(&home), 12, "nothing is written before the number is right");
    apply(&mut terminal, "Deactivate 12 users", "Deactivated 12 users · u undoes");
    assert_eq!(active(&home), 0);

    terminal.keys("u");
    apply(&mut terminal, "Undo: Deactivate 12 users", "Taken back: Deactivate 12 users");
    assert_eq!(clerks(&home), before);
    // The marks stay for what comes next.
    terminal.wait_for("12 marked");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
}

#[test]
fn deactivate_all_and_take_it_back_on_a_small_terminal() {
    deactivate_all_and_take_it_back(SMALL);
}

#[test]
fn deactivate_all_and_take_it_back_on_a_wide_terminal() {
    deactivate_all_and_take_it_back(WIDE);
}

#[test]
fn one_first_and_then_the_rest() {
    let home = portal();
    let mut terminal = with_marks(&home, WIDE);
    choose(&mut terminal, "d", "Deactivate 12 users: 12 marked");
    terminal.wait_for("1 and Enter instead: one user first");
    terminal.press_until(&format!("{CTRL_U}1{ENTER}"), "One is done", true);
    terminal.wait_for("user01 is done, 11 users are left.");
    assert_eq!(active(&home), 11);
    terminal.press_until("y", "One is done", false);
    terminal.wait_for("Deactivated 12 users · u undoes");
    assert_eq!(active(&home), 0);
    terminal.keys("u");
    // Two plans of one run.
    apply(&mut terminal, "Undo: 2 changes", "Taken back: 2 changes");
    assert_eq!(active(&home), 12, "one undo takes back both");
}

#[test]
fn a_group_for_the_marked_is_chosen_by_name() {
    let home = portal();
    let mut terminal = with_marks(&home, SMALL);
    terminal.keys("M");
    terminal.wait_for("remove from a group");
    terminal.press_until("g", "Add to which group", true);
    terminal.wait_for("Engineer");
    terminal.keys("engin");
    terminal.wait_gone("AMC Admin");
    terminal.keys(ENTER);
    apply(&mut terminal, "Add 12 users to Engineer", "Added 12 users to Engineer · u undoes");
    assert!(clerks(&home).iter().all(|user| user["groups"] == serde_json::json!(["Engineer"])));
}

#[test]
fn passwords_go_into_a_file() {
    let home = portal();
    let to = home.0.join("new.csv");
    let mut terminal = with_marks(&home, SMALL);
    terminal.keys("p");
    terminal.wait_for("File: passwords-");
    terminal.keys(&format!("{CTRL_U}{}{ENTER}", to.display()));
    apply(&mut terminal, "Generate passwords for 12 users", "Generated passwords for 12 users · u undoes");
    assert_eq!(fs::metadata(&to).expect("the file").mode() & 0o777, 0o600);
    let text = fs::read_to_string(&to).expect("text");
    assert_eq!(text.lines().count(), 13);
    let password = text.lines().nth(1).and_then(|line| line.strip_prefix("user01,")).expect("the first");
    assert!(!terminal.written().contains(password), "it was never shown");
    let why = home.run(&format!("{password}\n"), &["--json", "user", "why", "user01", "--password-stdin"]);
    assert_eq!(why.status.code(), Some(0), "{}", String::from_utf8_lossy(&why.stdout));
    // A second time the same file is refused, and said so.
    terminal.keys("p");
    terminal.wait_for("File: passwords-");
    terminal.keys(&format!("{CTRL_U}{}{ENTER}", to.display()));
    terminal.wait_for("is there already");
    terminal.keys(ESC);
}
