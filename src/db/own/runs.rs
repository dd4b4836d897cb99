//! Runs: plans under one id. And the lock that lets one repair go on at a time: its owner is a run, whose heartbeat says
//! whether it still does.

use chrono::{DateTime, Utc};

use crate::db::{Db, DbError, DbErrorKind, Reads, Row, Sql, Tx};

/// The lock row that a repair holds as long as it goes on.
const REPAIR_LOCK: &str = "repair";

/// A run as it begins.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// Its id (UUID version 7).
    pub id: &'a str,
    /// What it does, in words.
    pub title: &'a str,
    /// What kind of work it is: `edit`, `repair`, `undo`.
    pub kind: &'a str,
    /// How much it will do, where that is known: plans, or decisions of a repair.
    pub planned: Option<i64>,
    /// Who runs it: as in [`super::Change`].
    pub actor_id: Option<i64>,
    /// As in [`super::Change`].
    pub actor: Option<&'a str>,
    /// As in [`super::Change`].
    pub unix_user: &'a str,
    /// As in [`super::Change`].
    pub ssh_from: Option<&'a str>,
    /// As in [`super::Change`].
    pub sitting: &'a str,
    /// Which process, see [`crate::change::Owner`].
    pub owner: &'a str,
    /// What it takes to go on with it when it was stopped; nothing when that can't be done.
    pub resume_from: Option<&'a str>,
}

/// A run as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// What it does, in words.
    pub title: String,
    /// What kind of work it is.
    pub kind: String,
    /// `running`, `stopped`, `done`, or `ended` by somebody who doesn't want to be asked about it any more.
    pub state: String,
    /// How much it will do, where that is known.
    pub planned: Option<i64>,
    /// How much it has done.
    pub done: i64,
    /// How much was refused, once it has ended.
    pub refused: i64,
    /// The id of the portal account that began it.
    pub actor_id: Option<i64>,
    /// What that account was called.
    pub actor: Option<String>,
    /// The Unix user who began it.
    pub unix_user: String,
    /// The address that user came from.
    pub ssh_from: Option<String>,
    /// The sitting in which it runs, or ran last.
    pub sitting: String,
    /// The process that runs it, or ran it last.
    pub owner: String,
    /// What it takes to go on with it.
    pub resume_from: Option<String>,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it gave the last sign of life.
    pub heartbeat: DateTime<Utc>,
    /// When it ended.
    pub finished: Option<DateTime<Utc>>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct WantedRuns {
    /// Only this one.
    pub id: Option<String>,
    /// Only those that say that they run, or that were stopped.
    pub unfinished: bool,
    /// Only those that wrote something of which not everything was taken back.
    pub standing: bool,
    /// At most so many, the newest.
    pub limit: Option<i64>,
}

/// Writes the row of a run that begins.
///
/// # Errors
/// What the engine says.
pub async fn begin_run(tx: &mut Tx, run: &NewRun<'_>, now: DateTime<Utc>) -> Result<(), DbError> {
    let sql = Sql::new(
        "INSERT INTO portaldesk_run (id, title, kind, state, planned, done, failed, actor_id, actor, unix_user, \
         ssh_from, sitting, owner, resume_from, started, heartbeat) \
         VALUES (?, ?, ?, 'running', ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
    .bind(run.resume_from.map(str::to_owned))
    .bind(now)
    .bind(now);
    tx.execute(sql).await.map(drop)
}

/// Counts one more plan of a run as applied, in that plan's own transaction, and gives a sign of life. False when the run
/// is not this sitting's to go on with any more: somebody else took it for dead.
///
/// # Errors
/// What the engine says.
pub async fn count_plan(
    tx: &mut Tx,
    (run, sitting): (&str, &str),
    done: i64,
    planned: Option<i64>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let sql = Sql::new("UPDATE portaldesk_run SET done = done + ?, planned = ?, heartbeat = ?")
        .bind(done)
        .bind(planned)
        .bind(now)
        .push_bind(" WHERE id = ?", run)
        .push_bind(" AND sitting = ? AND state = 'running'", sitting);
    Ok(tx.execute(sql).await? == 1)
}

/// Gives a sign of life of a run that plans for long. False as for [`count_plan`].
///
/// # Errors
/// What the engine says.
pub async fn beat(tx: &mut Tx, run: &str, sitting: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let sql = Sql::new("UPDATE portaldesk_run SET heartbeat = ?")
        .bind(now)
        .push_bind(" WHERE id = ?", run)
        .push_bind(" AND sitting = ? AND state = 'running'", sitting);
    Ok(tx.execute(sql).await? == 1)
}

/// Writes how a run ended: `done` or `stopped`, and how much was refused. Only the sitting that runs it can.
///
/// # Errors
/// What the engine says.
pub async fn end_run(
    tx: &mut Tx,
    (run, sitting): (&str, &str),
    state: &str,
    refused: i64,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let sql = Sql::new("UPDATE portaldesk_run SET state = ?, failed = ?, finished = ?, heartbeat = ?")
        .bind(state)
        .bind(refused)
        .bind(now)
        .bind(now)
        .push_bind(" WHERE id = ?", run)
        .push_bind(" AND sitting = ? AND state = 'running'", sitting);
    tx.execute(sql).await.map(drop)
}

/// Marks a stopped run as one that nobody wants to be asked about.
///
/// # Errors
/// What the engine says.
pub async fn set_run_aside(tx: &mut Tx, run: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    let sql = Sql::new("UPDATE portaldesk_run SET state = 'ended', finished = ?").bind(now);
    tx.execute(sql.push_bind(" WHERE id = ?", run)).await.map(drop)
}

/// Goes on with a stopped run: from now on it is this sitting's and this process's.
///
/// # Errors
/// What the engine says.
pub async fn take_run(
    tx: &mut Tx,
    run: &str,
    sitting: &str,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let sql = Sql::new(
        "UPDATE portaldesk_run SET state = 'running', finished = NULL, sitting = ?, owner = ?, heartbeat = ?",
    )
    .bind(sitting)
    .bind(owner)
    .bind(now);
    tx.execute(sql.push_bind(" WHERE id = ?", run)).await.map(drop)
}

/// Forgets a run that wrote nothing.
///
/// # Errors
/// What the engine says.
pub async fn forget_run(tx: &mut Tx, run: &str, sitting: &str) -> Result<(), DbError> {
    let sql = Sql::new("DELETE FROM portaldesk_run WHERE id = ?").bind(run);
    let sql = sql.push_bind(" AND sitting = ?", sitting).push(
        " AND state = 'running' AND NOT EXISTS (SELECT 1 FROM portaldesk_change c WHERE c.run = portaldesk_run.id)",
    );
    tx.execute(sql).await.map(drop)
}

/// The runs wanted, the newest first.
///
/// # Errors
/// What the engine says.
pub async fn runs(reads: &mut dyn Reads, wanted: &WantedRuns) -> Result<Vec<Run>, DbError> {
    let mut sql = Sql::new(
        "SELECT r.id, r.title, r.kind, r.state, r.planned, r.done, r.failed, r.actor, r.unix_user, r.ssh_from, \
         r.sitting, r.owner, r.resume_from, r.actor_id, ",
    )
    .time("r.started")
    .push(", ")
    .time("r.heartbeat")
    .push(", ")
    .time("r.finished")
    .push(" FROM portaldesk_run r WHERE 1 = 1");
    if let Some(id) = &wanted.id {
        sql = sql.push_bind(" AND r.id = ?", id.as_str());
    }
    if wanted.unfinished {
        sql = sql.push(" AND r.state IN ('running', 'stopped')");
    }
    if wanted.standing {
        sql = sql.push(
            " AND EXISTS (SELECT 1 FROM portaldesk_change c WHERE c.run = r.id AND NOT EXISTS (\
             SELECT 1 FROM portaldesk_change u WHERE u.undo_of = c.operation AND NOT EXISTS (\
             SELECT 1 FROM portaldesk_change v WHERE v.undo_of = u.operation)))",
        );
    }
    sql = sql.push(" ORDER BY r.started DESC, r.id DESC");
    if let Some(limit) = wanted.limit {
        sql = sql.push_bind(" LIMIT ?", limit);
    }
    reads.rows(sql).await?.iter().map(run).collect()
}

fn run(row: &Row) -> Result<Run, DbError> {
    Ok(Run {
        id: row.text(0)?,
        title: row.text(1)?,
        kind: row.text(2)?,
        state: row.text(3)?,
        planned: row.int_opt(4)?,
        done: row.int(5)?,
        refused: row.int(6)?,
        actor: row.text_opt(7)?,
        unix_user: row.text(8)?,
        ssh_from: row.text_opt(9)?,
        sitting: row.text(10)?,
        owner: row.text(11)?,
        resume_from: row.text_opt(12)?,
        actor_id: row.int_opt(13)?,
        started: row.time(14)?.unwrap_or_default(),
        heartbeat: row.time(15)?.unwrap_or_default(),
        finished: row.time(16)?,
    })
}

/// The highest number of a plan that a run has applied.
///
/// # Errors
/// What the engine says.
pub async fn last_of_run(tx: &mut Tx, run: &str) -> Result<i64, DbError> {
    let sql = Sql::new("SELECT COALESCE(MAX(run_seq), 0) FROM portaldesk_change WHERE run = ?").bind(run);
    tx.one(sql).await?.int(0)
}

/// The run that holds the lock of repairs, as far as it is known.
///
/// # Errors
/// What the engine says.
pub async fn repairing(reads: &mut dyn Reads) -> Result<Option<Run>, DbError> {
    let sql = Sql::new("SELECT owner FROM portaldesk_lock WHERE name = ?").bind(REPAIR_LOCK);
    let holder = match reads.rows(sql).await?.first() {
        Some(row) => row.text_opt(0)?,
        None => None,
    };
    let Some(id) = holder else { return Ok(None) };
    Ok(runs(reads, &WantedRuns { id: Some(id), ..WantedRuns::default() }).await?.pop())
}

/// Makes whoever wants to begin, go on with or end a repair wait until this transaction is over; two Galera nodes collide.
///
/// # Errors
/// What the engine says.
pub async fn lock_repairs(tx: &mut Tx) -> Result<(), DbError> {
    super::lock(tx, REPAIR_LOCK).await
}

/// Gives the lock of repairs to a run. Call [`lock_repairs`] and look who has it before.
///
/// # Errors
/// What the engine says.
pub async fn hold_repairs(tx: &mut Tx, run: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    let sql = Sql::new("UPDATE portaldesk_lock SET owner = ?, heartbeat = ?").bind(run).bind(now);
    match tx.execute(sql.push_bind(" WHERE name = ?", REPAIR_LOCK)).await? {
        1 => Ok(()),
        _ => Err(DbError::new(DbErrorKind::Schema, "portaldesk_lock has no row 'repair'")),
    }
}

/// Gives the lock of repairs back, if this run has it.
///
/// # Errors
/// What the engine says.
pub async fn release_repairs(tx: &mut Tx, run: &str) -> Result<(), DbError> {
    let sql = Sql::new("UPDATE portaldesk_lock SET owner = NULL, heartbeat = NULL WHERE name = ?");
    tx.execute(sql.bind(REPAIR_LOCK).push_bind(" AND owner = ?", run)).await.map(drop)
}

/// One run, by its id.
///
/// # Errors
/// What the engine says.
pub async fn one_run(db: &Db, id: &str) -> Result<Option<Run>, DbError> {
    let wanted = WantedRuns { id: Some(id.to_owned()), ..WantedRuns::default() };
    Ok(runs(&mut db.clone(), &wanted).await?.pop())
}
