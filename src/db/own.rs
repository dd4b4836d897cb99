//! Our own tables (`portaldesk_*`): the journal, fences, locks, runs, sign-in counters and the baseline. Nothing else writes them,
//! and nothing in here touches a table of the portal's.

mod baseline;
mod journal;
mod runs;
mod sign_in;

use chrono::{DateTime, Utc};

use super::{Cell, Db, DbError, DbErrorKind, Failure, Sql, Tx, parse_time};

pub use baseline::{BaselineRow, NewBaseline, accept, baseline, take_back};
pub use journal::*;
pub use runs::*;
pub use sign_in::{Try, WrongTries, clear_tries, count_try, forget_tries, wrong_tries};

/// The lock row that serialises writes of `main_portal_id`, which must be unique but has no index to see to it.
pub const PORTAL_ID_LOCK: &str = "portal_id";

/// Marks an operation as applied. The same id can't be marked twice: whoever comes second, the operation itself or
/// [`abandon`], gets a unique violation.
///
/// # Errors
/// What the engine says.
pub async fn claim(tx: &mut Tx, operation: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    fence(tx, operation, "applied", now).await
}

async fn fence(tx: &mut Tx, operation: &str, outcome: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    let sql = Sql::new("INSERT INTO portaldesk_fence (operation, outcome, made) VALUES (?, ?, ?)")
        .bind(operation)
        .bind(outcome)
        .bind(now);
    tx.execute(sql).await.map(drop)
}

/// What became of an operation whose COMMIT got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was committed.
    Committed,
    /// It was not, and never can be: its mark is taken.
    Abandoned,
}

/// Settles an operation whose COMMIT got no answer, by taking its mark on another connection. Where the old
/// transaction is still open on the server, the engine makes this wait for it.
///
/// # Errors
/// What the engine says, for example that it still can't be reached.
pub async fn abandon(db: &Db, operation: &str, now: DateTime<Utc>) -> Result<Fate, DbError> {
    let name = operation.to_owned();
    let taken = db
        .transaction(move |tx| {
            let name = name.clone();
            Box::pin(async move { Ok(fence(tx, &name, "abandoned", now).await?) })
        })
        .await;
    match taken {
        Ok(()) => Ok(Fate::Abandoned),
        Err(Failure::Db(error)) if error.kind == DbErrorKind::Unique => settled(db, operation).await,
        Err(Failure::Db(error)) => Err(error),
        Err(Failure::Refused(error)) => Err(DbError::new(DbErrorKind::Retry, error.message)),
    }
}

async fn settled(db: &Db, operation: &str) -> Result<Fate, DbError> {
    let row =
        db.one(Sql::new("SELECT outcome FROM portaldesk_fence WHERE operation = ?").bind(operation)).await?;
    Ok(if row.text(0)? == "applied" { Fate::Committed } else { Fate::Abandoned })
}

/// Takes a named lock for the rest of the transaction, by writing its row: that also makes two Galera nodes collide.
///
/// # Errors
/// What the engine says, or that the row is missing.
pub async fn lock(tx: &mut Tx, name: &str) -> Result<(), DbError> {
    let sql = Sql::new("UPDATE portaldesk_lock SET turn = turn + 1 WHERE name = ?").bind(name);
    match tx.execute(sql).await? {
        1 => Ok(()),
        _ => Err(DbError::new(DbErrorKind::Schema, format!("portaldesk_lock has no row '{name}'"))),
    }
}

/// Whether an operation is a repair, or takes back or brings back one: the first link of its chain of undos tells.
///
/// # Errors
/// What the engine says.
pub async fn goes_back_to_repair(tx: &mut Tx, operation: &str) -> Result<bool, DbError> {
    let mut operation = operation.to_owned();
    loop {
        let sql = Sql::new(
            "SELECT c.undo_of, r.kind FROM portaldesk_change c LEFT JOIN portaldesk_run r ON r.id = c.run \
             WHERE c.operation = ?",
        );
        let Some(row) = tx.optional(sql.bind(operation.as_str())).await? else { return Ok(false) };
        match row.text_opt(0)? {
            // A link leads to an older change, so this ends.
            Some(older) => operation = older,
            None => return Ok(row.text_opt(1)?.as_deref() == Some("repair")),
        }
    }
}

/// The database's clock.
///
/// # Errors
/// What the engine says.
pub async fn now(reads: &mut dyn super::Reads) -> Result<DateTime<Utc>, DbError> {
    let sql = Sql::new(reads.sql_dialect().now());
    let rows = reads.rows(sql).await?;
    let cell = rows.first().ok_or_else(|| DbError::bug("the clock gave no row"))?.cell(0)?;
    match &cell {
        Cell::Text(text) => parse_time(text),
        _ => None,
    }
    .ok_or_else(|| DbError::bug(format!("the database's clock can't be read: {}", cell.show())))
}

/// A setting of an account; of everyone when the account is empty.
///
/// # Errors
/// What the engine says.
pub async fn setting(db: &Db, account: &str, name: &str) -> Result<Option<String>, DbError> {
    let sql = Sql::new("SELECT value FROM portaldesk_setting WHERE account = ? AND name = ?")
        .bind(account)
        .bind(name);
    db.optional(sql).await?.map_or(Ok(None), |row| row.text_opt(0))
}

/// Sets or removes a setting.
///
/// # Errors
/// What the engine says.
pub async fn set_setting(db: &Db, account: &str, name: &str, value: Option<&str>) -> Result<(), Failure> {
    let (account, name, value) = (account.to_owned(), name.to_owned(), value.map(str::to_owned));
    db.transaction(move |tx| {
        let (account, name, value) = (account.clone(), name.clone(), value.clone());
        Box::pin(async move {
            let delete = Sql::new("DELETE FROM portaldesk_setting WHERE account = ? AND name = ?")
                .bind(account.as_str())
                .bind(name.as_str());
            tx.execute(delete).await?;
            if let Some(value) = value {
                let insert =
                    Sql::new("INSERT INTO portaldesk_setting (account, name, value) VALUES (?, ?, ?)");
                tx.execute(insert.bind(account).bind(name).bind(value)).await?;
            }
            Ok(())
        })
    })
    .await
}
