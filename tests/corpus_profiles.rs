//! A portal without faults, and what a portal looks like whose accounts were made by SQL: the smallest broken databases.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use support::corpus::{Expected, NOBODY, PEOPLE};

/// One more profile of this user, with nothing in it.
fn profile(user: impl std::fmt::Display) -> String {
    format!(
        "INSERT INTO core_userprofile (created_at, updated_at, user_id, email_notifications) \
         VALUES (CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {user}, TRUE)"
    )
}

cases! {
    everywhere {
        async fn nothing_is_wrong(_ground) {
            Expected::finds(&[])
        }

        async fn users_without_a_profile(ground) {
            let [.., bela, cho] = PEOPLE.map(|(_, id)| id);
            ground.run(&[&format!("DELETE FROM core_userprofile WHERE user_id IN ({bela}, {cho})")]).await;
            Expected::finds(&[("PRF-001", "A", 2)]).changing(&[("core_userprofile", 0, 2)])
        }

        async fn a_second_profile_that_says_nothing(ground) {
            let (_, anna) = PEOPLE[1];
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.run(&[&profile(anna)]).await;
            Expected::finds(&[("PRF-002", "A", 1)]).changing(&[("core_userprofile", 1, 0)])
        }

        async fn profiles_of_nobody(ground) {
            ground.drop_unique("core_userprofile", &["user_id"]).await;
            ground.allow_null("core_userprofile", "user_id").await;
            ground.drop_foreign_keys("core_userprofile").await;
            ground.run(&[&profile(NOBODY), &profile("NULL")]).await;
            Expected::finds(&[("PRF-003", "A", 2)]).changing(&[("core_userprofile", 2, 0)])
        }
    }
}
