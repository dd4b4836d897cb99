//! The portal's own bad day, on its own kind of server: the tables of its migration 0003 on MariaDB, the unique key of
//! profiles lost, blank portal ids, an account deleted by SQL that left its profile and its rights behind, doubled and
//! missing profiles, and a counter that would hand the old account's id to the next one. One sitting at the real program
//! puts it right, and then real Django migrates and its admin adds a user without an error.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[path = "support/pty.rs"]
mod terminal;

use serde_json::{Value as Json, json};
use support::django::{Django, Release};
use support::{Made, Server, TestDb};
use terminal::keys::CTRL_S;
use terminal::{Home, PASSWORD, SMALL, Terminal, apply, go_to};

/// The id that the deleted account had.
const GONE: i64 = 4711;

/// What happened to the portal.
async fn break_it(db: &TestDb) {
    let profile = |user: &str, phone: &str, portal_id: &str| {
        format!(
            "INSERT INTO core_userprofile (phone_number, main_portal_id, created_at, updated_at, user_id, department_id, \
             email_notifications) SELECT {phone}, {portal_id}, NOW(), NOW(), {user}, NULL, 1"
        )
    };
    let of = |name: &str| format!("(SELECT id FROM auth_user WHERE username = '{name}')");
    let statements = [
        "SET SESSION foreign_key_checks = 0".to_owned(),
        "ALTER TABLE core_userprofile ADD INDEX plain (user_id), DROP INDEX user_id".to_owned(),
        // The form left it empty, and MySQL took that for a value; an import wrote a tab.
        format!("UPDATE core_userprofile SET main_portal_id = '' WHERE user_id = {}", of("bela")),
        format!("UPDATE core_userprofile SET main_portal_id = '\\t' WHERE user_id = {}", of("cho")),
        // The account was deleted by SQL.
        profile(&GONE.to_string(), "'030 1'", "'OLD'"),
        format!(
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT {GONE}, id FROM auth_group WHERE name = 'Admin'"
        ),
        // The form inserted a second profile beside the signal's: with nothing in it, and with another phone.
        profile(&of("cho"), "NULL", "NULL"),
        profile(&of("dana"), "'+1 555 0199'", "NULL"),
        // The signal printed its error and went on.
        format!("DELETE FROM core_userprofile WHERE user_id = {}", of("evan")),
        "SET SESSION foreign_key_checks = 1".to_owned(),
    ];
    db.script(statements.to_vec()).await.expect("the portal is broken");
}

/// The portal with its people, by our own commands.
fn people(home: &Home, url: &str) {
    let run = |input: &str, arguments: &[&str]| home.ok(input, &[&["--database", url], arguments].concat());
    run("", &["init", "--yes"]);
    run("", &["setup-groups", "--yes"]);
    run(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    for name in ["bela", "cho", "dana", "evan"] {
        let user = ["user", "add", "--username", name, "--group", "Engineer", "--password-stdin"];
        let phone: &[&str] = if name == "dana" { &["--phone-number", "+1 555 0100"] } else { &[] };
        run(&format!("{PASSWORD}\n"), &[&user[..], phone].concat());
    }
}

/// What `check` finds that needs somebody: id and class. That there is a single superuser is only worth knowing.
fn found(home: &Home, url: &str) -> Vec<(String, String)> {
    let output = home.run("", &["--database", url, "check", "--json"]);
    let report: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Json| value.as_str().expect("text").to_owned();
    let findings = report["findings"].as_array().expect("findings");
    let grave = findings.iter().filter(|it| it["severity"] != "info");
    let mut found: Vec<_> = grave.map(|it| (text(&it["id"]), text(&it["class"]))).collect();
    found.sort();
    found
}

fn named(found: &[(&str, &str)]) -> Vec<(String, String)> {
    found.iter().map(|(id, class)| ((*id).to_owned(), (*class).to_owned())).collect()
}

#[test]
fn one_sitting_puts_the_portal_right() {
    if !Server::MariaDb.is_there("the portal's own story") {
        return;
    }
    let runtime = support::runtime();
    let db = runtime.block_on(TestDb::new(Server::MariaDb, Made::Django0003));
    let url = db.url();
    let home = Home::new();
    people(&home, &url);
    runtime.block_on(break_it(&db));
    assert_eq!(
        found(&home, &url),
        named(&[
            ("IDX-001", "C"),
            ("IDX-003", "M"),
            ("MIG-001", "M"),
            ("PRF-001", "A"),
            ("PRF-002", "A"),
            ("PRF-002", "C"),
            ("PRF-003", "A"),
            ("REL-001", "A"),
            ("SEQ-003", "A"),
            ("TXT-001", "A"),
        ])
    );

    sitting(&home, &url);
    assert_eq!(
        found(&home, &url),
        named(&[("IDX-003", "M"), ("MIG-001", "M")]),
        "migrating is the portal's to do"
    );
    the_portal_goes_on(&db);
    assert_eq!(found(&home, &url), named(&[("USR-003", "C")]), "the new user has no role yet");
}

/// Signs in, repairs what is safe, decides about the rest.
fn sitting(home: &Home, url: &str) {
    let mut terminal = Terminal::start(home, SMALL, &["--database", url]);
    terminal.sign_in("amir");
    terminal.wait_for("1 of 5");
    terminal.keys("4");
    terminal.wait_for("scanned");

    terminal.keys("*");
    terminal.wait_for("marked");
    terminal.keys("F");
    apply(&mut terminal, "Repair", "✓ Repaired PRF-003, REL-001, SEQ-003, PRF-001, PRF-002, TXT-001");
    terminal.wait_gone("safe");

    go_to(&mut terminal, "PRF-002");
    terminal.keys("F");
    terminal.wait_for("● +1 555 0199");
    terminal.keys(CTRL_S);
    apply(&mut terminal, "PRF-002", "✓ ");
    terminal.wait_gone("PRF-002  ");

    go_to(&mut terminal, "IDX-001");
    terminal.keys("F");
    terminal.wait_for("● ALTER TABLE `core_userprofile` ADD CONSTRAINT");
    terminal.keys(CTRL_S);
    apply(&mut terminal, "IDX-001", "✓ ");
    // The tab is on top again, and has looked again.
    terminal.wait_for("2 warnings  1 info");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
}

/// Real Django migrates to 0004, and its admin's own form, which made the double profiles, adds a user.
fn the_portal_goes_on(db: &TestDb) {
    let Some(mut django) = Django::start(db, Release::V42) else { return };
    django.command("migrate", &[]);
    assert_eq!(django.command("fix_user_profiles", &["--dry-run"]), "without: 0, doubled: 0, orphans: 0\n");
    assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
    let added = json!({ "username": "farah", "password1": PASSWORD, "password2": PASSWORD });
    django.submit("/admin/auth/user/add/", added).saved();
    let farah = django.user("farah");
    assert!(farah["id"].as_i64().expect("an id") > GONE, "the old account's id is not used again: {farah}");
    assert_eq!(farah["groups"], json!([]), "nor are its rights inherited");
    for name in ["bela", "cho", "dana", "evan", "farah"] {
        assert_eq!(django.authenticate(name, PASSWORD), Ok(true), "{name}");
        assert!(django.user(name)["profile"].is_object(), "{name}");
    }
}
