//! Long random histories of administrators who do all kinds of things to each other, with fresh plans and stale ones, one
//! after the other and at once, against a model that knows the rules and nothing of the program: a superuser who can sign
//! in always remains, nobody gains power but by a superuser's hand, and what a fresh plan is answered is what the rules
//! say. In the end the journal is whole, and told again it gives the tables.
//!
//! A failure prints the history, as short as it can be made, and the seed: `SEED=… cargo test --test model_guards` tells
//! the same ones again. `CASES=200` tells more.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[expect(dead_code, reason = "of the cast only some are needed here")]
#[path = "support/cast.rs"]
mod cast;
#[path = "support/replay.rs"]
mod replay;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cast::Cast;
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Image, Outcome, Plan, Ready, Value, Watch, journal, rows};
use portaldesk::db::{Cell, Db, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, delete, history, offboard};
use portaldesk::error::{Error, Kind, Result};
use portaldesk::portal::password;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::{Made, Server, TestDb};

/// Those who act and are acted on.
const PEOPLE: [&str; 9] = ["root", "sue", "ann", "al", "max", "amy", "eve", "stan", "nora"];
/// Those who begin as superusers come first.
const SUPERUSERS: usize = 2;
const GROUPS: [&str; 5] = ["Admin", "AMC Admin", "Engineer", "Readers", "Keepers"];
const TABLES: [&str; 7] = [
    "auth_group",
    "auth_group_permissions",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "core_department",
    "core_userprofile",
];

/// Someone, as the rules see them.
#[expect(clippy::struct_excessive_bools, reason = "they are columns")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Person {
    active: bool,
    superuser: bool,
    staff: bool,
    groups: BTreeSet<String>,
    /// May change users by a permission of their own.
    permitted: bool,
    /// What an Engineer may change of their own: password and phone.
    own: (String, String),
    /// The rest: first name.
    rest: String,
}

/// Everybody, and the groups whose members may change users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct World {
    people: BTreeMap<i64, Person>,
    powerful: BTreeSet<String>,
    /// Groups and permissions of accounts that are gone: an undo can bring them back, with a warning.
    ghosts: BTreeSet<(i64, String)>,
}

impl Person {
    /// 4 superuser, 3 Admin, 2 AMC Admin, 1 Engineer, 0 nothing.
    fn level(&self) -> u8 {
        let has = |group: &str| self.groups.contains(group);
        match () {
            () if self.superuser => 4,
            () if has("Admin") => 3,
            () if has("AMC Admin") => 2,
            () if has("Engineer") => 1,
            () => 0,
        }
    }

    fn can_sign_in(&self) -> bool {
        self.active && self.own.0.starts_with("pbkdf2")
    }

    /// The same but for what is their own.
    fn but_own(&self) -> Self {
        Self { own: Default::default(), ..self.clone() }
    }
}

impl World {
    async fn read(db: &Db) -> Self {
        let mut world = Self::default();
        let sql = "SELECT u.id, u.is_active, u.is_superuser, u.is_staff, u.password, u.first_name, \
                   MAX(p.phone_number) FROM auth_user u LEFT JOIN core_userprofile p ON p.user_id = u.id \
                   GROUP BY u.id, u.is_active, u.is_superuser, u.is_staff, u.password, u.first_name";
        for row in db.all(Sql::new(sql)).await.unwrap() {
            let phone = row.text_opt(6).unwrap().unwrap_or_default();
            let person = Person {
                active: row.bool(1).unwrap(),
                superuser: row.bool(2).unwrap(),
                staff: row.bool(3).unwrap(),
                own: (row.text(4).unwrap(), phone),
                rest: row.text(5).unwrap(),
                ..Person::default()
            };
            world.people.insert(row.int(0).unwrap(), person);
        }
        let sql = "SELECT m.user_id, g.name FROM auth_user_groups m JOIN auth_group g ON g.id = m.group_id";
        for row in db.all(Sql::new(sql)).await.unwrap() {
            let (id, group) = (row.int(0).unwrap(), row.text(1).unwrap());
            match world.people.get_mut(&id) {
                Some(person) => drop(person.groups.insert(group)),
                None => drop(world.ghosts.insert((id, group))),
            }
        }
        for row in db.all(Sql::new("SELECT user_id FROM auth_user_user_permissions")).await.unwrap() {
            let id = row.int(0).unwrap();
            match world.people.get_mut(&id) {
                Some(person) => person.permitted = true,
                None => drop(world.ghosts.insert((id, "a permission".to_owned()))),
            }
        }
        let sql = "SELECT g.name FROM auth_group_permissions p JOIN auth_group g ON g.id = p.group_id";
        for row in db.all(Sql::new(sql)).await.unwrap() {
            world.powerful.insert(row.text(0).unwrap());
        }
        world
    }

    fn is_privileged(&self, person: &Person) -> bool {
        let powerful = person.permitted || !person.groups.is_disjoint(&self.powerful);
        person.superuser || (person.staff && powerful)
    }

    fn superusers_who_can_sign_in(&self) -> usize {
        self.people.values().filter(|person| person.superuser && person.can_sign_in()).count()
    }

    fn level(&self, id: i64) -> u8 {
        self.people.get(&id).filter(|person| person.active).map_or(0, Person::level)
    }

    /// Whether this person may make that world of this one; if not, the rule that forbids it. When two act at once, the
    /// one with the higher level answers for both, and what they do to themselves is left out.
    fn may_become(&self, after: &Self, actors: &[i64]) -> std::result::Result<(), String> {
        let level = actors.iter().map(|actor| self.level(*actor)).max().unwrap_or_default();
        if self.superusers_who_can_sign_in() > 0 && after.superusers_who_can_sign_in() == 0 {
            return Err("a superuser who can sign in remains".to_owned());
        }
        if self.powerful != after.powerful && level < 4 {
            return Err("permissions of groups are a superuser's".to_owned());
        }
        if self.ghosts != after.ghosts && level < 3 {
            return Err("what belongs to nobody is an Admin's".to_owned());
        }
        let ids: BTreeSet<i64> = self.people.keys().chain(after.people.keys()).copied().collect();
        for id in ids {
            let (old, new) = (self.people.get(&id), after.people.get(&id));
            if old != new || self.powerful != after.powerful {
                self.may_touch(after, (id, level), (old, new), actors)
                    .map_err(|why| format!("{id}: {why}"))?;
            }
        }
        Ok(())
    }

    fn may_touch(
        &self,
        after: &Self,
        (id, level): (i64, u8),
        (old, new): (Option<&Person>, Option<&Person>),
        actors: &[i64],
    ) -> std::result::Result<(), &'static str> {
        let rule = |holds: bool, why: &'static str| if holds { Ok(()) } else { Err(why) };
        let oneself = actors.contains(&id);
        rule(old == new || level > 0, "without a role nothing is done")?;
        if let (Some(old), Some(new)) = (old, new)
            && old.but_own() == new.but_own()
            && (oneself || old == new)
        {
            return rule(old == new || level > 0, "without a role not even one's own");
        }
        let none = Person::default();
        let (was, is) = (old.unwrap_or(&none), new.unwrap_or(&none));
        if level < 4 {
            rule(!self.is_privileged(was), "the privileged are a superuser's")?;
            rule(!after.is_privileged(is), "power is a superuser's to give")?;
            rule(!is.staff || was.staff, "staff is a superuser's to give")?;
            rule(!was.staff || is.staff || new.is_none(), "staff is a superuser's to take")?;
        }
        if level < 3 {
            rule(new.is_some(), "deleting is an Admin's")?;
            rule(was.level() < 2, "the account is not below an AMC Admin's")?;
            rule(level == 2, "an Engineer changes only their own")?;
            let changed: Vec<&String> = was.groups.symmetric_difference(&is.groups).collect();
            rule(changed.iter().all(|group| *group == "Engineer"), "Engineer is all an AMC Admin gives")?;
            rule(was.permitted == is.permitted, "permissions are an Admin's")?;
        }
        if oneself && actors.len() == 1 {
            rule(new.is_some(), "nobody deletes themself")?;
            rule(is.active || !was.active, "nobody deactivates themself")?;
            rule(is.level() >= was.level(), "nobody demotes themself")?;
            rule(is.staff || !was.staff, "nobody gives up their own flags")?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
enum Action {
    Name,
    Phone,
    Password(bool),
    Active(bool),
    Staff(bool),
    Superuser(bool),
    Give(usize),
    Take(usize),
    Permit(bool),
    Delete,
    OffBoard,
    Create {
        staff: bool,
        superuser: bool,
        group: usize,
    },
    GroupPower {
        group: usize,
        on: bool,
    },
    /// Takes back one of the operations so far: an undo, or the undo of an undo.
    Undo(prop::sample::Index),
}

/// When the plan is applied: at once, after the next step, or at the same time as the next step's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    Later,
    AtOnce,
}

#[derive(Debug, Clone)]
struct Step {
    by: usize,
    action: Action,
    to: usize,
    when: When,
}

fn steps(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let group = 0..GROUPS.len();
    let action = prop_oneof![
        1 => Just(Action::Name),
        1 => Just(Action::Phone),
        2 => any::<bool>().prop_map(Action::Password),
        3 => prop::bool::weighted(0.3).prop_map(Action::Active),
        2 => any::<bool>().prop_map(Action::Staff),
        4 => prop::bool::weighted(0.4).prop_map(Action::Superuser),
        4 => group.clone().prop_map(Action::Give),
        3 => group.clone().prop_map(Action::Take),
        1 => any::<bool>().prop_map(Action::Permit),
        1 => Just(Action::Delete),
        1 => Just(Action::OffBoard),
        1 => (any::<bool>(), any::<bool>(), group.clone())
            .prop_map(|(staff, superuser, group)| Action::Create { staff, superuser, group }),
        1 => (group, any::<bool>()).prop_map(|(group, on)| Action::GroupPower { group, on }),
        6 => any::<prop::sample::Index>().prop_map(Action::Undo),
    ];
    let anybody = (0..PEOPLE.len(), action, 0..PEOPLE.len());
    // The two superusers among themselves, so that the last of them is never far.
    let against = prop_oneof![
        3 => Just(Action::Password(false)),
        1 => Just(Action::Password(true)),
        3 => Just(Action::Superuser(false)),
        1 => Just(Action::Superuser(true)),
        2 => Just(Action::Active(false)),
        1 => Just(Action::Active(true)),
        1 => Just(Action::OffBoard),
        1 => Just(Action::Delete),
    ];
    let superusers = (0..SUPERUSERS, against, 0..SUPERUSERS);
    let when = prop_oneof![6 => Just(When::Now), 2 => Just(When::Later), 2 => Just(When::AtOnce)];
    let step = (prop_oneof![3 => anybody, 1 => superusers], when).prop_map(|((by, action, to), when)| Step {
        by,
        action,
        to,
        when,
    });
    prop::collection::vec(step, length)
}

/// A step that is planned: by whom, the plans, and where the outcome is known beforehand the world after it.
struct Planned {
    by: i64,
    portal: Portal,
    plans: Vec<Plan>,
    expected: Option<World>,
    what: String,
}

struct History {
    cast: Cast,
    /// What was written, newest last.
    operations: Vec<String>,
    change_user: i64,
    made: u32,
}

impl History {
    /// The plan of a step, from the world as it is; nothing where there is nothing to do.
    async fn plan(&mut self, step: &Step, now: &World) -> Option<Planned> {
        let (by, to) = (self.cast.id(PEOPLE[step.by]), self.cast.id(PEOPLE[step.to]));
        let mut expected = Some(now.clone());
        let plans = match &step.action {
            Action::Undo(_) if self.operations.is_empty() => return None,
            Action::Undo(which) => {
                expected = None;
                let operation = which.get(&self.operations);
                // Taken back already, or nothing left of it.
                history::plan_undo(&self.cast.portal, operation, OldPassword::WorksAgain).await.ok()?.plans
            }
            Action::GroupPower { group, on } => {
                vec![self.group_power(*group, *on, now, expected.as_mut()?).await?]
            }
            Action::Create { staff, superuser, group } => {
                self.made += 1;
                let draft = Draft { groups: Groups::Set(vec![self.group(*group)]), ..Draft::default() }
                    .with("username", format!("new{}", self.made))
                    .with("is_staff", staff.to_string())
                    .with("is_superuser", superuser.to_string());
                let person = Person {
                    active: true,
                    staff: *staff,
                    superuser: *superuser,
                    groups: [GROUPS[*group].to_owned()].into(),
                    ..Person::default()
                };
                expected.as_mut()?.people.insert(i64::MAX, person);
                vec![accounts::create(&self.cast.portal, &draft).await.unwrap()]
            }
            action => {
                let person = expected.as_mut()?.people.get_mut(&to)?;
                let plans = self.about(action, to, person).await?;
                if matches!(action, Action::Delete) {
                    expected.as_mut()?.people.remove(&to);
                }
                plans
            }
        };
        if plans.iter().all(|plan| plan.steps.is_empty()) {
            return None;
        }
        let what = format!("{} {:?} {}", PEOPLE[step.by], step.action, PEOPLE[step.to]);
        Some(Planned { by, portal: self.cast.by(PEOPLE[step.by]), plans, expected, what })
    }

    fn group(&self, at: usize) -> i64 {
        self.cast.group(GROUPS[at])
    }

    /// The plan of an action on an account, and what it makes of the person.
    async fn about(&mut self, action: &Action, to: i64, person: &mut Person) -> Option<Vec<Plan>> {
        self.made += 1;
        let value = self.made.to_string();
        let with = |field, value: &str| Draft::default().with(field, value);
        let change =
            |add: Vec<i64>, remove| Draft { groups: Groups::Change { add, remove }, ..Draft::default() };
        let draft = match action {
            Action::Name => {
                person.rest.clone_from(&value);
                with("first_name", &value)
            }
            Action::Phone => {
                person.own.1.clone_from(&value);
                with("phone_number", &value)
            }
            Action::Password(usable) => {
                person.own.0 = if *usable {
                    cast::HASH.replace("$1$", &format!("${value}$"))
                } else {
                    password::unusable().unwrap()
                };
                Draft { encoded_password: Some(person.own.0.clone()), ..Draft::default() }
            }
            Action::Active(on) => {
                person.active = *on;
                with("is_active", &on.to_string())
            }
            Action::Staff(on) => {
                person.staff = *on;
                with("is_staff", &on.to_string())
            }
            Action::Superuser(on) => {
                person.superuser = *on;
                with("is_superuser", &on.to_string())
            }
            Action::Give(group) => {
                person.groups.insert(GROUPS[*group].to_owned());
                change(vec![self.group(*group)], vec![])
            }
            Action::Take(group) => {
                person.groups.remove(GROUPS[*group]);
                change(vec![], vec![self.group(*group)])
            }
            Action::Permit(on) if *on == person.permitted => return None,
            Action::Permit(on) => {
                person.permitted = *on;
                return Some(vec![self.link("auth_user_user_permissions", "user_id", to, *on).await]);
            }
            Action::Delete => return Some(delete::plan(&self.cast.portal, to).await.unwrap()),
            Action::OffBoard => {
                let plans = offboard::plan(&self.cast.portal, to).await.unwrap();
                let set = plans.iter().flat_map(|plan| &plan.steps).find_map(|step| step.cell("password"));
                if let Some(password) = set.and_then(Cell::as_text) {
                    password.clone_into(&mut person.own.0);
                }
                *person = Person { own: person.own.clone(), rest: person.rest.clone(), ..Person::default() };
                return Some(plans);
            }
            Action::Create { .. } | Action::GroupPower { .. } | Action::Undo(_) => return None,
        };
        Some(vec![accounts::edit(&self.cast.portal, to, &draft).await.unwrap()])
    }

    async fn group_power(&self, group: usize, on: bool, now: &World, after: &mut World) -> Option<Plan> {
        let name = GROUPS[group];
        if now.powerful.contains(name) == on {
            return None;
        }
        if on {
            after.powerful.insert(name.to_owned())
        } else {
            after.powerful.remove(name)
        };
        Some(self.link("auth_group_permissions", "group_id", self.group(group), on).await)
    }

    /// Gives or takes the permission to change users.
    async fn link(&self, table: &str, column: &str, owner: i64, on: bool) -> Plan {
        let mut plan = Plan::new(if on { "Permit" } else { "Forbid" });
        if on {
            let cell = |id| Value::Cell(Cell::Int(id));
            plan.insert(table, vec![(column, cell(owner)), ("permission_id", cell(self.change_user))]);
            return plan;
        }
        let found = self.cast.portal.schema.table(table).unwrap();
        let mut db = self.cast.db.db.clone();
        for row in rows::by_column(&mut db, found, column, &[Cell::Int(owner)], rows::Lock::No).await.unwrap()
        {
            plan.delete(table, Image::id(row.int("id").unwrap()), row);
        }
        plan
    }

    fn note(&mut self, outcome: &Outcome) {
        self.operations.extend(outcome.operations.iter().cloned());
    }

    /// Applies one and looks whether the rules were kept.
    async fn apply(&mut self, planned: Planned, is_fresh: bool) -> std::result::Result<(), String> {
        let before = World::read(&self.cast.db).await;
        let result = apply(&planned).await;
        let after = World::read(&self.cast.db).await;
        let what = &planned.what;
        match &result {
            Ok(outcome) => {
                before
                    .may_become(&after, &[planned.by])
                    .map_err(|why| format!("{what} was done, although {why}"))?;
                self.note(outcome);
            }
            Err(error) if before != after => return Err(format!("{what} was refused and written: {error}")),
            Err(error) if !matches!(error.kind, Kind::Denied | Kind::Conflict | Kind::Duplicate) => {
                return Err(format!("{what} failed: {error}"));
            }
            Err(_) => {}
        }
        let Some(expected) = planned.expected.filter(|_| is_fresh) else { return Ok(()) };
        match (before.may_become(&expected, &[planned.by]), result) {
            (Ok(()), Err(error)) => Err(format!("{what} breaks no rule, but: {error}")),
            (Err(why), Ok(_)) => Err(format!("{what} was done, although {why}")),
            (Err(_), Err(error)) if error.kind != Kind::Denied => {
                Err(format!("{what} is to be denied, not: {error}"))
            }
            (Ok(()), Ok(_)) if !what.contains("Create") && after != expected => {
                Err(format!("{what} did something else: {after:?} and not {expected:?}"))
            }
            _ => Ok(()),
        }
    }

    async fn apply_both(&mut self, one: Planned, other: Planned) -> std::result::Result<(), String> {
        let before = World::read(&self.cast.db).await;
        let (first, second) = tokio::join!(apply(&one), apply(&other));
        let after = World::read(&self.cast.db).await;
        let what = format!("{} and {} at once", one.what, other.what);
        for result in [&first, &second] {
            match result {
                Ok(outcome) => self.note(outcome),
                // Duplicate: both gave the same.
                Err(error)
                    if matches!(error.kind, Kind::Denied | Kind::Conflict | Kind::Duplicate | Kind::Busy) => {
                }
                Err(error) => return Err(format!("{what} failed: {error}")),
            }
        }
        before
            .may_become(&after, &[one.by, other.by])
            .map_err(|why| format!("{what} were done, although {why}"))
    }

    async fn tell(&mut self, steps: &[Step]) -> std::result::Result<(), String> {
        let mut waiting: Option<(Planned, When)> = None;
        for step in steps {
            let now = World::read(&self.cast.db).await;
            let Some(planned) = self.plan(step, &now).await else { continue };
            match (waiting.take(), step.when) {
                (Some((earlier, When::AtOnce)), _) => {
                    Box::pin(self.apply_both(earlier, planned)).await?;
                }
                (Some((earlier, _)), _) => {
                    self.apply(planned, true).await?;
                    self.apply(earlier, false).await?;
                }
                (None, When::Now) => self.apply(planned, true).await?,
                (None, when) => waiting = Some((planned, when)),
            }
        }
        Ok(())
    }
}

async fn apply(planned: &Planned) -> Result<Outcome> {
    let writer = planned.portal.writer().unwrap();
    let mut outcome =
        writer.run(&planned.what, &mut Ready::new(planned.plans.clone()), &Watch::default()).await?;
    match outcome.refused.pop() {
        Some((_, error)) => Err::<_, Error>(error),
        None => Ok(outcome),
    }
}

async fn tell(server: Server, steps: &[Step]) -> std::result::Result<(), String> {
    let cast = Cast::new(TestDb::new(server, Made::Init).await).await;
    let start = replay::read(&cast.db, &cast.portal.schema, &TABLES).await;
    let change_user = cast.permission("change_user").await;
    let journaled = history::list(&cast.portal, &history::Filter::default()).await.unwrap().len();
    let mut history = History { cast, operations: Vec::new(), change_user, made: 0 };
    Box::pin(history.tell(steps)).await?;
    let (db, schema) = (&history.cast.db, &history.cast.portal.schema);
    let broken = journal::verify(db).await.unwrap();
    if !broken.is_empty() {
        return Err(format!("the journal is not whole: {broken:?}"));
    }
    if replay::replay(db, start, journaled).await != replay::read(db, schema, &TABLES).await {
        return Err("the journal told again is not what is there".to_owned());
    }
    Ok(())
}

/// Tells histories until there were enough or the time is over.
fn histories(server: Server, cases: u32, length: usize) {
    if !server.is_there("histories") {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("SEED").unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed_0000);
    let told = number("CASES").and_then(|cases| u32::try_from(cases).ok());
    let (cases, time) = told.map_or((cases, 25), |cases| (cases, 3600));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let started = Instant::now();
    let result = runner.run(&steps(length), |steps| {
        if started.elapsed() > Duration::from_secs(time) {
            return Ok(());
        }
        runtime.block_on(tell(server, &steps)).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("SEED={seed}: {error}");
    }
}

#[test]
fn histories_on_sqlite() {
    histories(Server::Sqlite, 20, 60);
}

#[test]
fn histories_on_mariadb() {
    histories(Server::MariaDb, 5, 60);
}

#[test]
fn histories_on_postgres() {
    histories(Server::Postgres, 5, 60);
}
