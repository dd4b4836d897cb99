//! Rows that refer to one department and are to refer to another, or to none: a plan's worth at a time, so that memory
//! holds their keys and no more of them.

use crate::change::rows::{self, Lock};
use crate::change::{Image, Plan, Value};
use crate::db::Cell;
use crate::directory::Portal;
use crate::error::Result;

/// Where those go who were in a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Into this one.
    Department(i64),
    /// Nowhere: they are left without one, as Django leaves them.
    Nowhere,
}

impl To {
    /// The department, where it is one.
    #[must_use]
    pub const fn id(self) -> Option<i64> {
        match self {
            Self::Department(id) => Some(id),
            Self::Nowhere => None,
        }
    }
}

/// The rows of one column.
#[derive(Clone)]
pub(super) struct Turning {
    pub(super) table: String,
    pub(super) column: String,
    /// The keys of the rows, in their order.
    keys: Vec<Image>,
    /// How many of them are done with.
    done: usize,
}

impl Turning {
    /// The rows of a column that refer to this department now.
    ///
    /// # Errors
    /// What the engine says; that the table has no primary key.
    pub(super) async fn of(portal: &Portal, table: &str, column: &str, department: i64) -> Result<Self> {
        let keys = keys(portal, table, column, department).await?;
        Ok(Self { table: table.to_owned(), column: column.to_owned(), keys, done: 0 })
    }

    /// How many rows there are in all.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Leaves only the rows with these ids.
    pub(super) fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        self.keys.retain(|key| key.int("id").is_some_and(&keep));
    }

    /// Whether it is about the row with this id.
    pub(super) fn has(&self, id: i64) -> bool {
        self.keys.binary_search_by_key(&Some(id), |key| key.int("id")).is_ok()
    }

    /// Appends to a plan as many of the next rows as there is room for, and takes that many off the room. A row that
    /// refers to something else by now stays as it is.
    pub(super) async fn next(
        &mut self,
        portal: &Portal,
        (from, to): (i64, To),
        room: &mut usize,
        plan: &mut Plan,
    ) -> Result<()> {
        let part = &self.keys[self.done..(self.done + *room).min(self.keys.len())];
        if part.is_empty() {
            return Ok(());
        }
        let table = rows::table(&portal.schema, &self.table)?;
        for before in rows::by_keys(&mut portal.db.clone(), table, part, Lock::No).await? {
            if before.int(&self.column) != Some(from) {
                continue;
            }
            let mut set = vec![(self.column.as_str(), Value::Cell(Cell::int(to.id())))];
            if self.table == "core_userprofile" && to != To::Nowhere && table.column("updated_at").is_some() {
                // As Django's auto_now does; its SET NULL leaves it alone.
                set.push(("updated_at", Value::Now));
            }
            plan.update(&self.table, rows::key_of(table, &before), before, set);
        }
        *room -= part.len();
        self.done += part.len();
        Ok(())
    }
}

/// The keys of the rows of a column that refer to a department, in their order.
///
/// # Errors
/// What the engine says; that the table has no primary key.
pub(super) async fn keys(portal: &Portal, table: &str, column: &str, department: i64) -> Result<Vec<Image>> {
    let table = rows::table(&portal.schema, table)?;
    // No more of the rows than what tells them apart.
    let mut narrow = table.clone();
    narrow.columns.retain(|found| {
        let name = found.name.as_str();
        name == column || table.primary_key.iter().any(|key| key == name)
    });
    let found =
        rows::by_column(&mut portal.db.clone(), &narrow, column, &[Cell::Int(department)], Lock::No).await?;
    Ok(found.iter().map(|image| rows::key_of(table, image)).collect())
}
