//! A portal id passes from one account to another in one plan, with the unique index of old portals and without.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Outcome, Watch};
use portaldesk::db::{Cell, Db};
use portaldesk::directory::accounts::{self, Draft, Rows};
use portaldesk::directory::{Portal, Settings, history, setup, users};
use portaldesk::error::{Error, Kind, Result};
use support::{Made, digest};

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, draft: Draft) -> Result<Outcome> {
    portal.writer()?.apply(accounts::create(portal, &draft).await?).await
}

async fn edit(portal: &Portal, name: &str, draft: Draft) -> Result<Outcome> {
    let id = users::find(portal, name).await?;
    portal.writer()?.apply(accounts::edit(portal, id, &draft).await?).await
}

async fn undo(portal: &Portal, outcome: &Outcome) -> Outcome {
    let operation = outcome.operation().expect("something was written");
    let planned = history::plan_undo(portal, operation, OldPassword::WorksAgain).await.unwrap();
    assert_eq!(planned.left, Vec::<String>::new());
    history::apply_undo(portal, operation, planned, &Watch::default()).await.unwrap()
}

fn with_id(id: &str) -> Draft {
    Draft::default().with("main_portal_id", id)
}

fn taking(id: &str) -> Draft {
    Draft { takes_portal_id: true, ..with_id(id) }
}

async fn id_of(portal: &Portal, name: &str) -> Option<String> {
    let id = users::find(portal, name).await.unwrap();
    let rows = Rows::read(portal, id).await.unwrap();
    match rows.profiles[0].get("main_portal_id") {
        None | Some(Cell::Null) => None,
        Some(cell) => Some(cell.show()),
    }
}

fn said(error: &Error) -> String {
    error.fields.get("main_portal_id").map(|messages| messages.join(" ")).unwrap_or_default()
}

stories! {
    async fn it_passes_to_another_account_and_back(db: TestDb) {
        for made in [Made::Init, Made::Django0003, Made::Django0004] {
            let db = db.sibling(made).await;
            if made != Made::Init {
                setup::create_own_tables(&db).await.unwrap();
            }
            let portal = portal(&db.second().await).await;
            create(&portal, with_id("B31").with("username", "bela")).await.unwrap();
            create(&portal, with_id("C9").with("username", "cho")).await.unwrap();
            let before = digest(&db).await;
            let error = edit(&portal, "cho", with_id("B31")).await.unwrap_err();
            assert!(error.kind == Kind::Duplicate && said(&error).contains("'B31'"), "{made:?}: {error}");

            let done = edit(&portal, "cho", taking("B31")).await.unwrap();
            assert_eq!(done.rows, 2);
            assert_eq!((id_of(&portal, "bela").await, id_of(&portal, "cho").await), (None, Some("B31".into())));
            let there = digest(&db).await;
            let undone = undo(&portal, &done).await;
            assert_eq!(digest(&db).await, before, "{made:?}: both have theirs again");
            let again = undo(&portal, &undone).await;
            assert_eq!(digest(&db).await, there, "{made:?}");
            undo(&portal, &again).await;

            // A new account takes it in the plan that makes it.
            let done = create(&portal, taking("B31").with("username", "dana")).await.unwrap();
            assert_eq!(done.rows, 3);
            assert_eq!((id_of(&portal, "bela").await, id_of(&portal, "dana").await), (None, Some("B31".into())));
            undo(&portal, &done).await;
            assert_eq!(digest(&db).await, before, "{made:?}");

            // What nobody has is given as ever.
            assert_eq!(edit(&portal, "cho", taking("D1")).await.unwrap().rows, 1);
            assert_eq!(id_of(&portal, "cho").await.as_deref(), Some("D1"));
        }
    }

    async fn everybody_who_shares_it_loses_it(db: TestDb) {
        let portal = portal(&db).await;
        for name in ["bela", "cho", "dana"] {
            create(&portal, Draft::default().with("username", name)).await.unwrap();
        }
        db.run("UPDATE core_userprofile SET main_portal_id = 'B31'").await;
        edit(&portal, "dana", taking("B31")).await.unwrap();
        for (name, id) in [("bela", None), ("cho", None), ("dana", Some("B31".to_owned()))] {
            assert_eq!(id_of(&portal, name).await, id, "{name}");
        }
    }

    async fn a_profile_of_nobody_is_repaired_first(db: TestDb) {
        let portal = portal(&db).await;
        create(&portal, with_id("B31").with("username", "bela")).await.unwrap();
        create(&portal, Draft::default().with("username", "cho")).await.unwrap();
        db.without_foreign_keys("DELETE FROM auth_user WHERE username = 'bela'").await;
        let before = digest(&db).await;
        let error = edit(&portal, "cho", taking("B31")).await.unwrap_err();
        assert!(said(&error).contains("Repair PRF-003 first"), "{error}");
        assert_eq!((error.kind, digest(&db).await), (Kind::Duplicate, before));
    }

    async fn what_changed_in_the_others_profile_since_the_review_refuses_it(db: TestDb) {
        let portal = portal(&db).await;
        create(&portal, with_id("B31").with("username", "bela")).await.unwrap();
        create(&portal, Draft::default().with("username", "cho")).await.unwrap();
        let cho = users::find(&portal, "cho").await.unwrap();
        let reviewed = accounts::edit(&portal, cho, &taking("B31")).await.unwrap();
        edit(&portal, "bela", with_id("B32")).await.unwrap();
        let before = digest(&db).await;
        let error = portal.writer().unwrap().apply(reviewed).await.unwrap_err();
        assert_eq!((error.kind, digest(&db).await), (Kind::Conflict, before));
        let differs = &error.differences[0];
        assert_eq!((differs.base.as_str(), differs.theirs.as_str()), ("B31", "B32"));

        // A third one who gets it meanwhile keeps it.
        edit(&portal, "bela", with_id("B31")).await.unwrap();
        let reviewed = accounts::edit(&portal, cho, &taking("B31")).await.unwrap();
        edit(&portal, "bela", with_id("")).await.unwrap();
        create(&portal, with_id("B31").with("username", "dana")).await.unwrap();
        let error = portal.writer().unwrap().apply(reviewed).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        assert_eq!(id_of(&portal, "dana").await.as_deref(), Some("B31"));
    }
}
