//! A sitting on the Integrity tab in the real program on a small terminal: decide, accept, repair, take back.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;
use terminal::keys::{CTRL_S, ENTER, F5, LEFT};
use terminal::{Home, SMALL, Terminal, apply, go_to};

/// A portal whose tables lost what kept profiles unique: bela has two that differ, and three have none.
fn broken_portal() -> Home {
    let home = Home::with_portal();
    let bela = ["--username", "bela", "--group", "Engineer", "--phone-number", "+1 555 0100"];
    home.ok("", &[&["user", "add"], &bela[..], &["--password-generate"]].concat());
    let columns = "phone_number, main_portal_id, email_notifications, created_at, updated_at, user_id";
    let mut statements = vec![
        "ALTER TABLE core_userprofile RENAME TO strict".to_owned(),
        "CREATE TABLE core_userprofile (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, \
         phone_number varchar(15) NULL, main_portal_id varchar(50) NULL, email_notifications bool NOT NULL, \
         created_at datetime NOT NULL, updated_at datetime NOT NULL, \
         department_id bigint NULL REFERENCES core_department (id), \
         user_id integer NOT NULL REFERENCES auth_user (id))"
            .to_owned(),
        format!("INSERT INTO core_userprofile (id, {columns}) SELECT id, {columns} FROM strict"),
        "DROP TABLE strict".to_owned(),
        "UPDATE core_userprofile SET created_at = '2025-01-01 00:00:00', updated_at = '2025-01-01 00:00:00'"
            .to_owned(),
        format!(
            "INSERT INTO core_userprofile ({columns}) SELECT '+1 555 0199', main_portal_id, email_notifications, \
             created_at, '2026-01-01 00:00:00', user_id FROM core_userprofile WHERE phone_number = '+1 555 0100'"
        ),
    ];
    statements.extend(["cho", "evan", "robot"].map(|name| {
        format!(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
             is_active, date_joined) VALUES ('!', 0, '{name}', '', '', '{name}@example.org', 0, 1, \
             '2026-01-01 12:00:00')"
        )
    }));
    home.script(statements);
    home
}

/// The Integrity tab, scanned.
fn on_the_tab(home: &Home) -> Terminal {
    let mut terminal = Terminal::signed_in(home, SMALL);
    terminal.wait_for("1 of 5");
    terminal.keys("4");
    terminal.wait_for("scanned");
    terminal
}

fn report(home: &Home) -> Value {
    let output = home.run("", &["check", "--only", "PRF-001,PRF-002", "--json"]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The one backup is this user's alone, and still has what the decision takes away.
fn assert_copied(home: &Home) {
    let folder = home.0.join(".local/state/portaldesk");
    let files =
        std::fs::read_dir(folder).expect("the folder of the log").map(|entry| entry.expect("a file").path());
    let is_backup = |path: &PathBuf| path.extension().is_some_and(|end| end == "sqlite3");
    let [copy] = &files.filter(is_backup).collect::<Vec<_>>()[..] else { panic!("one backup") };
    assert_eq!(copy.metadata().expect("the file").permissions().mode() & 0o777, 0o600);
    let bytes = std::fs::read(copy).expect("the file");
    assert!(bytes.windows(11).any(|part| part == b"+1 555 0199"), "the value that goes is in it");
}

#[test]
fn a_sitting_decides_accepts_repairs_and_takes_back() {
    let home = broken_portal();
    let mut terminal = on_the_tab(&home);

    // The newest value is proposed; the other one is chosen, and the result stands below.
    go_to(&mut terminal, "PRF-002");
    terminal.keys("F");
    terminal.wait_for("● +1 555 0199");
    terminal.keys(LEFT);
    terminal.wait_for("● +1 555 0100");
    terminal.wait_for("The result, nothing written yet:");
    terminal.keys(CTRL_S);
    terminal.wait_for("F5 makes a backup first");
    terminal.keys(F5);
    terminal.wait_for("Copied the whole database into");
    assert_copied(&home);
    apply(&mut terminal, "PRF-002", "· u undoes");
    terminal.wait_gone("Decide PRF-002");

    // One of the three is no fault.
    go_to(&mut terminal, "PRF-001");
    terminal.keys(ENTER);
    go_to(&mut terminal, "'robot'");
    terminal.keys("b");
    terminal.wait_for("Accept 1 × PRF-001");
    terminal.keys(&format!("signs in by a script{CTRL_S}"));
    apply(&mut terminal, "Reason: signs in by a script", "Accepted 1 × PRF-001");
    // Esc would stop a scan that still goes on.
    terminal.wait_gone("'robot'");
    terminal.escape_until("1 accepted", true);

    // The others get theirs, and the list of users opens on them.
    go_to(&mut terminal, "PRF-001");
    terminal.keys("A");
    apply(&mut terminal, "PRF-001", "o opens these 2 users");
    terminal.keys("o");
    terminal.wait_for("of 2");
    terminal.escape_until("1 accepted", true);
    let repaired = report(&home);
    assert_eq!((&repaired["summary"]["error"], &repaired["summary"]["accepted"]), (&0.into(), &1.into()));

    terminal.keys("u");
    apply(&mut terminal, "Undo: ", "Taken back: ");
    let back = report(&home);
    assert_eq!((&back["summary"]["error"], &back["summary"]["accepted"]), (&2.into(), &1.into()));
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
}
