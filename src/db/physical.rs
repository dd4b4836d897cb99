//! What a catalogue says beyond [`super::schema`]: names and state of indexes and foreign keys, engines, collations,
//! triggers, damage. Only the checks need it, so it is read when they ask and not at every start.

use super::{Db, DbError, DbErrorKind, Dialect, Row, Sql};

/// An index by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its columns in order; up to the first expression.
    pub columns: Vec<String>,
    /// Whether it keeps whole rows unique by whole columns: not one that is partial, on an expression, on the beginning of
    /// a text, or left invalid by a failed attempt to make it.
    pub unique: bool,
    /// Whether it belongs to a constraint, so that only dropping that drops it (PostgreSQL).
    pub of_constraint: bool,
}

/// A foreign key by its name, of one column or of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table that refers.
    pub table: String,
    /// Its name; SQLite's have none.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub to_table: String,
    /// The columns there; empty where SQLite takes the primary key.
    pub to_columns: Vec<String>,
    /// Whether the engine has looked at every row (PostgreSQL: not `NOT VALID`).
    pub validated: bool,
    /// Whether the engine watches over it (PostgreSQL: its triggers are not disabled).
    pub enforced: bool,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// When it runs: `BEFORE UPDATE`; empty on SQLite.
    pub event: String,
}

/// How a text is stored and compared (MySQL).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// `utf8mb4`.
    pub charset: String,
    /// `utf8mb4_general_ci`.
    pub collation: String,
}

/// Table, index, unique on whole columns and rows, of a constraint, column (NULL: an expression), by index and place.
const SQLITE_INDEXES: &str = "\
    SELECT m.name, l.name, l.\"unique\" = 1 AND l.partial = 0, 0, i.name \
    FROM sqlite_master m JOIN pragma_index_list(m.name, 'main') l JOIN pragma_index_info(l.name, 'main') i \
    WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.name, l.name, i.seqno";
const MYSQL_INDEXES: &str = "\
    SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE = 0 AND SUB_PART IS NULL, 0, COLUMN_NAME \
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
    ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";
const POSTGRES_INDEXES: &str = "\
    SELECT c.relname, x.relname, i.indisunique AND i.indisvalid AND i.indpred IS NULL, k.oid IS NOT NULL, a.attname \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY u(attnum, place) \
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum \
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x') \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND u.place <= i.indnkeyatts \
    ORDER BY c.relname, x.relname, u.place";

/// Table, what tells one foreign key from another, its name, column, table referred to, its column, validated, enforced.
const SQLITE_REFERENCES: &str = "\
    SELECT m.name, CAST(f.id AS text), NULL, f.\"from\", f.\"table\", f.\"to\", 1, 1 \
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name, 'main') f \
    WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.name, f.id, f.seq";
const MYSQL_REFERENCES: &str = "\
    SELECT TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME, 1, 1 \
    FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE() \
    ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION";
const POSTGRES_REFERENCES: &str = "\
    SELECT c.relname, k.conname, k.conname, a.attname, d.relname, b.attname, k.convalidated, COALESCE(t.enabled, true) \
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class d ON d.oid = k.confrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY u(here, there, place) \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.here \
    JOIN pg_attribute b ON b.attrelid = d.oid AND b.attnum = u.there \
    LEFT JOIN (SELECT tgconstraint, bool_and(tgenabled IN ('O', 'A')) AS enabled FROM pg_trigger \
    WHERE tgconstraint <> 0 GROUP BY tgconstraint) t ON t.tgconstraint = k.oid \
    WHERE k.contype = 'f' AND n.nspname = current_schema() AND d.relnamespace = c.relnamespace \
    ORDER BY c.relname, k.conname, u.place";

const SQLITE_TRIGGERS: &str =
    "SELECT tbl_name, name, '' FROM sqlite_master WHERE type = 'trigger' ORDER BY tbl_name, name";
const MYSQL_TRIGGERS: &str = "\
    SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION) \
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY EVENT_OBJECT_TABLE, TRIGGER_NAME";
// The bits of tgtype: 2 before, 4 insert, 8 delete, 16 update, 32 truncate.
const POSTGRES_TRIGGERS: &str = "\
    SELECT c.relname, t.tgname, concat(CASE WHEN t.tgtype & 2 > 0 THEN 'BEFORE ' ELSE 'AFTER ' END, \
    concat_ws(' OR ', CASE WHEN t.tgtype & 4 > 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 16 > 0 THEN 'UPDATE' END, \
    CASE WHEN t.tgtype & 8 > 0 THEN 'DELETE' END, CASE WHEN t.tgtype & 32 > 0 THEN 'TRUNCATE' END)) \
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND NOT t.tgisinternal ORDER BY c.relname, t.tgname";

/// Every index but those on expressions alone.
///
/// # Errors
/// What the engine says.
pub async fn indexes(db: &Db) -> Result<Vec<Index>, DbError> {
    let sql = by_dialect(db, SQLITE_INDEXES, MYSQL_INDEXES, POSTGRES_INDEXES);
    let rows = db.all(sql).await?;
    rows.chunk_by(|a, b| a.text(0) == b.text(0) && a.text(1) == b.text(1)).map(index).collect()
}

fn index(rows: &[Row]) -> Result<Index, DbError> {
    let mut index = Index {
        table: rows[0].text(0)?,
        name: rows[0].text(1)?,
        columns: Vec::with_capacity(rows.len()),
        unique: true,
        of_constraint: rows[0].bool(3)?,
    };
    for row in rows {
        index.unique &= row.bool(2)?;
        let Some(column) = row.text_opt(4)? else {
            index.unique = false;
            break;
        };
        index.columns.push(column);
    }
    Ok(index)
}

/// Every foreign key between tables of this schema.
///
/// # Errors
/// What the engine says.
pub async fn references(db: &Db) -> Result<Vec<Reference>, DbError> {
    let sql = by_dialect(db, SQLITE_REFERENCES, MYSQL_REFERENCES, POSTGRES_REFERENCES);
    let rows = db.all(sql).await?;
    rows.chunk_by(|a, b| a.text(0) == b.text(0) && a.text(1) == b.text(1)).map(reference).collect()
}

fn reference(rows: &[Row]) -> Result<Reference, DbError> {
    let mut reference = Reference {
        table: rows[0].text(0)?,
        name: rows[0].text_opt(2)?,
        columns: Vec::with_capacity(rows.len()),
        to_table: rows[0].text(4)?,
        to_columns: Vec::with_capacity(rows.len()),
        validated: rows[0].bool(6)?,
        enforced: rows[0].bool(7)?,
    };
    for row in rows {
        reference.columns.push(row.text(3)?);
        reference.to_columns.extend(row.text_opt(5)?);
    }
    Ok(reference)
}

/// Whether the account may see triggers: MySQL shows none to others, and says nothing.
const MYSQL_MAY_SEE_TRIGGERS: &str = "\
    SELECT (SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'TRIGGER') \
    + (SELECT COUNT(*) FROM information_schema.SCHEMA_PRIVILEGES WHERE PRIVILEGE_TYPE = 'TRIGGER' \
    AND DATABASE() LIKE TABLE_SCHEMA) + (SELECT COUNT(*) FROM information_schema.TABLE_PRIVILEGES \
    WHERE PRIVILEGE_TYPE = 'TRIGGER' AND TABLE_SCHEMA = DATABASE())";

/// Every trigger that is no part of a foreign key.
///
/// # Errors
/// Denied, when the account may see none; what else the engine says.
pub async fn triggers(db: &Db) -> Result<Vec<Trigger>, DbError> {
    let sql = by_dialect(db, SQLITE_TRIGGERS, MYSQL_TRIGGERS, POSTGRES_TRIGGERS);
    let trigger = |row: &Row| Ok(Trigger { table: row.text(0)?, name: row.text(1)?, event: row.text(2)? });
    let found: Vec<Trigger> = db.all(sql).await?.iter().map(trigger).collect::<Result<_, DbError>>()?;
    let is_told = !found.is_empty() || db.dialect() != Dialect::MySql;
    if is_told || db.one(Sql::new(MYSQL_MAY_SEE_TRIGGERS)).await?.int(0)? > 0 {
        return Ok(found);
    }
    let why = "only an account with the right TRIGGER is shown what triggers there are";
    Err(DbError::new(DbErrorKind::Denied, why))
}

/// Every table with its storage engine (MySQL).
///
/// # Errors
/// What the engine says.
pub async fn engines(db: &Db) -> Result<Vec<(String, String)>, DbError> {
    let sql = "SELECT TABLE_NAME, COALESCE(ENGINE, '') FROM information_schema.TABLES \
               WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME";
    db.all(Sql::new(sql)).await?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// Every column of text with its character set and collation (MySQL).
///
/// # Errors
/// What the engine says.
pub async fn text_columns(db: &Db) -> Result<Vec<TextColumn>, DbError> {
    let sql = "SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS \
               WHERE TABLE_SCHEMA = DATABASE() AND COLLATION_NAME IS NOT NULL ORDER BY TABLE_NAME, ORDINAL_POSITION";
    let column = |row: &Row| {
        Ok(TextColumn {
            table: row.text(0)?,
            column: row.text(1)?,
            charset: row.text(2)?,
            collation: row.text(3)?,
        })
    };
    db.all(Sql::new(sql)).await?.iter().map(column).collect()
}

/// Whether new connections to this server watch over references (MySQL).
///
/// # Errors
/// What the engine says.
pub async fn checks_references(db: &Db) -> Result<bool, DbError> {
    db.one(Sql::new("SELECT @@GLOBAL.foreign_key_checks")).await?.bool(0)
}

fn by_dialect(db: &Db, sqlite: &'static str, mysql: &'static str, postgres: &'static str) -> Sql {
    Sql::new(match db.dialect() {
        Dialect::Sqlite => sqlite,
        Dialect::MySql => mysql,
        Dialect::Postgres => postgres,
    })
}
