//! Rows whose value finds no partner in another table, in sets and never row by row.
//!
//! Measured at a million rows: `NOT EXISTS` over an index is the fastest on every engine, and without one it runs for
//! minutes on SQLite and MariaDB, which then look through the whole other table for each row; `NOT IN` makes them build
//! a lookup table once. PostgreSQL plans a hash join for `NOT EXISTS` either way, and nothing good for `NOT IN`.

use crate::db::{Dialect, Ident, Sql};
use crate::error::Result;

use super::checks::odd_storage;
use super::scan::Scan;
use super::windows::{Window, name, table, windows, within};

/// What to look for: rows of `table` whose `column` is in no row of `to_table` as `to_column`.
#[derive(Debug, Clone, Copy)]
pub(super) struct AntiJoin {
    /// The table searched, whose key is `id`.
    pub(super) table: &'static str,
    /// Its column.
    pub(super) column: &'static str,
    /// The other table.
    pub(super) to_table: &'static str,
    /// Its column.
    pub(super) to_column: &'static str,
    /// A second column of the rows found that the caller wants.
    pub(super) also: &'static str,
    /// Whether a NULL, which has no partner either, counts.
    pub(super) nulls: bool,
}

/// The names as they stand in the catalogue.
struct Names<'a> {
    table: &'a Ident,
    id: &'a Ident,
    column: &'a Ident,
    also: &'a Ident,
    to_table: &'a Ident,
    to_column: &'a Ident,
}

impl AntiJoin {
    /// The ids of the rows found, each with the integer in the `also` column: none where it holds something else.
    ///
    /// # Errors
    /// What the engine says; that it was cancelled.
    pub(super) async fn find(self, scan: &Scan<'_>) -> Result<Vec<(i64, Option<i64>)>> {
        let schema = scan.schema();
        let (from, to) = (table(schema, self.table)?, table(schema, self.to_table)?);
        let names = Names {
            table: &from.name,
            id: name(from, "id")?,
            column: name(from, self.column)?,
            also: name(from, self.also)?,
            to_table: &to.name,
            to_column: name(to, self.to_column)?,
        };
        let indexed = to.is_indexed(self.to_column);
        // Both sides are cut into the same ranges, so that no engine reads either table more than once.
        let windows = if indexed && from.is_indexed(self.column) {
            windows(scan, names.table, names.column).await?
        } else {
            vec![Window::EVERYTHING]
        };
        let mut found = Vec::new();
        for (index, window) in windows.iter().enumerate() {
            scan.progress(index as u64, windows.len() as u64);
            gather(scan, without_partner(&names, *window, scan.db().dialect(), indexed), &mut found).await?;
        }
        if self.nulls && from.column(self.column).is_some_and(|column| column.nullable) {
            let sql = select(&names).push(" WHERE t.").ident(names.column).push(" IS NULL");
            gather(scan, sql, &mut found).await?;
        }
        scan.progress(windows.len() as u64, windows.len() as u64);
        found.sort_unstable();
        Ok(found)
    }
}

fn select(names: &Names<'_>) -> Sql {
    Sql::new("SELECT t.")
        .ident(names.id)
        .push(", t.")
        .ident(names.also)
        .push(" FROM ")
        .ident(names.table)
        .push(" t")
}

async fn gather(scan: &Scan<'_>, sql: Sql, found: &mut Vec<(i64, Option<i64>)>) -> Result<()> {
    let mut rows = scan.db().stream(sql);
    while let Some(row) = rows.recv().await {
        let row = row?;
        // SQLite lets a column hold text where a number belongs: the row counts all the same.
        found.push((row.int(0)?, row.int_opt(1).ok().flatten()));
    }
    Ok(())
}

fn without_partner(names: &Names<'_>, window: Window, dialect: Dialect, indexed: bool) -> Sql {
    let sql = select(names).push(" WHERE t.").ident(names.column).push(" IS NOT NULL AND ");
    let mut sql = within(sql, "t.", names.column, window);
    if dialect == Dialect::Sqlite && odd_storage::watches(names.table.as_str(), names.column.as_str()) {
        // Text where an id belongs is equal to no id, and may still mean one: somebody has to say.
        sql = sql.push("typeof(t.").ident(names.column).push(") = 'integer' AND ");
    }
    if indexed || dialect == Dialect::Postgres {
        let sql = sql.push("NOT EXISTS (SELECT 1 FROM ").ident(names.to_table).push(" r WHERE ");
        return within(sql, "r.", names.to_column, window)
            .push("r.")
            .ident(names.to_column)
            .push(" = t.")
            .ident(names.column)
            .push(")");
    }
    sql.push("t.")
        .ident(names.column)
        .push(" NOT IN (SELECT r.")
        .ident(names.to_column)
        .push(" FROM ")
        .ident(names.to_table)
        .push(" r WHERE r.")
        .ident(names.to_column)
        .push(" IS NOT NULL)")
}
