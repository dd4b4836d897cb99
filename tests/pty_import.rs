//! A file of users with bad rows, imported in the real program on a small and on a usual terminal, and an export.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use terminal::keys::{CTRL_S, CTRL_U, ENTER};
use terminal::{Home, SMALL, Terminal, apply};

const FILE: &str = "username,groups,email,phone_number\n\
    bela,Engineer,bela@example.org,'+1 555 0100\n\
    cho,Enginer,cho@example.org,\n\
    BELA,,,\n\
    dana,,dana,letters\n";

/// A portal in a home of its own with the superuser `amir`, who is signed in, and a file of staff.
fn signed_in(size: (u16, u16)) -> (Home, Terminal) {
    let home = Home::with_portal();
    std::fs::write(home.0.join("staff.csv"), FILE).expect("a file");
    let terminal = Terminal::signed_in(&home, size);
    terminal.wait_for("1 of 1");
    (home, terminal)
}

/// Looks into the file, is told what is wrong, skips it, and takes the import back.
fn import(size: (u16, u16)) {
    let (home, mut terminal) = signed_in(size);
    terminal.press_until("I", "Change existing", true);
    terminal.keys("st\t");
    terminal.wait_for("staff.csv");
    terminal.keys(CTRL_S);
    terminal.wait_for("staff.csv: 1 new, 3 refused");
    for told in [
        "Nothing was written: correct these rows, or skip them.",
        "line 3, groups: There is no group 'Enginer'. Did you mean 'Engineer'?",
        "line 4, username: Line 2 has the same already.",
        "line 5, email: Enter a valid email address.",
        "line 5, phone_number: Enter a valid phone number",
    ] {
        terminal.wait_for(told);
    }
    terminal.wait_for("comma");
    terminal.keys("\t\t\t\t\t");
    terminal.wait_for("They go into a file of their own");
    terminal.keys(" ");
    terminal.wait_until("the box is ticked", |screen| {
        screen.contents().lines().any(|line| line.contains("Skip bad rows") && line.contains("[x]"))
    });
    terminal.keys(CTRL_S);
    terminal.wait_for("3 rows are left out");
    apply(&mut terminal, "Import staff.csv: 1 new, 3 refused", "Imported staff.csv: 1 new");
    terminal.wait_for("bela");
    assert!(home.ok("", &["user", "show", "bela"]).contains("+1 555 0100"));
    let rejected = std::fs::read_to_string(home.0.join("staff.rejected.csv")).expect("the refused rows");
    assert_eq!(rejected.lines().count(), 4, "{rejected}");
    assert!(rejected.contains("Did you mean 'Engineer'?"), "{rejected}");
    terminal.press_until("u", "Undo: ", true);
    apply(&mut terminal, "Undo: ", "Taken back");
    terminal.wait_gone("bela@example.org");
    assert!(!home.ok("", &["user", "list", "--json"]).contains("bela"));
}

#[test]
fn import_on_a_small_terminal() {
    import(SMALL);
}

#[test]
fn import_on_a_usual_terminal() {
    import((120, 40));
}

#[test]
fn export() {
    let (home, mut terminal) = signed_in(SMALL);
    terminal.press_until("E", "File: users.csv", true);
    terminal.keys(ENTER);
    terminal.wait_for("Exported to");
    let text = std::fs::read_to_string(home.0.join("users.csv")).expect("the export");
    assert!(text.starts_with("id,username,first_name,") && text.contains("\n1,amir,"), "{text}");
    // Once more under the same name: nothing is written over.
    terminal.press_until("E", "File: users.csv", true);
    terminal.keys(ENTER);
    terminal.wait_for("overwrites");
    terminal.keys(CTRL_U);
    terminal.wait_gone("File: users.csv");
    terminal.keys("u\t");
    terminal.wait_for("File: users.csv");
}
