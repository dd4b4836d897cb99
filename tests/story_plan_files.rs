//! A plan that was kept in a file does what it would have done at once, or nothing.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::plan_file::{self, PlanFile, fields, numbered};
use portaldesk::change::rows::{self, Lock};
use portaldesk::change::{Actor, Image, Plan, Ready, Require, Step, Value, Watch};
use portaldesk::db::{Cell, Dialect};
use portaldesk::directory::{Portal, Settings, groups};
use portaldesk::error::Kind;
use portaldesk::integrity::{Selection, preview, scan};
use serde_json::{Value as Json, json};
use support::{TestDb, digest};

async fn portal(db: &TestDb) -> Portal {
    Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// The file that these plans are printed into.
fn file_of(portal: &Portal, plans: &[Plan]) -> Json {
    let mut object = json!({"portaldesk": 1, "kind": "change", "dry_run": true, "plan": numbered(plans)});
    let target = portal.db.target();
    object.as_object_mut().unwrap().extend(fields(target.engine, &target.to_string(), plans, false).unwrap());
    object
}

/// Writes plans into a file and reads them back.
fn kept(portal: &Portal, plans: &[Plan]) -> PlanFile {
    plan_file::read(file_of(portal, plans).to_string().as_bytes()).unwrap()
}

async fn row(portal: &Portal, table: &str, id: i64) -> Image {
    let table = rows::table(&portal.schema, table).unwrap();
    let found = rows::by_keys(&mut portal.db.clone(), table, &[Image::id(id)], Lock::No).await.unwrap();
    found.into_iter().next().unwrap()
}

async fn rename(portal: &Portal, id: i64, name: &str) -> Plan {
    let mut plan = Plan::new(format!("Rename #{id}"));
    let set = vec![("first_name", Value::Cell(Cell::Text(name.to_owned())))];
    plan.update("auth_user", Image::id(id), row(portal, "auth_user", id).await, set);
    plan
}

stories! {
    /// New ids, the clock, requirements, adopting and odd values go through a file as if there were none.
    async fn a_kept_plan_does_what_it_would_have_done(db: TestDb) {
        let portal = portal(&db).await;
        let cho = db.add_user("cho").await;
        db.run(&format!("UPDATE auth_user SET email = 'a\u{202e}\u{e9}''\"', last_name = '  ' WHERE id = {cho}")).await;
        let setup = groups::setup(&portal).await.unwrap();
        assert!(!setup.steps.is_empty());
        let found = scan(&portal, &["PRF-001".to_owned()], None).await.unwrap();
        let mut plans = preview(&portal, &found.findings, &Selection::All, 100).await.unwrap();
        assert!(plans.iter().any(|plan| !plan.require.is_empty()));
        assert!(plans[0].steps.iter().any(|step| matches!(step, Step::Insert { adopt: Some(_), .. })));
        plans.insert(0, setup);
        plans.push(rename(&portal, cho, "Ch\u{f3}").await);
        let mut member = Plan::new("Give a new group to cho");
        let group = member.insert("auth_group", vec![("name", Value::Cell(Cell::Text("Night shift".to_owned())))]);
        member.insert(
            "auth_user_groups",
            vec![("user_id", Value::Cell(Cell::Int(cho))), ("group_id", Value::NewId(group))],
        );
        member.require.push(Require::Row { table: "auth_user".to_owned(), key: Image::id(cho) });
        plans.push(member);
        let without_secrets = |plan: &Plan| {
            let mut plan = plan.clone();
            for step in &mut plan.steps {
                if let Step::Update { before, .. } = step {
                    before.0.retain(|(column, cell)| column != "password" || cell.as_text() == Some("!"));
                }
            }
            plan
        };
        let file = kept(&portal, &plans);
        assert_eq!(file.plans, plans.iter().map(without_secrets).collect::<Vec<_>>());
        file.check(portal.dialect(), &portal.schema).unwrap();
        let writer = portal.writer().unwrap();
        writer.compare(&file.plans).await.unwrap();
        let count = file.plans.len();
        let outcome = writer.run("From a file", &mut Ready::new(file.plans), &Watch::default()).await.unwrap();
        assert_eq!((outcome.refused, outcome.operations.len()), (Vec::new(), count));
        let sql = "SELECT COUNT(*) FROM auth_user_groups WHERE group_id = (SELECT id FROM auth_group WHERE name = 'Night shift')";
        assert_eq!(db.number(sql).await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile").await, 1);
        assert_eq!(row(&portal, "auth_user", cho).await.text("first_name"), Some("Ch\u{f3}"));
    }

    /// The second plan's row changed: the first one is not written either, and the row is named.
    async fn what_changed_since_refuses_the_whole_file(db: TestDb) {
        let portal = portal(&db).await;
        let (cho, dana, evan) = (db.add_user("cho").await, db.add_user("dana").await, db.add_user("evan").await);
        let plans = [rename(&portal, cho, "C").await, rename(&portal, dana, "D").await, rename(&portal, evan, "E").await];
        let file = kept(&portal, &plans);
        db.run(&format!("UPDATE auth_user SET email = 'new@example.org' WHERE id = {dana}")).await;
        db.run(&format!("UPDATE auth_user SET last_login = '2026-01-02 03:04:05' WHERE id = {cho}")).await;
        db.run(&format!("DELETE FROM auth_user WHERE id = {evan}")).await;
        let before = digest(&db).await;
        let writer = portal.writer().unwrap();
        let error = writer.compare(&file.plans).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.starts_with("2 of 3 plans no longer fit; nothing was written."), "{error}");
        assert!(error.message.contains(&format!("auth_user id {dana} (email)")), "{error}");
        assert!(error.message.contains(&format!("The account with id {evan} is not there any more")), "{error}");
        assert_eq!(error.differences.len(), 1);
        assert_eq!((error.differences[0].column.as_str(), error.differences[0].theirs.as_str()), ("email", "new@example.org"));
        writer.compare(&file.plans[..1]).await.unwrap();
        assert_eq!(digest(&db).await, before);
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_fence").await, 0, "comparing leaves no trace");
    }

    async fn a_file_for_something_else_is_refused(db: TestDb) {
        let portal = portal(&db).await;
        let cho = db.add_user("cho").await;
        let before = digest(&db).await;
        let good = file_of(&portal, &[rename(&portal, cho, "C").await]);
        let refused = |change: &dyn Fn(&mut Json)| {
            let mut file = good.clone();
            file.as_object_mut().unwrap().remove("plan");
            change(&mut file);
            let read = plan_file::read(file.to_string().as_bytes());
            let error = read.and_then(|file| file.check(portal.dialect(), &portal.schema)).unwrap_err();
            assert_eq!(error.kind, Kind::Invalid, "{error}");
            error.message
        };
        let update = "/plans/0/steps/0/update";
        let set = |at: &str, value: Json| {
            let at = format!("{update}/{at}");
            refused(&move |file| *file.pointer_mut(&at).unwrap() = value.clone())
        };
        for table in ["portaldesk_change", "PORTALDESK_BASELINE", "auth_user; DROP TABLE auth_user", "nothing", "", "sqlite_sequence"] {
            set("table", json!(table));
        }
        for column in ["x", "first_name = 'x' --", "id\" = 1 OR \"id", ""] {
            assert!(set("set/0/0", json!(column)).contains("column"));
        }
        assert!(set("key/0/0", json!("username")).contains("primary key"));
        assert!(set("key/0/1", json!(cho + 1)).contains("is not the one that its key names"));
        assert!(set("set/0/1", json!({"new_id": 1})).contains("no earlier step makes"));
        assert!(set("set", json!([])).contains("writes no column"));
        assert!(set("before", json!([["x", 1]])).contains("no column 'x'"));
        let other = if portal.dialect() == Dialect::Sqlite { "mysql" } else { "sqlite" };
        assert!(refused(&|file| file["engine"] = json!(other)).contains("it was made for"));
        assert!(refused(&|file| file["plans"][0]["undo_of"] = json!("x'; --")).contains("is no operation"));
        assert!(refused(&|file| {
            file["plans"][0]["steps"] = json!([{"ddl": {"table": "auth_user", "alter": {"drop_table": {}}}}]);
        }).contains("plan 1"));
        assert_eq!(digest(&db).await, before);
    }
}
