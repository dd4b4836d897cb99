//! Single values that do not belong where they are: blank and unclean texts, values of another kind than their column,
//! truth values that are neither, times that are none.
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

/// Runs a statement in which `{…}` stands for a text with these bytes, in hexadecimal, as each engine spells it.
async fn run_with(ground: &Ground, before: &str, hex: &str, after: &str) {
    let text = match ground.db.dialect() {
        Dialect::Sqlite => format!("CAST(x'{hex}' AS TEXT)"),
        Dialect::MySql => format!("CONVERT(x'{hex}' USING utf8mb4)"),
        Dialect::Postgres => format!("convert_from(decode('{hex}', 'hex'), 'UTF8')"),
    };
    ground.run(&[&format!("{before}{text}{after}")]).await;
}

cases! {
    everywhere {
        async fn blank_phones_and_portal_ids(ground) {
            // A no-break space and an ideographic one.
            run_with(&ground, "UPDATE core_userprofile SET phone_number = ", "c2a0e38080", " WHERE user_id = 2").await;
            ground
                .run(&[
                    "UPDATE core_userprofile SET main_portal_id = '' WHERE user_id = 3",
                    "UPDATE core_userprofile SET main_portal_id = '  ', phone_number = '' WHERE user_id = 4",
                ])
                .await;
            Expected::finds(&[("TXT-001", "A", 4)]).changing(&[("core_userprofile", 3, 3)])
        }

        async fn unclean_texts(ground) {
            // A zero-width space in the middle, a bidi override, a tab.
            run_with(&ground, "UPDATE auth_user SET first_name = ", "616ee2808b6e61", " WHERE id = 2").await;
            run_with(&ground, "UPDATE auth_user SET email = ", "61e280ae406578616d706c652e6f7267", " WHERE id = 3").await;
            run_with(&ground, "UPDATE core_department SET name = ", "53616c6573090950", " WHERE id = 3").await;
            ground
                .run(&[
                    "UPDATE auth_user SET last_name = ' Novak ' WHERE id = 4",
                    "UPDATE core_userprofile SET main_portal_id = 'anna|2 ', phone_number = '+1 555 0102 ' WHERE user_id = 2",
                ])
                .await;
            // An address with an override in it is no address either.
            Expected::finds(&[("TXT-002", "C", 6), ("USR-002", "M", 1)]).changing(&[
                ("auth_user", 3, 3),
                ("core_department", 1, 1),
                ("core_userprofile", 1, 1),
            ])
        }

        async fn letters_of_any_script_are_clean(ground) {
            // A name in Korean, one in Persian with the joiner that it needs, and an emoji of several.
            run_with(&ground, "UPDATE auth_user SET first_name = ", "eca1b0ebafbceca780", " WHERE id = 2").await;
            run_with(&ground, "UPDATE auth_user SET first_name = ", "d985db8ce2808cd8aed988d8a7d987d985", " WHERE id = 3").await;
            run_with(&ground, "UPDATE auth_user SET last_name = ", "f09f91a9e2808df09f92bb", " WHERE id = 4").await;
            Expected::finds(&[])
        }

        async fn a_portal_id_whose_clean_form_is_taken_is_not_proposed(ground) {
            ground.run(&["UPDATE core_userprofile SET main_portal_id = ' bela-3' WHERE user_id = 2"]).await;
            Expected::finds(&[("PID-001", "C", 1), ("TXT-002", "C", 1)])
                .answering("TXT-002", &[("value", "anna-2")])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn times_to_come(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET last_login = '2099-01-01 00:00:00' WHERE id = 2",
                    "UPDATE auth_user SET date_joined = '2098-12-31 23:59:59', last_login = NULL WHERE id = 3",
                    "UPDATE core_userprofile SET created_at = '2030-01-01 00:00:00', updated_at = '2030-01-01 00:00:00' \
                     WHERE user_id = 4",
                ])
                .await;
            Expected::finds(&[("TIM-001", "C", 4)])
                .changing(&[("auth_user", 2, 2), ("core_userprofile", 1, 1)])
        }

        async fn times_in_the_wrong_order(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET date_joined = '2026-10-01 08:00:00', last_login = '2026-09-30 08:00:00' \
                     WHERE id = 2",
                    "UPDATE core_userprofile SET updated_at = '2020-01-01 00:00:00' WHERE user_id = 3",
                ])
                .await;
            Expected::finds(&[("TIM-003", "M", 2)]).leaves(&[("TIM-003", "M", 2)]).changing(&[])
        }
    }

    sqlite {
        async fn bytes_that_are_no_text(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET first_name = CAST(x'4a6f73e9' AS TEXT) WHERE id = 2",
                    "UPDATE auth_user SET last_name = x'4e6f76616b' WHERE id = 3",
                    "UPDATE auth_user SET last_name = 'No' || char(0) || 'vak' WHERE id = 4",
                ])
                .await;
            Expected::finds(&[("TXT-002", "C", 3)]).changing(&[("auth_user", 3, 3)])
        }

        async fn a_text_longer_than_its_field(ground) {
            ground
                .run(&["UPDATE auth_user SET last_name = replace(hex(zeroblob(80)), '0', 'ő') WHERE id = 2"])
                .await;
            Expected::finds(&[("TXT-003", "M", 1)]).leaves(&[("TXT-003", "M", 1)])
        }

        async fn values_of_another_kind(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET is_active = 'yes' WHERE id = 2",
                    "UPDATE auth_user SET is_staff = x'30' WHERE id = 3",
                    "UPDATE core_userprofile SET department_id = x'31' WHERE user_id = 2",
                    "UPDATE core_userprofile SET created_at = CAST('2026-10-01 08:00:00' AS BLOB) WHERE user_id = 4",
                ])
                .await;
            // A department kept as text leads nowhere, and is left to whoever says what was meant.
            Expected::finds(&[("TXT-004", "C", 4)])
                .changing(&[("auth_user", 2, 2), ("core_userprofile", 2, 2)])
        }

        async fn a_word_where_a_number_belongs(ground) {
            ground.run(&["UPDATE core_userprofile SET department_id = 'Sales' WHERE user_id = 3"]).await;
            Expected::finds(&[("TXT-004", "C", 1)])
                .answering("TXT-004", &[("value", "null")])
                .changing(&[("core_userprofile", 1, 1)])
        }

        async fn truth_values_that_are_neither(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET is_active = 2 WHERE id = 2",
                    "UPDATE core_userprofile SET email_notifications = 0.5 WHERE user_id = 3",
                ])
                .await;
            Expected::finds(&[("BOO-001", "C", 2)])
                .answering("BOO-001", &[("value", "true")])
                .changing(&[("auth_user", 1, 1), ("core_userprofile", 1, 1)])
        }

        async fn times_that_sqlite_keeps_and_django_cannot_read(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET last_login = 'tomorrow' WHERE id = 2",
                    "UPDATE core_userprofile SET created_at = 1760000000 WHERE user_id = 4",
                    "UPDATE auth_user SET date_joined = 'yesterday' WHERE id = 3",
                    "UPDATE auth_user SET date_joined = '2026-10-01' WHERE id = 4",
                    "UPDATE core_userprofile SET created_at = '2026-02-30 08:00:00' WHERE user_id = 2",
                    "UPDATE core_userprofile SET updated_at = '2026-10-01 08:00:00 UTC' WHERE user_id = 3",
                    "UPDATE core_userprofile SET created_at = '2026-09-01 08:00:00' WHERE user_id = 3",
                ])
                .await;
            Expected::finds(&[("TIM-002", "C", 6)])
                .changing(&[("auth_user", 3, 3), ("core_userprofile", 3, 3)])
        }

        async fn a_time_that_somebody_has_to_say(ground) {
            ground.run(&["UPDATE core_department SET created_at = '' WHERE id = 1"]).await;
            Expected::finds(&[("TIM-002", "C", 1)])
                .answering("TIM-002", &[("value", "2026-10-01 08:00:00")])
                .changing(&[("core_department", 1, 1)])
        }
    }

    mariadb {
        async fn a_tinyint_of_two(ground) {
            ground.run(&["UPDATE auth_user SET is_active = 2 WHERE id = 2"]).await;
            Expected::finds(&[("BOO-001", "C", 1)]).changing(&[("auth_user", 1, 1)])
        }

        async fn a_nul_in_a_name(ground) {
            ground.run(&["UPDATE auth_user SET last_name = CONCAT('No', CHAR(0), 'vak') WHERE id = 2"]).await;
            Expected::finds(&[("TXT-002", "C", 1)]).changing(&[("auth_user", 1, 1)])
        }

        async fn zero_and_partial_dates(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET last_login = '0000-00-00 00:00:00' WHERE id = 2",
                    "UPDATE auth_user SET date_joined = '2026-00-15 08:00:00' WHERE id = 3",
                    "UPDATE core_userprofile SET created_at = '2026-10-00 08:00:00' WHERE user_id = 4",
                ])
                .await;
            // A last login before all others is one of long ago.
            Expected::finds(&[("TIM-002", "C", 3), ("USR-005", "C", 1)])
                .changing(&[("auth_user", 2, 2), ("core_userprofile", 1, 1)])
        }
    }

    postgres {
        async fn times_without_end(ground) {
            ground
                .run(&[
                    "UPDATE auth_user SET last_login = 'infinity' WHERE id = 2",
                    "UPDATE core_userprofile SET updated_at = '-infinity' WHERE user_id = 3",
                    "UPDATE core_userprofile SET created_at = '0044-03-15 12:00:00 BC' WHERE user_id = 4",
                ])
                .await;
            Expected::finds(&[("TIM-002", "C", 3)])
                .changing(&[("auth_user", 1, 1), ("core_userprofile", 2, 2)])
        }
    }
}
