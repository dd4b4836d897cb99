//! The commands about who can sign in and who may what: their words, their JSON and their exit codes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/pty.rs"]
mod terminal;

use serde_json::{Value, json};
use terminal::Home;

const PASSWORD: &str = "Canary-Plover-41-Qx";

/// A portal with the superuser `amir` and the Engineer `bela`.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    home.ok(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    home.ok(
        &format!("{PASSWORD}\n"),
        &["user", "add", "--username", "bela", "--group", "Engineer", "--password-stdin"],
    );
    home
}

/// The exit code and the object on stdout.
fn json(home: &Home, input: &str, arguments: &[&str]) -> (i32, Value) {
    let output = home.run(input, &[&["--json"], arguments].concat());
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    (output.status.code().unwrap(), serde_json::from_slice(text).unwrap())
}

fn kinds(reasons: &Value) -> Vec<&str> {
    reasons.as_array().unwrap().iter().map(|reason| reason["kind"].as_str().unwrap()).collect()
}

#[test]
fn why_tells_every_reason_and_ends_with_one_for_a_no() {
    let home = portal();
    let (code, whole) = json(&home, "", &["user", "why", "bela"]);
    assert_eq!(code, 0);
    assert_eq!((&whole["portaldesk"], &whole["kind"]), (&json!(1), &json!("why")));
    let keys: Vec<&String> = whole["item"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["username", "can_sign_in", "reasons", "cautions", "opens_admin", "locked_out"]);
    assert_eq!(whole["item"]["can_sign_in"], true);
    assert_eq!(kinds(&whole["item"]["cautions"]), ["library"], "nobody has shown that the portal has it");

    home.ok("", &["user", "edit", "bela", "--inactive", "--set-groups", ""]);
    let (code, whole) = json(&home, "", &["user", "why", "bela"]);
    assert_eq!((code, kinds(&whole["item"]["reasons"])), (1, vec!["inactive"]));
    assert_eq!(kinds(&whole["item"]["cautions"]), ["library", "no-portal-group"]);
    let output = home.run("", &["user", "why", "bela"]);
    let words = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for expected in
        ["can sign in     no\n", "because         the account is inactive\n", "portal's admin  no"]
    {
        assert!(words.contains(expected), "{words}");
    }
    let (code, error) = json(&home, "", &["user", "why", "Bela"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("invalid")));
}

#[test]
fn a_password_is_tested_and_never_repeated() {
    let home = portal();
    let why = ["user", "why", "bela", "--password-stdin"];
    let (code, whole) = json(&home, &format!("{PASSWORD}\n"), &why);
    assert_eq!((code, &whole["item"]["password"]), (0, &json!("right")));
    let (code, whole) = json(&home, "Canary-Wrong-2\n", &why);
    assert_eq!((code, &whole["item"]["password"]), (1, &json!("wrong")));
    assert_eq!(whole["item"]["can_sign_in"], true);
    let file = home.0.join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let words = home.ok("", &["user", "why", "bela", "--password-file", file.to_str().unwrap()]);
    assert!(words.contains("password        The password is right.\n"), "{words}");
    home.ok("", &["user", "deactivate", "bela"]);
    let (code, whole) = json(&home, &format!("{PASSWORD}\n"), &why);
    assert_eq!((code, &whole["item"]["password"]), (1, &json!("right")));
    assert_eq!(json(&home, "\n", &why).0, 2, "an empty password is a mistake");
    assert!(!home.log().contains("Canary"), "{}", home.log());
    assert!(home.log().contains("a password was tested"), "{}", home.log());
}

#[test]
fn permissions_are_given_and_shown_with_their_paths() {
    let home = portal();
    let show = || json(&home, "", &["user", "show", "bela"]).1["item"].clone();
    let item = show();
    let added: Vec<&String> = item.as_object().unwrap().keys().skip(14).collect();
    assert_eq!(added, ["permissions", "effective_permissions", "referring", "lockouts"]);
    assert_eq!((&item["permissions"], &item["effective_permissions"]), (&json!([]), &json!([])));
    assert_eq!(item["referring"], json!([]), "no table but the accounts' own");

    let give =
        ["user", "edit", "bela", "--permission", "core.view_department", "--permission", "auth.view_user"];
    let (code, ahead) = json(&home, "", &[&give[..], &["--dry-run"]].concat());
    assert_eq!((code, &ahead["rows"], &ahead["operation"]), (0, &json!(2), &json!(null)));
    assert_eq!(ahead["plan"][0]["table"], "auth_user_user_permissions");
    home.ok("", &give);
    let item = show();
    assert_eq!(item["permissions"], json!(["auth.view_user", "core.view_department"]));
    assert_eq!(
        item["effective_permissions"][1],
        json!({"permission": "core.view_department", "through": ["direct"]})
    );
    home.ok("", &["user", "edit", "bela", "--remove-permission", "auth.view_user", "--superuser"]);
    let item = show();
    assert_eq!(item["permissions"], json!(["core.view_department"]));
    let effective = item["effective_permissions"].as_array().unwrap();
    let view = effective.iter().find(|it| it["permission"] == "core.view_department").unwrap();
    assert_eq!(view["through"], json!(["direct", "superuser"]));
    assert!(home.ok("", &["user", "show", "bela"]).contains("every permission, as superuser"));
    let none = json(&home, "", &["user", "edit", "bela", "--set-permissions", "", "--no-superuser"]).1;
    assert_eq!(show()["permissions"], json!([]));
    home.ok("", &["undo", none["operation"].as_str().unwrap()]);
    assert_eq!((&show()["permissions"], &show()["is_superuser"]), (&item["permissions"], &json!(true)));

    let (code, error) = json(&home, "", &["user", "edit", "bela", "--permission", "core.view_departmant"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("invalid")));
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("Did you mean 'core.view_department'?"), "{message}");
    let both = ["user", "edit", "bela", "--permission", "a.b", "--set-permissions", "a.b"];
    assert_eq!(json(&home, "", &both).0, 2);
    let view = "core.view_department";
    let both = ["user", "edit", "bela", "--permission", view, "--remove-permission", view];
    assert_eq!(json(&home, "", &both).0, 2);
    let both = ["user", "edit", "bela", "--group", "Engineer", "--remove-group", "Engineer"];
    assert_eq!(json(&home, "", &both).0, 2);
}
