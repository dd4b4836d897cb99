//! The real program on a terminal: a change made from the command line is found in the history and taken back there.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/pty.rs"]
mod terminal;

use rustix::process::Signal;
use serde_json::Value;
use terminal::keys::ENTER;
use terminal::{Home, LARGE, SMALL, Terminal};

#[test]
fn a_change_from_the_command_line_is_taken_back_from_the_history() {
    let home = Home::with_portal();
    home.ok("", &["user", "add", "--username", "bela", "--first-name", "Bela"]);
    for size in [SMALL, LARGE] {
        home.ok("", &["user", "edit", "bela", "--first-name", "Zdenka"]);
        let mut terminal = Terminal::signed_in(&home, size);
        terminal.wait_for("[1] Users");
        terminal.press_often_until("5", "Create bela", true);
        terminal.keys(&format!("/field:first-name about:bela edit{ENTER}"));
        terminal.wait_gone("Create bela");
        terminal.wait_for("Bela → Zdenka");
        terminal.keys("u");
        terminal.wait_for("Undo: Edit bela");
        terminal.wait_for("Zdenka → Bela");
        terminal.press_until("y", "y apply", false);
        terminal.wait_for("Taken back: Edit bela");
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.wait_end(), 143);
        terminal.assert_restored();

        let user: Value = home.json(&["user", "show", "bela"]);
        assert_eq!(user["item"]["first_name"], "Bela");
        let history: Value = home.json(&["history", "--limit", "2"]);
        assert_eq!(history["items"][0]["undo_of"], history["items"][1]["operation"], "{history}");
        assert_eq!(history["items"][0]["actor"]["user"], "amir");
        home.ok("", &["history", "--verify"]);
    }
}
