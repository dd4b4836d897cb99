//! Plans as JSON that can be kept in a file and applied later, true to the byte.
//!
//! A file is not trusted. It holds no SQL; tables and columns are looked up in the catalogue and get into statements
//! only as checked names. A secret never gets into it, so a plan that sets one can be shown and not applied; of the rows
//! before, secrets are left out and so not compared.

use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::db::schema::{OWN_TABLES, Schema};
use crate::db::{Cell, Dialect, Engine};
use crate::error::{Error, Result};

use super::ddl::{Alter, Ddl};
use super::plan::{Adopt, Image, MOST_ROWS, Plan, Purpose, Require, Step, Value, is_secret};

/// The most bytes that a file may have.
pub const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// How an unusable password begins: there is nothing secret about it.
const UNUSABLE: &str = "!";

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFile {
    /// The engine that the plans are for.
    pub engine: Engine,
    /// The database that they were made from, for people.
    pub database: String,
    /// The plans.
    pub plans: Vec<Plan>,
    /// The file holds the beginning only: there were more.
    pub partial: bool,
    /// The plans of which a secret was left out, by title: they can't be applied.
    pub secrets: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanJson {
    title: String,
    purpose: PurposeJson,
    undo_of: Option<String>,
    without_foreign_keys: bool,
    steps: Vec<StepJson>,
    require: Vec<RequireJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PurposeJson {
    Edit,
    Repair,
    Undo,
}

/// Columns and their cells, in order.
type Columns = Vec<(String, Cell)>;
type Values = Vec<(String, ValueJson)>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StepJson {
    Insert { table: String, values: Values, adopt: Option<AdoptJson> },
    Update { table: String, key: Columns, before: Columns, set: Values },
    Delete { table: String, key: Columns, before: Columns },
    Counter { table: String, column: String, from: Option<i64>, to: i64 },
    Ddl { table: String, alter: Alter },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptJson {
    by: String,
    columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ValueJson {
    Cell(Cell),
    /// The number of a step, from 1.
    NewId(usize),
    Now,
    /// It was left out.
    Secret,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum RequireJson {
    Row { table: String, key: Columns },
    Holds { table: String, key: Columns, column: String, value: Cell },
    NoRow { table: String, column: String, value: Cell },
    NoTwin { usernames: Vec<String>, after: i64 },
}

/// The fields that make an object of the command line a plan file: `engine`, `database`, `plans` and, where there were
/// more plans than these, `partial`.
///
/// # Errors
/// Never in practice: serialisation of these types can't fail.
pub fn fields(engine: Engine, database: &str, plans: &[Plan], partial: bool) -> Result<Map<String, Json>> {
    let plans: Vec<PlanJson> = plans.iter().map(PlanJson::from).collect();
    let plans = serde_json::to_value(plans).map_err(|why| Error::bug(format!("a plan is no JSON: {why}")))?;
    let mut fields = Map::new();
    fields.insert("engine".to_owned(), json!(engine.name()));
    fields.insert("database".to_owned(), json!(database));
    fields.insert("plans".to_owned(), plans);
    if partial {
        fields.insert("partial".to_owned(), json!(true));
    }
    Ok(fields)
}

/// Reads a file. Nothing is compared with a database yet, see [`PlanFile::check`].
///
/// # Errors
/// Invalid, saying what is wrong with it.
pub fn read(source: impl Read) -> Result<PlanFile> {
    let mut text = Vec::new();
    source
        .take(MOST_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|why| wrong(&format!("it can't be read: {why}")))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(wrong(&format!("it is larger than {} MiB", MOST_BYTES / 1024 / 1024)));
    }
    let Json::Object(mut object) =
        serde_json::from_slice(&text).map_err(|why| wrong(&format!("it is no JSON: {why}")))?
    else {
        return Err(wrong("it is no object"));
    };
    if object.get("portaldesk") != Some(&json!(1)) {
        return Err(wrong("it was not written by portaldesk"));
    }
    if object.get("dry_run") != Some(&Json::Bool(true)) {
        return Err(wrong("it says what was done, not what is to be done; use --dry-run"));
    }
    let Some(Json::Array(plans)) = object.remove("plans") else {
        return Err(wrong("it has no plans"));
    };
    let name = object.get("engine").and_then(Json::as_str).unwrap_or_default();
    let engine = Engine::from_name(name)
        .ok_or_else(|| wrong(&format!("it is for no engine that is known, '{name}'")))?;
    let mut file = PlanFile {
        engine,
        database: object.get("database").and_then(Json::as_str).unwrap_or_default().to_owned(),
        plans: Vec::with_capacity(plans.len()),
        partial: object.get("partial") == Some(&Json::Bool(true)),
        secrets: Vec::new(),
    };
    for (number, plan) in (1..).zip(plans) {
        let plan: PlanJson =
            serde_json::from_value(plan).map_err(|why| wrong(&format!("plan {number}: {why}")))?;
        let of_plan = |why: String| wrong(&format!("plan {number}: {why}"));
        let (plan, secret) = plan.read(engine.into()).map_err(of_plan)?;
        if secret {
            file.secrets.push(plan.title.clone());
        }
        file.plans.push(plan);
    }
    // What people and scripts look at is what would be done.
    let shown = object.remove("plan").map(without_secrets);
    if shown.is_some_and(|shown| shown != without_secrets(as_read(numbered(&file.plans)))) {
        return Err(wrong("what it shows ('plan') is not what it would do ('plans')"));
    }
    Ok(file)
}

/// The steps of all plans for people and scripts, numbered through.
#[must_use]
pub fn numbered(plans: &[Plan]) -> Vec<Json> {
    let mut steps: Vec<Json> = plans.iter().flat_map(Plan::to_json).collect();
    for (number, step) in (1..).zip(&mut steps) {
        step["step"] = Json::from(number);
    }
    steps
}

/// The same as it comes back from a file, where a number may lose its last digit.
fn as_read(steps: Vec<Json>) -> Json {
    serde_json::from_str(&Json::Array(steps).to_string()).unwrap_or_default()
}

/// The steps without the columns that are masked or left out.
fn without_secrets(mut steps: Json) -> Json {
    for step in steps.as_array_mut().into_iter().flatten() {
        for side in ["before", "after"] {
            if let Some(columns) = step.get_mut(side).and_then(Json::as_object_mut) {
                columns.retain(|column, _| !is_secret(column));
            }
        }
    }
    steps
}

fn wrong(why: &str) -> Error {
    Error::invalid(format!("This is no plan file that can be used: {why}. Nothing was written."))
}

impl PlanFile {
    /// Refuses plans that can't be meant for this database: other engine, unknown tables or columns, our own tables, or
    /// with secrets left out.
    ///
    /// # Errors
    /// Invalid, in words.
    pub fn check(&self, dialect: Dialect, schema: &Schema) -> Result<()> {
        if let Some(title) = self.secrets.first() {
            return Err(Error::invalid(format!(
                "'{title}' sets a password, and no file ever holds one: give the command itself. Nothing was written."
            )));
        }
        if Dialect::from(self.engine) != dialect {
            return Err(wrong(&format!("it was made for {}", self.engine.name())));
        }
        for (number, plan) in (1..).zip(&self.plans) {
            check_plan(plan, schema)
                .map_err(|why| wrong(&format!("plan {number}, '{}': {why}", plan.title)))?;
        }
        Ok(())
    }
}

/// Why a plan can't be meant for these tables.
fn check_plan(plan: &Plan, schema: &Schema) -> std::result::Result<(), String> {
    if let Some(operation) = &plan.undo_of
        && Uuid::parse_str(operation).is_err()
    {
        return Err("what it takes back is no operation".to_owned());
    }
    for (at, step) in plan.steps.iter().enumerate() {
        let table = Known::of(schema, step.table())?;
        match step {
            Step::Insert { values, adopt, .. } => {
                check_values(plan, at, &table, values)?;
                if let Some(adopt) = adopt {
                    table.has(&adopt.by)?;
                    adopt.columns.iter().try_for_each(|column| table.has(column))?;
                }
            }
            Step::Update { key, before, set, .. } => {
                table.is_key(key)?;
                table.is_row_of(key, before)?;
                check_values(plan, at, &table, set)?;
            }
            Step::Delete { key, before, .. } => {
                table.is_key(key)?;
                table.is_row_of(key, before)?;
            }
            Step::Counter { column, .. } => table.has(column)?,
            // Its own check, under lock, looks its names up.
            Step::Ddl(_) => {}
        }
    }
    plan.require.iter().try_for_each(|require| match require {
        Require::Row { table, key } => Known::of(schema, table)?.is_key(key),
        Require::Holds { table, key, column, .. } => {
            let table = Known::of(schema, table)?;
            table.is_key(key)?;
            table.has(column)
        }
        Require::NoRow { table, column, .. } => Known::of(schema, table)?.has(column),
        Require::NoTwin { .. } => Known::of(schema, "auth_user")?.has("username"),
    })
}

fn check_values(
    plan: &Plan,
    at: usize,
    table: &Known<'_>,
    values: &[(String, Value)],
) -> std::result::Result<(), String> {
    if values.is_empty() {
        return Err(format!("step {} writes no column", at + 1));
    }
    for (index, (column, value)) in values.iter().enumerate() {
        table.has(column)?;
        if values[..index].iter().any(|(other, _)| other == column) {
            return Err(format!("step {} writes {column} twice", at + 1));
        }
        if let Value::NewId(step) = value
            && !(*step < at && matches!(plan.steps[*step], Step::Insert { .. }))
        {
            return Err(format!("step {} refers to an id that no earlier step makes", at + 1));
        }
    }
    Ok(())
}

/// A table of the portal's that is there.
struct Known<'a>(&'a crate::db::schema::Table);

impl<'a> Known<'a> {
    fn of(schema: &'a Schema, name: &str) -> std::result::Result<Self, String> {
        if OWN_TABLES.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(format!("{name} is no table of the portal's"));
        }
        match schema.table(name) {
            Some(table) if table.primary_key.is_empty() => Err(format!("table {name} has no primary key")),
            Some(table) => Ok(Self(table)),
            None => Err(format!("there is no table '{name}' here")),
        }
    }

    fn has(&self, column: &str) -> std::result::Result<(), String> {
        match self.0.column(column) {
            Some(_) => Ok(()),
            None => Err(format!("table {} has no column '{column}' here", self.0.name.as_str())),
        }
    }

    /// A row of another key than its own would be compared with one and written into another.
    fn is_row_of(&self, key: &Image, before: &Image) -> std::result::Result<(), String> {
        before.0.iter().try_for_each(|(column, _)| self.has(column))?;
        if key.0.iter().all(|(column, cell)| before.get(column) == Some(cell)) {
            return Ok(());
        }
        Err(format!("a row of {} is not the one that its key names", self.0.name.as_str()))
    }

    fn is_key(&self, key: &Image) -> std::result::Result<(), String> {
        let columns: Vec<&String> = key.0.iter().map(|(column, _)| column).collect();
        if columns == self.0.primary_key.iter().collect::<Vec<_>>() {
            return Ok(());
        }
        Err(format!("a key of {} is not its primary key", self.0.name.as_str()))
    }
}

/// The columns without those that hold a secret.
fn open(image: &Image) -> Columns {
    let shown = |(column, cell): &&(String, Cell)| !is_secret(column) || is_harmless(cell);
    image.0.iter().filter(shown).cloned().collect()
}

/// NULL, or an unusable password.
fn is_harmless(cell: &Cell) -> bool {
    cell.is_null() || cell.as_text().is_some_and(|text| text.starts_with(UNUSABLE))
}

impl From<&Plan> for PlanJson {
    fn from(plan: &Plan) -> Self {
        Self {
            title: plan.title.clone(),
            purpose: match plan.purpose {
                Purpose::Edit | Purpose::Bulk | Purpose::Import | Purpose::Leaving => PurposeJson::Edit,
                Purpose::Repair => PurposeJson::Repair,
                Purpose::Undo => PurposeJson::Undo,
            },
            undo_of: plan.undo_of.clone(),
            without_foreign_keys: plan.without_foreign_keys,
            steps: plan.steps.iter().map(StepJson::from).collect(),
            require: plan.require.iter().filter(|require| is_open(require)).map(RequireJson::from).collect(),
        }
    }
}

/// Whether a requirement says nothing of a secret.
fn is_open(require: &Require) -> bool {
    match require {
        Require::Row { .. } | Require::NoTwin { .. } => true,
        Require::Holds { column, value, .. } | Require::NoRow { column, value, .. } => {
            !is_secret(column) || is_harmless(value)
        }
    }
}

impl PlanJson {
    /// The plan, and whether a secret was left out of it.
    fn read(self, dialect: Dialect) -> std::result::Result<(Plan, bool), String> {
        if self.steps.len() > MOST_ROWS {
            return Err(format!("it has {} steps, {MOST_ROWS} at most", self.steps.len()));
        }
        let mut secret = false;
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in self.steps {
            steps.push(step.read(dialect, &mut secret)?);
        }
        let plan = Plan {
            title: self.title,
            purpose: match self.purpose {
                PurposeJson::Edit => Purpose::Edit,
                PurposeJson::Repair => Purpose::Repair,
                PurposeJson::Undo => Purpose::Undo,
            },
            steps,
            require: self.require.into_iter().map(Require::from).collect(),
            undo_of: self.undo_of,
            without_foreign_keys: self.without_foreign_keys,
        };
        Ok((plan, secret))
    }
}

impl From<&Step> for StepJson {
    fn from(step: &Step) -> Self {
        let table = step.table().to_owned();
        match step {
            Step::Insert { values, adopt, .. } => Self::Insert {
                table,
                values: values_to_json(values),
                adopt: adopt
                    .as_ref()
                    .map(|adopt| AdoptJson { by: adopt.by.clone(), columns: adopt.columns.clone() }),
            },
            Step::Update { key, before, set, .. } => {
                Self::Update { table, key: key.0.clone(), before: open(before), set: values_to_json(set) }
            }
            Step::Delete { key, before, .. } => {
                Self::Delete { table, key: key.0.clone(), before: open(before) }
            }
            Step::Counter { column, from, to, .. } => {
                Self::Counter { table, column: column.clone(), from: *from, to: *to }
            }
            Step::Ddl(ddl) => Self::Ddl { table, alter: ddl.alter().clone() },
        }
    }
}

fn values_to_json(values: &[(String, Value)]) -> Values {
    let value = |column: &str, value: &Value| match value {
        Value::Cell(cell) if is_secret(column) && !is_harmless(cell) => ValueJson::Secret,
        Value::Cell(cell) => ValueJson::Cell(cell.clone()),
        Value::NewId(step) => ValueJson::NewId(step + 1),
        Value::Now => ValueJson::Now,
    };
    values.iter().map(|(column, it)| (column.clone(), value(column, it))).collect()
}

impl StepJson {
    fn read(self, dialect: Dialect, secret: &mut bool) -> std::result::Result<Step, String> {
        Ok(match self {
            Self::Insert { table, values, adopt } => Step::Insert {
                table,
                values: values_from_json(values, secret)?,
                adopt: adopt.map(|adopt| Adopt { by: adopt.by, columns: adopt.columns }),
            },
            Self::Update { table, key, before, set } => Step::Update {
                table,
                key: Image(key),
                before: image(before)?,
                set: values_from_json(set, secret)?,
            },
            Self::Delete { table, key, before } => {
                Step::Delete { table, key: Image(key), before: image(before)? }
            }
            Self::Counter { table, column, from, to } => Step::Counter { table, column, from, to },
            Self::Ddl { table, alter } => {
                Step::Ddl(Ddl::new(dialect, &table, alter).map_err(|error| error.message)?)
            }
        })
    }
}

fn image(columns: Columns) -> std::result::Result<Image, String> {
    match columns.iter().find(|(column, cell)| is_secret(column) && !is_harmless(cell)) {
        Some((column, _)) => Err(format!("it holds a secret, {column}, which no file of ours does")),
        None => Ok(Image(columns)),
    }
}

fn values_from_json(values: Values, secret: &mut bool) -> std::result::Result<Vec<(String, Value)>, String> {
    let mut read = Vec::with_capacity(values.len());
    for (column, value) in values {
        let value = match value {
            ValueJson::Cell(cell) if is_secret(&column) && !is_harmless(&cell) => {
                return Err(format!("it sets a secret, {column}, which no file of ours does"));
            }
            ValueJson::Cell(cell) => Value::Cell(cell),
            ValueJson::NewId(step) => {
                Value::NewId(step.checked_sub(1).ok_or("steps are numbered from 1".to_owned())?)
            }
            ValueJson::Now => Value::Now,
            // Never written: such a file is refused. It is shown as every secret is.
            ValueJson::Secret => {
                *secret = true;
                Value::Cell(Cell::Text(UNUSABLE.to_owned()))
            }
        };
        read.push((column, value));
    }
    Ok(read)
}

impl From<&Require> for RequireJson {
    fn from(require: &Require) -> Self {
        match require.clone() {
            Require::Row { table, key } => Self::Row { table, key: key.0 },
            Require::Holds { table, key, column, value } => Self::Holds { table, key: key.0, column, value },
            Require::NoRow { table, column, value } => Self::NoRow { table, column, value },
            Require::NoTwin { usernames, after } => Self::NoTwin { usernames, after },
        }
    }
}

impl From<RequireJson> for Require {
    fn from(require: RequireJson) -> Self {
        match require {
            RequireJson::Row { table, key } => Self::Row { table, key: Image(key) },
            RequireJson::Holds { table, key, column, value } => {
                Self::Holds { table, key: Image(key), column, value }
            }
            RequireJson::NoRow { table, column, value } => Self::NoRow { table, column, value },
            RequireJson::NoTwin { usernames, after } => Self::NoTwin { usernames, after },
        }
    }
}
