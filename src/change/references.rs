//! Rows that refer to others. To a user, a group or a department: those the catalogue's foreign keys know, and those of
//! the portal's own tables even where the foreign key is missing. To a row that becomes one with another: those that
//! have to follow.

use std::collections::BTreeSet;

use crate::db::schema::{Schema, Table};
use crate::db::{Cell, DbError, Failure, Reads, Tx};
use crate::error::{Error, Kind};

use super::plan::{Image, Step, Value};
use super::rows::{self, Lock};

/// A thing that others refer to by its id, and what a new one with an old id would inherit.
struct Referred {
    table: &'static str,
    /// What a sentence calls it.
    noun: &'static str,
    /// The columns that hold its id, by Django's models, and the check that repairs rows that dangle.
    columns: &'static [(&'static str, &'static str, &'static str)],
}

const REFERRED: [Referred; 3] = [
    Referred {
        table: "auth_user",
        noun: "account",
        columns: &[
            ("core_userprofile", "user_id", "PRF-003"),
            ("auth_user_groups", "user_id", "REL-001"),
            ("auth_user_user_permissions", "user_id", "REL-001"),
            ("django_admin_log", "user_id", "REL-004"),
        ],
    },
    Referred {
        table: "auth_group",
        noun: "group",
        columns: &[
            ("auth_user_groups", "group_id", "REL-001"),
            ("auth_group_permissions", "group_id", "REL-002"),
        ],
    },
    Referred {
        table: "core_department",
        noun: "department",
        columns: &[("core_userprofile", "department_id", "REL-003")],
    },
];

impl Referred {
    fn named(table: &str) -> Option<&'static Self> {
        REFERRED.iter().find(|referred| referred.table == table)
    }

    /// Every column that refers to its id: table, column, and the check that speaks of dangling rows there.
    fn columns(&self, schema: &Schema) -> Vec<(String, String, &'static str)> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let foreign = schema
            .foreign_keys
            .iter()
            .filter(|key| key.to_table == self.table && key.to_column == "id")
            .map(|key| (key.table.as_str(), key.column.as_str(), "REL-006"));
        for (table, column, check) in self.columns.iter().copied().chain(foreign) {
            if schema.has(table, column) && seen.insert((table.to_owned(), column.to_owned())) {
                found.push((table.to_owned(), column.to_owned(), check));
            }
        }
        found
    }

    /// A row that refers to one of these ids: the id, the row's table, and the check that speaks of it.
    async fn referring(
        &self,
        tx: &mut Tx,
        schema: &Schema,
        ids: &[i64],
    ) -> Result<Option<(i64, String, &'static str)>, DbError> {
        let ids: Vec<Cell> = ids.iter().copied().map(Cell::Int).collect();
        for (table, column, check) in self.columns(schema) {
            let Some(found) = schema.table(&table) else { continue };
            if let Some(id) = rows::first_of(tx, found, &column, &ids).await? {
                return Ok(Some((id.as_int().unwrap_or_default(), table, check)));
            }
        }
        Ok(None)
    }
}

/// Whether rows refer to those of this table in a way that [`refuse_leftovers`] looks at.
#[must_use]
pub fn is_referred(table: &str) -> bool {
    Referred::named(table).is_some()
}

/// Refuses new rows of a table whose ids are already referred to: an orphan profile or a ghost membership would hand the
/// old owner's rights to the new one, and a new group would get members whom nobody gave it.
///
/// # Errors
/// A conflict that names the check which repairs those rows; what the engine says.
pub async fn refuse_leftovers(tx: &mut Tx, schema: &Schema, table: &str, ids: &[i64]) -> Result<(), Failure> {
    let Some(referred) = Referred::named(table) else { return Ok(()) };
    match referred.referring(tx, schema, ids).await? {
        None => Ok(()),
        Some((id, table, check)) => Err(Error::new(
            Kind::Conflict,
            format!(
                "The new {} would get id {id}, and rows left behind in {table} already refer to it: it would \
                 inherit what they grant. Nothing was written. Repair {check} first, then try again.",
                referred.noun
            ),
        )
        .into()),
    }
}

/// Refuses to leave rows behind that refer to what is deleted.
///
/// # Errors
/// A conflict that names the table; what the engine says.
pub async fn refuse_remaining(tx: &mut Tx, schema: &Schema, table: &str, ids: &[i64]) -> Result<(), Failure> {
    let Some(referred) = Referred::named(table) else { return Ok(()) };
    match referred.referring(tx, schema, ids).await? {
        None => Ok(()),
        Some((id, table, _)) => Err(Error::conflict(format!(
            "Rows of {table} still refer to the {} with id {id}, so it can't be removed; nothing was written.",
            referred.noun
        ))
        .into()),
    }
}

/// Refuses to delete rows that others still refer to, by the catalogue. Some engines would say so only at COMMIT, or
/// without a name; and with `ON DELETE CASCADE` or `SET NULL` they would delete or change rows by themselves, which nobody
/// was shown and no undo brings back.
///
/// # Errors
/// A conflict that names the table; what the engine says.
pub async fn refuse_referred(
    tx: &mut Tx,
    schema: &Schema,
    table: &Table,
    deleted: &[&Image],
) -> Result<(), Failure> {
    let name = table.name.as_str();
    for key in schema.references_to(name) {
        // A row may refer to itself; only the engine knows whether others do.
        if key.table == name && !key.acts_on_delete() {
            continue;
        }
        let Some(from) = schema.table(&key.table) else { continue };
        let values: Vec<Cell> = deleted.iter().filter_map(|row| row.get(&key.to_column)).cloned().collect();
        if rows::first_of(tx, from, &key.column, &values).await?.is_none() {
            continue;
        }
        let by_itself = if key.acts_on_delete() {
            format!(", and the database would change them by itself ({})", key.on_delete)
        } else {
            String::new()
        };
        return Err(Error::conflict(format!(
            "Rows of {} still refer to what would be deleted{by_itself}; nothing was written.",
            key.table
        ))
        .into());
    }
    Ok(())
}

/// A row that refers to one that goes, and that is to refer to what stays instead.
#[derive(Debug, Clone)]
pub struct Follower {
    /// Its table.
    pub table: String,
    /// The column that refers.
    pub column: String,
    /// Its key.
    pub key: Image,
    /// The row.
    pub before: Image,
    /// The id that it refers to.
    pub to: i64,
}

impl Follower {
    /// Turns it to another row.
    #[must_use]
    pub fn turned_to(&self, id: i64) -> Step {
        Step::Update {
            table: self.table.clone(),
            key: self.key.clone(),
            before: self.before.clone(),
            set: vec![(self.column.clone(), Value::Cell(Cell::Int(id)))],
        }
    }
}

/// The rows of other tables than `except` that refer to these rows of a table, by the foreign keys of the catalogue.
///
/// # Errors
/// What the engine says; that a table which refers has no primary key.
pub async fn followers(
    reads: &mut dyn Reads,
    schema: &Schema,
    to_table: &str,
    ids: &[i64],
    except: &[&str],
) -> Result<Vec<Follower>, DbError> {
    let mut found = Vec::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Cell> = ids.iter().copied().map(Cell::Int).collect();
    let mut seen = BTreeSet::new();
    for key in schema.references_to(to_table).filter(|key| key.to_column == "id") {
        if except.contains(&key.table.as_str()) || !seen.insert((&key.table, &key.column)) {
            continue;
        }
        let table = rows::table(schema, &key.table)?;
        for before in rows::by_column(reads, table, &key.column, &ids, Lock::No).await? {
            let Some(to) = before.int(&key.column) else { continue };
            found.push(Follower {
                table: key.table.clone(),
                column: key.column.clone(),
                key: rows::key_of(table, &before),
                before,
                to,
            });
        }
    }
    Ok(found)
}

/// A column that refers to a table and is kept unique, alone or with others: several rows can't all follow to one.
#[derive(Debug, Clone)]
pub struct Exclusive<'a> {
    /// The table that refers.
    pub table: &'a Table,
    /// Its column.
    pub column: &'a str,
    /// The columns with which it is unique.
    pub with: Vec<&'a str>,
}

/// The columns of other tables than `except` that refer to a table and are kept unique.
#[must_use]
pub fn exclusive<'a>(schema: &'a Schema, to_table: &'a str, except: &[&str]) -> Vec<Exclusive<'a>> {
    let mut found = Vec::new();
    for key in schema.references_to(to_table).filter(|key| key.to_column == "id") {
        let Some(table) = schema.table(&key.table).filter(|_| !except.contains(&key.table.as_str())) else {
            continue;
        };
        for unique in table.uniques.iter().filter(|unique| unique.contains(&key.column)) {
            let with = unique.iter().map(String::as_str).filter(|column| *column != key.column).collect();
            found.push(Exclusive { table, column: &key.column, with });
        }
    }
    found
}
