//! The numbers of the Overview: every bar has the number of the list that it opens, however broken the portal is.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use portaldesk::db::Dialect;
use portaldesk::directory::moment::Month;
use portaldesk::directory::stats::months::Time;
use portaldesk::directory::{Portal, filter, levels, stats, users};
use portaldesk::integrity;
use portaldesk::tui::screens::overview::bars::{self, Opens};
use portaldesk::tui::widgets::chart::Bar;
use support::corpus::{Ground, NOBODY, PEOPLE};
use support::{Made, Server};

/// The ids of those who are added.
const FIRST: i64 = 6_000;

/// Somebody more: when they joined, when they signed in last, whether they are a superuser.
type Person = (DateTime<Utc>, Option<DateTime<Utc>>, bool);

/// People who joined and signed in at the edges of months, long ago, and in the future.
fn people(now: DateTime<Utc>) -> Vec<Person> {
    let this = Month::of(now).unwrap();
    let last = this.previous().unwrap();
    let tick = TimeDelta::microseconds(1);
    let long_ago = this.start - TimeDelta::days(365 * 7);
    vec![
        (this.start, None, false),
        (this.start - tick, Some(this.start), false),
        (last.start, Some(last.start - tick), false),
        (last.start - tick, Some(this.start - tick), true),
        (long_ago, Some(long_ago + tick), false),
        (long_ago, None, false),
        (this.end - tick, None, false),
        (this.end, Some(this.end), false),
        (this.end + TimeDelta::days(400), Some(this.end + TimeDelta::days(400)), true),
    ]
}

/// A portal with every fault that makes rows more or fewer than users.
async fn broken(server: Server, now: DateTime<Utc>) -> Ground {
    let ground = Ground::new(server, Made::Init).await;
    let time = |time: DateTime<Utc>| format!("'{}'", ground.db.dialect().time_text(time));
    for table in ["core_userprofile", "auth_user_groups"] {
        ground.drop_foreign_keys(table).await;
    }
    ground.drop_unique("core_userprofile", &["user_id"]).await;
    ground.drop_unique("auth_user_groups", &["user_id", "group_id"]).await;
    let mut script = Vec::new();
    for (id, (joined, login, superuser)) in (FIRST..).zip(people(now)) {
        script.push(format!(
            "INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, \
             is_staff, is_active, date_joined) VALUES ({id}, '!', {}, {superuser}, 'user{id}', '', '', '', FALSE, \
             TRUE, {})",
            login.map_or_else(|| "NULL".to_owned(), time),
            time(joined),
        ));
    }
    let profile = |user: i64, department: &str| {
        format!(
            "INSERT INTO core_userprofile (created_at, updated_at, user_id, department_id, email_notifications) \
             VALUES (CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {user}, {department}, TRUE)"
        )
    };
    let [.., (_, anna), (_, bela), (_, cho)] = PEOPLE;
    script.extend([
        // Anna in three departments, twice in one of them; cho twice in none.
        profile(anna, "1"),
        profile(anna, "1"),
        profile(anna, "2"),
        profile(cho, "NULL"),
        // Nobody's, and a department that is no more.
        profile(NOBODY, "1"),
        profile(FIRST, "4711"),
        profile(FIRST + 1, "NULL"),
        profile(FIRST + 2, "3"),
        "INSERT INTO core_department (name, description, is_active, created_at) \
         VALUES ('Empty', '', FALSE, CURRENT_TIMESTAMP)"
            .to_owned(),
        // Nobody's membership, one twice, one in a group that is no more, and several roles at once.
        format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({NOBODY}, 1), ({NOBODY}, 3)"),
        format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({bela}, 3), ({bela}, 2)"),
        format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({FIRST}, 4711)"),
        format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({}, 1), ({}, 3)", FIRST + 1, FIRST + 1),
        format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({}, 3)", FIRST + 3),
        "INSERT INTO auth_group (name) VALUES ('Readers')".to_owned(),
        format!("INSERT INTO auth_user_groups (user_id, group_id) SELECT {}, id FROM auth_group WHERE name = 'Readers'", FIRST + 4),
    ]);
    ground.run(&script.iter().map(String::as_str).collect::<Vec<_>>()).await;
    ground
}

/// Fails unless each bar's list has as many users as the bar says; gives the numbers by what the bars stand for.
async fn proven(portal: &Portal, bars: Vec<Bar<Opens>>) -> BTreeMap<String, u64> {
    let mut numbers = BTreeMap::new();
    for bar in bars {
        let Opens::Users(line) = &bar.target else { panic!("a bar of users opens users") };
        let query =
            users::Query { filter: filter::read(portal, line).await.unwrap(), ..users::Query::default() };
        let counted = users::count(portal, &query).await.unwrap();
        let listed = users::ids(portal, &query).await.unwrap();
        assert_eq!(
            (u64::try_from(counted).unwrap(), listed.len() as u64),
            (bar.count, bar.count),
            "'{}' opens '{line}'",
            bar.label
        );
        assert!(numbers.insert(bar.label, bar.count).is_none(), "no two bars are called alike");
    }
    numbers
}

fn whole(numbers: &BTreeMap<String, u64>) -> u64 {
    numbers.values().sum()
}

stories! {
    async fn every_bar_has_the_number_of_its_list(db: TestDb) {
        let now = Utc::now();
        let ground = broken(db.server, now).await;
        let portal = ground.portal().await;
        let everybody = (PEOPLE.len() + people(now).len()) as u64;
        let stats = stats::read(&portal, now).await.unwrap();

        let departments = proven(&portal, bars::departments(&stats.departments)).await;
        assert_eq!(
            ["IT", "Human Resources", "Sales", "Empty", "no department"].map(|name| departments[name]),
            [2, 3, 2, 0, everybody - 5],
            "anna is in all of three"
        );
        let access = proven(&portal, bars::access(&stats.access)).await;
        assert_eq!(
            ["superuser", "Admin", "AMC Admin", "Engineer", "no role"].map(|name| access[name]),
            [3, 1, 1, 2, everybody - 7]
        );
        let sign_in = proven(&portal, bars::sign_in(&stats.sign_in)).await;
        let joined = proven(&portal, bars::months(Time::Joined, &stats.joined)).await;
        let logins = proven(&portal, bars::months(Time::LastLogin, &stats.last_login)).await;
        for numbers in [&access, &sign_in, &joined, &logins] {
            assert_eq!(whole(numbers), everybody, "each user is in exactly one of {numbers:?}");
        }
        let this = Month::of(now).unwrap();
        let last = this.previous().unwrap();
        let edges = [this.to_string(), last.to_string(), "in the future".to_owned()];
        assert_eq!(edges.each_ref().map(|name| joined[name]), [6, 2, 2]);
        assert_eq!(edges.each_ref().map(|name| logins[name]), [5, 1, 2]);
        assert_eq!(logins["never"], 3);
    }

    async fn one_profile_each_is_not_as_many_as_users(db: TestDb) {
        let ground = Ground::new(db.server, Made::Init).await;
        let portal = ground.portal().await;
        let counts = stats::counts(&portal).await.unwrap();
        assert_eq!((counts.users, counts.profiles, counts.one_to_one), (4, 4, true));
        assert_eq!((counts.groups, counts.roles, counts.departments), (3, 3, 3));
        ground.drop_unique("core_userprofile", &["user_id"]).await;
        let [.., (_, bela), (_, cho)] = PEOPLE;
        ground.run(&[&format!("UPDATE core_userprofile SET user_id = {bela} WHERE user_id = {cho}")]).await;
        let counts = stats::counts(&portal).await.unwrap();
        assert_eq!((counts.users, counts.profiles, counts.one_to_one), (4, 4, false));
        let report = integrity::scan(&portal, &["PRF-001".to_owned(), "PRF-002".to_owned()], None).await.unwrap();
        let shown: Vec<(String, u64)> =
            bars::findings(&report).into_iter().map(|bar| (bar.label, bar.count)).collect();
        let listed = |severity| report.findings.iter().filter(|found| found.severity() == severity).count() as u64;
        let expected = integrity::Severity::ALL.map(|severity| (severity.name().to_owned(), listed(severity)));
        assert_eq!(shown, expected);
        assert_eq!(shown.iter().map(|(_, count)| count).sum::<u64>(), 2);
    }

    /// A group that the engine takes for a role is one, however it is spelled; where the engine doesn't, it is none.
    async fn which_group_is_a_role_is_the_engines_to_say(db: TestDb) {
        let ground = Ground::new(db.server, Made::Init).await;
        ground.run(&["UPDATE auth_group SET name = 'engineer' WHERE name = 'Engineer'"]).await;
        let portal = ground.portal().await;
        let is_role = ground.db.dialect() == Dialect::MySql;
        let counts = stats::counts(&portal).await.unwrap();
        assert_eq!((counts.groups, counts.roles), (3, if is_role { 3 } else { 2 }));
        let access = proven(&portal, bars::access(&levels::counts(&portal).await.unwrap())).await;
        assert_eq!((access["Engineer"], access["no role"]), if is_role { (3, 0) } else { (0, 3) });
    }
}
