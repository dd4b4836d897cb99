//! Reads rows as images and writes images as rows: the only place where catalogue names become SQL.

use crate::db::schema::{Schema, Table};
use crate::db::{Cell, DbError, DbErrorKind, Dialect, Ident, Reads, Row, Sql, Tx};

use super::plan::{Image, MOST_ROWS};

/// Keys in one IN list: a whole plan's, so that a column without index is looked through once. Every engine takes that
/// many parameters.
const KEYS_AT_ONCE: usize = MOST_ROWS;

/// The table, or an error that names it.
///
/// # Errors
/// When the database has no such table, or one without a primary key: such rows can't be told apart.
pub fn table<'a>(schema: &'a Schema, name: &str) -> Result<&'a Table, DbError> {
    let table = schema
        .tables
        .get(name)
        .ok_or_else(|| DbError::new(DbErrorKind::Schema, format!("the table {name} is missing")))?;
    if table.primary_key.is_empty() {
        return Err(DbError::new(DbErrorKind::Schema, format!("the table {name} has no primary key")));
    }
    Ok(table)
}

/// `SELECT … FROM table` of every column, for [`image`]; the caller appends the rest.
#[must_use]
pub fn select(dialect: Dialect, table: &Table) -> Sql {
    let mut sql = Sql::new("SELECT ");
    for (index, column) in table.columns.iter().enumerate() {
        if index > 0 {
            sql = sql.push(", ");
        }
        sql = sql.image(&column.name, dialect.image_form(column.kind));
    }
    sql.push(" FROM ").ident(&table.name)
}

/// The image of a row that [`select`] gave.
///
/// # Errors
/// When the row has too few columns.
pub fn image(dialect: Dialect, table: &Table, row: &Row) -> Result<Image, DbError> {
    let mut columns = Vec::with_capacity(table.columns.len());
    for (index, column) in table.columns.iter().enumerate() {
        columns.push((column.name.as_str().to_owned(), dialect.normal(row.cell(index)?, column)));
    }
    Ok(Image(columns))
}

fn column_type<'a>(table: &'a Table, name: &str) -> Result<(&'a Ident, &'a str), DbError> {
    table
        .columns
        .iter()
        .find(|column| column.name.as_str() == name)
        .map(|column| (&column.name, column.sql_type.as_str()))
        .ok_or_else(|| {
            DbError::new(DbErrorKind::Schema, format!("the column {}.{name} is missing", table.name.as_str()))
        })
}

/// Appends `column = value` for every column of a key.
fn matching(mut sql: Sql, table: &Table, key: &Image) -> Result<Sql, DbError> {
    for (index, (name, cell)) in key.0.iter().enumerate() {
        let (column, sql_type) = column_type(table, name)?;
        sql = sql.push(if index == 0 { "" } else { " AND " }).ident(column).push(" = ").cell(cell, sql_type);
    }
    Ok(sql)
}

/// Whether the rows read will be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// They stay locked until the transaction ends.
    Rows,
    /// They are only read.
    No,
}

/// The rows with these keys, in the table's id order; a missing one is left out.
///
/// # Errors
/// What the engine says.
pub async fn by_keys(
    reads: &mut dyn Reads,
    table: &Table,
    keys: &[Image],
    lock: Lock,
) -> Result<Vec<Image>, DbError> {
    let dialect = reads.sql_dialect();
    let mut found = Vec::with_capacity(keys.len());
    for part in keys.chunks(KEYS_AT_ONCE) {
        let mut sql = select(dialect, table).push(" WHERE ");
        sql = match part {
            [] => return Ok(found),
            [only] => matching(sql, table, only)?,
            several if table.primary_key.len() == 1 => {
                let (column, sql_type) = column_type(table, &table.primary_key[0])?;
                sql = sql.ident(column).push(" IN (");
                for (index, key) in several.iter().enumerate() {
                    let cell = key.0.first().map_or(&Cell::Null, |(_, cell)| cell);
                    sql = sql.push(if index == 0 { "" } else { ", " }).cell(cell, sql_type);
                }
                sql.push(")")
            }
            several => {
                for (index, key) in several.iter().enumerate() {
                    sql = matching(sql.push(if index == 0 { "(" } else { " OR (" }), table, key)?.push(")");
                }
                sql
            }
        };
        sql = order(sql, table)?;
        if lock == Lock::Rows {
            sql = sql.push(dialect.for_update());
        }
        for row in reads.rows(sql).await? {
            found.push(image(dialect, table, &row)?);
        }
    }
    Ok(found)
}

fn order(mut sql: Sql, table: &Table) -> Result<Sql, DbError> {
    for (index, name) in table.primary_key.iter().enumerate() {
        let (column, _) = column_type(table, name)?;
        sql = sql.push(if index == 0 { " ORDER BY " } else { ", " }).ident(column);
    }
    Ok(sql)
}

/// The rows whose column has one of these values, in id order.
///
/// # Errors
/// What the engine says.
pub async fn by_column(
    reads: &mut dyn Reads,
    table: &Table,
    column: &str,
    values: &[Cell],
    lock: Lock,
) -> Result<Vec<Image>, DbError> {
    let dialect = reads.sql_dialect();
    let (name, sql_type) = column_type(table, column)?;
    let mut found = Vec::new();
    // NULL equals nothing.
    let values: Vec<&Cell> = values.iter().filter(|cell| !cell.is_null()).collect();
    // PostgreSQL hashes a list of VALUES; parameters it would compare one by one with every row of a column without index.
    let (open, next, close) =
        if dialect == Dialect::Postgres { (" IN (VALUES (", "), (", "))") } else { (" IN (", ", ", ")") };
    for part in values.chunks(KEYS_AT_ONCE) {
        let mut sql = select(dialect, table).push(" WHERE ").ident(name);
        for (index, cell) in part.iter().enumerate() {
            sql = sql.push(if index == 0 { open } else { next }).cell(cell, sql_type);
        }
        sql = order(sql.push(close), table)?;
        if lock == Lock::Rows {
            sql = sql.push(dialect.for_update());
        }
        for row in reads.rows(sql).await? {
            found.push(image(dialect, table, &row)?);
        }
    }
    Ok(found)
}

/// Whether a row of the table has this value in this column.
///
/// # Errors
/// What the engine says.
pub async fn any(reads: &mut dyn Reads, table: &Table, column: &str, value: &Cell) -> Result<bool, DbError> {
    let (name, sql_type) = column_type(table, column)?;
    let sql = Sql::new("SELECT 1 FROM ").ident(&table.name).push(" WHERE ").ident(name).push(" = ");
    Ok(!reads.rows(sql.cell(value, sql_type).push(" LIMIT 1")).await?.is_empty())
}

/// The primary key out of a row's image.
#[must_use]
pub fn key_of(table: &Table, image: &Image) -> Image {
    Image(
        table
            .primary_key
            .iter()
            .map(|name| (name.clone(), image.get(name).cloned().unwrap_or(Cell::Null)))
            .collect(),
    )
}

/// Inserts a row; its key.
///
/// # Errors
/// What the engine says, or that the table's new key can't be known.
pub async fn insert(tx: &mut Tx, table: &Table, values: &[(String, Cell)]) -> Result<Image, DbError> {
    let mut sql = Sql::new("INSERT INTO ").ident(&table.name).push(" (");
    for (index, (name, _)) in values.iter().enumerate() {
        sql = sql.push(if index == 0 { "" } else { ", " }).ident(column_type(table, name)?.0);
    }
    sql = sql.push(") VALUES (");
    for (index, (name, cell)) in values.iter().enumerate() {
        sql = sql.push(if index == 0 { "" } else { ", " }).cell(cell, column_type(table, name)?.1);
    }
    sql = sql.push(")");
    let given = Image(values.to_vec());
    if table.primary_key.iter().all(|name| given.get(name).is_some()) {
        tx.execute(sql).await?;
        return Ok(key_of(table, &given));
    }
    if table.primary_key != ["id"] {
        let name = table.name.as_str();
        return Err(DbError::new(
            DbErrorKind::Schema,
            format!("the key of a new row of {name} can't be known"),
        ));
    }
    Ok(Image::id(tx.insert(sql).await?))
}

/// Updates exactly one row.
///
/// # Errors
/// What the engine says, or that the row is not there.
pub async fn update(tx: &mut Tx, table: &Table, key: &Image, set: &[(String, Cell)]) -> Result<(), DbError> {
    let mut sql = Sql::new("UPDATE ").ident(&table.name).push(" SET ");
    for (index, (name, cell)) in set.iter().enumerate() {
        let (column, sql_type) = column_type(table, name)?;
        sql = sql.push(if index == 0 { "" } else { ", " }).ident(column).push(" = ").cell(cell, sql_type);
    }
    expect_one(tx.execute(matching(sql.push(" WHERE "), table, key)?).await?, table)
}

/// Deletes exactly one row.
///
/// # Errors
/// What the engine says, or that the row is not there.
pub async fn delete(tx: &mut Tx, table: &Table, key: &Image) -> Result<(), DbError> {
    let sql = Sql::new("DELETE FROM ").ident(&table.name).push(" WHERE ");
    expect_one(tx.execute(matching(sql, table, key)?).await?, table)
}

fn expect_one(count: u64, table: &Table) -> Result<(), DbError> {
    if count == 1 {
        return Ok(());
    }
    Err(DbError::bug(format!("one row of {} was to be written and {count} were", table.name.as_str())))
}
