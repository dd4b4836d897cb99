//! Wrong tries to sign in, counted by account and Unix user in `portaldesk_sign_in`.

use chrono::{DateTime, TimeDelta, Utc};

use super::now;
use crate::db::{Db, DbError, DbErrorKind, Failure, Row, Sql, Tx};

/// Whether a try to sign in may go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// It may, and is counted as a failure already: [`forget_tries`] takes that back.
    Counted,
    /// It may not: wait so long. It is not counted.
    Blocked(TimeDelta),
}

/// The wrong tries of a Unix user to sign in to an account, since the last right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongTries {
    /// The account, as the tries were counted for it.
    pub account: String,
    /// The Unix user.
    pub login_user: String,
    /// How many.
    pub failures: i64,
    /// When the last one was, by the database's clock.
    pub last_failure: DateTime<Utc>,
    /// Until when no other is taken; none where that time has passed.
    pub blocked_until: Option<DateTime<Utc>>,
}

const OF: &str = " WHERE account = ? AND login_user = ?";

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
    let wanted = delay(row.int(0)?);
    let left = row.time(1)?.map_or(TimeDelta::zero(), |until| until - now);
    let block = match wanted {
        Some(delay) if counted > 0 => Some(delay),
        // The clock was put back: nobody waits longer than they were told.
        _ if counted == 0 && left > wanted.unwrap_or_default() => Some(wanted.unwrap_or_default()),
        _ => None,
    };
    if let Some(delay) = block {
        let block = Sql::new("UPDATE portaldesk_sign_in SET blocked_until = ?").bind(now + delay);
        tx.execute(block.push(OF).bind(account).bind(login_user)).await?;
    }
    Ok(if counted > 0 { Try::Counted } else { Try::Blocked(block.unwrap_or(left)) })
}

/// Forgets the failures of an account and a Unix user: the right password was given.
///
/// # Errors
/// What the engine says.
pub async fn forget_tries(db: &Db, account: &str, login_user: &str) -> Result<(), Failure> {
    let delete = Sql::new("DELETE FROM portaldesk_sign_in").push(OF).bind(account).bind(login_user);
    db.transaction(move |tx| {
        let delete = delete.clone();
        Box::pin(async move { Ok(tx.execute(delete).await.map(drop)?) })
    })
    .await
}

/// The wrong tries that are counted now, of one account or of all, by account and Unix user.
///
/// # Errors
/// What the engine says.
pub async fn wrong_tries(db: &Db, account: Option<&str>) -> Result<Vec<WrongTries>, DbError> {
    let mut sql = Sql::new("SELECT account, login_user, failures, ")
        .time("last_failure")
        .push(", ")
        .time("blocked_until")
        .push(" FROM portaldesk_sign_in");
    if let Some(account) = account {
        sql = sql.push_bind(" WHERE account = ?", account);
    }
    let rows = db.all(sql.push(" ORDER BY account, login_user")).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let now = now(&mut db.clone()).await?;
    rows.iter().map(|row| wrong(row, now)).collect()
}

fn wrong(row: &Row, now: DateTime<Utc>) -> Result<WrongTries, DbError> {
    Ok(WrongTries {
        account: row.text(0)?,
        login_user: row.text(1)?,
        failures: row.int(2)?,
        last_failure: row.time(3)?.unwrap_or(now),
        blocked_until: row.time(4)?.filter(|until| *until > now),
    })
}

/// Forgets every Unix user's failures of an account; how many counts there were.
///
/// # Errors
/// What the engine says.
pub async fn clear_tries(tx: &mut Tx, account: &str) -> Result<u64, DbError> {
    tx.execute(Sql::new("DELETE FROM portaldesk_sign_in WHERE account = ?").bind(account)).await
}
