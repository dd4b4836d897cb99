//! Two departments that become one, in the real program on a small terminal and on a large one.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use serde_json::Value;
use terminal::keys::{CTRL_S, ENTER};
use terminal::{Home, LARGE, PASSWORD, SMALL, Size, Terminal, apply};

/// A portal in a home of its own with the superuser `amir`, two departments, and three people in the one that goes.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    home.ok(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    home.ok("", &["department", "add", "--name", "IT", "--description", "Runs it all."]);
    home.ok("", &["department", "add", "--name", "Sales", "--description", "Sells."]);
    for name in ["bela", "cho", "dana"] {
        home.ok("", &["user", "add", "--username", name, "--department", "Sales"]);
    }
    home
}

/// The departments as scripts see them, but for what a scan says.
fn departments(home: &Home) -> Vec<Value> {
    let shown = home.ok("", &["department", "list", "--json"]);
    serde_json::from_str::<Value>(&shown).expect("JSON")["items"].as_array().expect("a list").clone()
}

fn merge(size: Size) {
    let home = portal();
    let before = departments(&home);
    let mut terminal = Terminal::start(&home, size, &[]);
    terminal.wait_for("Sign in to portaldesk");
    terminal.wait_taken();
    terminal.keys(&format!("amir{ENTER}{PASSWORD}{ENTER}"));
    terminal.wait_for("1 of 4");
    terminal.keys("3");
    terminal.wait_for("1 of 2 · by name");
    terminal.wait_for("▸  IT");
    terminal.keys("j");
    terminal.wait_for("▸  Sales");

    terminal.keys("J");
    terminal.wait_for("into which one?");
    terminal.keys(&format!(" it{ENTER}"));
    terminal.wait_for("3 members move from Sales to IT");
    terminal.wait_for("Left behind: the description 'Sells.'");
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
