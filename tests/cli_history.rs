//! The history on the command line: one form for both sides, and what verifying and pruning say.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "support/pty.rs"]
mod terminal;

use serde_json::{Value, json};
use terminal::Home;

/// With one superuser, `root`.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init"]);
    home.ok("", &["create-superuser", "--username", "root", "--password-generate"]);
    home
}

/// What a command prints as JSON, which must end well.
fn object(home: &Home, arguments: &[&str]) -> Value {
    serde_json::from_str(&home.ok("", &[&["--json"], arguments].concat())).unwrap()
}

/// Exit code and what the error object says.
fn refused(home: &Home, arguments: &[&str]) -> (i32, String) {
    let output = home.run("", &[&["--json"], arguments].concat());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    (output.status.code().unwrap(), error["error"]["message"].as_str().unwrap().to_owned())
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_history_of_both_sides_has_one_form() {
    let home = portal();
    home.ok("", &["user", "add", "--username", "bela"]);
    home.ok("", &["user", "edit", "bela", "--first-name", "B\u{e9}la", "--ticket", "T-1"]);
    let fields =
        ["operation", "run", "time", "actor", "title", "ticket", "rows", "undo_of", "undone_by", "source"];
    let list = object(&home, &["history", "--limit", "2"]);
    assert_eq!((list["kind"].clone(), list["total"].clone()), (json!("history"), json!(4)));
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "the total counts what matches");
    assert_eq!(keys(&list["items"][0]), fields);
    assert_eq!(list["items"][0]["ticket"], "T-1");
    // For people the newest are shown without counting all the others.
    for (limit, says) in [("2", "2, and there are more"), ("4", "4, and no more"), ("9", "4, and no more")] {
        let shown = home.run("", &["history", "--limit", limit]);
        let said = String::from_utf8_lossy(&shown.stderr).into_owned();
        assert_eq!(said.lines().last(), Some(says), "{said}");
    }
    let total = |filter: &[&str]| object(&home, &[&["history"], filter].concat())["total"].clone();
    assert_eq!(total(&["--field", "first-name", "--about", "bela"]), 2, "creating gave it one too");
    assert_eq!(total(&["--filter", "field:first-name edit", "--about", "bela"]), 1);
    assert_eq!(total(&["--filter", "source:portal"]), 0);
    let operation = list["items"][0]["operation"].as_str().unwrap();
    assert_eq!(total(&["--op", operation]), 1);
    assert_eq!(object(&home, &["user", "list", &format!("op:{operation}")])["items"][0]["username"], "bela");
    for (arguments, says) in [
        (&["--filter", "whom:bela"][..], "about:, by:"),
        (&["--filter", "by:root", "--by", "root"], "given twice"),
        (&["--field", "shoes"], "first-name"),
        (&["--verify", "--by", "root"], "cannot be used"),
    ] {
        let (code, message) = refused(&home, &[&["history"], arguments].concat());
        assert!(code == 2 && message.contains(says), "{arguments:?}: {message}");
    }
}

#[test]
fn the_journal_is_verified_and_pruned() {
    let home = portal();
    home.ok("", &["user", "add", "--username", "bela"]);
    let whole = object(&home, &["history", "--verify"]);
    assert_eq!(keys(&whole), ["portaldesk", "kind", "changes", "rows", "pruned", "broken"]);
    assert_eq!((whole["kind"].clone(), whole["changes"].clone()), (json!("verification"), json!(3)));
    assert_eq!(whole["broken"], json!([]));
    assert!(home.ok("", &["history", "--verify"]).contains("as it was written"));

    let ahead = object(&home, &["history", "prune", "--older-than", "0m", "--dry-run"]);
    assert_eq!((ahead["operation"].clone(), ahead["rows"].clone()), (Value::Null, whole["rows"].clone()));
    let (code, error) = refused(&home, &["history", "prune", "--older-than", "0m"]);
    assert!(code == 2, "without a terminal it needs --yes: {error}");
    let done = object(&home, &["history", "prune", "--older-than", "0m", "--yes"]);
    assert_eq!(keys(&done), ["portaldesk", "kind", "operation", "rows", "dry_run", "plan"]);
    assert_eq!(done["rows"], whole["rows"]);
    let after = object(&home, &["history", "--verify"]);
    assert_eq!((after["changes"].clone(), after["pruned"].clone()), (json!(4), whole["rows"].clone()));
    let newest = &object(&home, &["history"])["items"];
    assert_eq!(
        (newest[0]["operation"].clone(), newest[0]["rows"].clone()),
        (done["operation"].clone(), json!(0))
    );
    let (code, message) = refused(&home, &["undo", newest[1]["operation"].as_str().unwrap()]);
    assert!(code == 4 && message.contains("pruned") && message.contains("auth_user"), "{message}");
    let none = object(&home, &["history", "prune", "--older-than", "0m", "--yes"]);
    assert_eq!((none["operation"].clone(), none["rows"].clone()), (Value::Null, json!(0)));
}
