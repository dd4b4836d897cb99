//! Two departments that become one, in the real program on a small terminal and on a large one; and in a program that is
//! killed in the middle of it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use rustix::process::Signal;
use serde_json::Value;
use terminal::keys::{CTRL_S, ENTER};
use terminal::{Home, LARGE, SMALL, Size, Terminal, apply};

/// A portal in a home of its own with the superuser `amir`, two departments, and three people in the one that goes.
fn portal() -> Home {
    let home = Home::with_portal();
    home.ok("", &["department", "add", "--name", "IT", "--description", "Runs it all."]);
    home.ok("", &["department", "add", "--name", "Sales", "--description", "Sells."]);
    for name in ["bela", "cho", "dana"] {
        home.ok("", &["user", "add", "--username", name, "--department", "Sales"]);
    }
    home
}

/// The departments as scripts see them, but for what a scan says.
fn departments(home: &Home) -> Vec<Value> {
    home.json(&["department", "list"])["items"].as_array().expect("a list").clone()
}

/// In the form that merges Sales into IT.
fn at_the_merge(home: &Home, size: Size) -> Terminal {
    let mut terminal = Terminal::signed_in(home, size);
    terminal.wait_for("by username");
    terminal.keys("3");
    terminal.wait_for("1 of 2 · by name");
    terminal.wait_for("▸  IT");
    terminal.keys("j");
    terminal.wait_for("▸  Sales");
    terminal.keys("J");
    terminal.wait_for("into which one?");
    terminal.keys(&format!(" it{ENTER}"));
    terminal.wait_for("Left behind: the description 'Sells.'");
    terminal
}

fn merge(size: Size) {
    let home = portal();
    let before = departments(&home);
    let mut terminal = at_the_merge(&home, size);
    terminal.wait_for("3 members move from Sales to IT");
    terminal.keys(CTRL_S);
    apply(&mut terminal, "Merge department Sales into IT", "Merged department Sales into IT · u undoes");
    terminal.wait_for("1 of 1 · by name");
    let merged = departments(&home);
    assert_eq!(merged.len(), 1);
    assert_eq!((&merged[0]["name"], &merged[0]["members"]), (&"IT".into(), &3.into()));

    terminal.keys("u");
    apply(
        &mut terminal,
        "Undo: Merge department Sales into IT",
        "Taken back: Merge department Sales into IT",
    );
    terminal.wait_for("of 2 · by name");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
    assert_eq!(departments(&home), before, "ids and members as before");
}

#[test]
fn a_merge_on_a_small_terminal() {
    merge(SMALL);
}

#[test]
fn a_merge_on_a_large_terminal() {
    merge(LARGE);
}

/// What holds up the third transaction for ever: the last member's row asks a view that has no end.
const ENDLESS: [&str; 2] = [
    "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "CREATE TRIGGER held_up BEFORE UPDATE ON core_userprofile \
     WHEN OLD.user_id = (SELECT MAX(id) FROM auth_user) BEGIN SELECT COUNT(*) FROM endless; END",
];

#[test]
fn a_killed_merge_is_offered_at_the_next_start_and_completed() {
    let home = portal();
    home.crowd("Sales", 1_100);
    let before = departments(&home);
    home.script(ENDLESS.map(str::to_owned).to_vec());
    let mut terminal = at_the_merge(&home, LARGE);
    terminal.keys(CTRL_S);
    apply(&mut terminal, "Merge department Sales into IT", "1 000 of 1 104");
    terminal.signal(Signal::KILL);
    terminal.wait_process();
    home.script(vec!["DROP TRIGGER held_up".to_owned(), "DROP VIEW endless".to_owned()]);

    let mut terminal = Terminal::signed_in(&home, LARGE);
    terminal.wait_for("Run 'Merge department Sales into IT' stopped at 1 000 of");
    terminal.press_until(ENTER, "A run was stopped", false);
    terminal.wait_for("Went on with 'Merge department Sales into IT'");
    let merged = departments(&home);
    assert_eq!(merged.len(), 1);
    assert_eq!((&merged[0]["name"], &merged[0]["members"]), (&"IT".into(), &1_103.into()));
    terminal.press_until_end("q");
    assert_eq!(terminal.wait_end(), 0);

    let runs = home.json(&["run", "list", "--all"]);
    home.ok("", &["undo", runs["items"][0]["run"].as_str().expect("a run")]);
    assert_eq!(departments(&home), before, "one undo takes back both halves");
}
