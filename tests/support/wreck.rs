//! A portal with two hundred findings of four kinds, and what of each has to be looked at after a repair was killed.
#![allow(dead_code, reason = "every test file uses the part that it needs")]

use std::collections::{BTreeMap, BTreeSet};

use portaldesk::change::{Actor, Watch, journal};
use portaldesk::db::own::{self, WantedRuns};
use portaldesk::db::{Db, Sql};
use portaldesk::directory::{Portal, Settings};
use portaldesk::integrity::runs;

use super::corpus::Ground;
use super::{Made, Server};

/// How many findings there are of each of the four kinds.
const EACH: i64 = 50;

/// The first id of users who were never there.
const GONE: i64 = 900_000;

/// What a full repair goes through, in its order: links, orphans, duplicates, missing ones.
pub(crate) const CHECKS: &str = "REL-001,PRF-003,PRF-002,PRF-001";

/// What is there of every finding's subject: its rows, without what no two repairs write alike (new ids, the time).
pub(crate) type Subjects = BTreeMap<String, Vec<String>>;

/// Makes it.
pub(crate) async fn wreck(server: Server) -> Ground {
    let ground = Ground::new(server, Made::Init).await;
    for table in ["core_userprofile", "auth_user_groups"] {
        ground.drop_foreign_keys(table).await;
    }
    ground.drop_unique("core_userprofile", &["user_id"]).await;
    let mut users = Vec::new();
    let (mut profiles, mut members) = (Vec::new(), Vec::new());
    let profile = |user: i64, phone: &str| {
        format!("({phone}, NULL, '2026-01-02 03:04:05', '2026-01-02 03:04:05', {user}, NULL, TRUE)")
    };
    for number in 0..EACH {
        // Without a profile, and with two, of which the second knows a number.
        let (without, twice) = (1_000 + number, 2_000 + number);
        for id in [without, twice] {
            users.push(format!(
                "({id}, '!', NULL, FALSE, 'user{id}', '', '', '', FALSE, TRUE, '2026-01-02 03:04:05')"
            ));
        }
        profiles.push(profile(twice, "NULL"));
        profiles.push(profile(twice, &format!("'+1 {number}'")));
        profiles.push(profile(GONE + number, "NULL"));
        members.push(format!("({}, 3)", GONE + 1_000 + number));
    }
    ground
        .run(&[
            &format!(
                "INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, \
                 is_staff, is_active, date_joined) VALUES {}",
                users.join(", ")
            ),
            &format!(
                "INSERT INTO core_userprofile (phone_number, main_portal_id, created_at, updated_at, user_id, \
                 department_id, email_notifications) VALUES {}",
                profiles.join(", ")
            ),
            &format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES {}", members.join(", ")),
        ])
        .await;
    ground
}

/// Every subject's rows as they are now.
pub(crate) async fn subjects(db: &Db) -> Subjects {
    let mut subjects = Subjects::new();
    let profiles = Sql::new(
        "SELECT user_id, phone_number, main_portal_id, department_id, email_notifications FROM core_userprofile",
    );
    for row in db.all(profiles).await.expect("profiles") {
        let key = format!("profiles of {}", row.int(0).expect("a user"));
        let cells: Vec<String> = (1..4).map(|at| row.cell(at).expect("a cell").show()).collect();
        let notified = row.bool(4).expect("yes or no");
        subjects.entry(key).or_default().push(format!("{} {notified}", cells.join(" ")));
    }
    for row in db.all(Sql::new("SELECT user_id, group_id FROM auth_user_groups")).await.expect("members") {
        let key = format!("groups of {}", row.int(0).expect("a user"));
        subjects.entry(key).or_default().push(row.int(1).expect("a group").to_string());
    }
    for rows in subjects.values_mut() {
        rows.sort();
    }
    subjects
}

/// How far a repair came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Far {
    /// Nothing was committed.
    Before,
    /// Some of its plans were.
    Midway,
    /// All of them were.
    Through,
}

/// Looks at a database whose repair was killed: of no finding there is a half, and the journal tells what happened.
pub(crate) async fn look(db: &Db, before: &Subjects, after: &Subjects) -> Far {
    let now = subjects(db).await;
    let (mut old, mut new) = (0_u32, 0_u32);
    for key in before.keys().chain(after.keys()) {
        let (then, whole, is) = (before.get(key), after.get(key), now.get(key));
        assert!(
            is == then || is == whole,
            "half a finding: {key} was {then:?}, would be {whole:?}, is {is:?}"
        );
        if then != whole {
            old += u32::from(is == then);
            new += u32::from(is == whole);
        }
    }
    assert!(now.keys().all(|key| before.contains_key(key) || after.contains_key(key)), "something else came");
    assert_eq!(journal::verify(db).await.expect("the journal"), [], "the journal is whole");
    let wanted = WantedRuns { standing: true, ..WantedRuns::default() };
    let runs = own::runs(&mut db.clone(), &wanted).await.expect("the runs");
    let done: i64 = runs.iter().filter(|run| run.kind == "repair").map(|run| run.done).sum();
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let written = changed.filter(|key| now.get(*key) == after.get(*key)).count();
    assert_eq!(i64::try_from(written).expect("few"), done, "the run knows how far it came");
    match (old, new) {
        (_, 0) => Far::Before,
        (0, _) => Far::Through,
        _ => Far::Midway,
    }
}

/// Another program opens the database after that; what it is told of a stopped run is gone on with. Afterwards everything
/// is as after an undisturbed repair.
pub(crate) async fn go_on(db: &Db, after: &Subjects, far: Far) {
    let portal =
        Portal::over(db.clone(), Settings::default(), Actor::unix("next", None)).await.expect("a portal");
    let asked = runs::stopped(&portal).await.expect("runs");
    let wanted = WantedRuns { unfinished: true, ..WantedRuns::default() };
    let unfinished = own::runs(&mut db.clone(), &wanted).await.expect("runs").len();
    match far {
        Far::Before => assert_eq!(asked.len(), 0, "nothing of it stands"),
        Far::Midway => assert_eq!(asked.len(), 1, "it is asked about"),
        // It may have been killed before it could note its end.
        Far::Through => assert_eq!(asked.len(), unfinished),
    }
    if let Some(listed) = asked.first() {
        assert!(listed.can_go_on(), "{listed:?}");
        runs::resume(&portal, &listed.run.id, &Watch::default()).await.expect("resumed");
    } else if far == Far::Before {
        let only: Vec<String> = CHECKS.split(',').map(str::to_owned).collect();
        portaldesk::integrity::fix_user_profiles(&portal, &only, false, &Watch::default())
            .await
            .expect("repaired");
    }
    assert_eq!(&subjects(db).await, after, "as after an undisturbed repair");
    assert_eq!(own::runs(&mut db.clone(), &wanted).await.expect("runs"), [], "every run has come to its end");
    assert_eq!(journal::verify(db).await.expect("the journal"), []);
}
