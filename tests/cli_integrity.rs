//! `check`, `baseline` and what else is about findings, on a portal of its own: what is printed, and the exit codes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};

/// The checks whose faults the portal has: others may have something to say of it too.
const ONLY: &str = "PRF-001,PRF-003";

/// A home whose portal has faults: two orphan profiles, and a user without one.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portaldesk-integrity-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let home = Self(path);
        home.ok(&["init"]);
        home.ok(&["create-superuser", "--username", "root", "--password-generate"]);
        for name in ["bela", "cho", "dana"] {
            home.ok(&["user", "add", "--username", name]);
        }
        home.sql(
            "PRAGMA foreign_keys = OFF; DELETE FROM auth_user WHERE username IN ('bela', 'cho'); \
             DELETE FROM core_userprofile WHERE user_id = (SELECT id FROM auth_user WHERE username = 'dana')",
        );
        home
    }

    fn database(&self) -> PathBuf {
        let found = walk(&self.0)
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "sqlite3" || end == "db"));
        found.unwrap()
    }

    /// Makes by hand what no program should.
    fn sql(&self, statements: &str) {
        let statements: Vec<String> = statements.split(';').map(str::to_owned).collect();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let target = portaldesk::db::Target::file(&self.database()).unwrap();
            let db = portaldesk::db::Db::open(&target).await.unwrap();
            db.script(statements).await.unwrap();
        });
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("portaldesk"));
        command.env_clear().env("HOME", &self.0).env("TZ", "UTC").args(arguments).stdin(Stdio::null());
        command.output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.ended(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        out
    }

    fn ended(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    /// The exit code and the object on stdout.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.ended(&[&["--json"], arguments].concat());
        (code, serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}")))
    }

    /// The exit code and the error object.
    fn refused(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.ended(&[&["--json"], arguments].concat());
        assert_eq!(out, "", "{arguments:?}");
        (code, serde_json::from_str::<Value>(&err).unwrap()["error"].clone())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_report_is_readable_and_its_exit_code_says_how_bad_it_is() {
    let home = Home::new("report");
    let (code, out, _) = home.ended(&["check", "--only", ONLY]);
    assert_eq!(code, 1);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    assert!(
        out.starts_with("PRF-003  critical  2  safe  profiles without a user\n  Why      The next"),
        "{out}"
    );
    assert!(out.contains("\n    2  profile #2 of missing user #2: "), "{out}");
    assert!(out.lines().last().unwrap().starts_with("2 critical, 1 error: "), "{out}");
    assert!(home.ended(&["check", "--only", ONLY, "--rows", "1"]).1.contains("    … and 1 more\n"));

    let (code, out, err) = home.ended(&["check", "--only", ONLY, "--quiet"]);
    assert_eq!((code, out.lines().count(), err.as_str()), (1, 3, ""), "{out}");
    assert_eq!(home.ended(&["check", "--only", "GRP-001", "--quiet"]), (0, String::new(), String::new()));
    assert_eq!(home.ended(&["check", "--only", "prf-001", "--fail-on", "critical"]).0, 0);
    assert_eq!(home.ended(&["check", "--only", "PRF-001,prf-003", "--fail-on", "critical"]).0, 1);
    assert_eq!(home.refused(&["check", "--only", "PRF-999"]).0, 2);

    let (code, report) = home.json(&["check", "--only", ONLY]);
    assert_eq!((code, &report["kind"]), (1, &json!("report")));
    assert_eq!(report["summary"], json!({"critical": 2, "error": 1, "warning": 0, "info": 0, "accepted": 0}));
    assert_eq!(report["findings"][0]["rows"][0]["row"], "2");
    let (code, report) = home.json(&["check", "--deep", "--fail-on", "critical"]);
    assert!(code == 1 && report["findings"].as_array().unwrap().len() >= 2, "{report}");
    let out = home.ended(&["check", "--deep"]).1;
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}

#[test]
fn findings_are_accepted_and_taken_back() {
    let home = Home::new("baseline");
    assert_eq!(home.ok(&["baseline", "list"]), "Nothing is accepted.\n");
    let accept = ["baseline", "accept", "PRF-003", "2", "--reason", "the audit needs it"];
    let ahead = home.json(&[&accept[..], &["--dry-run"]].concat()).1;
    assert_eq!((&ahead["rows"], &ahead["dry_run"]), (&json!(["2"]), &json!(true)));
    let (code, accepted) = home.json(&[&accept[..], &["--until", "30d"]].concat());
    assert_eq!((code, &accepted["total"]), (0, &json!(1)));
    let item = &accepted["items"][0];
    assert_eq!(
        (&item["check"], &item["row"], &item["expired"]),
        (&json!("PRF-003"), &json!("2"), &json!(false))
    );
    assert_eq!(home.json(&["baseline", "list"]).1["items"], accepted["items"]);
    home.ok(&["baseline", "accept", "prf-001", "dana", "--reason", "a robot"]);

    let (code, report) = home.json(&["check", "--only", ONLY]);
    assert_eq!(code, 1);
    assert_eq!(report["summary"], json!({"critical": 1, "error": 0, "warning": 0, "info": 0, "accepted": 2}));
    let out = home.ended(&["check", "--only", ONLY]).1;
    assert!(
        out.contains("Accepted, and not counted:\nPRF-003  critical  1  safe  profiles without a user\n"),
        "{out}"
    );
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    // Everything at once is asked first.
    let (code, error) = home.refused(&["baseline", "accept", "PRF-003", "--reason", "x"]);
    assert_eq!((code, &error["kind"]), (2, &json!("usage")));
    home.ok(&["--yes", "baseline", "accept", "PRF-003", "--reason", "all of it"]);
    assert_eq!(home.ended(&["check", "--only", ONLY, "--quiet"]), (0, String::new(), String::new()));
    assert_eq!(home.json(&["fix-user-profiles", "--dry-run"]).1["repaired"], json!([]));

    let all = home.json(&["baseline", "list"]).1;
    let ids: Vec<String> =
        all["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(home.refused(&["baseline", "remove", &ids[0], "4711"]).0, 4);
    let mut remove = vec!["baseline", "remove"];
    remove.extend(ids.iter().map(String::as_str));
    assert_eq!(home.json(&remove).1["total"], 3);
    assert_eq!(home.json(&["check", "--only", ONLY]).1["summary"]["accepted"], 0);
}

#[test]
fn what_cannot_be_accepted_is_refused_by_name() {
    let home = Home::new("refused");
    for (arguments, code, said) in [
        (&["baseline", "accept", "PRF-003", "4711", "--reason", "x"][..], 4, "does not find '4711'"),
        (&["baseline", "accept", "PRF-003", "nobody", "--reason", "x"], 4, "It finds: 2, 3."),
        (&["baseline", "accept", "PRF-003", "2", "--reason", " "], 4, "Say why"),
        (
            &["baseline", "accept", "PRF-003", "2", "--reason", "x", "--until", "2020-01-01"],
            4,
            "over already",
        ),
        (&["baseline", "accept", "PRF-999", "2", "--reason", "x"], 2, "PRF-999"),
        (&["baseline", "accept", "GRP-001", "--reason", "x"], 4, "finds nothing"),
        (&["--read-only", "baseline", "accept", "PRF-003", "2", "--reason", "x"], 4, "read-only"),
        (&["baseline", "accept", "PRF-003", "2"], 2, "--reason"),
    ] {
        let (got, error) = home.refused(arguments);
        assert_eq!(got, code, "{arguments:?}: {error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{arguments:?}: {error}");
    }
    assert_eq!(home.json(&["baseline", "list"]).1["total"], 0);
}

#[test]
fn what_is_to_be_decided_is_asked_and_answered() {
    let home = Home::new("decide");
    home.sql("UPDATE auth_user SET is_staff = FALSE WHERE username = 'root'");
    let (code, asked) = home.json(&["decide", "ADM-003", "root"]);
    assert_eq!((code, &asked["kind"]), (0, &json!("decision")));
    let item = &asked["item"];
    assert_eq!((&item["check"], &item["row"]), (&json!("ADM-003"), &json!("1")));
    let question = &item["questions"][0];
    let answer = format!(
        "{}={}",
        question["name"].as_str().unwrap(),
        question["choices"][0]["value"].as_str().unwrap()
    );
    let out = home.ok(&["decide", "adm-003", "1"]);
    assert!(
        out.ends_with(&format!("\nportaldesk decide ADM-003 1 {}=…\n", question["name"].as_str().unwrap())),
        "{out}"
    );

    for (arguments, code, said) in [
        (&["decide", "ADM-003", "1", "staff"][..], 2, "QUESTION=ANSWER"),
        (&["decide", "ADM-003", "1", "staff=perhaps"], 4, "nothing was written"),
        (&["decide", "ADM-003", "1", &answer, "colour=red"], 4, "nothing was written"),
        (&["decide", "ADM-003", "dana", &answer], 4, "does not find 'dana'"),
        (&["decide", "PRF-001", "dana"], 4, "leaves nothing to decide"),
        (&["decide", "ADM-003", "1", &answer], 2, "--yes"),
    ] {
        let (got, error) = home.refused(arguments);
        assert_eq!(got, code, "{arguments:?}: {error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{arguments:?}: {error}");
    }
    let backup = home.0.join("before.sqlite3");
    let backup = backup.to_str().unwrap();
    let (code, done) = home.json(&["--yes", "decide", "ADM-003", "1", &answer, "--backup", backup]);
    assert_eq!((code, &done["rows"]), (0, &json!(1)), "{done}");
    assert!(fs::metadata(backup).unwrap().len() > 0);
    assert_eq!(home.json(&["check", "--only", "ADM-003"]).1["findings"], json!([]));
    home.ok(&["undo", done["operation"].as_str().unwrap()]);
    assert_eq!(home.json(&["check", "--only", "ADM-003"]).0, 1);
}

#[test]
fn what_a_dry_run_prints_can_be_applied_later() {
    let home = Home::new("plan");
    let file = home.0.join("plan.json");
    let path = file.to_str().unwrap();
    let keep = |arguments: &[&str]| {
        let (_, out, err) = home.ended(&[&["--json"], arguments, &["--dry-run"]].concat());
        assert_eq!(err, "");
        fs::write(&file, out).unwrap();
    };
    keep(&["fix-user-profiles"]);
    let shown = home.ok(&["plan", "show", path]);
    assert!(
        shown.contains("delete core_userprofile 2: ") && shown.contains("insert core_userprofile: "),
        "{shown}"
    );
    assert_eq!(home.refused(&["plan", "apply", path]).0, 2, "somebody has to agree");
    let (code, done) = home.json(&["--yes", "plan", "apply", path]);
    assert_eq!((code, &done["rows"]), (0, &json!(3)), "{done}");
    assert_eq!(home.ended(&["check", "--only", ONLY, "--quiet"]).0, 0);
    let (code, error) = home.refused(&["--yes", "plan", "apply", path]);
    assert_eq!((code, &error["kind"]), (4, &json!("conflict")));

    // An account with an unusable password is no secret; a password is.
    keep(&["user", "add", "--username", "evan", "--email", "evan@example.org"]);
    assert_eq!(home.json(&["--yes", "plan", "apply", path]).0, 0);
    assert_eq!(home.json(&["user", "show", "evan"]).1["item"]["email"], "evan@example.org");
    keep(&["user", "password", "evan", "--password-generate"]);
    assert_eq!(home.json(&["plan", "show", path]).1["can_be_applied"], false);
    let (code, error) = home.refused(&["--yes", "plan", "apply", path]);
    assert!(code == 4 && error["message"].as_str().unwrap().contains("no file ever holds one"), "{error}");

    keep(&["user", "edit", "evan", "--first-name", "Evan"]);
    home.ok(&["user", "edit", "evan", "--last-name", "Other"]);
    let (code, error) = home.refused(&["--yes", "plan", "apply", path]);
    assert_eq!((code, &error["differences"][0]["column"]), (4, &json!("last_name")));
    fs::write(&file, "{}").unwrap();
    assert_eq!(home.refused(&["plan", "show", path]).0, 4);
    assert_eq!(home.refused(&["plan", "show", "no-such-file"]).0, 2);
}

#[test]
fn a_backup_is_a_database_of_its_own() {
    let home = Home::new("backup");
    let path = home.0.join("copy.sqlite3");
    let (code, made) = home.json(&["--read-only", "backup", path.to_str().unwrap()]);
    assert_eq!((code, &made["kind"]), (0, &json!("backup")));
    assert_eq!(made["bytes"], fs::metadata(&path).unwrap().len());
    let url = format!("sqlite://{}", path.display());
    assert_eq!(home.json(&["--database", &url, "user", "list"]).1, home.json(&["user", "list"]).1);
    let (code, error) = home.refused(&["backup", path.to_str().unwrap()]);
    assert!(code == 4 && error["message"].as_str().unwrap().contains("overwrites nothing"), "{error}");
}
