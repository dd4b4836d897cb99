//! The Groups tab in the real program on a terminal: a group made, given a permission and a member, and taken back.
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
use terminal::{Home, LARGE, PASSWORD, SMALL, Size, Terminal, apply};

fn group(home: &Home, name: &str) -> Value {
    let shown = home.json(&["group", "show", name]);
    shown["item"].clone()
}

fn one_sitting(size: Size) {
    let home = Home::with_portal();
    let add = ["user", "add", "--username", "bela", "--group", "Engineer", "--password-stdin"];
    home.ok(&format!("{PASSWORD}\n"), &add);
    let mut terminal = Terminal::signed_in(&home, size);
    terminal.wait_for("[1] Users");
    terminal.wait_for("bela");
    terminal.keys("2");
    terminal.wait_for("by role");
    terminal.wait_for("▸  Admin");

    terminal.keys("n");
    terminal.wait_for("New group");
    terminal.keys(&format!("Night shift{CTRL_S}"));
    apply(&mut terminal, "Create the group Night shift", "Created the group Night shift");
    terminal.wait_for("▸  Night shift");
    terminal.keys("p");
    terminal.wait_for("admin.add_logentry");
    terminal.keys(&format!("/view_dep{DOWN}"));
    terminal.wait_for("▸[ ] core.view_department");
    terminal.keys(" ");
    terminal.wait_for("gains core.view_department; loses nothing");
    terminal.keys(CTRL_S);
    apply(&mut terminal, "Change the permissions of", "Changed the permissions of Night shift");
    terminal.wait_gone("gains core.view_department");
    terminal.keys("M");
    terminal.wait_for("Members of Night shift");
    terminal.keys("+");
    terminal.wait_for("Add to Night shift");
    terminal.keys("bel");
    terminal.wait_for("▸ bela");
    terminal.wait_gone("▸ amir");
    terminal.keys(ENTER);
    apply(&mut terminal, "Add bela to Night shift", "Added bela to Night shift");
    let item = group(&home, "Night shift");
    assert_eq!((&item["member_count"], &item["permissions"]), (&json!(1), &json!(["core.view_department"])));

    terminal.escape_until("Members of Night shift", false);
    terminal.keys("D");
    terminal.wait_for("− member  bela");
    apply(&mut terminal, "Delete the group Night shift", "Deleted the group Night shift");
    terminal.wait_gone("▸  Night shift");
    terminal.keys("u");
    terminal.wait_for("+ member  bela");
    apply(&mut terminal, "Undo: Delete the group Night shift", "Taken back: Delete the group Night shift");
    assert_eq!(group(&home, "Night shift"), item);
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
}

#[test]
fn a_group_is_made_used_deleted_and_brought_back_in_an_old_terminal() {
    one_sitting(SMALL);
}

#[test]
fn a_group_is_made_used_deleted_and_brought_back_in_a_window() {
    one_sitting(LARGE);
}
