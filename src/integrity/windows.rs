//! Reading a whole table in ranges of values: each statement ends soon, so a scan tells how far it is and can be stopped.

use crate::db::schema::{Column, Schema, Table};
use crate::db::{Ident, Row, Sql};
use crate::error::{Error, Result};

use super::scan::Scan;

/// At least this many values go into one statement, so that small tables take one.
const LEAST: i64 = 50_000;

/// At most this many statements, however far apart the values lie.
const MOST: i64 = 64;

/// A range of values, open where there is no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    above: Option<i64>,
    up_to: Option<i64>,
}

impl Window {
    /// No bound at all.
    pub(super) const EVERYTHING: Self = Self { above: None, up_to: None };
}

/// A table that the check has declared as needed.
pub(super) fn table<'a>(schema: &'a Schema, name: &str) -> Result<&'a Table> {
    schema.table(name).ok_or_else(|| Error::bug(format!("table {name} was not declared as needed")))
}

/// The name of a column that the check has declared as needed, as it stands in the catalogue.
pub(super) fn name<'a>(table: &'a Table, column: &str) -> Result<&'a Ident> {
    Ok(&column_of(table, column)?.name)
}

fn column_of<'a>(table: &'a Table, column: &str) -> Result<&'a Column> {
    table.column(column).ok_or_else(|| {
        Error::bug(format!("column {}.{column} was not declared as needed", table.name.as_str()))
    })
}

/// Gives `take` the rows of a table that meet a condition, the table's `id` first and then these columns exactly as the
/// engine holds them, in windows of ids. The condition stands in parentheses behind AND and calls the table `t`; empty,
/// it lets every row through. In which order rows come is the engine's business.
///
/// # Errors
/// What the engine says; that it was cancelled; what `take` says.
pub(super) async fn rows_where(
    scan: &Scan<'_>,
    table_name: &str,
    columns: &[&str],
    condition: &Sql,
    take: &mut (dyn FnMut(&Row) -> Result<()> + Send),
) -> Result<()> {
    let table = table(scan.schema(), table_name)?;
    let id = name(table, "id")?;
    let windows = windows(scan, &table.name, id).await?;
    for (index, window) in windows.iter().enumerate() {
        scan.progress(index as u64, windows.len() as u64);
        let mut sql = Sql::new("SELECT t.").ident(id);
        for column in columns {
            let column = column_of(table, column)?;
            sql = sql.push(", ").image(&column.name, scan.db().dialect().image_form(column.kind));
        }
        sql = sql.push(" FROM ").ident(&table.name).push(" t WHERE ");
        sql = within(sql, "t.", id, *window);
        sql = if condition.is_empty() {
            sql.push("1 = 1")
        } else {
            sql.push("(").append(condition.clone()).push(")")
        };
        let mut rows = scan.db().stream(sql);
        while let Some(row) = rows.recv().await {
            take(&row?)?;
        }
    }
    scan.progress(windows.len() as u64, windows.len() as u64);
    Ok(())
}

/// The ids of the rows that meet a condition, in order; see [`rows_where`].
///
/// # Errors
/// As [`rows_where`].
pub(super) async fn ids_where(scan: &Scan<'_>, table: &str, condition: &Sql) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    rows_where(scan, table, &[], condition, &mut |row| {
        ids.push(row.int(0)?);
        Ok(())
    })
    .await?;
    ids.sort_unstable();
    Ok(ids)
}

/// The windows that hold all values of an indexed column.
///
/// # Errors
/// What the engine says.
pub(super) async fn windows(scan: &Scan<'_>, table: &Ident, column: &Ident) -> Result<Vec<Window>> {
    Ok(cut(bounds(scan, table, column).await?))
}

/// The least and the greatest value; none when there is no value, or where one is no number.
async fn bounds(scan: &Scan<'_>, table: &Ident, column: &Ident) -> Result<Option<(i64, i64)>> {
    let bound = |function: &'static str| {
        Sql::new("SELECT ").push(function).push("(t.").ident(column).push(") FROM ").ident(table).push(" t")
    };
    let read = |row: Row| -> Option<i64> { row.int_opt(0).ok().flatten() };
    let least = read(scan.db().one(bound("MIN")).await?);
    let greatest = read(scan.db().one(bound("MAX")).await?);
    Ok(least.zip(greatest))
}

/// The first window is open below and the last one above, so that together they hold every value, text too.
fn cut(bounds: Option<(i64, i64)>) -> Vec<Window> {
    let Some((least, greatest)) = bounds else { return vec![Window::EVERYTHING] };
    // Wider than an i64 where ids reach from one end of their type to the other.
    let span = i128::from(greatest) - i128::from(least);
    let width = i64::try_from(span / i128::from(MOST) + 1).unwrap_or(i64::MAX).max(LEAST);
    let mut windows = Vec::new();
    let mut above = None;
    let mut edge = least.saturating_add(width);
    while edge < greatest {
        windows.push(Window { above, up_to: Some(edge) });
        above = Some(edge);
        edge = edge.saturating_add(width);
    }
    windows.push(Window { above, up_to: None });
    windows
}

/// Appends what keeps a column inside a window, each bound with an AND behind it.
pub(super) fn within(mut sql: Sql, alias: &'static str, column: &Ident, window: Window) -> Sql {
    if let Some(above) = window.above {
        sql = sql.push(alias).ident(column).push_bind(" > ? AND ", above);
    }
    if let Some(up_to) = window.up_to {
        sql = sql.push(alias).ident(column).push_bind(" <= ? AND ", up_to);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_meet_and_leave_nothing_out() {
        for (least, greatest) in
            [(1, 1), (1, LEAST * 3), (-5, 1_000_000), (0, i64::MAX), (i64::MIN, i64::MAX)]
        {
            let windows = cut(Some((least, greatest)));
            let most = usize::try_from(MOST + 1).unwrap();
            assert!(windows.len() <= most, "{} windows", windows.len());
            assert_eq!(windows.first().unwrap().above, None);
            assert_eq!(windows.last().unwrap().up_to, None);
            for pair in windows.windows(2) {
                assert_eq!(pair[0].up_to, pair[1].above);
                assert!(pair[0].up_to.is_some());
            }
        }
        assert_eq!(cut(None), [Window::EVERYTHING]);
        assert_eq!(cut(Some((1, 10))).len(), 1);
    }
}
