//! On the command line whoever may read the database password acts: everything is allowed to everybody's account, but for
//! one guard, that a superuser who can sign in remains.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};

/// A home with an embedded portal in it, and somebody of every kind.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portaldesk-guards-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let home = Self(path);
        home.ok("init");
        home.ok("create-superuser --username root --password-generate");
        home.ok("create-superuser --username sue --password-generate");
        home.ok("user add --username al --group Admin");
        home.ok("user add --username ed --group Engineer");
        home.ok("user add --username pia --staff");
        home.ok("user edit pia --permission auth.change_user");
        home
    }

    /// What a command answers: exit code, and the JSON that it prints or the kind of its error.
    fn run(&self, line: &str) -> (i32, Value) {
        let output = Command::new(cargo_bin("portaldesk"))
            .env_clear()
            .env("HOME", &self.0)
            .env("TZ", "UTC")
            .arg("--json")
            .args(line.split(' '))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let code = output.status.code().unwrap();
        (code, if code == 0 { read(&output.stdout) } else { read(&output.stderr)["error"]["kind"].clone() })
    }

    fn ok(&self, line: &str) -> Value {
        let (code, answer) = self.run(line);
        assert_eq!(code, 0, "{line}: {answer}");
        answer
    }

    fn changes(&self) -> Value {
        self.ok("history")["total"].clone()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn everything_is_allowed_to_everybodys_account() {
    let home = Home::new("everything");
    for name in ["ed", "al", "pia", "sue"] {
        for rest in [
            "edit NAME --email new@example.org",
            "edit NAME --phone-number 0300",
            "password NAME --password-generate",
            "deactivate NAME",
            "activate NAME",
            "edit NAME --superuser",
            "edit NAME --no-superuser",
            "edit NAME --staff",
            "edit NAME --no-staff",
            "edit NAME --set-groups Admin",
            "edit NAME --set-groups Engineer",
            "edit NAME --permission auth.add_user",
        ] {
            let line = format!("user {}", rest.replace("NAME", name));
            // What is so already is done too, and nothing is written.
            let done = home.ok(&line);
            assert_eq!(done["dry_run"], json!(false), "{line}");
        }
        let off = home.ok(&format!("user offboard {name} --yes"));
        home.ok(&format!("undo {} --yes", off["operation"].as_str().unwrap()));
        let gone = home.ok(&format!("user delete {name} --yes"));
        home.ok(&format!("undo {} --yes", gone["operation"].as_str().unwrap()));
    }
    let newest = home.ok("history")["items"][0].clone();
    assert_eq!(newest["actor"]["user"], Value::Null, "nobody signed in");
    assert!(newest["actor"]["unix"].is_string(), "{newest}");
}

#[test]
fn the_last_superuser_who_can_sign_in_stays_whatever_is_said() {
    let home = Home::new("last");
    home.ok("user deactivate sue");
    let before = (home.changes(), home.ok("user show root"));
    for line in [
        "user deactivate root",
        "user deactivate ed root",
        "user edit root --no-superuser",
        "user edit root --inactive",
        "user edit root --no-superuser --email new@example.org",
        "user offboard root",
        "user offboard ed root",
        "user delete root",
        "user delete ed root",
    ] {
        for line in [line.to_owned(), format!("{line} --yes")] {
            let (code, kind) = home.run(&line);
            let asked = !line.ends_with("--yes") && (line.contains("delete") || line.contains("offboard"));
            // Without a terminal nothing dangerous is asked, so `--yes` has to be given first.
            let expected = if asked {
                [(2, json!("usage")), (4, json!("denied"))]
            } else {
                [(4, json!("denied")), (4, json!("denied"))]
            };
            assert!(expected.contains(&(code, kind.clone())), "{line}: {code} {kind}");
        }
    }
    assert_eq!((home.changes(), home.ok("user show root")), before, "nothing was written");
    // An undo is no way around it.
    let made = home.ok("user activate sue");
    home.ok("user deactivate root");
    let operation = made["operation"].as_str().unwrap();
    assert_eq!(home.run(&format!("undo {operation} --yes")), (4, json!("denied")));
    assert_eq!(home.ok("user show sue")["item"]["is_active"], true);
}
