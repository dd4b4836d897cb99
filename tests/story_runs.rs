//! A repair is one run: undone as one, stopped between two plans and gone on with, also when its program is gone. A second
//! program that repairs at the same time is told who does.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::sync::{Arc, Mutex};

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{
    Actor, Opening, Outcome, Owner, Plan, Progress, Purpose, Ready, Value, Watch, journal,
};
use portaldesk::db::own::{self, WantedRuns};
use portaldesk::db::{Cell, Sql};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::{Error, Kind};
use portaldesk::integrity::runs::{self, Listed, Resumed, State};
use portaldesk::integrity::{Fixed, fix_user_profiles};
use support::{TestDb, digest};

/// More than go into one plan, so that a repair has a middle.
const USERS: i64 = 1_100;

/// Another program that has the portal open. Every call is a sitting of its own.
async fn program(db: &TestDb) -> Portal {
    let actor = Actor::unix("tester", None);
    Portal::over(db.second().await, Settings::default(), actor).await.expect("a portal")
}

/// A portal of users without a profile.
async fn broken(db: &TestDb, users: i64) -> Portal {
    let values: Vec<String> = (1..=users)
        .map(|number| {
            let (yes, no) = if db.yes() == "true" { ("true", "false") } else { ("1", "0") };
            format!("('!', {no}, 'user{number:04}', '', '', '', {no}, {yes}, '2026-01-02 03:04:05')")
        })
        .collect();
    db.run(&format!(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
         date_joined) VALUES {}",
        values.join(", ")
    ))
    .await;
    program(db).await
}

fn only(id: &str) -> Vec<String> {
    vec![id.to_owned()]
}

async fn fix(portal: &Portal, watch: &Watch) -> portaldesk::error::Result<Fixed> {
    fix_user_profiles(portal, &only("PRF-001"), false, watch).await
}

async fn undo(portal: &Portal, id: &str) -> Outcome {
    let planned = history::plan_undo(portal, id, OldPassword::default()).await.expect("an undo");
    let outcome = history::apply_undo(portal, id, planned, &Watch::default()).await.expect("undone");
    assert_eq!(outcome.refused, []);
    outcome
}

/// Watches a run: what it was told, and stops it when `until` says so.
fn watching(until: impl Fn(Progress) -> bool + Send + Sync + 'static) -> (Watch, Arc<Mutex<Vec<Progress>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let watch = Watch::default();
    let (telling, cancel) = (Arc::clone(&told), watch.cancel.clone());
    let progress = move |progress: Progress| {
        telling.lock().unwrap().push(progress);
        if until(progress) {
            cancel.cancel();
        }
    };
    (Watch { progress: Some(Arc::new(progress)), ..watch }, told)
}

async fn stopped(portal: &Portal) -> Vec<Listed> {
    runs::stopped(portal).await.expect("runs")
}

async fn resume(portal: &Portal, run: &str) -> Fixed {
    match runs::resume(portal, run, &Watch::default()).await.expect("resumed") {
        Resumed::Repair(fixed) => *fixed,
        Resumed::Other(outcome) => panic!("not a repair: {outcome:?}"),
    }
}

/// How many findings of the first check were repaired.
fn count(fixed: &Fixed) -> i64 {
    i64::try_from(fixed.repaired[0].count).unwrap()
}

async fn profiles(db: &TestDb) -> i64 {
    db.number("SELECT COUNT(*) FROM core_userprofile").await
}

/// Makes a stopped run look as if its program had been killed: it still says that it runs, and has the lock.
async fn as_if_killed(db: &TestDb, run: &str, owner: &str, seconds_silent: i64) {
    let now = own::now(&mut db.db.clone()).await.unwrap();
    let (run, owner) = (run.to_owned(), owner.to_owned());
    let silent = now - chrono::TimeDelta::seconds(seconds_silent);
    db.transaction(move |tx| {
        let (run, owner) = (run.clone(), owner.clone());
        Box::pin(async move {
            let sql = Sql::new("UPDATE portaldesk_run SET state = 'running', owner = ?, heartbeat = ?")
                .bind(owner)
                .bind(silent);
            tx.execute(sql.push_bind(" WHERE id = ?", run.as_str())).await?;
            own::hold_repairs(tx, &run, silent).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
}

/// Who has the lock of repairs.
async fn holder(db: &TestDb) -> Option<String> {
    let sql = Sql::new("SELECT owner FROM portaldesk_lock WHERE name = 'repair'");
    db.one(sql).await.unwrap().text_opt(0).unwrap()
}

/// The numbers of a run's plans, in the order in which they were made.
async fn numbers(db: &TestDb, run: &str) -> Vec<i64> {
    let sql = Sql::new("SELECT run_seq FROM portaldesk_change WHERE run = ? ORDER BY id").bind(run);
    db.all(sql).await.unwrap().iter().map(|row| row.int(0).unwrap()).collect()
}

/// A process that has ended.
fn dead() -> Owner {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    child.wait().unwrap();
    Owner { pid, ..Owner::of_process("alice") }
}

fn department(name: &str) -> Plan {
    let mut plan = Plan::new(format!("Create {name}"));
    let text = |text: &str| Value::Cell(Cell::Text(text.to_owned()));
    let values = vec![
        ("name", text(name)),
        ("description", text("")),
        ("is_active", Value::Cell(Cell::Bool(true))),
        ("created_at", Value::Now),
    ];
    plan.insert("core_department", values);
    plan
}

stories! {
    async fn a_repair_is_one_run_and_comes_back_as_one(db: TestDb) {
        let portal = broken(&db, USERS).await;
        // A fault of another kind, so that two checks have something to repair.
        db.without_foreign_keys("INSERT INTO auth_user_groups (user_id, group_id) VALUES (999999, 1)").await;
        let before = digest(&db).await;
        let (watch, told) = watching(|_| false);
        let ids = ["PRF-001", "REL-001"].map(str::to_owned);
        let fixed = fix_user_profiles(&portal, &ids, false, &watch).await.unwrap();
        assert_eq!(fixed.refused, []);
        let run = fixed.run.clone().unwrap();
        let repaired: Vec<_> = fixed.repaired.iter().map(|it| (it.id, it.count, it.operation.as_deref())).collect();
        assert_eq!(repaired, [("REL-001", 1, Some(run.as_str())), ("PRF-001", 1_100, Some(run.as_str()))]);

        let told = told.lock().unwrap().clone();
        assert!(told.is_sorted_by_key(|progress| progress.done), "{told:?}");
        assert!(told.iter().all(|progress| progress.planned == Some(1_101)), "{told:?}");
        assert_eq!(told.last().map(|progress| progress.done), Some(1_101));
        let listed = runs::show(&portal, &run).await.unwrap();
        assert_eq!((listed.state, listed.run.done, listed.run.planned), (State::Done, 1_101, Some(1_101)));
        assert_eq!(numbers(&db, &run).await, (1..).take(told.len()).collect::<Vec<i64>>());
        assert_eq!(holder(&db).await, None);
        assert_eq!(stopped(&portal).await, []);

        let whole = digest(&db).await;
        let undone = undo(&portal, &run).await;
        assert_eq!(digest(&db).await, before);
        undo(&portal, undone.run.as_deref().unwrap()).await;
        assert_eq!(digest(&db).await, whole);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
    }

    async fn what_finds_nothing_leaves_no_trace(db: TestDb) {
        let portal = program(&db).await;
        let fixed = fix(&portal, &Watch::default()).await.unwrap();
        assert_eq!(fixed.repaired, []);
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_run").await, 0);
        assert_eq!(holder(&db).await, None);
    }

    async fn a_stopped_run_is_gone_on_with(db: TestDb) {
        let portal = broken(&db, USERS).await;
        let before = digest(&db).await;
        let (watch, _) = watching(|progress| progress.done > 0);
        let fixed = fix(&portal, &watch).await.unwrap();
        assert!(fixed.stopped);
        let run = fixed.run.unwrap();
        let done = profiles(&db).await;
        assert!(done > 0 && done < USERS, "{done}");
        assert_eq!(holder(&db).await, None, "whoever stops lets others repair");

        // Another person, in another program, the next day.
        let other = program(&db).await;
        let asked = stopped(&other).await;
        assert_eq!(asked.len(), 1);
        assert!(asked[0].can_go_on());
        assert_eq!(asked[0].words(), format!("Run 'PRF-001: repair users without a profile' stopped at {done} of 1 100"));
        let ahead = runs::ahead(&other, &run).await.unwrap().unwrap();
        assert_eq!(count(&ahead), USERS - done);
        let fixed = resume(&other, &run).await;
        assert_eq!((fixed.refused.len(), count(&fixed)), (0, USERS - done));
        assert_eq!(fixed.run.as_deref(), Some(run.as_str()));
        assert!(!fixed.fails());
        assert_eq!(profiles(&db).await, USERS);
        let listed = runs::show(&other, &run).await.unwrap();
        assert_eq!((listed.state, listed.run.done, listed.run.planned), (State::Done, USERS, Some(USERS)));
        let numbers = numbers(&db, &run).await;
        assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>());
        assert_eq!(stopped(&other).await, []);
        assert_eq!(runs::resume(&other, &run, &Watch::default()).await.unwrap_err().kind, Kind::Conflict);

        undo(&other, &run).await;
        assert_eq!(digest(&db).await, before);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
    }

    async fn a_stopped_run_is_taken_back_or_set_aside(db: TestDb) {
        let portal = broken(&db, USERS).await;
        let before = digest(&db).await;
        let stop = |progress: Progress| progress.done > 0;
        let run = fix(&portal, &watching(stop).0).await.unwrap().run.unwrap();
        undo(&portal, &run).await;
        assert_eq!(digest(&db).await, before);
        assert_eq!(stopped(&portal).await, [], "nothing of it stands");
        let error = runs::resume(&portal, &run, &Watch::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("was taken back"), "{error}");

        let run = fix(&portal, &watching(stop).0).await.unwrap().run.unwrap();
        assert_eq!(stopped(&portal).await.len(), 1);
        assert_eq!(runs::end(&portal, &run).await.unwrap().state, State::Ended);
        assert_eq!(stopped(&portal).await, []);
        assert_eq!(runs::end(&portal, &run).await.unwrap_err().kind, Kind::Conflict);
        undo(&portal, &run).await;
        assert_eq!(digest(&db).await, before);
        assert_eq!(runs::show(&portal, "no such run").await.unwrap_err().kind, Kind::Invalid);
    }

    async fn an_undo_that_was_stopped_is_gone_on_with(db: TestDb) {
        let portal = program(&db).await;
        let before = digest(&db).await;
        let plans = (0..20).map(|number| department(&format!("D{number}"))).collect();
        let writer = portal.writer().unwrap();
        let made = writer.run("Twenty", &mut Ready::new(plans), &Watch::default()).await.unwrap();
        let run = made.run.unwrap();
        let (watch, _) = watching(|progress| progress.done == 7);
        let planned = history::plan_undo(&portal, &run, OldPassword::default()).await.unwrap();
        let undone = history::apply_undo(&portal, &run, planned, &watch).await.unwrap();
        assert!(undone.stopped);
        let undo_run = undone.run.unwrap();
        let asked = stopped(&portal).await;
        assert_eq!(asked.iter().map(|it| (it.run.id.as_str(), it.far())).collect::<Vec<_>>(), [(
            undo_run.as_str(),
            "7 of 20".to_owned()
        )]);
        let Resumed::Other(outcome) = runs::resume(&portal, &undo_run, &Watch::default()).await.unwrap() else {
            panic!("an undo is no repair");
        };
        assert_eq!((outcome.operations.len(), outcome.stopped), (13, false));
        assert_eq!(digest(&db).await, before);
        let listed = runs::show(&portal, &undo_run).await.unwrap();
        assert_eq!((listed.state, listed.far().as_str()), (State::Done, "20 of 20"));
    }

    async fn a_second_program_is_told_who_repairs(db: TestDb) {
        let first = broken(&db, USERS).await;
        let second = program(&db).await;
        let told: Arc<Mutex<Option<Error>>> = Arc::default();
        // From within the first run, between two of its plans: this is where the second one comes.
        let (telling, again) = (Arc::clone(&told), second.clone());
        let handle = tokio::runtime::Handle::current();
        let progress = move |_: Progress| {
            let (again, handle) = (again.clone(), handle.clone());
            let asked = std::thread::spawn(move || handle.block_on(async move { fix(&again, &Watch::default()).await }));
            telling.lock().unwrap().get_or_insert(tokio::task::block_in_place(|| asked.join()).unwrap().unwrap_err());
        };
        let watch = Watch { progress: Some(Arc::new(progress)), ..Watch::default() };
        let fixed = fix(&first, &watch).await.unwrap();
        assert!(!fixed.stopped && fixed.refused.is_empty());
        assert_eq!(profiles(&db).await, USERS);
        let error = told.lock().unwrap().clone().expect("it was refused");
        assert_eq!((error.kind, error.kind.exit_code()), (Kind::Busy, 4));
        let owner = Owner::of_process("tester");
        for words in [
            format!("unix:tester (tester on {}, process {})", owner.host, owner.pid),
            "since ".to_owned(),
            " of 1 100 done".to_owned(),
            "Nothing was written".to_owned(),
        ] {
            assert!(error.message.contains(&words), "{error}");
        }
        // Afterwards it may.
        assert!(fix(&second, &Watch::default()).await.is_ok());
    }

    async fn the_lock_of_repairs_holds_up_nothing_else(db: TestDb) {
        let first = broken(&db, 1).await;
        let opening = Opening {
            title: "A repair".to_owned(),
            purpose: Purpose::Repair,
            planned: None,
            resume_from: None,
        };
        let hold = first.writer().unwrap().open(&opening).await.unwrap();
        let second = program(&db).await;
        let writer = second.writer().unwrap();
        writer.apply(department("Sales")).await.expect("an edit goes on");
        let plan = Plan { purpose: Purpose::Repair, ..department("IT") };
        assert_eq!(writer.apply(plan.clone()).await.unwrap_err().kind, Kind::Busy, "a single repair is told, too");
        assert_eq!(writer.open(&opening).await.err().unwrap().kind, Kind::Busy);
        // A program that errs, or is cancelled, drops the run: that lets the next one in.
        let run = hold.run().to_owned();
        drop(hold);
        let gone = async {
            while runs::show(&second, &run).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("it is noted");
        assert_eq!(holder(&db).await, None);
        writer.apply(plan).await.expect("now it may");
    }

    async fn a_run_whose_program_is_gone_is_taken_over(db: TestDb) {
        let portal = broken(&db, USERS).await;
        let stop = |progress: Progress| progress.done > 0;
        let run = fix(&portal, &watching(stop).0).await.unwrap().run.unwrap();
        let second = program(&db).await;
        let elsewhere = Owner { host: "elsewhere".to_owned(), ..Owner::of_process("alice") }.to_string();

        // It works: on another machine, and gave a sign of life a moment ago.
        as_if_killed(&db, &run, &elsewhere, 5).await;
        assert_eq!(stopped(&second).await, []);
        assert_eq!(runs::show(&second, &run).await.unwrap().state, State::Running);
        for refused in [
            runs::resume(&second, &run, &Watch::default()).await.unwrap_err(),
            runs::end(&second, &run).await.unwrap_err(),
            fix(&second, &Watch::default()).await.unwrap_err(),
        ] {
            assert_eq!(refused.kind, Kind::Busy);
            assert!(refused.message.contains("alice on elsewhere"), "{refused}");
        }
        // It was silent for more than a minute, or its process is not there any more.
        for (owner, silent) in [(elsewhere, 61), (dead().to_string(), 0)] {
            as_if_killed(&db, &run, &owner, silent).await;
            assert_eq!(stopped(&second).await.len(), 1, "{owner}");
            // Another repair begins: the lock is taken over, and the stopped run is still asked about.
            let watch = watching(|_| true).0;
            let other = fix_user_profiles(&second, &only("GRP-003"), false, &watch).await.unwrap();
            assert_eq!(other.repaired, []);
            assert_eq!((holder(&db).await, stopped(&second).await.len()), (None, 1));
        }
        let fixed = resume(&second, &run).await;
        assert!(!fixed.fails());
        assert_eq!(profiles(&db).await, USERS);
        assert_eq!(stopped(&second).await, []);
    }

    async fn who_lost_a_run_stops(db: TestDb) {
        let first = broken(&db, USERS).await;
        let second = program(&db).await;
        let database = db.second().await;
        let handle = tokio::runtime::Handle::current();
        // While the first one works, another program takes its run for dead and takes it.
        let sitting = second.actor.sitting.clone();
        let progress = move |_: Progress| {
            let (database, handle, sitting) = (database.clone(), handle.clone(), sitting.clone());
            let taken = std::thread::spawn(move || {
                handle.block_on(async move {
                    let wanted = WantedRuns { unfinished: true, ..WantedRuns::default() };
                    let run = own::runs(&mut database.clone(), &wanted).await.unwrap().pop().unwrap();
                    let taken = database.transaction(move |tx| {
                        let (run, sitting) = (run.id.clone(), sitting.clone());
                        Box::pin(async move {
                            let now = own::now(tx).await?;
                            Ok(own::take_run(tx, &run, &sitting, "alice@elsewhere:1", now).await?)
                        })
                    });
                    taken.await.unwrap();
                });
            });
            tokio::task::block_in_place(|| taken.join()).unwrap();
        };
        let watch = Watch { progress: Some(Arc::new(progress)), ..Watch::default() };
        let error = fix(&first, &watch).await.unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
        assert!(error.message.contains("another program took it for stopped"), "{error}");
        let done = profiles(&db).await;
        assert!(done > 0 && done < USERS, "{done}");
        let run = error.operation.unwrap();
        let listed = runs::show(&first, &run).await.unwrap();
        assert_eq!((listed.state, listed.run.done), (State::Running, done), "it is the other's");
    }

    async fn a_bad_finding_is_left_while_the_others_are_repaired(db: TestDb) {
        let portal = broken(&db, USERS).await;
        // A rule of the database's own that one user's profile breaks.
        let bad = db.number("SELECT id FROM auth_user WHERE username = 'user0700'").await;
        match db.dialect() {
            portaldesk::db::Dialect::Sqlite => {
                db.run(&format!(
                    "CREATE TRIGGER bad BEFORE INSERT ON core_userprofile WHEN NEW.user_id = {bad} \
                     BEGIN SELECT RAISE(ABORT, 'not this one'); END"
                ))
                .await;
            }
            portaldesk::db::Dialect::MySql | portaldesk::db::Dialect::Postgres => {
                db.run(&format!("ALTER TABLE core_userprofile ADD CONSTRAINT bad CHECK (user_id <> {bad})")).await;
            }
        }
        let (watch, told) = watching(|_| false);
        let fixed = fix(&portal, &watch).await.unwrap();
        assert_eq!(fixed.refused.len(), 1, "{:?}", fixed.refused);
        assert!(fixed.refused[0].0.contains("user0700"), "{:?}", fixed.refused);
        assert_eq!(count(&fixed), USERS - 1);
        assert!(fixed.fails());
        assert_eq!(profiles(&db).await, USERS - 1);
        let last = *told.lock().unwrap().last().unwrap();
        assert_eq!(last, Progress { done: 1_099, refused: 1, planned: Some(1_100) });
        let listed = runs::show(&portal, fixed.run.as_deref().unwrap()).await.unwrap();
        assert_eq!((listed.state, listed.run.done, listed.run.refused), (State::Done, 1_099, 1));
    }
}
