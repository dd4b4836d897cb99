//! Databases whose tables are not as Django makes them, on every engine where that can be.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::db::Dialect;
use support::corpus::{Expected, Ground};

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
            if ground.db.dialect() == Dialect::Sqlite {
                for (column, to) in [("user_id", "auth_user"), ("department_id", "core_department")] {
                    let words = format!(" REFERENCES \"{to}\" (\"id\") DEFERRABLE INITIALLY DEFERRED");
                    ground.rebuild("core_userprofile", column, &words, "").await;
                }
                return stays(&[("IDX-004", "M", 2)]);
            }
            ground.drop_keys("core_userprofile").await;
            Expected::finds(&[("IDX-004", "C", 2)]).changing(&[])
        }
    }

    servers {
        async fn ghosts_go_before_the_foreign_key_comes(ground) {
            ground.drop_keys("auth_user_groups").await;
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
            ground.drop_keys("auth_user_groups").await;
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
