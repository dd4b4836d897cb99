//! `doctor --against`: a real portal is asked the same as we are, and what comes of it where it is another one, or none.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use portaldesk::db::{Engine, Sql};
use serde_json::{Value as Json, json};
use support::django::{Release, settings};
use support::{Made, TestDb, digest, wait_until};

/// Those of a portal that a test writes itself need nothing of Django.
const PLAIN: &str = "python3";

fn manage() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/portal/manage.py")
}

/// A folder that ends with the test, for a `manage.py` of its own.
struct Folder(PathBuf);

impl Folder {
    fn new(db: &TestDb) -> Self {
        let path = std::env::temp_dir().join(format!("{}-manage", db.target().database));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn manage(&self, text: &str) -> PathBuf {
        let path = self.0.join("manage.py");
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The doctor of `db`, to whom this program is the portal, on the database `portal`.
fn doctor(db: &TestDb, portal: &TestDb, python: &Path, manage: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("portaldesk"));
    command
        .args(["doctor", "--json", "--database", &db.url(), "--against"])
        .arg(python)
        .arg(manage)
        .args(more);
    command
        .env("PORTAL_DATABASE", settings(portal.target()).to_string())
        .env_remove("DJANGO_SETTINGS_MODULE");
    command
}

/// What it says of the portal.
fn asked(db: &TestDb, portal: &TestDb, python: impl AsRef<Path>, manage: &Path, more: &[&str]) -> Vec<Json> {
    let output = doctor(db, portal, python.as_ref(), manage, more).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answer: Json = serde_json::from_str(&text)
        .unwrap_or_else(|why| panic!("{why}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    let items = answer["items"].as_array().unwrap().iter();
    items.filter(|item| item["area"] == "against").cloned().collect()
}

/// A `manage.py` that says who it is, as a portal would, and does this with the account that it is `asked` for.
fn says(db: &TestDb, then: &str) -> String {
    let (vendor, name) = match db.target().engine {
        Engine::Sqlite => ("sqlite", db.url().replace("sqlite://", "")),
        Engine::MySql => ("mysql", db.target().database.clone()),
        Engine::Postgres => ("postgresql", db.target().database.clone()),
    };
    let who = json!({ "django": "x", "vendor": vendor, "name": name });
    format!(
        "import json, sys\n\
         if sys.argv[1] == 'shell' and 'get_commands' in sys.argv[3]:\n    print('portaldesk-answer {who}')\n\
         elif sys.argv[1] == 'shell':\n    asked = json.loads(sys.stdin.readline())\n    {then}\n"
    )
}

/// Status and message of one answer.
#[track_caller]
fn item<'a>(items: &'a [Json], name: &str) -> (&'a str, &'a str) {
    let found = items.iter().find(|item| item["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name}: {items:#?}"));
    (found["status"].as_str().unwrap(), found["message"].as_str().unwrap())
}

/// The accounts of the question that are there.
async fn left(db: &TestDb) -> i64 {
    db.number("SELECT COUNT(*) FROM auth_user WHERE username LIKE 'portaldesk-check-%'").await
}

async fn journal(db: &TestDb) -> Vec<String> {
    let rows = db.db.all(Sql::new("SELECT title FROM portaldesk_change ORDER BY id")).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

stories! {
    async fn a_portal_agrees_and_nothing_of_the_question_stays(db: TestDb) {
        // Two without a profile.
        db.add_user("bela").await;
        db.add_user("cho").await;
        // The newer one hashes at a higher cost than the older, as which we write.
        for (release, django, status) in [(Release::V42, "Django 4.2", "ok"), (Release::V52, "Django 5.2", "note")] {
            let Some(python) = release.python("a portal that agrees") else { return };
            let before = digest(&db).await;
            let items = asked(&db, &db, &python, &manage(), &[]);
            let portal = item(&items, "portal");
            assert!(portal.0 == "ok" && portal.1.contains(django), "{items:#?}");
            assert_eq!(item(&items, "database").0, "ok", "{items:#?}");
            let authenticate = item(&items, "authenticate");
            assert!(authenticate.0 == status && authenticate.1.contains("takes a password"), "{items:#?}");
            let (status, message) = item(&items, "profiles");
            assert!(status == "ok" && message.contains("finds 2 users") && message.contains("without: 2"), "{message}");
            assert_ne!(item(&items, "check").0, "problem", "{items:#?}");
            assert!(item(&items, "showmigrations").1.contains("applied"), "{items:#?}");
            assert_eq!(left(&db).await, 0);
            let after = digest(&db).await;
            for table in ["auth_user", "core_userprofile", "auth_user_groups"] {
                assert_eq!(before[table], after[table], "{table}");
            }
        }
        let titles = journal(&db).await;
        assert_eq!(titles.len(), 4, "{titles:?}");
        assert!(titles[0].starts_with("Create portaldesk-check-"), "{titles:?}");
        assert_eq!(titles[1], titles[0].replace("Create", "Delete"));
    }

    async fn a_portal_of_another_database_is_told_apart(db: TestDb) {
        let Some(python) = Release::V42.python("a portal of another database") else { return };
        let other = db.sibling(Made::Django0004).await;
        let items = asked(&db, &other, python, &manage(), &[]);
        let (status, message) = item(&items, "database");
        assert!(status == "problem" && message.contains("another database"), "{items:#?}");
        for name in ["authenticate", "profiles"] {
            assert!(item(&items, name).1.starts_with("skipped: the portal uses another database"), "{items:#?}");
        }
        assert!(journal(&db).await.is_empty(), "no account is made for a portal that can't see it");
    }

    async fn a_portal_that_is_only_read_is_asked_all_but_its_sign_in(db: TestDb) {
        let Some(python) = Release::V42.python("a portal that is only read") else { return };
        let items = asked(&db, &db, python, &manage(), &["--read-only"]);
        assert_eq!(item(&items, "database").0, "note", "{items:#?}");
        let (status, message) = item(&items, "authenticate");
        assert!(status == "note" && message.starts_with("skipped: ") && message.contains("read-only"), "{message}");
        assert_eq!(item(&items, "profiles").0, "ok", "{items:#?}");
        assert!(journal(&db).await.is_empty());
    }

    async fn the_account_goes_where_the_portal_fails_or_refuses(db: TestDb) {
        let folder = Folder::new(&db);
        for (then, status, words) in [
            ("raise SystemExit('boom \\x1b[2J ' + asked['password'])", "problem", "boom \\x1b[2J …"),
            ("import threading; threading.Event().wait()", "problem", "was killed"),
            ("print('portaldesk-answer {\"seen\": true, \"taken\": false}')", "problem", "refuses"),
            ("print('portaldesk-answer {\"seen\": false}')", "note", "does not see our account"),
            ("print('portaldesk-answer {\"seen\": true, \"taken\": true, \"kept\": false}')", "note", "hashes it anew"),
        ] {
            let items = asked(&db, &db, PLAIN, &folder.manage(&says(&db, then)), &["--against-seconds", "3"]);
            let found = item(&items, "authenticate");
            assert!(found.0 == status && found.1.contains(words), "{then}: {items:#?}");
            assert_eq!(left(&db).await, 0, "{then}");
        }
    }

    async fn the_account_goes_when_the_question_is_interrupted(db: TestDb) {
        let folder = Folder::new(&db);
        let hangs = folder.manage(&says(&db, "import threading; threading.Event().wait()"));
        let mut program = doctor(&db, &db, PLAIN.as_ref(), &hangs, &[]).stdout(Stdio::null()).spawn().unwrap();
        wait_until("the account is made", async || left(&db).await == 1).await;
        let pid = rustix::process::Pid::from_child(&program);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert_eq!(program.wait().unwrap().code(), Some(130));
        assert_eq!(left(&db).await, 0);
        assert_eq!(journal(&db).await.len(), 2);
    }

    async fn what_is_no_portal_is_told(db: TestDb) {
        let folder = Folder::new(&db);
        let garbage = folder.manage("print('\\x1b[2J' + 'garbage ' * 100000)\nraise SystemExit(7)\n");
        let items = asked(&db, &db, PLAIN, &garbage, &[]);
        let (status, message) = item(&items, "portal");
        assert!(status == "problem" && message.contains("garbage") && message.len() < 2000, "{message}");
        assert_eq!(items.len(), 1, "nothing else is asked: {items:#?}");

        let hangs = folder.manage("import threading; threading.Event().wait()\n");
        let items = asked(&db, &db, PLAIN, &hangs, &["--against-seconds", "1"]);
        assert!(item(&items, "portal").1.contains("did not end within 1 s"), "{items:#?}");

        let items = asked(&db, &db, "/nowhere/python", &hangs, &[]);
        assert!(item(&items, "portal").1.contains("/nowhere/python can't be started"), "{items:#?}");
        let items = asked(&db, &db, PLAIN, Path::new("/nowhere/manage.py"), &[]);
        assert!(item(&items, "portal").1.contains("there is no file /nowhere/manage.py"), "{items:#?}");
        assert!(journal(&db).await.is_empty());
    }
}
