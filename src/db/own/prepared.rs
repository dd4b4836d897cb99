//! What is about to be done and can't be rolled back: noted before, so that whoever finds the note can tell what became
//! of it. A note is a row of `portaldesk_run` in the state `prepared`, with the operation's id; it goes when the journal
//! has the operation.

use chrono::{DateTime, Utc};

use crate::db::{Db, DbError, Sql, Tx};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The operation.
    pub operation: String,
    /// What it does, in words.
    pub title: String,
    /// All that it takes to write the journal, as JSON.
    pub deed: String,
}

/// Leaves a note.
///
/// # Errors
/// What the engine says.
pub async fn prepare(
    tx: &mut Tx,
    note: &Prepared,
    (unix_user, sitting, owner): (&str, &str, &str),
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let sql = Sql::new(
        "INSERT INTO portaldesk_run (id, title, kind, state, planned, done, failed, unix_user, sitting, owner, \
         resume_from, started, heartbeat) VALUES (?, ?, 'ddl', 'prepared', 1, 0, 0, ?, ?, ?, ?, ?, ?)",
    )
    .bind(note.operation.as_str())
    .bind(note.title.as_str())
    .bind(unix_user)
    .bind(sitting)
    .bind(owner)
    .bind(note.deed.as_str())
    .bind(now)
    .bind(now);
    tx.execute(sql).await.map(drop)
}

/// The notes that are there, the oldest first.
///
/// # Errors
/// What the engine says.
pub async fn prepared(db: &Db) -> Result<Vec<Prepared>, DbError> {
    let sql = Sql::new(
        "SELECT id, title, resume_from FROM portaldesk_run WHERE state = 'prepared' ORDER BY started",
    );
    let note = |row: &crate::db::Row| {
        Ok(Prepared { operation: row.text(0)?, title: row.text(1)?, deed: row.text(2)? })
    };
    db.all(sql).await?.iter().map(note).collect()
}

/// Takes a note away.
///
/// # Errors
/// What the engine says.
pub async fn forget_prepared(tx: &mut Tx, operation: &str) -> Result<(), DbError> {
    let sql = Sql::new("DELETE FROM portaldesk_run WHERE state = 'prepared' AND id = ?").bind(operation);
    tx.execute(sql).await.map(drop)
}
