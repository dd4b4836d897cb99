//! Undo: a new plan built from the journal's images, that goes the same way as any other.
//!
//! It touches only columns that are still as we left them. What changed since is shown, not overwritten; a missing
//! column or a reused id refuses that object, by name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::db::own::{self, ChangeRow, ListedChange, Wanted};
use crate::db::schema::{Schema, Table};
use crate::db::{Cell, Db};
use crate::error::{Error, Result};
use crate::portal::password::{self, Stored};

use super::admin_log::{Written, Wrote};
use super::ddl::Ddl;
use super::hold::Opening;
use super::plan::{Image, Plan, Purpose, Step, Value};
use super::rows::{self, Lock};

/// What undoing would do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Undo {
    /// One plan an operation, the newest first. Without any there is nothing to take back.
    pub plans: Vec<Plan>,
    /// What can't be taken back, and why, in words.
    pub left: Vec<String>,
    /// An old password is among what could come back: someone has to say whether it should work again.
    pub old_password: bool,
    /// Whether it may work again.
    pub password: OldPassword,
}

impl Undo {
    /// The run that takes back `id`: stopped midway, it can be gone on with, and what was taken back by then is not taken
    /// back again.
    #[must_use]
    pub fn opening(&self, id: &str) -> Opening {
        let old_password = self.password == OldPassword::WorksAgain;
        Opening {
            title: format!("Undo the run {id}"),
            purpose: Purpose::Undo,
            planned: Some(self.plans.len() as u64),
            resume_from: Some(json!({ "undo": id, "old_password": old_password }).to_string()),
        }
    }
}

/// Whether an old password may work again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OldPassword {
    /// The password stays as it is now.
    #[default]
    StaysChanged,
    /// The old one works again, and portal sessions that it opened come back to life.
    WorksAgain,
}

/// Plans the undo of an operation, or of all operations of a run that were not taken back yet.
///
/// # Errors
/// When there is no such operation or it was taken back already.
pub async fn plan(db: &Db, schema: &Schema, id: &str, password: OldPassword) -> Result<Undo> {
    let found = own::changes(db, &Wanted { id: Some(id.to_owned()), ..Wanted::default() }).await?;
    if found.is_empty() {
        return Err(Error::invalid(format!(
            "There is no operation or run '{id}' in the journal; nothing was written."
        )));
    }
    let open: Vec<&ListedChange> = found.iter().filter(|change| change.undone_by.is_none()).collect();
    if open.is_empty() {
        let by = found.iter().find_map(|change| change.undone_by.clone()).unwrap_or_default();
        return Err(Error::conflict(format!("'{id}' was taken back already, by {by}; nothing was written.")));
    }
    let mut undo = Undo { password, ..Undo::default() };
    let mut rows = Rows { db: db.clone(), schema, planned: BTreeMap::new() };
    for change in open {
        let written = own::change_rows(db, change.id).await?;
        let plan = plan_one(&mut rows, change, &written, password, &mut undo).await?;
        if !plan.steps.is_empty() {
            undo.plans.push(plan);
        }
    }
    Ok(undo)
}

/// Rows as they will be once the plans made so far are applied: operations of one run may have written the same row.
struct Rows<'a> {
    db: Db,
    schema: &'a Schema,
    /// By table and key: the row that a plan will leave, or nothing where it goes.
    planned: BTreeMap<(String, String), Option<Image>>,
}

impl Rows<'_> {
    fn name(table: &str, key: &Image) -> (String, String) {
        (table.to_owned(), format!("{:?}", key.0))
    }

    async fn find(&mut self, table: &Table, key: &Image) -> Result<Option<Image>> {
        if let Some(planned) = self.planned.get(&Self::name(table.name.as_str(), key)) {
            return Ok(planned.clone());
        }
        Ok(rows::by_keys(&mut self.db, table, std::slice::from_ref(key), Lock::No).await?.pop())
    }

    /// Whether a table with the key `id` has this one.
    async fn has_id(&mut self, table: &Table, id: &Cell) -> Result<bool> {
        let key = Image::of("id", id.clone());
        if let Some(planned) = self.planned.get(&Self::name(table.name.as_str(), &key)) {
            return Ok(planned.is_some());
        }
        Ok(rows::first_of(&mut self.db, table, "id", std::slice::from_ref(id)).await?.is_some())
    }

    fn note(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let cells = |pairs: &[(String, Value)]| -> Vec<(String, Cell)> {
                pairs.iter().filter_map(|(name, _)| Some((name.clone(), step.cell(name)?.clone()))).collect()
            };
            let Some(table) = self.schema.table(step.table()) else { continue };
            let (key, after) = match step {
                Step::Insert { values, .. } => {
                    let image = Image(cells(values));
                    (rows::key_of(table, &image), Some(image))
                }
                Step::Update { key, before, set, .. } => {
                    let mut image = before.clone();
                    for (column, cell) in cells(set) {
                        image.set(&column, cell);
                    }
                    image.0.retain(|(column, _)| !is_generated(table, column));
                    (key.clone(), Some(image))
                }
                Step::Delete { key, .. } => (key.clone(), None),
                Step::Counter { .. } | Step::Ddl(_) => continue,
            };
            self.planned.insert(Self::name(step.table(), &key), after);
        }
    }
}

/// What it means that a step brings a deleted account back, in words: it is as it was, its password too, unless that was
/// none to sign in with. Nothing for all other steps.
#[must_use]
pub fn revives(step: &Step, name: &str) -> Option<String> {
    let Step::Insert { table, .. } = step else { return None };
    // Only what comes back has its id beforehand.
    step.cell("id").filter(|_| table == "auth_user")?;
    let password = step.cell("password").and_then(Cell::as_text)?;
    matches!(password::read(password), Stored::Usable(_) | Stored::Unsupported(_)).then(|| {
        format!(
            "{name} comes back with the password of before; portal sessions that have not run out work again."
        )
    })
}

/// Reads a journal row back.
///
/// # Errors
/// Conflict, when an image or the key is no JSON of ours.
pub fn read_row(row: &ChangeRow) -> Result<Written> {
    let image = |text: &Option<String>| {
        text.as_deref().map(Image::from_json).transpose().map_err(|error| {
            Error::conflict(format!(
                "The journal's image of a row of {} can't be read: {error}",
                row.table_name
            ))
        })
    };
    let key = Image::from_json(&row.row_key).map_err(|error| {
        Error::conflict(format!("The journal's key '{}' can't be read: {error}", row.row_key))
    })?;
    let what = match row.kind.as_str() {
        "counter" => Wrote::Counter,
        "ddl" => Wrote::Ddl,
        _ => Wrote::Row,
    };
    Ok(Written {
        what,
        table: row.table_name.clone(),
        key,
        before: image(&row.before_image)?,
        after: image(&row.after_image)?,
    })
}

async fn plan_one(
    rows: &mut Rows<'_>,
    change: &ListedChange,
    journaled: &[ChangeRow],
    password: OldPassword,
    undo: &mut Undo,
) -> Result<Plan> {
    let mut plan = Plan::new(format!("Undo: {}", change.change.title));
    plan.purpose = Purpose::Undo;
    plan.undo_of = Some(change.change.operation.clone());
    let written: Vec<Written> = journaled.iter().rev().map(read_row).collect::<Result<_>>()?;
    let mut back = Vec::new();
    // Users with a row that can't go back: none of their rows then does, so that no half account remains.
    let mut blocked = BTreeSet::new();
    for row in &written {
        match take_back(rows, row, password, undo).await? {
            Back::Steps(steps) => back.push((row, steps)),
            Back::Refused(why) => {
                undo.left.push(why);
                if row.table == "auth_user" {
                    blocked.extend(row.user());
                }
            }
        }
    }
    for (row, steps) in back {
        if row.user().is_some_and(|user| blocked.contains(&user)) {
            continue;
        }
        for step in steps {
            plan.push(step);
        }
    }
    plan.without_foreign_keys = lacks_a_parent(rows, &plan, undo).await?;
    rows.note(&plan);
    Ok(plan)
}

enum Back {
    Steps(Vec<Step>),
    Refused(String),
}

fn name(row: &Written) -> String {
    let image = row.after.as_ref().or(row.before.as_ref());
    let called = image.and_then(|image| image.text("username").or_else(|| image.text("name")));
    let key: Vec<String> = row.key.0.iter().map(|(_, cell)| cell.show()).collect();
    match called {
        Some(called) => {
            format!("{} {} ({})", row.table, key.join(", "), Cell::Text(called.to_owned()).show())
        }
        None => format!("{} {}", row.table, key.join(", ")),
    }
}

async fn take_back(
    rows: &mut Rows<'_>,
    row: &Written,
    password: OldPassword,
    undo: &mut Undo,
) -> Result<Back> {
    match row.what {
        // A counter is never lowered: ids that were handed out are not handed out again.
        Wrote::Counter => return Ok(Back::Steps(Vec::new())),
        Wrote::Ddl => return alter_back(rows, row).await,
        Wrote::Row => {}
    }
    let table = match rows::table(rows.schema, &row.table) {
        Ok(table) => table,
        Err(error) => return Ok(Back::Refused(format!("{}: {error}", name(row)))),
    };
    let columns = row.before.as_ref().or(row.after.as_ref());
    if let Some((missing, _)) = columns
        .into_iter()
        .flat_map(|image| &image.0)
        .find(|(column, _)| !table.columns.iter().any(|found| found.name.as_str() == column))
    {
        return Ok(Back::Refused(format!("{}: the column {missing} is missing now", name(row))));
    }
    let now = rows.find(table, &row.key).await?;
    Ok(match (&row.before, &row.after, now) {
        (None, Some(_), None) => Back::Refused(format!("{}: it is gone already", name(row))),
        (None, Some(after), Some(now)) => remove(table, row, after, now),
        (Some(_), Some(_), Some(now)) => restore(table, row, now, password, undo),
        (Some(_), Some(_), None) => Back::Refused(format!("{}: it is gone", name(row))),
        (Some(before), None, None) => Back::Steps(vec![Step::Insert {
            table: row.table.clone(),
            values: before
                .0
                .iter()
                .filter(|(column, _)| !is_generated(table, column))
                .map(|(column, cell)| (column.clone(), Value::Cell(cell.clone())))
                .collect(),
            adopt: None,
        }]),
        (Some(_), None, Some(_)) => Back::Refused(format!("{}: its id is in use again", name(row))),
        (None, None, _) => Back::Refused(format!("{}: what it held was pruned from the history", name(row))),
    })
}

/// The statement that takes one back, where there is one and it has anything left to do.
async fn alter_back(rows: &mut Rows<'_>, row: &Written) -> Result<Back> {
    let Some(after) = &row.after else {
        return Ok(Back::Refused(format!("{}: what was altered was pruned from the history", row.table)));
    };
    let done = Ddl::from_image(rows.db.dialect(), &row.table, after)?;
    Ok(match done.inverse() {
        // The engine has only looked at rows: there is nothing to take back.
        None => Back::Steps(Vec::new()),
        Some(inverse) if inverse.is_done(&mut rows.db).await? => {
            Back::Refused(format!("{}: taken back already is {}", row.table, done.statement()))
        }
        Some(inverse) => Back::Steps(vec![Step::Ddl(inverse)]),
    })
}

/// Django rewrites these in passing; whatever they are now is no reason to keep a row that we made.
const VOLATILE: [&str; 4] = ["last_login", "date_joined", "created_at", "updated_at"];

fn remove(table: &Table, row: &Written, after: &Image, now: Image) -> Back {
    let changed: Vec<&str> = after
        .0
        .iter()
        .filter(|(column, _)| !VOLATILE.contains(&column.as_str()) && !is_generated(table, column))
        .filter(|(column, cell)| now.get(column) != Some(cell))
        .map(|(column, _)| column.as_str())
        .collect();
    if changed.is_empty() {
        return Back::Steps(vec![Step::Delete {
            table: row.table.clone(),
            key: row.key.clone(),
            before: now,
        }]);
    }
    Back::Refused(format!("{}: changed since ({}), so it stays", name(row), changed.join(", ")))
}

/// A computed column follows the others; it can't be written, and what it held is no reason to keep anything.
fn is_generated(table: &Table, column: &str) -> bool {
    table.column(column).is_some_and(|found| found.generated)
}

fn restore(table: &Table, row: &Written, now: Image, password: OldPassword, undo: &mut Undo) -> Back {
    let (Some(before), Some(after)) = (&row.before, &row.after) else { return Back::Steps(Vec::new()) };
    // A time beside other columns only says that they changed; alone it is what the change was about.
    let mut changed = before.0.iter().filter(|(column, old)| after.get(column) != Some(old));
    let only_times = changed.all(|(column, _)| VOLATILE.contains(&column.as_str()));
    let mut set = Vec::new();
    for (column, old) in &before.0 {
        // Nothing to do where we changed nothing, or where the old value is back already.
        if is_generated(table, column) || after.get(column) == Some(old) || now.get(column) == Some(old) {
            continue;
        }
        if row.table == "auth_user" && column == "password" {
            undo.old_password = true;
            if password == OldPassword::StaysChanged {
                undo.left.push(format!("{}: the old password does not come back", name(row)));
                continue;
            }
        }
        if now.get(column) == after.get(column) {
            set.push((column.clone(), Value::Cell(old.clone())));
        } else if only_times || !VOLATILE.contains(&column.as_str()) {
            undo.left.push(format!("{}: {column} changed since, so it stays", name(row)));
        }
    }
    if set.is_empty() || (!only_times && set.iter().all(|(column, _)| VOLATILE.contains(&column.as_str()))) {
        return Back::Steps(Vec::new());
    }
    Back::Steps(vec![Step::Update { table: row.table.clone(), key: row.key.clone(), before: now, set }])
}

/// Whether a row that comes back, or gets an old value back, refers to one that is not there and that the plan does not
/// bring back either. Said in words too: such a row is an orphan again.
async fn lacks_a_parent(rows: &mut Rows<'_>, plan: &Plan, undo: &mut Undo) -> Result<bool> {
    let mut lacks = false;
    for step in &plan.steps {
        let table = step.table();
        for (column, parent) in parents(rows.schema, table) {
            // A row that goes gives no value.
            let Some(value) = step.cell(&column) else { continue };
            let Some(parent_table) = rows.schema.tables.get(&parent) else { continue };
            if value.is_null()
                || plan.steps.iter().any(|other| other.table() == parent && other.cell("id") == Some(value))
            {
                continue;
            }
            if !rows.has_id(parent_table, value).await? {
                lacks = true;
                undo.left.push(format!(
                    "{table}: {column} {} refers to nothing in {parent}; the row is an orphan again",
                    value.show()
                ));
            }
        }
    }
    Ok(lacks)
}

fn parents(schema: &Schema, table: &str) -> Vec<(String, String)> {
    schema
        .foreign_keys
        .iter()
        .filter(|key| key.table == table && key.to_column == "id")
        .map(|key| (key.column.clone(), key.to_table.clone()))
        .collect()
}
