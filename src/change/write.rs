//! Writes the steps of a plan, in their order. Steps of one kind that stand together are written table by table, many rows
//! a statement: it is the number of statements that takes the time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::db::schema::{Schema, Table};
use crate::db::{Cell, Failure, Tx};
use crate::error::{Error, Result};

use super::apply::Order;
use super::compare::describe;
use super::counter::Raise;
use super::plan::{Adopt, Image, Step, Value};
use super::references;
use super::rows::{self, Lock};

/// What comes of writing.
type Done<T> = std::result::Result<T, Failure>;

/// Writes the steps; the key of the row that each concerns, nothing for one that needed no writing.
pub(super) async fn write(tx: &mut Tx, order: &Order, now: DateTime<Utc>) -> Done<Vec<Option<Image>>> {
    let steps = order.plan.steps.as_slice();
    let mut writing = Writing {
        order,
        steps,
        clock: Cell::Text(tx.dialect().time_text(now)),
        made: made_meanwhile(tx, order).await?,
        keys: vec![None; steps.len()],
    };
    let mut at = 0;
    while at < steps.len() {
        let kind = steps[at].kind();
        let end = at + steps[at..].iter().take_while(|step| step.kind() == kind).count();
        match &steps[at] {
            Step::Insert { .. } => writing.inserts(tx, at..end).await?,
            Step::Update { .. } => writing.updates(tx, at..end).await?,
            Step::Delete { .. } => writing.deletes(tx, at..end).await?,
            Step::Counter { .. } | Step::Ddl(_) => writing.beside_rows(tx, at..end).await?,
        }
        at = end;
    }
    Ok(writing.keys)
}

/// A plan on its way into the tables.
struct Writing<'a> {
    order: &'a Order,
    steps: &'a [Step],
    clock: Cell,
    made: Made<'a>,
    /// The keys of what was written so far.
    keys: Vec<Option<Image>>,
}

impl<'a> Writing<'a> {
    fn table(&self, name: &str) -> Result<&'a Table> {
        Ok(rows::table(&self.order.schema, name)?)
    }

    async fn beside_rows(&mut self, tx: &mut Tx, range: Range<usize>) -> Done<()> {
        for at in range {
            self.keys[at] = Some(match &self.steps[at] {
                Step::Counter { table, column, to, .. } => {
                    Raise { table, column, to: *to }.write(tx).await?;
                    Image::of("column", Cell::Text(column.clone()))
                }
                Step::Ddl(ddl) => {
                    tx.execute(ddl.sql()?).await?;
                    Image::default()
                }
                _ => return Err(Error::bug("a row was taken for what stands beside rows").into()),
            });
        }
        Ok(())
    }

    /// Updates: rows of one table that get the same values go together.
    async fn updates(&mut self, tx: &mut Tx, range: Range<usize>) -> Done<()> {
        let alike = |one: &Step, other: &Step| match (one, other) {
            (Step::Update { table, set, .. }, Step::Update { table: its, set: values, .. }) => {
                table == its && set == values
            }
            _ => false,
        };
        let mut at = range.start;
        for steps in self.steps[range].chunk_by(alike) {
            let keys: Vec<Image> = steps.iter().filter_map(Step::key).cloned().collect();
            let [Step::Update { table: name, set, .. }, ..] = steps else { continue };
            let table = self.table(name)?;
            let set = self.resolve(tx, table, set)?;
            // One row may be given the same twice.
            let together = if rows::are_distinct(&keys) { keys.len() } else { 1 };
            for keys in keys.chunks(together) {
                rows::update(tx, table, keys, &set).await?;
            }
            for key in keys {
                self.keys[at] = Some(key);
                at += 1;
            }
        }
        Ok(())
    }

    /// Deletes: what refers goes before what it refers to.
    async fn deletes(&mut self, tx: &mut Tx, range: Range<usize>) -> Done<()> {
        // Their own order is that of children before parents.
        for group in self.groups(range.rev().collect()).into_iter().rev() {
            let mut keys = Vec::with_capacity(group.len());
            let mut images = Vec::with_capacity(group.len());
            for at in &group {
                if let Step::Delete { key, before, .. } = &self.steps[*at] {
                    keys.push(key.clone());
                    images.push(before);
                }
            }
            let Some(first) = group.first() else { continue };
            let table = self.table(self.steps[*first].table())?;
            references::refuse_referred(tx, &self.order.schema, table, &images).await?;
            rows::delete(tx, table, &keys).await?;
            for (at, key) in group.into_iter().zip(keys) {
                self.keys[at] = Some(key);
            }
        }
        Ok(())
    }

    /// Writes new rows. First those that others will refer to by id, and that need no other's: so they are asked all at
    /// once whether anything refers to them already.
    async fn inserts(&mut self, tx: &mut Tx, range: Range<usize>) -> Done<()> {
        let (first, rest): (Vec<usize>, Vec<usize>) =
            range.partition(|at| is_referred_alone(&self.steps[*at]));
        self.insert_all(tx, first).await?;
        self.insert_all(tx, rest).await
    }

    async fn insert_all(&mut self, tx: &mut Tx, steps: Vec<usize>) -> Done<()> {
        for group in self.groups(steps) {
            let Some(name) = group.first().map(|at| self.steps[*at].table()) else { continue };
            let table = self.table(name)?;
            let (mut new, mut rows) = (Vec::new(), Vec::new());
            for at in group {
                let Step::Insert { values, adopt, .. } = &self.steps[at] else { continue };
                let values = self.resolve(tx, table, values)?;
                if !self.is_there(tx, table, at, &values, adopt.as_ref()).await? {
                    new.push(at);
                    rows.push(values);
                }
            }
            if rows.is_empty() {
                continue;
            }
            let keys = rows::insert(tx, table, rows).await?;
            let ids: Vec<i64> = keys.iter().filter_map(|key| key.int("id")).collect();
            references::refuse_leftovers(tx, &self.order.schema, name, &ids).await?;
            for (at, key) in new.into_iter().zip(keys) {
                self.keys[at] = Some(key);
            }
        }
        Ok(())
    }

    /// Steps of one kind as they can go together: by table and columns, what is referred to before what refers. Where that
    /// can't be told, or one needs what another of them makes, each goes by itself.
    fn groups(&self, steps: Vec<usize>) -> Vec<Vec<usize>> {
        let tables: BTreeSet<&str> = steps.iter().map(|at| self.steps[*at].table()).collect();
        let is_made = |value: &Value| match value {
            Value::NewId(step) => self.keys.get(*step).is_some_and(Option::is_some),
            Value::Cell(_) | Value::Now => true,
        };
        let is_free = |step: &Step| match step {
            // What is found by a text may be what another of them has just made.
            Step::Insert { adopt: Some(adopt), .. }
                if matches!(step.cell(&adopt.by), Some(Cell::Text(_))) =>
            {
                false
            }
            Step::Insert { values, .. } => values.iter().all(|(_, value)| is_made(value)),
            _ => true,
        };
        let are_free = steps.iter().all(|at| is_free(&self.steps[*at]));
        let Some(tables) = parents_first(&self.order.schema, &tables).filter(|_| are_free) else {
            return steps.into_iter().map(|at| vec![at]).collect();
        };
        let mut groups: BTreeMap<(usize, Vec<&str>), Vec<usize>> = BTreeMap::new();
        for at in steps {
            let step = &self.steps[at];
            let place = tables.iter().position(|table| *table == step.table()).unwrap_or_default();
            groups.entry((place, step.columns())).or_default().push(at);
        }
        groups.into_values().collect()
    }

    /// Whether the portal has made a new row meanwhile, just as it is wanted.
    async fn is_there(
        &self,
        tx: &mut Tx,
        table: &Table,
        at: usize,
        values: &[(String, Cell)],
        adopt: Option<&Adopt>,
    ) -> Done<bool> {
        let Some(adopt) = adopt else { return Ok(false) };
        let Some(row) = self.there(tx, table, &self.steps[at], adopt).await? else { return Ok(false) };
        let mut wanted = values.iter().filter(|(column, _)| adopt.columns.contains(column));
        if wanted.all(|(column, cell)| row.get(column) == Some(cell)) {
            return Ok(true);
        }
        Err(Error::conflict(format!(
            "Meanwhile the portal made the row {}; nothing was written. Reload it and look again.",
            describe(table.name.as_str(), &rows::key_of(table, &row))
        ))
        .into())
    }

    /// The row that the portal has made meanwhile in the place of this one.
    async fn there(&self, tx: &mut Tx, table: &Table, step: &Step, adopt: &Adopt) -> Done<Option<Image>> {
        match step.value(&adopt.by) {
            Some(Value::Cell(value @ Cell::Int(_))) => {
                let rows = self.made.get(&(step.table(), adopt.by.as_str()));
                let its = rows.and_then(|rows| rows.iter().find(|row| row.get(&adopt.by) == Some(value)));
                Ok(its.cloned())
            }
            // Text is the engine's to compare.
            Some(Value::Cell(value)) => {
                let rows =
                    rows::by_column(tx, table, &adopt.by, std::slice::from_ref(value), Lock::Rows).await?;
                Ok(rows.into_iter().next())
            }
            // What refers to an id that is just given out was refused with its row.
            Some(Value::NewId(_) | Value::Now) | None => Ok(None),
        }
    }

    /// The values of a step as cells.
    fn resolve(&self, tx: &Tx, table: &Table, values: &[(String, Value)]) -> Result<Vec<(String, Cell)>> {
        let cell = |value: &Value| match value {
            Value::Cell(cell) => Ok(cell.clone()),
            Value::Now => Ok(self.clock.clone()),
            Value::NewId(step) => self
                .keys
                .get(*step)
                .and_then(Option::as_ref)
                .and_then(|key| key.get("id"))
                .cloned()
                .ok_or_else(|| Error::bug(format!("step {} creates no id", step + 1))),
        };
        values
            .iter()
            .map(|(name, value)| {
                let cell = cell(value)?;
                let column = table.columns.iter().find(|column| column.name.as_str() == name);
                let cell = match column {
                    Some(column) => tx.dialect().normal(cell, column),
                    None => cell,
                };
                Ok((name.clone(), cell))
            })
            .collect()
    }
}

/// Whether a new row is one that others refer to, and itself refers to none that is still to be made.
fn is_referred_alone(step: &Step) -> bool {
    let Step::Insert { table, values, .. } = step else { return false };
    references::is_referred(table) && !values.iter().any(|(_, value)| matches!(value, Value::NewId(_)))
}

/// These tables, each before those that refer to it; nothing where some refer to each other, or one to itself.
fn parents_first<'a>(schema: &Schema, tables: &BTreeSet<&'a str>) -> Option<Vec<&'a str>> {
    let mut left: Vec<&str> = tables.iter().copied().collect();
    let mut sorted = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let refers = |table: &str, to: &str| schema.references_to(to).any(|key| key.table == table);
        let next = left.iter().position(|table| !left.iter().any(|other| refers(table, other)))?;
        sorted.push(left.remove(next));
    }
    Some(sorted)
}

/// Rows that the portal may have made meanwhile and that inserts of the plan would double: by table and column.
type Made<'a> = BTreeMap<(&'a str, &'a str), Vec<Image>>;

/// Looks for all of them at once, so that a column without index is looked through once a plan.
async fn made_meanwhile<'a>(tx: &mut Tx, order: &'a Order) -> Done<Made<'a>> {
    let mut wanted: BTreeMap<(&str, &str), Vec<Cell>> = BTreeMap::new();
    for step in &order.plan.steps {
        if let Step::Insert { table, adopt: Some(adopt), .. } = step
            && let Some(value @ Cell::Int(_)) = step.cell(&adopt.by)
        {
            wanted.entry((table, &adopt.by)).or_default().push(value.clone());
        }
    }
    let mut made = Made::new();
    for ((name, column), values) in wanted {
        let table = rows::table(&order.schema, name)?;
        made.insert((name, column), rows::by_column(tx, table, column, &values, Lock::Rows).await?);
    }
    Ok(made)
}
