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

use support::corpus::{Expected, Ground, NOBODY, PEOPLE};

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

/// One more profile of this user, with the id after the last one's: 5, then 6. Phone and portal id are SQL.
fn profile(user: i64, phone: &str, portal_id: &str) -> String {
    format!(
        "INSERT INTO core_userprofile (id, phone_number, main_portal_id, created_at, updated_at, user_id, \
         email_notifications) SELECT MAX(id) + 1, {phone}, {portal_id}, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {user}, \
         TRUE FROM core_userprofile"
    )
}

/// Makes cho's profile, number 4, one of nobody.
async fn orphan_of_cho(ground: &Ground) {
    ground.drop_foreign_keys("core_userprofile").await;
    ground.run(&[&format!("UPDATE core_userprofile SET user_id = {NOBODY} WHERE user_id = {CHO}")]).await;
}

/// Adds a group with nearly the name of Engineer, number 4: bela is in both, root is not, and of its two permissions
/// Engineer has one.
async fn group_beside_engineer(ground: &Ground) {
    let permission = |which: &str| {
        format!(
            "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT 4, id FROM auth_permission \
             WHERE codename = '{which}_department'"
        )
    };
    ground
        .run(&[
            "INSERT INTO auth_group (id, name) VALUES (4, 'Engi neer')",
            &member(BELA, "Engi neer"),
            &member(ROOT, "Engi neer"),
            &permission("view"),
            &permission("add"),
        ])
        .await;
    ground.db.count_up_to("auth_group", 4).await;
}

/// An entry of the portal's log, of which author, content type and object are SQL.
fn entry(author: i64, content_type: &str, object: &str, name: &str, flag: i64) -> String {
    format!(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, \
         content_type_id, user_id) VALUES (CURRENT_TIMESTAMP, '{object}', '{name}', {flag}, '', {content_type}, {author})"
    )
}

/// The id of a content type, as SQL.
fn content_type(app: &str, model: &str) -> String {
    format!("(SELECT id FROM django_content_type WHERE app_label = '{app}' AND model = '{model}')")
}

/// A permission of a content type that does not exist.
fn lost_permission(codename: &str) -> String {
    format!(
        "INSERT INTO auth_permission (name, content_type_id, codename) VALUES ('Can bless', 999, '{codename}')"
    )
}

/// The id of the lost permission, as SQL.
const LOST: &str = "(SELECT id FROM auth_permission WHERE content_type_id = 999)";

cases! {
    everywhere {
        async fn ghosts_in_groups_and_with_permissions(ground) {
            // The groups that are gone had their ids once.
            ground.db.count_up_to("auth_group", 5_000).await;
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
            // The groups that are gone had their ids once.
            ground.db.count_up_to("auth_group", 5_000).await;
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
            // The new group gives nothing yet, and the others do.
            Expected::finds(&[("GRP-001", "A", 1), ("GRP-003", "A", 1)])
                .leaves(&[("GRP-005", "M", 1)])
                .changing(&[("auth_group", 0, 1), ("auth_user_groups", 0, 1)])
        }

        async fn a_log_without_its_author_or_content_type(ground) {
            ground.drop_foreign_keys("django_admin_log").await;
            ground.run(&[
                &entry(ROOT, "999", "1", "something", 2),
                &entry(NOBODY, "NULL", "2", "anna", 2),
                &entry(NOBODY, "NULL", "3", "bela", 2),
            ]).await;
            Expected::finds(&[("REL-004", "A", 1), ("REL-004", "C", 1)])
                .answering("REL-004", &[("entries", "remove")])
                .changing(&[("django_admin_log", 3, 1)])
        }

        async fn a_log_that_somebody_else_takes_over(ground) {
            ground.drop_foreign_keys("django_admin_log").await;
            ground.run(&[&entry(NOBODY, "NULL", "2", "anna", 2), &entry(NOBODY + 1, "NULL", "3", "bela", 2)]).await;
            Expected::finds(&[("REL-004", "C", 2)])
                .answering("REL-004", &[("entries", "cho")])
                .changing(&[("django_admin_log", 2, 2)])
        }

        async fn a_log_that_nobody_decides_about(ground) {
            ground.drop_foreign_keys("django_admin_log").await;
            ground.run(&[&entry(NOBODY, "NULL", "2", "anna", 2)]).await;
            Expected::finds(&[("REL-004", "C", 1)]).leaves(&[("REL-004", "C", 1)]).changing(&[])
        }

        async fn a_log_of_users_who_are_gone(ground) {
            let users = content_type("auth", "user");
            ground.run(&[
                &entry(ROOT, &users, "4711", "dana", 1),
                &entry(ROOT, &users, "4711", "dana", 2),
                // What else it says of users is no fault.
                &entry(ROOT, &users, "4712", "evan", 3),
                &entry(ROOT, &users, "2", "anna", 2),
                &entry(ROOT, &users, "no id", "finn", 2),
            ]).await;
            Expected::finds(&[("LOG-001", "M", 1)]).leaves(&[("LOG-001", "M", 1)]).changing(&[])
        }

        async fn a_permission_of_no_content_type(ground) {
            ground.drop_foreign_keys("auth_permission").await;
            ground.run(&[&lost_permission("bless_nothing")]).await;
            Expected::finds(&[("REL-005", "C", 1)]).changing(&[("auth_permission", 1, 0)])
        }

        async fn a_permission_of_no_content_type_that_some_hold(ground) {
            ground.drop_foreign_keys("auth_permission").await;
            ground.run(&[
                &lost_permission("bless_nothing"),
                &format!("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (3, {LOST})"),
                &format!("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ({BELA}, {LOST})"),
            ]).await;
            Expected::finds(&[("REL-005", "C", 1)]).answering("REL-005", &[("permission", "remove")]).changing(&[
                ("auth_group_permissions", 1, 0),
                ("auth_permission", 1, 0),
                ("auth_user_user_permissions", 1, 0),
            ])
        }

        async fn a_permission_that_gets_its_content_type_back(ground) {
            ground.drop_foreign_keys("auth_permission").await;
            ground.run(&[&lost_permission("bless_department")]).await;
            Expected::finds(&[("REL-005", "C", 1)])
                .answering("REL-005", &[("permission", "core.department")])
                .changing(&[("auth_permission", 1, 1)])
        }

        async fn complaints_of_nobody(ground) {
            ground.another_app("core_complaint", "auth_user", "", &[
                &format!("INSERT INTO core_complaint (title, owner_id) VALUES ('a', {ANNA}), ('b', NULL), \
                          ('c', {NOBODY}), ('d', {NOBODY}), ('e', 4712)"),
            ]).await;
            ground.another_app("core_room", "core_department", "", &[
                "INSERT INTO core_room (title, owner_id) VALUES ('a', 1), ('b', 77)",
            ]).await;
            Expected::finds(&[("REL-006", "M", 3)]).leaves(&[("REL-006", "M", 3)]).changing(&[])
        }

        async fn profiles_that_differ(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(ANNA, "'+1 555 0200'", "'anna-9'")]).await;
            // What was saved last is proposed.
            Expected::finds(&[("PRF-002", "C", 1)]).changing(&[("core_userprofile", 2, 1)])
        }

        async fn profiles_with_the_same_portal_id(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(ANNA, "NULL", "'anna-2'")]).await;
            Expected::finds(&[("PRF-002", "A", 1)]).changing(&[("core_userprofile", 1, 0)])
        }

        async fn profiles_whose_portal_id_is_given_up(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(ANNA, "NULL", "'bela-3'")]).await;
            Expected::finds(&[("PID-001", "C", 1), ("PRF-002", "C", 1)])
                .answering("PRF-002", &[("main_portal_id", "none")])
                .changing(&[("core_userprofile", 2, 1)])
        }

        async fn profiles_whose_portal_id_is_taken_over(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(ANNA, "NULL", "'bela-3'")]).await;
            // Anna's second profile, the fifth of all, has bela's: she gets it, and bela has none.
            Expected::finds(&[("PID-001", "C", 1), ("PRF-002", "C", 1)])
                .answering("PRF-002", &[("main_portal_id", "5")])
                .changing(&[("core_userprofile", 3, 2)])
        }

        async fn duplicates_whose_portal_ids_collide(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[
                &format!("UPDATE core_userprofile SET main_portal_id = NULL WHERE user_id IN ({ANNA}, {BELA})"),
                &profile(ANNA, "NULL", "'SHARED'"),
                &profile(BELA, "NULL", "'SHARED'"),
            ]).await;
            // Whoever is decided about first gives it up; the other one's profiles then agree.
            Expected::finds(&[("PID-001", "C", 1), ("PRF-002", "C", 2)])
                .answering("PRF-002", &[("main_portal_id", "none")])
                .leaves(&[("PRF-002", "A", 1)])
        }

        async fn rows_that_refer_to_a_duplicate(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(ANNA, "NULL", "NULL")]).await;
            ground.another_app("core_badge", "core_userprofile", "", &[
                "INSERT INTO core_badge (title, owner_id) VALUES ('a', 5), ('b', 1)",
            ]).await;
            Expected::finds(&[("PRF-002", "A", 1)]).changing(&[("core_badge", 1, 1), ("core_userprofile", 1, 0)])
        }

        async fn rows_of_which_each_profile_may_have_one(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(ANNA, "NULL", "NULL"), &profile(BELA, "NULL", "NULL")]).await;
            ground.another_app("core_badge", "core_userprofile", ", UNIQUE (owner_id)", &[
                "INSERT INTO core_badge (title, owner_id) VALUES ('a', 2), ('b', 5), ('c', 6)",
            ]).await;
            // Both of anna's have one; of bela's only one has, and it follows.
            Expected::finds(&[("PRF-002", "A", 1), ("PRF-002", "M", 1)])
                .leaves(&[("PRF-002", "M", 1)])
                .changing(&[("core_badge", 1, 1), ("core_userprofile", 1, 0)])
        }

        async fn an_orphan_that_others_refer_to(ground) {
            orphan_of_cho(&ground).await;
            ground.another_app("core_badge", "core_userprofile", "", &[
                "INSERT INTO core_badge (title, owner_id) VALUES ('a', 4)",
            ]).await;
            Expected::finds(&[("PRF-003", "C", 1), ("PRF-001", "A", 1)])
                // By then PRF-001 has given cho an empty profile, which makes room.
                .answering("PRF-003", &[("profile", "cho")])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn an_orphan_and_a_user_who_has_its_id_now(ground) {
            // The id of someone who was deleted by SQL is used again: the new user has two profiles and an old membership.
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.drop_foreign_keys("auth_user_groups").await;
            ground.run(&[&profile(CHO, "NULL", "NULL"), &member(NOBODY, "Admin")]).await;
            Expected::finds(&[("PRF-002", "A", 1), ("REL-001", "A", 1)])
                .changing(&[("auth_user_groups", 1, 0), ("core_userprofile", 1, 0)])
        }

        async fn a_user_without_profile_and_a_group_that_is_missing(ground) {
            ground.run(&[
                &format!("DELETE FROM core_userprofile WHERE user_id = {ROOT}"),
                "DELETE FROM auth_group_permissions WHERE group_id = 2",
                "DELETE FROM auth_group WHERE id = 2",
            ]).await;
            Expected::finds(&[("GRP-001", "A", 1), ("PRF-001", "A", 1)])
                .leaves(&[("GRP-005", "M", 1)])
                .changing(&[("auth_group", 0, 1), ("core_userprofile", 0, 1)])
        }

        async fn an_orphan_of_a_department_that_is_gone(ground) {
            orphan_of_cho(&ground).await;
            ground.run(&["UPDATE core_userprofile SET department_id = 99 WHERE id = 4"]).await;
            Expected::finds(&[("PRF-001", "A", 1), ("PRF-003", "A", 1), ("REL-003", "A", 1)])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn a_role_group_in_other_letters(ground) {
            ground.run(&["UPDATE auth_group SET name = 'amc  admin' WHERE name = 'AMC Admin'"]).await;
            Expected::finds(&[("GRP-001", "C", 1), ("GRP-002", "C", 1)]).changing(&[("auth_group", 1, 1)])
        }

        async fn two_that_could_be_the_role_group(ground) {
            ground.run(&[
                "UPDATE auth_group SET name = 'A MC Admin' WHERE name = 'AMC Admin'",
                "INSERT INTO auth_group (id, name) VALUES (4, 'AMCAdmin')",
            ]).await;
            ground.db.count_up_to("auth_group", 4).await;
            // GRP-001 proposes nothing here, so GRP-002 is what is decided.
            Expected::finds(&[("GRP-001", "C", 1), ("GRP-002", "C", 1)])
                .answering("GRP-002", &[("keep", "4"), ("others", "merge")])
                .changing(&[("auth_group", 2, 1), ("auth_group_permissions", 1, 1)])
        }

        async fn a_group_beside_the_role_group_becomes_one_with_it(ground) {
            group_beside_engineer(&ground).await;
            ground.another_app("core_shift", "auth_group", "", &[
                "INSERT INTO core_shift (title, owner_id) VALUES ('day', 3), ('night', 4)",
            ]).await;
            // What both have goes, the rest moves, and the other app's row follows.
            Expected::finds(&[("GRP-002", "C", 1)]).answering("GRP-002", &[("others", "merge")]).changing(&[
                ("auth_group", 1, 0),
                ("auth_group_permissions", 2, 1),
                ("auth_user_groups", 2, 1),
                ("core_shift", 1, 1),
            ])
        }

        async fn a_group_beside_the_role_group_goes(ground) {
            group_beside_engineer(&ground).await;
            Expected::finds(&[("GRP-002", "C", 1)]).answering("GRP-002", &[("others", "remove")]).changing(&[
                ("auth_group", 1, 0),
                ("auth_group_permissions", 2, 0),
                ("auth_user_groups", 2, 0),
            ])
        }
    }

    mariadb {
        // There the engine takes the one for the other, and the portal's own code does not.
        async fn a_role_group_in_small_letters(ground) {
            ground.run(&["UPDATE auth_group SET name = 'engineer' WHERE name = 'Engineer'"]).await;
            Expected::finds(&[("GRP-002", "C", 1)]).changing(&[("auth_group", 1, 1)])
        }
    }

    sqlite {
        async fn a_role_group_in_small_letters_and_its_members(ground) {
            ground.run(&["UPDATE auth_group SET name = 'engineer' WHERE name = 'Engineer'"]).await;
            Expected::finds(&[("GRP-001", "C", 1), ("GRP-002", "C", 1), ("USR-003", "C", 3)])
                .changing(&[("auth_group", 1, 1)])
        }
    }
}
