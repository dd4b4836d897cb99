//! The counters that hand out ids: what each would hand out next, read from where its engine keeps it.
//!
//! PostgreSQL has a sequence for each column, named by the column's default or its identity. MySQL keeps
//! `AUTO_INCREMENT` with the table. SQLite hands out one more than the larger of the table's `sqlite_sequence` and its greatest id.

use std::collections::BTreeMap;

use super::schema::{Column, ColumnKind, OWN_TABLES, PORTAL_TABLES, Schema, Table};
use super::{Cell, Db, DbError, Dialect, Ident, Sql};

/// The counter of a table, or where it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// The table.
    pub table: Ident,
    /// Its primary key, an integer.
    pub column: Ident,
    /// What fills it.
    pub filled: Filled,
    /// The id that the next row gets; nothing when the counter is at its end, or there is none.
    pub next: Option<i64>,
    /// The greatest id that counter and column can hold.
    pub most: i64,
    /// The greatest id in the table.
    pub greatest: Option<i64>,
}

/// What fills a primary key.
#[derive(Debug, Clone, PartialEq)]
pub enum Filled {
    /// A PostgreSQL sequence: its schema and name.
    Sequence(Ident, Ident),
    /// MySQL's `AUTO_INCREMENT`.
    AutoIncrement,
    /// SQLite's AUTOINCREMENT, with what `sqlite_sequence` holds for the table: usually one integer, nothing before the
    /// first row.
    Autoincrement(Vec<Cell>),
    /// SQLite's rowid, which is one more than the greatest id and has no memory.
    Rowid,
    /// Nothing any more, although it is a table of Django's: a new row gets no id. The sequence that PostgreSQL still
    /// keeps for the column, if so.
    Lost(Option<(Ident, Ident)>),
}

impl Counter {
    /// `table.column`, as the catalogue has it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.table.as_str(), self.column.as_str())
    }
}

/// Every counter of a database, our own tables aside, in the order of the tables' names.
///
/// # Errors
/// What the engine says.
pub async fn read(db: &Db, schema: &Schema) -> Result<Vec<Counter>, DbError> {
    let mut counters = match db.dialect() {
        Dialect::Sqlite => sqlite(db, schema).await?,
        Dialect::MySql => mysql(db, schema).await?,
        Dialect::Postgres => postgres(db, schema).await?,
    };
    counters.sort_by(|a, b| a.table.cmp(&b.table));
    Ok(counters)
}

/// The greatest integer in a column; nothing where there is none. SQLite may hold text there, which it takes for greater
/// than every number.
///
/// # Errors
/// What the engine says.
pub async fn greatest(db: &Db, table: &Ident, column: &Ident) -> Result<Option<i64>, DbError> {
    let sql = Sql::new("SELECT MAX(").ident(column).push(") FROM ").ident(table);
    match db.one(sql.clone()).await?.cell(0)? {
        Cell::Int(value) => Ok(Some(value)),
        Cell::Null => Ok(None),
        _ if db.dialect() == Dialect::Sqlite => {
            let sql = sql.push(" WHERE typeof(").ident(column).push(") = 'integer'");
            db.one(sql).await?.int_opt(0)
        }
        // Greater than any signed integer, as MySQL's unsigned ones can be.
        _ => Ok(Some(i64::MAX)),
    }
}

/// The tables whose primary key is one integer, ours aside.
fn keyed(schema: &Schema) -> impl Iterator<Item = (&Table, &Column)> {
    schema.tables.values().filter(|table| !OWN_TABLES.contains(&table.name.as_str())).filter_map(|table| {
        let [key] = table.primary_key.as_slice() else { return None };
        Some((table, table.column(key).filter(|column| column.kind == ColumnKind::Int)?))
    })
}

/// Whether Django makes this table with a counter. Other tables may have a key that their program fills.
fn is_djangos(table: &Table, column: &Column) -> bool {
    column.name.as_str() == "id" && PORTAL_TABLES.iter().any(|(name, _)| *name == table.name.as_str())
}

async fn postgres(db: &Db, schema: &Schema) -> Result<Vec<Counter>, DbError> {
    // The default says which sequence is used; the one that the column owns may be another, or none.
    let sql = "SELECT c.relname, a.attidentity <> '', a.atthasdef, n.nspname, s.relname, q.seqincrement, q.seqmax \
               FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1 \
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
               LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
               LEFT JOIN pg_class s ON s.relkind = 'S' AND s.oid = COALESCE( \
               to_regclass(substring(pg_get_expr(d.adbin, d.adrelid) FROM 'nextval[(]+''([^'']+)''::')), \
               pg_get_serial_sequence(CAST(CAST(c.oid AS regclass) AS text), a.attname)::regclass) \
               LEFT JOIN pg_namespace n ON n.oid = s.relnamespace LEFT JOIN pg_sequence q ON q.seqrelid = s.oid \
               WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind IN ('r', 'p')";
    let mut rows = BTreeMap::new();
    for row in db.all(Sql::new(sql)).await? {
        rows.insert(row.text(0)?, row);
    }
    let mut counters = Vec::new();
    for (table, column) in keyed(schema) {
        let Some(row) = rows.get(table.name.as_str()) else { continue };
        let (identity, has_default) = (row.bool(1)?, row.bool(2)?);
        let sequence = match (row.text_opt(3)?, row.text_opt(4)?) {
            (Some(schema), Some(name)) => Some((Ident::new(&schema)?, Ident::new(&name)?)),
            _ => None,
        };
        let mut counter = Counter {
            table: table.name.clone(),
            column: column.name.clone(),
            filled: Filled::Lost(sequence.clone()),
            next: None,
            most: most(Dialect::Postgres, &column.sql_type),
            greatest: None,
        };
        match sequence {
            Some((schema, name)) if identity || has_default => {
                let (by, end) = (row.int(5)?, row.int(6)?);
                counter.most = counter.most.min(end);
                counter.next =
                    next_of_sequence(db, &schema, &name, by).await?.filter(|next| *next <= counter.most);
                counter.filled = Filled::Sequence(schema, name);
            }
            // A default of another kind is somebody's own way to number rows.
            _ if has_default || !is_djangos(table, column) => continue,
            _ => {}
        }
        counter.greatest = greatest(db, &table.name, &column.name).await?;
        counters.push(counter);
    }
    Ok(counters)
}

async fn next_of_sequence(db: &Db, schema: &Ident, name: &Ident, by: i64) -> Result<Option<i64>, DbError> {
    let sql = Sql::new("SELECT last_value, is_called FROM ").ident(schema).push(".").ident(name);
    let row = db.one(sql).await?;
    let last = row.int(0)?;
    Ok(if row.bool(1)? { last.checked_add(by) } else { Some(last) })
}

async fn mysql(db: &Db, schema: &Schema) -> Result<Vec<Counter>, DbError> {
    let sql = "SELECT t.TABLE_NAME, t.AUTO_INCREMENT, c.COLUMN_NAME FROM information_schema.TABLES t \
               LEFT JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA \
               AND c.TABLE_NAME = t.TABLE_NAME AND c.EXTRA LIKE '%auto!_increment%' ESCAPE '!' \
               WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE'";
    let mut rows = BTreeMap::new();
    for row in db.all(Sql::new(sql)).await? {
        rows.insert(row.text(0)?, row);
    }
    let mut counters = Vec::new();
    for (table, column) in keyed(schema) {
        let Some(row) = rows.get(table.name.as_str()) else { continue };
        let counts = row.text_opt(2)?.is_some_and(|name| name == column.name.as_str());
        if !counts && !is_djangos(table, column) {
            continue;
        }
        let most = most(Dialect::MySql, &column.sql_type);
        // MySQL 8 says nothing of a table that never had a row. What is greater than our integers is greater than all ids.
        let next = match row.cell(1)? {
            Cell::Int(next) => Some(next),
            Cell::Null => Some(1),
            _ => None,
        };
        counters.push(Counter {
            table: table.name.clone(),
            column: column.name.clone(),
            filled: if counts { Filled::AutoIncrement } else { Filled::Lost(None) },
            next: next.filter(|next| counts && *next <= most),
            most,
            greatest: greatest(db, &table.name, &column.name).await?,
        });
    }
    Ok(counters)
}

async fn sqlite(db: &Db, schema: &Schema) -> Result<Vec<Counter>, DbError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'";
    let mut counted = BTreeMap::new();
    for row in db.all(Sql::new(sql)).await? {
        counted.insert(row.text(0)?, Vec::new());
    }
    // The engine makes this table together with the first that counts.
    if !counted.is_empty() {
        for row in db.all(Sql::new("SELECT name, seq FROM sqlite_sequence ORDER BY rowid")).await? {
            if let Some(held) = counted.get_mut(&row.text(0)?) {
                held.push(row.cell(1)?);
            }
        }
    }
    let mut counters = Vec::new();
    for (table, column) in keyed(schema) {
        if !column.sql_type.eq_ignore_ascii_case("integer") {
            continue;
        }
        let greatest = greatest(db, &table.name, &column.name).await?;
        let (filled, last) = match counted.remove(table.name.as_str()) {
            Some(held) => {
                let last = held.first().and_then(last_of).max(greatest);
                (Filled::Autoincrement(held), last)
            }
            None => (Filled::Rowid, greatest),
        };
        counters.push(Counter {
            table: table.name.clone(),
            column: column.name.clone(),
            filled,
            next: last.unwrap_or(0).checked_add(1),
            most: i64::MAX,
            greatest,
        });
    }
    Ok(counters)
}

/// What SQLite makes of a value in `sqlite_sequence`: text that is no number counts as 0.
fn last_of(held: &Cell) -> Option<i64> {
    match held {
        Cell::Int(value) => Some(*value),
        Cell::Text(text) => Some(text.trim().parse().unwrap_or(0)),
        _ => None,
    }
}

/// The greatest value of an integer type, in the engine's words for it.
fn most(dialect: Dialect, sql_type: &str) -> i64 {
    let lower = sql_type.to_ascii_lowercase();
    let word = lower.split(['(', ' ']).next().unwrap_or_default();
    let unsigned = dialect == Dialect::MySql && lower.contains("unsigned");
    let bits = match word {
        "tinyint" => 8,
        "smallint" | "int2" => 16,
        "mediumint" => 24,
        "int" | "integer" | "int4" => 32,
        _ => 64,
    };
    match (bits, unsigned) {
        (64, _) => i64::MAX,
        (bits, true) => (1 << bits) - 1,
        (bits, false) => (1 << (bits - 1)) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_value_follows_the_type() {
        for (dialect, sql_type, value) in [
            (Dialect::Postgres, "integer", 2_147_483_647),
            (Dialect::Postgres, "bigint", i64::MAX),
            (Dialect::MySql, "int(11)", 2_147_483_647),
            (Dialect::MySql, "int(10) unsigned", 4_294_967_295),
            (Dialect::MySql, "smallint(5) unsigned", 65_535),
            (Dialect::MySql, "bigint(20)", i64::MAX),
            (Dialect::MySql, "bigint(20) unsigned", i64::MAX),
        ] {
            assert_eq!(most(dialect, sql_type), value, "{sql_type}");
        }
    }
}
