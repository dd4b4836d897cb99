//! `department` on a portal of its own: what it writes, what it prints, and what it refuses.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use serde_json::{Value, json};
use terminal::Home;

/// A portal with two departments and two people in the second.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    home.ok("", &["department", "add", "--name", "IT"]);
    home.ok("", &["department", "add", "--name", "Sales", "--description", "Sells.\nRoom 2", "--inactive"]);
    for name in ["bela", "cho"] {
        home.ok("", &["user", "add", "--username", name, "--department", "Sales"]);
    }
    home
}

fn json_of(home: &Home, arguments: &[&str]) -> Value {
    let printed = home.ok("", &[&["--json"], arguments].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Exit code and the error object of what is refused; nothing is printed as data then.
fn refused(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let output = home.run("", &[&["--json"], arguments].concat());
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let error: Value = serde_json::from_slice(&output.stderr).expect("an error object");
    (output.status.code().expect("a code"), error["error"].clone())
}

#[test]
fn a_department_is_listed_shown_and_edited() {
    let home = portal();
    let list = json_of(&home, &["department", "list"]);
    assert_eq!((&list["kind"], &list["total"]), (&json!("departments"), &json!(2)));
    let sales = &list["items"][1];
    let fields: Vec<&String> = sales.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        ["id", "name", "description", "is_active", "created_at", "members", "active_members", "findings"]
    );
    assert_eq!((&sales["members"], &sales["findings"]), (&json!(2), &json!(["DEP-001"])));
    let names = |arguments: &[&str]| -> Vec<String> {
        let list = json_of(&home, arguments);
        list["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["department", "list", "--sort", "members", "--descending"]), ["Sales", "IT"]);
    assert_eq!(names(&["department", "list", "room"]), ["Sales"]);
    let shown = home.ok("", &["department", "show", "Sales"]);
    assert!(shown.contains("Room 2") && shown.contains("DEP-001"), "{shown}");
    let one = json_of(&home, &["department", "show", &format!("#{}", sales["id"])]);
    assert_eq!((&one["kind"], &one["item"]["name"]), (&json!("department"), &json!("Sales")));

    let ahead = json_of(&home, &["department", "edit", "Sales", "--active", "--dry-run"]);
    assert_eq!((&ahead["rows"], &ahead["operation"]), (&json!(1), &Value::Null));
    let done =
        json_of(&home, &["department", "edit", "Sales", "--name", "Sell", "--description", "", "--active"]);
    assert_eq!((&done["kind"], &done["rows"]), (&json!("change"), &json!(1)));
    let now = json_of(&home, &["department", "show", "Sell"])["item"].clone();
    assert_eq!((&now["description"], &now["is_active"]), (&json!(""), &json!(true)));
    let nothing = json_of(&home, &["department", "edit", "Sell", "--active"]);
    assert_eq!(nothing["operation"], Value::Null);
    home.ok("", &["undo", done["operation"].as_str().unwrap()]);
    assert_eq!(json_of(&home, &["department", "list"]), list);
}

#[test]
fn what_is_refused_names_its_field() {
    let home = portal();
    for (arguments, code, kind, field) in [
        (&["add", "--name", "IT"][..], 4, "duplicate", Some("name")),
        (&["add", "--name", " "], 4, "invalid", Some("name")),
        (&["show", "Slaes"], 4, "invalid", Some("department")),
        (&["edit", "IT"], 2, "usage", None),
        (&["delete", "Sales"], 2, "usage", None),
        (&["delete", "Sales", "--move-members-to", "Sales", "--yes"], 4, "invalid", Some("to")),
        (&["delete", "Sales", "--move-members-to", "Nowhere"], 4, "invalid", Some("move_members_to")),
        (&["merge", "IT", "--into", "IT", "--yes"], 4, "invalid", Some("into")),
        (&["merge", "IT", "--into", "Nowhere"], 4, "invalid", Some("into")),
        (&["merge", "Sales", "--into", "IT"], 2, "usage", None),
        (&["move-members", "IT", "bela", "--to", "Sales"], 4, "invalid", None),
        (&["move-members", "IT"], 2, "usage", None),
    ] {
        let whole = [&["department"], arguments].concat();
        let (exit, error) = if arguments == ["move-members", "IT"] {
            (home.run("", &whole).status.code().expect("a code"), json!({"kind": "usage", "fields": {}}))
        } else {
            refused(&home, &whole)
        };
        assert_eq!((exit, error["kind"].as_str()), (code, Some(kind)), "{whole:?}: {error}");
        if let Some(field) = field {
            assert!(error["fields"].get(field).is_some(), "{whole:?}: {error}");
        }
    }
    let (_, error) = refused(&home, &["department", "delete", "Sales"]);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("Sales has 2 members") && message.contains("--leave-members-without"),
        "{message}"
    );
    let (_, error) = refused(&home, &["department", "merge", "IT", "--into", "IT", "--yes"]);
    assert!(error["message"].as_str().unwrap().contains("into itself; nothing was written"));
}

#[test]
fn departments_are_merged_deleted_and_brought_back() {
    let home = portal();
    let before = json_of(&home, &["department", "list"]);
    let merge = ["department", "merge", "Sales", "--into", "IT", "--name-of", "from", "--yes"];
    let ahead = json_of(&home, &[&merge[..], &["--dry-run"]].concat());
    assert_eq!((&ahead["rows"], &ahead["dry_run"]), (&json!(4), &json!(true)));
    assert_eq!(json_of(&home, &["department", "list"]), before, "a dry run writes nothing");
    let done = json_of(&home, &merge);
    assert_eq!(done["rows"], 4, "two profiles, and both departments");
    let left = json_of(&home, &["department", "list"]);
    assert_eq!(left["total"], 1);
    let one = &left["items"][0];
    assert_eq!(
        (&one["name"], &one["members"], &one["is_active"]),
        (&json!("Sales"), &json!(2), &json!(true))
    );
    assert_eq!(one["description"], "Sells.\nRoom 2", "the only description there is stays");
    home.ok("", &["undo", done["operation"].as_str().unwrap()]);
    assert_eq!(json_of(&home, &["department", "list"]), before);

    let output = home.run("", &["department", "delete", "Sales", "--leave-members-without", "--yes"]);
    assert_eq!(output.status.code(), Some(0));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("2 members of Sales are left without a department."), "{talk}");
    assert_eq!(json_of(&home, &["user", "show", "bela"])["item"]["profile"]["department"], Value::Null);
    let newest = json_of(&home, &["history", "--limit", "1"])["items"][0].clone();
    assert_eq!(newest["title"], "Delete department Sales");
    home.ok("", &["undo", newest["operation"].as_str().unwrap()]);

    let moved = json_of(&home, &["department", "move-members", "Sales", "cho", "--to", "IT"]);
    assert_eq!(moved["rows"], 1);
    let members = |name: &str| json_of(&home, &["department", "show", name])["item"]["members"].clone();
    assert_eq!((members("Sales"), members("IT")), (json!(1), json!(1)));
    json_of(&home, &["department", "move-members", "Sales", "--to-none"]);
    assert_eq!(members("Sales"), 0);
    json_of(&home, &["department", "delete", "Sales", "--yes"]);
    assert_eq!(json_of(&home, &["department", "list"])["total"], 1);
}

#[test]
fn a_large_merge_is_summed_up() {
    let home = portal();
    home.crowd("Sales", 600);
    let merge = ["department", "merge", "Sales", "--into", "IT", "--yes"];
    let ahead = json_of(&home, &[&merge[..], &["--dry-run"]].concat());
    assert_eq!((&ahead["rows"], &ahead["ahead"]["members"]), (&json!(604), &json!(602)));
    assert_eq!(ahead["plan"].as_array().unwrap().len(), 500, "the first transaction stands for the others");
    assert_eq!(ahead["ahead"]["title"], "Merge department Sales into IT");
    let text = home.ok("", &[&merge[..], &["--dry-run"]].concat());
    assert!(text.contains("update core_userprofile"), "{text}");
    assert!(text.ends_with("  and 104 rows more like these\nNothing was written.\n"), "{text}");

    let done = json_of(&home, &merge);
    assert_eq!((&done["rows"], done["operations"].as_array().unwrap().len()), (&json!(604), 2));
    let run = json_of(&home, &["run", "show", done["operation"].as_str().unwrap()])["item"].clone();
    assert_eq!((&run["kind"], &run["state"], &run["done"]), (&json!("leaving"), &json!("done"), &json!(604)));
    let printed = home.ok("", &["undo", run["run"].as_str().unwrap()]);
    assert!(printed.contains("Merge department Sales into IT"), "{printed}");
    assert_eq!(json_of(&home, &["department", "show", "Sales"])["item"]["members"], 602);
}
