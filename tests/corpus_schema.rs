//! Databases whose tables are not as Django makes them, on every engine where that can be.
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
use portaldesk::db::{Address, Dialect, Sql};
use portaldesk::directory::{Portal, Settings};
use portaldesk::error::Kind;
use portaldesk::integrity::{Severity, decide, scan, scan_deep};
use support::corpus::{Expected, Ground};
use support::{Made, TestDb};

/// What nobody but the administrator can repair: it stays.
fn stays(finds: &[(&'static str, &'static str, usize)]) -> Expected {
    Expected::finds(finds).leaves(finds)
}

/// A statement that each engine spells in its own way.
async fn run(ground: &Ground, sqlite: &str, mysql: &str, postgres: &str) {
    let statement = match ground.db.dialect() {
        Dialect::Sqlite => sqlite,
        Dialect::MySql => mysql,
        Dialect::Postgres => postgres,
    };
    ground.run(&[statement]).await;
}

/// What IDX-002 is about.
const LOOSE: [(&str, &[&str]); 7] = [
    ("auth_user", &["username"]),
    ("auth_group", &["name"]),
    ("core_department", &["name"]),
    ("auth_user_groups", &["user_id", "group_id"]),
    ("auth_user_user_permissions", &["user_id", "permission_id"]),
    ("auth_group_permissions", &["group_id", "permission_id"]),
    ("django_content_type", &["app_label", "model"]),
];

/// Drops all foreign keys of a table.
async fn drop_keys_on_mysql(ground: &Ground, table: &str) {
    let sql = Sql::new(
        "SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() \
         AND CONSTRAINT_TYPE = 'FOREIGN KEY' AND TABLE_NAME = ?",
    );
    for row in ground.db.all(sql.bind(table)).await.expect("the keys") {
        ground.run(&[&format!("ALTER TABLE {table} DROP FOREIGN KEY {}", row.text(0).expect("a name"))]).await;
    }
}

/// What is found by these checks, with how each subject's repair is refused.
async fn refusals(ground: &Ground, id: &str) -> Vec<String> {
    let portal = ground.portal().await;
    let report = scan(&portal, &[id.to_owned()], None).await.expect("a scan");
    let mut said = Vec::new();
    for finding in &report.findings {
        for subject in &finding.found.subjects {
            let decision = finding.check.decision(&portal, *subject).await.expect("it can be asked");
            let answers = decision.expect("a decision").proposed();
            let refused = decide(&portal, finding.check, *subject, &answers).await.expect_err("something stands there");
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
        match ground.db.dialect() {
            Dialect::Postgres => ground.drop_foreign_keys("core_userprofile").await,
            Dialect::MySql => drop_keys_on_mysql(&ground, "core_userprofile").await,
            // It can add none anyway.
            Dialect::Sqlite => return,
        }
        ground.run(&["UPDATE core_userprofile SET department_id = 99, user_id = user_id + 90"]).await;
        let said = refusals(&ground, "IDX-004").await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().any(|said| said.contains("4 of its rows lead nowhere") && said.contains("REL-003")), "{said:?}");
        assert!(said.iter().any(|said| said.contains("PRF-003")), "{said:?}");
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

cases! {
    everywhere {
        async fn a_table_and_columns_are_missing(ground) {
            ground.run(&[
                "DROP TABLE django_session",
                "ALTER TABLE core_department DROP COLUMN description",
                "ALTER TABLE django_admin_log DROP COLUMN change_message",
            ]).await;
            stays(&[("SCH-003", "M", 3)])
        }

        async fn a_column_takes_null(ground) {
            ground.allow_null("core_userprofile", "email_notifications").await;
            ground.allow_null("auth_group", "name").await;
            stays(&[("SCH-003", "M", 2)])
        }

        async fn a_column_takes_no_null(ground) {
            match ground.db.dialect() {
                Dialect::Sqlite => ground.rebuild("core_userprofile", "phone_number", "NULL", "NOT NULL").await,
                Dialect::MySql => {
                    ground.run(&["ALTER TABLE core_userprofile MODIFY phone_number varchar(15) NOT NULL"]).await;
                }
                Dialect::Postgres => {
                    ground.run(&["ALTER TABLE core_userprofile ALTER COLUMN phone_number SET NOT NULL"]).await;
                }
            }
            stays(&[("SCH-003", "M", 1)])
        }

        async fn a_column_has_another_type(ground) {
            match ground.db.dialect() {
                Dialect::Sqlite => ground.rebuild("core_department", "created_at", "datetime", "text").await,
                Dialect::MySql => {
                    ground.run(&["ALTER TABLE auth_user MODIFY first_name varchar(30) NOT NULL"]).await;
                }
                Dialect::Postgres => {
                    ground.run(&["ALTER TABLE core_department ALTER COLUMN created_at TYPE timestamp"]).await;
                }
            }
            stays(&[("SCH-003", "M", 1)])
        }

        async fn triggers_write_beside_us(ground) {
            if ground.db.dialect() == Dialect::Postgres {
                ground.run(&["CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"]).await;
            }
            run(
                &ground,
                "CREATE TRIGGER touched AFTER UPDATE ON core_userprofile BEGIN SELECT 1; END",
                "CREATE TRIGGER touched BEFORE UPDATE ON core_userprofile FOR EACH ROW SET NEW.phone_number = NEW.phone_number",
                "CREATE TRIGGER touched BEFORE UPDATE ON core_userprofile FOR EACH ROW EXECUTE FUNCTION touch()",
            ).await;
            // Another table's is its own business.
            ground.run(&["CREATE TABLE notes (body varchar(20))"]).await;
            run(
                &ground,
                "CREATE TRIGGER noted AFTER UPDATE ON notes BEGIN SELECT 1; END",
                "CREATE TRIGGER noted BEFORE UPDATE ON notes FOR EACH ROW SET NEW.body = NEW.body",
                "CREATE TRIGGER noted BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch()",
            ).await;
            stays(&[("SCH-004", "M", 1)])
        }

        async fn a_migration_was_applied_by_hand(ground) {
            ground.run(&["DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0004%'"]).await;
            stays(&[("MIG-001", "M", 1)])
        }

        async fn migrations_stand_twice_and_one_is_missing(ground) {
            ground.run(&[
                "INSERT INTO django_migrations (app, name, applied) SELECT app, name, applied FROM django_migrations \
                 WHERE app = 'core'",
                "DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0007%'",
            ]).await;
            stays(&[("MIG-001", "M", 5)])
        }

        async fn nothing_of_the_portal_is_recorded(ground) {
            ground.run(&["DELETE FROM django_migrations WHERE app = 'core'"]).await;
            stays(&[("MIG-001", "M", 1)])
        }

        async fn a_model_lacks_its_permissions(ground) {
            ground.run(&[
                "DELETE FROM auth_group_permissions",
                "DELETE FROM auth_permission WHERE codename IN ('view_department', 'add_userprofile', 'add_group', \
                 'change_group', 'delete_group', 'view_group')",
                "INSERT INTO auth_permission (name, content_type_id, codename) SELECT 'x', id, 'x_department' \
                 FROM django_content_type WHERE model = 'department'",
            ]).await;
            stays(&[("PRM-001", "M", 3)])
        }

        async fn a_model_was_taken_out_of_the_portal(ground) {
            ground.run(&[
                "INSERT INTO django_content_type (app_label, model) VALUES ('polls', 'choice')",
            ]).await;
            stays(&[("PRM-002", "M", 1)])
        }
    }

    // Constraints that are missing, by engine as far as it has them.
    everywhere {
        async fn nothing_keeps_profiles_apart(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            Expected::finds(&[("IDX-001", "C", 1)]).changing(&[])
        }

        async fn a_second_profile_goes_before_the_index_comes(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&["INSERT INTO core_userprofile (created_at, updated_at, user_id, email_notifications) \
                          VALUES (CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 2, TRUE)"]).await;
            Expected::finds(&[("PRF-002", "A", 1), ("IDX-001", "C", 1)]).changing(&[("core_userprofile", 1, 0)])
        }

        async fn nothing_keeps_names_and_links_apart(ground) {
            for (table, columns) in LOOSE {
                ground.drop_unique(table, columns).await;
            }
            Expected::finds(&[("IDX-002", "C", 7)]).changing(&[])
        }

        async fn the_portal_id_is_unique_although_0004_is_recorded(ground) {
            run(
                &ground,
                "CREATE UNIQUE INDEX legacy ON core_userprofile (main_portal_id)",
                "ALTER TABLE core_userprofile ADD UNIQUE main_portal_id (main_portal_id)",
                "ALTER TABLE core_userprofile ADD CONSTRAINT core_userprofile_main_portal_id_key UNIQUE (main_portal_id)",
            ).await;
            if ground.db.dialect() == Dialect::Postgres {
                ground.run(&["CREATE INDEX core_userprofile_main_portal_id_12e58eea_like ON core_userprofile \
                              (main_portal_id varchar_pattern_ops)"]).await;
            }
            match ground.db.dialect() {
                Dialect::Sqlite => stays(&[("IDX-003", "M", 1), ("MIG-001", "M", 1)]),
                _ => Expected::finds(&[("IDX-003", "C", 1), ("MIG-001", "M", 1)]).changing(&[]),
            }
        }

        async fn the_portal_id_is_unique_and_0004_is_to_come(ground) {
            run(
                &ground,
                "CREATE UNIQUE INDEX legacy ON core_userprofile (main_portal_id)",
                "ALTER TABLE core_userprofile ADD UNIQUE main_portal_id (main_portal_id)",
                "ALTER TABLE core_userprofile ADD CONSTRAINT core_userprofile_main_portal_id_key UNIQUE (main_portal_id)",
            ).await;
            ground.run(&["DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0004%'"]).await;
            stays(&[("IDX-003", "M", 1), ("MIG-001", "M", 1)])
        }

        async fn foreign_keys_are_missing(ground) {
            match ground.db.dialect() {
                Dialect::Postgres => ground.drop_foreign_keys("core_userprofile").await,
                Dialect::MySql => drop_keys_on_mysql(&ground, "core_userprofile").await,
                Dialect::Sqlite => {
                    for column in ["user_id", "department_id"] {
                        let to = if column == "user_id" { "auth_user" } else { "core_department" };
                        let words = format!(" REFERENCES \"{to}\" (\"id\") DEFERRABLE INITIALLY DEFERRED");
                        ground.rebuild("core_userprofile", column, &words, "").await;
                    }
                    return stays(&[("IDX-004", "M", 2)]);
                }
            }
            Expected::finds(&[("IDX-004", "C", 2)]).changing(&[])
        }
    }

    servers {
        async fn ghosts_go_before_the_foreign_key_comes(ground) {
            if ground.db.dialect() == Dialect::MySql {
                drop_keys_on_mysql(&ground, "auth_user_groups").await;
            } else {
                ground.drop_foreign_keys("auth_user_groups").await;
            }
            ground.run(&["INSERT INTO auth_user_groups (user_id, group_id) VALUES (4711, 1)"]).await;
            Expected::finds(&[("REL-001", "A", 1), ("IDX-004", "C", 2)]).changing(&[("auth_user_groups", 1, 0)])
        }
    }

    postgres {
        async fn a_foreign_key_never_looked_at_its_rows(ground) {
            ground.drop_foreign_keys("core_userprofile").await;
            for (column, to) in [("user_id", "auth_user"), ("department_id", "core_department")] {
                ground.run(&[&format!(
                    "ALTER TABLE core_userprofile ADD CONSTRAINT late_{column} FOREIGN KEY ({column}) REFERENCES {to} (id) \
                     DEFERRABLE INITIALLY DEFERRED NOT VALID"
                )]).await;
            }
            Expected::finds(&[("IDX-004", "C", 2)]).changing(&[])
        }

        async fn foreign_keys_are_switched_off(ground) {
            ground.run(&["ALTER TABLE core_userprofile DISABLE TRIGGER ALL"]).await;
            stays(&[("IDX-004", "M", 2)])
        }
    }

    sqlite {
        async fn a_foreign_key_leads_to_a_table_that_is_not_there(ground) {
            let words = "REFERENCES \"core_department\"";
            ground.rebuild("core_userprofile", "department_id", words, "REFERENCES \"core_departments\"").await;
            stays(&[("IDX-004", "M", 1)])
        }
    }

    mariadb {
        async fn the_index_of_a_foreign_key_gives_way_and_comes_back(ground) {
            ground.run(&["ALTER TABLE core_userprofile \
                          ADD INDEX core_userprofile_user_id_5141ad90_fk_auth_user_id (user_id), DROP INDEX user_id"]).await;
            Expected::finds(&[("IDX-001", "C", 1)]).changing(&[])
        }

        async fn a_table_without_transactions_takes_no_foreign_keys(ground) {
            drop_keys_on_mysql(&ground, "auth_user_groups").await;
            ground.run(&["ALTER TABLE auth_user_groups ENGINE=MyISAM"]).await;
            stays(&[("SCH-001", "M", 1), ("IDX-004", "M", 2)])
        }

        async fn one_table_knows_no_transactions(ground) {
            ground.run(&["ALTER TABLE django_session ENGINE=MyISAM"]).await;
            stays(&[("SCH-001", "M", 1)])
        }

        async fn collations_are_mixed(ground) {
            ground.run(&[
                "ALTER TABLE core_department CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
                "ALTER TABLE auth_group MODIFY name varchar(150) CHARACTER SET utf8mb3 NOT NULL",
            ]).await;
            stays(&[("SCH-002", "M", 2)])
        }
    }
}
