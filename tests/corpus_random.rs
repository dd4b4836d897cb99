//! Random damage: some of the faults at once, on random rows, in a portal that lost the constraints against them. What is
//! missing, double or leads nowhere is counted here by hand, row by row, and must be what the checks say; the automatic
//! repairs leave none of it, and undo and redo are exact.
//!
//! A failure prints the damage, as short as it can be made, and the seed: `SEED=… cargo test --test corpus_random` does it
//! again.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use portaldesk::db::Sql;
use portaldesk::integrity::{Class, Finding, Report, scan};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use support::corpus::{Ground, NOBODY, PEOPLE, State};
use support::{Made, Server};

/// One thing that went wrong.
#[derive(Debug, Clone)]
enum Damage {
    /// The account is gone, and nothing that belongs to it.
    UserGone(i64),
    /// The profile is gone.
    ProfileGone(i64),
    /// One more profile, with this phone.
    Profile(i64, Option<u8>),
    /// A membership.
    Member(i64, i64),
    /// A permission of a group.
    Permission(i64, i64),
    /// The profile's department.
    Department(i64, i64),
    /// A department is gone, and its members don't know.
    DepartmentGone(i64),
    /// A phone number of white space.
    BlankPhone(i64),
}

/// A user who is there, or is not.
fn user() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 2..=4_i64, 1 => NOBODY..NOBODY + 2]
}

fn damage() -> impl Strategy<Value = Damage> {
    // Groups and departments are 1 to 3, permissions many; beyond that there is nothing.
    prop_oneof![
        (2..=4_i64).prop_map(Damage::UserGone),
        (1..=4_i64).prop_map(Damage::ProfileGone),
        (user(), proptest::option::of(0..3_u8)).prop_map(|(user, phone)| Damage::Profile(user, phone)),
        (user(), 1..=4_i64).prop_map(|(user, group)| Damage::Member(user, group)),
        (1..=4_i64, prop_oneof![1..=3_i64, 900..=901_i64])
            .prop_map(|(group, of)| Damage::Permission(group, of)),
        (1..=4_i64, 1..=6_i64).prop_map(|(user, department)| Damage::Department(user, department)),
        (1..=3_i64).prop_map(Damage::DepartmentGone),
        (1..=4_i64).prop_map(Damage::BlankPhone),
    ]
}

impl Damage {
    fn sql(&self) -> String {
        match self {
            Self::UserGone(user) => format!("DELETE FROM auth_user WHERE id = {user}"),
            Self::ProfileGone(user) => format!("DELETE FROM core_userprofile WHERE user_id = {user}"),
            Self::Profile(user, phone) => {
                let phone = phone.map_or("NULL".to_owned(), |phone| format!("'+{phone}'"));
                format!(
                    "INSERT INTO core_userprofile (phone_number, created_at, updated_at, user_id, email_notifications) \
                     VALUES ({phone}, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {user}, TRUE)"
                )
            }
            Self::Member(user, group) => {
                format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({user}, {group})")
            }
            Self::Permission(group, of) => {
                format!("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES ({group}, {of})")
            }
            Self::Department(user, department) => {
                format!("UPDATE core_userprofile SET department_id = {department} WHERE user_id = {user}")
            }
            Self::DepartmentGone(department) => {
                format!("DELETE FROM core_department WHERE id = {department}")
            }
            Self::BlankPhone(user) => {
                format!("UPDATE core_userprofile SET phone_number = ' ' WHERE user_id = {user}")
            }
        }
    }
}

/// What is wrong, counted by hand.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "yes or no, of each kind of fault")]
struct Counted {
    without_profile: usize,
    with_several: usize,
    orphans: usize,
    ghosts: bool,
    dangling_permissions: bool,
    dangling_departments: bool,
    double_links: bool,
    blank_phones: bool,
}

type Pair = (Option<i64>, Option<i64>);

async fn pairs(ground: &Ground, sql: &'static str) -> Vec<Pair> {
    let rows = ground.db.all(Sql::new(sql)).await.expect(sql);
    rows.iter().map(|row| (row.int_opt(0).expect(sql), row.int_opt(1).expect(sql))).collect()
}

async fn ids(ground: &Ground, sql: &'static str) -> BTreeSet<i64> {
    pairs(ground, sql).await.into_iter().filter_map(|(id, _)| id).collect()
}

fn has_doubles(links: &[Pair]) -> bool {
    links.iter().collect::<BTreeSet<_>>().len() < links.len()
}

impl Counted {
    async fn of(ground: &Ground) -> Self {
        let users = ids(ground, "SELECT id, id FROM auth_user").await;
        let groups = ids(ground, "SELECT id, id FROM auth_group").await;
        let permissions = ids(ground, "SELECT id, id FROM auth_permission").await;
        let departments = ids(ground, "SELECT id, id FROM core_department").await;
        let profiles = pairs(ground, "SELECT user_id, department_id FROM core_userprofile").await;
        let members = pairs(ground, "SELECT user_id, group_id FROM auth_user_groups").await;
        let granted = pairs(ground, "SELECT group_id, permission_id FROM auth_group_permissions").await;
        let phones =
            ground.db.all(Sql::new("SELECT phone_number FROM core_userprofile")).await.expect("phones");
        let mut owned: BTreeMap<i64, usize> = users.iter().map(|user| (*user, 0)).collect();
        let mut orphans = 0;
        for (user, _) in &profiles {
            match user.and_then(|user| owned.get_mut(&user)) {
                Some(count) => *count += 1,
                None => orphans += 1,
            }
        }
        let lacks = |id: &Option<i64>, known: &BTreeSet<i64>| id.is_none_or(|id| !known.contains(&id));
        Self {
            without_profile: owned.values().filter(|count| **count == 0).count(),
            with_several: owned.values().filter(|count| **count > 1).count(),
            orphans,
            ghosts: members.iter().any(|(user, group)| lacks(user, &users) || lacks(group, &groups)),
            dangling_permissions: granted
                .iter()
                .any(|(group, of)| lacks(group, &groups) || lacks(of, &permissions)),
            dangling_departments: profiles.iter().any(|(_, of)| of.is_some() && lacks(of, &departments)),
            double_links: has_doubles(&members) || has_doubles(&granted),
            blank_phones: phones
                .iter()
                .any(|row| row.text_opt(0).expect("a phone").is_some_and(|phone| phone.trim().is_empty())),
        }
    }

    /// That a scan says the same.
    fn is_told_by(&self, report: &Report) {
        let count = |id: &str| -> usize {
            report.findings.iter().filter(|finding| finding.id() == id).map(Finding::count).sum()
        };
        let told = Self {
            without_profile: count("PRF-001"),
            with_several: count("PRF-002"),
            orphans: count("PRF-003"),
            ghosts: count("REL-001") > 0,
            dangling_permissions: count("REL-002") > 0,
            dangling_departments: count("REL-003") > 0,
            double_links: count("REL-007") > 0,
            blank_phones: count("TXT-001") > 0,
        };
        assert_eq!(told, *self, "{report:?}");
    }
}

/// Breaks a portal at random, repairs what is automatic, and takes it back and forth.
async fn suffers(server: Server, damages: &[Damage]) {
    let ground = Ground::new(server, Made::Django0004).await;
    ground.drop_unique("core_userprofile", &["user_id"]).await;
    ground.drop_unique("auth_user_groups", &["user_id", "group_id"]).await;
    ground.drop_unique("auth_group_permissions", &["group_id", "permission_id"]).await;
    for table in
        ["core_userprofile", "auth_user_groups", "auth_group_permissions", "auth_user_user_permissions"]
    {
        ground.drop_foreign_keys(table).await;
    }
    ground.drop_foreign_keys("django_admin_log").await;
    let statements: Vec<String> = damages.iter().map(Damage::sql).collect();
    ground.run(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let broken = State::of(&ground.db).await;
    let report = scan(&ground.portal().await, &[], None).await.expect("a scan");
    assert_eq!(report.skipped, []);
    Counted::of(&ground).await.is_told_by(&report);

    let done = ground.repair_automatic().await;
    let repaired = State::of(&ground.db).await;
    let changed = broken.changed(&repaired);
    assert!(changed.is_subset(&ground.journaled(&done).await), "{changed:?}");
    let left = scan(&ground.portal().await, &[], None).await.expect("a second scan");
    assert!(left.findings.iter().all(|finding| finding.class() != Class::Automatic), "{left:?}");
    Counted::of(&ground).await.is_told_by(&left);

    let undone = ground.take_back(&done).await;
    State::of(&ground.db).await.is(&broken, "taken back");
    ground.take_back(&undone).await;
    State::of(&ground.db).await.is(&repaired, "taken back and done again");
}

fn seed() -> u64 {
    let given = std::env::var("SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("the system's random numbers");
        u64::from_le_bytes(bytes)
    })
}

/// So many random portals on one engine.
fn suffer(server: Server, cases: u32) {
    if !server.is_there("random damage") {
        return;
    }
    let seed = seed();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(config, rng);
    let runtime = support::runtime();
    let result = runner.run(&proptest::collection::vec(damage(), 1..8), |damages| {
        runtime.block_on(suffers(server, &damages));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("with SEED={seed}: {error}"));
}

#[test]
fn people_are_there() {
    // The damages above name them by id.
    assert_eq!(PEOPLE.map(|(_, id)| id), [1, 2, 3, 4]);
}

mod sqlite {
    #[test]
    fn random_damage() {
        super::suffer(super::Server::Sqlite, 40);
    }
}

mod mariadb {
    #[test]
    fn random_damage() {
        super::suffer(super::Server::MariaDb, 12);
    }
}

mod postgres {
    #[test]
    fn random_damage() {
        super::suffer(super::Server::Postgres, 12);
    }
}
