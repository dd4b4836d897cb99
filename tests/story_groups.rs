//! Groups: made, renamed, given permissions and members, deleted, and all of it taken back; who may; what Django's own log
//! says of it. On every engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[expect(dead_code, reason = "of the cast only some are needed here")]
#[path = "support/cast.rs"]
mod cast;

use std::collections::BTreeMap;

use cast::{Cast, crowd_in_group};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Outcome, Watch};
use portaldesk::db::Sql;
use portaldesk::directory::accounts::Groups;
use portaldesk::directory::groups::{self, Draft, Intent};
use portaldesk::directory::history::{self, Filter, From};
use portaldesk::directory::leaving::Leaving;
use portaldesk::directory::{Portal, Settings};
use portaldesk::error::{Kind, Result};
use portaldesk::portal::access::Level;
use support::{TestDb, digest, digest_of_tables};

/// What somebody wants of a group.
#[derive(Clone)]
enum Wish {
    Change(Intent),
    Delete(Box<Leaving>),
}

impl std::convert::From<Intent> for Wish {
    fn from(intent: Intent) -> Self {
        Self::Change(intent)
    }
}

impl std::convert::From<Leaving> for Wish {
    fn from(leaving: Leaving) -> Self {
        Self::Delete(Box::new(leaving))
    }
}

/// Applies it, as screens and the command line do.
async fn apply(portal: &Portal, wish: impl Into<Wish>) -> Result<Outcome> {
    let (writer, watch) = (portal.writer()?, Watch::default());
    match wish.into() {
        Wish::Change(intent) => writer.all_or_nothing(&intent.title(), intent.plans, &watch).await,
        Wish::Delete(leaving) => leaving.apply(&writer, &watch).await,
    }
}

async fn undo(portal: &Portal, outcome: &Outcome) -> Outcome {
    let operation = outcome.operation().expect("something was written").to_owned();
    let planned = history::plan_undo(portal, &operation, OldPassword::WorksAgain).await.unwrap();
    assert!(planned.left.is_empty(), "{:?}", planned.left);
    history::apply_undo(portal, &operation, planned, &Watch::default()).await.unwrap()
}

fn named(name: &str) -> Draft {
    Draft { name: Some(name.to_owned()), ..Draft::default() }
}

fn giving(permissions: &[i64]) -> Draft {
    Draft { permissions: Groups::Set(permissions.to_vec()), ..Draft::default() }
}

/// What Django's log has beyond the first so many entries: flag, object, message without our own mark.
async fn log(cast: &Cast, after: i64) -> Vec<(i64, String, String)> {
    let sql = Sql::new(
        "SELECT l.action_flag, l.object_repr, l.change_message, t.model FROM django_admin_log l \
         JOIN django_content_type t ON t.id = l.content_type_id WHERE l.id > ? ORDER BY l.id",
    );
    let rows = cast.db.all(sql.bind(after)).await.unwrap();
    let entry = |row: &portaldesk::db::Row| {
        let message = row.text(2).unwrap();
        let own = message.find(", \"portaldesk\"").map_or(message.len(), |at| at);
        let end = if own < message.len() { "}]" } else { "" };
        let object = format!("{} {}", row.text(3).unwrap(), row.text(1).unwrap());
        (row.int(0).unwrap(), object, format!("{}{end}", &message[..own]))
    };
    rows.iter().map(entry).collect()
}

async fn newest_entry(cast: &Cast) -> i64 {
    cast.db.number("SELECT COALESCE(MAX(id), 0) FROM django_admin_log").await
}

fn entry(flag: i64, object: &str, message: &str) -> (i64, String, String) {
    (flag, object.to_owned(), message.to_owned())
}

/// The usernames in a group.
async fn members(cast: &Cast, group: i64) -> Vec<String> {
    let sql = Sql::new(
        "SELECT u.username FROM auth_user_groups ug JOIN auth_user u ON u.id = ug.user_id WHERE ug.group_id = ? \
         ORDER BY u.id",
    );
    let rows = cast.db.all(sql.bind(group)).await.unwrap();
    rows.iter().map(|row| row.text(0).unwrap()).collect()
}

/// The tables whose rows a plan here may write.
const TABLES: [&str; 4] = ["auth_group", "auth_group_permissions", "auth_user_groups", "auth_user"];

async fn tables(cast: &Cast) -> BTreeMap<String, Vec<String>> {
    digest_of_tables(&cast.db, &cast.portal.schema, &TABLES).await
}

stories! {
    /// Each step leaves the rows in Django's log that its own admin leaves, and each is taken back to the byte.
    async fn a_group_lives_and_all_of_it_is_taken_back(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let view = cast.permission("view_user").await;
        let (start, first) = (digest(&cast.db).await, newest_entry(&cast).await);
        let mut done = Vec::new();

        done.push(apply(&root, groups::create(&root, "  LogGroup ", &[view]).await.unwrap()).await.unwrap());
        let id = groups::find(&root, "LogGroup").await.unwrap();
        let group = groups::list(&root).await.unwrap().into_iter().find(|group| group.id == id).unwrap();
        assert_eq!((group.level, group.members, group.permissions), (None, 0, 1));
        let both = Draft { name: Some("LogGroup2".to_owned()), permissions: Groups::Set(Vec::new()) };
        let intent = groups::edit(&root, id, &both).await.unwrap();
        assert_eq!(intent.title(), "Edit the group LogGroup");
        done.push(apply(&root, intent).await.unwrap());
        let intent = groups::edit(&root, id, &giving(&[view])).await.unwrap();
        assert_eq!(intent.title(), "Change the permissions of LogGroup2");
        done.push(apply(&root, intent).await.unwrap());
        let intent = groups::add(&root, id, &[cast.id("nora"), cast.id("ed")]).await.unwrap();
        assert_eq!(intent.title(), "Add 2 accounts to LogGroup2");
        done.push(apply(&root, intent).await.unwrap());
        assert_eq!(members(&cast, id).await, ["nora", "ed"]);
        let intent = groups::remove(&root, id, &[cast.id("ed"), cast.id("amy")]).await.unwrap();
        assert_eq!(intent.title(), "Remove ed from LogGroup2", "who is not in it is left out");
        done.push(apply(&root, intent).await.unwrap());
        let leaving = groups::delete(&root, id).await.unwrap();
        assert_eq!(leaving.notes(), ["The accounts of its 1 member stay."]);
        done.push(apply(&root, leaving).await.unwrap());

        let groups_of = |name: &str| entry(2, &format!("user {name}"), "[{\"changed\": {\"fields\": [\"Groups\"]}}]");
        assert_eq!(
            log(&cast, first).await,
            [
                entry(1, "group LogGroup", "[{\"added\": {}}]"),
                entry(2, "group LogGroup2", "[{\"changed\": {\"fields\": [\"Name\", \"Permissions\"]}}]"),
                entry(2, "group LogGroup2", "[{\"changed\": {\"fields\": [\"Permissions\"]}}]"),
                groups_of("nora"),
                groups_of("ed"),
                groups_of("ed"),
                entry(3, "group LogGroup2", ""),
            ]
        );
        for outcome in done.iter().rev() {
            undo(&root, outcome).await;
        }
        assert_eq!(digest(&cast.db).await, start);
    }

    /// The history of a group has who made it, what it was called and who came and went, and nothing of others.
    async fn a_group_has_a_history(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let (readers, keepers) = (cast.group("Readers"), cast.group("Keepers"));
        apply(&root, groups::edit(&root, readers, &named("Readers of all")).await.unwrap()).await.unwrap();
        apply(&root, groups::add(&root, readers, &[cast.id("nora")]).await.unwrap()).await.unwrap();
        apply(&root, groups::add(&root, keepers, &[cast.id("nora")]).await.unwrap()).await.unwrap();
        apply(&root, groups::edit(&root, readers, &giving(&[])).await.unwrap()).await.unwrap();
        let removed =
            apply(&root, groups::remove(&root, readers, &[cast.id("nora")]).await.unwrap()).await.unwrap();
        let titles = async |line: String| {
            let filter = Filter::read(&line).unwrap();
            let page = history::page(&root, &filter, From::Start, 50).await.unwrap();
            assert_eq!(history::count(&root, &filter).await.unwrap(), i64::try_from(page.entries.len()).unwrap());
            page.entries.iter().map(history::Entry::title).collect::<Vec<_>>()
        };
        let expected =
            ["Remove nora from Readers of all", "Add nora to Readers of all", "Rename the group Readers to Readers of all"];
        assert_eq!(titles(format!("group:#{readers}")).await, expected);
        assert_eq!(titles("group:\"Readers of all\" source:portaldesk".to_owned()).await, expected);
        assert_eq!(titles(format!("group:#{readers} source:portal")).await, [""; 0], "what we wrote stands there once");
        let record = groups::record(&root, readers).await.unwrap();
        assert_eq!(record.history.unwrap()[0].change.title, expected[0]);
        undo(&root, &removed).await;
        assert_eq!(titles(format!("group:#{readers}")).await[0], "Undo: Remove nora from Readers of all");
        let nobody = Filter::read("group:Raeders").unwrap();
        let error = history::page(&root, &nobody, From::Start, 5).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert!(!error.message.contains("othing was written"), "{error}");
    }

    /// More members than one transaction takes go with their group all the same, and come back with it.
    async fn a_large_group_goes_as_a_whole(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let readers = cast.group("Readers");
        crowd_in_group(&cast.db, readers, 1_100).await;
        let before = tables(&cast).await;
        let outcome = apply(&root, groups::delete(&root, readers).await.unwrap()).await.unwrap();
        assert_eq!((outcome.rows, outcome.operations.len()), (1_101, 3));
        assert!(groups::find(&root, "Readers").await.is_err());
        undo(&root, &outcome).await;
        assert_eq!(tables(&cast).await, before);

        // Many at once leave and come in the same way.
        let sql = Sql::new("SELECT id FROM auth_user WHERE username LIKE 'crowd%' ORDER BY id");
        let many: Vec<i64> =
            cast.db.all(sql).await.unwrap().iter().map(|row| row.int(0).unwrap()).collect();
        let left = apply(&root, groups::remove(&root, readers, &many).await.unwrap()).await.unwrap();
        assert_eq!((left.rows, left.operations.len()), (1_100, 3));
        let intent = groups::add(&root, readers, &many).await.unwrap();
        assert_eq!(intent.title(), "Add 1100 accounts to Readers");
        let came = apply(&root, intent).await.unwrap();
        assert_eq!(members(&cast, readers).await.len(), 1_100);
        undo(&root, &came).await;
        undo(&root, &left).await;
        assert_eq!(tables(&cast).await, before);
    }

    /// A group that vanished meanwhile is named, whatever was wanted of it, and nothing is written.
    async fn a_group_that_vanished_is_a_named_conflict(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let (readers, nora) = (cast.group("Readers"), cast.id("nora"));
        let view = cast.permission("view_user").await;
        apply(&root, groups::add(&root, readers, &[cast.id("ed")]).await.unwrap()).await.unwrap();
        let wishes: [Wish; 5] = [
            groups::edit(&root, readers, &named("Other")).await.unwrap().into(),
            groups::edit(&root, readers, &giving(&[view])).await.unwrap().into(),
            groups::add(&root, readers, &[nora]).await.unwrap().into(),
            groups::remove(&root, readers, &[cast.id("ed")]).await.unwrap().into(),
            groups::delete(&root, readers).await.unwrap().into(),
        ];
        cast.db.run(&format!("DELETE FROM auth_user_groups WHERE group_id = {readers}")).await;
        cast.db.run(&format!("DELETE FROM auth_group WHERE id = {readers}")).await;
        let before = tables(&cast).await;
        for wish in wishes {
            let error = apply(&root, wish).await.unwrap_err();
            assert_eq!(error.kind, Kind::Conflict, "{error}");
            assert!(error.message.contains("othing was written"), "{error}");
        }
        let error = groups::add(&root, readers, &[nora]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert_eq!(error.message, format!("There is no group with id {readers} any more; nothing was written."));
        for error in [
            groups::edit(&root, readers, &named("Other")).await.unwrap_err(),
            groups::delete(&root, readers).await.err().unwrap(),
            groups::record(&root, readers).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, Kind::Conflict, "{error}");
        }
        assert_eq!(tables(&cast).await, before);
    }

    /// Two plans for one membership: the second finds that it is there.
    async fn a_membership_given_meanwhile_is_not_doubled(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let (readers, nora) = (cast.group("Readers"), cast.id("nora"));
        let first = groups::add(&root, readers, &[nora]).await.unwrap();
        let second = first.clone();
        apply(&root, first).await.unwrap();
        let error = apply(&root, second).await.unwrap_err();
        assert_eq!(error.kind, Kind::Duplicate);
        assert!(error.message.starts_with("nora is already a member of Readers"), "{error}");
        let again = groups::add(&root, readers, &[nora]).await.unwrap();
        assert!(again.plans.iter().all(|plan| plan.steps.is_empty()));
        assert_eq!(again.notes, ["1 of 1 is in it already."]);
    }

    /// Whether a name is taken, and whether it is a role's, is the engine's to say.
    async fn names_are_equal_as_the_engine_has_it(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let alike = cast.db.number("SELECT COUNT(*) FROM auth_group WHERE name = 'READERS'").await == 1;
        let (readers, keepers) = (cast.group("Readers"), cast.group("Keepers"));
        match groups::create(&root, "READERS", &[]).await {
            Ok(_) => assert!(!alike),
            Err(error) => {
                assert!(alike, "{error}");
                assert_eq!((error.kind, error.message.as_str()), (
                    Kind::Duplicate,
                    "A group named 'Readers' exists already; nothing was written."
                ));
                assert!(error.fields.contains_key("name"));
            }
        }
        assert_eq!(groups::edit(&root, keepers, &named("READERS")).await.is_err(), alike);
        let own = groups::edit(&root, readers, &named("READERS")).await.unwrap();
        assert_eq!(own.title(), "Rename the group Readers to READERS", "its own name in other letters is free");
        // The role Auditor has no group yet.
        let role = |name: &'static str| {
            let root = &root;
            async move { groups::edit(root, readers, &named(name)).await.unwrap().notes }
        };
        let gives = |name: &str| vec![format!("Named {name} it gives the role AMC Admin.")];
        assert_eq!(role("Auditor").await, gives("Auditor"));
        assert_eq!(role("AUDITOR").await, if alike { gives("AUDITOR") } else { Vec::new() });
        apply(&root, groups::create(&root, "Auditor", &[]).await.unwrap()).await.unwrap();
        let found = groups::list(&root).await.unwrap();
        let auditor = found.iter().find(|group| group.name == "Auditor").unwrap();
        assert_eq!((auditor.level, auditor.description.as_str()), (Some(Level::AmcAdmin), ""));

        for (name, says) in [("", "This field is required."), (&"x".repeat(151), "at most 150")] {
            let error = groups::create(&root, name, &[]).await.unwrap_err();
            assert_eq!(error.kind, Kind::Invalid);
            assert!(error.fields["name"].join(" ").contains(says), "{error}");
        }
        let same = groups::edit(&root, readers, &named("Readers")).await.unwrap();
        assert!(same.plans.iter().all(|plan| plan.steps.is_empty()));
    }

    /// What a name means for the roles, and a permission for the admin, is said before.
    async fn what_it_means_is_said(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let engineer = cast.group("Engineer");
        let count = members(&cast, engineer).await.len();
        let intent = groups::edit(&root, engineer, &named("Technicians")).await.unwrap();
        assert_eq!(intent.notes, [format!(
            "Engineer is the portal's role Engineer by its name. With another name it is no role: its {count} members \
             lose it, here and in the portal."
        )]);
        assert_eq!(intent.grave.as_deref(), Some("Engineer"));
        let leaving = groups::delete(&root, engineer).await.unwrap();
        let notes = leaving.notes();
        assert!(notes[1].starts_with("It is the portal's role Engineer by its name."), "{notes:?}");
        let change = cast.permission("change_user").await;
        let readers = cast.group("Readers");
        apply(&root, groups::add(&root, readers, &[cast.id("stan"), cast.id("nora")]).await.unwrap()).await.unwrap();
        let intent = groups::edit(&root, readers, &giving(&[change])).await.unwrap();
        assert_eq!(intent.notes, [
            "This lets 1 of its members who are staff change accounts in the portal's admin: they become privileged."
        ]);
        let root_role = groups::create(&root, "Auditor", &[]).await.unwrap();
        assert_eq!(root_role.notes, ["By its name it gives the role AMC Admin to whoever is put into it."]);
    }

    /// By superuser, Admin, AMC Admin, Engineer: `y` allowed, `-` refused.
    async fn who_may(db: TestDb) {
        let cast = Cast::new(db).await;
        let view = cast.permission("view_user").await;
        let (readers, engineer, amc, admin) =
            (cast.group("Readers"), cast.group("Engineer"), cast.group("AMC Admin"), cast.group("Admin"));
        let (nora, ed, sue) = (cast.id("nora"), cast.id("ed"), cast.id("sue"));
        let by = &cast.portal;
        let all: [(&str, Wish, &str); 18] = [
            ("create", groups::create(by, "New", &[]).await.unwrap().into(), "yy--"),
            ("create with permissions", groups::create(by, "New", &[view]).await.unwrap().into(), "y---"),
            ("create a role", groups::create(by, "Auditor", &[]).await.unwrap().into(), "y---"),
            ("rename", groups::edit(by, readers, &named("Other")).await.unwrap().into(), "yy--"),
            ("make a role", groups::edit(by, readers, &named("Auditor")).await.unwrap().into(), "y---"),
            ("rename a role", groups::edit(by, engineer, &named("Other")).await.unwrap().into(), "y---"),
            ("permissions", groups::edit(by, readers, &giving(&[view])).await.unwrap().into(), "y---"),
            ("delete", groups::delete(by, readers).await.unwrap().into(), "yy--"),
            ("delete what carries", groups::delete(by, cast.group("Keepers")).await.unwrap().into(), "yy--"),
            ("delete a role", groups::delete(by, engineer).await.unwrap().into(), "y---"),
            ("add", groups::add(by, readers, &[nora]).await.unwrap().into(), "yy--"),
            ("add Engineer", groups::add(by, engineer, &[nora]).await.unwrap().into(), "yyy-"),
            ("add AMC Admin", groups::add(by, amc, &[nora]).await.unwrap().into(), "yy--"),
            ("add Admin", groups::add(by, admin, &[nora]).await.unwrap().into(), "yy--"),
            ("add a superuser", groups::add(by, readers, &[nora, sue]).await.unwrap().into(), "y---"),
            ("remove Engineer", groups::remove(by, engineer, &[ed]).await.unwrap().into(), "yyy-"),
            ("remove Admin", groups::remove(by, admin, &[cast.id("al")]).await.unwrap().into(), "yy--"),
            ("demote oneself", groups::remove(by, admin, &[cast.id("ann")]).await.unwrap().into(), "y---"),
        ];
        for (what, wish, expected) in all {
            let mut found = String::new();
            for actor in ["root", "ann", "max", "eve"] {
                let (portal, before) = (cast.by(actor), tables(&cast).await);
                match apply(&portal, wish.clone()).await {
                    Ok(outcome) => {
                        found.push('y');
                        undo(&cast.portal, &outcome).await;
                    }
                    Err(error) => {
                        found.push('-');
                        assert_eq!(error.kind, Kind::Denied, "{what} by {actor}: {error}");
                    }
                }
                assert_eq!(tables(&cast).await, before, "{what} by {actor}");
            }
            assert_eq!(found, expected, "{what}");
        }
    }

    /// Rows of other tables that refer to a group stand in its way, by name; empty tables don't.
    async fn what_refers_to_a_group_is_named(db: TestDb) {
        let cast = Cast::new(db).await;
        cast.db.run(
            "CREATE TABLE core_duty (id integer NOT NULL PRIMARY KEY, team_id integer NULL, \
             FOREIGN KEY (team_id) REFERENCES auth_group (id) ON DELETE SET NULL)",
        ).await;
        let portal = Portal::over(cast.db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let readers = cast.group("Readers");
        assert!(groups::delete(&portal, readers).await.is_ok());
        let late = groups::delete(&portal, readers).await.unwrap();
        cast.db.run(&format!("INSERT INTO core_duty VALUES (1, {readers}), (2, {readers})")).await;
        let error = groups::delete(&portal, readers).await.err().unwrap();
        assert_eq!(error.message, "Readers can't be deleted: core_duty holds 2 rows (team_id) that refer to it. Nothing was written.");
        let error = apply(&portal, late).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "the engine would have emptied them unseen");
        assert!(error.message.contains("core_duty"), "{error}");
    }

    /// A new group must not inherit who was in an old one.
    async fn a_new_group_inherits_no_ghosts(db: TestDb) {
        let cast = Cast::new(db).await;
        let next = cast.db.number("SELECT MAX(id) + 1 FROM auth_group").await;
        cast.db.without_foreign_keys(&format!(
            "INSERT INTO auth_user_groups (user_id, group_id) VALUES ({}, {next})", cast.id("nora")
        )).await;
        cast.db.count_up_to("auth_group", next - 1).await;
        let portal = Portal::over(cast.db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let error = apply(&portal, groups::create(&portal, "New", &[]).await.unwrap()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.contains("Repair REL-001 first"), "{error}");
        assert!(groups::find(&portal, "New").await.is_err());
    }
}
