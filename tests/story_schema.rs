//! What the checks of tables and indexes say where rows stand in the way, and what only a deep scan finds.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::io::{Seek as _, SeekFrom, Write as _};

use portaldesk::change::Actor;
use portaldesk::db::blueprint::{PROFILE_USER, REFERENCES, UNIQUES};
use portaldesk::db::physical::{self, Index, Reference};
use portaldesk::db::{Address, Dialect};
use portaldesk::directory::{Portal, Settings};
use portaldesk::error::Kind;
use portaldesk::integrity::{Severity, decide, scan, scan_deep};
use support::Made;
use support::corpus::Ground;

/// What is found by these checks, with how each subject's repair is refused.
async fn refusals(ground: &Ground, id: &str) -> Vec<String> {
    let portal = ground.portal().await;
    let report = scan(&portal, &[id.to_owned()], None).await.expect("a scan");
    let mut said = Vec::new();
    for finding in &report.findings {
        for subject in &finding.found.subjects {
            let decision = finding.check.decision(&portal, *subject).await.expect("it can be asked");
            let answers = decision.expect("a decision").proposed();
            let refused =
                decide(&portal, finding.check, *subject, &answers).await.expect_err("something stands there");
            assert_eq!(refused.kind, Kind::Conflict);
            said.push(refused.message);
        }
    }
    said
}

stories! {
    /// The refusal names the check that clears the way.
    async fn what_stands_in_the_way_of_an_index_is_named(db: TestDb) {
        let ground = Ground::new(db.server, Made::Django0004).await;
        ground.drop_unique("core_userprofile", &["user_id"]).await;
        ground.drop_unique("auth_user_groups", &["user_id", "group_id"]).await;
        ground.run(&[
            "INSERT INTO core_userprofile (created_at, updated_at, user_id, email_notifications) \
             VALUES (CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 2, TRUE)",
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT user_id, group_id FROM auth_user_groups",
        ]).await;
        let said = refusals(&ground, "IDX-001").await;
        assert!(said.len() == 1 && said[0].contains("1 value stands there more than once. Repair PRF-002 first"), "{said:?}");
        let said = refusals(&ground, "IDX-002").await;
        assert!(said.len() == 1 && said[0].contains("4 values") && said[0].contains("REL-007"), "{said:?}");
    }

    async fn what_stands_in_the_way_of_a_foreign_key_is_named(db: TestDb) {
        let ground = Ground::new(db.server, Made::Django0004).await;
        if ground.db.dialect() == Dialect::Sqlite {
            // It can add none anyway.
            return;
        }
        ground.drop_keys("core_userprofile").await;
        ground.run(&["UPDATE core_userprofile SET department_id = 99, user_id = user_id + 90"]).await;
        let said = refusals(&ground, "IDX-004").await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().any(|said| said.contains("4 of its rows lead nowhere") && said.contains("REL-003")), "{said:?}");
        assert!(said.iter().any(|said| said.contains("PRF-003")), "{said:?}");
    }

    /// So that later migrations of the portal find what a repair puts back.
    async fn what_is_put_back_has_djangos_own_names(db: TestDb) {
        let django = db.sibling(Made::Django0004).await;
        let indexes = physical::indexes(&django).await.expect("the indexes");
        for unique in UNIQUES.iter().chain([&PROFILE_USER]) {
            let name = &unique.names(django.dialect())[0];
            // SQLite names the index of a single unique column by itself, and takes no other of that name.
            let is_told = django.dialect() == Dialect::Sqlite && unique.columns.len() == 1;
            let there = |index: &Index| index.table == unique.table && index.name == *name && index.unique;
            assert!(is_told || indexes.iter().any(there), "{name}");
        }
        let keys = physical::references(&django).await.expect("the keys");
        assert_eq!(keys.len(), REFERENCES.len());
        for wanted in &REFERENCES {
            let there = |key: &Reference| {
                (key.table.as_str(), key.columns.as_slice(), key.to_table.as_str())
                    == (wanted.table, [wanted.column.to_owned()].as_slice(), wanted.to_table)
                    && (django.dialect() == Dialect::Sqlite || key.name.as_deref() == Some(wanted.name))
            };
            assert!(keys.iter().any(there), "{}", wanted.name);
        }
    }

    /// A damaged file is found when somebody asks for it, and a sound database is called sound or says what it lacks.
    async fn damage_is_looked_for_only_when_asked(db: TestDb) {
        let ground = Ground::new(db.server, Made::Django0004).await;
        let portal = ground.portal().await;
        let quick = scan(&portal, &[], None).await.expect("a scan");
        assert!(!quick.checked.contains(&"PHY-001"));
        let only = ["PHY-001".to_owned()];
        let sound = scan_deep(&portal, &only, None).await.expect("a scan");
        assert!(sound.findings.is_empty(), "{:?}", sound.findings);
        if ground.db.dialect() == Dialect::Postgres {
            assert!(sound.skipped[0].why.contains("amcheck is not installed"), "{:?}", sound.skipped);
            if ground.db.number("SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'amcheck'").await == 1 {
                ground.db.run("CREATE EXTENSION amcheck").await;
                let sound = scan_deep(&portal, &only, None).await.expect("a scan");
                assert!(sound.skipped.is_empty() && sound.findings.is_empty(), "{sound:?}");
            }
        } else {
            assert_eq!(sound.skipped, []);
        }
        let Address::File(path) = &ground.db.target().address else { return };
        ground.db.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
        let page = ground.db.number("SELECT rootpage FROM sqlite_master WHERE name = 'auth_user_groups_group_id_97559544'").await;
        let size = ground.db.number("PRAGMA page_size").await;
        let mut file = std::fs::File::options().write(true).open(path).expect("the file");
        file.seek(SeekFrom::Start(u64::try_from((page - 1) * size).unwrap())).expect("the page is there");
        file.write_all(&[0xff; 64]).expect("it is damaged");
        let fresh = Portal::over(ground.db.second().await, Settings::default(), Actor::unix("tester", None)).await;
        let fresh = fresh.expect("the rows are still there");
        let damaged = scan_deep(&fresh, &only, None).await.expect("a scan");
        assert_eq!((damaged.findings.len(), damaged.worst()), (1, Some(Severity::Critical)), "{damaged:?}");
        let rows = damaged.findings[0].rows(&fresh, 0, 10).await.expect("rows");
        assert!(!rows.is_empty() && rows.iter().all(|row| row.table == "(the file)"), "{rows:?}");
    }
}
