//! Opening a connection: where to, with which password and TLS, and what the engine needs to be told first.

use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection as _};

use super::session::{Connection, Session};
use super::sql::Sql;
use super::target::{Address, Target, Tls};
use super::{DbError, Dialect};

/// How long SQLite waits for another writer. Django gives up after 5 s as well.
const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// Opens a connection to one of the target's addresses.
pub(super) async fn open(target: &Target, address: &Address, create: bool) -> Result<Session, DbError> {
    let dialect = Dialect::from(target.engine);
    let fail = |error: sqlx::Error| DbError::of(&error, dialect);
    let connection = match dialect {
        Dialect::Sqlite => {
            let options = sqlite_options(address, create);
            Connection::Sqlite(Box::new(SqliteConnection::connect_with(&options).await.map_err(fail)?))
        }
        Dialect::MySql => {
            let options = mysql_options(target, address);
            Connection::MySql(Box::new(MySqlConnection::connect_with(&options).await.map_err(fail)?))
        }
        Dialect::Postgres => {
            let options = postgres_options(target, address);
            Connection::Postgres(Box::new(PgConnection::connect_with(&options).await.map_err(fail)?))
        }
    };
    let mut session = Session { connection, backend: 0, reused: false };
    prepare(&mut session, dialect, target.read_only).await?;
    Ok(session)
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
        Tls::Unverified => options.ssl_mode(MySqlSslMode::Required),
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
        Address::Socket(path) => match address.postgres_socket() {
            Some((folder, port)) => options.socket(folder).port(port),
            None => options.socket(path),
        },
        Address::Host { host, port } => options.host(host).port(*port),
        Address::File(_) => options,
    };
    options = match &target.tls {
        Tls::Verified { ca_file } => {
            let options = options.ssl_mode(PgSslMode::VerifyFull);
            if let Some(path) = ca_file { options.ssl_root_cert(path) } else { options }
        }
        Tls::NotNeeded => options.ssl_mode(PgSslMode::Disable),
        Tls::Unverified => options.ssl_mode(PgSslMode::Require),
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

async fn prepare(session: &mut Session, dialect: Dialect, read_only: bool) -> Result<(), DbError> {
    let settings: &[&str] = match dialect {
        Dialect::Sqlite => &[],
        Dialect::MySql => MYSQL_SETTINGS,
        Dialect::Postgres => POSTGRES_SETTINGS,
    };
    for setting in settings {
        session.execute_text(setting, dialect).await?;
    }
    if dialect == Dialect::MySql
        && session.execute_text("SET SESSION wsrep_sync_wait = 1", dialect).await.is_err()
    {
        tracing::debug!("not a Galera node");
    }
    if read_only {
        let order = match dialect {
            Dialect::Sqlite => "PRAGMA query_only = ON",
            Dialect::MySql => "SET SESSION TRANSACTION READ ONLY",
            Dialect::Postgres => "SET default_transaction_read_only = on",
        };
        session.execute_text(order, dialect).await?;
    }
    session.backend = match dialect {
        // The first read proves that the file is a database.
        Dialect::Sqlite => session.all(&Sql::new("PRAGMA schema_version"), dialect).await.map(|_| 0)?,
        Dialect::MySql => single(session, &Sql::new("SELECT CONNECTION_ID()"), dialect).await?,
        Dialect::Postgres => single(session, &Sql::new("SELECT pg_backend_pid()"), dialect).await?,
    };
    Ok(())
}

async fn single(session: &mut Session, sql: &Sql, dialect: Dialect) -> Result<i64, DbError> {
    let rows = session.all(sql, dialect).await?;
    rows.first().ok_or_else(|| DbError::bug("no connection id"))?.int(0)
}
