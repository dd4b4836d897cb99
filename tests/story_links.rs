//! What has to be decided about profiles, groups and the portal's log: what is asked, what is refused and why, and that many
//! rows take several plans.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::Watch;
use portaldesk::change::undo::OldPassword;
use portaldesk::directory::{Portal, history};
use portaldesk::error::{Error, Kind};
use portaldesk::integrity::{self, Answers, Decision, Subject, scan};
use support::corpus::{Ground, NOBODY, PEOPLE};
use support::{Made, TestDb};

const ROOT: i64 = PEOPLE[0].1;
const ANNA: i64 = PEOPLE[1].1;
const BELA: i64 = PEOPLE[2].1;
const CHO: i64 = PEOPLE[3].1;

async fn ground(db: &TestDb) -> Ground {
    Ground::new(db.server, Made::Django0004).await
}

/// Makes cho's profile, number 4, one of nobody.
async fn orphan_of_cho(ground: &Ground) {
    ground.drop_foreign_keys("core_userprofile").await;
    ground.run(&[&format!("UPDATE core_userprofile SET user_id = {NOBODY} WHERE user_id = {CHO}")]).await;
}

/// An entry of the portal's log about an object of this model.
async fn entry(ground: &Ground, (app, model): (&str, &str), object: i64, name: &str) {
    let sql = format!(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, \
         content_type_id, user_id) SELECT CURRENT_TIMESTAMP, '{object}', '{}', 2, '', id, {ROOT} \
         FROM django_content_type WHERE app_label = '{app}' AND model = '{model}'",
        name.replace('\'', "''")
    );
    ground.run(&[&sql]).await;
}

async fn decision(portal: &Portal, id: &str, subject: Subject) -> Option<Decision> {
    let check = integrity::check(id).expect("a check");
    check.decision(portal, subject).await.expect("a decision")
}

/// Decides one question and applies what comes of it; the operations, oldest first.
async fn decide(
    portal: &Portal,
    id: &str,
    subject: Subject,
    given: &[(&str, &str)],
) -> Result<Vec<String>, Error> {
    let check = integrity::check(id).expect("a check");
    let answers: Answers = given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut done = Vec::new();
    for plan in integrity::decide(portal, check, subject, &answers).await? {
        let outcome = portal.writer()?.apply(plan).await?;
        done.extend(outcome.operation().map(str::to_owned));
    }
    Ok(done)
}

async fn undo(portal: &Portal, done: &[String]) {
    for operation in done.iter().rev() {
        let plan = history::plan_undo(portal, operation, OldPassword::default()).await.expect("an undo");
        history::apply_undo(portal, operation, plan, &Watch::default()).await.expect("it is undone");
    }
}

async fn found(portal: &Portal, only: &[&str]) -> Vec<(&'static str, &'static str, usize)> {
    let only: Vec<String> = only.iter().map(|id| (*id).to_owned()).collect();
    let report = scan(portal, &only, None).await.expect("a scan");
    report.findings.iter().map(|found| (found.id(), found.class().letter(), found.count())).collect()
}

stories! {
    async fn an_orphan_goes_to_whom_the_log_knew(db: TestDb) {
        let ground = ground(&db).await;
        orphan_of_cho(&ground).await;
        let portal = ground.portal().await;
        let orphan = Subject::of(4);
        // It could simply go, and that is what is proposed as long as nobody knows whose it was.
        assert_eq!(found(&portal, &["PRF-003"]).await, [("PRF-003", "A", 1)]);
        let asked = decision(&portal, "PRF-003", orphan).await.expect("a choice beside the automatic repair");
        assert_eq!(asked.proposed(), Answers::from([("profile".to_owned(), "remove".to_owned())]));
        entry(&ground, ("core", "userprofile"), 4, "dana's Profile").await;
        let asked = decision(&portal, "PRF-003", orphan).await.unwrap();
        assert!(asked.title.contains("once 'dana'"), "{}", asked.title);
        entry(&ground, ("auth", "user"), NOBODY, "cho").await;
        let asked = decision(&portal, "PRF-003", orphan).await.unwrap();
        assert!(asked.title.contains("once 'cho'"), "{}", asked.title);
        let values: Vec<&str> = asked.questions[0].choices.iter().map(|choice| choice.value.as_str()).collect();
        assert_eq!(values, ["remove", "cho"]);
        assert_eq!(asked.proposed(), Answers::new());

        for (answer, why) in [("finn", "no user 'finn'"), ("anna", "'anna' has a profile already"), (" ", "required")] {
            let error = decide(&portal, "PRF-003", orphan, &[("profile", answer)]).await.expect_err(answer);
            assert_eq!(error.kind, Kind::Invalid);
            assert!(error.fields["profile"][0].contains(why), "{error:?}");
        }
        let done = decide(&portal, "PRF-003", orphan, &[("profile", "cho")]).await.expect("cho has it again");
        assert_eq!(found(&portal, &["PRF-001", "PRF-002", "PRF-003"]).await, []);
        let mine = "SELECT user_id FROM core_userprofile WHERE id = 4";
        assert_eq!(ground.db.number(mine).await, CHO);
        undo(&portal, &done).await;
        assert_eq!(ground.db.number(mine).await, NOBODY);
        assert!(decide(&portal, "PRF-003", orphan, &[("profile", "remove")]).await.unwrap().len() == 1);
        assert_eq!(decision(&portal, "PRF-003", orphan).await, None);
    }

    async fn an_orphan_brings_nobody_a_second_portal_id(db: TestDb) {
        let ground = ground(&db).await;
        orphan_of_cho(&ground).await;
        ground.run(&["UPDATE core_userprofile SET main_portal_id = 'anna-2' WHERE id = 4"]).await;
        let portal = ground.portal().await;
        let error = decide(&portal, "PRF-003", Subject::of(4), &[("profile", "cho")]).await.expect_err("it is anna's");
        assert!(error.kind == Kind::Conflict && error.message.contains("PID-001"), "{error}");
    }

    async fn whose_portal_id_it_becomes_is_said_and_asked(db: TestDb) {
        let ground = ground(&db).await;
        ground.drop_unique("core_userprofile", &["user_id"]).await;
        ground.drop_foreign_keys("core_userprofile").await;
        let second = |portal_id: &str, user: i64| {
            format!("INSERT INTO core_userprofile (main_portal_id, created_at, updated_at, user_id, email_notifications) \
                     VALUES ('{portal_id}', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, {user}, TRUE)")
        };
        ground.run(&[&second("bela-3", ANNA), &second("GONE", BELA), &second("GONE", NOBODY)]).await;
        let portal = ground.portal().await;
        assert_eq!(found(&portal, &["PRF-002"]).await, [("PRF-002", "C", 2)]);
        let asked = decision(&portal, "PRF-002", Subject::of(ANNA)).await.expect("a decision");
        let labels: Vec<&str> = asked.questions[0].choices.iter().map(|choice| choice.label.as_str()).collect();
        assert_eq!(labels, [
            "anna-2, of profile #2",
            "bela-3, of profile #5; taken from 'bela', who then has none",
            "None: 'anna' has no portal id then",
        ]);
        for wrong in [&[][..], &[("main_portal_id", "7")]] {
            let error = decide(&portal, "PRF-002", Subject::of(ANNA), wrong).await.expect_err("no answer");
            assert!(error.kind == Kind::Invalid && error.fields.contains_key("main_portal_id"), "{error:?}");
        }
        // What a profile without a user has is first to be freed.
        let error = decide(&portal, "PRF-002", Subject::of(BELA), &[("main_portal_id", "6")]).await;
        assert!(error.expect_err("an orphan has it").message.contains("PRF-003"));

        let done = decide(&portal, "PRF-002", Subject::of(ANNA), &[("main_portal_id", "5")]).await.expect("merged");
        let anna = "SELECT COUNT(*) FROM core_userprofile WHERE user_id = 2 AND main_portal_id = 'bela-3'";
        let bela = "SELECT COUNT(*) FROM core_userprofile WHERE user_id = 3 AND main_portal_id = 'bela-3'";
        assert_eq!((ground.db.number(anna).await, ground.db.number(bela).await), (1, 0));
        undo(&portal, &done).await;
        assert_eq!((ground.db.number(anna).await, ground.db.number(bela).await), (1, 1));
    }

    async fn a_long_log_takes_several_plans(db: TestDb) {
        let ground = ground(&db).await;
        ground.drop_foreign_keys("django_admin_log").await;
        let entries = vec![format!("(CURRENT_TIMESTAMP, NULL, 'x', 2, '', NULL, {NOBODY})"); 501].join(", ");
        ground.run(&[&format!("INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, \
                               change_message, content_type_id, user_id) VALUES {entries}")]).await;
        let portal = ground.portal().await;
        // Of all of them one decision.
        assert_eq!(found(&portal, &["REL-004"]).await, [("REL-004", "C", 1)]);
        let gone = Subject { place: 1, id: NOBODY };
        let error = decide(&portal, "REL-004", gone, &[("entries", "finn")]).await.expect_err("nobody's name");
        assert_eq!(error.kind, Kind::Invalid);
        let left = "SELECT COUNT(*) FROM django_admin_log WHERE user_id = 4711";
        for answer in ["anna", "remove"] {
            let done = decide(&portal, "REL-004", gone, &[("entries", answer)]).await.expect("decided");
            assert_eq!((done.len(), ground.db.number(left).await), (2, 0));
            assert_eq!(found(&portal, &["REL-004"]).await, []);
            undo(&portal, &done).await;
            assert_eq!(ground.db.number(left).await, 501);
        }
    }

    async fn groups_of_which_each_may_have_one_row_stay_apart(db: TestDb) {
        let ground = ground(&db).await;
        ground.run(&["INSERT INTO auth_group (name) VALUES ('engi neer')"]).await;
        ground.another_app("core_shift", "auth_group", ", UNIQUE (owner_id)", &[
            "INSERT INTO core_shift (title, owner_id) VALUES ('day', 3), ('night', 4)",
        ]).await;
        let portal = ground.portal().await;
        let error = decide(&portal, "GRP-002", Subject::of(3), &[("others", "merge")]).await.expect_err("two rows");
        assert!(error.kind == Kind::Conflict && error.message.contains("core_shift.owner_id"), "{error}");
        ground.run(&["DELETE FROM core_shift WHERE title = 'day'"]).await;
        decide(&portal, "GRP-002", Subject::of(3), &[("others", "merge")]).await.expect("they are one now");
        assert_eq!(ground.db.number("SELECT owner_id FROM core_shift").await, 3);
        assert_eq!(decision(&portal, "GRP-002", Subject::of(3)).await, None);
    }
}
