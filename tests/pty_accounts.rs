//! Accounts that end and that begin like another, in the real program on a small terminal.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use terminal::keys::{CTRL_S, CTRL_U, DOWN, ENTER};
use terminal::{Home, SMALL, Terminal, apply};

/// A portal in a home of its own with the superuser `amir`, and `bela`: an Engineer.
fn portal() -> Home {
    let home = Home::with_portal();
    let bela =
        ["--username", "bela", "--group", "Engineer", "--email", "bela@example.org", "--password-generate"];
    home.ok("", &[&["user", "add"], &bela[..]].concat());
    home
}

/// The list, with the cursor on bela.
fn on_bela(home: &Home) -> Terminal {
    let mut terminal = Terminal::signed_in(home, SMALL);
    terminal.wait_for("1 of 2");
    terminal.keys(DOWN);
    terminal.wait_for("▸  bela");
    terminal
}

#[test]
fn delete() {
    let home = portal();
    let before = home.user("bela");
    let mut terminal = on_bela(&home);
    terminal.keys("D");
    terminal.wait_for("Deleting takes along what Django's own delete does: 1 group,");
    terminal.wait_for("o off-board instead   D delete   n leave");
    // The dialog throws away what is typed before its first frame.
    terminal.press_until("n", "Deleting takes along", false);
    assert_eq!(home.user("bela"), before, "leaving changes nothing");

    terminal.keys("D");
    terminal.wait_for("D delete   n leave");
    terminal.press_until("D", "Type bela to go on, then Enter:", true);
    terminal.wait_for("The portal sessions of bela end");
    terminal.press_until(&format!("{CTRL_U}bel{ENTER}"), "Type bela first, then Enter.", true);
    apply(&mut terminal, "Delete bela", "Deleted bela");
    terminal.wait_for("1 of 1");

    terminal.keys("u");
    apply(&mut terminal, "Undo: Delete bela", "Taken back: Delete bela");
    terminal.wait_for("of 2");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
    assert_eq!(home.user("bela"), before, "ids, profile, group and password as before");
    home.ok("", &["check"]);
}

#[test]
fn off_board() {
    let home = portal();
    let before = home.user("bela");
    let mut terminal = on_bela(&home);
    terminal.keys("a");
    terminal.wait_for("off-board: no way in, no rights");
    terminal.press_until("o", "Off-board bela", true);
    terminal.wait_for("bela loses the role Engineer.");
    apply(&mut terminal, "Off-board bela", "Off-boarded bela");
    terminal.wait_for("inactive");
    let off = home.user("bela");
    assert_eq!((&off["is_active"], &off["password_algorithm"]), (&false.into(), &"unusable".into()));
    assert_eq!(off["profile"]["email_notifications"], false);

    // A second time there is nothing to do, from the other way in either.
    terminal.keys("D");
    terminal.wait_for("o off-board instead");
    terminal.press_until("o", "off-boarded already", true);
    terminal.escape_until("o off-board instead", false);

    terminal.keys("u");
    terminal.wait_for("Should the old one work again?");
    terminal.press_until("y", "Should the old one work again?", false);
    apply(&mut terminal, "Undo: Off-board bela", "Taken back: Off-board bela");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    let back = home.user("bela");
    for column in ["is_active", "groups", "password_algorithm"] {
        assert_eq!(back[column], before[column], "{column}");
    }
}

#[test]
fn a_new_user_like_another_and_a_rename() {
    let home = portal();
    let mut terminal = on_bela(&home);
    terminal.keys("a");
    terminal.wait_for("new user like this one");
    terminal.press_until("c", "New user like bela", true);
    terminal.wait_for("gains Engineer, loses nothing");
    terminal.keys(&format!("cho{CTRL_S}"));
    apply(&mut terminal, "Create cho", "Created cho");
    terminal.wait_for("▸  cho");
    let cho = home.user("cho");
    assert_eq!((&cho["groups"][0], &cho["email"]), (&"Engineer".into(), &"".into()));

    terminal.keys("a");
    terminal.wait_for("n  rename");
    terminal.press_until("n", "Edit cho", true);
    terminal.wait_for("▸Username");
    terminal.keys(&format!("i{CTRL_S}"));
    apply(&mut terminal, "Rename cho to choi", "Renamed cho to choi");
    terminal.wait_for("▸  choi");
    terminal.signal(rustix::process::Signal::TERM);
    assert_eq!(terminal.wait_end(), 143);
}

/// Rows of another table of the portal's leave only off-boarding.
#[test]
fn rows_of_other_tables_are_named() {
    let home = portal();
    home.script(vec![
        "CREATE TABLE core_complaint (id integer PRIMARY KEY, author_id integer REFERENCES auth_user (id)); \
         INSERT INTO core_complaint SELECT 1, id FROM auth_user WHERE username = 'bela'"
            .to_owned(),
    ]);
    let mut terminal = on_bela(&home);
    terminal.keys("D");
    terminal.wait_for("core_complaint holds 1 row");
    terminal.wait_for("o off-board instead   n leave");
    terminal.press_until("D", "It can't be deleted", true);
    terminal.escape_until("o off-board instead", false);
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
}
