//! Transactions that write: explicit BEGIN, COMMIT and ROLLBACK, and the whole tried again when the engine asks for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::pool::{Db, Lease, Shared, owned};
use super::sql::Sql;
use super::value::Row;
use super::{DbError, DbErrorKind, Dialect};
use crate::error::{Error, Kind};

/// How often a transaction is tried in all.
const TRIES: u32 = 8;

/// Why a transaction was rolled back: the database failed, or the work itself decided so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The engine or the connection.
    Db(DbError),
    /// A refusal in words for a person. It is not retried.
    Refused(Error),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Db(error) => error.into(),
            Failure::Refused(error) => error,
        }
    }
}

/// A transaction under way. It sees its own writes; nobody else does before it commits.
pub struct Tx {
    lease: Lease,
    dialect: Dialect,
}

impl Tx {
    /// The engine's SQL.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn all(&mut self, sql: Sql) -> Result<Vec<Row>, DbError> {
        self.lease.all(&sql, None).await
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn optional(&mut self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.all(sql).await?.into_iter().next())
    }

    /// The first row.
    ///
    /// # Errors
    /// What the engine says, or that there is none.
    pub async fn one(&mut self, sql: Sql) -> Result<Row, DbError> {
        self.optional(sql).await?.ok_or_else(|| DbError::bug("a query that always gives a row gave none"))
    }

    /// Runs a statement; how many rows it changed (on MySQL: found).
    ///
    /// # Errors
    /// What the engine says.
    pub async fn execute(&mut self, sql: Sql) -> Result<u64, DbError> {
        Ok(self.lease.execute(&sql).await?.0)
    }

    /// Lets `look` see the database as this transaction does, its own writes and all, with the same queries as anybody. The
    /// [`Db`] that it gets is of no use afterwards, and begins no transaction.
    ///
    /// # Errors
    /// That the connection broke, or was closed because a query was stopped.
    pub async fn lend<T>(
        &mut self,
        look: impl FnOnce(Db) -> BoxFuture<'static, T> + Send,
    ) -> Result<T, DbError> {
        let db = self.lease.lend()?;
        let seen = look(db.clone()).await;
        self.lease.take_back(&db).await?;
        Ok(seen)
    }

    /// Runs an INSERT of one row into a table whose key is the column `id`; the id that the engine gave.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn insert(&mut self, sql: Sql) -> Result<i64, DbError> {
        if self.dialect == Dialect::Postgres {
            // Cast, because the driver refuses to read a 4-byte integer as 8 bytes.
            return self.one(sql.push(" RETURNING CAST(id AS bigint)")).await?.int(0);
        }
        Ok(self.lease.execute(&sql).await?.1)
    }
}

/// Whether the engine watches over references between tables during a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForeignKeys {
    /// As always.
    #[default]
    Enforced,
    /// Off for this transaction, to bring back a row whose parent is gone. PostgreSQL has no such switch for an
    /// ordinary account: there the constraint itself decides.
    Off,
}

/// Something that answers queries: the database, or a transaction that sees its own writes.
pub trait Reads: Send {
    /// All rows of a statement.
    fn rows(&mut self, sql: Sql) -> BoxFuture<'_, Result<Vec<Row>, DbError>>;
    /// The engine's SQL.
    fn sql_dialect(&self) -> Dialect;
}

impl Reads for Tx {
    fn rows(&mut self, sql: Sql) -> BoxFuture<'_, Result<Vec<Row>, DbError>> {
        Box::pin(self.all(sql))
    }

    fn sql_dialect(&self) -> Dialect {
        self.dialect
    }
}

impl Reads for Db {
    fn rows(&mut self, sql: Sql) -> BoxFuture<'_, Result<Vec<Row>, DbError>> {
        Box::pin(self.all(sql))
    }

    fn sql_dialect(&self) -> Dialect {
        self.dialect()
    }
}

#[derive(Clone, Copy)]
struct Manner {
    keys: ForeignKeys,
    commit: bool,
}

/// The work of a transaction: a closure that can be called again when the transaction has to be retried.
type Work<T> = Arc<dyn for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync>;

impl Db {
    /// Runs `work` in one transaction and commits. On any failure everything is rolled back; on a deadlock,
    /// serialization failure or busy database the whole is run again, at most 8 times while there is [patience](super::Patience::locks).
    ///
    /// # Errors
    /// What `work` or the engine says. [`DbErrorKind::CommitUnknown`] when the connection broke at COMMIT.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.transaction_with(ForeignKeys::Enforced, work).await
    }

    /// Like [`Db::transaction`], with a say on foreign keys.
    ///
    /// # Errors
    /// As [`Db::transaction`].
    pub async fn transaction_with<T, F>(&self, keys: ForeignKeys, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.run(Arc::new(work), Manner { keys, commit: true }).await
    }

    /// Runs `work` as [`Db::transaction`] does and rolls everything back at the end.
    ///
    /// # Errors
    /// What `work` or the engine says.
    pub async fn rehearsal<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.rehearsal_with(ForeignKeys::Enforced, work).await
    }

    /// Like [`Db::rehearsal`], with a say on foreign keys.
    ///
    /// # Errors
    /// As [`Db::rehearsal`].
    pub async fn rehearsal_with<T, F>(&self, keys: ForeignKeys, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.run(Arc::new(work), Manner { keys, commit: false }).await
    }

    /// Runs one statement that the engine commits by itself (MySQL), on a connection of its own that holds a named lock
    /// until the statement has ended, even where the one who waits, or the line, is gone before.
    ///
    /// # Errors
    /// What the engine says. [`DbErrorKind::Lost`] when the connection broke: it may have happened.
    pub async fn execute_alone(&self, lock: &str, keys: ForeignKeys, sql: Sql) -> Result<(), DbError> {
        let shared = Arc::clone(self.shared());
        let lock = lock.to_owned();
        owned(async move {
            let mut lease = shared.lease_fresh().await?;
            let run = execute_alone(&mut lease, shared.patience().locks, &lock, keys, &sql).await;
            // The lock and the settings go with the connection.
            lease.discard();
            run
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: Work<T>, manner: Manner) -> Result<T, Failure> {
        let shared = Arc::clone(self.shared());
        let dialect = self.dialect();
        owned(async move { Ok(try_until_done(&shared, dialect, &work, manner).await) }).await?
    }
}

async fn execute_alone(
    lease: &mut Lease,
    patience: Duration,
    lock: &str,
    keys: ForeignKeys,
    sql: &Sql,
) -> Result<(), DbError> {
    if let Err(error) = lease.all(&Sql::new("SELECT GET_LOCK(?, 0)").bind(lock), None).await {
        // A Galera cluster may refuse locks that it can't keep; then only the catalogue tells.
        tracing::warn!(%error, "a statement runs without its lock");
    }
    // The server's own patience with whoever reads the table is a day.
    lease.execute_text(&format!("SET SESSION lock_wait_timeout = {}", patience.as_secs().max(1))).await?;
    if keys == ForeignKeys::Off
        && let Some(order) = foreign_key_switch(Dialect::MySql, false)
    {
        lease.execute_text(order).await?;
    }
    lease.execute(sql).await.map(drop)
}

async fn try_until_done<T>(
    shared: &Arc<Shared>,
    dialect: Dialect,
    work: &Work<T>,
    manner: Manner,
) -> Result<T, Failure> {
    let started = Instant::now();
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(shared, dialect, work, manner).await {
            Err(Failure::Db(error))
                if error.is_retryable()
                    && tries < TRIES
                    && started.elapsed() + pause(tries) < shared.patience().locks =>
            {
                tracing::info!(tries, %error, "retrying a transaction");
                tokio::time::sleep(pause(tries)).await;
            }
            Err(Failure::Db(error)) if error.is_retryable() => {
                return Err(Failure::Refused(Error::new(
                    Kind::Busy,
                    "The database is busy: other programs hold these rows. Nothing was changed; try again.",
                )));
            }
            other => return other,
        }
    }
}

/// Longer with every try, and never the same for two programs that collided.
fn pause(tries: u32) -> Duration {
    let mut byte = [0_u8; 1];
    let jitter = if getrandom::fill(&mut byte).is_ok() { u64::from(byte[0]) } else { 128 };
    Duration::from_millis((10_u64 << tries.min(6)) * (64 + jitter) / 256)
}

async fn attempt<T>(
    shared: &Arc<Shared>,
    dialect: Dialect,
    work: &Work<T>,
    manner: Manner,
) -> Result<T, Failure> {
    let mut tx = Tx { lease: begin(shared, dialect, manner.keys).await?, dialect };
    let result = finish(&mut tx, work, manner.commit).await;
    if manner.keys == ForeignKeys::Off
        && let Some(order) = foreign_key_switch(dialect, true)
        && tx.lease.execute_text(order).await.is_err()
    {
        tx.lease.discard();
    }
    result
}

async fn finish<T>(tx: &mut Tx, work: &Work<T>, commit: bool) -> Result<T, Failure> {
    match work(tx).await {
        Ok(value) if commit => match tx.lease.execute_text("COMMIT").await {
            Ok(()) => Ok(value),
            Err(error) if error.kind == DbErrorKind::Lost => {
                tx.lease.discard();
                Err(DbError { kind: DbErrorKind::CommitUnknown, ..error }.into())
            }
            Err(error) => {
                roll_back(&mut tx.lease).await;
                Err(error.into())
            }
        },
        Ok(value) => {
            roll_back(&mut tx.lease).await;
            Ok(value)
        }
        Err(failure) => {
            roll_back(&mut tx.lease).await;
            Err(failure)
        }
    }
}

/// A connection with an open transaction. One that waited in the pool may be broken: then a fresh one is tried.
async fn begin(shared: &Arc<Shared>, dialect: Dialect, keys: ForeignKeys) -> Result<Lease, DbError> {
    if shared.lent {
        return Err(DbError::bug("a transaction was begun within another one"));
    }
    let lease = shared.lease().await?;
    let reused = lease.reused;
    match start(lease, dialect, keys).await {
        Err(error) if error.kind == DbErrorKind::Lost && reused => {
            start(shared.lease_fresh().await?, dialect, keys).await
        }
        result => result,
    }
}

/// A connection that could not begin is closed: it may already be without foreign keys, or half into a transaction.
async fn start(mut lease: Lease, dialect: Dialect, keys: ForeignKeys) -> Result<Lease, DbError> {
    // SQLite ignores the switch inside a transaction, so it comes first.
    let switch = (keys == ForeignKeys::Off).then(|| foreign_key_switch(dialect, false)).flatten();
    for statement in switch.iter().chain(dialect.begin()) {
        if let Err(error) = lease.execute_text(statement).await {
            lease.discard();
            return Err(error);
        }
    }
    Ok(lease)
}

const fn foreign_key_switch(dialect: Dialect, on: bool) -> Option<&'static str> {
    match (dialect, on) {
        (Dialect::Sqlite, true) => Some("PRAGMA foreign_keys = ON"),
        (Dialect::Sqlite, false) => Some("PRAGMA foreign_keys = OFF"),
        (Dialect::MySql, true) => Some("SET SESSION foreign_key_checks = 1"),
        (Dialect::MySql, false) => Some("SET SESSION foreign_key_checks = 0"),
        (Dialect::Postgres, _) => None,
    }
}

/// MySQL's 1205 rolls back one statement only, so every failure ends in an explicit ROLLBACK; a connection that
/// cannot even do that is closed.
async fn roll_back(lease: &mut Lease) {
    if let Err(error) = lease.execute_text("ROLLBACK").await
        && !error.message.contains("no transaction is active")
    {
        lease.discard();
    }
}
