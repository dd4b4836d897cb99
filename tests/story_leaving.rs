//! Members who leave a department or a group that goes, in more than one transaction: killed in the middle, it is gone on
//! with, or taken back, as one change; who joined meanwhile stops it; and who is asked about runs that were stopped.
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

use std::sync::Arc;

use cast::{Cast, crowd_in_department, crowd_in_group};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Outcome, Owner, Progress, Watch};
use portaldesk::db::Sql;
use portaldesk::directory::bulk::{self, Change, Extent};
use portaldesk::directory::departments::{self, Draft, Keep, To, members};
use portaldesk::directory::leaving::Leaving;
use portaldesk::directory::{Portal, groups, history, names};
use portaldesk::error::{Kind, Result};
use portaldesk::integrity::runs::{self, Listed, Resumed, State};
use portaldesk::tui::plan_diff;
use support::{TestDb, digest, wait_until};

/// More than two transactions take.
const CROWD: usize = 1_200;

/// The people, and the departments Sales, with a crowd in it, and IT.
async fn portal_with_a_crowd(db: TestDb) -> (Cast, Portal, i64, i64) {
    let cast = Cast::new(db).await;
    cast.db.run("DELETE FROM core_department").await;
    let root = cast.by("root");
    let (sales, it) = (department(&root, "Sales").await, department(&root, "IT").await);
    crowd_in_department(&cast.db, sales, CROWD).await;
    as_at_first(&cast.db).await;
    (cast, root, sales, it)
}

async fn department(portal: &Portal, name: &str) -> i64 {
    let plan = departments::create(portal, &Draft::default().with("name", name)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap().written[0].key.int("id").unwrap()
}

/// Undo leaves the time of its own writing.
async fn as_at_first(db: &TestDb) {
    db.run("UPDATE core_userprofile SET updated_at = created_at").await;
}

async fn merge(portal: &Portal, from: i64, into: i64) -> Leaving {
    departments::merge(portal, from, into, &Keep::default()).await.unwrap()
}

async fn inside(portal: &Portal, department: i64) -> i64 {
    members::of(portal, department).await.unwrap().unwrap().all
}

/// Begins it in a program that is gone once so many rows are written; the run.
async fn killed(cast: &Cast, leaving: Leaving, after: u64) -> Listed {
    let tell = move |progress: Progress| assert!(progress.done < after, "the program ends here");
    let watch = Watch { progress: Some(Arc::new(tell)), ..Watch::default() };
    let writer = cast.by("root").writer().unwrap();
    let program = tokio::spawn(async move { leaving.apply(&writer, &watch).await });
    assert!(program.await.unwrap_err().is_panic());
    // In a test the process lives on, and notes that the run stopped.
    wait_until("the run has stopped", async || {
        cast.db.number("SELECT COUNT(*) FROM portaldesk_run WHERE state = 'running'").await == 0
    })
    .await;
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    child.wait().unwrap();
    let dead = Owner { pid, ..Owner::of_process("alice") };
    cast.db
        .run(&format!(
            "UPDATE portaldesk_run SET state = 'running', owner = '{dead}' WHERE state = 'stopped'"
        ))
        .await;
    let mut found = runs::to_ask(&cast.by("root")).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn resume(portal: &Portal, run: &str) -> Result<Outcome> {
    match runs::resume(portal, run, &Watch::default()).await? {
        Resumed::Other(outcome) => Ok(outcome),
        Resumed::Repair(_) => panic!("no repair"),
    }
}

async fn undo(portal: &Portal, run: &str) {
    let planned = history::plan_undo(portal, run, OldPassword::WorksAgain).await.unwrap();
    assert_eq!(planned.left, Vec::<String>::new());
    let outcome = history::apply_undo(portal, run, planned, &Watch::default()).await.unwrap();
    assert_eq!(outcome.refused, []);
}

/// What the plans of a run are called.
async fn titles(db: &TestDb, run: &str) -> Vec<String> {
    let sql = Sql::new("SELECT title FROM portaldesk_change WHERE run = ? ORDER BY run_seq").bind(run);
    db.all(sql).await.unwrap().iter().map(|row| row.text(0).unwrap()).collect()
}

stories! {
    /// What the killed program wrote stands; another one goes on with the rest, and one undo takes back all of it.
    async fn a_killed_merge_is_gone_on_with(db: TestDb) {
        let (cast, root, sales, it) = portal_with_a_crowd(db).await;
        let before = digest(&cast.db).await;
        let listed = killed(&cast, merge(&root, sales, it).await, 500).await;
        assert_eq!(listed.words(), "Run 'Merge department Sales into IT' stopped at 500 of 1 201");
        assert!(listed.can_go_on());
        assert_eq!((inside(&root, sales).await, inside(&root, it).await), (700, 500));

        let run = listed.run.id;
        let outcome = resume(&root, &run).await.unwrap();
        assert_eq!((outcome.refused.as_slice(), outcome.stopped, outcome.rows), (&[][..], false, 701));
        assert_eq!(inside(&root, it).await, 1_200);
        assert!(departments::by_id(&root, sales).await.unwrap().is_none());
        assert_eq!(titles(&cast.db, &run).await, [1, 2, 3].map(|at| {
            format!("Merge department Sales into IT ({at} of 3)")
        }));
        let done = runs::show(&root, &run).await.unwrap();
        assert_eq!((done.state, done.far()), (State::Done, "1 201 of 1 201".to_owned()));
        undo(&root, &run).await;
        as_at_first(&cast.db).await;
        assert_eq!(digest(&cast.db).await, before);
    }

    /// The other answer: what the killed program wrote is taken back, and there is nothing to go on with.
    async fn a_killed_merge_is_taken_back(db: TestDb) {
        let (cast, root, sales, it) = portal_with_a_crowd(db).await;
        let before = digest(&cast.db).await;
        let run = killed(&cast, merge(&root, sales, it).await, 1_000).await.run.id;
        undo(&root, &run).await;
        as_at_first(&cast.db).await;
        assert_eq!(digest(&cast.db).await, before);
        assert_eq!(runs::to_ask(&root).await.unwrap(), []);
        assert_eq!(resume(&root, &run).await.unwrap_err().kind, Kind::Conflict);
    }

    /// Who joined after the kill was shown to nobody: it stops again, keeps what it wrote, and ends when they are gone.
    async fn who_joined_a_killed_merge_stops_it_again(db: TestDb) {
        let (cast, root, sales, it) = portal_with_a_crowd(db).await;
        let run = killed(&cast, merge(&root, sales, it).await, 500).await.run.id;
        let eve = cast.id("eve");
        let put = async |department: &str| {
            let sql = format!("UPDATE core_userprofile SET department_id = {department} WHERE user_id = {eve}");
            cast.db.run(&sql).await;
        };
        put(&sales.to_string()).await;
        let outcome = resume(&root, &run).await.unwrap();
        assert!(outcome.stopped && outcome.operations.is_empty());
        assert!(outcome.refused[0].1.message.contains("eve joined Sales meanwhile"), "{outcome:?}");
        assert_eq!((inside(&root, sales).await, inside(&root, it).await), (701, 500));
        assert_eq!(runs::to_ask(&root).await.unwrap().len(), 1, "it is asked about again");

        put("NULL").await;
        let outcome = resume(&root, &run).await.unwrap();
        assert_eq!((outcome.refused, outcome.stopped), (Vec::new(), false));
        assert_eq!(inside(&root, it).await, 1_200);
    }

    /// A department that goes, one whose members are moved, and a group: all are gone on with in the same way.
    async fn other_killed_runs_are_gone_on_with(db: TestDb) {
        let (cast, root, sales, it) = portal_with_a_crowd(db).await;
        let readers = cast.group("Readers");
        cast.db
            .run(&format!(
                "INSERT INTO auth_user_groups (user_id, group_id) SELECT id, {readers} FROM auth_user \
                 WHERE username LIKE 'crowd%'"
            ))
            .await;
        let before = digest(&cast.db).await;
        let all = [
            departments::delete(&root, sales, Some(To::Nowhere)).await.unwrap(),
            departments::move_members(&root, sales, None, To::Department(it)).await.unwrap(),
            groups::delete(&root, readers).await.unwrap(),
        ];
        for leaving in all {
            let (title, rows) = (leaving.title().to_owned(), leaving.rows() as u64);
            let run = killed(&cast, leaving, 500).await.run.id;
            let outcome = resume(&root, &run).await.unwrap();
            assert_eq!((outcome.refused, outcome.rows), (Vec::new(), rows - 500), "{title}");
            assert_eq!(titles(&cast.db, &run).await.last().unwrap(), &format!("{title} (3 of 3)"));
            undo(&root, &run).await;
            as_at_first(&cast.db).await;
            assert_eq!(digest(&cast.db).await, before, "{title}");
        }
    }

    /// Who stops it themself wants none of it: it is taken back, and nobody is asked about it.
    async fn a_stopped_merge_is_taken_back_at_once(db: TestDb) {
        let (cast, root, sales, it) = portal_with_a_crowd(db).await;
        let before = digest(&cast.db).await;
        let watch = Watch::default();
        let cancel = watch.cancel.clone();
        let watch = Watch { progress: Some(Arc::new(move |_| cancel.cancel())), ..watch };
        let error = merge(&root, sales, it).await.apply(&root.writer().unwrap(), &watch).await.unwrap_err();
        assert!(error.message.contains("What was written before that was taken back"), "{error}");
        as_at_first(&cast.db).await;
        assert_eq!(digest(&cast.db).await, before);
        assert_eq!(runs::list(&root, false, 10).await.unwrap(), [], "nothing is left to be asked about");
    }

    /// What a group carries goes with it, in one transaction. More than that takes is only a superuser's to take before.
    async fn a_group_that_carries_much_is_a_superusers_to_delete(db: TestDb) {
        let cast = Cast::new(db).await;
        let readers = cast.group("Readers");
        crowd_in_group(&cast.db, readers, 600).await;
        let values: Vec<String> = (0..700)
            .map(|at| format!("('Can {at}', (SELECT MIN(id) FROM django_content_type), 'can_{at}')"))
            .collect();
        let values = values.join(", ");
        cast.db.run(&format!("INSERT INTO auth_permission (name, content_type_id, codename) VALUES {values}")).await;
        cast.db
            .run(&format!(
                "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT {readers}, id FROM auth_permission \
                 WHERE codename LIKE 'can/_%' ESCAPE '/'"
            ))
            .await;
        let before = digest(&cast.db).await;
        let ann = cast.by("ann");
        let leaving = groups::delete(&ann, readers).await.unwrap();
        assert_eq!(leaving.check().await.unwrap_err().kind, Kind::Denied, "it is said before the review");
        let root = cast.by("root");
        let leaving = groups::delete(&root, readers).await.unwrap();
        leaving.check().await.unwrap();
        let outcome = leaving.apply(&root.writer().unwrap(), &Watch::default()).await.unwrap();
        assert_eq!((outcome.rows, outcome.operations.len()), (1_301, 3));
        assert!(groups::find(&ann, "Readers").await.is_err());
        undo(&cast.by("root"), outcome.run.as_deref().unwrap()).await;
        assert_eq!(digest(&cast.db).await, before);

        // As much as goes in one transaction an Admin takes along, however many members there are.
        let few = "DELETE FROM auth_group_permissions WHERE permission_id NOT IN (SELECT id FROM auth_permission WHERE \
                   codename LIKE 'can/_1%' ESCAPE '/')";
        cast.db.run(few).await;
        let leaving = groups::delete(&ann, readers).await.unwrap();
        leaving.check().await.unwrap();
        let outcome = leaving.apply(&ann.writer().unwrap(), &Watch::default()).await.unwrap();
        assert_eq!((outcome.rows, outcome.operations.len()), (712, 2));
        let role = groups::delete(&ann, cast.group("Engineer")).await.unwrap();
        assert_eq!(role.check().await.unwrap_err().kind, Kind::Denied);
    }

    /// What is taken back has its name in the review, although its row is not there yet.
    async fn the_review_of_an_undo_names_what_comes_back(db: TestDb) {
        let cast = Cast::new(db).await;
        let root = cast.by("root");
        let (sales, it) = (department(&root, "Sales").await, department(&root, "Information").await);
        let eve = cast.id("eve");
        cast.db.run(&format!("UPDATE core_userprofile SET department_id = {sales} WHERE user_id = {eve}")).await;
        let readers = cast.group("Readers");
        cast.db.run(&format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({eve}, {readers})")).await;
        for (leaving, wanted) in [
            (merge(&root, sales, it).await, "Information → Sales"),
            (groups::delete(&root, readers).await.unwrap(), "Readers"),
        ] {
            let outcome = leaving.apply(&root.writer().unwrap(), &Watch::default()).await.unwrap();
            let planned = history::plan_undo(&root, outcome.operation().unwrap(), OldPassword::WorksAgain).await.unwrap();
            let names = names::read(&root, &planned.plans).await.unwrap();
            let lines = format!("{:?}", plan_diff::lines(&planned.plans, &names));
            assert!(lines.contains(wanted) && !lines.contains(&format!("#{sales}")), "{lines}");
            assert!(!lines.contains(&format!("#{readers}")), "{lines}");
        }
    }

    /// Who may repair is asked about every stopped run; an AMC Admin about their own.
    async fn who_is_asked_about_stopped_runs(db: TestDb) {
        let cast = Cast::new(db).await;
        let ids = [cast.id("eve"), cast.id("ed")];
        let asked = async |username: &str| {
            let found = runs::to_ask(&cast.by(username)).await.unwrap();
            found.into_iter().map(|listed| listed.by()).collect::<Vec<_>>()
        };
        for (actor, change) in [("max", Change::Notifications(false)), ("root", Change::Deactivate)] {
            let portal = cast.by(actor);
            let ahead = bulk::look_ahead(&portal, &change, &ids).await.unwrap();
            bulk::begin(&portal, &ahead, Extent::First, &Watch::default()).await.unwrap();
        }
        assert_eq!(asked("max").await, ["max"]);
        assert_eq!(asked("amy").await, [""; 0], "another AMC Admin");
        assert_eq!(asked("eve").await, [""; 0]);
        assert_eq!(asked("ann").await, ["root", "max"]);
        let own = runs::to_ask(&cast.by("max")).await.unwrap().remove(0).run.id;
        assert_eq!(resume(&cast.by("max"), &own).await.unwrap().refused, []);
        assert_eq!(asked("max").await, [""; 0]);
    }
}
