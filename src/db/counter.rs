//! One counter, read within a transaction or outside: what hands out the ids of new rows. PostgreSQL has sequences, MySQL
//! `AUTO_INCREMENT`, SQLite the table `sqlite_sequence`.

use super::{DbError, Dialect, Ident, Reads, Sql};

/// The counter of a column, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The id that it hands out next; nothing when it is used up, or on SQLite not written down.
    pub next: Option<i64>,
    /// SQLite: not exactly one row of `sqlite_sequence` speaks of it, or that one holds no number. The engine copes, and
    /// `next` is the highest that it may go on from.
    pub odd: bool,
    /// The sequence, where it is one.
    pub sequence: Option<Sequence>,
}

/// A sequence of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Its schema.
    pub schema: Ident,
    /// Its name.
    pub name: Ident,
    /// How far apart the numbers are that it gives.
    pub step: i64,
    /// The last number that it can give.
    pub last: i64,
}

/// The counter that fills this column; nothing where it has none.
///
/// # Errors
/// What the engine says.
pub async fn read(reads: &mut dyn Reads, table: &Ident, column: &Ident) -> Result<Option<Counter>, DbError> {
    match reads.sql_dialect() {
        Dialect::Sqlite => sqlite(reads, table).await,
        Dialect::MySql => mysql(reads, table, column).await,
        Dialect::Postgres => match sequence(reads, table, column).await? {
            Some(sequence) => postgres(reads, sequence).await.map(Some),
            None => Ok(None),
        },
    }
}

async fn sqlite(reads: &mut dyn Reads, table: &Ident) -> Result<Option<Counter>, DbError> {
    let made = Sql::new(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%' AND name = ?",
    );
    // Without the word there is no counter, and in a database without such a table no sqlite_sequence either.
    if reads.rows(made.bind(table.as_str())).await?.is_empty() {
        return Ok(None);
    }
    let sql = Sql::new(
        "SELECT COUNT(*), COALESCE(SUM(typeof(seq) = 'integer'), 0), \
         MAX(CASE WHEN typeof(seq) = 'integer' AND seq < 9223372036854775807 THEN seq END) \
         FROM sqlite_sequence WHERE name = ?",
    );
    let rows = reads.rows(sql.bind(table.as_str())).await?;
    let row = rows.first().ok_or_else(|| DbError::bug("a count gave no row"))?;
    let odd = row.int(0)? != 1 || row.int(1)? != 1;
    Ok(Some(Counter { next: row.int_opt(2)?.map(|last| last + 1), odd, sequence: None }))
}

async fn mysql(reads: &mut dyn Reads, table: &Ident, column: &Ident) -> Result<Option<Counter>, DbError> {
    let sql = Sql::new(
        "SELECT CAST(LEAST(t.AUTO_INCREMENT, 9223372036854775807) AS SIGNED) FROM information_schema.TABLES t \
         JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME \
         WHERE t.TABLE_SCHEMA = DATABASE() AND c.TABLE_SCHEMA = DATABASE() \
         AND c.EXTRA LIKE '%auto!_increment%' ESCAPE '!' AND t.TABLE_NAME = ?",
    )
    .bind(table.as_str())
    .push_bind(" AND c.COLUMN_NAME = ?", column.as_str());
    match reads.rows(sql).await?.first() {
        Some(row) => Ok(Some(Counter { next: row.int_opt(0)?, odd: false, sequence: None })),
        None => Ok(None),
    }
}

/// The sequence that the column's default takes from, or that of an identity.
async fn sequence(reads: &mut dyn Reads, table: &Ident, column: &Ident) -> Result<Option<Sequence>, DbError> {
    let sql = Sql::new(
        "SELECT n.nspname, c.relname, s.seqincrement, s.seqmax FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.seqrelid = (SELECT COALESCE( \
         to_regclass(substring(pg_get_expr(d.adbin, d.adrelid) FROM 'nextval[(]''([^'']+)''')), \
         to_regclass(pg_get_serial_sequence(format('%I.%I', pn.nspname, p.relname), a.attname))) \
         FROM pg_attribute a JOIN pg_class p ON p.oid = a.attrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE pn.nspname = current_schema() AND p.relkind IN ('r', 'p') AND p.relname = ?",
    )
    .bind(table.as_str())
    .push_bind(" AND a.attname = ?)", column.as_str());
    let rows = reads.rows(sql).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Sequence {
        schema: Ident::new(&row.text(0)?)?,
        name: Ident::new(&row.text(1)?)?,
        step: row.int(2)?,
        last: row.int(3)?,
    }))
}

async fn postgres(reads: &mut dyn Reads, sequence: Sequence) -> Result<Counter, DbError> {
    let sql = Sql::new("SELECT last_value, is_called FROM ")
        .ident(&sequence.schema)
        .push(".")
        .ident(&sequence.name);
    let rows = reads.rows(sql).await?;
    let row = rows.first().ok_or_else(|| DbError::bug("a sequence gave no row"))?;
    let next = row.int(0)?.checked_add(if row.bool(1)? { sequence.step } else { 0 });
    let next = next.filter(|next| *next <= sequence.last);
    Ok(Counter { next, odd: false, sequence: Some(sequence) })
}
