//! Ways to power that nobody may take: by creating, through groups, names that are only equal to the engine, values that
//! only become flags in their column, repairs, undo, two at once, and many at once.
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

use cast::Cast;
use portaldesk::change::rows::{self, Lock};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Image, Outcome, Plan, Purpose, Ready, Value, Watch};
use portaldesk::db::{Cell, Dialect, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, history};
use portaldesk::error::{Error, Kind, Result};
use portaldesk::integrity::fix_user_profiles;
use support::{Server, TestDb, digest, tell};

/// Who acts: superuser, Admin, AMC Admin, Engineer, no role, inactive.
const ACTORS: [&str; 6] = ["root", "ann", "max", "eve", "nil", "ina"];

fn text(text: &str) -> Value {
    Value::Cell(Cell::Text(text.to_owned()))
}

fn int(value: i64) -> Value {
    Value::Cell(Cell::Int(value))
}

async fn apply(portal: &Portal, plan: Plan) -> Result<Outcome> {
    portal.writer().unwrap().apply(plan).await
}

/// All plans as one run; the first refusal is the answer.
async fn apply_all(portal: &Portal, plans: Vec<Plan>) -> Result<Outcome> {
    let outcome = portal.writer().unwrap().run("a test", &mut Ready::new(plans), &Watch::default()).await?;
    match outcome.refused.first() {
        Some((_, error)) => Err(error.clone()),
        None => Ok(outcome),
    }
}

async fn row(cast: &Cast, table: &str, column: &str, value: i64) -> Image {
    let table = cast.portal.schema.table(table).unwrap();
    let found = rows::by_column(&mut cast.db.db.clone(), table, column, &[Cell::Int(value)], Lock::No).await;
    found.unwrap().remove(0)
}

async fn edit(cast: &Cast, user: &str, draft: Draft) -> Plan {
    accounts::edit(&cast.portal, cast.id(user), &draft).await.unwrap()
}

async fn set(cast: &Cast, user: &str, field: &'static str, value: &str) -> Plan {
    edit(cast, user, Draft::default().with(field, value)).await
}

fn give(groups: &[i64]) -> Draft {
    Draft { groups: Groups::Change { add: groups.to_vec(), remove: vec![] }, ..Draft::default() }
}

/// Everybody tries; those who may succeed, and it is taken back at the command line.
async fn everybody_tries(cast: &Cast, name: &str, verdicts: &str, plan: &Plan) {
    let before = digest(&cast.db).await;
    for (actor, verdict) in ACTORS.iter().zip(verdicts.chars().chain("--".chars())) {
        match (verdict, apply(&cast.by(actor), plan.clone()).await) {
            ('y', Ok(outcome)) => {
                let run = outcome.run.unwrap();
                let undo = history::plan_undo(&cast.portal, &run, OldPassword::WorksAgain).await.unwrap();
                assert_eq!(undo.left, Vec::<String>::new(), "{name} by {actor}");
                apply_all(&cast.portal, undo.plans).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            ('-', Err(error)) => assert_eq!(error.kind, Kind::Denied, "{name} by {actor}: {error}"),
            (_, result) => panic!("{name} by {actor} should be {verdict}: {result:?}"),
        }
        assert!(digest(&cast.db).await == before, "{name} by {actor} left something behind");
    }
}

/// What is done to nobody in particular, and whether a superuser, an Admin, an AMC Admin and an Engineer may.
async fn without_a_target(cast: &Cast) -> Vec<(&'static str, &'static str, Plan)> {
    let new =
        async |draft: Draft| accounts::create(&cast.portal, &draft.with("username", "new")).await.unwrap();
    let with = |name, value| Draft::default().with(name, value);
    let group = |name: &str| give(&[cast.group(name)]);
    let made = |name: &str| {
        let mut plan = Plan::new(format!("Make {name}"));
        plan.insert("auth_group", vec![("name", text(name))]);
        plan
    };
    let renamed = async |from: &str, to: &str| {
        let before = row(cast, "auth_group", "id", cast.group(from)).await;
        let mut plan = Plan::new(format!("Rename {from}"));
        plan.update("auth_group", Image::id(cast.group(from)), before, vec![("name", text(to))]);
        plan
    };
    let keeper = cast.db.number("SELECT id FROM auth_group_permissions").await;
    let kept = row(cast, "auth_group_permissions", "id", keeper).await;
    let mut permit = Plan::new("Permit readers to change users");
    let change_user = cast.permission("change_user").await;
    permit.insert(
        "auth_group_permissions",
        vec![("group_id", int(cast.group("Readers"))), ("permission_id", int(change_user))],
    );
    let mut forbid = Plan::new("Forbid keepers to change users");
    forbid.delete("auth_group_permissions", Image::id(keeper), kept.clone());
    let mut rename_permission = Plan::new("Call viewing changing");
    let viewing = row(cast, "auth_permission", "id", cast.permission("view_user").await).await;
    let set = vec![("codename", text("see_user"))];
    rename_permission.update("auth_permission", Image::id(viewing.int("id").unwrap()), viewing, set);
    let mut gone = Plan::new("Delete readers");
    let readers = row(cast, "auth_group", "id", cast.group("Readers")).await;
    gone.delete("auth_group", Image::id(cast.group("Readers")), readers);
    let mut all_gone = Plan::new("Delete keepers");
    let keepers = row(cast, "auth_group", "id", cast.group("Keepers")).await;
    all_gone.delete("auth_group_permissions", Image::id(keeper), kept);
    all_gone.delete("auth_group", Image::id(cast.group("Keepers")), keepers);
    let mut role_gone = Plan::new("Delete Engineer");
    for user in ["eve", "ed"] {
        let link = row(cast, "auth_user_groups", "user_id", cast.id(user)).await;
        role_gone.delete("auth_user_groups", Image::id(link.int("id").unwrap()), link);
    }
    let engineers = row(cast, "auth_group", "id", cast.group("Engineer")).await;
    role_gone.delete("auth_group", Image::id(cast.group("Engineer")), engineers);
    let mut department = Plan::new("Rename IT");
    let it = row(cast, "core_department", "id", cast.db.number("SELECT id FROM core_department").await).await;
    department.update("core_department", Image::id(it.int("id").unwrap()), it, vec![("name", text("ICT"))]);
    vec![
        ("an account", "yyy-", new(Draft::default()).await),
        ("an inactive account", "yyy-", new(with("is_active", "false")).await),
        ("an Engineer", "yyy-", new(group("Engineer")).await),
        ("an AMC Admin", "yy--", new(group("AMC Admin")).await),
        ("an Admin", "yy--", new(group("Admin")).await),
        ("a reader", "yy--", new(group("Readers")).await),
        ("a keeper", "yy--", new(group("Keepers")).await),
        ("staff", "y---", new(with("is_staff", "true")).await),
        ("a superuser", "y---", new(with("is_superuser", "true")).await),
        ("an inactive superuser", "y---", new(with("is_superuser", "true").with("is_active", "false")).await),
        ("a staff keeper", "y---", new(group("Keepers").with("is_staff", "true")).await),
        ("a group", "yy--", made("Writers")),
        ("the group of a role", "y---", made("Auditor")),
        ("another name for a group", "yy--", renamed("Readers", "Lecturers").await),
        ("a role's name for a group", "y---", renamed("Readers", "Auditor").await),
        ("another name for a role's group", "y---", renamed("Engineer", "Technician").await),
        ("no group", "yy--", gone),
        ("no group with permissions", "yy--", all_gone),
        ("no role's group", "y---", role_gone),
        ("a group's permission", "y---", permit),
        ("one permission less for a group", "y---", forbid),
        ("what a permission is", "y---", rename_permission),
        ("a department", "yy--", department),
    ]
}

/// Spellings of a role's name; whether each is the role is for the engine to say. The sixth has a dotless i, the last one
/// a space of no width.
const SPELLINGS: [&str; 7] =
    ["Auditor", "auditor", "AUDITOR", "Auditor ", "Àuditor", "Aud\u{131}tor", "Audi\u{200b}tor"];

async fn names_are_equal_as_the_engine_has_it(db: TestDb, roles: &[&str]) {
    let cast = Cast::new(db).await;
    let mut found = Vec::new();
    for name in SPELLINGS {
        cast.db.run(&format!("INSERT INTO auth_group (name) VALUES ('{name}')")).await;
        let is_role = cast.db.number("SELECT COUNT(*) FROM auth_group WHERE name = 'Auditor'").await == 1;
        cast.db.run(&format!("DELETE FROM auth_group WHERE name = '{name}'")).await;
        found.extend(is_role.then_some(name));
        let mut plan = Plan::new("Make a group");
        plan.insert("auth_group", vec![("name", text(name))]);
        everybody_tries(&cast, &format!("the group {name:?}"), if is_role { "y---" } else { "yy--" }, &plan)
            .await;
    }
    assert_eq!(found, roles, "spellings that are the role's here");
}

#[test]
fn more_names_are_equal_in_a_collation_that_ignores_more() {
    tell(Server::MariaDbUnicode, "more names", |db| {
        let all_but = SPELLINGS.into_iter().filter(|name| !name.contains('\u{131}'));
        let roles: Vec<&str> = all_but.collect();
        async move { names_are_equal_as_the_engine_has_it(db, &roles).await }
    });
}

stories! {
    async fn a_portal_id_is_only_taken_from_accounts_that_are_theirs_to_change(db: TestDb) {
        let cast = Cast::new(db).await;
        for name in ["al", "ed"] {
            apply(&cast.portal, set(&cast, name, "main_portal_id", &format!("{name}-1")).await).await.unwrap();
        }
        let taking = |id: &str| {
            let draft = Draft { takes_portal_id: true, ..Draft::default() };
            edit(&cast, "eve", draft.with("main_portal_id", id))
        };
        let before = digest(&cast.db).await;
        let error = apply(&cast.by("max"), taking("al-1").await).await.unwrap_err();
        assert_eq!((error.kind, digest(&cast.db).await), (Kind::Denied, before), "{error}");
        apply(&cast.by("max"), taking("ed-1").await).await.unwrap();
        assert_eq!(row(&cast, "core_userprofile", "user_id", cast.id("eve")).await.text("main_portal_id"), Some("ed-1"));
    }

    async fn creating_groups_and_departments(db: TestDb) {
        let cast = Cast::new(db).await;
        for (name, verdicts, plan) in without_a_target(&cast).await {
            everybody_tries(&cast, name, verdicts, &plan).await;
        }
    }

    async fn a_role_is_a_role_however_the_engine_spells_it(db: TestDb) {
        let roles: &[&str] = if db.dialect() == Dialect::MySql { &SPELLINGS[..6] } else { &SPELLINGS[..1] };
        names_are_equal_as_the_engine_has_it(db, roles).await;
    }

    async fn a_value_counts_as_what_it_becomes(db: TestDb) {
        let cast = Cast::new(db).await;
        let mut made = accounts::create(&cast.portal, &Draft::default().with("username", "new")).await.unwrap();
        let one = text("1");
        let portaldesk::change::Step::Insert { values, .. } = &mut made.steps[0] else { panic!("an insert") };
        for (column, value) in values {
            if column == "is_superuser" {
                *value = one.clone();
            }
        }
        everybody_tries(&cast, "a superuser by text", "y---", &made).await;
        let user = row(&cast, "auth_user", "id", cast.id("nora")).await;
        let mut plan = Plan::new("Staff by text");
        plan.update("auth_user", Image::id(cast.id("nora")), user.clone(), vec![("is_staff", one)]);
        everybody_tries(&cast, "staff by text", "y---", &plan).await;
        // The id of an earlier step may be anything, one too.
        let mut plan = Plan::new("A flag that is an id");
        let group = plan.insert("auth_group", vec![("name", text("Writers")), ("id", int(1_000_000))]);
        plan.update("auth_user", Image::id(cast.id("nora")), user, vec![("is_staff", Value::NewId(group))]);
        let before = digest(&cast.db).await;
        for actor in ["ann", "max", "eve"] {
            apply(&cast.by(actor), plan.clone()).await.unwrap_err();
            assert!(digest(&cast.db).await == before);
        }
        // A membership whose user is text.
        let mut plan = Plan::new("Membership by text");
        let sue = cast.id("sue").to_string();
        plan.insert("auth_user_groups", vec![("user_id", text(&sue)), ("group_id", text(&cast.group("Engineer").to_string()))]);
        for actor in ["ann", "max", "eve"] {
            apply(&cast.by(actor), plan.clone()).await.unwrap_err();
            assert!(digest(&cast.db).await == before);
        }
    }

    async fn who_comes_back_inherits_nothing(db: TestDb) {
        let cast = Cast::new(db).await;
        let nora = cast.id("nora");
        let mut plan = Plan::new("Delete nora");
        let profile = row(&cast, "core_userprofile", "user_id", nora).await;
        plan.delete("core_userprofile", Image::id(profile.int("id").unwrap()), profile);
        plan.delete("auth_user", Image::id(nora), row(&cast, "auth_user", "id", nora).await);
        let done = apply(&cast.by("ann"), plan).await.unwrap().operations.remove(0);
        let undo = history::plan_undo(&cast.portal, &done, OldPassword::WorksAgain).await.unwrap();
        cast.db
            .without_foreign_keys(&format!(
                "INSERT INTO auth_user_groups (user_id, group_id) VALUES ({nora}, {})",
                cast.group("Admin")
            ))
            .await;
        let before = digest(&cast.db).await;
        for actor in ["root", "ann", "max"] {
            let error = apply_all(&cast.by(actor), undo.plans.clone()).await.unwrap_err();
            assert_eq!(error.kind, Kind::Conflict, "{error}");
            assert!(error.message.contains("REL-001"), "{error}");
        }
        assert!(digest(&cast.db).await == before);
        cast.db.run(&format!("DELETE FROM auth_user_groups WHERE user_id = {nora}")).await;
        let denied = apply_all(&cast.by("eve"), undo.plans.clone()).await.unwrap_err();
        assert_eq!(denied.kind, Kind::Denied);
        apply_all(&cast.by("max"), undo.plans).await.expect("an AMC Admin creates accounts");
    }

    async fn what_was_deleted_comes_back_by_who_could_make_it(db: TestDb) {
        let cast = Cast::new(db).await;
        for (who, verdicts) in [("al", "yy--"), ("ed", "yyy-"), ("stan", "y---"), ("sue", "y---"), ("pia", "y---")] {
            let id = cast.id(who);
            let mut plan = Plan::new(format!("Delete {who}"));
            for table in ["auth_user_groups", "auth_user_user_permissions", "core_userprofile"] {
                let table = cast.portal.schema.table(table).unwrap();
                let mut db = cast.db.db.clone();
                for row in rows::by_column(&mut db, table, "user_id", &[Cell::Int(id)], Lock::No).await.unwrap() {
                    plan.delete(table.name.as_str(), rows::key_of(table, &row), row);
                }
            }
            plan.delete("auth_user", Image::id(id), row(&cast, "auth_user", "id", id).await);
            let done = apply(&cast.portal, plan).await.unwrap().operations.remove(0);
            let undo = history::plan_undo(&cast.portal, &done, OldPassword::WorksAgain).await.unwrap();
            everybody_tries(&cast, &format!("{who} again"), verdicts, &undo.plans[0]).await;
            apply_all(&cast.portal, undo.plans).await.unwrap();
        }
    }

    async fn repairs_are_an_admins_and_touch_the_privileged_by_a_superuser_only(db: TestDb) {
        let cast = Cast::new(db).await;
        let fix = async |by: &str, check: &str| fix_user_profiles(&cast.by(by), &[check.to_owned()], false, &Watch::default()).await;
        cast.db.run(&format!("DELETE FROM core_userprofile WHERE user_id IN ({}, {})", cast.id("nora"), cast.id("sue"))).await;
        let before = digest(&cast.db).await;
        for actor in ["max", "eve", "nil"] {
            let fixed = fix(actor, "PRF-001").await;
            assert!(fixed.is_err_and(|error| error.kind == Kind::Denied) || digest(&cast.db).await == before, "{actor}");
        }
        assert!(digest(&cast.db).await == before);
        let fixed = fix("ann", "PRF-001").await.unwrap();
        assert_eq!((fixed.repaired[0].count, fixed.refused.len()), (1, 1), "nora's, and not sue's");
        // Superusers join Admin by a superuser's hand, and role groups are made by one.
        let before = digest(&cast.db).await;
        for check in ["GRP-001", "GRP-003"] {
            let fixed = fix("ann", check).await.unwrap();
            assert!(fixed.repaired.is_empty() && !fixed.refused.is_empty(), "{check}");
            assert!(fixed.refused.iter().all(|(_, error)| error.kind == Kind::Denied), "{check}");
        }
        assert!(digest(&cast.db).await == before);
        assert!(fix("root", "GRP-003").await.unwrap().refused.is_empty());
    }

    async fn a_repair_is_taken_back_by_who_may_repair(db: TestDb) {
        let cast = Cast::new(db).await;
        cast.db.run(&format!("DELETE FROM core_userprofile WHERE user_id = {}", cast.id("nora"))).await;
        fix_user_profiles(&cast.by("root"), &["PRF-001".to_owned()], false, &Watch::default()).await.unwrap();
        let newest = history::list(&cast.portal, &history::Filter::default()).await.unwrap().remove(0);
        let undo = history::plan_undo(&cast.portal, &newest.change.operation, OldPassword::StaysChanged).await.unwrap();
        assert_eq!(undo.plans[0].purpose, Purpose::Undo);
        everybody_tries(&cast, "the fault again", "yy--", &undo.plans[0]).await;
        let undone = apply_all(&cast.by("ann"), undo.plans).await.unwrap().operations.remove(0);
        let redo = history::plan_undo(&cast.portal, &undone, OldPassword::StaysChanged).await.unwrap();
        everybody_tries(&cast, "the repair again", "yy--", &redo.plans[0]).await;
    }

    async fn staff_become_powerful_by_no_ones_hand_but_a_superusers(db: TestDb) {
        let cast = Cast::new(db).await;
        // Readers may look; stan is staff and reads.
        cast.db.run(&format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({}, {})", cast.id("stan"), cast.group("Readers"))).await;
        let change_group = cast.permission("change_group").await;
        let mut plan = Plan::new("Permit readers to change groups");
        plan.insert("auth_group_permissions", vec![("group_id", int(cast.group("Readers"))), ("permission_id", int(change_group))]);
        everybody_tries(&cast, "power for all readers", "y---", &plan).await;
        apply(&cast.by("root"), plan).await.unwrap();
        // From now on stan is privileged, and only a superuser's.
        everybody_tries(&cast, "his e-mail", "y---", &set(&cast, "stan", "email", "s@example.org").await).await;
        everybody_tries(&cast, "his password", "y---", &edit(&cast, "stan", Draft { encoded_password: Some("!x".into()), ..Draft::default() }).await).await;
        let link = row(&cast, "auth_user_groups", "user_id", cast.id("stan")).await;
        let mut plan = Plan::new("Take Readers from stan");
        plan.delete("auth_user_groups", Image::id(link.int("id").unwrap()), link);
        everybody_tries(&cast, "his group", "y---", &plan).await;
    }

    async fn two_who_demote_each_other_come_one_after_the_other(db: TestDb) {
        let cast = Cast::new(db).await;
        for (one, other, draft) in [
            ("root", "sue", Draft::default().with("is_superuser", "false")),
            ("root", "sue", Draft::default().with("is_active", "false")),
            ("ann", "al", Draft { groups: Groups::Set(vec![]), ..Draft::default() }),
            ("ann", "al", Draft::default().with("is_active", "false")),
        ] {
            for round in 0..6 {
                let before = digest(&cast.db).await;
                let (first, second) = (edit(&cast, other, draft.clone()).await, edit(&cast, one, draft.clone()).await);
                let (by_one, by_other) = (cast.by(one), cast.by(other));
                let (first, second) = tokio::join!(apply(&by_one, first), apply(&by_other, second));
                let done: Vec<Outcome> = [&first, &second].into_iter().filter_map(|result| result.clone().ok()).collect();
                assert_eq!(done.len(), 1, "round {round}: {first:?} {second:?}");
                let refused = first.err().or(second.err()).unwrap();
                assert_eq!(refused.kind, Kind::Denied, "{refused}");
                let undo = history::plan_undo(&cast.portal, &done[0].operations[0], OldPassword::StaysChanged).await.unwrap();
                apply_all(&cast.portal, undo.plans).await.unwrap();
                assert!(digest(&cast.db).await == before);
            }
        }
    }

    async fn many_at_once_are_asked_about_together_first(db: TestDb) {
        let cast = Cast::new(db).await;
        let before = digest(&cast.db).await;
        let off = async |user: &str| set(&cast, user, "is_active", "false").await;
        // Each alone could be done, all of them together could not.
        let both = vec![off("nora").await, off("root").await, off("sue").await];
        let error = apply_all(&cast.portal, both).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied);
        assert!(error.message.contains("last active superuser"), "{error}");
        assert!(digest(&cast.db).await == before, "not even the first");
        let mixed = vec![off("nora").await, off("sue").await, off("ed").await];
        assert_eq!(apply_all(&cast.by("ann"), mixed.clone()).await.unwrap_err().kind, Kind::Denied);
        assert!(digest(&cast.db).await == before, "not even the first");
        // Another superuser in the same run makes up for it.
        let mut heir = vec![set(&cast, "nora", "is_superuser", "true").await];
        heir.extend([off("root").await, off("sue").await]);
        apply_all(&cast.portal, heir).await.expect("nora can sign in");
    }

    async fn only_who_can_sign_in_counts_as_the_last_superuser(db: TestDb) {
        let cast = Cast::new(db).await;
        let (good, foreign) = (cast::HASH, "md5$salt$5d41402abc4b2a76b9719d911017c592");
        let change = async |of_root: &str, of_sue: &str, draft: &Draft| {
            for (user, encoded) in [("root", of_root), ("sue", of_sue)] {
                let sql = Sql::new("UPDATE auth_user SET password = ?, is_active = ?, is_superuser = ? WHERE id = ?");
                let sql = sql.bind(encoded).bind(true).bind(true).bind(cast.id(user));
                let done = cast.db.transaction(move |tx| {
                    let sql = sql.clone();
                    Box::pin(async move { Ok(tx.execute(sql).await?) })
                });
                done.await.unwrap();
            }
            let plan = edit(&cast, "root", draft.clone()).await;
            apply(&cast.portal, plan).await.map(drop).map_err(|error: Error| error.kind)
        };
        for draft in [
            Draft::default().with("is_superuser", "false"),
            Draft::default().with("is_active", "false"),
            Draft { encoded_password: Some("!nothing".into()), ..Draft::default() },
        ] {
            for (of_root, of_sue, may) in [
                (good, good, true),
                (good, "!unusable", false),
                (good, "", false),
                (good, "pbkdf2_sha256$broken", false),
                // Whether Django knows this hasher is not ours to say: not enough beside one that is sure,
                (good, foreign, false),
                // and too much to be lost when there is nothing better.
                (foreign, "!unusable", false),
                (foreign, foreign, true),
                (foreign, good, true),
                // Where nobody could sign in before, nothing is lost.
                ("!unusable!", "!unusable", true),
            ] {
                let result = change(of_root, of_sue, &draft).await;
                let expected = if may { Ok(()) } else { Err(Kind::Denied) };
                assert_eq!(result, expected, "{of_root} beside {of_sue}: {draft:?}");
            }
        }
    }
}
