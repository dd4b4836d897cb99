//! Counters that would hand out an id that is taken, or that something refers to; that are lost, odd, or near their end.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use support::corpus::Expected;

cases! {
    everywhere {
        async fn an_id_that_a_ghost_has_is_not_given_out(ground) {
            ground.drop_foreign_keys("auth_user_groups").await;
            ground.run(&["INSERT INTO auth_user_groups (user_id, group_id) VALUES (6000, 1)"]).await;
            Expected::finds(&[("REL-001", "A", 1), ("SEQ-003", "A", 1)])
                .changing(&[("auth_user_groups", 1, 0)])
        }

        async fn a_department_that_is_to_come(ground) {
            ground.drop_foreign_keys("core_userprofile").await;
            ground.run(&["UPDATE core_userprofile SET department_id = 7000 WHERE user_id = 2"]).await;
            Expected::finds(&[("REL-003", "A", 1), ("SEQ-003", "A", 1)])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn an_id_that_is_no_counters(ground) {
            let now = "CURRENT_TIMESTAMP";
            ground
                .run(&[&format!(
                    "INSERT INTO core_department (id, name, description, is_active, created_at) \
                     VALUES (-1, 'Nowhere', '', TRUE, {now})"
                )])
                .await;
            Expected::finds(&[("SEQ-006", "M", 1)]).leaves(&[("SEQ-006", "M", 1)]).changing(&[])
        }
    }

    servers {
        async fn a_wild_reference_does_not_use_up_the_ids(ground) {
            ground.drop_foreign_keys("auth_user_groups").await;
            ground.run(&["INSERT INTO auth_user_groups (user_id, group_id) VALUES (2147483646, 1)"]).await;
            Expected::finds(&[("REL-001", "A", 1), ("SEQ-003", "M", 1)])
                .changing(&[("auth_user_groups", 1, 0)])
        }

        async fn a_counter_near_its_end(ground) {
            ground.db.count_up_to("auth_group", 2_000_000_000).await;
            Expected::finds(&[("SEQ-004", "M", 1)]).leaves(&[("SEQ-004", "M", 1)]).changing(&[])
        }
    }

    sqlite {
        async fn odd_rows_of_sqlite_sequence(ground) {
            ground
                .run(&[
                    "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'core_department'",
                    "INSERT INTO sqlite_sequence (name, seq) VALUES ('auth_user', 17)",
                    "UPDATE sqlite_sequence SET seq = 'many' WHERE name = 'auth_group'",
                    "DELETE FROM sqlite_sequence WHERE name = 'auth_permission'",
                ])
                .await;
            Expected::finds(&[("SEQ-005", "A", 4)]).changing(&[])
        }

        async fn a_sequence_at_its_end(ground) {
            ground
                .run(&["UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'auth_group'"])
                .await;
            Expected::finds(&[("SEQ-005", "A", 1)]).changing(&[])
        }
    }

    postgres {
        async fn a_sequence_that_was_not_told(ground) {
            ground
                .run(&["INSERT INTO core_department (id, name, description, is_active, created_at) \
                        VALUES (5001, 'Loaded', '', TRUE, now())"])
                .await;
            Expected::finds(&[("SEQ-001", "A", 1)]).changing(&[])
        }

        async fn a_sequence_that_only_the_default_names(ground) {
            ground
                .run(&[
                    "ALTER TABLE core_department ALTER COLUMN id DROP IDENTITY IF EXISTS",
                    "CREATE SEQUENCE \"Old numbers\"",
                    "ALTER TABLE core_department ALTER COLUMN id SET DEFAULT nextval('\"Old numbers\"')",
                ])
                .await;
            // Profiles refer to the departments that are there.
            Expected::finds(&[("SEQ-001", "A", 1), ("SEQ-003", "A", 1)]).changing(&[])
        }

        async fn a_key_without_a_default(ground) {
            ground
                .run(&[
                    "ALTER TABLE core_department ALTER COLUMN id DROP IDENTITY IF EXISTS",
                    "ALTER TABLE core_department ALTER COLUMN id DROP DEFAULT",
                ])
                .await;
            Expected::finds(&[("SEQ-001", "M", 1)]).leaves(&[("SEQ-001", "M", 1)]).changing(&[])
        }
    }

    mariadb {
        async fn a_lost_auto_increment(ground) {
            ground.run(&["ALTER TABLE core_department MODIFY id bigint(20) NOT NULL"]).await;
            Expected::finds(&[("SEQ-002", "C", 1)]).changing(&[])
        }

        async fn the_last_id_is_taken(ground) {
            ground.run(&["INSERT INTO auth_group (id, name) VALUES (2147483647, 'Last')"]).await;
            let found = [("SEQ-002", "M", 1), ("SEQ-004", "M", 1)];
            Expected::finds(&found).leaves(&found).changing(&[])
        }
    }
}
