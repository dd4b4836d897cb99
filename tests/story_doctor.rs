//! What doctor finds: rights that are missing and rights that are too much, with statements that mend both; and what it
//! says where there is no portal, no database, or no configuration to speak of.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use portaldesk::change::Actor;
use portaldesk::db::{Address, Db, Dialect, Sql, Target};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::doctor::{Item, Status, examine};
use portaldesk::directory::{Portal, Settings, setup};
use portaldesk::error::Kind;
use serde_json::Value;
use support::{Made, TestDb};

const CANARY: &str = "canary-7f3a-plover";

async fn asked(db: &Db) -> Vec<Item> {
    examine(db, Settings::default()).await
}

/// What there is to do in an area.
fn to_do<'a>(items: &'a [Item], area: &str) -> Vec<&'a Item> {
    items.iter().filter(|item| item.area == area && item.status >= Status::Warning).collect()
}

fn named<'a>(items: &'a [Item], area: &str, name: &str) -> &'a Item {
    let found = items.iter().find(|item| item.area == area && item.name == name);
    found.unwrap_or_else(|| panic!("{area} {name}: {items:?}"))
}

/// A new account of the server: it reads everything, writes nothing, and may do a little that nobody needs.
async fn restricted(db: &TestDb) -> Target {
    let (user, database) = (format!("clerk_{}", db.target().database), &db.target().database);
    if db.dialect() == Dialect::MySql {
        db.run(&format!("CREATE USER '{user}'@'localhost' IDENTIFIED BY '{CANARY}'")).await;
        db.run(&format!("GRANT SELECT, INSERT, CREATE, DROP ON `{database}`.* TO '{user}'@'localhost'"))
            .await;
        db.run(&format!("GRANT UPDATE (email) ON `{database}`.auth_user TO '{user}'@'localhost'")).await;
        db.run(&format!("GRANT SELECT ON `tests`.* TO '{user}'@'localhost'")).await;
    } else {
        db.run(&format!("CREATE ROLE {user} LOGIN CREATEDB PASSWORD '{CANARY}'")).await;
        db.run(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {user}")).await;
        db.run(&format!("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {user}")).await;
        db.run(&format!("GRANT TRUNCATE ON auth_user TO {user}")).await;
    }
    Target { user: Some(user), password: Some(CANARY.to_owned().into()), ..db.target().clone() }
}

/// A new account of the server that only reads.
async fn reader(db: &TestDb) -> Target {
    let (user, database) = (format!("reader_{}", db.target().database), &db.target().database);
    if db.dialect() == Dialect::MySql {
        db.run(&format!("CREATE USER '{user}'@'localhost' IDENTIFIED BY '{CANARY}'")).await;
        db.run(&format!("GRANT SELECT ON `{database}`.* TO '{user}'@'localhost'")).await;
    } else {
        db.run(&format!("CREATE ROLE {user} LOGIN PASSWORD '{CANARY}'")).await;
        db.run(&format!("GRANT USAGE ON SCHEMA public TO {user}")).await;
        db.run(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")).await;
    }
    Target { user: Some(user), password: Some(CANARY.to_owned().into()), ..db.target().clone() }
}

async fn dropped(db: &TestDb, target: &Target) {
    let user = target.user.clone().unwrap();
    if db.dialect() == Dialect::MySql {
        db.run(&format!("DROP USER '{user}'@'localhost'")).await;
    } else {
        db.run(&format!("DROP OWNED BY {user}")).await;
        db.run(&format!("DROP ROLE {user}")).await;
    }
}

stories! {
    async fn the_printed_statements_give_what_is_missing_and_take_what_is_too_much(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let bela = db.add_user("bela").await;
        let target = restricted(&db).await;
        let items = asked(&Db::open(&target).await.unwrap()).await;
        let todo = to_do(&items, "grants");
        let told = format!("{todo:?}");
        for word in ["UPDATE", "DELETE", "auth_user", "portaldesk_change"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        let missing = todo.iter().any(|item| item.name == "missing" && item.status == Status::Problem);
        let excess = todo.iter().any(|item| item.name == "not needed" && item.status == Status::Warning);
        assert!(missing && excess, "{told}");
        assert!(!format!("{items:?}").contains(CANARY));

        for statement in todo.iter().filter_map(|item| item.remedy.as_ref()).flat_map(|remedy| remedy.lines()) {
            db.run(statement.trim_end_matches(';')).await;
        }
        let restricted = Db::open(&target).await.unwrap();
        let items = asked(&restricted).await;
        assert!(to_do(&items, "grants").is_empty(), "{items:?}");
        assert_eq!(named(&items, "grants", "account").status, Status::Ok);

        // It is enough to work with.
        let portal = Portal::over(restricted, Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let plan = accounts::set_active(&portal, bela, false).await.unwrap();
        portal.writer().unwrap().apply(plan).await.unwrap();
        let draft = Draft { encoded_password: Some("!".to_owned()), ..Draft::default() }.with("username", "cho");
        let plan = accounts::create(&portal, &draft).await.unwrap();
        portal.writer().unwrap().apply(plan).await.unwrap();
        drop(portal);
        dropped(&db, &target).await;
    }

    async fn the_grants_shown_before_writing_is_switched_on_are_enough_at_once(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let db = db.sibling(Made::Django0004).await;
        let target = reader(&db).await;
        let clerk = Db::open(&target).await.unwrap();
        // Connections that were there before the grant.
        let read = || clerk.all(Sql::new("SELECT id FROM auth_user"));
        let (first, second, third) = tokio::join!(read(), read(), read());
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        let refused = setup::create_own_tables(&clerk).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Denied, "{refused}");
        assert!(!refused.message.contains("DROP command"), "the cause, not what came of it: {refused}");
        for grant in setup::grants(&clerk).await.unwrap() {
            db.run(grant.split("--").next().unwrap()).await;
        }
        setup::create_own_tables(&clerk).await.unwrap();
        drop(clerk);
        dropped(&db, &target).await;
    }

    async fn a_portal_as_it_should_be_leaves_nothing_to_do(db: TestDb) {
        db.add_user("bela").await;
        let before = support::digest(&db).await;
        let items = asked(&db).await;
        for area in ["connection", "schema", "hashers", "clock", "tls"] {
            assert!(to_do(&items, area).is_empty(), "{area}: {items:?}");
        }
        assert!(named(&items, "schema", "own tables").message.contains("version 1"));
        assert!(named(&items, "schema", "journal").message.contains("whole"));
        assert_eq!(named(&items, "hashers", "unusable").message, "1 account without a password");
        assert_eq!(support::digest(&db).await, before, "nothing is changed by asking");
    }

    async fn what_an_adopted_portal_lacks_is_named(db: TestDb) {
        let db = db.sibling(Made::Django0003).await;
        for (name, value) in [("old", "md5$salt$0123456789abcdef"), ("plain", CANARY), ("good", "pbkdf2_sha256$1$a$b")] {
            let id = db.add_user(name).await;
            db.run(&format!("UPDATE auth_user SET password = '{value}' WHERE id = {id}")).await;
        }
        db.run("ALTER TABLE core_department ADD COLUMN colour varchar(20)").await;
        db.run("DROP TABLE django_session").await;
        let items = asked(&db).await;
        assert_eq!(named(&items, "schema", "own tables").status, Status::Note);
        assert_eq!(named(&items, "schema", "migrations").status, Status::Note);
        assert_eq!(named(&items, "schema", "django_session").status, Status::Warning);
        assert!(named(&items, "schema", "unknown columns").message.contains("core_department.colour"));
        assert_eq!(named(&items, "hashers", "md5").status, Status::Warning);
        assert!(named(&items, "hashers", "malformed").message.starts_with("1 account "));
        assert_eq!(named(&items, "hashers", "pbkdf2_sha256").status, Status::Ok);
        assert!(!format!("{items:?}").contains(CANARY), "a password in the clear stays in the database");
        let empty = db.sibling(Made::Empty).await;
        assert_eq!(named(&asked(&empty).await, "schema", "portal").status, Status::Problem);
    }

    async fn a_journal_that_was_tampered_with_is_a_problem(db: TestDb) {
        let portal = Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let bela = db.add_user("bela").await;
        let plan = accounts::set_active(&portal, bela, false).await.unwrap();
        portal.writer().unwrap().apply(plan).await.unwrap();
        db.run("UPDATE portaldesk_change SET title = 'Nothing'").await;
        assert_eq!(named(&asked(&db).await, "schema", "journal").status, Status::Problem);
        db.run("DROP TABLE portaldesk_baseline").await;
        assert_eq!(named(&asked(&db).await, "schema", "own tables").status, Status::Problem);
    }

    async fn a_file_that_is_open_to_others_is_named(db: TestDb) {
        let Address::File(path) = db.target().address.clone() else { return };
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for (bits, status) in [(0o600, Status::Ok), (0o640, Status::Ok), (0o644, Status::Warning), (0o666, Status::Problem)] {
            mode(bits);
            assert_eq!(named(&asked(&db).await, "grants", "file").status, status, "{bits:o}");
        }
        assert_eq!(named(&asked(&db).await, "server", "journal mode").message, "wal");
    }
}

struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portaldesk-doctor-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("portaldesk"));
        command.env_clear().env("HOME", &self.0).args(arguments).output().unwrap()
    }

    /// The exit code, and the items by area and name.
    fn doctor(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(&[&["doctor", "--json"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            !text.contains(CANARY) && !String::from_utf8_lossy(&output.stderr).contains(CANARY),
            "{text}"
        );
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
        assert_eq!((&value["portaldesk"], &value["kind"]), (&Value::from(1), &Value::from("doctor")));
        (output.status.code().unwrap(), value["items"].as_array().unwrap().clone())
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> String {
        let path: &Path = &self.0.join(name);
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn item<'a>(items: &'a [Value], area: &str, name: &str) -> &'a Value {
    let found = items.iter().find(|item| item["area"] == area && item["name"] == name);
    found.unwrap_or_else(|| panic!("{area} {name}: {items:?}"))
}

#[test]
fn the_exit_code_tells_what_was_found() {
    let home = Home::new("codes");
    assert_eq!(home.run(&["init"]).status.code(), Some(0));
    let (code, items) = home.doctor(&[]);
    assert_eq!(code, 0, "{items:?}");
    assert_eq!(item(&items, "configuration", "screen.lock_after_minutes")["message"], "10 (default)");
    let keys: Vec<&String> = items[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["area", "name", "status", "message", "remedy"]);

    let database = home.0.join(".local/share/portaldesk/portal.sqlite3");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(home.doctor(&[]).0, 1);
    let words = String::from_utf8(home.run(&["doctor"]).stdout).unwrap();
    assert!(words.contains("warning  file: ") && words.contains("→ chmod o-rw "), "{words}");

    // Whatever can be found out is told where the database is not there, or nobody answers.
    let missing = format!("sqlite://{}", home.0.join("nowhere.sqlite3").display());
    for database in
        [missing.as_str(), "mysql://clerk@127.0.0.1:1/portal", "postgres://clerk@127.0.0.1:1/portal"]
    {
        let (code, items) = home.doctor(&["--database", database]);
        assert_eq!(code, 3, "{items:?}");
        assert_eq!(item(&items, "connection", "database")["status"], "problem");
        assert_eq!(item(&items, "configuration", "database")["status"], "ok");
        item(&items, "terminal", "terminal");
    }
}

#[test]
fn a_broken_configuration_is_told_and_no_secret_with_it() {
    let home = Home::new("broken");
    let portal = |more: &str| {
        format!(
            "[portal.main.database]\nengine = \"mysql\"\nhost = \"127.0.0.1\"\nport = 1\nname = \"p\"\nuser = \"u\"\n{more}"
        )
    };
    let secret = format!("password = \"{CANARY}\"\n");
    for (text, mode) in [
        ("this is no TOML ".to_owned() + CANARY, 0o600),
        (portal("colour_of_the_sky = 1\n"), 0o600),
        (portal(&secret), 0o644),
        (portal("") + "[keys]\n\"users.nwe\" = \"n\"\n", 0o600),
    ] {
        let file = home.write("config.toml", &text, mode);
        let (code, items) = home.doctor(&["--config", &file]);
        assert_eq!(code, 2, "{items:?}");
        let problem = items.iter().any(|item| item["area"] == "configuration" && item["status"] == "problem");
        assert!(problem, "{items:?}");
    }
    let file = home.write("config.toml", &portal(&secret), 0o600);
    let (code, items) = home.doctor(&["--config", &file]);
    assert_eq!(code, 3);
    assert_eq!(item(&items, "configuration", "password")["message"], "set (the file)");
    assert!(item(&items, "configuration", "file")["message"].as_str().unwrap().contains("mode 0600"));
}
