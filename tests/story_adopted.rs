//! A portal's own database, as Django left it or as someone changed it: nothing of it is altered, and what it lacks is
//! said by name.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::BTreeMap;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Image, Outcome, Plan, Watch};
use portaldesk::db::schema::Schema;
use portaldesk::db::{Db, Dialect, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{
    Portal, ReadOnly, Settings, departments, groups, history, record, setup, sign_in, stats, users,
};
use portaldesk::error::{Error, Kind, Result};
use portaldesk::portal::password::Recipe;
use support::{Made, TestDb, digest};

/// Both ages of Django's tables.
const AGES: [Made; 2] = [Made::Django0003, Made::Django0004];

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// The same database as a program opens it that starts now.
async fn opened(db: &TestDb) -> Portal {
    portal(&db.second().await).await
}

/// The portal's tables as the catalogue tells them, and digests of their rows; the admin log by its number of rows.
#[derive(Debug, PartialEq)]
struct State {
    schema: String,
    rows: BTreeMap<String, Vec<String>>,
    log: i64,
}

async fn state(db: &TestDb) -> State {
    let mut schema = Schema::read(db).await.unwrap();
    schema.tables.retain(|name, _| !name.starts_with("portaldesk_"));
    let log = db.number("SELECT COUNT(*) FROM django_admin_log").await;
    State { schema: format!("{schema:?}"), rows: digest(db).await, log }
}

async fn apply(portal: &Portal, plan: Result<Plan>) -> Result<Outcome> {
    portal.writer()?.apply(plan?).await
}

async fn create(portal: &Portal, draft: Draft) -> Result<i64> {
    let name = draft.fields["username"].clone();
    apply(portal, accounts::create(portal, &draft).await).await?;
    users::find(portal, &name).await
}

async fn edit(portal: &Portal, id: i64, draft: Draft) -> Result<Outcome> {
    apply(portal, accounts::edit(portal, id, &draft).await).await
}

async fn undo(portal: &Portal, outcome: &Outcome) -> Outcome {
    let operation = outcome.operation().expect("something was written");
    let planned = history::plan_undo(portal, operation, OldPassword::WorksAgain).await.unwrap();
    assert_eq!(planned.left, Vec::<String>::new());
    history::apply_undo(portal, operation, planned, &Watch::default()).await.unwrap()
}

fn named(name: &str) -> Draft {
    Draft::default().with("username", name)
}

/// A refusal that names this and promises that nothing was written, and keeps the promise.
fn refuses<T: std::fmt::Debug>(result: Result<T>, name: &str) -> Error {
    let error = result.expect_err(name);
    assert!(
        error.message.contains(name) && error.message.to_lowercase().contains("nothing was written"),
        "{error}"
    );
    error
}

/// Every list can be read in every order, every number told.
async fn everything_is_readable(portal: &Portal, expected: usize) {
    for sort in users::Column::ALL {
        let query = users::Query { sort, ..users::Query::default() };
        let page = users::page(portal, &query, &users::From::Start, 50).await.unwrap();
        assert_eq!(page.rows.len(), expected, "{sort:?}");
        for row in &page.rows {
            record::read(portal, row.id).await.unwrap();
        }
    }
    let words = users::Query::default().filtered("nobody 07");
    assert_eq!(users::count(portal, &words).await.unwrap(), 0);
    assert_eq!(stats::counts(portal).await.unwrap().users, i64::try_from(expected).unwrap());
    groups::choices(portal).await.unwrap();
    departments::choices(portal).await.unwrap();
}

/// What accounts go through, there and back: the rows are as they were.
async fn account_stories(db: &TestDb, portal: &Portal) {
    apply(portal, groups::setup(portal).await).await.unwrap();
    let group = groups::choices(portal).await.unwrap()[0].id;
    db.run(&format!(
        "INSERT INTO core_department (name, description, is_active, created_at) VALUES ('IT', '', {}, '2024-01-01 00:00:00')",
        db.yes()
    ))
    .await;
    let it = departments::find(portal, "IT").await.unwrap();
    let before = digest(db).await;
    let draft = Draft { department: Some(Some(it)), groups: Groups::Set(vec![group]), ..named("bela") };
    let draft = draft.with("phone_number", "0300").with("main_portal_id", "B31");
    let created = apply(portal, accounts::create(portal, &draft).await).await.unwrap();
    assert_eq!(created.rows, 3);
    let id = users::find(portal, "bela").await.unwrap();
    for draft in [
        named("bella"),
        Draft::default().with("phone_number", "").with("email", "b@example.org"),
        Draft::default().with("main_portal_id", ""),
        Draft::default().with("is_active", "false"),
        Draft { department: Some(None), groups: Groups::Set(Vec::new()), ..Draft::default() },
        Draft { encoded_password: Some(Recipe::pbkdf2_sha256(1).hash("x").unwrap()), ..Draft::default() },
    ] {
        let here = digest(db).await;
        let done = edit(portal, id, draft.clone()).await.unwrap();
        let there = digest(db).await;
        assert_ne!(here, there, "{draft:?}");
        let undone = undo(portal, &done).await;
        assert_eq!(digest(db).await, here, "{draft:?}");
        undo(portal, &undone).await;
        assert_eq!(digest(db).await, there, "{draft:?}");
        edit_back(portal, &undone).await;
        assert_eq!(digest(db).await, here, "{draft:?}");
    }
    everything_is_readable(portal, 1).await;
    undo(portal, &created).await;
    assert_eq!(digest(db).await, before);
    db.run("DELETE FROM core_department").await;
    db.run("DELETE FROM auth_group").await;
}

/// Takes back what took back `undone`.
async fn edit_back(portal: &Portal, undone: &Outcome) {
    let all = history::list(portal, &history::Filter::default()).await.unwrap();
    let redo = all.iter().find(|listed| listed.change.undo_of.as_deref() == undone.operation()).unwrap();
    let planned = history::plan_undo(portal, &redo.change.operation, OldPassword::WorksAgain).await.unwrap();
    history::apply_undo(portal, &redo.change.operation, planned, &Watch::default()).await.unwrap();
}

stories! {
    async fn opening_alters_nothing_and_reads_everything(db: TestDb) {
        for made in AGES {
            let adopted = db.sibling(made).await;
            let id = adopted.add_user("bela").await;
            let encoded = Recipe::pbkdf2_sha256(1).hash("Alpha-Lab-2025!").unwrap();
            let yes = adopted.yes();
            adopted.run(&format!("UPDATE auth_user SET password = '{encoded}', is_superuser = {yes} WHERE id = {id}")).await;
            let before = state(&adopted).await;
            let portal = opened(&adopted).await;
            assert_eq!(portal.read_only, Some(ReadOnly::NoJournal));
            assert!(!portal.owned);
            everything_is_readable(&portal, 1).await;
            let account = sign_in::sign_in(&portal, "bela", "Alpha-Lab-2025!").await.unwrap();
            assert_eq!(account.id, id);
            assert_eq!(sign_in::sign_in(&portal, "bela", "wrong").await.unwrap_err().kind, Kind::Denied);
            // Changes can be planned and looked at, and are refused with the reason.
            let plan = accounts::edit(&portal, id, &named("bella")).await.unwrap();
            assert_eq!(plan.to_json().len(), 1);
            let error = refuses(apply(&portal, Ok(plan)).await, "portaldesk init");
            assert_eq!(error.kind, Kind::Denied);
            assert_eq!(history::list(&portal, &history::Filter::default()).await.unwrap_err().kind, Kind::Conflict);
            assert_eq!(setup::needed(&adopted).await.unwrap(), setup::Needed::OwnTables);
            assert_eq!(state(&adopted).await, before, "{made:?}");
        }
    }

    async fn our_tables_come_and_go_and_the_portals_stay(db: TestDb) {
        for made in AGES {
            let adopted = db.sibling(made).await;
            let before = state(&adopted).await;
            setup::create_own_tables(&adopted).await.unwrap();
            assert_eq!(state(&adopted).await, before, "{made:?}");
            setup::create_own_tables(&adopted).await.expect("a second time does nothing");
            let portal = opened(&adopted).await;
            assert_eq!((&portal.read_only, portal.owned), (&None, false));
            account_stories(&adopted, &portal).await;
            assert!(!setup::export_journal(&adopted).await.unwrap().is_empty());
            setup::remove_own_tables(&adopted).await.unwrap();
            assert_eq!(state(&adopted).await, before, "{made:?}");
            assert!(Schema::read(&adopted).await.unwrap().tables.keys().all(|name| !name.starts_with("portaldesk_")));
            assert!(setup::remove_own_tables(&adopted).await.is_err(), "there is nothing left to remove");
        }
    }

    async fn some_of_our_tables_can_be_removed_and_made_anew(db: TestDb) {
        let adopted = db.sibling(Made::Django0004).await;
        let before = state(&adopted).await;
        for lost in ["portaldesk_setting", "portaldesk_migration"] {
            setup::create_own_tables(&adopted).await.unwrap();
            adopted.run(&format!("DROP TABLE {lost}")).await;
            assert_eq!(opened(&adopted).await.read_only, Some(ReadOnly::NoJournal), "{lost}");
            let error = setup::create_own_tables(&adopted).await.unwrap_err();
            assert!(error.message.contains("init --remove"), "{lost}: {error}");
            setup::remove_own_tables(&adopted).await.expect(lost);
            assert_eq!(state(&adopted).await, before, "{lost}");
        }
    }

    async fn a_portal_without_profiles_and_departments_is_run_as_far_as_it_goes(db: TestDb) {
        let adopted = db.sibling(Made::Django0004).await;
        adopted.run("DROP TABLE core_userprofile").await;
        adopted.run("DROP TABLE core_department").await;
        setup::create_own_tables(&adopted).await.unwrap();
        let id = adopted.add_user("bela").await;
        let portal = opened(&adopted).await;
        everything_is_readable(&portal, 1).await;
        assert!(record::read(&portal, id).await.unwrap().profiles.is_empty());
        let before = digest(&adopted).await;
        refuses(create(&portal, named("ada")).await, "core_userprofile");
        for draft in [Draft::default().with("phone_number", "0300"), Draft::default().with("main_portal_id", "B31")] {
            let error = refuses(edit(&portal, id, draft.with("first_name", "Béla")).await, "core_userprofile");
            assert_eq!(error.fields.len(), 1, "{error:?}");
        }
        refuses(edit(&portal, id, Draft { department: Some(Some(1)), ..Draft::default() }).await, "core_userprofile");
        refuses(departments::find(&portal, "IT").await, "core_department");
        assert_eq!(digest(&adopted).await, before);
        // A form sends its blank fields along.
        let blank = named("bella").with("phone_number", "").with("main_portal_id", "").with("email_notifications", "true");
        let done = edit(&portal, id, Draft { department: Some(None), ..blank }).await.unwrap();
        assert_eq!(done.rows, 1);
        undo(&portal, &done).await;
        assert_eq!(digest(&adopted).await, before);
    }

    async fn a_portal_without_departments_keeps_its_profiles(db: TestDb) {
        let adopted = db.sibling(Made::Django0004).await;
        adopted.without_foreign_keys("DROP TABLE core_department").await;
        setup::create_own_tables(&adopted).await.unwrap();
        let portal = opened(&adopted).await;
        if adopted.dialect() == Dialect::Sqlite {
            // SQLite writes nothing into a table that refers to one that is not there.
            let id = adopted.add_user("bela").await;
            everything_is_readable(&portal, 1).await;
            refuses(edit(&portal, id, Draft::default().with("phone_number", "0300")).await, "core_department");
            return;
        }
        let id = create(&portal, named("bela").with("phone_number", "0300")).await.unwrap();
        everything_is_readable(&portal, 1).await;
        let record = record::read(&portal, id).await.unwrap();
        assert_eq!(record.profiles[0].0.phone_number.as_deref(), Some("0300"));
        let done = edit(&portal, id, Draft::default().with("phone_number", "0301")).await.unwrap();
        undo(&portal, &done).await;
    }

    async fn a_column_that_nobody_here_can_fill_stops_creating_only(db: TestDb) {
        let adopted = db.sibling(Made::Django0004).await;
        demand(&adopted, "auth_user").await;
        demand(&adopted, "core_userprofile").await;
        setup::create_own_tables(&adopted).await.unwrap();
        let yes = adopted.yes();
        adopted.run(&format!(
            "INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
             date_joined, badge) VALUES (7, '!', {yes}, 'bela', '', '', '', {yes}, {yes}, '2024-01-01 00:00:00', 5)"
        ))
        .await;
        let portal = opened(&adopted).await;
        everything_is_readable(&portal, 1).await;
        let before = digest(&adopted).await;
        refuses(create(&portal, named("ada")).await, "auth_user.badge");
        refuses(edit(&portal, 7, Draft::default().with("phone_number", "0300")).await, "core_userprofile.badge");
        assert_eq!(digest(&adopted).await, before);
        adopted.run(&format!(
            "INSERT INTO core_userprofile (user_id, email_notifications, created_at, updated_at, badge) \
             VALUES (7, {yes}, '2024-01-01 00:00:00', '2024-01-01 00:00:00', 6)"
        ))
        .await;
        let before = digest(&adopted).await;
        let done = edit(&portal, 7, named("bella").with("phone_number", "0300")).await.unwrap();
        assert_eq!(done.rows, 2);
        undo(&portal, &done).await;
        assert_eq!(digest(&adopted).await, before);
        // Removed and brought back with the value that nobody here understands.
        let rows = accounts::Rows::read(&portal, 7).await.unwrap();
        let mut plan = Plan::new("Remove bela");
        let profile = rows.profiles[0].clone();
        plan.delete("core_userprofile", Image::of("id", profile.get("id").unwrap().clone()), profile);
        plan.delete("auth_user", Image::id(7), rows.user);
        let done = apply(&portal, Ok(plan)).await.unwrap();
        undo(&portal, &done).await;
        assert_eq!(digest(&adopted).await, before);
    }

    async fn ids_of_any_width_and_make_serve(db: TestDb) {
        for made in AGES {
            let adopted = db.sibling(made).await;
            narrow_ids(&adopted).await;
            setup::create_own_tables(&adopted).await.unwrap();
            let portal = opened(&adopted).await;
            account_stories(&adopted, &portal).await;
        }
    }

    async fn a_taken_portal_id_is_named_with_the_old_index_and_without(db: TestDb) {
        for made in AGES {
            let adopted = db.sibling(made).await;
            setup::create_own_tables(&adopted).await.unwrap();
            let portal = opened(&adopted).await;
            let plan = async |name: &str| {
                accounts::create(&portal, &named(name).with("main_portal_id", "B31")).await.unwrap()
            };
            // Both are planned while the id is free, so that only applying can tell.
            let (ada, bob) = (plan("ada").await, plan("bob").await);
            apply(&portal, Ok(ada)).await.unwrap();
            let before = digest(&adopted).await;
            let error = refuses(apply(&portal, Ok(bob)).await, "B31");
            assert_eq!((error.kind, error.fields.contains_key("main_portal_id")), (Kind::Duplicate, true), "{made:?} {error:?}");
            assert_eq!(digest(&adopted).await, before);
            let draft = named("eve").with("main_portal_id", "B31");
            let error = refuses(accounts::check_portal_id(&portal, &draft, None).await, "'ada'");
            assert_eq!(error.kind, Kind::Duplicate);
            // Under lock the owner is named too, where no index was faster.
            if made == Made::Django0004 {
                refuses(create(&portal, draft).await, "'ada'");
                assert_eq!(digest(&adopted).await, before);
            }
            // Blank is no id: any number of accounts has none.
            for name in ["eve", "max"] {
                create(&portal, named(name).with("main_portal_id", "")).await.expect(name);
            }
            assert_eq!(adopted.number("SELECT COUNT(*) FROM core_userprofile WHERE main_portal_id IS NULL").await, 2);
        }
    }

    async fn a_database_that_is_no_portal_is_named_so(db: TestDb) {
        let open = async |db: &TestDb| {
            Portal::over(db.second().await, Settings::default(), Actor::unix("tester", None)).await.map(|_| ()).unwrap_err()
        };
        let empty = db.sibling(Made::Empty).await;
        assert!(open(&empty).await.message.contains("portaldesk init"));
        empty.run("CREATE TABLE invoices (id int)").await;
        assert!(open(&empty).await.message.contains("auth_user"));
        assert!(setup::needed(&empty).await.is_err());
        let lacking = db.sibling(Made::Django0004).await;
        lacking.run("ALTER TABLE auth_user DROP COLUMN last_name").await;
        let error = open(&lacking).await;
        assert_eq!(error.kind, Kind::Usage);
        assert!(error.message.contains("last_name"), "{error}");
    }
}

/// Adds a column that takes no NULL and has no default to an empty table.
async fn demand(db: &TestDb, table: &str) {
    if db.dialect() != Dialect::Sqlite {
        return db.run(&format!("ALTER TABLE {table} ADD COLUMN badge int NOT NULL")).await;
    }
    // SQLite adds no such column: the table is made anew.
    let made = Sql::new("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?").bind(table);
    let made = db.one(made).await.unwrap().text(0).unwrap();
    // Before the constraints, where the columns end.
    let (columns, rest) = made.split_once("\"id\"").unwrap();
    let made = format!("{columns}\"badge\" integer NOT NULL, \"id\"{rest}");
    db.without_foreign_keys(&format!("DROP TABLE {table}; {made}")).await;
}

/// Ids as older Djangos make them: all of four bytes, and on PostgreSQL from a `serial` column's sequence.
async fn narrow_ids(db: &TestDb) {
    match db.dialect() {
        Dialect::Sqlite => {}
        Dialect::MySql => {
            for table in ["auth_user_groups", "core_userprofile", "django_migrations"] {
                db.run(&format!("ALTER TABLE {table} MODIFY id int NOT NULL AUTO_INCREMENT")).await;
            }
        }
        Dialect::Postgres => {
            for table in
                ["auth_user", "auth_group", "auth_user_groups", "core_userprofile", "django_migrations"]
            {
                for order in [
                    "ALTER TABLE t ALTER COLUMN id DROP IDENTITY",
                    "ALTER TABLE t ALTER COLUMN id TYPE integer",
                    "CREATE SEQUENCE t_serial OWNED BY t.id",
                    "SELECT setval('t_serial', (SELECT COALESCE(MAX(id), 0) + 1 FROM t))",
                    "ALTER TABLE t ALTER COLUMN id SET DEFAULT nextval('t_serial')",
                ] {
                    let order = order.replace(" t ", &format!(" {table} "));
                    let order = order.replace("t_serial", &format!("{table}_serial"));
                    db.run(
                        &order
                            .replace(" t.id", &format!(" {table}.id"))
                            .replace("FROM t)", &format!("FROM {table})")),
                    )
                    .await;
                }
            }
        }
    }
}
