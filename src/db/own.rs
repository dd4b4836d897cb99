//! Our own tables (`portaldesk_*`): the journal, fences, locks, runs and sign-in counters. Nothing else writes them,
//! and nothing in here touches a table of the portal's.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Cell, Db, DbError, DbErrorKind, Failure, Row, Sql, Tx, like_text, parse_time};

/// The lock row that serialises writes of `main_portal_id`, which must be unique but has no index to see to it.
pub const PORTAL_ID_LOCK: &str = "portal_id";

/// How many rows one INSERT of journal rows carries: nine values each, and SQLite takes 32,766.
const ROWS_AT_ONCE: usize = 200;

/// One applied plan, as `portaldesk_change` keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The operation id (UUID version 7), unique.
    pub operation: String,
    /// The run it belongs to.
    pub run: String,
    /// Its number within the run, from 1.
    pub run_seq: i64,
    /// When, by the database's clock.
    pub made: DateTime<Utc>,
    /// The portal account that did it, where there is one.
    pub actor_id: Option<i64>,
    /// That account's username then.
    pub actor: Option<String>,
    /// The Unix user at the keyboard.
    pub unix_user: String,
    /// The address that user came from over SSH.
    pub ssh_from: Option<String>,
    /// Which start of the program it was.
    pub sitting: String,
    /// What was done, in words.
    pub title: String,
    /// The ticket it was done for.
    pub ticket: Option<String>,
    /// The operation that it takes back.
    pub undo_of: Option<String>,
    /// How many rows of portal tables it wrote.
    pub row_count: i64,
    /// The hash of the sitting's previous change, or empty.
    pub previous_hash: String,
    /// The hash over the previous one, this header and the digests of the rows.
    pub hash: String,
}

/// One row of a change, as `portaldesk_change_row` keeps it. Images are JSON objects of column to [`Cell`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number within the change, from 1.
    pub seq: i64,
    /// `insert`, `update` or `delete`.
    pub kind: String,
    /// The table.
    pub table_name: String,
    /// The key as JSON.
    pub row_key: String,
    /// The portal user whom the row concerns.
    pub user_id: Option<i64>,
    /// The row before, unless it was inserted.
    pub before_image: Option<String>,
    /// The row after, unless it was deleted.
    pub after_image: Option<String>,
    /// SHA-256 over all of these, in hexadecimal.
    pub digest: String,
}

/// A change as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChange {
    /// The change.
    pub change: Change,
    /// Its id: later changes have higher ones.
    pub id: i64,
    /// The newest operation that took it back and was not taken back itself.
    pub undone_by: Option<String>,
}

/// Which changes to list.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those that wrote rows of this portal user.
    pub about_user: Option<i64>,
    /// Only those by this portal account or Unix user; `unix:NAME` is a Unix user who acted without an account.
    pub by: Option<String>,
    /// Only those made at or after this moment.
    pub since: Option<DateTime<Utc>>,
    /// Only this operation, or the operations of this run.
    pub id: Option<String>,
    /// Only this sitting.
    pub sitting: Option<String>,
    /// At most so many, the newest.
    pub limit: Option<i64>,
}

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

/// The hash at the end of a sitting's chain, or the empty string.
///
/// # Errors
/// What the engine says.
pub async fn last_hash(tx: &mut Tx, sitting: &str) -> Result<String, DbError> {
    let sql = Sql::new("SELECT hash FROM portaldesk_change WHERE sitting = ? ORDER BY id DESC LIMIT 1")
        .bind(sitting);
    tx.optional(sql).await?.map_or(Ok(String::new()), |row| row.text(0))
}

/// Writes a change and its rows.
///
/// # Errors
/// What the engine says.
pub async fn record(tx: &mut Tx, change: &Change, rows: &[ChangeRow]) -> Result<(), DbError> {
    let sql = Sql::new(
        "INSERT INTO portaldesk_change (operation, run, run_seq, made, actor_id, actor, unix_user, ssh_from, sitting, \
         title, ticket, undo_of, row_count, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(change.operation.as_str())
    .bind(change.run.as_str())
    .bind(change.run_seq)
    .bind(change.made)
    .bind(change.actor_id)
    .bind(change.actor.clone())
    .bind(change.unix_user.as_str())
    .bind(change.ssh_from.clone())
    .bind(change.sitting.as_str())
    .bind(change.title.as_str())
    .bind(change.ticket.clone())
    .bind(change.undo_of.clone())
    .bind(change.row_count)
    .bind(change.previous_hash.as_str())
    .bind(change.hash.as_str());
    let id = match tx.insert(sql).await {
        // Another task of this sitting wrote meanwhile: the chain goes on from there.
        Err(error) if error.kind == DbErrorKind::Unique && on_chain(&error) => {
            return Err(DbError { kind: DbErrorKind::Retry, ..error });
        }
        result => result?,
    };
    for part in rows.chunks(ROWS_AT_ONCE) {
        tx.execute(insert_rows(id, part)).await?;
    }
    Ok(())
}

/// The constraint by its name, or on SQLite by its columns.
fn on_chain(error: &DbError) -> bool {
    let name = error.constraint.as_deref().unwrap_or_default();
    name.contains("portaldesk_change_chain") || name.contains("previous_hash")
}

fn insert_rows(change: i64, rows: &[ChangeRow]) -> Sql {
    let mut sql = Sql::new(
        "INSERT INTO portaldesk_change_row (change_id, seq, kind, table_name, row_key, user_id, before_image, \
         after_image, digest) VALUES ",
    );
    for (index, row) in rows.iter().enumerate() {
        sql = sql
            .push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?, ?)" })
            .bind(change)
            .bind(row.seq)
            .bind(row.kind.as_str())
            .bind(row.table_name.as_str())
            .bind(row.row_key.as_str())
            .bind(row.user_id)
            .bind(row.before_image.clone())
            .bind(row.after_image.clone())
            .bind(row.digest.as_str());
    }
    sql
}

/// The changes wanted, newest first.
///
/// # Errors
/// What the engine says.
pub async fn changes(db: &Db, wanted: &Wanted) -> Result<Vec<ListedChange>, DbError> {
    let mut sql = Sql::new(
        "SELECT c.id, c.operation, c.run, c.run_seq, c.actor_id, c.actor, c.unix_user, c.ssh_from, c.sitting, \
         c.title, c.ticket, c.undo_of, c.row_count, c.previous_hash, c.hash, \
         (SELECT MAX(u.operation) FROM portaldesk_change u WHERE u.undo_of = c.operation \
         AND NOT EXISTS (SELECT 1 FROM portaldesk_change v WHERE v.undo_of = u.operation)), ",
    )
    .time("c.made")
    .push(" FROM portaldesk_change c WHERE 1 = 1");
    if let Some(user) = wanted.about_user {
        sql = sql.push_bind(
            " AND c.id IN (SELECT r.change_id FROM portaldesk_change_row r WHERE r.user_id = ?)",
            user,
        );
    }
    if let Some(unix) = wanted.by.as_deref().and_then(|by| by.strip_prefix("unix:")) {
        sql = sql.push_bind(" AND c.actor IS NULL AND c.unix_user = ?", unix);
    } else if let Some(by) = &wanted.by {
        sql = sql.push_bind(" AND (c.actor = ?", by.as_str()).push_bind(" OR c.unix_user = ?)", by.as_str());
    }
    if let Some(since) = wanted.since {
        sql = sql.push_bind(" AND c.made >= ?", since);
    }
    if let Some(id) = &wanted.id {
        sql = sql.push_bind(" AND (c.operation = ?", id.as_str()).push_bind(" OR c.run = ?)", id.as_str());
    }
    if let Some(sitting) = &wanted.sitting {
        sql = sql.push_bind(" AND c.sitting = ?", sitting.as_str());
    }
    sql = sql.push(" ORDER BY c.id DESC");
    if let Some(limit) = wanted.limit {
        sql = sql.push_bind(" LIMIT ?", limit);
    }
    db.all(sql).await?.iter().map(listed).collect()
}

fn listed(row: &Row) -> Result<ListedChange, DbError> {
    Ok(ListedChange {
        id: row.int(0)?,
        undone_by: row.text_opt(15)?,
        change: Change {
            operation: row.text(1)?,
            run: row.text(2)?,
            run_seq: row.int(3)?,
            actor_id: row.int_opt(4)?,
            actor: row.text_opt(5)?,
            unix_user: row.text(6)?,
            ssh_from: row.text_opt(7)?,
            sitting: row.text(8)?,
            title: row.text(9)?,
            ticket: row.text_opt(10)?,
            undo_of: row.text_opt(11)?,
            row_count: row.int(12)?,
            previous_hash: row.text(13)?,
            hash: row.text(14)?,
            made: row.time(16)?.unwrap_or_default(),
        },
    })
}

/// The user whom the journal last knew by this name.
///
/// # Errors
/// What the engine says.
pub async fn user_once_called(db: &Db, username: &str) -> Result<Option<i64>, DbError> {
    // As the name stands in an image.
    let pattern = format!("%{}%", like_text(&format!("\"username\":{}", json!(username))));
    let like = db.dialect().like();
    let sql = Sql::new(
        "SELECT user_id FROM portaldesk_change_row WHERE table_name = 'auth_user' AND (before_image",
    )
    .push_bind(like, pattern.as_str())
    .push(" OR after_image")
    .push_bind(like, pattern)
    .push(") ORDER BY id DESC LIMIT 1");
    match db.optional(sql).await? {
        Some(row) => row.int_opt(0),
        None => Ok(None),
    }
}

/// The rows of a change, in the order in which they were written.
///
/// # Errors
/// What the engine says.
pub async fn change_rows(db: &Db, change: i64) -> Result<Vec<ChangeRow>, DbError> {
    let sql = Sql::new(
        "SELECT seq, kind, table_name, row_key, user_id, before_image, after_image, digest \
         FROM portaldesk_change_row WHERE change_id = ? ORDER BY seq",
    )
    .bind(change);
    db.all(sql)
        .await?
        .iter()
        .map(|row| {
            Ok(ChangeRow {
                seq: row.int(0)?,
                kind: row.text(1)?,
                table_name: row.text(2)?,
                row_key: row.text(3)?,
                user_id: row.int_opt(4)?,
                before_image: row.text_opt(5)?,
                after_image: row.text_opt(6)?,
                digest: row.text(7)?,
            })
        })
        .collect()
}

/// The operations that were applied, as their marks say, and are not in the journal: someone took them out.
///
/// # Errors
/// What the engine says.
pub async fn applied_without_change(db: &Db) -> Result<Vec<String>, DbError> {
    let sql = Sql::new(
        "SELECT f.operation FROM portaldesk_fence f WHERE f.outcome = 'applied' AND NOT EXISTS \
         (SELECT 1 FROM portaldesk_change c WHERE c.operation = f.operation) ORDER BY f.made",
    );
    db.all(sql).await?.iter().map(|row| row.text(0)).collect()
}

/// The id of the newest change; 0 when there is none.
///
/// # Errors
/// What the engine says.
pub async fn newest_change(db: &Db) -> Result<i64, DbError> {
    db.one(Sql::new("SELECT COALESCE(MAX(id), 0) FROM portaldesk_change")).await?.int(0)
}

/// The portal users whose rows were written after the change with this id.
///
/// # Errors
/// What the engine says.
pub async fn users_changed_since(db: &Db, change: i64) -> Result<Vec<i64>, DbError> {
    let sql = Sql::new(
        "SELECT DISTINCT user_id FROM portaldesk_change_row WHERE user_id IS NOT NULL AND change_id > ?",
    );
    db.all(sql.bind(change)).await?.iter().map(|row| row.int(0)).collect()
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

/// An image without its password hash: hashes are kept to undo, never exported.
fn masked(image: Option<&str>) -> serde_json::Value {
    let mut json: serde_json::Value =
        image.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some(password) = json.get_mut("password") {
        *password = json!("********");
    }
    json
}

/// A change with its rows as one line of JSON, without password hashes.
#[must_use]
pub fn export_line(change: &Change, rows: &[ChangeRow]) -> String {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!({
                "seq": row.seq, "kind": row.kind, "table": row.table_name, "key": row.row_key, "user_id": row.user_id,
                "before": masked(row.before_image.as_deref()), "after": masked(row.after_image.as_deref()),
                "digest": row.digest,
            })
        })
        .collect();
    json!({
        "operation": change.operation, "run": change.run, "run_seq": change.run_seq,
        "made": change.made.to_rfc3339(), "actor_id": change.actor_id, "actor": change.actor,
        "unix_user": change.unix_user, "ssh_from": change.ssh_from, "sitting": change.sitting,
        "title": change.title, "ticket": change.ticket, "undo_of": change.undo_of,
        "previous_hash": change.previous_hash, "hash": change.hash, "rows": rows,
    })
    .to_string()
}
