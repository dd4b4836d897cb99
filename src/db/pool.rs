//! The database as everyone holds it, and the few connections behind it. Every statement runs in a task that owns its
//! connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::cancel::Cancel;
use super::connect;
use super::patience;
use super::session::Session;
use super::sql::Sql;
use super::target::Target;
use super::value::Row;
use super::{DbError, DbErrorKind, Dialect};

/// How many connections one program holds at most: reads of the screen, a write, and one to cancel with.
const CONNECTIONS: usize = 4;

/// How long opening a connection to a server may take.
const CONNECT: Duration = Duration::from_secs(10);

/// What all clones of a [`Db`] share.
pub(super) struct Shared {
    target: Target,
    pub(super) dialect: Dialect,
    idle: Mutex<VecDeque<Session>>,
    permits: Arc<Semaphore>,
    /// There is one connection only, lent by a transaction that goes on afterwards.
    pub(super) lent: bool,
}

/// A database that is open. Cheap to clone; all clones share a few connections.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
    cancel: Option<Cancel>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Db").field(&self.shared.target).finish()
    }
}

impl Db {
    /// Opens the database and makes sure that it answers. An SQLite file must exist.
    ///
    /// # Errors
    /// When it cannot be reached, is no database, or refuses the account.
    pub async fn open(target: &Target) -> Result<Self, DbError> {
        Self::open_with(target, false).await
    }

    /// Like [`Db::open`], but makes the SQLite file where there is none, with a write-ahead log: it will be ours.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn create(target: &Target) -> Result<Self, DbError> {
        Self::open_with(target, true).await
    }

    async fn open_with(target: &Target, create: bool) -> Result<Self, DbError> {
        let shared = Arc::new(Shared {
            target: target.clone(),
            dialect: Dialect::from(target.engine),
            idle: Mutex::new(VecDeque::new()),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
            lent: false,
        });
        let opening = Arc::clone(&shared);
        let mut session = owned(async move { opening.connect(create).await }).await?;
        session.reused = true;
        shared.idle().push_back(session);
        Ok(Self { shared, cancel: None })
    }

    /// The engine's SQL.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.shared.target
    }

    /// The same database, whose statements stop when `cancel` says so.
    #[must_use]
    pub fn cancellable(&self, cancel: &Cancel) -> Self {
        Self { shared: Arc::clone(&self.shared), cancel: Some(cancel.clone()) }
    }

    /// The same database, whose statements run to their end.
    #[must_use]
    pub fn uncancelled(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), cancel: None }
    }

    /// The same database, whose statements stop when those of the other one do.
    #[must_use]
    pub fn stopping_with(&self, other: &Self) -> Self {
        Self { shared: Arc::clone(&self.shared), cancel: other.cancel.clone() }
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn all(&self, sql: Sql) -> Result<Vec<Row>, DbError> {
        let (shared, cancel) = (Arc::clone(&self.shared), self.cancel.clone());
        owned(async move {
            let mut lease = shared.lease().await?;
            let first = lease.all(&sql, cancel.as_ref()).await;
            match first {
                Err(error) if error.kind == DbErrorKind::Lost && lease.reused && !shared.lent => {
                    lease.discard();
                    let mut fresh = shared.lease_fresh().await?;
                    fresh.all(&sql, cancel.as_ref()).await
                }
                other => other,
            }
        })
        .await
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn optional(&self, sql: Sql) -> Result<Option<Row>, DbError> {
        Ok(self.all(sql).await?.into_iter().next())
    }

    /// The first row.
    ///
    /// # Errors
    /// What the engine says, or that there is none.
    pub async fn one(&self, sql: Sql) -> Result<Row, DbError> {
        self.optional(sql).await?.ok_or_else(|| DbError::bug("a query that always gives a row gave none"))
    }

    /// The rows of a statement, one after the other, whatever their number. Dropping the receiver ends it.
    #[must_use]
    pub fn stream(&self, sql: Sql) -> mpsc::Receiver<Result<Row, DbError>> {
        // Who reads a lent connection's rows may ask something else meanwhile, and there is no other connection for that:
        // the rows are all taken from it as fast as they come.
        let at_once = if self.shared.lent { Semaphore::MAX_PERMITS } else { 256 };
        let (sender, receiver) = mpsc::channel(at_once);
        let (shared, cancel) = (Arc::clone(&self.shared), self.cancel.clone());
        tokio::spawn(async move {
            match shared.lease().await {
                Ok(mut lease) => lease.send_all(&sql, cancel.as_ref(), &sender).await,
                Err(error) => drop(sender.send(Err(error)).await),
            }
        });
        receiver
    }

    /// Runs statements that are part of the program, such as a migration, on one connection, in order. Nothing from
    /// outside may be in them.
    ///
    /// # Errors
    /// What the engine says; what ran before the failing one stands where the engine commits DDL by itself (MySQL).
    pub async fn script(&self, statements: Vec<String>) -> Result<(), DbError> {
        let shared = Arc::clone(&self.shared);
        owned(async move {
            if shared.dialect == Dialect::MySql {
                // What an administrator granted for this, the connections from before do not know.
                shared.idle().clear();
            }
            let mut lease = shared.lease().await?;
            for statement in statements {
                if let Err(error) = lease.execute_text(&statement).await {
                    lease.discard();
                    return Err(error);
                }
            }
            Ok(())
        })
        .await
    }

    pub(super) fn cancel(&self) -> Option<&Cancel> {
        self.cancel.as_ref()
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// Runs work in a task of its own, to its end, whatever becomes of the one who waits.
pub(super) async fn owned<T: Send + 'static>(
    work: impl Future<Output = Result<T, DbError>> + Send + 'static,
) -> Result<T, DbError> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => Err(DbError::bug(format!("database work ended early: {error}"))),
    }
}

/// A session on loan; it goes back when dropped, unless discarded, or in a panic: then it may be halfway through a
/// transaction.
pub(super) struct Lease {
    session: Option<Session>,
    shared: Arc<Shared>,
    pub(super) reused: bool,
    /// Whether it is closed at the end instead of going back.
    outdated: bool,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take()
            && !self.outdated
            && !std::thread::panicking()
        {
            session.reused = true;
            self.shared.idle().push_back(session);
        }
    }
}

impl Lease {
    /// Closes the connection instead of giving it back.
    pub(super) fn discard(&mut self) {
        self.session = None;
    }

    fn session(&mut self) -> Result<&mut Session, DbError> {
        self.session.as_mut().ok_or_else(|| DbError::new(DbErrorKind::Lost, "the connection is closed"))
    }

    /// Puts the connection behind a [`Db`] of its own, until it is [taken back](Self::take_back).
    pub(super) fn lend(&mut self) -> Result<Db, DbError> {
        self.session()?;
        let shared = Shared {
            target: self.shared.target.clone(),
            dialect: self.shared.dialect,
            idle: Mutex::new(self.session.take().into_iter().collect()),
            permits: Arc::new(Semaphore::new(1)),
            lent: true,
        };
        Ok(Db { shared: Arc::new(shared), cancel: None })
    }

    /// Ends what [`Lease::lend`] began, once nothing runs there any more.
    pub(super) async fn take_back(&mut self, db: &Db) -> Result<(), DbError> {
        let mut lease = db.shared.lease().await?;
        self.session = lease.session.take();
        Ok(())
    }

    /// All rows, watched by `cancel`.
    pub(super) async fn all(&mut self, sql: &Sql, cancel: Option<&Cancel>) -> Result<Vec<Row>, DbError> {
        let dialect = self.shared.dialect;
        let Some(cancel) = cancel else { return self.finish(None, dialect, sql).await };
        if cancel.is_requested() {
            return Err(DbError::new(DbErrorKind::Cancelled, "cancelled"));
        }
        let shared = Arc::clone(&self.shared);
        let result = match self.session()?.watch(&shared, cancel).await {
            Ok(()) => self.finish(Some(cancel), dialect, sql).await,
            Err(error) => Err(error),
        };
        self.end_watch(cancel).await;
        result
    }

    /// Leaves a connection that nothing will stop any more, or none.
    async fn end_watch(&mut self, cancel: &Cancel) {
        if cancel.end().await {
            self.discard();
        } else if let Ok(session) = self.session() {
            session.unwatch().await;
        }
    }

    async fn finish(
        &mut self,
        cancel: Option<&Cancel>,
        dialect: Dialect,
        sql: &Sql,
    ) -> Result<Vec<Row>, DbError> {
        let shared = Arc::clone(&self.shared);
        let session = self.session()?;
        let backend = session.backend;
        let result = patience::answer(&shared, backend, session.all(sql, dialect)).await;
        match self.sift(result) {
            Err(error) if cancel.is_some_and(Cancel::is_requested) => {
                Err(DbError { kind: DbErrorKind::Cancelled, ..error })
            }
            other => other,
        }
    }

    pub(super) async fn send_all(
        &mut self,
        sql: &Sql,
        cancel: Option<&Cancel>,
        sender: &mpsc::Sender<Result<Row, DbError>>,
    ) {
        let shared = Arc::clone(&self.shared);
        if let Some(cancel) = cancel {
            let watched = match self.session() {
                Ok(session) => session.watch(&shared, cancel).await,
                Err(error) => Err(error),
            };
            if let Err(error) = watched {
                self.end_watch(cancel).await;
                drop(sender.send(Err(error)).await);
                return;
            }
        }
        let complete = match self.session() {
            Ok(session) => session.send_all(&shared, sql, cancel, sender).await,
            Err(_) => false,
        };
        if !complete {
            // A stream left halfway desynchronises the driver (sqlx #563).
            self.discard();
        }
        if let Some(cancel) = cancel {
            self.end_watch(cancel).await;
        }
    }

    /// Runs one statement without values; for the statements of transactions and migrations.
    pub(super) async fn execute_text(&mut self, text: &str) -> Result<(), DbError> {
        let shared = Arc::clone(&self.shared);
        let session = self.session()?;
        let backend = session.backend;
        let done = patience::answer(&shared, backend, session.execute_text(text, shared.dialect)).await;
        self.sift(done)
    }

    /// Runs one statement with values and tells how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &Sql) -> Result<(u64, i64), DbError> {
        let shared = Arc::clone(&self.shared);
        let session = self.session()?;
        let backend = session.backend;
        let done = patience::answer(&shared, backend, session.execute(sql, shared.dialect)).await;
        self.sift(done)
    }

    /// Parts with a connection that is of no more use after this result. A statement that was given up in the middle
    /// leaves one that nothing may be sent on; and MySQL's connections keep the rights on a database that they began with,
    /// so after a refusal all of them are opened anew, in case somebody grants what is missing.
    fn sift<T>(&mut self, result: Result<T, DbError>) -> Result<T, DbError> {
        match result.as_ref().map_err(|error| error.kind) {
            Err(DbErrorKind::Lost) => self.discard(),
            Err(DbErrorKind::Denied) if self.shared.dialect == Dialect::MySql && !self.shared.lent => {
                self.outdated = true;
                self.shared.idle().clear();
            }
            _ => {}
        }
        result
    }
}

impl Shared {
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, DbError> {
        self.take(true).await
    }

    pub(super) async fn lease_fresh(self: &Arc<Self>) -> Result<Lease, DbError> {
        self.take(false).await
    }

    async fn take(self: &Arc<Self>, reuse: bool) -> Result<Lease, DbError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| DbError::new(DbErrorKind::Lost, "the database is closed"))?;
        let kept = if reuse || self.lent { self.idle().pop_back() } else { None };
        let session = match kept {
            Some(session) => session,
            None if self.lent => {
                return Err(DbError::new(DbErrorKind::Lost, "the transaction's connection is closed"));
            }
            None => self.connect(false).await?,
        };
        let reused = session.reused;
        Ok(Lease {
            session: Some(session),
            shared: Arc::clone(self),
            reused,
            outdated: false,
            _permit: permit,
        })
    }

    async fn connect(&self, create: bool) -> Result<Session, DbError> {
        let mut last = DbError::new(DbErrorKind::Unreachable, "no address to try");
        for candidate in self.target.candidates() {
            let opening = connect::open(&self.target, &candidate, create);
            match tokio::time::timeout(CONNECT, opening).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => last = error,
                Err(_) => {
                    last =
                        DbError::new(DbErrorKind::Unreachable, "no answer within 10 seconds").blaming("host");
                }
            }
            if matches!(last.kind, DbErrorKind::Denied | DbErrorKind::NotADatabase | DbErrorKind::Untrusted) {
                break;
            }
        }
        if last.kind == DbErrorKind::Denied {
            last.message = format!("the server refuses the account: {}", last.message);
        }
        if matches!(last.kind, DbErrorKind::Lost | DbErrorKind::Other | DbErrorKind::Denied) {
            last.kind = DbErrorKind::Unreachable;
        }
        // A server that is not trusted is named already, and this would stand behind the last way out.
        if last.kind != DbErrorKind::Untrusted {
            last.message = format!("{} ({})", last.message, self.target);
        }
        Err(last)
    }

    /// Tells the server to stop what this connection is doing. Failing is no harm: the work then runs to its end.
    pub(super) async fn stop_backend(&self, backend: i64) {
        if self.dialect == Dialect::Sqlite {
            return;
        }
        let Ok(mut session) = self.connect(false).await else { return };
        let stop = match self.dialect {
            Dialect::MySql => format!("KILL QUERY {backend}"),
            _ => format!("SELECT pg_cancel_backend({backend})"),
        };
        if let Err(error) = session.execute_text(&stop, self.dialect).await {
            tracing::warn!(%error, "a running query could not be stopped");
        }
    }
}
