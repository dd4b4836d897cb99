//! Rows that refer to an account: those that Django's own delete takes along, and those that stand in its way.

use std::collections::BTreeSet;

use crate::db::schema::{ForeignKey, Schema};
use crate::db::{Ident, Sql};
use crate::error::Result;

use super::Portal;

/// The tables whose rows belong to one account, by their column `user_id`, in the order in which Django deletes them.
pub const GOES_ALONG: [&str; 4] =
    ["django_admin_log", "auth_user_groups", "auth_user_user_permissions", "core_userprofile"];

/// Rows of one column that refer to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referring {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// How many rows; none too.
    pub rows: i64,
    /// Whether Django's delete takes them along: the log of what the person did, groups, permissions, profile.
    pub goes_along: bool,
}

/// Counts what refers to an account, or to a row that goes along with it, by the catalogue: first what goes along, in
/// the order in which Django deletes it, then other tables by name. Rows that go along anyway are counted once.
///
/// # Errors
/// What the engine says.
pub async fn count(portal: &Portal, user: i64) -> Result<Vec<Referring>> {
    let schema = &portal.schema;
    let mut found = Vec::new();
    for name in GOES_ALONG {
        let (Some(table), Some(owner)) = (schema.table(name), owner(schema, name)) else { continue };
        let sql = Sql::new("SELECT COUNT(*) FROM ").ident(&table.name).push(" WHERE ").ident(owner);
        let rows = portal.count(sql.push_bind(" = ?", user)).await?;
        let (table, column) = (name.to_owned(), owner.as_str().to_owned());
        found.push(Referring { table, column, rows, goes_along: true });
    }
    let own = found.len();
    let mut seen = BTreeSet::new();
    for key in &schema.foreign_keys {
        let Some(sql) = counting(schema, key, user) else { continue };
        if !seen.insert((&key.table, &key.column, &key.to_table)) {
            continue;
        }
        let rows = portal.count(sql).await?;
        let same = |other: &&mut Referring| other.table == key.table && other.column == key.column;
        if let Some(other) = found[own..].iter_mut().find(same) {
            other.rows += rows;
        } else {
            let (table, column) = (key.table.clone(), key.column.clone());
            found.push(Referring { table, column, rows, goes_along: false });
        }
    }
    found[own..].sort_by(|a, b| (&a.table, &a.column).cmp(&(&b.table, &b.column)));
    Ok(found)
}

/// The column that says whose a row is, where rows of this table go with their account; for the account itself its id.
fn owner<'a>(schema: &'a Schema, table: &str) -> Option<&'a Ident> {
    let column = match table {
        "auth_user" => "id",
        _ if GOES_ALONG.contains(&table) => "user_id",
        _ => return None,
    };
    Some(&schema.table(table)?.column(column)?.name)
}

/// Counts the rows by which a foreign key refers to something that goes, rows that go themselves left out. Nothing for
/// a key that leads elsewhere, or that is itself what makes a row go along.
fn counting(schema: &Schema, key: &ForeignKey, user: i64) -> Option<Sql> {
    let goes = schema.table(&key.to_table)?;
    let goes_by = owner(schema, &key.to_table)?;
    let table = schema.table(&key.table)?;
    let column = &table.column(&key.column)?.name;
    let own = owner(schema, &key.table);
    if own == Some(column) {
        return None;
    }
    let mut sql = Sql::new("SELECT COUNT(*) FROM ").ident(&table.name).push(" WHERE ").ident(column);
    sql = sql.push(" IN (SELECT ").ident(&goes.column(&key.to_column)?.name).push(" FROM ").ident(&goes.name);
    sql = sql.push(" WHERE ").ident(goes_by).push_bind(" = ?)", user);
    if let Some(own) = own {
        sql = sql.push(" AND (").ident(own).push(" IS NULL OR ").ident(own).push_bind(" <> ?)", user);
    }
    Some(sql)
}
