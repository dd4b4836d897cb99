//! What an account's end takes along and what stands in its way, on every engine: counted, deleted, off-boarded, undone.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::{Actor, Image, Plan};
use portaldesk::db::Db;
use portaldesk::directory::accounts::{self, Draft, Rows};
use portaldesk::directory::{Portal, Settings, referring, users};
use portaldesk::error::Kind;
use support::{TestDb, digest};

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, name: &str) -> i64 {
    let plan = accounts::create(portal, &Draft::default().with("username", name)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
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
}
