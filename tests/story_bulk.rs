//! One change for many accounts: what is said before, done as one run, and taken back by one undo. Who can't be changed is
//! named and left; a run that was stopped is gone on with; two programs at once lose nothing of each other's.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[expect(dead_code, reason = "of the cast only some are needed here")]
#[path = "support/cast.rs"]
mod cast;
#[path = "support/replay.rs"]
mod replay;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cast::{Cast, HASH};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Outcome, Watch};
use portaldesk::db::Sql;
use portaldesk::db::schema::Schema;
use portaldesk::directory::bulk::{self, Ahead, Change, Extent};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::Kind;
use portaldesk::integrity::runs::{self, Resumed, State};
use portaldesk::portal::password::{Verdict, verify};
use support::{TestDb, digest};

const GROUP: i64 = 40;
const OTHER_GROUP: i64 = 41;
const IT: i64 = 50;
const SALES: i64 = 51;

async fn open(db: &TestDb) -> Portal {
    Portal::over(db.second().await, Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// A superuser, and so many users in the department IT and the group 41, with a profile and a password each.
async fn crowd(db: &TestDb, users: i64) -> Portal {
    let yes = db.yes();
    let no = if yes == "1" { "0" } else { "false" };
    let when = "'2026-01-02 03:04:05'";
    let user = |id: i64, name: &str, superuser: &str| {
        format!(
            "({id}, '{HASH}', {superuser}, '{name}', 'F', 'L', '{name}@example.org', {no}, {yes}, {when})"
        )
    };
    let mut people = vec![user(100, "root", yes)];
    people.extend((1..=users).map(|n| user(100 + n, &format!("user{n:04}"), no)));
    let profiles = (1..=users).map(|n| format!("({}, {IT}, {yes}, {when}, {when})", 100 + n));
    let members = (1..=users).map(|n| format!("({}, {OTHER_GROUP})", 100 + n));
    let (profiles, members): (Vec<String>, Vec<String>) = (profiles.collect(), members.collect());
    db.run(&format!(
        "INSERT INTO auth_group (id, name) VALUES ({GROUP}, 'Keepers'), ({OTHER_GROUP}, 'Readers');
         INSERT INTO core_department (id, name, description, is_active, created_at)
             VALUES ({IT}, 'IT', '', {yes}, {when}), ({SALES}, 'Sales', '', {yes}, {when});
         INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
             date_joined) VALUES {};
         INSERT INTO core_userprofile (user_id, department_id, email_notifications, created_at, updated_at) VALUES {};
         INSERT INTO auth_user_groups (user_id, group_id) VALUES {}",
        people.join(", "),
        profiles.join(", "),
        members.join(", ")
    ))
    .await;
    open(db).await
}

/// The ids of the crowd, without the superuser.
fn crowd_ids(users: i64) -> Vec<i64> {
    (101..=100 + users).collect()
}

async fn ahead(portal: &Portal, change: &Change, ids: &[i64]) -> Ahead {
    bulk::look_ahead(portal, change, ids).await.expect("a look ahead")
}

async fn begin(portal: &Portal, ahead: &Ahead) -> Outcome {
    bulk::begin(portal, ahead, Extent::All, &Watch::default()).await.expect("a run")
}

async fn undo(portal: &Portal, id: &str) {
    let planned = history::plan_undo(portal, id, OldPassword::WorksAgain).await.expect("an undo");
    assert_eq!(planned.left, Vec::<String>::new());
    let outcome = history::apply_undo(portal, id, planned, &Watch::default()).await.expect("undone");
    assert_eq!(outcome.refused, []);
}

async fn resume(portal: &Portal, run: &str) -> Outcome {
    match runs::resume(portal, run, &Watch::default()).await.expect("resumed") {
        Resumed::Other(outcome) => outcome,
        Resumed::Repair(_) => panic!("no repair"),
    }
}

/// Stops a run when so many are done.
fn stopping_at(done: u64) -> Watch {
    let watch = Watch::default();
    let cancel = watch.cancel.clone();
    let tell = move |progress: portaldesk::change::Progress| {
        if progress.done >= done {
            cancel.cancel();
        }
    };
    Watch { progress: Some(Arc::new(tell)), ..watch }
}

fn titles(refused: &[(String, portaldesk::error::Error)]) -> Vec<&str> {
    refused.iter().map(|(title, _)| title.as_str()).collect()
}

/// A folder that goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new(db: &TestDb, name: &str) -> Self {
        let path = std::env::temp_dir().join(format!(
            "portaldesk-bulk-{name}-{}-{}",
            db.server.name().replace(' ', "-"),
            std::process::id()
        ));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The passwords of a file, by username.
fn passwords(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).expect("the file");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("username,password"));
    let pair =
        |line: &str| line.split_once(',').map(|(name, password)| (name.to_owned(), password.to_owned()));
    lines.map(|line| pair(line).expect("a pair")).collect()
}

/// For whom of the users of a file the password in it opens the portal.
async fn opened_by(portal: &Portal, path: &Path) -> Vec<String> {
    let mut opened = Vec::new();
    for (name, password) in passwords(path) {
        let sql = Sql::new("SELECT password FROM auth_user WHERE username = ?").bind(name.as_str());
        let encoded = portal.db.one(sql).await.unwrap().text(0).unwrap();
        if verify(&password, &encoded) == Verdict::Right {
            opened.push(name);
        }
    }
    opened
}

stories! {
    /// Of 30 users, one of whom is so already where that can be.
    async fn every_change_is_one_run_that_one_undo_takes_back(db: TestDb) {
        let portal = crowd(&db, 30).await;
        db.run("UPDATE auth_user SET is_active = NOT is_active WHERE id = 103").await;
        db.run("UPDATE core_userprofile SET department_id = 51 WHERE user_id = 104").await;
        let before = digest(&db.db).await;
        let ids = crowd_ids(30);
        let cases: [(Change, &str, usize, &str, i64); 13] = [
            (Change::Activate, "Activate user0003", 1, "SELECT COUNT(*) FROM auth_user WHERE is_active = TRUE", 31),
            (Change::Deactivate, "Deactivate 29 users", 29, "SELECT COUNT(*) FROM auth_user WHERE is_active = TRUE", 1),
            (Change::AddGroup(GROUP), "Add 30 users to Keepers", 30, "SELECT COUNT(*) FROM auth_user_groups", 60),
            (Change::RemoveGroup(OTHER_GROUP), "Remove 30 users from Readers", 30, "SELECT COUNT(*) FROM auth_user_groups", 0),
            (
                Change::SetDepartment(Some(SALES)),
                "Move 29 users to Sales",
                29,
                "SELECT COUNT(*) FROM core_userprofile WHERE department_id = 51",
                30,
            ),
            (
                Change::SetDepartment(None),
                "Leave 30 users without a department",
                30,
                "SELECT COUNT(*) FROM core_userprofile WHERE department_id IS NULL",
                30,
            ),
            (
                Change::Notifications(false),
                "Turn off e-mail notifications of 30 users",
                30,
                "SELECT COUNT(*) FROM core_userprofile WHERE email_notifications = TRUE",
                0,
            ),
            (Change::Staff(true), "Give staff to 30 users", 30, "SELECT COUNT(*) FROM auth_user WHERE is_staff = TRUE", 30),
            (Change::Staff(false), "", 0, "SELECT COUNT(*) FROM auth_user WHERE is_staff = TRUE", 0),
            (Change::Notifications(true), "", 0, "SELECT COUNT(*) FROM core_userprofile WHERE email_notifications = TRUE", 30),
            (
                Change::Several(vec![Change::Deactivate, Change::SetDepartment(Some(SALES)), Change::AddGroup(GROUP)]),
                "Edit 30 users: inactive, department Sales, in Keepers",
                30,
                "SELECT COUNT(*) FROM auth_user u JOIN core_userprofile p ON p.user_id = u.id JOIN auth_user_groups g \
                 ON g.user_id = u.id WHERE u.is_active = FALSE AND p.department_id = 51 AND g.group_id = 40",
                30,
            ),
            (Change::OffBoard, "Off-board 30 users", 30, "SELECT COUNT(*) FROM auth_user WHERE password LIKE '!%'", 30),
            (Change::Delete, "Delete 30 users", 30, "SELECT COUNT(*) FROM auth_user", 1),
        ];
        for (change, title, count, sql, wanted) in cases {
            let mut looked = ahead(&portal, &change, &ids).await;
            assert_eq!((looked.count(), looked.already), (count, 30 - count), "{change:?}");
            if count > 0 {
                assert_eq!(looked.title, title);
                looked.rehearse(&portal).await.unwrap();
                assert!(looked.rehearsed.as_deref().unwrap().starts_with("Rehearsed: "), "{:?}", looked.rehearsed);
            }
            assert_eq!(digest(&db.db).await, before, "{change:?}: looking ahead writes nothing");
            let outcome = begin(&portal, &looked).await;
            assert_eq!(outcome.refused, [], "{change:?}");
            assert_eq!(outcome.rows, looked.rows, "{change:?}: what was said is what was written");
            assert_eq!(db.number(sql).await, wanted, "{change:?}");
            if let Some(run) = &outcome.run {
                undo(&portal, run).await;
            }
            assert_eq!(digest(&db.db).await, before, "{change:?}: one undo takes all of it back");
        }
    }

    /// The same as in the form of a single account: a profile comes where something is to be kept in it.
    async fn a_missing_profile_is_made_where_it_is_needed(db: TestDb) {
        let portal = crowd(&db, 3).await;
        db.run("DELETE FROM core_userprofile WHERE user_id = 102").await;
        let before = digest(&db.db).await;
        let looked = ahead(&portal, &Change::Notifications(true), &crowd_ids(3)).await;
        assert_eq!(looked.already, 3, "a new profile would have them on");
        let looked = ahead(&portal, &Change::SetDepartment(None), &crowd_ids(3)).await;
        assert_eq!(looked.ids, [101, 103]);
        let looked = ahead(&portal, &Change::SetDepartment(Some(SALES)), &crowd_ids(3)).await;
        let outcome = begin(&portal, &looked).await;
        assert_eq!((outcome.operations.len(), outcome.rows), (1, 3));
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile WHERE department_id = 51").await, 3);
        undo(&portal, outcome.operation().unwrap()).await;
        assert_eq!(digest(&db.db).await, before);
    }

    /// Who is left is known before, by name, and told again after.
    async fn the_guards_are_asked_about_all_of_them_first(db: TestDb) {
        let cast = Cast::new(db).await;
        let ann = cast.by("ann");
        let ids: Vec<i64> = ["root", "ann", "ed", "nora", "pia", "ina"].iter().map(|name| cast.id(name)).collect();
        let looked = ahead(&ann, &Change::Deactivate, &ids).await;
        assert_eq!(titles(&looked.refused), ["Deactivate root", "Deactivate ann", "Deactivate pia"]);
        assert_eq!((looked.count(), looked.already), (2, 1), "ina is inactive");
        assert_eq!(looked.effects.first_losers, ["nora", "ed"]);
        let outcome = begin(&ann, &looked).await;
        assert_eq!(titles(&outcome.refused), titles(&looked.refused));
        assert_eq!(outcome.rows, 2);
    }

    /// What only shows when it is written: staff who would come to have powerful permissions.
    async fn a_refused_plan_comes_again_in_halves(db: TestDb) {
        let cast = Cast::new(db).await;
        let ann = cast.by("ann");
        let names = ["eve", "nora", "ed", "stan", "nil", "rex"];
        let ids: Vec<i64> = names.iter().map(|name| cast.id(name)).collect();
        let keepers = cast.group("Keepers");
        let mut looked = ahead(&ann, &Change::AddGroup(keepers), &ids).await;
        assert_eq!((looked.count(), looked.refused.len()), (6, 0));
        looked.rehearse(&ann).await.unwrap();
        assert!(looked.rehearsed.as_deref().unwrap().contains("would be refused"), "{:?}", looked.rehearsed);
        let outcome = begin(&ann, &looked).await;
        assert_eq!(titles(&outcome.refused), ["Add stan to Keepers"]);
        assert_eq!(outcome.refused[0].1.kind, Kind::Denied);
        assert_eq!(outcome.rows, 5);
    }

    /// Which of the last superusers should stay is not ours to say: all of them do.
    async fn a_superuser_stays(db: TestDb) {
        let cast = Cast::new(db).await;
        let all: Vec<i64> = cast.portal.db.all(Sql::new("SELECT id FROM auth_user")).await.unwrap()
            .iter().map(|row| row.int(0).unwrap()).collect();
        for change in [Change::Deactivate, Change::OffBoard, Change::Delete] {
            let looked = ahead(&cast.portal, &change, &all).await;
            let refused = titles(&looked.refused);
            assert_eq!(refused.len(), 2, "{refused:?}");
            assert!(refused[0].ends_with("root") && refused[1].ends_with("sue"), "{refused:?}");
            assert!(looked.refused[0].1.message.contains("nobody could run the portal"));
            assert_eq!(looked.effects.superusers, None);
        }
        let one = ahead(&cast.portal, &Change::Deactivate, &[cast.id("sue")]).await;
        assert_eq!((one.refused.len(), one.effects.superusers), (0, Some((2, 1))));
        let outcome = begin(&cast.portal, &ahead(&cast.portal, &Change::Delete, &all).await).await;
        assert_eq!(outcome.refused.len(), 2);
        assert_eq!(cast.db.number("SELECT COUNT(*) FROM auth_user").await, 2);
    }

    async fn who_loses_what_is_said_before(db: TestDb) {
        let portal = crowd(&db, 8).await;
        db.run("UPDATE core_userprofile SET department_id = 51 WHERE user_id IN (101, 102)").await;
        db.run("UPDATE auth_user SET is_active = NOT is_active WHERE id IN (102, 103)").await;
        db.run("UPDATE auth_user SET password = '!' WHERE id = 104").await;
        db.run("UPDATE auth_group SET name = 'Admin' WHERE id = 41").await;
        let looked = ahead(&portal, &Change::OffBoard, &crowd_ids(7)).await;
        let effects = &looked.effects;
        assert_eq!(effects.lose_sign_in, 4, "two are inactive and one has no password");
        assert_eq!(effects.first_losers, ["user0001", "user0005", "user0006", "user0007"]);
        assert_eq!(effects.emptied, ["Sales"], "in IT the eighth stays");
        assert_eq!(effects.admins, Some((6, 1)));
        let words = looked.words().join("\n");
        for wanted in [
            "7 of 7 users would change.",
            "4 users can no longer sign in to the portal: user0001, user0005, user0006, user0007.",
            "Sales loses its last active member.",
            "Active members of the Admin group: 6 now, 1 then.",
        ] {
            assert!(words.contains(wanted), "{wanted}\n{words}");
        }
        let looked = ahead(&portal, &Change::SetDepartment(Some(IT)), &crowd_ids(8)).await;
        assert_eq!((looked.count(), looked.effects.emptied.as_slice()), (2, ["Sales".to_owned()].as_slice()));
        let looked = ahead(&portal, &Change::Activate, &crowd_ids(8)).await;
        assert_eq!((looked.effects.sessions_revive, looked.effects.without_password), (2, 0));
    }

    /// Rows of another app refer to one; another one has too much of a log to go in one plan.
    async fn who_can_not_be_deleted_is_left(db: TestDb) {
        crowd(&db, 4).await;
        db.run(
            "CREATE TABLE core_note (id integer NOT NULL PRIMARY KEY, owner_id integer NOT NULL, \
             FOREIGN KEY (owner_id) REFERENCES auth_user (id)); INSERT INTO core_note VALUES (1, 102)",
        )
        .await;
        let entries = vec!["('2026-01-01 00:00:00', 'x', 2, '', 103)"; 600].join(", ");
        db.run(&format!(
            "INSERT INTO django_admin_log (action_time, object_repr, action_flag, change_message, user_id) \
             VALUES {entries}"
        ))
        .await;
        let portal = open(&db).await;
        let looked = ahead(&portal, &Change::Delete, &crowd_ids(4)).await;
        assert_eq!(titles(&looked.refused), ["Delete user0002", "Delete user0003"]);
        let [(_, held), (_, too_large)] = looked.refused.as_slice() else { panic!("two") };
        assert!(held.message.contains("core_note holds 1 row (owner_id)"), "{held}");
        assert!(too_large.message.contains("603 rows"), "{too_large}");
        let outcome = begin(&portal, &looked).await;
        assert_eq!(titles(&outcome.refused), titles(&looked.refused));
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 3);
    }

    /// Stopped between two plans; also what was undone by then is not done again.
    async fn a_run_that_was_stopped_is_gone_on_with(db: TestDb) {
        let portal = crowd(&db, 1_100).await;
        let before = digest(&db.db).await;
        let looked = ahead(&portal, &Change::Deactivate, &crowd_ids(1_100)).await;
        let outcome = bulk::begin(&portal, &looked, Extent::All, &stopping_at(1)).await.unwrap();
        assert!(outcome.stopped);
        let run = outcome.run.expect("a run");
        let listed = runs::stopped(&portal).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert!(listed[0].can_go_on());
        assert_eq!(listed[0].words(), "Run 'Deactivate 1 100 users' stopped at 500 of 1 100");
        // Somebody else takes one out meanwhile: there is less to do, and nothing is done twice.
        db.run("UPDATE auth_user SET is_active = NOT is_active WHERE id = 1150").await;
        let other = open(&db).await;
        let rest = resume(&other, &run).await;
        assert_eq!((rest.refused.len(), rest.rows), (0, 599));
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user WHERE is_active = TRUE").await, 1);
        let done = runs::show(&portal, &run).await.unwrap();
        assert_eq!((done.state, done.far()), (State::Done, "1 099 of 1 099".to_owned()));
        undo(&portal, &run).await;
        db.run("UPDATE auth_user SET is_active = NOT is_active WHERE id = 1150").await;
        assert_eq!(digest(&db.db).await, before, "one undo takes back both parts");
    }

    async fn one_first_and_then_the_rest_is_one_run(db: TestDb) {
        let portal = crowd(&db, 12).await;
        let before = digest(&db.db).await;
        let looked = ahead(&portal, &Change::AddGroup(GROUP), &crowd_ids(12)).await;
        let first = bulk::begin(&portal, &looked, Extent::First, &Watch::default()).await.unwrap();
        assert_eq!((first.rows, first.stopped), (1, true));
        let run = first.run.expect("a run");
        assert_eq!(runs::show(&portal, &run).await.unwrap().far(), "1 of 12");
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user_groups WHERE group_id = 40 AND user_id = 101").await, 1);
        let rest = resume(&portal, &run).await;
        assert_eq!((rest.rows, rest.stopped), (11, false));
        undo(&portal, &run).await;
        assert_eq!(digest(&db.db).await, before);
        // Or nothing more: nobody is asked about it again.
        let first = bulk::begin(&portal, &looked, Extent::First, &Watch::default()).await.unwrap();
        runs::end(&portal, &first.run.unwrap()).await.unwrap();
        assert_eq!(runs::stopped(&portal).await.unwrap(), []);
    }

    async fn a_group_that_vanished_stops_it_before_anything_is_written(db: TestDb) {
        let portal = crowd(&db, 5).await;
        let looked = ahead(&portal, &Change::AddGroup(GROUP), &crowd_ids(5)).await;
        db.run("DELETE FROM auth_group WHERE id = 40").await;
        let before = digest(&db.db).await;
        let error = bulk::begin(&portal, &looked, Extent::All, &Watch::default()).await.expect_err("it is gone");
        assert_eq!((error.kind, error.message.as_str()), (Kind::Conflict, "The group is not there any more; nothing was written."));
        assert_eq!(digest(&db.db).await, before);
        assert_eq!(runs::list(&portal, true, 10).await.unwrap(), [], "a run that wrote nothing is forgotten");
        let error = bulk::look_ahead(&portal, &Change::AddGroup(GROUP), &crowd_ids(5)).await.expect_err("it is gone");
        assert_eq!(error.kind, Kind::Conflict);
    }

    /// The file holds the passwords that were set, and no others, whatever happened on the way.
    async fn generated_passwords_are_on_the_disk_before_they_are_set(db: TestDb) {
        let portal = crowd(&db, 25).await;
        let folder = Folder::new(&db, "passwords");
        let to = folder.0.join("new.csv");
        let change = Change::GeneratePasswords { to: to.clone() };
        let looked = ahead(&portal, &change, &crowd_ids(25)).await;
        assert!(!to.exists(), "looking ahead writes no file");
        let outcome = bulk::begin(&portal, &looked, Extent::All, &stopping_at(10)).await.unwrap();
        assert!(outcome.stopped);
        assert_eq!(fs::metadata(&to).unwrap().mode() & 0o777, 0o600);
        assert_eq!(passwords(&to).len(), 10);
        assert_eq!(opened_by(&portal, &to).await.len(), 10, "what was not set is not in it");
        let rest = resume(&portal, &outcome.run.unwrap()).await;
        assert_eq!((rest.refused.len(), rest.rows), (0, 15), "nobody gets a second one");
        assert_eq!(opened_by(&portal, &to).await.len(), 25);
        let again = bulk::look_ahead(&portal, &change, &crowd_ids(25)).await.expect_err("the file is there");
        assert_eq!(again.kind, Kind::Invalid);
    }

    /// Both write the same profiles and accounts at once. Every row that either wrote was written from what stood there.
    async fn two_programs_at_once_lose_nothing(db: TestDb) {
        const USERS: i64 = 120;
        let (one, two) = (crowd(&db, USERS).await, open(&db).await);
        let schema = Schema::read(&db.db).await.unwrap();
        let names = ["auth_user", "core_userprofile", "auth_user_groups"];
        let before = replay::read(&db.db, &schema, &names).await;
        let ids = crowd_ids(USERS);
        let mut refused = 0;
        for (first, second) in [
            (Change::SetDepartment(Some(SALES)), Change::Notifications(false)),
            (Change::Deactivate, Change::Staff(true)),
            (Change::AddGroup(GROUP), Change::OffBoard),
        ] {
            let (first, second) = (ahead(&one, &first, &ids).await, ahead(&two, &second, &ids).await);
            let (first, second) = tokio::join!(begin(&one, &first), begin(&two, &second));
            refused += first.refused.len() + second.refused.len();
        }
        let after = replay::read(&db.db, &schema, &names).await;
        assert_eq!(replay::replay(&db.db, before, 0).await, after, "the journal tells what is in the tables");
        assert!(i64::try_from(refused).unwrap() < USERS, "most went through: {refused}");
        if refused == 0 {
            assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile WHERE department_id = 51").await, USERS);
            assert_eq!(db.number("SELECT COUNT(*) FROM auth_user WHERE is_active = TRUE").await, 1);
        }
    }
}
