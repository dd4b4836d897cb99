//! A backup makes the same accounts anew, in an empty database of the same engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use portaldesk::change::{Account, Actor};
use portaldesk::db::schema::Schema;
use portaldesk::db::{Cancel, Db, Dialect, Target};
use portaldesk::directory::{Portal, ReadOnly, Settings, backup};
use portaldesk::error::Kind;
use support::{Made, TestDb, digest};

async fn portal(db: &TestDb) -> Portal {
    Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(db: &TestDb, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!(
            "portaldesk-backup-{name}-{:?}-{}",
            db.dialect(),
            std::process::id()
        ));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Odd texts, odd dates, a group with members, an orphan where the engine lets one be made.
async fn filled(db: &TestDb) {
    for name in ["cho", "dana", "o'neil", "back\\slash"] {
        db.add_user(&name.replace('\'', "''")).await;
    }
    let line = if db.dialect() == Dialect::MySql { "a\\nb\\\\c" } else { "a\nb\\c" };
    db.run(&format!(
        "UPDATE auth_user SET last_name = 'é日本 ''\" {line}', last_login = '1999-12-31 23:59:59.123456'"
    ))
    .await;
    db.run("INSERT INTO auth_group (name) VALUES ('Admin'), ('Ünüsüal; DROP TABLE x; --')").await;
    db.run("INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u CROSS JOIN auth_group g").await;
    db.run("INSERT INTO core_department (name, description, is_active, created_at) VALUES ('IT', '', TRUE, '2026-01-02 03:04:05')").await;
    // The next ids are above what is there.
    db.add_user("gone").await;
    db.run("DELETE FROM auth_user WHERE username = 'gone'").await;
    if db.dialect() == Dialect::MySql {
        db.run("SET SESSION sql_mode = ''; UPDATE auth_user SET date_joined = '0000-00-00 00:00:00' WHERE username = 'cho'").await;
        db.without_foreign_keys("INSERT INTO auth_user_groups (user_id, group_id) VALUES (4711, 1)").await;
    }
}

/// What the tables are made of, in order.
fn shape(schema: &Schema, tables: &[String]) -> Vec<String> {
    let mut shape = Vec::new();
    for (name, table) in schema.tables.iter().filter(|(name, _)| tables.contains(name)) {
        for column in &table.columns {
            shape.push(format!("{name} {column:?}"));
        }
        let (mut uniques, mut indexes) = (table.uniques.clone(), table.indexes.clone());
        uniques.sort();
        indexes.sort();
        shape.push(format!("{name} {:?} {uniques:?} {indexes:?}", table.primary_key));
    }
    let mut keys: Vec<String> = schema
        .foreign_keys
        .iter()
        .filter(|key| tables.contains(&key.table))
        .map(|key| format!("{key:?}"))
        .collect();
    keys.sort();
    shape.extend(keys);
    shape
}

stories! {
    async fn a_backup_makes_the_same_accounts_anew(db: TestDb) {
        for made in [Made::Init, Made::Django0003, Made::Django0004] {
            let db = db.sibling(made).await;
            filled(&db).await;
            let folder = Folder::new(&db, "restore");
            let path = folder.0.join("accounts.backup");
            let before = digest(&db).await;
            let portal = portal(&db).await;
            let summary = backup::write(&portal, &path, &Cancel::default()).await.unwrap();
            assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(folder.names(), ["accounts.backup"], "nothing else is left");
            assert_eq!(digest(&db).await, before);

            let empty;
            let restored: Db = if db.dialect() == Dialect::Sqlite {
                Db::open(&Target::file(&path).unwrap()).await.unwrap()
            } else {
                empty = db.sibling(Made::Empty).await;
                empty.run(&fs::read_to_string(&path).unwrap()).await;
                empty.db.clone()
            };
            let after = digest(&restored).await;
            let there: Vec<String> = if summary.tables.is_empty() {
                before.keys().cloned().collect()
            } else {
                summary.tables.iter().map(|(name, _)| name.clone()).collect()
            };
            // Of a copy of a whole database, what is counted is what the digest looks at.
            for name in ["auth_user", "auth_user_groups", "core_userprofile", "django_content_type"] {
                assert!(there.iter().any(|table| table == name), "{name}");
            }
            for (table, rows) in &before {
                if there.contains(table) {
                    assert_eq!(after.get(table), Some(rows), "{table} after {made:?}");
                }
            }
            let (old, new) = (Schema::read(&db.db).await.unwrap(), Schema::read(&restored).await.unwrap());
            assert_eq!(shape(&new, &there), shape(&old, &there));

            // Both go on with the same ids.
            let portal = Portal::over(restored, Settings::default(), Actor::unix("tester", None)).await.unwrap();
            let insert = |db: Db| async move {
                db.transaction(|tx| Box::pin(async move {
                    let sql = portaldesk::db::Sql::new("INSERT INTO auth_group (name) VALUES ('New')");
                    Ok(tx.insert(sql).await?)
                })).await.unwrap()
            };
            assert_eq!(insert(portal.db.clone()).await, insert(db.db.clone()).await);
        }
    }

    async fn nothing_is_overwritten_and_nothing_is_left_behind(db: TestDb) {
        filled(&db).await;
        let portal = portal(&db).await;
        let folder = Folder::new(&db, "refused");
        let path = folder.0.join("there");
        fs::write(&path, "mine").unwrap();
        let error = backup::write(&portal, &path, &Cancel::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message.contains("overwrites nothing"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

        let cancel = Cancel::default();
        cancel.cancel();
        let error = backup::write(&portal, &folder.0.join("stopped"), &cancel).await.unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted, "{error}");
        let error = backup::write(&portal, &folder.0.join("no/such/folder"), &Cancel::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error}");
        assert_eq!(folder.names(), ["there"]);

        // Reading is all it takes, but not everyone who may read may have the hashes.
        let target = Target { read_only: true, ..db.target().clone() };
        let read_only = Portal::open(&target, Settings::default(), Actor::unix("tester", None)).await.unwrap();
        assert_eq!(read_only.read_only, Some(ReadOnly::Asked));
        backup::write(&read_only, &folder.0.join("read-only"), &Cancel::default()).await.unwrap();
        let id = db.add_user("nobody").await;
        let nobody = portal.signed_in(Account { id, username: "nobody".to_owned() });
        let error = backup::write(&nobody, &folder.0.join("denied"), &Cancel::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied);
    }
}
