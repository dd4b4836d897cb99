//! The list of users as it was left: the real program, quit and started again.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use terminal::keys::ENTER;
use terminal::{Home, SMALL, Terminal};

/// A portal in a home of its own with the superuser `amir` and three others.
fn portal() -> Home {
    let home = Home::with_portal();
    for (name, email) in
        [("bela", "zora@example.org"), ("cho", "yuna@example.org"), ("dana", "dana@example.com")]
    {
        home.ok("", &["user", "add", "--username", name, "--email", email, "--password-generate"]);
    }
    home
}

/// The file in which it is kept how lists were left.
fn file(home: &Home) -> Option<PathBuf> {
    let files = std::fs::read_dir(home.0.join(".local/state/portaldesk/lists"));
    files.into_iter().flatten().flatten().map(|file| file.path()).next()
}

/// The list with a column more, by e-mail, filtered.
fn wait_as_left(terminal: &Terminal) {
    terminal.wait_for("/ example.org");
    terminal.wait_for("1 of 2 · by e-mail");
    terminal.wait_for("E-MAIL ▲");
    terminal.wait_for("▸  cho");
}

#[test]
fn a_list_is_found_as_it_was_left() {
    let home = portal();
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("1 of 4 · by username");
    assert!(!terminal.contents().contains("E-MAIL"), "{}", terminal.contents());

    // The usual six columns, then those that are not shown; the e-mail address is the first of them. Second place for it.
    terminal.keys("c");
    terminal.wait_for("[ ] E-MAIL");
    terminal.keys("jjjjjj");
    terminal.wait_for("▸ [ ] E-MAIL");
    terminal.keys(" ");
    terminal.wait_for("[x] E-MAIL");
    terminal.keys("k");
    terminal.wait_for("▸ [x] E-MAIL");
    terminal.keys("KKKKK");
    terminal.keys(ENTER);
    terminal.wait_gone("[x] E-MAIL");
    terminal.wait_for("E-MAIL");
    terminal.keys("s");
    terminal.wait_for("Sort by");
    terminal.keys(&format!("e-mail{ENTER}"));
    terminal.wait_for("1 of 4 · by e-mail");
    terminal.keys("/example.org");
    terminal.wait_for("1 of 2 · by e-mail");
    terminal.keys(ENTER);
    wait_as_left(&terminal);
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    let kept = file(&home).expect("a file");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o7777, 0o600);

    let mut terminal = Terminal::signed_in(&home, SMALL);
    wait_as_left(&terminal);
    // It is a filter like any other, and goes for the next time too.
    terminal.escape_until("1 of 4 · by e-mail", true);
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("1 of 4 · by e-mail");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);

    // What can't be read loses the memory and nothing else.
    std::fs::write(&kept, "{").unwrap();
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("1 of 4 · by username");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    assert!(home.log().contains("how the lists were left"), "{}", home.log());
}

#[test]
fn a_filter_goes_on_to_mean_a_department_that_was_renamed() {
    let home = portal();
    home.ok("", &["department", "add", "--name", "IT"]);
    home.ok("", &["user", "edit", "bela", "--department", "IT", "--yes"]);
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("1 of 4 · by username");
    terminal.keys("/dept:IT");
    terminal.wait_for("1 of 1 · by username");
    terminal.keys(&format!("{ENTER}q"));
    assert_eq!(terminal.wait_end(), 0);

    home.ok("", &["department", "edit", "IT", "--name", "Human Resources", "--yes"]);
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("/ dept:\"Human Resources\"");
    terminal.wait_for("1 of 1 · by username");
    terminal.wait_for("▸  bela");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
}
