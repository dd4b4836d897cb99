//! What a plan may write beside rows: counters that go up, and statements that alter a table. Applied, journaled, taken
//! back, refused. And plans that are tried before they are applied, and rows that the database refuses.
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
use portaldesk::db::{Db, Dialect, Ident, Sql, counter, named};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::{Error, Kind};
use portaldesk::integrity::{CHECKS, Check, Selection, fix_user_profiles, preview, rehearse, scan};
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

fn check(id: &str) -> &'static dyn Check {
    *CHECKS.iter().find(|check| check.about().id == id).expect("a check")
}

/// The first plan that repairs what this check finds.
async fn repair_plan(portal: &Portal, id: &str) -> Plan {
    let found = scan(portal, &[id.to_owned()], None).await.expect("a scan").findings;
    let plans = preview(portal, &found, &Selection::All, 1_000).await.expect("a plan");
    plans.into_iter().next().expect("something to repair")
}

/// Everything that is in the database, our own tables too.
async fn everything(db: &TestDb) -> Vec<(String, i64)> {
    let schema = portaldesk::db::schema::Schema::read(db).await.unwrap();
    let mut counts = Vec::new();
    for (name, table) in &schema.tables {
        let sql = Sql::new("SELECT COUNT(*) FROM ").ident(&table.name);
        counts.push((name.clone(), db.one(sql).await.unwrap().int(0).unwrap()));
    }
    counts
}

/// Makes the engine refuse a profile for this user.
async fn refuse_profile(db: &TestDb, user: i64) {
    let order = match db.dialect() {
        Dialect::Sqlite => format!(
            "CREATE TRIGGER no_profile BEFORE INSERT ON core_userprofile WHEN NEW.user_id = {user} \
             BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        ),
        Dialect::MySql => format!(
            "CREATE TRIGGER no_profile BEFORE INSERT ON core_userprofile FOR EACH ROW \
             IF NEW.user_id = {user} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF"
        ),
        Dialect::Postgres => format!(
            "CREATE FUNCTION no_profile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.user_id = {user} THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER no_profile BEFORE INSERT ON core_userprofile FOR EACH ROW EXECUTE FUNCTION no_profile()"
        ),
    };
    db.run(&order).await;
}

stories! {
    /// A repair is tried: what it writes, and what its check finds then, are told; nothing of it remains.
    async fn a_repair_is_rehearsed(db: TestDb) {
        let portal = portal(&db).await;
        for name in ["anna", "bela", "cho"] {
            db.add_user(name).await;
        }
        let (rows, all) = (digest(&db).await, everything(&db).await);
        let fixed = fix_user_profiles(&portal, &["PRF-001".to_owned()], true, &Watch::default()).await;
        let [(id, tried)] = &fixed.as_ref().expect("a dry run").rehearsed[..] else { panic!("{fixed:?}") };
        assert_eq!((*id, tried.before, tried.after), ("PRF-001", 3, 0));
        let plan = repair_plan(&portal, "PRF-001").await;
        let told = rehearse(&portal, &plan, &[check("PRF-001")]).await.expect("a rehearsal");
        assert_eq!((told.before, told.after), (3, 0));
        assert_eq!(told.brought, []);
        assert_eq!(
            told.words(),
            "Rehearsed: 3 rows added, nothing else changes, 0 findings of this kind remain."
        );
        assert_eq!((digest(&db).await, everything(&db).await), (rows, all));
        assert_eq!(apply(&portal, plan).await.expect("applied").rows, 3);
    }

    /// What other checks would find because of a plan is told too.
    async fn what_a_plan_brings_about_is_told(db: TestDb) {
        let portal = portal(&db).await;
        two_profiles(&db, ["'1'", "'2'"]).await;
        let schema = portal.schema.tables[TABLE].clone();
        let images = portaldesk::change::rows::by_column(
            &mut db.db.clone(),
            &schema,
            "phone_number",
            &[portaldesk::db::Cell::Text("1".into())],
            portaldesk::change::rows::Lock::No,
        )
        .await
        .unwrap();
        let mut plan = Plan::new("Remove a profile");
        plan.delete(TABLE, portaldesk::change::rows::key_of(&schema, &images[0]), images[0].clone());
        let told = rehearse(&portal, &plan, &[]).await.expect("a rehearsal");
        let brought: Vec<_> = told.brought.iter().map(|brought| (brought.id, brought.more)).collect();
        assert_eq!(brought, [("PRF-001", 1)]);
        // What would be refused is refused when it is tried.
        db.run("UPDATE core_userprofile SET phone_number = '3'").await;
        let error = rehearse(&portal, &plan, &[]).await.unwrap_err();
        assert!(error.kind == Kind::Conflict && error.message.contains("phone_number"), "{error}");
    }

    /// An index is made, seen and taken back; MySQL can't, and says so.
    async fn an_index_is_rehearsed_where_the_engine_can(db: TestDb) {
        let portal = portal(&db).await;
        two_profiles(&db, ["'1'", "'2'"]).await;
        let plan = alter(&db, Alter::AddIndex(phone_index()));
        let told = rehearse(&portal, &plan, &[]).await.expect("a rehearsal");
        if db.dialect() == Dialect::MySql {
            assert_eq!(told.words(), "This can't be rehearsed: on MySQL it commits by itself.");
        } else {
            assert_eq!(told.altered, 1);
        }
        assert!(!has_phone_index(&db).await);
    }

    /// The connection that a transaction lends takes queries as any other does: one while the rows of another one are read,
    /// after one that nobody read to its end, but no transaction.
    async fn a_lent_connection_answers_everything(db: TestDb) {
        for index in 0..700 {
            db.add_user(&format!("user{index}")).await;
        }
        let seen = db.rehearsal(|tx| {
            Box::pin(async move {
                tx.execute(Sql::new("UPDATE auth_user SET first_name = 'Tried'")).await?;
                let seen = tx.lend(|db| Box::pin(async move { ask_in_turn(&db).await })).await?;
                let named = Sql::new("SELECT COUNT(*) FROM auth_user WHERE first_name = 'Tried'");
                Ok((seen, tx.one(named).await?.int(0)?))
            })
        });
        assert_eq!(seen.await.expect("a rehearsal"), (700, 700));
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user WHERE first_name = 'Tried'").await, 0);
    }

    /// A row that the database refuses is found by halving, reported and left; the others are repaired.
    async fn a_row_that_is_refused_holds_up_no_other(db: TestDb) {
        let portal = portal(&db).await;
        let mut users = Vec::new();
        for name in ["anna", "bela", "cho", "dora", "emil"] {
            users.push(db.add_user(name).await);
        }
        refuse_profile(&db, users[2]).await;
        let only = ["PRF-001".to_owned()];
        let fixed = fix_user_profiles(&portal, &only, false, &Watch::default()).await.expect("a repair");
        let [repaired] = fixed.repaired.as_slice() else { panic!("{:?}", fixed.repaired) };
        assert_eq!((repaired.id, repaired.count), ("PRF-001", 4));
        let [(title, error)] = fixed.refused.as_slice() else { panic!("{:?}", fixed.refused) };
        assert!(title.contains("cho"), "{title}");
        assert!(error.kind == Kind::Conflict && error.message.contains("not this one"), "{error}");
        assert!(fixed.fails());
        let [left] = fixed.after.findings.as_slice() else { panic!("one is left") };
        assert_eq!(left.found.subjects.iter().map(|subject| subject.id).collect::<Vec<_>>(), [users[2]]);
        assert_eq!(journal::verify(&db).await.unwrap(), []);
    }

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

/// Reads users one by one and asks for each meanwhile; leaves another such list after its first row; gives how many there
/// were.
async fn ask_in_turn(db: &Db) -> i64 {
    let ids = || Sql::new("SELECT id FROM auth_user WHERE first_name = 'Tried'");
    let (mut rows, mut count) = (db.stream(ids()), 0);
    while let Some(row) = rows.recv().await {
        let id = row.expect("a row").int(0).unwrap();
        let sql = Sql::new("SELECT COUNT(*) FROM auth_user WHERE id = ?").bind(id);
        count += db.one(sql).await.expect("an answer").int(0).unwrap();
    }
    let mut left = db.stream(ids());
    left.recv().await.expect("a row").expect("a row");
    drop(left);
    let begun = db.transaction(|_| Box::pin(async { Ok(()) })).await;
    begun.expect_err("no transaction within another");
    count
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

/// Whether this connection is there.
async fn is_connected(db: &Db, line: i64) -> bool {
    let sql = Sql::new("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = ?").bind(line);
    db.one(sql).await.unwrap().int(0).unwrap() > 0
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
        let line = waiting(&db).await[0];
        assert_eq!((notes(&db).await, kinds(&db).await), (1, Vec::new()));

        // What still goes on is left alone.
        let portal = portal(&db).await;
        let outcome = apply(&portal, raise("django_migrations", None, 100)).await.expect("raised meanwhile");
        assert_eq!((outcome.settled, notes(&db).await), (Vec::<String>::new(), 1));

        dying.shutdown_background();
        drop(reader);
        // With the connection its lock goes, by which others see that it still goes on.
        wait_until("the server has ended it", || async { !is_connected(&db, line).await }).await;
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
