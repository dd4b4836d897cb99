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
use portaldesk::db::{Ident, Sql, counter, named};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::{Error, Kind};
use support::{TestDb, digest};

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
