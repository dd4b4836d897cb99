//! The real portal and two of our programs at once on the same fifty users: nobody's change is lost, nothing comes
//! twice, and the journal tells what is in the tables.
//!
//! Every change that was committed is a step from one state of a row to another, ours by the journal's images and
//! Django's by what it read under lock. If the steps of a row make one way from how it was to how it is, each used once,
//! then every change was made to what the one before it had left: none was overwritten unseen, and none is missing.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Plan, journal};
use portaldesk::db::{Db, Target, own};
use portaldesk::directory::accounts::{self, Draft, Groups, Rows};
use portaldesk::directory::{Portal, Settings, groups, history, users};
use portaldesk::error::{Error, Kind};
use portaldesk::portal::password::Recipe;
use serde_json::{Map, Value as Json, json};
use support::TestDb;
use support::django::{Django, Release};

const USERS: usize = 50;
const OPERATIONS: u64 = 500;
const PASSWORD: &str = "kX7-vq92Lm!";

/// Where one of our programs finds its orders.
const ORDERS: &str = "PORTALDESK_TEST_STORM";

/// Django rewrites them in passing, so they are nobody's.
const TIMES: [&str; 4] = ["last_login", "date_joined", "created_at", "updated_at"];

/// A row's identity: table, and what finds it.
type Key = (String, String);

/// What a row holds, as comparable text; nothing where it is not there.
type State = Option<String>;

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

/// One of our programs.
struct Program {
    portal: Portal,
    name: String,
    users: Vec<i64>,
    groups: Vec<i64>,
    seed: u64,
    dice: Dice,
    /// What it did, and which rows it had read when it planned that.
    done: Vec<Json>,
    operations: Vec<String>,
    refused: BTreeMap<&'static str, u64>,
}

impl Program {
    /// Plans something; an undo of what it did before, once in ten times.
    async fn plan(&mut self, number: u64) -> Result<Plan, Error> {
        let id = self.users[self.dice.below(self.users.len())];
        let group = self.groups[self.dice.below(self.groups.len())];
        let text = format!("{} {number}", self.name);
        let draft = Draft::default();
        let draft = match self.dice.below(10) {
            0 if !self.operations.is_empty() => {
                let operation = &self.operations[self.dice.below(self.operations.len())];
                let undo = history::plan_undo(&self.portal, operation, OldPassword::StaysChanged).await?;
                return Ok(undo.plans.into_iter().next().unwrap_or_default());
            }
            0 | 1 => draft.with("last_name", text),
            2 | 3 => draft.with("email", format!("{}.{number}@example.org", self.name)),
            4 => draft.with("phone_number", format!("+{} {number}", self.seed)),
            5 => draft.with("main_portal_id", text).with("last_name", format!("{} both", self.name)),
            6 => draft.with("is_active", (self.dice.below(2) == 0).to_string()),
            7 => Draft { groups: Groups::Change { add: vec![group], remove: vec![] }, ..draft },
            8 => Draft { groups: Groups::Change { add: vec![], remove: vec![group] }, ..draft },
            // Both give the same ids away, and each may be given once.
            _ => draft.with("main_portal_id", format!("shared {}", self.dice.below(20))),
        };
        accounts::edit(&self.portal, id, &draft).await
    }

    async fn apply(&mut self, plan: Plan) -> Result<(), Error> {
        let read: Vec<Json> = plan
            .steps
            .iter()
            .filter_map(|step| {
                let before = step.before()?;
                Some(json!([step.table(), before.int("id"), before.to_json().unwrap()]))
            })
            .collect();
        let outcome = self.portal.writer()?.apply(plan).await?;
        if let Some(operation) = outcome.operation() {
            self.operations.push(operation.to_owned());
            self.done.push(json!({ "operation": operation, "read": read }));
        }
        Ok(())
    }

    fn count(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            assert!(matches!(error.kind, Kind::Conflict | Kind::Busy | Kind::Duplicate), "{error:?}");
            *self.refused.entry(error.kind.name()).or_default() += 1;
        }
    }
}

/// What a program does that the story started: its orders come in the environment, its report goes to standard output.
#[expect(clippy::print_stdout, reason = "the story reads it")]
async fn work(orders: &Json) {
    let target = Target::from_url(orders["url"].as_str().unwrap()).unwrap();
    let ids = |name: &str| orders[name].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    let mut portal = portal(&Db::open(&target).await.unwrap()).await;
    if let Some(id) = orders["account"].as_i64() {
        portal = portal.signed_in(Account { id, username: "amir".into() });
    }
    let seed = orders["seed"].as_u64().unwrap();
    let mut program = Program {
        portal,
        name: orders["name"].as_str().unwrap().to_owned(),
        users: ids("users"),
        groups: ids("groups"),
        seed,
        dice: Dice(seed),
        done: Vec::new(),
        operations: Vec::new(),
        refused: BTreeMap::new(),
    };
    // Someone reads the review while the others go on: a plan is applied when the one after it is made.
    let mut reviewed: Option<Plan> = None;
    for number in 0..OPERATIONS {
        let planned = program.plan(number).await;
        if let Some(plan) = reviewed.take() {
            let result = program.apply(plan).await;
            program.count(result);
        }
        match planned {
            Ok(plan) => reviewed = Some(plan),
            Err(error) => program.count(Err(error)),
        }
    }
    if let Some(plan) = reviewed {
        let result = program.apply(plan).await;
        program.count(result);
    }
    let report = json!({ "done": program.done, "refused": program.refused });
    println!("\n{ORDERS} {report}");
}

#[test]
#[ignore = "one of the two programs that the story starts"]
fn program() {
    let orders = std::env::var(ORDERS).expect("its orders");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(&serde_json::from_str(&orders).unwrap()));
}

fn start(orders: &Json) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["program", "--exact", "--ignored", "--nocapture"])
        .env(ORDERS, orders.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn report(child: Child) -> Json {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(ORDERS)).unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str(line).unwrap()
}

/// What counts of an image.
fn state(image: &Map<String, Json>) -> String {
    let columns: BTreeMap<_, _> = image.iter().filter(|(name, _)| !TIMES.contains(&name.as_str())).collect();
    serde_json::to_string(&columns).unwrap()
}

/// A row's key and state. A membership is who is in what: its id means nothing.
fn row(table: &str, image: &Map<String, Json>) -> (Key, String) {
    if table == "auth_user_groups" {
        ((table.to_owned(), format!("{} {}", image["user_id"], image["group_id"])), "{}".to_owned())
    } else {
        ((table.to_owned(), image["id"].to_string()), state(image))
    }
}

/// All rows of these users as they are.
async fn rows_of(portal: &Portal, ids: &[i64]) -> BTreeMap<Key, String> {
    let mut found = BTreeMap::new();
    for id in ids {
        let rows = Rows::read(portal, *id).await.unwrap();
        let tables = [
            ("auth_user", vec![rows.user]),
            ("core_userprofile", rows.profiles),
            ("auth_user_groups", rows.groups),
        ];
        for (table, images) in tables {
            for image in images {
                let Json::Object(image) = image.to_json().unwrap() else { panic!("an object") };
                let (key, state) = row(table, &image);
                assert_eq!(found.insert(key.clone(), state), None, "{key:?} is there twice");
            }
        }
    }
    found
}

/// A change of a row that was committed.
#[derive(Debug, Clone)]
struct Step {
    operation: Option<String>,
    before: Option<Map<String, Json>>,
    after: Option<Map<String, Json>>,
}

type Steps = BTreeMap<Key, Vec<Step>>;

/// What our programs wrote, by the journal and in its order.
async fn journaled(db: &Db) -> Steps {
    let image = |text: Option<String>| text.map(|text| serde_json::from_str(&text).unwrap());
    let mut steps = Steps::new();
    let wanted = own::Wanted { oldest_first: true, ..own::Wanted::default() };
    for listed in own::changes(db, &wanted).await.unwrap() {
        for written in own::change_rows(db, listed.id).await.unwrap() {
            let (before, after) = (image(written.before_image), image(written.after_image));
            let (key, _) = row(&written.table_name, before.as_ref().or(after.as_ref()).expect("an image"));
            let operation = Some(listed.change.operation.clone());
            steps.entry(key).or_default().push(Step { operation, before, after });
        }
    }
    steps
}

/// What Django wrote, by its own account.
fn told(changes: &Json) -> Steps {
    let mut steps = Steps::new();
    for change in changes.as_array().unwrap().iter().flat_map(|changes| changes.as_array().unwrap()) {
        let image = |name: &str| change[name].as_object().cloned();
        let text = |name: &str| change[name].as_str().unwrap().to_owned();
        let step = Step { operation: None, before: image("before"), after: image("after") };
        steps.entry((text("table"), text("key"))).or_default().push(step);
    }
    steps
}

fn states(key: &Key, step: &Step) -> (State, State) {
    let state = |image: &Option<Map<String, Json>>| {
        image.as_ref().map(|image| if key.0 == "auth_user_groups" { "{}".to_owned() } else { state(image) })
    };
    (state(&step.before), state(&step.after))
}

/// Fails unless the steps make one way from the first state to the last, each used once: as often out of every state as
/// into it, but for the two ends, and all of one piece (Euler).
fn one_way(key: &Key, first: &State, last: &State, steps: &[(State, State)]) {
    let mut balance: BTreeMap<&State, i64> = BTreeMap::new();
    *balance.entry(first).or_default() -= 1;
    *balance.entry(last).or_default() += 1;
    let mut reached = BTreeSet::from([first]);
    for (from, to) in steps {
        *balance.entry(from).or_default() += 1;
        *balance.entry(to).or_default() -= 1;
    }
    while let Some((from, to)) =
        steps.iter().find(|(from, to)| reached.contains(from) != reached.contains(to))
    {
        reached.extend([from, to]);
    }
    let whole =
        balance.values().all(|left| *left == 0) && balance.keys().all(|state| reached.contains(state));
    assert!(whole, "{key:?}: from {first:?} to {last:?} there is no way by {steps:#?}");
}

/// Fails unless each step finds these columns as the one before left them, and the last left them as they are.
fn replays(key: &Key, columns: &[&str], steps: &[Step], last: Option<&String>) {
    let only =
        |image: &Map<String, Json>| columns.iter().map(|name| image[*name].clone()).collect::<Vec<_>>();
    let mut left: Option<Vec<Json>> = None;
    for step in steps {
        if let (Some(left), Some(before)) = (&left, &step.before) {
            assert_eq!(&only(before), left, "{key:?} in {:?}", step.operation);
        }
        left = step.after.as_ref().map(only).or(left);
    }
    if let (Some(left), Some(last)) = (left, last) {
        let last: Map<String, Json> = serde_json::from_str(last).unwrap();
        assert_eq!(only(&last), left, "{key:?} at the end");
    }
}

/// What a program had read when it planned is what was there under lock when it wrote.
fn was_planned_for(report: &Json, ours: &Steps) -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    for done in report["done"].as_array().unwrap() {
        let operation = done["operation"].as_str().unwrap().to_owned();
        for read in done["read"].as_array().unwrap() {
            let (table, image) = (read[0].as_str().unwrap(), read[2].as_object().unwrap());
            let (key, planned) = row(table, image);
            let step = ours[&key]
                .iter()
                .find(|step| step.operation.as_ref() == Some(&operation))
                .expect("journaled");
            assert_eq!(states(&key, step).0, Some(planned), "{operation}");
        }
        assert!(operations.insert(operation));
    }
    operations
}

/// Fifty people, every fifth without a profile, and the superuser `amir`; their ids, his last.
async fn people(db: &TestDb, portal: &Portal, django: &mut Django) -> Vec<i64> {
    portal.writer().unwrap().apply(groups::setup(portal).await.unwrap()).await.unwrap();
    for name in ["IT", "Sales"] {
        db.run(&format!(
            "INSERT INTO core_department (name, description, is_active, created_at) VALUES ('{name}', '', {}, '2025-01-01')",
            db.yes()
        ))
        .await;
    }
    let mut ids = Vec::new();
    for number in 0..USERS {
        let name = format!("user{number:02}");
        if number % 5 == 0 {
            ids.push(db.add_user(&name).await);
        } else {
            let added = django.ask(&json!({ "do": "add_user", "username": name, "password": null }));
            ids.push(added.as_i64().unwrap());
        }
    }
    let amir = Draft {
        encoded_password: Some(Recipe::pbkdf2_sha256(1).hash(PASSWORD).unwrap()),
        ..Draft::default()
    }
    .with("username", "amir")
    .with("is_staff", "true")
    .with("is_superuser", "true");
    portal.writer().unwrap().apply(accounts::create(portal, &amir).await.unwrap()).await.unwrap();
    ids.push(users::find(portal, "amir").await.unwrap());
    ids
}

stories! {
    async fn nobodys_change_is_lost(db: TestDb) {
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        let portal = portal(&db).await;
        let mut ids = people(&db, &portal, &mut django).await;
        let amir = ids.pop().unwrap();
        django.enter("amir", PASSWORD).saved();
        let roles: Vec<i64> = groups::choices(&portal).await.unwrap().iter().map(|group| group.id).collect();
        let departments = [db.number("SELECT MIN(id) FROM core_department").await, db.number("SELECT MAX(id) FROM core_department").await];
        let first = rows_of(&portal, &ids).await;
        let already = db.number("SELECT COUNT(*) FROM portaldesk_change").await;

        let orders = |name: &str, seed: u64, account: Option<i64>| json!({
            "url": db.url(), "name": name, "seed": seed, "account": account, "users": ids, "groups": roles,
        });
        let programs = [start(&orders("one", 1, Some(amir))), start(&orders("two", 2, None))];
        let theirs = django.ask(&json!({
            "do": "storm", "seed": 3, "operations": OPERATIONS, "users": ids, "groups": roles, "departments": departments,
        }));
        let reports = programs.map(report);

        let last = rows_of(&portal, &ids).await;
        let (ours, django_steps) = (journaled(&db).await, told(&theirs["changes"]));
        let mut all: BTreeMap<&Key, Vec<(State, State)>> = BTreeMap::new();
        for (key, steps) in ours.iter().chain(&django_steps) {
            all.entry(key).or_default().extend(steps.iter().map(|step| states(key, step)));
        }
        for key in first.keys().chain(last.keys()) {
            all.entry(key).or_default();
        }
        // What was made before the storm is not among the rows that it may touch.
        let of_the_storm = |key: &Key| {
            first.contains_key(key) || last.contains_key(key) || django_steps.contains_key(key)
                || ours.get(key).is_some_and(|steps| steps.iter().any(|step| step.before.is_some()))
        };
        for (key, steps) in all.iter().filter(|(key, _)| of_the_storm(key)) {
            one_way(key, &first.get(*key).cloned(), &last.get(*key).cloned(), steps);
        }
        for key in last.keys() {
            let columns: [&[&str]; 2] = match key.0.as_str() {
                "auth_user" => [&["last_name", "email", "is_active"], &["first_name"]],
                "core_userprofile" => [&["main_portal_id"], &["department_id"]],
                _ => continue,
            };
            for (columns, steps) in columns.into_iter().zip([&ours, &django_steps]) {
                replays(key, columns, steps.get(key).map_or(&[], Vec::as_slice), last.get(key));
            }
        }

        let operations = reports.each_ref().map(|report| was_planned_for(report, &ours));
        let written: usize = operations.iter().map(BTreeSet::len).sum();
        assert!(operations[0].is_disjoint(&operations[1]));
        let journaled = db.number("SELECT COUNT(*) FROM portaldesk_change").await - already;
        assert_eq!(journaled, i64::try_from(written).unwrap(), "what was reported and nothing else");
        assert_eq!(journal::verify(&db).await.unwrap(), []);
        assert_eq!(db.number("SELECT COUNT(*) FROM (SELECT user_id FROM core_userprofile GROUP BY user_id HAVING COUNT(*) > 1) doubled").await, 0);
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile p WHERE NOT EXISTS (SELECT 1 FROM auth_user u WHERE u.id = p.user_id)").await, 0);
        assert_eq!(
            db.number("SELECT COUNT(*) FROM (SELECT main_portal_id FROM core_userprofile WHERE main_portal_id IS NOT NULL GROUP BY main_portal_id HAVING COUNT(*) > 1) doubled").await,
            0, "each portal id was given once"
        );

        let committed = theirs["changes"].as_array().unwrap().len();
        let told = format!(
            "{} at once on {}: the portal committed {committed}, errors {}; we committed {} and {}, refused {} and {}\n",
            OPERATIONS, db.server.name(), theirs["errors"], operations[0].len(), operations[1].len(),
            reports[0]["refused"], reports[1]["refused"],
        );
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        let refused = |report: &Json| report["refused"]["conflict"].as_u64().unwrap_or(0);
        assert!(reports.iter().map(refused).sum::<u64>() > 0, "they were in each other's way");
        let enough = usize::try_from(OPERATIONS / 4).unwrap();
        assert!(committed >= enough && operations.iter().all(|done| done.len() >= enough), "{told}");
    }
}
