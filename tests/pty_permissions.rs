//! Groups and permissions in the real program on a terminal: given, reviewed, written, taken back; and a password tested.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use serde_json::{Value, json};
use terminal::keys::{CTRL_S, DOWN, ENTER};
use terminal::{Home, PASSWORD, SMALL, Terminal, apply};

/// A portal with the superuser `amir` and the Engineer `bela`, and the program with the cursor on `bela`.
fn on_bela() -> (Home, Terminal) {
    let home = Home::with_portal();
    let add = ["user", "add", "--username", "bela", "--group", "Engineer", "--password-stdin"];
    home.ok(&format!("{PASSWORD}\n"), &add);
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("[1] Users");
    terminal.wait_for("bela");
    terminal.keys("G");
    terminal.wait_for("▸  bela");
    (home, terminal)
}

fn permissions(home: &Home) -> Value {
    let shown = home.json(&["user", "show", "bela"]);
    shown["item"]["permissions"].clone()
}

#[test]
fn a_permission_is_given_reviewed_applied_and_taken_back() {
    let (home, mut terminal) = on_bela();
    terminal.keys("M");
    terminal.wait_for("Groups and permissions of bela");
    terminal.wait_for("[x] Engineer");
    terminal.keys(&format!("/view_dep{DOWN} "));
    terminal.wait_for("gains core.view_department; loses nothing");
    terminal.wait_for("gains core.view_department (directly)");
    terminal.keys(CTRL_S);
    terminal.wait_for("+ permission  core.view_department");
    apply(&mut terminal, "Edit bela", "Changed bela · u undoes");
    assert_eq!(permissions(&home), json!(["core.view_department"]));

    terminal.keys("a");
    terminal.wait_for("view every permission");
    terminal.keys("v");
    terminal.wait_for("1 of 32");
    terminal.wait_for("core.view_department  directly");
    terminal.escape_until("1 of 32", false);
    terminal.keys("u");
    terminal.wait_for("− permission  core.view_department");
    apply(&mut terminal, "Undo: Edit bela", "Taken back: Edit bela");
    assert_eq!(permissions(&home), json!([]));
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
}

#[test]
fn a_password_is_tested_from_the_menu_and_never_shown() {
    let (home, mut terminal) = on_bela();
    terminal.keys("a");
    terminal.wait_for("test a password");
    terminal.keys("t");
    terminal.wait_for("Test a password of bela");
    terminal.keys(&format!("Canary-plover{ENTER}"));
    terminal.wait_for("The password is wrong.");
    terminal.keys(&format!("{PASSWORD}{ENTER}"));
    terminal.wait_for("The password is right.");
    assert!(!terminal.contents().contains("Canary") && !terminal.contents().contains(PASSWORD));
    terminal.escape_until("Test a password of bela", false);
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    assert!(home.log().contains("a password was tested"), "{}", home.log());
    assert!(!home.log().contains("Canary") && !home.log().contains(PASSWORD), "{}", home.log());
}
