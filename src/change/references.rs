//! Rows that refer to a user: those the catalogue's foreign keys know, and those of the portal's own tables even
//! where the foreign key is missing.

use std::collections::BTreeSet;

use crate::db::schema::{Schema, Table};
use crate::db::{Cell, DbError, Failure, Tx};
use crate::error::{Error, Kind};

use super::plan::Image;
use super::rows;

/// The columns that hold user ids, by Django's models, and the check that repairs rows without a user.
const KNOWN: [(&str, &str, &str); 4] = [
    ("core_userprofile", "user_id", "PRF-003"),
    ("auth_user_groups", "user_id", "REL-001"),
    ("auth_user_user_permissions", "user_id", "REL-001"),
    ("django_admin_log", "user_id", "REL-004"),
];

/// Every column that refers to `auth_user.id`: table, column, and the check that speaks of dangling rows there.
#[must_use]
pub fn columns(schema: &Schema) -> Vec<(String, String, &'static str)> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let foreign = schema
        .foreign_keys
        .iter()
        .filter(|key| key.to_table == "auth_user" && key.to_column == "id")
        .map(|key| (key.table.as_str(), key.column.as_str(), "REL-006"));
    for (table, column, check) in KNOWN.into_iter().chain(foreign) {
        let there = schema
            .tables
            .get(table)
            .is_some_and(|table| table.columns.iter().any(|found| found.name.as_str() == column));
        if there && seen.insert((table.to_owned(), column.to_owned())) {
            found.push((table.to_owned(), column.to_owned(), check));
        }
    }
    found
}

async fn referring(tx: &mut Tx, schema: &Schema, id: i64) -> Result<Option<(String, &'static str)>, DbError> {
    for (table, column, check) in columns(schema) {
        let Some(found) = schema.tables.get(&table) else { continue };
        if rows::any(tx, found, &column, &Cell::Int(id)).await? {
            return Ok(Some((table, check)));
        }
    }
    Ok(None)
}

/// Refuses a new user whose id is already referred to: an orphan profile or a ghost membership would hand the old
/// owner's rights to the new one.
///
/// # Errors
/// A conflict that names the check which repairs those rows; what the engine says.
pub async fn refuse_leftovers(tx: &mut Tx, schema: &Schema, id: i64) -> Result<(), Failure> {
    match referring(tx, schema, id).await? {
        None => Ok(()),
        Some((table, check)) => Err(Error::new(
            Kind::Conflict,
            format!(
                "The new account would get id {id}, and rows left behind in {table} already refer to it: it would \
                 inherit what they grant. Nothing was written. Repair {check} first, then try again."
            ),
        )
        .into()),
    }
}

/// Refuses to leave rows behind that refer to a deleted user.
///
/// # Errors
/// A conflict that names the table; what the engine says.
pub async fn refuse_remaining(tx: &mut Tx, schema: &Schema, id: i64) -> Result<(), Failure> {
    match referring(tx, schema, id).await? {
        None => Ok(()),
        Some((table, _)) => Err(Error::conflict(format!(
            "Rows of {table} still refer to the account with id {id}, so it can't be removed; nothing was written."
        ))
        .into()),
    }
}

/// Refuses to delete a row that others still refer to, by the catalogue. Some engines would say so only at COMMIT, or
/// without a name; and with `ON DELETE CASCADE` or `SET NULL` they would delete or change rows by themselves, which nobody
/// was shown and no undo brings back.
///
/// # Errors
/// A conflict that names the table; what the engine says.
pub async fn refuse_referred(
    tx: &mut Tx,
    schema: &Schema,
    table: &Table,
    row: &Image,
) -> Result<(), Failure> {
    let name = table.name.as_str();
    for key in schema.references_to(name) {
        // A row may refer to itself; only the engine knows whether others do.
        if key.table == name && !key.acts_on_delete() {
            continue;
        }
        let (Some(value), Some(from)) = (row.get(&key.to_column), schema.table(&key.table)) else { continue };
        if value.is_null() || !rows::any(tx, from, &key.column, value).await? {
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
