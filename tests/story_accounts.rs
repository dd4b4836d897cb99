//! Accounts as people change them, on every engine: what is written, what is refused, and that undo restores the rows.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::sync::Arc;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Outcome, Watch};
use portaldesk::db::{Db, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, Settings, groups, history, users};
use portaldesk::error::{Error, Kind, Result};
use support::{TestDb, digest};
use tokio::sync::Barrier;

/// A hash that costs nothing to make, of the form that Django writes.
const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
const OTHER_HASH: &str =
    "pbkdf2_sha256$1$0123456789abcdefABCDEF$wWYlblNv6KDJToWgCkLfQbjlp6SOsy9XHjqVfwiLRR4=";

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// The same portal in the hands of a superuser of its own, whose account is made first.
async fn signed_in(db: &Db) -> Portal {
    let portal = portal(db).await;
    let draft = Draft { encoded_password: Some(HASH.into()), ..Draft::default() }
        .with("username", "root")
        .with("is_staff", "true")
        .with("is_superuser", "true");
    create(&portal, draft).await.unwrap();
    let id = users::find(&portal, "root").await.unwrap();
    portal.signed_in(Account { id, username: "root".into() })
}

async fn create(portal: &Portal, draft: Draft) -> Result<Outcome> {
    let plan = accounts::create(portal, &draft).await?;
    portal.writer()?.apply(plan).await
}

async fn edit(portal: &Portal, id: i64, draft: &Draft) -> Result<Outcome> {
    let plan = accounts::edit(portal, id, draft).await?;
    portal.writer()?.apply(plan).await
}

async fn undo(portal: &Portal, outcome: &Outcome) -> Result<Outcome> {
    let operation = outcome.operation().expect("something was written").to_owned();
    let planned = history::plan_undo(portal, &operation, OldPassword::WorksAgain).await?;
    history::apply_undo(portal, &operation, planned, &Watch::default()).await
}

async fn department(db: &TestDb, name: &str) -> i64 {
    let sql = Sql::new(
        "INSERT INTO core_department (name, description, is_active, created_at) VALUES (?, '', ?, ?)",
    )
    .bind(name)
    .bind(true)
    .bind(chrono::Utc::now());
    db.transaction(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { Ok(tx.insert(sql).await?) })
    })
    .await
    .unwrap()
}

/// Applies a change and takes it back: every table is as before, and after the undo of the undo as after the change.
async fn there_and_back(db: &TestDb, portal: &Portal, id: i64, draft: Draft) {
    let before = digest(db).await;
    let done = edit(portal, id, &draft).await.unwrap();
    let after = digest(db).await;
    assert_ne!(before, after, "{draft:?} changed nothing");
    let undone = undo(portal, &done).await.unwrap();
    assert_eq!(digest(db).await, before, "{draft:?} was not taken back");
    undo(portal, &undone).await.unwrap();
    assert_eq!(digest(db).await, after, "{draft:?} was not done again");
    edit_back(portal, &undone).await;
    assert_eq!(digest(db).await, before);
}

/// Takes the change back once more, by its first undo's own undo being undone.
async fn edit_back(portal: &Portal, undone: &Outcome) {
    let operation = undone.operation().unwrap();
    let redo = history::list(portal, &history::Filter::default()).await.unwrap();
    let redo = redo.iter().find(|listed| listed.change.undo_of.as_deref() == Some(operation)).unwrap();
    let planned = history::plan_undo(portal, &redo.change.operation, OldPassword::WorksAgain).await.unwrap();
    history::apply_undo(portal, &redo.change.operation, planned, &Watch::default()).await.unwrap();
}

fn bela() -> Draft {
    Draft { encoded_password: Some(HASH.into()), ..Draft::default() }
        .with("username", "bela")
        .with("first_name", "Béla")
        .with("last_name", "O'Neil")
        .with("email", "Bela@EXAMPLE.org")
        .with("phone_number", "+1 555 0100")
        .with("main_portal_id", "B31")
}

fn field(error: &Error, name: &str) -> String {
    error.fields.get(name).map(|messages| messages.join(" ")).unwrap_or_default()
}

stories! {
    async fn a_user_is_created_with_profile_and_groups_and_undone(db: TestDb) {
        let portal = portal(&db).await;
        let writer = portal.writer().unwrap();
        writer.apply(groups::setup(&portal).await.unwrap()).await.unwrap();
        let engineer = groups::choices(&portal).await.unwrap()[0].clone();
        assert_eq!(engineer.name, "Engineer");
        let it = department(&db, "IT").await;
        let before = digest(&db).await;
        let draft = Draft { department: Some(Some(it)), groups: Groups::Set(vec![engineer.id]), ..bela() };
        let done = create(&portal, draft).await.unwrap();
        assert_eq!(done.rows, 3);
        let id = users::find(&portal, "bela").await.unwrap();
        let row = &users::by_ids(&portal, &[id]).await.unwrap()[0];
        assert_eq!((row.name.as_str(), row.email.as_str()), ("Béla O'Neil", "Bela@example.org"));
        assert_eq!((row.department.as_deref(), row.access.as_slice()), (Some("IT"), ["Engineer".to_owned()].as_slice()));
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile WHERE main_portal_id = 'B31'").await, 1);

        let after = digest(&db).await;
        let undone = undo(&portal, &done).await.unwrap();
        assert_eq!(digest(&db).await, before);
        undo(&portal, &undone).await.unwrap();
        assert_eq!(digest(&db).await, after, "the undo of the undo brings the same rows back, ids included");
    }

    async fn every_edit_is_undone_row_by_row(db: TestDb) {
        // Another superuser stays when bela is one no more.
        signed_in(&db).await;
        let portal = portal(&db).await;
        portal.writer().unwrap().apply(groups::setup(&portal).await.unwrap()).await.unwrap();
        let choices = groups::choices(&portal).await.unwrap();
        let (engineer, admin) = (choices[0].id, choices[2].id);
        let it = department(&db, "IT").await;
        create(&portal, Draft { groups: Groups::Set(vec![engineer]), ..bela() }).await.unwrap();
        let id = users::find(&portal, "bela").await.unwrap();
        there_and_back(&db, &portal, id, Draft::default().with("username", "bella")).await;
        there_and_back(&db, &portal, id, Draft::default().with("email", "")).await;
        there_and_back(&db, &portal, id, Draft::default().with("phone_number", "").with("main_portal_id", "B32")).await;
        there_and_back(&db, &portal, id, Draft::default().with("email_notifications", "false")).await;
        there_and_back(&db, &portal, id, Draft::default().with("is_active", "false")).await;
        there_and_back(&db, &portal, id, Draft::default().with("is_staff", "true").with("is_superuser", "true")).await;
        there_and_back(&db, &portal, id, Draft { department: Some(Some(it)), ..Draft::default() }).await;
        there_and_back(&db, &portal, id, Draft { groups: Groups::Set(vec![admin]), ..Draft::default() }).await;
        there_and_back(&db, &portal, id, Draft { encoded_password: Some(OTHER_HASH.into()), ..Draft::default() }).await;
        there_and_back(&db, &portal, id, Draft { encoded_password: Some("!".repeat(41)), ..Draft::default() }).await;
    }

    async fn what_is_the_same_is_not_written(db: TestDb) {
        let portal = portal(&db).await;
        create(&portal, bela()).await.unwrap();
        let id = users::find(&portal, "bela").await.unwrap();
        let before = digest(&db).await;
        let same = Draft { encoded_password: None, ..bela() };
        let done = edit(&portal, id, &same).await.unwrap();
        assert_eq!((done.operation(), done.rows), (None, 0));
        assert_eq!(digest(&db).await, before);
    }

    async fn all_problems_are_named_at_once(db: TestDb) {
        let portal = portal(&db).await;
        let before = digest(&db).await;
        let draft = Draft::default()
            .with("username", "x".repeat(151))
            .with("email", "no-at")
            .with("phone_number", "+1 555 0100x");
        let error = create(&portal, draft).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert_eq!(error.fields.keys().collect::<Vec<_>>(), ["email", "phone_number", "username"]);
        assert_eq!(field(&error, "username"), "Ensure this value has at most 150 characters (it has 151).");
        assert_eq!(digest(&db).await, before);
    }

    async fn two_programs_create_the_same_username(db: TestDb) {
        let (one, two) = (portal(&db).await, portal(&db.second().await).await);
        let gate = Arc::new(Barrier::new(2));
        let race = |portal: Portal| {
            let gate = Arc::clone(&gate);
            async move {
                // Both have planned, and found the name free, before either writes.
                let plan = accounts::create(&portal, &bela()).await.unwrap();
                gate.wait().await;
                portal.writer().unwrap().apply(plan).await
            }
        };
        let (a, b) = tokio::join!(race(one), race(two));
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        won.expect("one of them wins");
        let error = lost.expect_err("only one can win");
        assert_eq!(error.kind, Kind::Duplicate, "{error}");
        assert!(error.message.contains("bela") || error.message.contains("B31"), "{error}");
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile").await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_change").await, 1);
    }

    async fn two_programs_give_the_same_portal_id(db: TestDb) {
        let (one, two) = (portal(&db).await, portal(&db.second().await).await);
        let gate = Arc::new(Barrier::new(2));
        let race = |portal: Portal, name: &'static str| {
            let gate = Arc::clone(&gate);
            async move {
                let plan = accounts::create(&portal, &bela().with("username", name)).await.unwrap();
                gate.wait().await;
                portal.writer().unwrap().apply(plan).await
            }
        };
        let (a, b) = tokio::join!(race(one, "ada"), race(two, "bob"));
        let error = match (a, b) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            other => panic!("exactly one has to win: {other:?}"),
        };
        assert_eq!(error.kind, Kind::Duplicate, "{error}");
        assert!(field(&error, "main_portal_id").contains("'B31'"), "{error:?}");
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 1, "nothing of the loser was written");
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile").await, 1);
    }

    async fn a_new_user_does_not_inherit_an_orphan_profile(db: TestDb) {
        let portal = portal(&db).await;
        let next = db.add_user("gone").await + 1;
        db.without_foreign_keys(&format!(
            "INSERT INTO core_userprofile (user_id, email_notifications, created_at, updated_at) \
             VALUES ({next}, {}, '2024-01-01 00:00:00', '2024-01-01 00:00:00')",
            db.yes()
        ))
        .await;
        let before = digest(&db).await;
        let error = create(&portal, bela()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("PRF-003"), "{error}");
        assert_eq!(digest(&db).await, before);
    }

    async fn someone_elses_change_is_not_overwritten(db: TestDb) {
        let portal = portal(&db).await;
        create(&portal, bela()).await.unwrap();
        let id = users::find(&portal, "bela").await.unwrap();
        let plan = accounts::edit(&portal, id, &Draft::default().with("first_name", "Mine")).await.unwrap();
        edit(&portal, id, &Draft::default().with("last_name", "Theirs")).await.unwrap();
        let before = digest(&db).await;
        let error = portal.writer().unwrap().apply(plan).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(field(&error, "last_name").contains("Theirs"), "{error:?}");
        assert_eq!(digest(&db).await, before);
    }

    async fn undo_leaves_what_changed_since(db: TestDb) {
        let portal = portal(&db).await;
        create(&portal, bela()).await.unwrap();
        let id = users::find(&portal, "bela").await.unwrap();
        let first = Draft::default().with("first_name", "Adele").with("last_name", "Smith");
        let done = edit(&portal, id, &first).await.unwrap();
        edit(&portal, id, &Draft::default().with("last_name", "Jones")).await.unwrap();
        let planned =
            history::plan_undo(&portal, done.operation().unwrap(), OldPassword::StaysChanged).await.unwrap();
        assert_eq!(planned.left.len(), 1, "{:?}", planned.left);
        assert!(planned.left[0].contains("last_name"), "{:?}", planned.left);
        history::apply_undo(&portal, "", planned, &Watch::default()).await.unwrap();
        assert_eq!(users::by_ids(&portal, &[id]).await.unwrap()[0].name, "Béla Jones");
    }

    async fn the_last_usable_superuser_stays(db: TestDb) {
        let portal = signed_in(&db).await;
        let id = users::find(&portal, "root").await.unwrap();
        let cli = self::portal(&db).await;
        let before = digest(&db).await;
        for draft in [
            Draft::default().with("is_active", "false"),
            Draft::default().with("is_superuser", "false"),
            Draft { encoded_password: Some("!".repeat(41)), ..Draft::default() },
        ] {
            let error = edit(&cli, id, &draft).await.unwrap_err();
            assert_eq!(error.kind, Kind::Denied, "{draft:?}: {error}");
            assert_eq!(digest(&db).await, before);
        }
        edit(&cli, id, &Draft::default().with("email", "root@example.org")).await.unwrap();
        let second = Draft { encoded_password: Some(HASH.into()), ..Draft::default() }
            .with("username", "second")
            .with("is_superuser", "true");
        create(&cli, second).await.unwrap();
        edit(&cli, id, &Draft::default().with("is_superuser", "false")).await.expect("another one is left");
    }

    async fn the_portal_log_reads_as_the_portal_writes_it(db: TestDb) {
        let portal = signed_in(&db).await;
        portal.writer().unwrap().apply(groups::setup(&portal).await.unwrap()).await.unwrap();
        let engineer = groups::choices(&portal).await.unwrap()[0].id;
        let it = department(&db, "IT").await;
        create(&portal, Draft { groups: Groups::Set(vec![engineer]), ..bela() }).await.unwrap();
        let id = users::find(&portal, "bela").await.unwrap();
        for draft in [
            Draft::default().with("email", "x@example.com").with("first_name", "Ünï").with("last_name", "Ö"),
            Draft { groups: Groups::Set(Vec::new()), ..Draft::default() },
            Draft { groups: Groups::Set(vec![engineer]), ..Draft::default() }.with("is_staff", "true"),
            Draft::default().with("is_active", "false"),
            Draft { department: Some(Some(it)), ..Draft::default() }.with("phone_number", "0300"),
            Draft::default().with("first_name", "Both").with("main_portal_id", "MP-1"),
            Draft { encoded_password: Some(OTHER_HASH.into()), ..Draft::default() },
        ] {
            edit(&portal, id, &draft).await.unwrap();
        }
        let sql = Sql::new(
            "SELECT l.action_flag, l.change_message, l.object_repr FROM django_admin_log l \
             JOIN django_content_type t ON t.id = l.content_type_id WHERE t.app_label = 'auth' AND t.model = 'user' \
             AND l.object_id = ",
        )
        .push_bind("?", id.to_string())
        .push(" ORDER BY l.id");
        let log: Vec<(i64, String)> =
            db.all(sql).await.unwrap().iter().map(|row| (row.int(0).unwrap(), row.text(1).unwrap())).collect();
        // Each names its operation, in a key that Django skips.
        let log: Vec<(i64, String)> = log
            .into_iter()
            .map(|(flag, text)| match text.split_once(", \"portaldesk\": ") {
                Some((before, mark)) if mark.len() == 40 && mark.ends_with("\"}]") => (flag, format!("{before}}}]")),
                _ => panic!("without a mark: {text}"),
            })
            .collect();
        let expected = [
            (1, r#"[{"added": {}}]"#),
            (2, r#"[{"changed": {"fields": ["First name", "Last name", "Email address"]}}]"#),
            (2, r#"[{"changed": {"fields": ["Groups"]}}]"#),
            (2, r#"[{"changed": {"fields": ["Staff status", "Groups"]}}]"#),
            (2, r#"[{"changed": {"fields": ["Active"]}}]"#),
            (2, r#"[{"changed": {"name": "user profile", "object": "bela's Profile", "fields": ["Department", "Phone number"]}}]"#),
            (2, r#"[{"changed": {"fields": ["First name"]}}, {"changed": {"name": "user profile", "object": "bela's Profile", "fields": ["Main portal id"]}}]"#),
            (2, r#"[{"changed": {"fields": ["password"]}}]"#),
        ];
        let expected: Vec<(i64, String)> = expected.into_iter().map(|(flag, text)| (flag, text.to_owned())).collect();
        assert_eq!(log, expected);
    }

    async fn rights_are_read_when_writing(db: TestDb) {
        let root = signed_in(&db).await;
        root.writer().unwrap().apply(groups::setup(&root).await.unwrap()).await.unwrap();
        let choices = groups::choices(&root).await.unwrap();
        let (engineer, amc, admin) = (choices[0].id, choices[1].id, choices[2].id);
        for (name, group) in [("eve", engineer), ("max", amc), ("ann", admin)] {
            let draft = Draft { groups: Groups::Set(vec![group]), ..Draft::default() }.with("username", name);
            create(&root, draft).await.unwrap();
        }
        let id = |name: &'static str| {
            let root = root.clone();
            async move { users::find(&root, name).await.unwrap() }
        };
        let acting = |name: &'static str| {
            let root = root.clone();
            async move {
                let id = users::find(&root, name).await.unwrap();
                root.signed_in(Account { id, username: name.into() })
            }
        };
        let (max, ann, eve) = (acting("max").await, acting("ann").await, acting("eve").await);
        let rename = Draft::default().with("first_name", "New");
        let denied = |result: Result<Outcome>| assert_eq!(result.unwrap_err().kind, Kind::Denied);
        // AMC Admin: below their own role only.
        edit(&max, id("eve").await, &rename).await.unwrap();
        denied(edit(&max, id("ann").await, &rename).await);
        denied(edit(&max, id("eve").await, &Draft { groups: Groups::Set(vec![engineer, amc]), ..Draft::default() }).await);
        // Admin: not a superuser, and no flags.
        edit(&ann, id("max").await, &rename).await.unwrap();
        denied(edit(&ann, id("root").await, &rename).await);
        denied(edit(&ann, id("max").await, &Draft::default().with("is_superuser", "true")).await);
        // Engineer: their own phone only.
        edit(&eve, id("eve").await, &Draft::default().with("phone_number", "0300")).await.unwrap();
        denied(edit(&eve, id("max").await, &Draft::default().with("first_name", "Mine")).await);
        // Nobody deactivates themself, and rights end with the account.
        denied(edit(&ann, id("ann").await, &Draft::default().with("is_active", "false")).await);
        edit(&root, id("ann").await, &Draft::default().with("is_active", "false")).await.unwrap();
        denied(edit(&ann, id("max").await, &Draft::default().with("first_name", "Late")).await);
    }

    async fn nobody_is_made_powerful_by_the_way(db: TestDb) {
        let root = signed_in(&db).await;
        root.writer().unwrap().apply(groups::setup(&root).await.unwrap()).await.unwrap();
        let admin = groups::choices(&root).await.unwrap()[2].id;
        create(&root, Draft { groups: Groups::Set(vec![admin]), ..Draft::default() }.with("username", "ann"))
            .await
            .unwrap();
        create(&root, Draft::default().with("username", "sam").with("is_staff", "true")).await.unwrap();
        let (ann, sam) = (users::find(&root, "ann").await.unwrap(), users::find(&root, "sam").await.unwrap());
        db.run("INSERT INTO auth_group (name) VALUES ('Account keepers')").await;
        db.run(
            "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, \
             auth_permission p WHERE g.name = 'Account keepers' AND p.codename = 'change_user'",
        )
        .await;
        let keepers = db.number("SELECT id FROM auth_group WHERE name = 'Account keepers'").await;
        let before = digest(&db).await;
        let draft = Draft { groups: Groups::Set(vec![keepers]), ..Draft::default() };
        let acting = root.signed_in(Account { id: ann, username: "ann".into() });
        assert_eq!(edit(&acting, sam, &draft).await.unwrap_err().kind, Kind::Denied);
        assert_eq!(digest(&db).await, before);
        edit(&root, sam, &draft).await.expect("a superuser may");
    }

    async fn pages_follow_each_other_in_every_order(db: TestDb) {
        let portal = portal(&db).await;
        portal.writer().unwrap().apply(groups::setup(&portal).await.unwrap()).await.unwrap();
        let groups = groups::choices(&portal).await.unwrap();
        let it = department(&db, "IT").await;
        for number in 0..17_usize {
            let draft = Draft {
                department: Some((number % 3 == 0).then_some(it)),
                groups: Groups::Set(if number % 4 == 0 { vec![groups[number % 3].id] } else { Vec::new() }),
                ..Draft::default()
            };
            let draft = draft.with("username", format!("u{number:02}")).with("first_name", format!("N{}", number % 5));
            create(&portal, draft.with("is_active", (number % 2 == 0).to_string())).await.unwrap();
        }
        for sort in users::Column::ALL {
            for descending in [false, true] {
                let query = users::Query { sort, descending, ..users::Query::default() };
                let whole = users::page(&portal, &query, &users::From::Start, 100).await.unwrap();
                let whole: Vec<i64> = whole.rows.iter().map(|row| row.id).collect();
                assert_eq!(whole.len(), 17, "{query:?}");
                assert_eq!(walk(&portal, &query, false).await, whole, "{query:?} forwards");
                assert_eq!(walk(&portal, &query, true).await, whole, "{query:?} backwards");
            }
        }
        let query = users::Query::default().filtered("u0 n1");
        let found = users::page(&portal, &query, &users::From::Start, 100).await.unwrap();
        let found: Vec<&str> = found.rows.iter().map(|row| row.username.as_str()).collect();
        assert_eq!(found, ["u01", "u06"], "each word in any column");
        assert_eq!(users::count(&portal, &query).await.unwrap(), 2);
    }
}

/// All ids, page by page.
async fn walk(portal: &Portal, query: &users::Query, backwards: bool) -> Vec<i64> {
    let mut found = Vec::new();
    let mut from = if backwards { users::From::End } else { users::From::Start };
    loop {
        let page = users::page(portal, query, &from, 5).await.unwrap();
        let ids: Vec<i64> = page.rows.iter().map(|row| row.id).collect();
        let (first, last) =
            (page.rows.first().unwrap().place.clone(), page.rows.last().unwrap().place.clone());
        if backwards {
            found.splice(0..0, ids);
            from = users::From::Before(first);
        } else {
            found.extend(ids);
            from = users::From::After(last);
        }
        if if backwards { page.at_start } else { page.at_end } {
            return found;
        }
    }
}
