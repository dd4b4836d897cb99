//! What a plan may write beside rows: counters that go up, and statements that alter a table. Applied, journaled, taken
//! back, refused.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Alter, Ddl, Index, Outcome, Plan, Purpose, Step, Watch, journal};
use portaldesk::db::{Db, Ident, Sql, counter, named};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::{Error, Kind};
use std::sync::Arc;

use support::{Server, TestDb, digest, wait_until};
use tokio::sync::Notify;

const TABLE: &str = "core_userprofile";

async fn portal(db: &TestDb) -> Portal {
    let actor = Actor::unix("tester", None);
    Portal::over(db.db.clone(), Settings::default(), actor).await.expect("a portal")
}

async fn next_id(db: &TestDb, table: &str) -> Option<i64> {
    let (table, column) = (Ident::new(table).unwrap(), Ident::new("id").unwrap());
    counter::read(&mut db.db.clone(), &table, &column).await.expect("a counter").expect("there is one").next
}

fn raise(table: &str, from: Option<i64>, to: i64) -> Plan {
    let mut plan = Plan::new(format!("Raise the counter of {table}"));
    plan.purpose = Purpose::Repair;
    plan.count_up(table, "id", from, to);
    plan
}

fn alter(db: &TestDb, alter: Alter) -> Plan {
    let mut plan = Plan::new("Alter the profiles");
    plan.purpose = Purpose::Repair;
    plan.push(Step::Ddl(Ddl::new(db.dialect(), TABLE, alter).expect("a statement")));
    plan
}

fn phone_index() -> Index {
    Index::unique("profile_phone", &["phone_number"])
}

async fn has_phone_index(db: &TestDb) -> bool {
    named::has_index(&mut db.db.clone(), &Ident::new(TABLE).unwrap(), "profile_phone").await.unwrap()
}

async fn apply(portal: &Portal, plan: Plan) -> Result<Outcome, Error> {
    portal.writer().expect("writing is on").apply(plan).await
}

async fn undo(portal: &Portal, operation: &str) -> Outcome {
    let planned = history::plan_undo(portal, operation, OldPassword::default()).await.expect("an undo");
    assert_eq!(planned.left, Vec::<String>::new());
    history::apply_undo(portal, operation, planned, &Watch::default()).await.expect("undone")
}

async fn kinds(db: &TestDb) -> Vec<String> {
    let sql = Sql::new("SELECT kind FROM portaldesk_change_row ORDER BY id");
    db.all(sql).await.unwrap().iter().map(|row| row.text(0).unwrap()).collect()
}

/// Two users with profiles that have these phone numbers; SQL.
async fn two_profiles(db: &TestDb, phones: [&str; 2]) {
    for (name, phone) in ["anna", "bela"].into_iter().zip(phones) {
        let user = db.add_user(name).await;
        let yes = db.yes();
        db.run(&format!(
            "INSERT INTO core_userprofile (phone_number, main_portal_id, created_at, updated_at, user_id, \
             department_id, email_notifications) VALUES ({phone}, NULL, '2026-01-02 03:04:05', \
             '2026-01-02 03:04:05', {user}, NULL, {yes})"
        ))
        .await;
    }
}

stories! {
    /// A counter goes up and the next row gets that id; the journal holds both sides; undo has nothing to take back.
    async fn a_counter_goes_up_and_stays_there(db: TestDb) {
        let portal = portal(&db).await;
        db.add_user("anna").await;
        let before = next_id(&db, "auth_user").await;
        let outcome = apply(&portal, raise("auth_user", before, 4711)).await.expect("raised");
        assert_eq!((outcome.rows, next_id(&db, "auth_user").await), (1, Some(4711)));
        assert_eq!(db.add_user("bela").await, 4711);
        assert_eq!(kinds(&db).await, ["counter"]);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        let [written] = outcome.written.as_slice() else { panic!("one was written") };
        assert_eq!(written.after.as_ref().and_then(|after| after.int("next")), Some(4711));

        let operation = outcome.operation().unwrap();
        assert_eq!(undo(&portal, operation).await, Outcome::default());
        assert_eq!(next_id(&db, "auth_user").await, Some(4712));
        let pruned = journal::prune(&portal.writer().unwrap(), chrono::Utc::now() + chrono::Days::new(1)).await;
        assert_eq!(pruned.unwrap().1, 1);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        assert_eq!(undo(&portal, operation).await, Outcome::default());
    }

    /// What would lower a counter, or leave it, is refused, and nothing is left of it.
    async fn a_counter_is_never_lowered(db: TestDb) {
        let portal = portal(&db).await;
        apply(&portal, raise("auth_user", None, 50)).await.expect("raised");
        for to in [50, 7] {
            let error = apply(&portal, raise("auth_user", Some(3), to)).await.unwrap_err();
            assert_eq!(error.kind, Kind::Conflict, "{error}");
            assert!(error.message.contains("is 50 already"), "{error}");
        }
        let error = apply(&portal, raise("auth_user", None, 60)).await;
        assert_eq!(error.map(|outcome| outcome.rows), Ok(1));
        assert_eq!(next_id(&db, "auth_user").await, Some(60));
        let error = apply(&portal, raise("django_session", None, 60)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        assert_eq!(kinds(&db).await, ["counter", "counter"]);
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_run WHERE state <> 'done'").await, 0);
    }

    /// A unique index is made, taken back, and made again by the undo of that.
    async fn an_index_comes_and_goes(db: TestDb) {
        let portal = portal(&db).await;
        two_profiles(&db, ["'1'", "'2'"]).await;
        let rows = digest(&db).await;
        let outcome = apply(&portal, alter(&db, Alter::AddIndex(phone_index()))).await.expect("altered");
        assert!(has_phone_index(&db).await);
        let error = apply(&portal, alter(&db, Alter::AddIndex(phone_index()))).await.unwrap_err();
        assert!(error.kind == Kind::Conflict && error.message.contains("already"), "{error}");

        let back = undo(&portal, outcome.operation().unwrap()).await;
        assert!(!has_phone_index(&db).await);
        undo(&portal, back.operation().unwrap()).await;
        assert!(has_phone_index(&db).await);
        assert_eq!(kinds(&db).await, ["ddl", "ddl", "ddl"]);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        assert_eq!(digest(&db).await, rows);
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_run WHERE state <> 'done'").await, 0);
    }

    /// Rows that stand in the way refuse the index, and nothing is left of it.
    async fn an_index_that_rows_forbid_leaves_nothing(db: TestDb) {
        let portal = portal(&db).await;
        two_profiles(&db, ["'1'", "'1'"]).await;
        let error = apply(&portal, alter(&db, Alter::AddIndex(phone_index()))).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("no two rows with the same phone_number"), "{error}");
        assert!(!has_phone_index(&db).await);
        assert_eq!(kinds(&db).await, Vec::<String>::new());
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_run").await, 0);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        let column = Index::unique("profile_fax", &["fax"]);
        let error = apply(&portal, alter(&db, Alter::AddIndex(column))).await.unwrap_err();
        assert!(error.message.contains("core_userprofile.fax is not there"), "{error}");
    }
}

/// Somebody who reads the profiles in a transaction and has not ended it: nobody can alter the table meanwhile.
struct Reader(Arc<Notify>);

impl Reader {
    async fn begin(db: &TestDb) -> Self {
        let (began, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (reader, told, until) = (db.second().await, Arc::clone(&began), Arc::clone(&end));
        tokio::spawn(async move {
            let read = reader.transaction(move |tx| {
                let (told, until) = (Arc::clone(&told), Arc::clone(&until));
                Box::pin(async move {
                    tx.all(Sql::new("SELECT id FROM core_userprofile")).await?;
                    told.notify_one();
                    until.notified().await;
                    Ok(())
                })
            });
            read.await.expect("it was read");
        });
        began.notified().await;
        Self(end)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The connections of this database that wait to alter a table.
async fn waiting(db: &Db) -> Vec<i64> {
    let sql = Sql::new(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
         AND STATE LIKE 'Waiting for table metadata lock%'",
    );
    db.all(sql).await.unwrap().iter().map(|row| row.int(0).unwrap()).collect()
}

async fn notes(db: &Db) -> i64 {
    let sql = Sql::new("SELECT COUNT(*) FROM portaldesk_run WHERE state = 'prepared'");
    db.one(sql).await.unwrap().int(0).unwrap()
}

/// MySQL commits what alters a table by itself. A program that goes in the middle leaves a note, and the next one that
/// writes finds out what became of it: the index is there and journaled, or neither.
#[test]
fn what_a_program_left_halfway_is_found_out() {
    support::tell(Server::MariaDb, "what_a_program_left_halfway_is_found_out", |db| async move {
        two_profiles(&db, ["'1'", "'2'"]).await;
        let reader = Reader::begin(&db).await;
        let (target, plan) = (db.target().clone(), alter(&db, Alter::AddIndex(phone_index())));
        let dying = tokio::runtime::Runtime::new().unwrap();
        dying.spawn(async move {
            let actor = Actor::unix("dying", None);
            let portal = Portal::open(&target, Settings::default(), actor).await.expect("a portal");
            apply(&portal, plan).await
        });
        wait_until("the statement waits", || async { !waiting(&db).await.is_empty() }).await;
        assert_eq!((notes(&db).await, kinds(&db).await), (1, Vec::new()));

        // What still goes on is left alone.
        let portal = portal(&db).await;
        let outcome = apply(&portal, raise("django_migrations", None, 100)).await.expect("raised meanwhile");
        assert_eq!((outcome.settled, notes(&db).await), (Vec::<String>::new(), 1));

        dying.shutdown_background();
        drop(reader);
        wait_until("the server has ended it", || async { waiting(&db).await.is_empty() }).await;
        let outcome = apply(&portal, raise("django_migrations", None, 200)).await.expect("raised afterwards");
        let [told] = outcome.settled.as_slice() else { panic!("{:?}", outcome.settled) };
        let done = has_phone_index(&db).await;
        assert_eq!(told.ends_with("was done after all."), done, "{told}");
        assert_eq!(kinds(&db).await.contains(&"ddl".to_owned()), done);
        assert_eq!(notes(&db).await, 0);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        if done {
            let sql = Sql::new("SELECT operation FROM portaldesk_change WHERE unix_user = 'dying'");
            let operation = db.one(sql).await.unwrap().text(0).unwrap();
            undo(&portal, &operation).await;
            assert!(!has_phone_index(&db).await);
        }
    });
}

/// MySQL: the connection breaks while the table is being altered, and the program itself finds out that nothing happened.
#[test]
fn a_line_that_breaks_halfway_is_asked_about() {
    support::tell(Server::MariaDb, "a_line_that_breaks_halfway_is_asked_about", |db| async move {
        two_profiles(&db, ["'1'", "'2'"]).await;
        let reader = Reader::begin(&db).await;
        let portal = portal(&db).await;
        let plan = alter(&db, Alter::AddIndex(phone_index()));
        let applying = tokio::spawn(async move { apply(&portal, plan).await });
        wait_until("the statement waits", || async { !waiting(&db).await.is_empty() }).await;
        db.run(&format!("KILL {}", waiting(&db).await[0])).await;
        let error = applying.await.unwrap().unwrap_err();
        assert_eq!(error.kind, Kind::Unreachable, "{error}");
        assert!(error.message.contains("It did not happen"), "{error}");
        drop(reader);
        assert!(!has_phone_index(&db).await);
        assert_eq!((notes(&db).await, kinds(&db).await), (0, Vec::new()));
    });
}
