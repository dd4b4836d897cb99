//! Indexes and constraints by their names, as the catalogue has them now: whether a statement that makes or drops one
//! has anything left to do.

use super::{DbError, Dialect, Ident, Reads, Sql};

/// Whether the table has an index of this name; a unique constraint has one too.
///
/// # Errors
/// What the engine says.
pub async fn has_index(reads: &mut dyn Reads, table: &Ident, name: &str) -> Result<bool, DbError> {
    let sql = match reads.sql_dialect() {
        Dialect::Sqlite => "SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name = ?",
        Dialect::MySql => {
            "SELECT 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
             AND INDEX_NAME = ?"
        }
        Dialect::Postgres => {
            "SELECT 1 FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relname = ? AND x.relname = ?"
        }
    };
    Ok(!reads.rows(Sql::new(sql).bind(table.as_str()).bind(name)).await?.is_empty())
}

/// Whether the table has a foreign key of this name, and on PostgreSQL whether its rows were looked at when it was made.
///
/// # Errors
/// What the engine says.
pub async fn foreign_key(reads: &mut dyn Reads, table: &Ident, name: &str) -> Result<Option<bool>, DbError> {
    let sql = match reads.sql_dialect() {
        // It knows none by name.
        Dialect::Sqlite => return Ok(None),
        Dialect::MySql => {
            "SELECT 1 FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() \
             AND CONSTRAINT_TYPE = 'FOREIGN KEY' AND TABLE_NAME = ? AND CONSTRAINT_NAME = ?"
        }
        Dialect::Postgres => {
            "SELECT k.convalidated FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE k.contype = 'f' AND n.nspname = current_schema() AND c.relname = ? AND k.conname = ?"
        }
    };
    let rows = reads.rows(Sql::new(sql).bind(table.as_str()).bind(name)).await?;
    rows.first().map(|row| row.bool(0)).transpose()
}
