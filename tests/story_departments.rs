//! Departments: made, edited, switched off, merged and deleted, with what becomes of their members, and all of it taken
//! back; who may; what Django's own log says of it. On every engine.
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

use cast::{Cast, crowd_in_department};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Outcome, Watch};
use portaldesk::db::Sql;
use portaldesk::directory::departments::{self, Draft, Keep, Side, To, members};
use portaldesk::directory::history::{self, Filter, From};
use portaldesk::directory::leaving::Leaving;
use portaldesk::directory::{Portal, Settings};
use portaldesk::error::{Error, Kind, Result};
use portaldesk::integrity;
use support::{TestDb, digest};

async fn create(portal: &Portal, draft: &Draft) -> Result<i64> {
    let outcome = portal.writer()?.apply(departments::create(portal, draft).await?).await?;
    Ok(outcome.written[0].key.int("id").expect("an id"))
}

async fn edit(portal: &Portal, id: i64, draft: &Draft) -> Result<Outcome> {
    portal.writer()?.apply(departments::edit(portal, id, draft).await?).await
}

async fn go(portal: &Portal, leaving: Leaving) -> Result<Outcome> {
    leaving.check().await?;
    leaving.apply(&portal.writer()?, &Watch::default()).await
}

async fn undo(portal: &Portal, outcome: &Outcome) -> Outcome {
    let operation = outcome.operation().expect("something was written").to_owned();
    let planned = history::plan_undo(portal, &operation, OldPassword::WorksAgain).await.unwrap();
    assert!(planned.left.is_empty(), "{:?}", planned.left);
    history::apply_undo(portal, &operation, planned, &Watch::default()).await.unwrap()
}

fn named(name: &str) -> Draft {
    Draft::default().with("name", name)
}

/// That it was refused, in which way, and that the words say so.
fn refused<T>(result: Result<T>, kind: Kind, words: &str) -> Error {
    let Err(error) = result else { panic!("it was not refused: {words}") };
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(words), "{error}");
    error
}

/// What Django's log says of departments: flag, object, and the message without our own mark.
async fn log(db: &TestDb) -> Vec<(i64, String, String)> {
    let sql = Sql::new(
        "SELECT l.action_flag, l.object_repr, l.change_message FROM django_admin_log l \
         JOIN django_content_type t ON t.id = l.content_type_id \
         WHERE t.app_label = 'core' AND t.model = 'department' ORDER BY l.id",
    );
    let entry = |row: &portaldesk::db::Row| {
        let message = row.text(2).unwrap();
        let message = match message.find(", \"portaldesk\"") {
            Some(at) => format!("{}}}]", &message[..at]),
            None => message,
        };
        (row.int(0).unwrap(), row.text(1).unwrap(), message)
    };
    db.all(sql).await.unwrap().iter().map(entry).collect()
}

/// The people, and no department yet.
async fn cast(db: TestDb) -> Cast {
    let cast = Cast::new(db).await;
    cast.db.run("DELETE FROM core_department").await;
    cast
}

/// Puts somebody's profile into a department, as the portal itself would meanwhile.
async fn join(cast: &Cast, username: &str, department: i64) {
    let user = cast.id(username);
    cast.db
        .run(&format!("UPDATE core_userprofile SET department_id = {department} WHERE user_id = {user}"))
        .await;
}

async fn members_of(portal: &Portal, department: i64) -> i64 {
    members::of(portal, department).await.unwrap().expect("profiles").all
}

/// A table of the portal's that refers to departments, as an app of its own makes it.
async fn complaints(db: &TestDb, unique: &str) {
    db.run(&format!(
        "CREATE TABLE core_complaint (id integer NOT NULL PRIMARY KEY, department_id bigint NULL {unique}, \
         FOREIGN KEY (department_id) REFERENCES core_department (id))"
    ))
    .await;
}

/// Two departments, nobody in them.
async fn sales_and_it(portal: &Portal) -> (i64, i64) {
    (create(portal, &named("Sales")).await.unwrap(), create(portal, &named("IT")).await.unwrap())
}

stories! {
    /// A department is made, renamed, described and switched off; the log says so as Django's own admin does, and every
    /// write is taken back to the byte.
    async fn a_department_is_made_and_changed(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let empty = digest(&cast.db).await;
        let plan = departments::create(&portal, &named(" Log Dept 2 ")).await.unwrap();
        let made = portal.writer().unwrap().apply(plan).await.unwrap();
        let id = made.written[0].key.int("id").unwrap();
        let found = departments::by_id(&portal, id).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.is_active), ("Log Dept 2", true));
        assert_eq!(found.description, "");
        assert!(found.created_at.is_some());

        let before = digest(&cast.db).await;
        let draft = named("Log Dept 3").with("description", "one\r\ntwo ").with("is_active", "false");
        let changed = edit(&portal, id, &draft).await.unwrap();
        assert_eq!(departments::by_id(&portal, id).await.unwrap().unwrap().description, "one\ntwo");
        undo(&portal, &changed).await;
        assert_eq!(digest(&cast.db).await, before);

        let nothing = edit(&portal, id, &named("Log Dept 2").with("is_active", "true")).await.unwrap();
        assert_eq!(nothing.operation(), None, "what is so already is not written");
        let off = departments::set_active(&portal, id, false).await.unwrap();
        assert_eq!(off.title, "Deactivate department Log Dept 2");
        undo(&portal, &made).await;
        assert_eq!(digest(&cast.db).await, empty);
        let fields = r#"[{"changed": {"fields": ["Name", "Description", "Is active"]}}]"#;
        let entry = |flag, name: &str, message: &str| (flag, name.to_owned(), message.to_owned());
        assert_eq!(log(&cast.db).await, [
            entry(1, "Log Dept 2", r#"[{"added": {}}]"#),
            entry(2, "Log Dept 3", fields),
            entry(2, "Log Dept 2", fields),
            entry(3, "Log Dept 2", ""),
        ]);
    }

    /// Names are unique by the engine's own equality, and every rule is said at its field.
    async fn names_are_ruled(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let it = create(&portal, &named("IT")).await.unwrap();
        let before = digest(&cast.db).await;
        let taken = refused(create(&portal, &named("IT")).await, Kind::Duplicate, "'IT' exists already");
        assert!(taken.fields.contains_key("name"));
        refused(create(&portal, &Draft::default()).await, Kind::Invalid, "needs a name");
        let long = named(&"x".repeat(101)).with("description", "a\u{1b}b");
        let wrong = refused(create(&portal, &long).await, Kind::Invalid, "at most 100 characters");
        assert_eq!(wrong.fields.keys().collect::<Vec<_>>(), ["description", "name"]);
        assert_eq!(digest(&cast.db).await, before);

        // What is equal is the column's to say: "it" is another name on two engines, and the same on the third.
        let same = cast.db.number("SELECT COUNT(*) FROM core_department WHERE name = 'it'").await > 0;
        assert_eq!(create(&portal, &named("it")).await.is_err(), same);
        edit(&portal, it, &named("It")).await.expect("its own name in another spelling");

        // Two who give the same name: the second is told, whatever was looked up before.
        let plan = departments::create(&portal, &named("Sales")).await.unwrap();
        create(&portal, &named("Sales")).await.unwrap();
        let late = portal.writer().unwrap().apply(plan).await.unwrap_err();
        assert_eq!(late.kind, Kind::Duplicate, "{late}");
        assert!(late.fields.contains_key("name"), "{late:?}");
    }

    /// Where the members go has to be said. Left without one they are as Django leaves them, `updated_at` untouched.
    async fn a_department_is_deleted(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let (sales, it) = sales_and_it(&portal).await;
        join(&cast, "eve", sales).await;
        join(&cast, "ed", sales).await;
        cast.db.run("UPDATE core_userprofile SET updated_at = '2026-01-02 03:04:05'").await;
        let before = digest(&cast.db).await;
        let error = refused(departments::delete(&portal, sales, None).await, Kind::Invalid, "Sales has 2 members");
        assert!(error.fields.contains_key("members"));
        refused(departments::delete(&portal, sales, Some(To::Department(sales))).await, Kind::Invalid, "another department");

        let moved = departments::delete(&portal, sales, Some(To::Department(it))).await.unwrap();
        assert_eq!((moved.title(), moved.rows()), ("Delete department Sales", 3));
        assert_eq!(moved.notes(), ["2 members of Sales move to IT."]);
        let done = go(&portal, moved).await.unwrap();
        assert_eq!((done.rows, members_of(&portal, it).await), (3, 2));
        assert_eq!(log(&cast.db).await.last().unwrap(), &(3, "Sales".to_owned(), String::new()));
        undo(&portal, &done).await;
        assert_eq!(members_of(&portal, sales).await, 2);

        cast.db.run("UPDATE core_userprofile SET updated_at = '2026-01-02 03:04:05'").await;
        assert_eq!(digest(&cast.db).await, before, "the id too");
        let left = departments::delete(&portal, sales, Some(To::Nowhere)).await.unwrap();
        assert_eq!(left.notes(), ["2 members of Sales are left without a department."]);
        let done = go(&portal, left).await.unwrap();
        let untouched = "SELECT COUNT(*) FROM core_userprofile WHERE department_id IS NULL AND updated_at < '2026-01-03'";
        assert!(cast.db.number(untouched).await >= 2);
        undo(&portal, &done).await;
        assert_eq!(digest(&cast.db).await, before);
        let nobody = departments::delete(&portal, it, None).await.unwrap();
        go(&portal, nobody).await.expect("nobody is in it");
    }

    /// Rows of other tables stop a delete, by name, and follow a merge; where only one may have such a row, nothing is
    /// merged.
    async fn what_refers_to_a_department_follows(db: TestDb) {
        let cast = cast(db).await;
        complaints(&cast.db, "").await;
        let portal = Portal::over(cast.db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let (sales, it) = sales_and_it(&portal).await;
        cast.db.run(&format!("INSERT INTO core_complaint VALUES (1, {sales}), (2, {it}), (3, {sales})")).await;
        join(&cast, "eve", sales).await;
        let before = digest(&cast.db).await;
        let delete = departments::delete(&portal, sales, Some(To::Department(it))).await;
        refused(delete, Kind::Conflict, "core_complaint holds 2 rows (department_id), referring to it");
        let record = departments::read(&portal, sales).await.unwrap();
        assert_eq!(record.elsewhere.iter().map(|it| (it.table.as_str(), it.rows)).collect::<Vec<_>>(), [
            ("core_complaint", 2)
        ]);

        let merge = departments::merge(&portal, sales, it, &Keep::default()).await.unwrap();
        assert!(merge.notes().contains(&"core_complaint holds 2 rows (department_id), which follow.".to_owned()));
        let done = go(&portal, merge).await.unwrap();
        assert_eq!(cast.db.number("SELECT COUNT(DISTINCT department_id) FROM core_complaint").await, 1);
        undo(&portal, &done).await;
        let set_back = "UPDATE core_userprofile SET updated_at = created_at";
        cast.db.run(set_back).await;
        let after = digest(&cast.db).await;
        assert_eq!(after["core_complaint"], before["core_complaint"]);
        assert_eq!(after["core_department"], before["core_department"]);
        assert_eq!(members_of(&portal, sales).await, 1);
    }

    /// A one-to-one row of both departments can't follow to one.
    async fn only_one_of_two_exclusive_rows_could_stay(db: TestDb) {
        let cast = cast(db).await;
        complaints(&cast.db, "UNIQUE").await;
        let portal = Portal::over(cast.db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let (sales, it) = sales_and_it(&portal).await;
        cast.db.run(&format!("INSERT INTO core_complaint VALUES (1, {sales}), (2, {it})")).await;
        let merge = departments::merge(&portal, sales, it, &Keep::default()).await;
        refused(merge, Kind::Conflict, "both have a row in core_complaint");
        cast.db.run("DELETE FROM core_complaint WHERE id = 2").await;
        go(&portal, departments::merge(&portal, sales, it, &Keep::default()).await.unwrap()).await.unwrap();
    }

    /// Whose name, description and state stays is chosen; what the other leaves behind is said.
    async fn two_departments_become_one(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let draft = named("Sales").with("description", "sells").with("is_active", "false");
        let sales = create(&portal, &draft).await.unwrap();
        let it = create(&portal, &named("IT")).await.unwrap();
        join(&cast, "eve", sales).await;
        cast.db.run("UPDATE core_userprofile SET updated_at = created_at").await;
        let before = digest(&cast.db).await;
        let same = departments::merge(&portal, it, it, &Keep::default()).await;
        let error = refused(same, Kind::Invalid, "IT can't be merged into itself; nothing was written");
        assert!(error.fields.contains_key("into"));

        let merge = departments::merge(&portal, sales, it, &Keep::default()).await.unwrap();
        assert_eq!(merge.notes(), [
            "1 member of Sales moves to IT.",
            "Left behind: the name 'Sales'.",
            "Left behind: that it was inactive.",
        ]);
        let done = go(&portal, merge).await.unwrap();
        let one = departments::by_id(&portal, it).await.unwrap().unwrap();
        assert_eq!((one.name.as_str(), one.description.as_str(), one.is_active), ("IT", "sells", true));
        undo(&portal, &done).await;
        cast.db.run("UPDATE core_userprofile SET updated_at = created_at").await;
        assert_eq!(digest(&cast.db).await, before);

        let keep = Keep { name: Side::Goes, description: Some(Side::Stays), is_active: Side::Goes };
        let merge = departments::merge(&portal, sales, it, &keep).await.unwrap();
        assert_eq!(merge.title(), "Merge department Sales into IT");
        assert!(merge.notes().contains(&"Left behind: the description 'sells'.".to_owned()));
        assert!(merge.notes().iter().any(|note| note.contains("inactive: forms leave it out")));
        let done = go(&portal, merge).await.unwrap();
        let one = departments::by_id(&portal, it).await.unwrap().unwrap();
        assert_eq!((one.name.as_str(), one.description.as_str(), one.is_active), ("Sales", "", false));
        undo(&portal, &done).await;
        cast.db.run("UPDATE core_userprofile SET updated_at = created_at").await;
        assert_eq!(digest(&cast.db).await, before, "the name that both had comes back to each");
    }

    /// 1,200 members are more than one transaction takes: still one change, all of it or nothing, and one undo.
    async fn a_large_merge_is_one_change(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let (sales, it) = sales_and_it(&portal).await;
        crowd_in_department(&cast.db, sales, 1_200).await;
        cast.db.run("UPDATE core_userprofile SET updated_at = created_at").await;
        let before = digest(&cast.db).await;
        let keep = Keep::default();
        let merge = || departments::merge(&portal, sales, it, &keep);
        let done = go(&portal, merge().await.unwrap()).await.unwrap();
        assert_eq!((done.operations.len(), done.rows, members_of(&portal, it).await), (3, 1_201, 1_200));
        let newest = history::page(&portal, &Filter::default(), From::Start, 1).await.unwrap();
        assert_eq!(newest.entries[0].title(), "Merge department Sales into IT (3 of 3)");
        undo(&portal, &done).await;
        cast.db.run("UPDATE core_userprofile SET updated_at = created_at").await;
        assert_eq!(digest(&cast.db).await, before);

        // Who joins while it is reviewed was shown to nobody.
        let reviewed = merge().await.unwrap();
        join(&cast, "eve", sales).await;
        let joined = digest(&cast.db).await;
        refused(go(&portal, reviewed).await, Kind::Conflict, "eve joined Sales meanwhile");
        assert_eq!(digest(&cast.db).await, joined);
    }

    /// Somebody who joins while the first of several transactions runs: what was moved before is taken back.
    async fn who_joins_in_the_middle_stops_it(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let (sales, it) = sales_and_it(&portal).await;
        crowd_in_department(&cast.db, sales, 600).await;
        let before = members_of(&portal, sales).await;
        let (db, user) = (cast.db.second().await, cast.id("eve"));
        let joins = std::sync::Arc::new(move |_| {
            let db = db.clone();
            // Another program, between two transactions of ours.
            let joined = std::thread::spawn(move || {
                support::runtime().block_on(async move {
                    db.script(vec![format!(
                        "UPDATE core_userprofile SET department_id = {sales} WHERE user_id = {user}"
                    )])
                    .await
                })
            });
            joined.join().unwrap().unwrap();
        });
        let watch = Watch { progress: Some(joins), ..Watch::default() };
        let merge = departments::merge(&portal, sales, it, &Keep::default()).await.unwrap();
        let error = refused(
            merge.apply(&portal.writer().unwrap(), &watch).await,
            Kind::Conflict,
            "eve joined Sales meanwhile",
        );
        assert!(error.message.contains("What was written before that was taken back"), "{error}");
        assert_eq!(members_of(&portal, sales).await, before + 1);
        assert_eq!(members_of(&portal, it).await, 0);
    }

    /// A department that vanished meanwhile is named, whichever of the two it was.
    async fn a_department_vanished_meanwhile(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let (sales, it) = sales_and_it(&portal).await;
        join(&cast, "eve", sales).await;
        let plan = departments::edit(&portal, it, &named("Information")).await.unwrap();
        let merge = departments::merge(&portal, sales, it, &Keep::default()).await.unwrap();
        cast.db.run(&format!("DELETE FROM core_department WHERE id = {it}")).await;
        refused(portal.writer().unwrap().apply(plan).await, Kind::Conflict, "not there any more");
        refused(merge.apply(&portal.writer().unwrap(), &Watch::default()).await, Kind::Conflict, "any more");
        refused(departments::delete(&portal, it, None).await, Kind::Conflict, "no department with id");
        refused(departments::read(&portal, it).await, Kind::Invalid, "no department with id");
        assert_eq!(members_of(&portal, sales).await, 1);
    }

    /// Only an Admin changes departments, and nobody moves an account that is not theirs to change.
    async fn who_may(db: TestDb) {
        let cast = cast(db).await;
        let root = cast.by("root");
        let (sales, it) = sales_and_it(&root).await;
        join(&cast, "root", sales).await;
        let before = digest(&cast.db).await;
        refused(create(&cast.by("max"), &named("New")).await, Kind::Denied, "needs the role Admin");
        refused(create(&cast.by("eve"), &named("New")).await, Kind::Denied, "needs the role Admin");
        let admin = cast.by("ann");
        let merge = departments::merge(&admin, sales, it, &Keep::default()).await.unwrap();
        refused(merge.check().await, Kind::Denied, "privileged");
        refused(merge.apply(&admin.writer().unwrap(), &Watch::default()).await, Kind::Denied, "privileged");
        assert_eq!(digest(&cast.db).await, before);
        create(&admin, &named("New")).await.expect("an Admin may");
    }

    /// Some of the members move, or all; who is somewhere else by then stays there.
    async fn members_are_moved(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let (sales, it) = sales_and_it(&portal).await;
        join(&cast, "eve", sales).await;
        join(&cast, "ed", sales).await;
        let one = [cast.id("eve")];
        let some = departments::move_members(&portal, sales, Some(&one), To::Department(it)).await.unwrap();
        assert_eq!((some.title(), some.people()), ("Move 1 member of Sales to IT", 1));
        let done = go(&portal, some).await.unwrap();
        assert_eq!((members_of(&portal, sales).await, members_of(&portal, it).await), (1, 1));
        undo(&portal, &done).await;
        let all = departments::move_members(&portal, sales, None, To::Nowhere).await.unwrap();
        join(&cast, "ed", it).await;
        go(&portal, all).await.unwrap();
        assert_eq!((members_of(&portal, sales).await, members_of(&portal, it).await), (0, 1));
        let filter = Filter { department: Some(format!("#{sales}")), ..Filter::default() };
        let page = history::page(&portal, &filter, From::Start, 10).await.unwrap();
        assert!(page.entries.len() >= 4, "made, moved, taken back, moved");
    }

    /// What is wrong with departments is known of each, and what is switched off says who stays inside.
    async fn findings_and_who_stays_inside(db: TestDb) {
        let cast = cast(db).await;
        let portal = cast.by("root");
        let sales = create(&portal, &named("Sales")).await.unwrap();
        let twin = create(&portal, &named("Sales.")).await.unwrap();
        join(&cast, "eve", sales).await;
        assert_eq!(integrity::of_departments(&portal).await.unwrap().get(&sales), None);
        let plan = departments::set_active(&portal, sales, false).await.unwrap();
        let inside = departments::left_inside(&portal, &plan).await.unwrap().unwrap();
        assert_eq!(inside.in_words().unwrap(), "1 active account stays in Sales: eve; forms leave the department out, \
                                                and its members with it (DEP-001).");
        portal.writer().unwrap().apply(plan).await.unwrap();
        let found = integrity::of_departments(&portal).await.unwrap();
        assert_eq!(found[&sales].iter().map(|it| it.id).collect::<Vec<_>>(), ["DEP-001"]);
        assert!(!found.contains_key(&twin));
        assert_eq!(members::all(&portal).await.unwrap().unwrap()[&sales].active, 1);
    }

    /// What a portal lacks disables only what needs it, by name.
    async fn a_portal_that_lacks_something(db: TestDb) {
        let cast = cast(db).await;
        create(&cast.by("root"), &named("IT")).await.unwrap();
        cast.db.run("ALTER TABLE core_department DROP COLUMN description").await;
        let over = || Portal::over(cast.db.db.clone(), Settings::default(), Actor::unix("tester", None));
        let portal = over().await.unwrap();
        let id = departments::find(&portal, "IT").await.unwrap();
        assert_eq!(departments::read(&portal, id).await.unwrap().department.description, "");
        let draft = named("Other").with("description", "words");
        refused(create(&portal, &draft).await, Kind::Conflict, "column core_department.description is missing");
        create(&portal, &named("Other")).await.expect("without a description");
        edit(&portal, id, &named("It")).await.unwrap();

        cast.db.without_foreign_keys("DROP TABLE core_department").await;
        let portal = over().await.unwrap();
        assert!(departments::list(&portal, &[]).await.unwrap().is_empty());
        refused(departments::find(&portal, "IT").await, Kind::Conflict, "table core_department is missing");
        refused(create(&portal, &named("IT")).await, Kind::Conflict, "table core_department is missing");
        refused(departments::delete(&portal, id, None).await, Kind::Conflict, "table core_department is missing");
    }
}
