//! What happens when things go wrong under a write: lines cut at any byte, lost replies, others at the same rows, rows
//! that no program should have written. Nothing is ever written by halves, and nobody is told a thing that is not so.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[path = "support/proxy.rs"]
mod proxy;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portaldesk::change::rows::{self, Lock};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Image, Outcome, Plan, Plans, Progress, Ready, Value, Watch, journal};
use portaldesk::db::schema::{Column, ColumnKind, Schema, Table};
use portaldesk::db::{Cancel, Cell, Db, DbErrorKind, Dialect, Failure, ForeignKeys, Sql, Tx, own};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::{Portal, Settings, history, users};
use portaldesk::error::{Error, Kind, Result};
use proxy::{Fault, Proxy};
use support::{TestDb, digest};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, name: &str) -> i64 {
    let plan = accounts::create(portal, &Draft::default().with("username", name)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
}

/// A plan that gives a user a first name, and a second row so that there are halves to be written.
async fn rename(portal: &Portal, id: i64, name: &str) -> Plan {
    let draft = Draft::default().with("first_name", name).with("main_portal_id", name);
    accounts::edit(portal, id, &draft).await.unwrap()
}

/// The first name and the portal id, which every rename writes together.
async fn names(db: &Db, id: i64) -> (String, String) {
    let sql = Sql::new(
        "SELECT u.first_name, p.main_portal_id FROM auth_user u JOIN core_userprofile p ON p.user_id = u.id WHERE u.id = ?",
    );
    let row = db.one(sql.bind(id)).await.unwrap();
    (row.text(0).unwrap(), row.text(1).unwrap())
}

async fn renamed(db: &Db, id: i64, name: &str) -> bool {
    let (first, portal_id) = names(db, id).await;
    assert_eq!(first, portal_id, "half of a plan was written");
    first == name
}

async fn journaled(db: &TestDb) -> i64 {
    db.number("SELECT COUNT(*) FROM portaldesk_change").await
}

fn says_nothing_was_written(error: &Error) {
    let words = ["nothing was written", "Nothing was changed", "nothing was changed"];
    assert!(words.iter().any(|words| error.message.contains(words)), "{error}");
}

async fn undo(portal: &Portal, id: &str) -> Outcome {
    let planned = history::plan_undo(portal, id, OldPassword::WorksAgain).await.unwrap();
    assert_eq!(planned.left, Vec::<String>::new());
    history::apply_undo(portal, id, planned, &Watch::default()).await.unwrap()
}

/// One statement in a transaction of its own.
async fn write(db: &Db, sql: Sql) -> std::result::Result<u64, Failure> {
    db.transaction(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { Ok(tx.execute(sql).await?) })
    })
    .await
}

stories! {
    async fn a_lost_commit_reply_is_resolved_by_operation_id(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            // There is no line to cut; the fence is what decides on every engine.
            return the_fence_decides(&db).await;
        }
        let id = create(&portal(&db).await, "bela").await;
        let proxy = Proxy::new(db.target());
        let portal = portal(&Db::open(proxy.target()).await.unwrap()).await;
        let writer = portal.writer().unwrap();

        let (before, plan) = (journaled(&db).await, rename(&portal, id, "kept").await);
        proxy.arm(Fault::LoseReply);
        let outcome = writer.apply(plan).await.expect("it was committed");
        assert!(proxy.has_struck());
        assert!(renamed(&db, id, "kept").await);
        let newest = &history::list(&portal, &history::Filter::default()).await.unwrap()[0];
        assert_eq!(outcome.operation(), Some(newest.change.operation.as_str()));
        assert_eq!((outcome.rows, journaled(&db).await), (2, before + 1), "exactly once");
        let told: Vec<_> = outcome.written.iter().map(|row| (row.table.as_str(), row.after.clone())).collect();
        let first_name = told.iter().find(|(table, _)| *table == "auth_user").and_then(|(_, row)| row.clone());
        assert_eq!(first_name.unwrap().text("first_name"), Some("kept"), "the rows are told as well");

        let (tables, plan) = (digest(&db).await, rename(&portal, id, "lost").await);
        proxy.arm(Fault::LoseCommit);
        let error = writer.apply(plan.clone()).await.expect_err("it was not");
        assert!(proxy.has_struck());
        assert_eq!(error.kind, Kind::Unreachable);
        says_nothing_was_written(&error);
        assert_eq!((digest(&db).await, journaled(&db).await), (tables, before + 1));
        writer.apply(plan).await.expect("the same plan can be applied afterwards");
        assert!(renamed(&db, id, "lost").await);

        let plan = rename(&portal, id, "unknown").await;
        proxy.arm(Fault::LoseReplyForGood);
        let error = writer.apply(plan).await.expect_err("nobody can tell");
        assert_eq!(error.kind, Kind::Unknown, "{error}");
        let operation = error.operation.clone().expect("the operation is named");
        assert!(error.message.contains(&operation), "{error}");
        assert!(!error.message.contains("nothing was written"), "{error}");
        let fate = own::abandon(&db, &operation, chrono::Utc::now()).await.unwrap();
        assert_eq!(fate, own::Fate::Committed, "the history tells when the server is back");
        assert!(renamed(&db, id, "unknown").await);
    }

    async fn nothing_is_written_until_an_unknown_outcome_is_known(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            // There is no line to cut.
            return;
        }
        let direct = portal(&db).await;
        let (bela, cho) = (create(&direct, "bela").await, create(&direct, "cho").await);
        let proxy = Proxy::new(db.target());
        let portal = portal(&Db::open(proxy.target()).await.unwrap()).await;
        let next = rename(&direct, cho, "next").await;
        let plan = rename(&direct, bela, "unknown").await;
        proxy.arm(Fault::LoseReplyForGood);
        let unknown = portal.writer().unwrap().apply(plan).await.expect_err("nobody can tell");
        assert_eq!(unknown.kind, Kind::Unknown, "{unknown}");

        let error = portal.writer().unwrap().apply(next.clone()).await.expect_err("the server is away");
        assert_eq!((error.kind, &error.operation), (Kind::Unreachable, &unknown.operation), "{error}");
        assert!(error.message.contains("nothing of this change was written"), "{error}");
        assert!(!renamed(&db, cho, "next").await);

        proxy.disarm();
        let outcome = portal.writer().unwrap().apply(next.clone()).await.expect("the server is back");
        assert!(renamed(&db, cho, "next").await);
        let told = outcome.settled.join(" ");
        assert!(told.contains("Edit bela") && told.contains("was written after all"), "{told}");
        let error = portal.writer().unwrap().apply(next).await.expect_err("it is written already");
        assert!(!error.message.contains("the change before"), "it is told once: {error}");
    }

    async fn a_line_cut_at_any_byte_leaves_all_or_nothing(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let id = create(&portal(&db).await, "bela").await;
        let proxy = Proxy::new(db.target());
        let portal = portal(&Db::open(proxy.target()).await.unwrap()).await;
        let (mut kept, mut lost, mut bytes) = (0, 0, 0);
        loop {
            let name = format!("cut-{bytes}");
            let plan = rename(&portal, id, &name).await;
            let before = journaled(&db).await;
            proxy.arm(Fault::After(bytes));
            let result = portal.writer().unwrap().apply(plan).await;
            let struck = proxy.has_struck();
            proxy.disarm();
            match result {
                Ok(outcome) => {
                    assert!(renamed(&db, id, &name).await, "{bytes}: told as done, and is not");
                    assert_eq!((outcome.operations.len(), journaled(&db).await), (1, before + 1), "{bytes}");
                    kept += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind, Kind::Unreachable, "{bytes}: {error}");
                    says_nothing_was_written(&error);
                    assert!(!renamed(&db, id, &name).await, "{bytes}: told as not done, and is");
                    assert_eq!(journaled(&db).await, before, "{bytes}");
                    lost += 1;
                }
            }
            if !struck {
                break;
            }
            // An odd step, so that the cuts fall into every part of a message.
            bytes += 211;
        }
        assert!(kept > 0 && lost > 5, "{kept} kept, {lost} lost in {bytes} bytes");
        assert_eq!(journal::verify(&db).await.unwrap(), []);
    }

    async fn a_panic_inside_a_transaction_leaves_no_trace(db: TestDb) {
        let id = db.add_user("bela").await;
        let before = digest(&db).await;
        for keys in [ForeignKeys::Enforced, ForeignKeys::Off] {
            let failed = db.transaction_with(keys, move |tx| Box::pin(fall_over(tx, id))).await;
            assert!(matches!(failed, Err(Failure::Db(error)) if error.kind == DbErrorKind::Bug));
            assert_eq!(digest(&db).await, before);
            let other = db.second().await;
            assert_eq!(write(&other, first_name(id, "")).await, Ok(1), "no lock is left behind");
        }
        assert!(write(&db, orphan()).await.is_err(), "references are watched again");
    }

    async fn references_are_watched_again_when_a_transaction_could_not_begin(db: TestDb) {
        if db.dialect() != Dialect::Sqlite {
            // Beginning waits for nobody on a server.
            return;
        }
        let (let_go, held) = hold_the_file(&db).await;
        let waiting = tokio::spawn({
            let db = db.db.clone();
            async move { db.transaction_with(ForeignKeys::Off, |_| Box::pin(async { Ok(()) })).await }
        });
        // Longer than SQLite waits: beginning has failed once by then.
        tokio::time::sleep(Duration::from_millis(5_300)).await;
        let_go.notify_one();
        held.await.unwrap().unwrap();
        waiting.await.unwrap().expect("it is tried again");
        for _ in 0..4 {
            assert!(write(&db, orphan()).await.is_err(), "no connection is left without them");
        }
    }

    async fn a_thousand_plans_stop_between_two_and_come_back(db: TestDb) {
        let portal = portal(&db).await;
        let plans: Vec<Plan> = (0..1_000).map(|number| department_plan(&format!("D{number:04}"))).collect();
        let before = digest(&db).await;
        let (cancel, told) = (Cancel::default(), Arc::new(Mutex::new(Vec::new())));
        let (stop, telling) = (cancel.clone(), Arc::clone(&told));
        let progress = move |progress: Progress| {
            telling.lock().unwrap().push(progress);
            if progress.done == 700 {
                stop.cancel();
            }
        };
        let watch = Watch { cancel, progress: Some(Arc::new(progress)) };
        let writer = portal.writer().unwrap();
        let mut ready = Ready::new(plans);
        let outcome = writer.run("A thousand departments", &mut ready, &watch).await.unwrap();
        assert!(outcome.stopped);
        assert_eq!((outcome.operations.len(), outcome.rows), (700, 700), "what was done stands");
        assert_eq!(db.number("SELECT COUNT(*) FROM core_department").await, 700);
        let told = told.lock().unwrap().clone();
        let expected: Vec<Progress> =
            (1..=700).map(|done| Progress { done, refused: 0, planned: Some(1_000) }).collect();
        assert_eq!(told, expected);
        let state = Sql::new("SELECT state, done, planned FROM portaldesk_run WHERE title LIKE 'A thousand%'");
        let state = db.one(state).await.unwrap();
        assert_eq!(
            (state.text(0).unwrap().as_str(), state.int(1).unwrap(), state.int(2).unwrap()),
            ("stopped", 700, 1_000)
        );
        assert_eq!(journal::verify(&db).await.unwrap(), []);

        let undone = undo(&portal, outcome.operation().unwrap()).await;
        assert_eq!(undone.operations.len(), 700);
        assert_eq!(digest(&db).await, before);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
    }

    async fn one_refused_plan_does_not_hold_up_the_others(db: TestDb) {
        let portal = portal(&db).await;
        let plans = ["one", "two", "one", "three"].map(department_plan).to_vec();
        let told = Arc::new(AtomicU64::new(0));
        let telling = Arc::clone(&told);
        let progress = move |progress: Progress| telling.store(progress.refused * 10 + progress.done, Ordering::SeqCst);
        let watch = Watch { progress: Some(Arc::new(progress)), ..Watch::default() };
        let outcome = portal.writer().unwrap().run("Four", &mut Ready::new(plans), &watch).await.unwrap();
        assert_eq!((outcome.operations.len(), outcome.refused.len(), outcome.stopped), (3, 1, false));
        assert_eq!(outcome.refused[0].0, "Create one");
        assert_eq!(outcome.refused[0].1.kind, Kind::Duplicate);
        assert_eq!(told.load(Ordering::SeqCst), 13);
        let run = db.one(Sql::new("SELECT state, done, failed FROM portaldesk_run")).await.unwrap();
        assert_eq!((run.text(0).unwrap().as_str(), run.int(1).unwrap(), run.int(2).unwrap()), ("done", 3, 1));
        assert_eq!(db.number("SELECT COUNT(*) FROM core_department").await, 3);
    }

    async fn plans_that_run_dry_say_what_stands(db: TestDb) {
        let portal = portal(&db).await;
        let writer = portal.writer().unwrap();
        let error = writer.run("Dry", &mut Drying(vec![department_plan("one")]), &Watch::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Interrupted);
        assert!(error.message.contains("1 of the changes") && error.message.contains("no more rows"), "{error}");
        let run = db.one(Sql::new("SELECT id, state FROM portaldesk_run")).await.unwrap();
        assert_eq!((error.operation, run.text(1).unwrap().as_str()), (history_operation(&portal).await, "stopped"));
        // Before anything was written there is nothing to say but why.
        let error = writer.run("Dry", &mut Drying(Vec::new()), &Watch::default()).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Invalid, "no more rows"));
    }

    async fn a_run_that_wrote_one_row_twice_is_undone_whole(db: TestDb) {
        let portal = portal(&db).await;
        let id = create(&portal, "bela").await;
        let before = digest(&db).await;
        let mut twice = Stepwise { portal: portal.clone(), id, names: vec!["first", "second", "third"] };
        let outcome = portal.writer().unwrap().run("Thrice", &mut twice, &Watch::default()).await.unwrap();
        assert_eq!(outcome.operations.len(), 3);
        assert!(renamed(&db, id, "third").await);
        let after = digest(&db).await;
        let undone = undo(&portal, outcome.operation().unwrap()).await;
        assert_eq!(digest(&db).await, before);
        undo(&portal, undone.operation().unwrap()).await;
        assert_eq!(digest(&db).await, after);
    }

    async fn a_run_that_removed_child_and_parent_apart_is_undone_without_orphans(db: TestDb) {
        let portal = portal(&db).await;
        let id = create(&portal, "bela").await;
        let before = digest(&db).await;
        let rows = accounts::Rows::read(&portal, id).await.unwrap();
        let profile = rows.profiles[0].clone();
        let (mut child, mut parent) = (Plan::new("Remove the profile"), Plan::new("Remove bela"));
        child.delete("core_userprofile", Image::of("id", profile.get("id").unwrap().clone()), profile);
        parent.delete("auth_user", Image::id(id), rows.user);
        let mut plans = Ready::new(vec![child, parent]);
        let outcome = portal.writer().unwrap().run("Remove", &mut plans, &Watch::default()).await.unwrap();
        assert_eq!(outcome.refused, []);
        let planned =
            history::plan_undo(&portal, outcome.operation().unwrap(), OldPassword::WorksAgain).await.unwrap();
        assert_eq!(planned.left, Vec::<String>::new(), "the parent comes back first");
        assert!(planned.plans.iter().all(|plan| !plan.without_foreign_keys));
        history::apply_undo(&portal, "", planned, &Watch::default()).await.unwrap();
        assert_eq!(digest(&db).await, before);
    }

    async fn every_tampering_with_the_journal_is_found(db: TestDb) {
        let portal = portal(&db).await;
        let id = create(&portal, "bela").await;
        for name in ["a", "b"] {
            let plan = rename(&portal, id, name).await;
            portal.writer().unwrap().apply(plan).await.unwrap();
        }
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        for table in ["portaldesk_change", "portaldesk_change_row"] {
            let columns = Schema::read(&db).await.unwrap().tables[table].columns.clone();
            for column in columns.iter().filter(|column| column.name.as_str() != "id") {
                tamper_with_column(&db, table, column).await;
            }
            take_out_each_row(&db, table).await;
        }
        // Moved: two rows change places.
        let (changes, rows) = (ids(&db, "portaldesk_change").await, ids(&db, "portaldesk_change_row").await);
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        for (table, column, places) in [
            ("portaldesk_change", "id", (changes[0], changes[1])),
            ("portaldesk_change_row", "seq", (rows[rows.len() - 2], last)),
            ("portaldesk_change_row", "change_id", (first, last)),
        ] {
            swap(&db, table, column, places).await;
            assert_ne!(journal::verify(&db).await.unwrap(), [], "{table}.{column} moved");
            swap(&db, table, column, places).await;
            assert_eq!(journal::verify(&db).await.unwrap(), []);
        }
        // Taken out as if they had been pruned, without a note of it.
        write(&db, Sql::new("UPDATE portaldesk_change_row SET before_image = NULL, after_image = NULL")).await.unwrap();
        assert_eq!(journal::verify(&db).await.unwrap().len(), changes.len());
    }

    async fn a_sittings_chain_has_one_end(db: TestDb) {
        let portal = portal(&db).await;
        let mut writing = tokio::task::JoinSet::new();
        for number in 0..24 {
            let writer = portal.writer().unwrap();
            writing.spawn(async move { writer.apply(department_plan(&format!("D{number}"))).await });
        }
        while let Some(result) = writing.join_next().await {
            result.unwrap().expect("each is written in its turn");
        }
        assert_eq!(db.number("SELECT COUNT(DISTINCT previous_hash) FROM portaldesk_change").await, 24);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
    }

    async fn two_runs_cross_over_the_same_rows(db: TestDb) {
        let one = portal(&db).await;
        let mut ids = Vec::new();
        for number in 0..12 {
            ids.push(create(&one, &format!("u{number:02}")).await);
        }
        let two = portal(&db.second().await).await;
        let mut there = Vec::new();
        let mut back = Vec::new();
        for pair in ids.chunks(2) {
            there.push(rename_pair(&one, pair, "there").await);
            back.insert(0, rename_pair(&two, &[pair[1], pair[0]], "back").await);
        }
        let run = |portal: Portal, plans: Vec<Plan>| async move {
            portal.writer().unwrap().run("Cross", &mut Ready::new(plans), &Watch::default()).await.unwrap()
        };
        let (a, b) = tokio::join!(run(one.clone(), there), run(two.clone(), back));
        assert_eq!(a.operations.len() + b.operations.len(), 6, "each pair was written by one of them");
        for (_, error) in a.refused.iter().chain(&b.refused) {
            assert_eq!(error.kind, Kind::Conflict, "{error}");
            says_nothing_was_written(error);
        }
        for pair in ids.chunks(2) {
            let (left, right) = (names(&db, pair[0]).await.0, names(&db, pair[1]).await.0);
            assert!(left == right && (left == "there" || left == "back"), "{left} {right}");
        }
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        if let Some(run) = &a.run {
            undo(&one, run).await;
        }
        if let Some(run) = &b.run {
            undo(&two, run).await;
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user WHERE first_name <> ''").await, 0);
    }

    async fn a_writer_waits_for_one_who_holds_the_rows(db: TestDb) {
        let portal = portal(&db).await;
        let id = create(&portal, "bela").await;
        let other = db.second().await;
        let plan = rename(&portal, id, "after").await;
        let (inside, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entered, released) = (Arc::clone(&inside), Arc::clone(&let_go));
        let holding = tokio::spawn(async move {
            other.transaction(move |tx| {
                let (entered, released) = (Arc::clone(&entered), Arc::clone(&released));
                Box::pin(async move {
                    // Without changing anything: the row stays as the plan knows it.
                    tx.execute(first_name(id, "")).await?;
                    entered.notify_one();
                    released.notified().await;
                    Ok(())
                })
            }).await
        });
        inside.notified().await;
        let waiting = tokio::spawn(async move { portal.writer().unwrap().apply(plan).await });
        let held = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished(), "it waits");
        let_go.notify_one();
        holding.await.unwrap().unwrap();
        waiting.await.unwrap().expect("it goes on when the row is free");
        assert!(held.elapsed() < Duration::from_secs(8));
        assert!(renamed(&db, id, "after").await);
    }
}

async fn fall_over(tx: &mut Tx, id: i64) -> std::result::Result<(), Failure> {
    tx.execute(first_name(id, "half")).await?;
    panic!("in the middle of a transaction")
}

async fn history_operation(portal: &Portal) -> Option<String> {
    Some(history::list(portal, &history::Filter::default()).await.unwrap()[0].change.operation.clone())
}

fn first_name(id: i64, name: &str) -> Sql {
    Sql::new("UPDATE auth_user SET first_name = ?").bind(name).push_bind(" WHERE id = ?", id)
}

/// A membership of nobody in nothing.
fn orphan() -> Sql {
    Sql::new("INSERT INTO auth_user_groups (user_id, group_id) VALUES (987654, 987654)")
}

fn department_plan(name: &str) -> Plan {
    let mut plan = Plan::new(format!("Create {name}"));
    let values = vec![
        ("name", Value::Cell(Cell::Text(name.to_owned()))),
        ("description", Value::Cell(Cell::Text(String::new()))),
        ("is_active", Value::Cell(Cell::Bool(true))),
        ("created_at", Value::Now),
    ];
    plan.insert("core_department", values);
    plan
}

/// One plan that writes two users, in this order.
async fn rename_pair(portal: &Portal, ids: &[i64], name: &str) -> Plan {
    let mut plan = Plan::new(format!("Rename to {name}"));
    for id in ids {
        let draft = Draft::default().with("first_name", name);
        plan.steps.extend(accounts::edit(portal, *id, &draft).await.unwrap().steps);
    }
    plan
}

/// Plans that end in an error.
struct Drying(Vec<Plan>);

impl Plans for Drying {
    fn planned(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> futures_util::future::BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move { self.0.pop().map(Some).ok_or_else(|| Error::invalid("no more rows")) })
    }
}

/// Renames of one user, each made from the row as the one before left it.
struct Stepwise {
    portal: Portal,
    id: i64,
    names: Vec<&'static str>,
}

impl Plans for Stepwise {
    fn planned(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> futures_util::future::BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move {
            if self.names.is_empty() {
                return Ok(None);
            }
            let name = self.names.remove(0);
            Ok(Some(rename(&self.portal, self.id, name).await))
        })
    }
}

/// An operation under way is waited for; one that is claimed can't be abandoned, and one abandoned never claimed.
async fn the_fence_decides(db: &TestDb) {
    for commits in [true, false] {
        let operation = if commits { "kept" } else { "lost" };
        let (inside, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entered, released, first) = (Arc::clone(&inside), Arc::clone(&go_on), db.db.clone());
        let working = tokio::spawn(async move {
            first
                .transaction(move |tx| {
                    let (entered, released) = (Arc::clone(&entered), Arc::clone(&released));
                    Box::pin(async move { claim_slowly(tx, operation, &entered, &released, commits).await })
                })
                .await
        });
        inside.notified().await;
        let second = db.second().await;
        let asking = tokio::spawn(async move { own::abandon(&second, operation, chrono::Utc::now()).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!asking.is_finished(), "it waits for the transaction under way");
        go_on.notify_one();
        let ended = working.await.unwrap();
        let fate = asking.await.unwrap().unwrap();
        if commits {
            assert_eq!((ended, fate), (Ok(()), own::Fate::Committed));
        } else {
            assert!(ended.is_err());
            assert_eq!(fate, own::Fate::Abandoned);
            let late = db
                .transaction(|tx| {
                    Box::pin(async move { Ok(own::claim(tx, "lost", chrono::Utc::now()).await?) })
                })
                .await;
            assert!(matches!(late, Err(Failure::Db(error)) if error.kind == DbErrorKind::Unique));
        }
        let again = own::abandon(db, operation, chrono::Utc::now()).await.unwrap();
        assert_eq!(again, fate, "the answer stays the same");
    }
}

async fn claim_slowly(
    tx: &mut Tx,
    operation: &str,
    entered: &Notify,
    released: &Notify,
    commits: bool,
) -> std::result::Result<(), Failure> {
    own::claim(tx, operation, chrono::Utc::now()).await?;
    entered.notify_one();
    released.notified().await;
    if commits { Ok(()) } else { Err(Error::conflict("not this time").into()) }
}

/// Takes the write lock of an SQLite file and holds it until told to let go.
async fn hold_the_file(db: &TestDb) -> (Arc<Notify>, JoinHandle<std::result::Result<(), Failure>>) {
    let other = db.second().await;
    let (inside, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (entered, released) = (Arc::clone(&inside), Arc::clone(&let_go));
    let held = tokio::spawn(async move {
        other
            .transaction(move |_| {
                let (entered, released) = (Arc::clone(&entered), Arc::clone(&released));
                Box::pin(async move {
                    entered.notify_one();
                    released.notified().await;
                    Ok(())
                })
            })
            .await
    });
    inside.notified().await;
    (let_go, held)
}

/// All ids of a table of ours, in order.
async fn ids(db: &Db, table: &'static str) -> Vec<i64> {
    let sql = match table {
        "portaldesk_change" => "SELECT id FROM portaldesk_change ORDER BY id",
        _ => "SELECT id FROM portaldesk_change_row ORDER BY id",
    };
    db.all(Sql::new(sql)).await.unwrap().iter().map(|row| row.int(0).unwrap()).collect()
}

/// One row of a table of ours as it is.
async fn image(db: &Db, table: &Table, id: i64) -> Image {
    rows::by_keys(&mut db.clone(), table, &[Image::id(id)], Lock::No).await.unwrap().remove(0)
}

async fn set(db: &Db, table: &Table, id: i64, values: Vec<(String, Cell)>) {
    let table = table.clone();
    db.transaction(move |tx| {
        let (table, values) = (table.clone(), values.clone());
        Box::pin(async move { Ok(rows::update(tx, &table, &[Image::id(id)], &values).await?) })
    })
    .await
    .unwrap();
}

/// Another value that fits the column.
fn altered(dialect: Dialect, column: &Column, cell: &Cell) -> Cell {
    match (column.kind, cell) {
        (ColumnKind::Int, cell) => Cell::Int(cell.as_int().map_or(7, |number| number + 1)),
        (ColumnKind::Time, _) => Cell::Text(dialect.time_text(chrono::DateTime::UNIX_EPOCH)),
        (_, Cell::Text(text)) => {
            let first = if text.starts_with('x') { "y" } else { "x" };
            Cell::Text(format!("{first}{}", text.chars().skip(1).collect::<String>()))
        }
        _ => Cell::Text("x".to_owned()),
    }
}

/// Alters one column of the newest row, and puts it back.
async fn tamper_with_column(db: &Db, table: &'static str, column: &Column) {
    let schema = Schema::read(db).await.unwrap();
    let (known, id) = (&schema.tables[table], *ids(db, table).await.last().unwrap());
    let name = column.name.as_str().to_owned();
    let old = image(db, known, id).await.get(&name).unwrap().clone();
    set(db, known, id, vec![(name.clone(), altered(db.dialect(), column, &old))]).await;
    assert_ne!(journal::verify(db).await.unwrap(), [], "{table}.{name} was altered");
    set(db, known, id, vec![(name, old)]).await;
    assert_eq!(journal::verify(db).await.unwrap(), []);
}

/// Takes each row out in turn, and puts it back.
async fn take_out_each_row(db: &Db, table: &'static str) {
    let schema = Schema::read(db).await.unwrap();
    let known = &schema.tables[table];
    for id in ids(db, table).await {
        let row = image(db, known, id).await;
        let (known, gone) = (known.clone(), known.clone());
        db.transaction(move |tx| {
            let gone = gone.clone();
            Box::pin(async move { Ok(rows::delete(tx, &gone, &[Image::id(id)]).await?) })
        })
        .await
        .unwrap();
        assert_ne!(journal::verify(db).await.unwrap(), [], "{table} {id} was taken out");
        db.transaction(move |tx| {
            let (known, row) = (known.clone(), row.clone());
            Box::pin(async move { Ok(rows::insert(tx, &known, vec![row.0]).await.map(drop)?) })
        })
        .await
        .unwrap();
        assert_eq!(journal::verify(db).await.unwrap(), []);
    }
}

/// Two rows change places in one column.
async fn swap(db: &Db, table: &'static str, column: &str, (a, b): (i64, i64)) {
    let schema = Schema::read(db).await.unwrap();
    let known = &schema.tables[table];
    let one = |cell: &Cell| vec![(column.to_owned(), cell.clone())];
    let (first, second) = (image(db, known, a).await, image(db, known, b).await);
    let (first, second) = (first.get(column).unwrap(), second.get(column).unwrap());
    if column == "id" {
        set(db, known, a, one(&Cell::Int(-1))).await;
        set(db, known, b, one(first)).await;
        set(db, known, -1, one(second)).await;
    } else {
        set(db, known, a, one(second)).await;
        set(db, known, b, one(first)).await;
    }
}
