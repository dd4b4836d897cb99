//! Under lock, before anything is written: what a plan requires still holds, and its rows are as it has read them.

use std::collections::BTreeMap;

use crate::db::schema::Table;
use crate::db::{Cell, Failure, Tx};
use crate::error::{Differs, Error};

use super::apply::Order;
use super::counter::Raise;
use super::plan::{Image, Require, Step, is_secret};
use super::rows::{self, ByKey, Lock};
use super::taken;

/// Columns that Django rewrites in passing: a difference there is no conflict.
const VOLATILE: [&str; 4] = ["last_login", "date_joined", "created_at", "updated_at"];

/// What the plan requires of one table, gathered so that it takes one statement and not one a row.
#[derive(Default)]
struct Required<'a> {
    rows: Vec<&'a Image>,
    holds: Vec<(&'a Image, &'a str, &'a Cell)>,
    absent: BTreeMap<&'a str, Vec<Cell>>,
}

/// Refuses the plan when something that it builds on does not hold any more.
pub(super) async fn require(tx: &mut Tx, order: &Order) -> Result<(), Failure> {
    let mut by_table: BTreeMap<&str, Required<'_>> = BTreeMap::new();
    for requirement in &order.plan.require {
        match requirement {
            Require::Row { table, key } => by_table.entry(table).or_default().rows.push(key),
            Require::Holds { table, key, column, value } => {
                let required = by_table.entry(table).or_default();
                required.rows.push(key);
                required.holds.push((key, column, value));
            }
            Require::NoRow { table, column, value } => {
                let values = by_table.entry(table).or_default().absent.entry(column).or_default();
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            Require::NoTwin { usernames, after } => taken::refuse_twins(tx, usernames, *after).await?,
        }
    }
    for (name, required) in by_table {
        let table = rows::table(&order.schema, name)?;
        require_rows(tx, table, &required).await?;
        for (column, values) in &required.absent {
            if let Some(row) = rows::by_column(tx, table, column, values, Lock::No).await?.first() {
                let value = row.get(column).map_or_else(|| Cell::Null.show(), Cell::show);
                return Err(Error::conflict(format!(
                    "Meanwhile {name} has a row with {column} {value}; nothing was written. Look again."
                ))
                .into());
            }
        }
    }
    Ok(())
}

async fn require_rows(tx: &mut Tx, table: &Table, required: &Required<'_>) -> Result<(), Failure> {
    let name = table.name.as_str();
    let keys: Vec<Image> = required.rows.iter().map(|key| (*key).clone()).collect();
    let found = ByKey::new(table, rows::by_keys(tx, table, &keys, Lock::Rows).await?);
    if let Some(key) = keys.iter().find(|key| found.get(key).is_none()) {
        return Err(gone(name, key).into());
    }
    for (key, column, value) in &required.holds {
        if found.get(key).and_then(|image| image.get(column)) != Some(*value) {
            return Err(Error::conflict(format!(
                "Someone else changed {} meanwhile ({column}); nothing was written. Look again.",
                describe(name, key)
            ))
            .into());
        }
    }
    Ok(())
}

pub(super) fn describe(table: &str, key: &Image) -> String {
    format!("{table} {}", words_of(key))
}

fn words_of(key: &Image) -> String {
    let key: Vec<String> = key.0.iter().map(|(column, cell)| format!("{column} {}", cell.show())).collect();
    key.join(", ")
}

fn gone(table: &str, key: &Image) -> Error {
    let what = match table {
        "auth_user" => format!("account with {}", words_of(key)),
        "auth_group" => format!("group with {}", words_of(key)),
        "core_department" => format!("department with {}", words_of(key)),
        _ => format!("row {}", describe(table, key)),
    };
    Error::conflict(format!("The {what} is not there any more; nothing was written."))
}

/// Locks the rows to be written in table and id order and compares them with what the plan was made from. The result
/// gives the row found under lock for every step that has one.
pub(super) async fn lock_and_compare(tx: &mut Tx, order: &Order) -> Result<Vec<Option<Image>>, Failure> {
    let mut by_table: BTreeMap<&str, Vec<Image>> = BTreeMap::new();
    for step in &order.plan.steps {
        if let Step::Update { table, key, .. } | Step::Delete { table, key, .. } = step {
            by_table.entry(table).or_default().push(key.clone());
        }
    }
    let mut locked: BTreeMap<&str, ByKey> = BTreeMap::new();
    for (name, keys) in by_table {
        let table = rows::table(&order.schema, name)?;
        locked.insert(name, ByKey::new(table, rows::by_keys(tx, table, &keys, Lock::Rows).await?));
    }
    let mut found = Vec::with_capacity(order.plan.steps.len());
    let mut differences = Vec::new();
    for step in &order.plan.steps {
        found.push(match step {
            Step::Insert { .. } => None,
            Step::Counter { .. } | Step::Ddl(_) => beside_rows(tx, order, step).await?,
            Step::Update { table, key, before, .. } | Step::Delete { table, key, before } => {
                let image = locked
                    .get(table.as_str())
                    .and_then(|rows| rows.get(key))
                    .ok_or_else(|| gone(table, key))?;
                differences.extend(compare(step, table, key, before, image));
                Some(image.clone())
            }
        });
    }
    if differences.is_empty() { Ok(found) } else { Err(overtaken(differences).into()) }
}

/// What stands beside the rows, looked at under lock: the image of it before.
pub(super) async fn beside_rows(tx: &mut Tx, order: &Order, step: &Step) -> Result<Option<Image>, Failure> {
    match step {
        Step::Ddl(ddl) => ddl.compare(tx, &order.schema).await,
        Step::Counter { table, column, to, .. } => {
            let raise = Raise { table, column, to: *to };
            raise.hold(tx).await?;
            raise.compare(tx, &order.schema).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// The columns of a step's row that are not as its plan had read them.
fn compare(step: &Step, table: &str, key: &Image, before: &Image, now: &Image) -> Vec<Differs> {
    let shown = |column: &str, image: &Image, secret: &str| match image.get(column) {
        Some(_) if is_secret(column) => secret.to_owned(),
        Some(cell) => cell.show(),
        None => Cell::Null.show(),
    };
    before
        .0
        .iter()
        .filter(|(column, _)| !VOLATILE.contains(&column.as_str()) || step.cell(column).is_some())
        .filter(|(column, cell)| now.get(column) != Some(cell))
        .map(|(column, _)| Differs {
            table: table.to_owned(),
            key: words_of(key),
            column: column.clone(),
            base: shown(column, before, "not shown"),
            theirs: shown(column, now, "changed"),
        })
        .collect()
}

/// The refusal that names all of them.
fn overtaken(differences: Vec<Differs>) -> Error {
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for it in &differences {
        let row = format!("{} {}", it.table, it.key);
        match rows.iter_mut().find(|(known, _)| *known == row) {
            Some((_, columns)) => columns.push(&it.column),
            None => rows.push((row, vec![&it.column])),
        }
    }
    let rows: Vec<String> =
        rows.into_iter().map(|(row, columns)| format!("{row} ({})", columns.join(", "))).collect();
    let mut error = Error::conflict(format!(
        "Someone else changed {} meanwhile; nothing was written. Reload it and look again.",
        rows.join(", ")
    ));
    for it in &differences {
        let now = if is_secret(&it.column) {
            "it was changed".to_owned()
        } else {
            format!("it is now {}", it.theirs)
        };
        error = error.and_field(&it.column, now);
    }
    Error { differences, ..error }
}
