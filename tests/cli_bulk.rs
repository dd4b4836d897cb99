//! The commands that change many accounts: `--filter`, what they print, what they refuse, and how they are taken back.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/pty.rs"]
mod terminal;

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};
use terminal::Home;

const PASSWORD: &str = "Canary-Plover-41-Qx";

/// A portal with the superuser `amir` and twelve users whose last name is Sales.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    home.ok(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    for number in 1..=12 {
        let name = format!("clerk{number:02}");
        home.ok("", &["user", "add", "--username", &name, "--last-name", "Sales"]);
    }
    home
}

/// The exit code and the object on stdout, or on stderr where there is none.
fn json(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let output = home.run("", &[&["--json"], arguments].concat());
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    (output.status.code().unwrap(), serde_json::from_slice(text).unwrap())
}

fn total(home: &Home, word: &str) -> Value {
    json(home, &["user", "list", word]).1["total"].clone()
}

fn active(home: &Home) -> usize {
    let (_, list) = json(home, &["user", "list", "sales"]);
    list["items"].as_array().unwrap().iter().filter(|user| user["is_active"] == true).count()
}

#[test]
fn what_would_happen_is_printed_and_nothing_is_written() {
    let home = portal();
    let (code, ahead) = json(&home, &["user", "deactivate", "--filter", "sales", "--dry-run"]);
    assert_eq!((code, &ahead["kind"], &ahead["operation"]), (0, &json!("change"), &Value::Null));
    assert_eq!((&ahead["rows"], &ahead["dry_run"]), (&json!(12), &json!(true)));
    assert_eq!(ahead["plan"].as_array().unwrap().len(), 12);
    let facts = &ahead["ahead"];
    assert_eq!((&facts["title"], &facts["asked"]), (&json!("Deactivate 12 users"), &json!(12)));
    assert_eq!((&facts["change"], &facts["already"], &facts["refused"]), (&json!(12), &json!(0), &json!([])));
    assert_eq!(active(&home), 12);
    let words = home.run("", &["user", "delete", "--filter", "sales", "--dry-run"]);
    let words = String::from_utf8(words.stdout).unwrap();
    for wanted in
        ["12 of 12 users would change.", "Rehearsed: 24 rows written and taken back.", "Nothing was written."]
    {
        assert!(words.contains(wanted), "{wanted}\n{words}");
    }
    assert_eq!(total(&home, "sales"), 12);
}

#[test]
fn many_are_changed_as_one_run() {
    let home = portal();
    let (code, error) = json(&home, &["user", "deactivate", "--filter", "sales"]);
    assert_eq!((code, &error["error"]["kind"]), (2, &json!("usage")), "there is nobody to ask");
    let (code, done) = json(&home, &["--yes", "user", "deactivate", "--filter", "sales"]);
    assert_eq!((code, &done["rows"], &done["dry_run"]), (0, &json!(12), &json!(false)));
    assert_eq!(active(&home), 0);
    let (_, again) = json(&home, &["--yes", "user", "deactivate", "--filter", "sales"]);
    assert_eq!((&again["operation"], &again["ahead"]["already"]), (&Value::Null, &json!(12)));
    home.ok("", &["undo", done["operation"].as_str().unwrap(), "--yes"]);
    assert_eq!(active(&home), 12);
    let (code, _) = json(&home, &["--yes", "user", "edit", "--filter", "sales", "--group", "Admin"]);
    assert_eq!(code, 0);
    let (_, list) = json(&home, &["user", "list", "sales"]);
    assert_eq!(list["items"][0]["groups"], json!(["Admin"]));
    let (_, gone) = json(&home, &["--yes", "user", "delete", "--filter", "sales"]);
    assert_eq!(gone["ahead"]["admins"], json!([13, 1]));
    assert_eq!(total(&home, "sales"), 0);
    home.ok("", &["undo", gone["operation"].as_str().unwrap(), "--yes"]);
    assert_eq!(total(&home, "sales"), 12);
}

#[test]
fn several_fields_are_changed_at_once_and_taken_back_at_once() {
    let home = portal();
    home.ok("", &["department", "add", "--name", "Archive"]);
    let edit =
        ["--yes", "user", "edit", "--filter", "sales", "--inactive", "--department", "Archive", "--group"];
    let (code, done) = json(&home, &[&edit[..], &["Engineer", "--group", "Admin"]].concat());
    assert_eq!(code, 0, "{done}");
    assert_eq!(done["ahead"]["title"], "Edit 12 users: in Engineer, in Admin, department Archive, inactive");
    let (_, list) =
        json(&home, &["user", "list", "dept:Archive", "active:no", "group:Engineer", "group:Admin"]);
    assert_eq!(list["total"], 12);
    let (_, again) =
        json(&home, &["--yes", "user", "edit", "--filter", "sales", "--inactive", "--group", "Admin"]);
    assert_eq!((&again["operation"], &again["ahead"]["already"]), (&Value::Null, &json!(12)));
    home.ok("", &["undo", done["operation"].as_str().unwrap(), "--yes"]);
    let (_, list) = json(&home, &["user", "list", "sales", "dept:none", "active:yes", "group:none"]);
    assert_eq!(list["total"], 12);
    let (code, error) = json(&home, &["--yes", "user", "edit", "--filter", "sales"]);
    assert_eq!((code, &error["error"]["kind"]), (2, &json!("usage")), "nothing to change");
}

#[test]
fn who_is_refused_is_named_and_the_others_are_done() {
    let home = portal();
    let output = home.run("", &["--json", "--yes", "user", "deactivate", "--filter", "active:yes"]);
    assert_eq!(output.status.code(), Some(5));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&done["rows"], &error["error"]["kind"]), (&json!(12), &json!("interrupted")));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("Deactivate amir: No active superuser"), "{message}");
    let (code, error) = json(&home, &["--yes", "user", "deactivate", "--filter", "amir"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("denied")), "nothing was written");
}

#[test]
fn generated_passwords_go_into_a_file_of_ones_own() {
    let home = portal();
    let to = home.0.join("new.csv");
    let to_text = to.to_str().unwrap();
    let generate = ["--yes", "user", "password", "--filter", "clerk01", "--password-generate"];
    let (code, error) = json(&home, &generate);
    assert_eq!((code, &error["error"]["kind"]), (2, &json!("usage")), "into which file?");
    let generate = [&generate[..], &["--passwords-to", to_text]].concat();
    let (code, done) = json(&home, &generate);
    assert_eq!((code, &done["rows"]), (0, &json!(1)));
    assert!(!done.to_string().contains("pbkdf2") && !done.to_string().contains("argon2"));
    assert_eq!(fs::metadata(&to).unwrap().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&to).unwrap();
    let password = text.lines().nth(1).unwrap().strip_prefix("clerk01,").unwrap();
    assert!(!done.to_string().contains(password));
    let why = home.run(&format!("{password}\n"), &["--json", "user", "why", "clerk01", "--password-stdin"]);
    assert_eq!(why.status.code(), Some(0), "it opens the portal");
    let (code, error) = json(&home, &generate);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("invalid")), "the file is there");
    assert_eq!(fs::read_to_string(&to).unwrap(), text);
}

#[test]
fn what_is_for_one_account_is_refused_for_many() {
    let home = portal();
    for arguments in [
        &["user", "edit", "--filter", "sales", "--last-name", "X"][..],
        &["user", "edit", "--filter", "sales", "--superuser"],
        &["user", "edit", "--filter", "sales"],
        &["user", "edit", "--filter", "sales", "--staff", "--inactive"],
        &["user", "edit", "clerk01", "--filter", "sales", "--staff"],
        &["user", "deactivate", "--filter", ""],
        &["user", "deactivate", "clerk01", "--filter", "sales"],
        &["user", "deactivate"],
        &["user", "password", "--filter", "sales", "--password-stdin"],
    ] {
        let output = home.run("", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(active(&home), 12);
}
