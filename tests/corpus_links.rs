//! Broken databases of the families REL, GRP and LOG, and of profiles that others refer to: rows that lead nowhere, rows
//! that stand twice, groups under another name.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use support::corpus::{Expected, NOBODY, PEOPLE};

const ROOT: i64 = PEOPLE[0].1;
const ANNA: i64 = PEOPLE[1].1;
const BELA: i64 = PEOPLE[2].1;
const CHO: i64 = PEOPLE[3].1;

/// Puts a user into a group, by name.
fn member(user: i64, group: &str) -> String {
    format!(
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT {user}, id FROM auth_group WHERE name = '{group}'"
    )
}

/// The id of some permission, as SQL.
const PERMISSION: &str = "(SELECT MIN(id) FROM auth_permission)";

cases! {
    everywhere {
        async fn ghosts_in_groups_and_with_permissions(ground) {
            for table in ["auth_user_groups", "auth_user_user_permissions"] {
                ground.drop_foreign_keys(table).await;
            }
            ground.run(&[
                &member(NOBODY, "Admin"),
                &member(NOBODY, "Engineer"),
                &format!("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ({NOBODY}, {PERMISSION})"),
                &format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({ANNA}, 4242)"),
                &format!("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ({ROOT}, 4243)"),
            ]).await;
            // Three users, five rows.
            Expected::finds(&[("REL-001", "A", 3)])
                .changing(&[("auth_user_groups", 3, 0), ("auth_user_user_permissions", 2, 0)])
        }

        async fn permissions_of_groups_that_are_gone(ground) {
            ground.drop_foreign_keys("auth_group_permissions").await;
            ground.run(&[
                &format!("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (77, {PERMISSION})"),
                "INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 4243)",
                // Neither end is there: still one row.
                "INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (77, 4243)",
            ]).await;
            Expected::finds(&[("REL-002", "A", 3)]).changing(&[("auth_group_permissions", 3, 0)])
        }

        async fn profiles_of_a_department_that_is_gone(ground) {
            ground.drop_foreign_keys("core_userprofile").await;
            ground.run(&[&format!("UPDATE core_userprofile SET department_id = 99 WHERE user_id IN ({ANNA}, {BELA})")])
                .await;
            Expected::finds(&[("REL-003", "A", 2)]).changing(&[("core_userprofile", 2, 2)])
        }

        async fn memberships_and_permissions_twice(ground) {
            ground.drop_unique("auth_user_groups", &["user_id", "group_id"]).await;
            ground.drop_unique("auth_user_user_permissions", &["user_id", "permission_id"]).await;
            ground.drop_unique("auth_group_permissions", &["group_id", "permission_id"]).await;
            let direct =
                format!("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ({CHO}, {PERMISSION})");
            ground.run(&[
                &member(ANNA, "Engineer"),
                &member(ANNA, "Engineer"),
                &direct,
                &direct,
                "INSERT INTO auth_group_permissions (group_id, permission_id) \
                 SELECT group_id, permission_id FROM auth_group_permissions",
            ]).await;
            Expected::finds(&[("REL-007", "A", 5)]).changing(&[
                ("auth_group_permissions", 3, 0),
                ("auth_user_groups", 2, 0),
                ("auth_user_user_permissions", 1, 0),
            ])
        }

        async fn ghosts_that_stand_twice(ground) {
            ground.drop_unique("auth_user_groups", &["user_id", "group_id"]).await;
            ground.drop_foreign_keys("auth_user_groups").await;
            ground.run(&[&member(NOBODY, "Admin"), &member(NOBODY, "Admin")]).await;
            Expected::finds(&[("REL-001", "A", 1), ("REL-007", "A", 1)]).changing(&[("auth_user_groups", 2, 0)])
        }

        async fn a_missing_group_and_a_superuser_outside(ground) {
            ground.run(&[
                &format!("DELETE FROM auth_user_groups WHERE user_id = {ROOT}"),
                "DELETE FROM auth_group_permissions WHERE group_id = (SELECT id FROM auth_group WHERE name = 'Admin')",
                "DELETE FROM auth_group WHERE name = 'Admin'",
            ]).await;
            Expected::finds(&[("GRP-001", "A", 1), ("GRP-003", "A", 1)])
                .leaves(&[])
                .changing(&[("auth_group", 0, 1), ("auth_user_groups", 0, 1)])
        }
    }
}
