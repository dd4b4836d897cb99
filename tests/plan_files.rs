//! Plan files: what is written is read back to the byte, and nothing that stands in a file makes the reader stumble.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use portaldesk::change::plan_file::{self, PlanFile, fields, numbered};
use portaldesk::change::{Adopt, Image, Plan, Purpose, Require, Step, Value};
use portaldesk::db::{Cell, Dialect, Engine};
use portaldesk::error::{Kind, Result};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Null),
        any::<bool>().prop_map(Cell::Bool),
        any::<i64>().prop_map(Cell::Int),
        any::<f64>().prop_filter("a number", |real| real.is_finite()).prop_map(Cell::Real),
        any::<String>().prop_map(Cell::Text),
        any::<Vec<u8>>().prop_map(Cell::Bytes),
        any::<Vec<u8>>().prop_map(Cell::RawText),
    ]
}

/// Names of columns, each once, none of a secret.
fn columns() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-z_]{1,6}", 1..4)
        .prop_map(|names| names.into_iter().filter(|name| !portaldesk::change::is_secret(name)).collect())
}

fn image() -> impl Strategy<Value = Image> {
    columns().prop_flat_map(|names| {
        let cells = proptest::collection::vec(cell(), names.len());
        cells.prop_map(move |cells| Image(names.clone().into_iter().zip(cells).collect()))
    })
}

fn values() -> impl Strategy<Value = Vec<(String, Value)>> {
    let value =
        prop_oneof![cell().prop_map(Value::Cell), Just(Value::Now), (0_usize..500).prop_map(Value::NewId)];
    columns().prop_flat_map(move |names| {
        let values = proptest::collection::vec(value.clone(), names.len());
        values.prop_map(move |values| names.clone().into_iter().zip(values).collect())
    })
}

fn step() -> impl Strategy<Value = Step> {
    let table = "[a-z_]{1,8}";
    let adopt =
        proptest::option::of(("[a-z]{1,5}", columns()).prop_map(|(by, columns)| Adopt { by, columns }));
    prop_oneof![
        (table, values(), adopt).prop_map(|(table, values, adopt)| Step::Insert { table, values, adopt }),
        (table, image(), image(), values()).prop_map(|(table, key, before, set)| Step::Update {
            table,
            key,
            before,
            set
        }),
        (table, image(), image()).prop_map(|(table, key, before)| Step::Delete { table, key, before }),
        (table, "[a-z]{1,5}", proptest::option::of(any::<i64>()), any::<i64>())
            .prop_map(|(table, column, from, to)| Step::Counter { table, column, from, to }),
    ]
}

fn require() -> impl Strategy<Value = Require> {
    let (table, column) = ("[a-z_]{1,8}", "[a-z]{1,5}");
    prop_oneof![
        (table, image()).prop_map(|(table, key)| Require::Row { table, key }),
        (table, image(), column, cell()).prop_map(|(table, key, column, value)| Require::Holds {
            table,
            key,
            column,
            value
        }),
        (table, column, cell()).prop_map(|(table, column, value)| Require::NoRow { table, column, value }),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let purpose = prop_oneof![Just(Purpose::Edit), Just(Purpose::Repair), Just(Purpose::Undo)];
    let parts = (
        any::<String>(),
        purpose,
        proptest::collection::vec(step(), 0..4),
        proptest::collection::vec(require(), 0..3),
        proptest::option::of(any::<String>()),
        any::<bool>(),
    );
    parts.prop_map(|(title, purpose, steps, require, undo_of, without_foreign_keys)| Plan {
        title,
        purpose,
        steps,
        require,
        undo_of,
        without_foreign_keys,
    })
}

/// A file as the command line prints it.
fn written(plans: &[Plan]) -> Json {
    let mut object = json!({"portaldesk": 1, "kind": "change", "dry_run": true, "plan": numbered(plans)});
    let fields = fields(Engine::Postgres, "postgres portal@db1", plans, false).unwrap();
    object.as_object_mut().unwrap().extend(fields);
    object
}

fn read(file: &Json) -> Result<PlanFile> {
    plan_file::read(portaldesk::text::json(file).as_bytes())
}

/// Puts something else into one place of a JSON value, wherever `at` leads.
fn disturb(json: &mut Json, at: usize, other: Json) {
    match json {
        Json::Array(items) if !items.is_empty() && at > 0 => {
            let index = at % items.len();
            disturb(&mut items[index], at / 2, other);
        }
        Json::Object(fields) if !fields.is_empty() && at > 0 => {
            let index = at % fields.len();
            if let Some((_, value)) = fields.iter_mut().nth(index) {
                disturb(value, at / 2, other);
            }
        }
        place => *place = other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(plans in proptest::collection::vec(plan(), 0..4)) {
        let file = read(&written(&plans)).unwrap();
        prop_assert_eq!(&file.plans, &plans);
        prop_assert_eq!((file.engine, file.partial, file.secrets.len()), (Engine::Postgres, false, 0));
    }

    #[test]
    fn any_bytes_are_refused_in_words(bytes in any::<Vec<u8>>()) {
        prop_assert_eq!(plan_file::read(bytes.as_slice()).unwrap_err().kind, Kind::Invalid);
    }

    #[test]
    fn a_damaged_file_is_refused_or_still_means_something(
        plans in proptest::collection::vec(plan(), 1..3),
        at in any::<usize>(),
        other in prop_oneof![
            Just(Json::Null), Just(json!({})), Just(json!([])), any::<i64>().prop_map(Json::from),
            Just(json!(1e300)), any::<String>().prop_map(Json::from), Just(json!({"new_id": 0})),
        ],
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = written(&plans);
        let text = file.to_string();
        disturb(&mut file, at, other);
        if let Ok(file) = read(&file) {
            let schema = portaldesk::db::schema::Schema::default();
            let plain = file.plans.iter().all(|plan| plan.steps.is_empty() && plan.require.is_empty());
            prop_assert!(file.check(Dialect::Postgres, &schema).is_err() || plain);
        }
        let cut = cut.index(text.len());
        prop_assert!(plan_file::read(&text.as_bytes()[..cut]).is_err());
    }
}

fn password(set: &str) -> Plan {
    let before =
        vec![("id".to_owned(), Cell::Int(3)), ("password".to_owned(), Cell::Text("canary-old".to_owned()))];
    let mut plan = Plan::new("Set the password of bela");
    plan.update(
        "auth_user",
        Image::id(3),
        Image(before),
        vec![("password", Value::Cell(Cell::Text(set.to_owned())))],
    );
    plan
}

#[test]
fn a_secret_never_gets_into_a_file_and_none_is_taken_from_one() {
    let file = written(&[password("canary-new")]);
    assert!(!file.to_string().contains("canary"), "{file}");
    let read_back = read(&file).unwrap();
    assert_eq!(read_back.secrets, ["Set the password of bela"]);
    let error = read_back.check(Dialect::Postgres, &portaldesk::db::schema::Schema::default()).unwrap_err();
    assert!(error.message.contains("give the command itself"), "{error}");

    // An unusable password is no secret.
    let mut file = written(&[password("!nobody")]);
    assert_eq!(read(&file).unwrap().secrets, Vec::<String>::new());
    let cell = file.pointer_mut("/plans/0/steps/0/update/set/0/1/cell").unwrap();
    *cell = json!("pbkdf2_sha256$1$a$b");
    let error = read(&file).unwrap_err();
    assert!(error.message.contains("sets a secret"), "{error}");
}

#[test]
fn what_a_file_shows_is_what_it_does() {
    let mut plan = Plan::new("Deactivate bela");
    let before = Image(vec![("id".to_owned(), Cell::Int(3)), ("is_active".to_owned(), Cell::Bool(true))]);
    plan.update("auth_user", Image::id(3), before, vec![("is_active", Value::Cell(Cell::Bool(false)))]);
    let good = written(&[plan]);
    read(&good).unwrap();
    let mut file = good.clone();
    *file.pointer_mut("/plans/0/steps/0/update/set/0/0").unwrap() = json!("is_superuser");
    assert!(read(&file).unwrap_err().message.contains("what it shows"));
    for (field, value, said) in [
        ("dry_run", json!(false), "use --dry-run"),
        ("portaldesk", json!(2), "not written by portaldesk"),
        ("engine", json!("oracle"), "no engine that is known"),
        ("plans", json!(null), "it has no plans"),
    ] {
        let mut file = good.clone();
        file[field] = value;
        let error = read(&file).unwrap_err();
        assert!(error.message.contains(said) && error.message.contains("Nothing was written"), "{error}");
    }
    let endless = std::io::Read::chain(&b"{\"a\":\""[..], std::io::repeat(b'a'));
    assert!(plan_file::read(endless).unwrap_err().message.contains("larger than"));
    let deep = "[".repeat(1_000_000);
    assert!(plan_file::read(deep.as_bytes()).is_err());
}
