//! The real program on a terminal: locking it and coming back, being locked out and let in again, and a portal that is
//! only read.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use portaldesk::db::{Db, Target};
use serde_json::Value;
use terminal::keys::{CTRL_C, CTRL_P, CTRL_U, ENTER, ESC, TAB};
use terminal::{Home, LARGE, PASSWORD, SMALL, Terminal};

/// A home with a portal of its own in it, one superuser, `amir`, and an administrator, `eva`.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    let password = format!("{PASSWORD}\n");
    home.ok(&password, &["create-superuser", "--username", "amir", "--password-stdin"]);
    home.ok("", &["setup-groups"]);
    home.ok(&password, &["user", "add", "--username", "eva", "--group", "Admin", "--password-stdin"]);
    home
}

fn signed_in(home: &Home, name: &str, role: &str, arguments: &[&str]) -> Terminal {
    // Wide enough that the first line has the role.
    let mut terminal = Terminal::start(home, LARGE, arguments);
    terminal.sign_in(name);
    terminal.wait_for(&format!("{name} · {role}"));
    terminal
}

fn ended(mut terminal: Terminal) {
    terminal.press_until_end(CTRL_C);
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
}

#[test]
fn a_lock_hides_all_and_keeps_an_open_form() {
    let home = portal();
    let mut terminal = signed_in(&home, "amir", "superuser", &[]);
    terminal.wait_for("eva");
    terminal.keys("n");
    terminal.wait_for("New user");
    terminal.keys("newcomer");
    terminal.wait_for("newcomer");
    terminal.keys(&format!("{CTRL_P}lock the"));
    terminal.wait_for("app.lock");
    terminal.keys(ENTER);
    terminal.wait_for("Locked. amir goes on with the password.");
    for hidden in ["newcomer", "eva", "New user", "Users"] {
        assert!(!terminal.contents().contains(hidden), "{hidden}:\n{}", terminal.contents());
    }
    // Neither these keys nor a wrong password open it.
    terminal.keys(&format!("{ESC}q:2{ENTER}"));
    terminal.wait_for("don't open this portal here");
    assert!(terminal.contents().contains("Locked."));
    terminal.keys(&format!("{PASSWORD}{ENTER}"));
    terminal.wait_for("newcomer");
    terminal.wait_for("New user");
    let counted = home.ok("", &["user", "lockouts", "--json"]);
    assert!(counted.contains("\"total\":0"), "the right password clears the count: {counted}");
}

#[test]
fn rights_are_read_again_when_somebody_comes_back() {
    let home = portal();
    let mut terminal = signed_in(&home, "eva", "Admin", &[]);
    terminal.keys("Z");
    terminal.wait_for("Locked. eva goes on with the password.");
    home.ok("", &["user", "edit", "eva", "--set-groups", "Engineer"]);
    terminal.keys(&format!("{PASSWORD}{ENTER}"));
    terminal.wait_for("eva · Engineer");

    terminal.keys("Z");
    terminal.wait_for("Locked. eva goes on with the password.");
    home.ok("", &["user", "deactivate", "eva"]);
    terminal.keys(&format!("{PASSWORD}{ENTER}"));
    terminal.wait_for("don't open this portal here");
    assert!(terminal.contents().contains("Locked."), "{}", terminal.contents());
    ended(terminal);
}

/// As if there had been so many wrong tries.
fn failed_before(home: &Home, failures: u32) {
    let file = home.0.join(".local/share/portaldesk/portal.sqlite3");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let db = Db::open(&Target::file(&file).expect("a target")).await.expect("it opens");
        let sql = format!("UPDATE portaldesk_sign_in SET failures = {failures}, blocked_until = NULL");
        db.script(vec![sql]).await.expect("it is written");
    });
}

#[test]
fn who_is_locked_out_is_let_in_again_by_an_administrator() {
    let home = portal();
    let mut terminal = Terminal::start(&home, SMALL, &[]);
    terminal.wait_for("Sign in to portaldesk");
    terminal.wait_taken();
    terminal.keys(&format!("eva{ENTER}wrong{ENTER}"));
    terminal.wait_for("don't open this portal here");
    failed_before(&home, 13);
    terminal.press_until(&format!("{CTRL_U}wrong{ENTER}"), "Too many wrong tries. Wait ", true);
    let counted = home.json(&["user", "lockouts"]);
    let item = &counted["items"][0];
    assert_eq!((&item["username"], &item["tries"]), (&Value::from("eva"), &Value::from(14)), "{counted}");
    assert!(item["locked_until"].is_string(), "{counted}");
    let shown = home.json(&["user", "show", "eva"]);
    assert_eq!(shown["item"]["lockouts"][0]["tries"], 14, "{shown}");

    // A superuser sees it in the record and clears it from the menu.
    let mut desk = signed_in(&home, "amir", "superuser", &[]);
    desk.wait_for("eva");
    desk.keys("j");
    desk.wait_until("the cursor on eva", |screen| screen.contents().contains("▸  eva"));
    desk.keys(ENTER);
    desk.wait_for("Wrong tries");
    desk.wait_for("14 from unix:");
    // The line may break behind it.
    desk.wait_for("locked");
    desk.keys("a");
    desk.wait_for("clear wrong sign-in tries");
    desk.press_until("w", "Cleared 14 wrong sign-in tries of eva", true);
    desk.wait_gone("Wrong tries");
    assert!(home.log().contains("wrong sign-in tries cleared"), "{}", home.log());

    // A try of before may still be looked at.
    terminal.press_until(&format!("{CTRL_U}{PASSWORD}{ENTER}"), "[1] Users", true);
}

#[test]
fn the_command_line_clears_tries_too() {
    let home = portal();
    let mut terminal = Terminal::start(&home, SMALL, &[]);
    terminal.wait_for("Sign in to portaldesk");
    terminal.wait_taken();
    terminal.keys(&format!("eva{ENTER}wrong{ENTER}"));
    terminal.wait_for("don't open this portal here");
    failed_before(&home, 13);
    terminal.press_until(&format!("{CTRL_U}wrong{ENTER}"), "Too many wrong tries. Wait ", true);
    assert_eq!(home.ok("", &["user", "unlock", "eva", "--dry-run"]), "14 would be cleared for eva\n");
    assert_eq!(home.ok("", &["user", "unlock", "eva"]), "Cleared 14 wrong sign-in tries of eva\n");
    // A try of before may still be looked at.
    terminal.press_until(&format!("{CTRL_U}{PASSWORD}{ENTER}"), "[1] Users", true);
}

#[test]
fn a_portal_that_is_only_read_says_so_instead_of_writing() {
    let home = portal();
    let mut terminal = signed_in(&home, "amir", "superuser", &["--read-only"]);
    terminal.wait_for("READ-ONLY");
    terminal.wait_for("eva");
    // Until the rights are read, everything seems allowed.
    terminal.wait_gone("e edit");
    let last = terminal.contents().lines().last().map(str::to_owned).unwrap_or_default();
    assert!(last.contains("? help"), "{last}");
    for absent in ["new", "edit", "undo"] {
        assert!(!last.contains(absent), "{absent}: {last}");
    }
    for key in ["n", "e", "p", "L", "M", "u"] {
        terminal.keys(key);
        terminal.wait_for("opened read-only; nothing was written");
        // Another message in between, so that the next one is its own.
        terminal.keys("m");
        terminal.wait_gone("opened read-only");
    }
    let before = home.ok("", &["user", "list", "--json"]);
    ended(terminal);
    assert_eq!(home.ok("", &["user", "list", "--json"]), before);

    // Tries are counted in the state folder, and the database's are not touched.
    let mut terminal = Terminal::start(&home, SMALL, &["--read-only"]);
    terminal.wait_for("Sign in to portaldesk");
    terminal.keys(&format!("eva{TAB}"));
    terminal.press_often_until(&format!("{CTRL_U}wrong{ENTER}"), "Too many wrong tries. Wait ", true);
    assert!(home.ok("", &["user", "lockouts"]).contains("No wrong tries"));
    assert!(home.ok("", &["--read-only", "user", "lockouts"]).contains("eva"));
    let cleared = home.ok("", &["--read-only", "user", "unlock", "eva"]);
    assert!(cleared.contains("state folder"), "{cleared}");
    // A try of before may still be looked at.
    terminal.press_until(&format!("{CTRL_U}{PASSWORD}{ENTER}"), "[1] Users", true);
}
