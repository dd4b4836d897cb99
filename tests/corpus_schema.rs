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

    mariadb {
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
