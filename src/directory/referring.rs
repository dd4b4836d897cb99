//! Rows that refer to an account: those that Django's own delete takes along, and those that stand in its way. And what
//! refers to a row of another table.

use std::collections::{BTreeMap, BTreeSet};

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

impl Referring {
    /// `core_complaint holds 12 rows (department_id)`
    #[must_use]
    pub fn in_words(&self) -> String {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        format!("{} holds {} {rows} ({})", self.table, self.rows, self.column)
    }
}

/// What refers to the row of this id by the catalogue, column by column, where there are rows; `but` these columns.
///
/// # Errors
/// What the engine says.
pub(super) async fn elsewhere(
    portal: &Portal,
    table: &str,
    id: i64,
    but: &[(&str, &str)],
) -> Result<Vec<Referring>> {
    let (schema, mut found) = (&portal.schema, Vec::new());
    let mut seen = BTreeSet::new();
    for key in schema.references_to(table).filter(|key| key.to_column == "id") {
        let (table, column) = (key.table.as_str(), key.column.as_str());
        if but.contains(&(table, column)) || !seen.insert((table, column)) {
            continue;
        }
        let Some(from) = schema.table(table) else { continue };
        let Some(known) = from.column(column) else { continue };
        let sql = Sql::new("SELECT COUNT(*) FROM ").ident(&from.name).push(" WHERE ").ident(&known.name);
        let rows = portal.count(sql.push_bind(" = ?", id)).await?;
        if rows > 0 {
            let (table, column) = (table.to_owned(), column.to_owned());
            found.push(Referring { table, column, rows, goes_along: false });
        }
    }
    Ok(found)
}

/// Counts what refers to an account, or to a row that goes along with it, by the catalogue: first what goes along, in
/// the order in which Django deletes it, then other tables by name. Rows that go along anyway are counted once.
///
/// # Errors
/// What the engine says.
pub async fn count(portal: &Portal, user: i64) -> Result<Vec<Referring>> {
    Ok(count_many(portal, &[user]).await?.remove(&user).unwrap_or_default())
}

/// As [`count`], for many accounts at once.
///
/// # Errors
/// What the engine says.
pub async fn count_many(portal: &Portal, users: &[i64]) -> Result<BTreeMap<i64, Vec<Referring>>> {
    let schema = &portal.schema;
    let mut found: BTreeMap<i64, Vec<Referring>> = users.iter().map(|user| (*user, Vec::new())).collect();
    for name in GOES_ALONG {
        let (Some(table), Some(owner)) = (schema.table(name), owner(schema, name)) else { continue };
        let sql = Sql::new("SELECT ").ident(owner).push(", COUNT(*) FROM ").ident(&table.name);
        let sql = sql.push(" WHERE ").ident(owner).push(" IN (").list(users.iter().copied());
        let counted = by_user(portal, sql.push(") GROUP BY ").ident(owner)).await?;
        for (user, found) in &mut found {
            let rows = counted.get(user).copied().unwrap_or(0);
            let (table, column) = (name.to_owned(), owner.as_str().to_owned());
            found.push(Referring { table, column, rows, goes_along: true });
        }
    }
    let own = found.values().next().map_or(0, Vec::len);
    let mut seen = BTreeSet::new();
    for key in &schema.foreign_keys {
        let Some(sql) = counting(schema, key, users) else { continue };
        if !seen.insert((&key.table, &key.column, &key.to_table)) {
            continue;
        }
        let counted = by_user(portal, sql).await?;
        for (user, found) in &mut found {
            let rows = counted.get(user).copied().unwrap_or(0);
            let same = |other: &&mut Referring| other.table == key.table && other.column == key.column;
            if let Some(other) = found[own..].iter_mut().find(same) {
                other.rows += rows;
            } else {
                let (table, column) = (key.table.clone(), key.column.clone());
                found.push(Referring { table, column, rows, goes_along: false });
            }
        }
    }
    for found in found.values_mut() {
        found[own..].sort_by(|a, b| (&a.table, &a.column).cmp(&(&b.table, &b.column)));
    }
    Ok(found)
}

/// What a query counts for each user; the query gives their ids and the counts.
async fn by_user(portal: &Portal, sql: Sql) -> Result<BTreeMap<i64, i64>> {
    portal.db.all(sql).await?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
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

/// Counts for each user the rows by which a foreign key refers to something that goes, rows that go themselves left
/// out. Nothing for a key that leads elsewhere, or that is itself what makes a row go along.
fn counting(schema: &Schema, key: &ForeignKey, users: &[i64]) -> Option<Sql> {
    let goes = schema.table(&key.to_table)?;
    let goes_by = owner(schema, &key.to_table)?;
    let table = schema.table(&key.table)?;
    let column = &table.column(&key.column)?.name;
    let own = owner(schema, &key.table);
    if own == Some(column) {
        return None;
    }
    let mut sql = Sql::new("SELECT g.").ident(goes_by).push(", COUNT(*) FROM ").ident(&table.name);
    sql = sql.push(" r JOIN ").ident(&goes.name).push(" g ON g.").ident(&goes.column(&key.to_column)?.name);
    sql = sql.push(" = r.").ident(column).push(" WHERE g.").ident(goes_by).push(" IN (");
    sql = sql.list(users.iter().copied()).push(")");
    if let Some(own) = own {
        sql = sql.push(" AND (r.").ident(own).push(" IS NULL OR r.").ident(own).push(" <> g.");
        sql = sql.ident(goes_by).push(")");
    }
    Some(sql.push(" GROUP BY g.").ident(goes_by))
}
