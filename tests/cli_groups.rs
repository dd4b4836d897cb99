//! The commands about groups: their words, their JSON and their exit codes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/pty.rs"]
mod terminal;

use serde_json::{Value, json};
use terminal::{Home, PASSWORD};

/// A portal with the superuser `amir` and the Engineer `bela`.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    home.ok(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    let add = ["user", "add", "--username", "bela", "--group", "Engineer", "--password-stdin"];
    home.ok(&format!("{PASSWORD}\n"), &add);
    home
}

/// The exit code and the object on stdout, or on stderr.
fn json(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let output = home.run("", &[&["--json"], arguments].concat());
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    (output.status.code().unwrap(), serde_json::from_slice(text).unwrap())
}

fn show(home: &Home, name: &str) -> Value {
    json(home, &["group", "show", name]).1["item"].clone()
}

#[test]
fn groups_are_listed_and_shown() {
    let home = portal();
    let (code, whole) = json(&home, &["group", "list"]);
    assert_eq!(
        (code, &whole["portaldesk"], &whole["kind"], &whole["total"]),
        (0, &json!(1), &json!("groups"), &json!(3))
    );
    let item = whole["items"].as_array().unwrap().iter().find(|item| item["name"] == "Engineer").unwrap();
    let keys: Vec<&String> = item.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "name", "role", "description", "member_count", "permission_count"]);
    assert_eq!((&item["role"], &item["member_count"]), (&json!("engineer"), &json!(1)));
    let (code, whole) = json(&home, &["group", "show", "Engineer"]);
    assert_eq!((code, &whole["kind"]), (0, &json!("group")));
    assert_eq!(
        (&whole["item"]["active_member_count"], &whole["item"]["permissions"]),
        (&json!(1), &json!([]))
    );
    let words = home.ok("", &["group", "list"]);
    assert!(words.starts_with("group      role       members  permissions  description\n"), "{words}");
    let words = home.ok("", &["group", "show", "Engineer"]);
    assert!(words.contains("members      1, 1 of them active\n"), "{words}");
    let (code, error) = json(&home, &["group", "show", "Enginer"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("invalid")));
    assert!(error["error"]["message"].as_str().unwrap().contains("Did you mean 'Engineer'?"), "{error}");
}

#[test]
fn a_group_is_made_renamed_filled_and_deleted() {
    let home = portal();
    let (code, ahead) =
        json(&home, &["group", "add", "Shift", "--permission", "core.view_department", "--dry-run"]);
    assert_eq!(
        (code, &ahead["rows"], &ahead["operation"], &ahead["dry_run"]),
        (0, &json!(2), &json!(null), &json!(true))
    );
    assert_eq!(ahead["plan"][1]["after"]["group_id"], json!({"new_id": 1}));
    home.ok("", &["group", "add", "Shift", "--permission", "core.view_department"]);
    let (code, error) = json(&home, &["group", "add", "Shift"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("duplicate")));
    assert!(error["error"]["fields"]["name"].is_array());
    assert_eq!(json(&home, &["group", "add", ""]).1["error"]["kind"], "invalid");

    home.ok("", &["group", "rename", "Shift", "Night shift"]);
    home.ok("", &["group", "add-member", "Night shift", "bela", "amir", "bela"]);
    assert_eq!(show(&home, "Night shift")["member_count"], 2);
    let (code, again) = json(&home, &["group", "add-member", "Night shift", "bela"]);
    assert_eq!(
        (code, &again["operation"], &again["rows"]),
        (0, &json!(null), &json!(0)),
        "nothing to change"
    );
    let (code, error) = json(&home, &["group", "add-member", "Night shift", "bela", "nobody"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("invalid")));
    home.ok("", &["group", "remove-member", "Night shift", "amir"]);
    assert_eq!(show(&home, "Night shift")["member_count"], 1);

    let before = show(&home, "Night shift");
    let output = home.run("", &["group", "delete", "Night shift"]);
    assert_eq!(output.status.code(), Some(2), "nobody to ask, and no --yes");
    let (code, gone) = json(&home, &["group", "delete", "Night shift", "--yes"]);
    assert_eq!((code, &gone["rows"]), (0, &json!(3)));
    assert_eq!(json(&home, &["group", "show", "Night shift"]).0, 4);
    home.ok("", &["undo", gone["operation"].as_str().unwrap()]);
    assert_eq!(show(&home, "Night shift"), before);
}

#[test]
fn the_permissions_of_a_group_are_given_taken_and_set() {
    let home = portal();
    let of = |home: &Home| show(home, "Engineer")["permissions"].clone();
    let permissions = ["group", "permissions", "Engineer"];
    let change = |more: &[&str]| json(&home, &[&permissions[..], more].concat());
    change(&["--add", "core.view_department", "--add", "auth.view_user"]);
    assert_eq!(of(&home), json!(["auth.view_user", "core.view_department"]));
    let (code, taken) = change(&["--add", "auth.view_group", "--remove", "auth.view_user"]);
    assert_eq!((code, &taken["rows"]), (0, &json!(2)));
    assert_eq!(of(&home), json!(["auth.view_group", "core.view_department"]));
    change(&["--set", "auth.view_user,core.view_department"]);
    assert_eq!(of(&home), json!(["auth.view_user", "core.view_department"]));
    let (code, shown) = change(&[]);
    assert_eq!((code, &shown["kind"]), (0, &json!("group")), "without a change it shows them");
    change(&["--set", ""]);
    assert_eq!(of(&home), json!([]));
    assert_eq!(change(&["--add", "core.veiw_department"]).0, 4);
    assert_eq!(change(&["--add", "auth.view_user", "--remove", "auth.view_user"]).0, 2);
    assert_eq!(change(&["--add", "auth.view_user", "--set", "auth.view_user"]).0, 2);
    assert_eq!(change(&["--dry-run"]).0, 2);
}
