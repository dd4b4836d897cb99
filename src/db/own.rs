//! Our own tables (`portaldesk_*`): the journal, fences, locks, runs and sign-in counters. Nothing else writes them,
//! and nothing in here touches a table of the portal's.

mod journal;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Cell, Db, DbError, DbErrorKind, Failure, Sql, Tx, parse_time};

pub use journal::*;

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

/// A run as it begins.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// Its id (UUID version 7).
    pub id: &'a str,
    /// What it does, in words.
    pub title: &'a str,
    /// What kind of work it is: `edit`, `repair`, `undo`.
    pub kind: &'a str,
    /// How many plans it will apply, where that is known.
    pub planned: Option<i64>,
    /// Who runs it: as in [`Change`].
    pub actor_id: Option<i64>,
    /// As in [`Change`].
    pub actor: Option<&'a str>,
    /// As in [`Change`].
    pub unix_user: &'a str,
    /// As in [`Change`].
    pub ssh_from: Option<&'a str>,
    /// As in [`Change`].
    pub sitting: &'a str,
    /// Which process: Unix user and process id.
    pub owner: &'a str,
}

/// Writes the row of a run that begins.
///
/// # Errors
/// What the engine says.
pub async fn begin_run(tx: &mut Tx, run: &NewRun<'_>, now: DateTime<Utc>) -> Result<(), DbError> {
    let sql = Sql::new(
        "INSERT INTO portaldesk_run (id, title, kind, state, planned, done, failed, actor_id, actor, unix_user, \
         ssh_from, sitting, owner, started, heartbeat) VALUES (?, ?, ?, 'running', ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(run.id)
    .bind(run.title)
    .bind(run.kind)
    .bind(run.planned)
    .bind(run.actor_id)
    .bind(run.actor.map(str::to_owned))
    .bind(run.unix_user)
    .bind(run.ssh_from.map(str::to_owned))
    .bind(run.sitting)
    .bind(run.owner)
    .bind(now)
    .bind(now);
    tx.execute(sql).await.map(drop)
}

/// Counts one more plan of a run as applied, in that plan's own transaction.
///
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

/// # Errors
/// What the engine says.
pub async fn count_plan(tx: &mut Tx, run: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    let sql =
        Sql::new("UPDATE portaldesk_run SET done = done + 1, heartbeat = ? WHERE id = ?").bind(now).bind(run);
    tx.execute(sql).await.map(drop)
}

/// Writes how a run ended: `done` or `stopped`, and how many plans were refused.
///
/// # Errors
/// What the engine says.
pub async fn end_run(
    tx: &mut Tx,
    run: &str,
    state: &str,
    failed: i64,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let sql =
        Sql::new("UPDATE portaldesk_run SET state = ?, failed = ?, finished = ?, heartbeat = ? WHERE id = ?")
            .bind(state)
            .bind(failed)
            .bind(now)
            .bind(now)
            .bind(run);
    tx.execute(sql).await.map(drop)
}

/// Whether a try to sign in may go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// It may, and is counted as a failure already: [`forget_tries`] takes that back.
    Counted,
    /// It may not: wait so long. It is not counted.
    Blocked(TimeDelta),
}

/// Counts a try of an account by a Unix user before the password is looked at, so that of many at once only the free
/// ones get through. `delay` says how long the next try has to wait after so many failures.
///
/// # Errors
/// What the engine says.
pub async fn count_try(
    db: &Db,
    account: &str,
    login_user: &str,
    delay: fn(i64) -> Option<TimeDelta>,
) -> Result<Try, Failure> {
    let (account, login_user) = (account.to_owned(), login_user.to_owned());
    db.transaction(move |tx| {
        let (account, login_user) = (account.clone(), login_user.clone());
        Box::pin(async move { Ok(count_in(tx, &account, &login_user, delay).await?) })
    })
    .await
}

async fn count_in(
    tx: &mut Tx,
    account: &str,
    login_user: &str,
    delay: fn(i64) -> Option<TimeDelta>,
) -> Result<Try, DbError> {
    const OF: &str = " WHERE account = ? AND login_user = ?";
    let now = now(tx).await?;
    // The row stays locked until the transaction ends; one that waited for it sees the block that the other one set.
    let count = Sql::new("UPDATE portaldesk_sign_in SET failures = failures + 1, last_failure = ?").bind(now);
    let count = count.push(OF).bind(account).bind(login_user);
    let counted =
        tx.execute(count.push_bind(" AND (blocked_until IS NULL OR blocked_until <= ?)", now)).await?;
    let found = Sql::new("SELECT failures, ").time("blocked_until").push(" FROM portaldesk_sign_in");
    let found = tx.optional(found.push(OF).bind(account).bind(login_user)).await?;
    let Some(row) = found else {
        let insert = Sql::new(
            "INSERT INTO portaldesk_sign_in (account, login_user, failures, last_failure, blocked_until) \
             VALUES (?, ?, 1, ?, ?)",
        );
        let insert = insert.bind(account).bind(login_user).bind(now).bind(delay(1).map(|delay| now + delay));
        return match tx.execute(insert).await {
            // Someone else was first; counting again finds their row.
            Err(error) if error.kind == DbErrorKind::Unique => {
                Err(DbError { kind: DbErrorKind::Retry, ..error })
            }
            result => result.map(|_| Try::Counted),
        };
    };
    if counted == 0 {
        return Ok(Try::Blocked(row.time(1)?.map_or(TimeDelta::zero(), |until| until - now)));
    }
    if let Some(delay) = delay(row.int(0)?) {
        let block = Sql::new("UPDATE portaldesk_sign_in SET blocked_until = ?").bind(now + delay);
        tx.execute(block.push(OF).bind(account).bind(login_user)).await?;
    }
    Ok(Try::Counted)
}

/// Forgets the failures of an account and a Unix user: the right password was given.
///
/// # Errors
/// What the engine says.
pub async fn forget_tries(db: &Db, account: &str, login_user: &str) -> Result<(), Failure> {
    let delete = Sql::new("DELETE FROM portaldesk_sign_in WHERE account = ? AND login_user = ?");
    let delete = delete.bind(account).bind(login_user);
    db.transaction(move |tx| {
        let delete = delete.clone();
        Box::pin(async move { Ok(tx.execute(delete).await.map(drop)?) })
    })
    .await
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
