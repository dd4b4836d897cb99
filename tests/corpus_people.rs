//! Faults of accounts: of their passwords, their flags, their names and where they belong.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use support::corpus::{Expected, NOBODY, PEOPLE, USABLE};

const ROOT: i64 = PEOPLE[0].1;
const ANNA: i64 = PEOPLE[1].1;
const BELA: i64 = PEOPLE[2].1;
const CHO: i64 = PEOPLE[3].1;

/// What is the same as a hash that Django writes today, of another salt.
fn hash(salt: &str) -> String {
    USABLE.replace("$corpus$", &format!("${salt}$"))
}

/// Sets columns of an account; the assignments are SQL.
fn account(id: i64, set: &str) -> String {
    format!("UPDATE auth_user SET {set} WHERE id = {id}")
}

fn password(id: i64, encoded: &str) -> String {
    account(id, &format!("password = '{encoded}'"))
}

cases! {
    everywhere {
        async fn a_superuser_is_not_staff(ground) {
            ground.run(&[&account(ROOT, "is_staff = FALSE")]).await;
            Expected::finds(&[("ADM-003", "C", 1)]).changing(&[("auth_user", 1, 1)])
        }

        async fn the_only_superuser_is_inactive(ground) {
            ground.run(&[&account(ROOT, "is_active = FALSE")]).await;
            Expected::finds(&[("ADM-001", "C", 1)])
                .answering("ADM-001", &[("account", "1")])
                .changing(&[("auth_user", 1, 1)])
                .stays()
        }

        async fn an_admin_takes_over_where_no_superuser_is_left(ground) {
            ground
                .run(&[
                    &account(ROOT, "is_superuser = FALSE"),
                    &account(ANNA, "is_staff = TRUE"),
                    &format!(
                        "UPDATE auth_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'Admin') \
                         WHERE user_id = {ANNA}"
                    ),
                ])
                .await;
            Expected::finds(&[("ADM-001", "C", 1)])
                .answering("ADM-001", &[("account", "2")])
                .changing(&[("auth_user", 1, 1)])
                .stays()
        }

        async fn the_only_superusers_password_is_unusable(ground) {
            ground.run(&[&password(ROOT, "!locked")]).await;
            let found = [("ADM-001", "M", 1), ("PWD-001", "C", 1)];
            Expected::finds(&found).leaves(&found).changing(&[])
        }

        async fn a_second_superuser_has_no_usable_password(ground) {
            ground
                .run(&[
                    &account(BELA, "is_superuser = TRUE, is_staff = TRUE, password = '!locked'"),
                    &format!(
                        "UPDATE auth_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'Admin') \
                         WHERE user_id = {BELA}"
                    ),
                ])
                .await;
            Expected::finds(&[("PWD-001", "C", 1)])
                .answering("PWD-001", &[("account", "deactivate")])
                .changing(&[("auth_user", 1, 1)])
        }

        async fn passwords_stand_in_the_clear(ground) {
            ground
                .run(&[
                    &password(ANNA, ""),
                    &password(BELA, "correct horse"),
                    &password(CHO, "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99"),
                ])
                .await;
            Expected::finds(&[("PWD-002", "C", 3)])
                .answering("PWD-002", &[("password", "unusable")])
                .changing(&[("auth_user", 3, 3)])
        }

        async fn passwords_were_hashed_by_an_older_django(ground) {
            let older = hash("old").replace("$600000$", "$260000$");
            let weak = "argon2$argon2id$v=19$m=512,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$\
                        BgMuGGqiJv6os9j2lYoaocgTDCDAE+LXAj+LcPY6qNY";
            ground.run(&[&password(ANNA, &older), &password(BELA, weak)]).await;
            let found = [("PWD-003", "M", 2)];
            Expected::finds(&found).leaves(&found).changing(&[])
        }

        async fn passwords_are_damaged(ground) {
            let cut = &hash("cut")[..60];
            ground.run(&[&password(ANNA, cut), &password(CHO, "argon2$argon2id")]).await;
            Expected::finds(&[("PWD-004", "C", 2)])
                .answering("PWD-004", &[("password", "unusable")])
                .changing(&[("auth_user", 2, 2)])
        }

        async fn a_password_was_copied_to_others(ground) {
            let same = hash("shared");
            ground.run(&[&password(ANNA, &same), &password(BELA, &same), &password(CHO, &same)]).await;
            Expected::finds(&[("PWD-005", "C", 1)])
                .answering("PWD-005", &[("keep", "3")])
                .changing(&[("auth_user", 2, 2)])
        }

        async fn a_password_was_copied_and_is_nobodys(ground) {
            let same = hash("shared");
            ground.run(&[&password(ANNA, &same), &password(BELA, &same)]).await;
            Expected::finds(&[("PWD-005", "C", 1)])
                .answering("PWD-005", &[("keep", "none")])
                .changing(&[("auth_user", 2, 2)])
        }

        async fn many_accounts_may_have_the_same_unusable_password(ground) {
            ground.run(&[&password(ANNA, "!same"), &password(BELA, "!same")]).await;
            Expected::finds(&[]).changing(&[])
        }

        async fn a_name_in_other_letters_looks_the_same(ground) {
            ground.run(&[&account(CHO, "username = 'ａnna'")]).await;
            Expected::finds(&[("USR-001", "C", 1)])
                .answering("USR-001", &[("account", "4"), ("becomes", "cho2")])
                .changing(&[("auth_user", 1, 1)])
        }

        async fn one_of_two_twins_is_deactivated(ground) {
            ground.run(&[&account(CHO, "username = 'ａnna'")]).await;
            Expected::finds(&[("USR-001", "C", 1)])
                .answering("USR-001", &[("account", "4"), ("becomes", "inactive")])
                .changing(&[("auth_user", 1, 1)])
        }

        async fn a_username_that_django_refuses(ground) {
            ground.run(&[&account(BELA, "username = 'bela b/n'")]).await;
            // What is left of it is free, and one of the choices.
            Expected::finds(&[("USR-004", "C", 1)])
                .answering("USR-004", &[("username", "belabn")])
                .changing(&[("auth_user", 1, 1)])
        }

        async fn an_account_without_a_name(ground) {
            ground.run(&[&account(BELA, "username = ''")]).await;
            Expected::finds(&[("USR-004", "C", 1)])
                .answering("USR-004", &[("username", " Béla.Novak ")])
                .changing(&[("auth_user", 1, 1)])
        }

        async fn an_active_user_has_no_role(ground) {
            let others = "INSERT INTO auth_group (name) VALUES ('Night shift')";
            let moved = "UPDATE auth_user_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'Night shift') \
                         WHERE user_id IN (1, 2, 3)";
            ground.run(&[others, moved, &account(ANNA, "is_active = FALSE")]).await;
            Expected::finds(&[("GRP-003", "A", 1), ("USR-003", "C", 1)])
                .answering("USR-003", &[("group", "3")])
                .changing(&[("auth_user_groups", 0, 2)])
        }

        async fn accounts_are_not_used_any_more(ground) {
            let long_ago = "date_joined = '2020-01-02 03:04:05'";
            ground
                .run(&[
                    &account(ANNA, &format!("{long_ago}, last_login = NULL")),
                    &account(BELA, &format!("{long_ago}, last_login = '2021-01-02 03:04:05'")),
                    &account(CHO, "last_login = NULL"),
                    &account(ROOT, long_ago),
                ])
                .await;
            Expected::finds(&[("USR-005", "C", 2)])
                .answering("USR-005", &[("account", "inactive")])
                .changing(&[("auth_user", 2, 2)])
        }

        async fn a_portal_id_belongs_to_one_of_two(ground) {
            ground.run(&["UPDATE core_userprofile SET main_portal_id = 'X1' WHERE user_id IN (2, 3)"]).await;
            Expected::finds(&[("PID-001", "C", 1)])
                .answering("PID-001", &[("owner", "3")])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn a_portal_id_is_none(ground) {
            ground.run(&["UPDATE core_userprofile SET main_portal_id = 'n/a' WHERE user_id > 1"]).await;
            Expected::finds(&[("PID-001", "C", 1)])
                .answering("PID-001", &[("owner", "none")])
                .changing(&[("core_userprofile", 3, 3)])
        }

        async fn a_portal_id_is_shared_with_a_profile_of_nobody(ground) {
            ground.drop_foreign_keys("core_userprofile").await;
            ground
                .run(&[&format!(
                    "INSERT INTO core_userprofile (created_at, updated_at, user_id, email_notifications, main_portal_id) \
                     VALUES (CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {NOBODY}, TRUE, 'anna-2')"
                )])
                .await;
            // Once the orphan is gone, nothing is left to decide.
            Expected::finds(&[("PRF-003", "A", 1), ("PID-001", "C", 1)]).changing(&[("core_userprofile", 1, 0)])
        }

        async fn e_mail_addresses_are_malformed_and_shared(ground) {
            ground
                .run(&[
                    &account(ANNA, "email = 'anna at example.org'"),
                    &account(CHO, "email = 'BELA@example.org'"),
                    &account(ROOT, "email = ''"),
                ])
                .await;
            let found = [("USR-002", "M", 2)];
            Expected::finds(&found).leaves(&found).changing(&[])
        }

        async fn an_admin_has_no_flags_and_a_group_no_permissions(ground) {
            ground
                .run(&[
                    &format!("UPDATE auth_user_groups SET group_id = 1 WHERE user_id = {ANNA}"),
                    "DELETE FROM auth_group_permissions WHERE group_id = 2",
                ])
                .await;
            let found = [("GRP-004", "M", 1), ("GRP-005", "M", 1)];
            Expected::finds(&found).leaves(&found).changing(&[])
        }

        async fn the_members_of_a_closed_department_move(ground) {
            ground.run(&["UPDATE core_department SET is_active = FALSE WHERE id = 2"]).await;
            Expected::finds(&[("DEP-001", "C", 1)])
                .answering("DEP-001", &[("department", "3")])
                .changing(&[("core_userprofile", 2, 2)])
        }

        async fn the_members_of_a_closed_department_are_in_none(ground) {
            ground.run(&["UPDATE core_department SET is_active = FALSE WHERE id = 2", &account(CHO, "is_active = FALSE")]).await;
            Expected::finds(&[("DEP-001", "C", 1)])
                .answering("DEP-001", &[("department", "none")])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn a_closed_department_opens_again(ground) {
            ground.run(&["UPDATE core_department SET is_active = FALSE WHERE id = 2"]).await;
            Expected::finds(&[("DEP-001", "C", 1)])
                .answering("DEP-001", &[("department", "activate")])
                .changing(&[("core_department", 1, 1)])
        }

        async fn a_department_is_there_twice(ground) {
            ground.drop_unique("core_department", &["name"]).await;
            ground
                .run(&[
                    "INSERT INTO core_department (name, description, is_active, created_at) \
                     VALUES ('it', 'Computers', TRUE, CURRENT_TIMESTAMP)",
                    "UPDATE core_department SET is_active = FALSE WHERE id = 1",
                    "UPDATE core_userprofile SET department_id = 4 WHERE user_id = 2",
                    "UPDATE core_userprofile SET department_id = NULL WHERE department_id = 1",
                ])
                .await;
            Expected::finds(&[("DEP-002", "C", 1)])
                .answering("DEP-002", &[("keep", "1")])
                .changing(&[("core_department", 2, 1), ("core_userprofile", 1, 1)])
        }

        async fn a_department_has_no_name(ground) {
            ground.run(&["UPDATE core_department SET name = '' WHERE id = 1"]).await;
            Expected::finds(&[("DEP-002", "C", 1)])
                .answering("DEP-002", &[("name", " Computing ")])
                .changing(&[("core_department", 1, 1)])
        }
    }

    mariadb {
        async fn the_index_is_gone_and_a_name_is_there_twice(ground) {
            ground.drop_unique("auth_user", &["username"]).await;
            ground.run(&[&account(CHO, "username = 'ANNA'")]).await;
            Expected::finds(&[("USR-001", "C", 1)])
                .answering("USR-001", &[("account", "4"), ("becomes", "cho")])
                .changing(&[("auth_user", 1, 1)])
        }
    }

    sqlite {
        async fn names_differ_by_case(ground) {
            ground.run(&[&account(CHO, "username = 'Anna'")]).await;
            Expected::finds(&[("USR-001", "C", 1)])
                .answering("USR-001", &[("account", "2"), ("becomes", "anna2")])
                .changing(&[("auth_user", 1, 1)])
        }
    }

    postgres {
        async fn names_differ_by_case_there_too(ground) {
            ground.run(&[&account(CHO, "username = 'Anna'")]).await;
            Expected::finds(&[("USR-001", "C", 1)])
                .answering("USR-001", &[("account", "2"), ("becomes", "anna2")])
                .changing(&[("auth_user", 1, 1)])
        }
    }
}
