//! Reads rows as images and writes images as rows: the only place where catalogue names become SQL.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::counter::{self, Counter};
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

/// Appends that a row has one of these keys; there must be one.
fn matching_any(mut sql: Sql, table: &Table, keys: &[Image]) -> Result<Sql, DbError> {
    match keys {
        [only] => matching(sql, table, only),
        several if table.primary_key.len() == 1 => {
            let (column, sql_type) = column_type(table, &table.primary_key[0])?;
            sql = sql.ident(column).push(" IN (");
            for (index, key) in several.iter().enumerate() {
                let cell = key.0.first().map_or(&Cell::Null, |(_, cell)| cell);
                sql = sql.push(if index == 0 { "" } else { ", " }).cell(cell, sql_type);
            }
            Ok(sql.push(")"))
        }
        several => {
            for (index, key) in several.iter().enumerate() {
                sql = matching(sql.push(if index == 0 { "(" } else { " OR (" }), table, key)?.push(")");
            }
            Ok(sql)
        }
    }
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
        let mut sql = order(matching_any(select(dialect, table).push(" WHERE "), table, part)?, table)?;
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
    let mut found = Vec::new();
    for part in parts(values) {
        let mut sql = order(among(dialect, select(dialect, table), table, column, &part)?, table)?;
        if lock == Lock::Rows {
            sql = sql.push(dialect.for_update());
        }
        for row in reads.rows(sql).await? {
            found.push(image(dialect, table, &row)?);
        }
    }
    Ok(found)
}

/// Values that can be asked about together. NULL equals nothing.
fn parts(values: &[Cell]) -> Vec<Vec<&Cell>> {
    let values: Vec<&Cell> = values.iter().filter(|cell| !cell.is_null()).collect();
    values.chunks(KEYS_AT_ONCE).map(<[_]>::to_vec).collect()
}

/// Appends that a column has one of these values.
fn among(dialect: Dialect, sql: Sql, table: &Table, column: &str, values: &[&Cell]) -> Result<Sql, DbError> {
    let (name, sql_type) = column_type(table, column)?;
    // PostgreSQL hashes a list of VALUES; parameters it would compare one by one with every row of a column without index.
    let (open, next, close) =
        if dialect == Dialect::Postgres { (" IN (VALUES (", "), (", "))") } else { (" IN (", ", ", ")") };
    let mut sql = sql.push(" WHERE ").ident(name);
    for (index, cell) in values.iter().enumerate() {
        sql = sql.push(if index == 0 { open } else { next }).cell(cell, sql_type);
    }
    Ok(sql.push(close))
}

/// One of these values that a row of the table has in this column.
///
/// # Errors
/// What the engine says.
pub async fn first_of(
    reads: &mut dyn Reads,
    table: &Table,
    column: &str,
    values: &[Cell],
) -> Result<Option<Cell>, DbError> {
    let dialect = reads.sql_dialect();
    let Some(its) = table.columns.iter().find(|its| its.name.as_str() == column) else { return Ok(None) };
    for part in parts(values) {
        let sql = Sql::new("SELECT ").image(&its.name, dialect.image_form(its.kind)).push(" FROM ");
        let sql = among(dialect, sql.ident(&table.name), table, column, &part)?.push(" LIMIT 1");
        if let Some(row) = reads.rows(sql).await?.first() {
            return Ok(Some(dialect.normal(row.cell(0)?, its)));
        }
    }
    Ok(None)
}

/// Rows by their keys.
#[derive(Debug, Default)]
pub struct ByKey(BTreeMap<Option<i64>, Vec<(Image, Image)>>);

impl ByKey {
    /// The rows of a table.
    #[must_use]
    pub fn new(table: &Table, rows: Vec<Image>) -> Self {
        let mut found = Self::default();
        for row in rows {
            let key = key_of(table, &row);
            found.0.entry(Self::number(&key)).or_default().push((key, row));
        }
        found
    }

    /// Most keys are numbers; what begins with the same number is compared whole.
    fn number(key: &Image) -> Option<i64> {
        key.0.first().and_then(|(_, cell)| cell.as_int())
    }

    /// The row with this key.
    #[must_use]
    pub fn get(&self, key: &Image) -> Option<&Image> {
        let rows = self.0.get(&Self::number(key))?;
        rows.iter().find(|(its, _)| its == key).map(|(_, row)| row)
    }
}

/// Whether these are as many rows as they are keys. Only numbers are looked at.
#[must_use]
pub fn are_distinct(keys: &[Image]) -> bool {
    let numbers: BTreeSet<i64> = keys.iter().filter_map(ByKey::number).collect();
    numbers.len() == keys.len()
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

/// Inserts rows that give the same columns; their keys. Where the keys are known before, they go together.
///
/// # Errors
/// What the engine says, or that the key of a new row can't be known.
pub async fn insert(
    tx: &mut Tx,
    table: &Table,
    rows: Vec<Vec<(String, Cell)>>,
) -> Result<Vec<Image>, DbError> {
    let gives = |name: &String| rows.iter().all(|row| row.iter().any(|(column, _)| column == name));
    if table.primary_key.iter().all(gives) {
        return insert_together(tx, table, rows).await;
    }
    if table.primary_key != ["id"] {
        let name = table.name.as_str();
        return Err(DbError::new(
            DbErrorKind::Schema,
            format!("the key of a new row of {name} can't be known"),
        ));
    }
    if rows.len() > 1
        && let Some(next) = next_id(tx, table).await?
    {
        let id = |row: Vec<(String, Cell)>, id| [vec![("id".to_owned(), Cell::Int(id))], row].concat();
        let rows = rows.into_iter().zip(next..).map(|(row, next)| id(row, next)).collect();
        return insert_together(tx, table, rows).await;
    }
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        keys.push(Image::id(tx.insert(insertion(table, std::slice::from_ref(row))?).await?));
    }
    Ok(keys)
}

async fn insert_together(
    tx: &mut Tx,
    table: &Table,
    rows: Vec<Vec<(String, Cell)>>,
) -> Result<Vec<Image>, DbError> {
    expect(tx.execute(insertion(table, &rows)?).await?, rows.len(), table)?;
    Ok(rows.into_iter().map(|row| key_of(table, &Image(row))).collect())
}

fn insertion(table: &Table, rows: &[Vec<(String, Cell)>]) -> Result<Sql, DbError> {
    let mut sql = Sql::new("INSERT INTO ").ident(&table.name).push(" (");
    let columns = rows.first().map(Vec::as_slice).unwrap_or_default();
    for (index, (name, _)) in columns.iter().enumerate() {
        sql = sql.push(if index == 0 { "" } else { ", " }).ident(column_type(table, name)?.0);
    }
    sql = sql.push(") VALUES ");
    for (number, row) in rows.iter().enumerate() {
        sql = sql.push(if number == 0 { "(" } else { ", (" });
        for (index, (name, cell)) in row.iter().enumerate() {
            sql = sql.push(if index == 0 { "" } else { ", " }).cell(cell, column_type(table, name)?.1);
        }
        sql = sql.push(")");
    }
    Ok(sql)
}

/// The id that the engine gives out next, where nobody else can take it: SQLite has one writer at a time.
async fn next_id(tx: &mut Tx, table: &Table) -> Result<Option<i64>, DbError> {
    if tx.dialect() != Dialect::Sqlite {
        return Ok(None);
    }
    let id = column_type(table, "id")?.0;
    let Some(Counter { next: Some(next), odd: false, .. }) = counter::read(tx, &table.name, id).await? else {
        return Ok(None);
    };
    let sql = Sql::new("SELECT COALESCE(MAX(").ident(id).push("), 0) FROM ").ident(&table.name);
    let highest = tx.one(sql).await?.int(0)?;
    // Near the end of all numbers SQLite has rules of its own.
    Ok((highest < i64::MAX / 2 && next < i64::MAX / 2).then(|| next.max(highest + 1)))
}

/// Gives these rows the same new values.
///
/// # Errors
/// What the engine says, or that not all of them are there.
pub async fn update(
    tx: &mut Tx,
    table: &Table,
    keys: &[Image],
    set: &[(String, Cell)],
) -> Result<(), DbError> {
    let mut sql = Sql::new("UPDATE ").ident(&table.name).push(" SET ");
    for (index, (name, cell)) in set.iter().enumerate() {
        let (column, sql_type) = column_type(table, name)?;
        sql = sql.push(if index == 0 { "" } else { ", " }).ident(column).push(" = ").cell(cell, sql_type);
    }
    expect(tx.execute(matching_any(sql.push(" WHERE "), table, keys)?).await?, keys.len(), table)
}

/// Deletes these rows.
///
/// # Errors
/// What the engine says, or that not all of them are there.
pub async fn delete(tx: &mut Tx, table: &Table, keys: &[Image]) -> Result<(), DbError> {
    let sql = Sql::new("DELETE FROM ").ident(&table.name).push(" WHERE ");
    expect(tx.execute(matching_any(sql, table, keys)?).await?, keys.len(), table)
}

fn expect(count: u64, rows: usize, table: &Table) -> Result<(), DbError> {
    if count == rows as u64 {
        return Ok(());
    }
    let name = table.name.as_str();
    Err(DbError::bug(format!("{rows} rows of {name} were to be written and {count} were")))
}
