//! What an account's end takes along and what stands in its way, on every engine: counted, deleted, off-boarded, undone.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Image, MOST_ROWS, Outcome, Plan, Watch};
use portaldesk::db::{Cell, Db, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups, Rows};
use portaldesk::directory::{Portal, Settings, delete, groups, history, offboard, referring, users};
use portaldesk::error::{Kind, Result};
use portaldesk::portal::password;
use support::{TestDb, digest};

/// A hash that costs nothing to make, of the form that Django writes.
const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, name: &str) -> i64 {
    let plan = accounts::create(portal, &Draft::default().with("username", name)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
}

/// The portal in the hands of a superuser, `root`, beside `bela`: staff, an Engineer, with a permission of their own and
/// so many entries of the admin log, two of them about `root`.
async fn desk(db: &TestDb, entries: usize) -> (Portal, i64) {
    let unix = portal(db).await;
    unix.writer().unwrap().apply(groups::setup(&unix).await.unwrap()).await.unwrap();
    let all = groups::choices(&unix).await.unwrap().into_iter().map(|group| group.id).collect();
    let root = Draft { encoded_password: Some(HASH.into()), ..Draft::default() }
        .with("username", "root")
        .with("is_superuser", "true");
    let bela = Draft { encoded_password: Some(HASH.into()), groups: Groups::Set(all), ..Draft::default() }
        .with("username", "bela")
        .with("is_staff", "true")
        .with("main_portal_id", "B31");
    for draft in [root, bela] {
        unix.writer().unwrap().apply(accounts::create(&unix, &draft).await.unwrap()).await.unwrap();
    }
    let id = users::find(&unix, "bela").await.unwrap();
    db.run(&format!(
        "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT {id}, MIN(id) FROM auth_permission"
    ))
    .await;
    for part in (0..entries).collect::<Vec<_>>().chunks(100) {
        let values: Vec<String> = part
            .iter()
            .map(|n| format!("('2026-01-02 03:04:05', '{n}', 'entry {n}', 2, '[]', NULL, {id})"))
            .collect();
        db.run(&format!(
            "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, \
             content_type_id, user_id) VALUES {}",
            values.join(", ")
        ))
        .await;
    }
    let root = users::find(&unix, "root").await.unwrap();
    (unix.signed_in(Account { id: root, username: "root".into() }), id)
}

async fn remove(portal: &Portal, id: i64) -> Result<Outcome> {
    let plans = delete::plan(portal, id).await?;
    portal.writer()?.all_or_nothing("Delete", plans, &Watch::default()).await
}

async fn off(portal: &Portal, id: i64) -> Result<Outcome> {
    let plans = offboard::plan(portal, id).await?;
    portal.writer()?.all_or_nothing("Off-board", plans, &Watch::default()).await
}

async fn undo(portal: &Portal, done: &Outcome, old: OldPassword) -> Vec<String> {
    let operation = done.operation().expect("something was written");
    let planned = history::plan_undo(portal, operation, old).await.unwrap();
    let left = planned.left.clone();
    let outcome = history::apply_undo(portal, operation, planned, &Watch::default()).await.unwrap();
    assert_eq!(outcome.refused, []);
    left
}

/// The admin log of what somebody did, row by row.
async fn log_of(db: &TestDb, user: i64) -> Vec<(i64, String)> {
    let sql =
        Sql::new("SELECT id, object_repr FROM django_admin_log WHERE user_id = ? ORDER BY id").bind(user);
    db.all(sql).await.unwrap().iter().map(|row| (row.int(0).unwrap(), row.text(1).unwrap())).collect()
}

/// What the portal's history says of an account, oldest first: flag, name and message.
async fn history_of(db: &TestDb, user: i64) -> Vec<(i64, String, String)> {
    let sql = Sql::new(
        "SELECT action_flag, object_repr, change_message FROM django_admin_log WHERE object_id = ? AND object_repr = \
         'bela' ORDER BY id",
    );
    let rows = db.all(sql.bind(user.to_string())).await.unwrap();
    rows.iter().map(|row| (row.int(0).unwrap(), row.text(1).unwrap(), row.text(2).unwrap())).collect()
}

/// A table of the portal's that refers to accounts, as an app of its own makes it.
async fn complaints(db: &TestDb, on_delete: &str) {
    db.run(&format!(
        "CREATE TABLE core_complaint (id integer NOT NULL PRIMARY KEY, author_id integer NULL, \
         handler_id integer NULL, \
         FOREIGN KEY (author_id) REFERENCES auth_user (id) {on_delete}, \
         FOREIGN KEY (handler_id) REFERENCES auth_user (id))"
    ))
    .await;
}

/// What is counted, where there is something: table, column, rows, whether it goes along.
async fn counted(portal: &Portal, user: i64) -> Vec<(String, String, i64, bool)> {
    let found = referring::count(portal, user).await.unwrap();
    found
        .into_iter()
        .filter(|found| found.rows > 0)
        .map(|found| (found.table, found.column, found.rows, found.goes_along))
        .collect()
}

fn row(table: &str, column: &str, rows: i64, goes_along: bool) -> (String, String, i64, bool) {
    (table.to_owned(), column.to_owned(), rows, goes_along)
}

stories! {
    /// Everything that refers to an account is found by the catalogue, in Django's order of deleting, then by name.
    async fn rows_that_refer_are_counted(db: TestDb) {
        complaints(&db, "").await;
        db.run("ALTER TABLE auth_user ADD COLUMN manager_id integer NULL REFERENCES auth_user (id)").await;
        db.run(
            "CREATE TABLE core_badge (id integer NOT NULL PRIMARY KEY, profile_id bigint NULL, \
             FOREIGN KEY (profile_id) REFERENCES core_userprofile (id))",
        )
        .await;
        let portal = portal(&db).await;
        let (bela, cho) = (create(&portal, "bela").await, create(&portal, "cho").await);
        assert_eq!(counted(&portal, bela).await, [row("core_userprofile", "user_id", 1, true)]);
        db.run(&format!("INSERT INTO core_complaint VALUES (1, {bela}, {cho}), (2, {bela}, {bela}), (3, {cho}, NULL)"))
            .await;
        db.run(&format!("UPDATE auth_user SET manager_id = {bela}")).await;
        db.run(&format!("INSERT INTO core_badge SELECT 1, id FROM core_userprofile WHERE user_id = {bela}")).await;
        db.run("INSERT INTO auth_group (name) VALUES ('one'), ('two')").await;
        db.run(&format!("INSERT INTO auth_user_groups (user_id, group_id) SELECT {bela}, id FROM auth_group")).await;
        db.run(&format!(
            "INSERT INTO django_admin_log (action_time, object_repr, action_flag, change_message, user_id) \
             SELECT date_joined, 'x', 1, '', id FROM auth_user WHERE id = {bela}"
        ))
        .await;
        let found = [
            row("django_admin_log", "user_id", 1, true),
            row("auth_user_groups", "user_id", 2, true),
            row("core_userprofile", "user_id", 1, true),
            row("auth_user", "manager_id", 1, false),
            row("core_badge", "profile_id", 1, false),
            row("core_complaint", "author_id", 2, false),
            row("core_complaint", "handler_id", 1, false),
        ];
        assert_eq!(counted(&portal, bela).await, found);
        let all = referring::count(&portal, cho).await.unwrap();
        assert!(all.iter().any(|none| none.table == "auth_user_user_permissions" && none.rows == 0), "{all:?}");
    }

    /// An engine that is told to clean up after a delete does not get the chance: nobody would have seen it.
    async fn no_row_goes_silently(db: TestDb) {
        for on_delete in ["ON DELETE CASCADE", "ON DELETE SET NULL"] {
            db.run("DROP TABLE IF EXISTS core_complaint").await;
            complaints(&db, on_delete).await;
            let portal = portal(&db).await;
            let bela = create(&portal, &format!("bela{}", on_delete.len())).await;
            db.run(&format!("INSERT INTO core_complaint VALUES (1, {bela}, NULL)")).await;
            let before = digest(&db).await;
            let rows = Rows::read(&portal, bela).await.unwrap();
            let mut plan = Plan::new("Remove");
            for profile in rows.profiles {
                plan.delete("core_userprofile", Image::of("id", profile.get("id").unwrap().clone()), profile);
            }
            plan.delete("auth_user", Image::id(bela), rows.user);
            let error = portal.writer().unwrap().apply(plan).await.unwrap_err();
            assert_eq!(error.kind, Kind::Conflict);
            assert!(error.message.contains("core_complaint"), "{error}");
            assert_eq!(digest(&db).await, before);
        }
    }

    /// A delete is Django's own, in its order, and its undo brings back every row with its id.
    async fn an_account_is_deleted_as_django_would_and_comes_back(db: TestDb) {
        let (portal, bela) = desk(&db, 3).await;
        let (before, log) = (digest(&db).await, log_of(&db, bela).await);
        let plans = delete::plan(&portal, bela).await.unwrap();
        let mut tables: Vec<&str> = plans[0].steps.iter().map(portaldesk::change::Step::table).collect();
        tables.dedup();
        assert_eq!(
            tables,
            ["django_admin_log", "auth_user_groups", "auth_user_user_permissions", "core_userprofile", "auth_user"]
        );
        let ahead = delete::Ahead::read(&portal, bela).await.unwrap();
        assert_eq!(
            ahead.along_in_words(),
            "3 entries of the admin log, 3 groups, 1 direct permission, 1 profile"
        );
        let done = remove(&portal, bela).await.unwrap();
        assert_eq!((done.rows, done.operations.len()), (9, 1));
        for table in ["auth_user_groups", "auth_user_user_permissions", "core_userprofile", "django_admin_log"] {
            let left = referring::count(&portal, bela).await.unwrap();
            assert!(left.iter().all(|found| found.table != table || found.rows == 0), "{left:?}");
        }
        assert_eq!(history_of(&db, bela).await, [(3, "bela".into(), String::new())], "as Django writes it");

        let left = undo(&portal, &done, OldPassword::StaysChanged).await;
        assert_eq!(left, Vec::<String>::new());
        assert_eq!(digest(&db).await, before);
        assert_eq!(log_of(&db, bela).await, log, "what bela did is in the portal's history again");
        // Whoever comes next gets an id of their own, on PostgreSQL too.
        assert!(create(&portal, "dora").await > bela);
    }

    /// More entries than a transaction takes: several plans, one run, one undo.
    async fn an_administrator_with_a_long_log_goes_and_comes_back_as_one(db: TestDb) {
        let (portal, bela) = desk(&db, MOST_ROWS + 20).await;
        let (before, log) = (digest(&db).await, log_of(&db, bela).await);
        let done = remove(&portal, bela).await.unwrap();
        assert_eq!(done.operations.len(), 2);
        assert!(users::find(&portal, "bela").await.is_err());
        assert_eq!(history_of(&db, bela).await, [(3, "bela".into(), String::new())]);
        undo(&portal, &done, OldPassword::StaysChanged).await;
        assert_eq!((digest(&db).await, log_of(&db, bela).await), (before, log));
    }

    /// When the last of several plans is refused, what the first ones wrote comes back by itself.
    async fn a_run_that_is_refused_leaves_everything_as_it_was(db: TestDb) {
        let (portal, bela) = desk(&db, MOST_ROWS + 20).await;
        let (before, log) = (digest(&db).await, log_of(&db, bela).await);
        let plans = delete::plan(&portal, bela).await.unwrap();
        complaints(&db, "").await;
        let now = self::portal(&db).await.signed_in(portal.actor.account.clone().unwrap());
        db.run(&format!("INSERT INTO core_complaint VALUES (1, {bela}, NULL)")).await;
        let error = now.writer().unwrap().all_or_nothing("Delete", plans, &Watch::default()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("core_complaint") && error.message.ends_with("was taken back."), "{error}");
        db.run("DROP TABLE core_complaint").await;
        assert_eq!((digest(&db).await, log_of(&db, bela).await), (before, log));
    }

    /// Rows of other tables stand in the way, by name and number, before anything is planned.
    async fn rows_of_other_tables_refuse_a_delete(db: TestDb) {
        complaints(&db, "ON DELETE CASCADE").await;
        let (portal, bela) = desk(&db, 0).await;
        let rows: Vec<String> = (1..=12).map(|id| format!("({id}, {bela}, NULL)")).collect();
        db.run(&format!("INSERT INTO core_complaint VALUES {}", rows.join(", "))).await;
        let error = delete::plan(&portal, bela).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("core_complaint holds 12 rows (author_id)"), "{error}");
        assert!(error.message.contains("Off-board"), "{error}");
        // Off-boarding is possible all the same.
        off(&portal, bela).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM core_complaint").await, 12);
    }

    /// Nobody ends the last superuser, or themself.
    async fn the_last_superuser_and_oneself_stay(db: TestDb) {
        let (portal, bela) = desk(&db, 0).await;
        let root = users::find(&portal, "root").await.unwrap();
        let before = digest(&db).await;
        let unix = self::portal(&db).await;
        for portal in [&portal, &unix] {
            for error in [remove(portal, root).await.unwrap_err(), off(portal, root).await.unwrap_err()] {
                assert_eq!(error.kind, Kind::Denied, "{error}");
            }
        }
        assert_eq!(digest(&db).await, before);
        // An Admin may end neither a superuser nor take the staff flag away.
        let hand = |id, name: &str| unix.signed_in(Account { id, username: name.into() });
        for error in [remove(&hand(bela, "bela"), root).await, off(&hand(bela, "bela"), root).await] {
            assert_eq!(error.unwrap_err().kind, Kind::Denied);
        }
        assert_eq!(digest(&db).await, before);
    }

    /// An Admin ends ordinary accounts, with whatever rights they were given directly.
    async fn an_admin_ends_an_ordinary_account(db: TestDb) {
        let (portal, bela) = desk(&db, 0).await;
        let admin = self::portal(&db).await.signed_in(Account { id: bela, username: "bela".into() });
        let cho = create(&portal, "cho").await;
        db.run(&format!(
            "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT {cho}, MIN(id) FROM auth_permission"
        ))
        .await;
        off(&admin, cho).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user_user_permissions").await, 1, "bela's own stays");
        remove(&admin, cho).await.unwrap();
        assert!(users::find(&portal, "cho").await.is_err());
    }

    /// Off-boarding takes every way in and every right, once; its undo asks about the old password.
    async fn an_account_is_off_boarded_and_comes_back(db: TestDb) {
        let (portal, bela) = desk(&db, 2).await;
        let before = digest(&db).await;
        let done = off(&portal, bela).await.unwrap();
        assert_eq!((done.rows, done.operations.len()), (6, 1));
        let rows = Rows::read(&portal, bela).await.unwrap();
        for flag in ["is_active", "is_staff", "is_superuser"] {
            assert_eq!(rows.user.bool(flag), Some(false), "{flag}");
        }
        let encoded = rows.user.text("password").unwrap().to_owned();
        assert_eq!((encoded.len(), encoded.starts_with('!')), (41, true));
        assert_eq!((rows.groups.len(), rows.profiles[0].bool("email_notifications")), (0, Some(false)));
        let left: i64 = referring::count(&portal, bela)
            .await
            .unwrap()
            .iter()
            .filter(|found| found.table == "auth_user_user_permissions")
            .map(|found| found.rows)
            .sum();
        assert_eq!(left, 0);
        assert_eq!(log_of(&db, bela).await.len(), 2, "what bela did stays in the portal's history");
        assert_eq!(off(&portal, bela).await.unwrap(), Outcome::default(), "nothing is left to do");

        let left = undo(&portal, &done, OldPassword::StaysChanged).await;
        assert!(left.iter().any(|why| why.contains("old password does not come back")), "{left:?}");
        let rows = Rows::read(&portal, bela).await.unwrap();
        assert_eq!((rows.user.bool("is_active"), rows.user.bool("is_staff")), (Some(true), Some(true)));
        assert!(rows.user.get("password") == Some(&Cell::Text(encoded)));

        let again = off(&portal, bela).await.unwrap();
        undo(&portal, &again, OldPassword::StaysChanged).await;
        assert_ne!(digest(&db).await, before, "the password is another");
    }

    /// With the old password wanted back, everything is as before.
    async fn the_undo_of_an_off_boarding_can_bring_the_password_back(db: TestDb) {
        let (portal, bela) = desk(&db, 0).await;
        let before = digest(&db).await;
        let done = off(&portal, bela).await.unwrap();
        let planned = history::plan_undo(&portal, done.operation().unwrap(), OldPassword::StaysChanged).await;
        assert!(planned.unwrap().old_password, "it has to be asked");
        undo(&portal, &done, OldPassword::WorksAgain).await;
        assert_eq!(digest(&db).await, before);
        let encoded = Rows::read(&portal, bela).await.unwrap().user.text("password").unwrap().to_owned();
        assert!(matches!(password::read(&encoded), password::Stored::Usable(_)));
    }
}
