//! Connections: opening them with everything an engine needs to be told, keeping a few, and running one statement.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use secrecy::ExposeSecret;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Column as _, ConnectOptions, Connection as _, Row as _, TypeInfo as _,
    ValueRef as _,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::cancel::Cancel;
use super::sql::Sql;
use super::target::{Address, Target, Tls};
use super::value::{Cell, Raw, Row, Val};
use super::{DbError, DbErrorKind, Dialect};

/// How many connections one program holds at most: reads of the screen, a write, and one to cancel with.
const CONNECTIONS: usize = 4;

/// How long SQLite waits for another writer. Django gives up after 5 s as well.
const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// How long opening a connection to a server may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection of one of the engines.
pub(super) enum Connection {
    Sqlite(Box<SqliteConnection>),
    MySql(Box<MySqlConnection>),
    Postgres(Box<PgConnection>),
}

/// A connection and what the server calls it.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) backend: i64,
    /// Whether it has waited in the pool: then a broken line shows only now, and a fresh one is worth a try.
    reused: bool,
}

/// What all clones of a [`Db`] share.
pub(super) struct Shared {
    target: Target,
    dialect: Dialect,
    idle: Mutex<VecDeque<Session>>,
    permits: Arc<Semaphore>,
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
        });
        let opening = Arc::clone(&shared);
        let session = owned(async move { opening.connect(create).await }).await?;
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
                Err(error) if error.kind == DbErrorKind::Lost && lease.reused => {
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
        let (sender, receiver) = mpsc::channel(256);
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
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take()
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
        let result = self.session()?.all(sql, dialect).await;
        match result {
            Err(error) if error.kind == DbErrorKind::Lost => {
                self.discard();
                Err(error)
            }
            Err(error) if cancel.is_some_and(Cancel::is_requested) => {
                Err(DbError { kind: DbErrorKind::Cancelled, ..error })
            }
            other => other,
        }
    }

    async fn send_all(
        &mut self,
        sql: &Sql,
        cancel: Option<&Cancel>,
        sender: &mpsc::Sender<Result<Row, DbError>>,
    ) {
        let (dialect, shared) = (self.shared.dialect, Arc::clone(&self.shared));
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
            Ok(session) => session.send_all(sql, dialect, cancel, sender).await,
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
        let dialect = self.shared.dialect;
        self.session()?.execute_text(text, dialect).await
    }

    /// Runs one statement with values and tells how many rows it changed.
    pub(super) async fn execute(&mut self, sql: &Sql) -> Result<(u64, i64), DbError> {
        let dialect = self.shared.dialect;
        self.session()?.execute(sql, dialect).await
    }
}

impl Shared {
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
        let kept = if reuse { self.idle().pop_back() } else { None };
        let session = match kept {
            Some(session) => session,
            None => self.connect(false).await?,
        };
        let reused = session.reused;
        Ok(Lease { session: Some(session), shared: Arc::clone(self), reused, _permit: permit })
    }

    async fn connect(&self, create: bool) -> Result<Session, DbError> {
        let mut last = DbError::new(DbErrorKind::Unreachable, "no address to try");
        for candidate in self.target.candidates() {
            let opening = self.connect_to(&candidate, create);
            match tokio::time::timeout(CONNECT, opening).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(error)) => last = error,
                Err(_) => last = DbError::new(DbErrorKind::Unreachable, "no answer within 10 seconds"),
            }
            if matches!(last.kind, DbErrorKind::Denied | DbErrorKind::NotADatabase) {
                break;
            }
        }
        if matches!(last.kind, DbErrorKind::Lost | DbErrorKind::Other) {
            last.kind = DbErrorKind::Unreachable;
        }
        last.message = format!("{} ({})", last.message, self.target);
        Err(last)
    }

    async fn connect_to(&self, address: &Address, create: bool) -> Result<Session, DbError> {
        let fail = |error: sqlx::Error| DbError::of(&error, self.dialect);
        let connection = match self.dialect {
            Dialect::Sqlite => {
                let options = sqlite_options(address, create);
                Connection::Sqlite(Box::new(SqliteConnection::connect_with(&options).await.map_err(fail)?))
            }
            Dialect::MySql => {
                let options = mysql_options(&self.target, address);
                Connection::MySql(Box::new(MySqlConnection::connect_with(&options).await.map_err(fail)?))
            }
            Dialect::Postgres => {
                let options = postgres_options(&self.target, address);
                Connection::Postgres(Box::new(PgConnection::connect_with(&options).await.map_err(fail)?))
            }
        };
        let mut session = Session { connection, backend: 0, reused: false };
        session.prepare(self.dialect, self.target.read_only).await?;
        Ok(session)
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

fn sqlite_options(address: &Address, create: bool) -> SqliteConnectOptions {
    let options = match address {
        Address::File(path) => SqliteConnectOptions::new().filename(path),
        _ => SqliteConnectOptions::new(),
    };
    let options = options.foreign_keys(true).busy_timeout(SQLITE_BUSY).create_if_missing(create);
    // Only a database of our own gets a journal mode; an adopted file keeps its.
    let options = if create { options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal) } else { options };
    options.disable_statement_logging()
}

fn mysql_options(target: &Target, address: &Address) -> MySqlConnectOptions {
    let mut options = MySqlConnectOptions::new().database(&target.database).charset("utf8mb4");
    if let Some(user) = &target.user {
        options = options.username(user);
    }
    if let Some(password) = &target.password {
        options = options.password(password.expose_secret());
    }
    options = match address {
        Address::Socket(path) => options.socket(path),
        Address::Host { host, port } => options.host(host).port(*port),
        Address::File(_) => options,
    };
    options = match &target.tls {
        Tls::Verified { ca_file } => {
            let options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
            if let Some(path) = ca_file { options.ssl_ca(path) } else { options }
        }
        Tls::NotNeeded => options.ssl_mode(MySqlSslMode::Disabled),
        Tls::Unverified => options.ssl_mode(MySqlSslMode::Preferred),
    };
    options.disable_statement_logging()
}

fn postgres_options(target: &Target, address: &Address) -> PgConnectOptions {
    let mut options =
        PgConnectOptions::new_without_pgpass().database(&target.database).application_name("portaldesk");
    if let Some(user) = &target.user {
        options = options.username(user);
    }
    if let Some(password) = &target.password {
        options = options.password(password.expose_secret());
    }
    options = match address {
        Address::Socket(path) => options.socket(path),
        Address::Host { host, port } => options.host(host).port(*port),
        Address::File(_) => options,
    };
    options = match &target.tls {
        Tls::Verified { ca_file } => {
            let options = options.ssl_mode(PgSslMode::VerifyFull);
            if let Some(path) = ca_file { options.ssl_root_cert(path) } else { options }
        }
        Tls::NotNeeded => options.ssl_mode(PgSslMode::Disable),
        Tls::Unverified => options.ssl_mode(PgSslMode::Prefer),
    };
    options.disable_statement_logging()
}

/// Strict, so that nothing is cut or changed silently, yet without `NO_ZERO_DATE`: what an undo puts back may be one.
const MYSQL_SETTINGS: &[&str] = &[
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT'",
    "SET SESSION innodb_lock_wait_timeout = 10",
];
const POSTGRES_SETTINGS: &[&str] =
    &["SET lock_timeout = '10s'", "SET idle_in_transaction_session_timeout = '60s'", "SET TIME ZONE 'UTC'"];

impl Session {
    async fn prepare(&mut self, dialect: Dialect, read_only: bool) -> Result<(), DbError> {
        let settings: &[&str] = match dialect {
            Dialect::Sqlite => &[],
            Dialect::MySql => MYSQL_SETTINGS,
            Dialect::Postgres => POSTGRES_SETTINGS,
        };
        for setting in settings {
            self.execute_text(setting, dialect).await?;
        }
        if dialect == Dialect::MySql
            && self.execute_text("SET SESSION wsrep_sync_wait = 1", dialect).await.is_err()
        {
            tracing::debug!("not a Galera node");
        }
        if read_only {
            let order = match dialect {
                Dialect::Sqlite => "PRAGMA query_only = ON",
                Dialect::MySql => "SET SESSION TRANSACTION READ ONLY",
                Dialect::Postgres => "SET default_transaction_read_only = on",
            };
            self.execute_text(order, dialect).await?;
        }
        self.backend = match dialect {
            // The first read proves that the file is a database.
            Dialect::Sqlite => self.all(&Sql::new("PRAGMA schema_version"), dialect).await.map(|_| 0)?,
            Dialect::MySql => self.single(&Sql::new("SELECT CONNECTION_ID()"), dialect).await?,
            Dialect::Postgres => self.single(&Sql::new("SELECT pg_backend_pid()"), dialect).await?,
        };
        Ok(())
    }

    async fn single(&mut self, sql: &Sql, dialect: Dialect) -> Result<i64, DbError> {
        let rows = self.all(sql, dialect).await?;
        rows.first().ok_or_else(|| DbError::bug("no connection id"))?.int(0)
    }

    /// Lets `cancel` stop what runs next.
    async fn watch(&mut self, shared: &Arc<Shared>, cancel: &Cancel) -> Result<(), DbError> {
        if let Connection::Sqlite(connection) = &mut self.connection {
            let flag = cancel.clone();
            let mut handle =
                connection.lock_handle().await.map_err(|error| DbError::of(&error, shared.dialect))?;
            handle.set_progress_handler(1_000, move || !flag.is_requested());
        }
        cancel.begin(shared, self.backend).await;
        if cancel.is_requested() {
            return Err(DbError::new(DbErrorKind::Cancelled, "cancelled"));
        }
        Ok(())
    }

    async fn unwatch(&mut self) {
        if let Connection::Sqlite(connection) = &mut self.connection
            && let Ok(mut handle) = connection.lock_handle().await
        {
            handle.remove_progress_handler();
        }
    }

    pub(super) async fn execute_text(&mut self, text: &str, dialect: Dialect) -> Result<(), DbError> {
        let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        match &mut self.connection {
            Connection::Sqlite(c) => query.execute(&mut **c).await.map(drop),
            Connection::MySql(c) => query.execute(&mut **c).await.map(drop),
            Connection::Postgres(c) => query.execute(&mut **c).await.map(drop),
        }
        .map_err(|error| DbError::of(&error, dialect))
    }

    /// How many rows changed, and the id the engine gave to a new one (not on PostgreSQL).
    async fn execute(&mut self, sql: &Sql, dialect: Dialect) -> Result<(u64, i64), DbError> {
        let text = AssertSqlSafe(sql.render(dialect));
        let fail = |error: sqlx::Error| DbError::of(&error, dialect);
        match &mut self.connection {
            Connection::Sqlite(c) => {
                let done = sqlx::query_with(text, sqlite_args(sql)?).execute(&mut **c).await.map_err(fail)?;
                Ok((done.rows_affected(), done.last_insert_rowid()))
            }
            Connection::MySql(c) => {
                let done = sqlx::query_with(text, mysql_args(sql)?).execute(&mut **c).await.map_err(fail)?;
                Ok((done.rows_affected(), i64::try_from(done.last_insert_id()).unwrap_or(0)))
            }
            Connection::Postgres(c) => {
                let done =
                    sqlx::query_with(text, postgres_args(sql)?).execute(&mut **c).await.map_err(fail)?;
                Ok((done.rows_affected(), 0))
            }
        }
    }

    async fn all(&mut self, sql: &Sql, dialect: Dialect) -> Result<Vec<Row>, DbError> {
        let text = AssertSqlSafe(sql.render(dialect));
        let fail = |error: sqlx::Error| DbError::of(&error, dialect);
        match &mut self.connection {
            Connection::Sqlite(c) => {
                let rows = sqlx::query_with(text, sqlite_args(sql)?).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { sqlite_row(&row) }).try_collect().await
            }
            Connection::MySql(c) => {
                let rows = sqlx::query_with(text, mysql_args(sql)?).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { mysql_row(&row) }).try_collect().await
            }
            Connection::Postgres(c) => {
                let rows = sqlx::query_with(text, postgres_args(sql)?).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { postgres_row(&row) }).try_collect().await
            }
        }
    }

    /// Sends row after row; false when it ended before the last one.
    async fn send_all(
        &mut self,
        sql: &Sql,
        dialect: Dialect,
        cancel: Option<&Cancel>,
        sender: &mpsc::Sender<Result<Row, DbError>>,
    ) -> bool {
        let text = AssertSqlSafe(sql.render(dialect));
        let fail = |error: sqlx::Error| {
            let error = DbError::of(&error, dialect);
            if cancel.is_some_and(Cancel::is_requested) {
                DbError { kind: DbErrorKind::Cancelled, ..error }
            } else {
                error
            }
        };
        let mut rows = match &mut self.connection {
            Connection::Sqlite(c) => match sqlite_args(sql) {
                Ok(args) => sqlx::query_with(text, args)
                    .fetch(&mut **c)
                    .map(|row| row.map_err(fail).and_then(|row| sqlite_row(&row)))
                    .boxed(),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            },
            Connection::MySql(c) => match mysql_args(sql) {
                Ok(args) => sqlx::query_with(text, args)
                    .fetch(&mut **c)
                    .map(|row| row.map_err(fail).and_then(|row| mysql_row(&row)))
                    .boxed(),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            },
            Connection::Postgres(c) => match postgres_args(sql) {
                Ok(args) => sqlx::query_with(text, args)
                    .fetch(&mut **c)
                    .map(|row| row.map_err(fail).and_then(|row| postgres_row(&row)))
                    .boxed(),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            },
        };
        while let Some(row) = rows.next().await {
            let failed = row.is_err();
            if sender.send(row).await.is_err() || failed {
                return false;
            }
        }
        true
    }
}

fn encode_failure(error: &(dyn std::error::Error + Send + Sync)) -> DbError {
    DbError::bug(format!("a value could not be sent: {error}"))
}

fn sqlite_args(sql: &Sql) -> Result<sqlx::sqlite::SqliteArguments, DbError> {
    let mut args = sqlx::sqlite::SqliteArguments::default();
    for value in sql.args() {
        match value {
            Val::Int(value) => args.add(*value),
            Val::Bool(value) => args.add(i64::from(*value)),
            Val::Text(value) => args.add(value.clone()),
            Val::Bytes(value) => args.add(value.clone()),
            Val::Real(value) => args.add(*value),
            Val::Time(value) => args.add(value.map(|time| Dialect::Sqlite.time_text(time))),
            Val::Cell(Cell::Null) => args.add(None::<String>),
            Val::Cell(Cell::Bool(value)) => args.add(i64::from(*value)),
            Val::Cell(Cell::Int(value)) => args.add(*value),
            Val::Cell(Cell::Real(value)) => args.add(*value),
            Val::Cell(Cell::Text(value)) => args.add(value.clone()),
            Val::Cell(Cell::Bytes(value) | Cell::RawText(value)) => args.add(value.clone()),
        }
        .map_err(|error| encode_failure(&*error))?;
    }
    Ok(args)
}

fn mysql_args(sql: &Sql) -> Result<sqlx::mysql::MySqlArguments, DbError> {
    let mut args = sqlx::mysql::MySqlArguments::default();
    for value in sql.args() {
        match value {
            Val::Int(value) => args.add(*value),
            Val::Bool(value) => args.add(i64::from(*value)),
            Val::Text(value) => args.add(value.clone()),
            Val::Bytes(value) => args.add(value.clone()),
            Val::Real(value) => args.add(*value),
            Val::Time(value) => args.add(value.map(|time| Dialect::MySql.time_text(time))),
            Val::Cell(Cell::Null) => args.add(None::<String>),
            Val::Cell(Cell::Bool(value)) => args.add(i64::from(*value)),
            Val::Cell(Cell::Int(value)) => args.add(*value),
            Val::Cell(Cell::Real(value)) => args.add(*value),
            Val::Cell(Cell::Text(value)) => args.add(value.clone()),
            Val::Cell(Cell::Bytes(value) | Cell::RawText(value)) => args.add(value.clone()),
        }
        .map_err(|error| encode_failure(&*error))?;
    }
    Ok(args)
}

fn postgres_args(sql: &Sql) -> Result<sqlx::postgres::PgArguments, DbError> {
    let mut args = sqlx::postgres::PgArguments::default();
    for value in sql.args() {
        match value {
            Val::Int(value) => args.add(*value),
            Val::Bool(value) => args.add(*value),
            Val::Text(value) => args.add(value.clone()),
            Val::Bytes(value) => args.add(value.clone()),
            Val::Real(value) => args.add(*value),
            Val::Time(value) => args.add(*value),
            Val::Cell(cell) => args.add(cell.postgres_text()),
        }
        .map_err(|error| encode_failure(&*error))?;
    }
    Ok(args)
}

/// SQLite: the storage class of each value decides, not the declared type.
fn sqlite_row(row: &SqliteRow) -> Result<Row, DbError> {
    let mut out = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value = row.try_get_raw(index).map_err(|error| DbError::of(&error, Dialect::Sqlite))?;
        let class = if value.is_null() { "NULL".to_owned() } else { value.type_info().name().to_owned() };
        let decoded = match class.as_str() {
            "NULL" => Ok(Raw::Null),
            "INTEGER" => row.try_get_unchecked(index).map(Raw::Int),
            "REAL" => row.try_get_unchecked(index).map(Raw::Real),
            "BLOB" => row.try_get_unchecked(index).map(Raw::Bytes),
            _ => row.try_get_unchecked(index).map(Raw::Text),
        };
        out.push(decoded.map_err(|error| DbError::of(&error, Dialect::Sqlite))?);
    }
    Ok(Row(out))
}

fn mysql_row(row: &MySqlRow) -> Result<Row, DbError> {
    let mut out = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value = row.try_get_raw(index).map_err(|error| DbError::of(&error, Dialect::MySql))?;
        if value.is_null() {
            out.push(Raw::Null);
            continue;
        }
        let type_name = row.column(index).type_info().name().to_owned();
        let decoded = match type_name.as_str() {
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
                row.try_get_unchecked(index).map(Raw::Int)
            }
            "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
            | "BIGINT UNSIGNED" => {
                row.try_get_unchecked::<u64, _>(index).map(|value| match i64::try_from(value) {
                    Ok(value) => Raw::Int(value),
                    Err(_) => Raw::Text(value.to_string().into_bytes()),
                })
            }
            "FLOAT" | "DOUBLE" => row.try_get_unchecked(index).map(Raw::Real),
            "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" | "BIT" | "GEOMETRY" => {
                row.try_get_unchecked(index).map(Raw::Bytes)
            }
            _ => row.try_get_unchecked(index).map(Raw::Text),
        };
        out.push(decoded.map_err(|error| DbError::of(&error, Dialect::MySql))?);
    }
    Ok(Row(out))
}

fn postgres_row(row: &PgRow) -> Result<Row, DbError> {
    let mut out = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value = row.try_get_raw(index).map_err(|error| DbError::of(&error, Dialect::Postgres))?;
        if value.is_null() {
            out.push(Raw::Null);
            continue;
        }
        let type_name = row.column(index).type_info().name().to_owned();
        let decoded = match type_name.as_str() {
            "BOOL" => row.try_get(index).map(Raw::Bool),
            "INT2" => row.try_get::<i16, _>(index).map(|value| Raw::Int(i64::from(value))),
            "INT4" => row.try_get::<i32, _>(index).map(|value| Raw::Int(i64::from(value))),
            "INT8" => row.try_get(index).map(Raw::Int),
            "FLOAT4" => row.try_get::<f32, _>(index).map(|value| Raw::Real(f64::from(value))),
            "FLOAT8" => row.try_get(index).map(Raw::Real),
            "TIMESTAMPTZ" => row.try_get(index).map(Raw::Time),
            "BYTEA" => row.try_get(index).map(Raw::Bytes),
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "\"CHAR\"" | "UNKNOWN" | "citext" => {
                row.try_get_unchecked::<String, _>(index).map(|value| Raw::Text(value.into_bytes()))
            }
            other => return Err(DbError::bug(format!("a PostgreSQL {other} was selected without a cast"))),
        };
        out.push(decoded.map_err(|error| DbError::of(&error, Dialect::Postgres))?);
    }
    Ok(Row(out))
}
