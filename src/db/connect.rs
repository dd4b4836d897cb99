//! Opening a connection: where to, with which password and TLS, and what the engine needs to be told first.

use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection as _};

use super::patience::Patience;
use super::session::{Connection, Session};
use super::sql::Sql;
use super::target::{Address, Target, Tls};
use super::tls::authorities;
use super::tls::refusal::Refusal;
use super::tls::relay::Relay;
use super::{DbError, Dialect};

/// How long SQLite waits for another writer. Django gives up after 5 s as well.
const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// Opens a connection to one of the target's addresses.
pub(super) async fn open(target: &Target, address: &Address, create: bool) -> Result<Session, DbError> {
    let dialect = Dialect::from(target.engine);
    let way = Way::to(target, address).await?;
    let opened = connect(target, &way, create).await;
    let connection = match (opened, way.relay) {
        (Ok(connection), relay) => {
            if let Some(relay) = relay {
                relay.keep();
            }
            connection
        }
        (Err(error), Some(relay)) => return Err(relay.explain(DbError::of(&error, dialect)).await),
        (Err(error), None) => {
            return Err(match Refusal::of(&error, dialect, address).await {
                Some(refusal) => DbError::refusing(refusal),
                None => DbError::of(&error, dialect),
            });
        }
    };
    let mut session = Session { connection, backend: 0, reused: false };
    prepare(&mut session, dialect, target).await?;
    Ok(session)
}

/// How sqlx gets there.
struct Way {
    address: Address,
    protection: Protection,
    /// What checks a pinned certificate, on the way.
    relay: Option<Relay>,
}

/// What sqlx has to see to.
enum Protection {
    /// Nothing: the line is on this machine, or a relay sees to it.
    None,
    /// That the server's name stands in a certificate of an authority that it knows, or of these.
    Verified(Option<Vec<u8>>),
    /// That the line is encrypted.
    Encrypted,
}

impl Way {
    async fn to(target: &Target, address: &Address) -> Result<Self, DbError> {
        let (mut address, mut relay) = (address.clone(), None);
        let protection = match &target.tls {
            Tls::NotNeeded => Protection::None,
            Tls::Unverified => Protection::Encrypted,
            Tls::Verified { ca_file: None } => Protection::Verified(None),
            Tls::Verified { ca_file: Some(path) } => Protection::Verified(Some(authorities(path).await?)),
            Tls::Pinned(pin) => {
                let started = Relay::start(target, &address, *pin)?;
                address = Address::Socket(started.socket());
                relay = Some(started);
                Protection::None
            }
        };
        Ok(Self { address, protection, relay })
    }
}

async fn connect(target: &Target, way: &Way, create: bool) -> Result<Connection, sqlx::Error> {
    Ok(match Dialect::from(target.engine) {
        Dialect::Sqlite => {
            let options = sqlite_options(&way.address, target.patience, create);
            Connection::Sqlite(Box::new(SqliteConnection::connect_with(&options).await?))
        }
        Dialect::MySql => {
            let options = mysql_options(target, way);
            Connection::MySql(Box::new(MySqlConnection::connect_with(&options).await?))
        }
        Dialect::Postgres => {
            let options = postgres_options(target, way);
            Connection::Postgres(Box::new(PgConnection::connect_with(&options).await?))
        }
    })
}

fn sqlite_options(address: &Address, patience: Patience, create: bool) -> SqliteConnectOptions {
    let options = match address {
        Address::File(path) => SqliteConnectOptions::new().filename(path),
        _ => SqliteConnectOptions::new(),
    };
    let busy = SQLITE_BUSY.min(patience.locks);
    let options = options.foreign_keys(true).busy_timeout(busy).create_if_missing(create);
    // Only a database of our own gets a journal mode; an adopted file keeps its.
    let options = if create { options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal) } else { options };
    options.disable_statement_logging()
}

fn mysql_options(target: &Target, way: &Way) -> MySqlConnectOptions {
    let mut options = MySqlConnectOptions::new().database(&target.database).charset("utf8mb4");
    if let Some(user) = &target.user {
        options = options.username(user);
    }
    if let Some(password) = &target.password {
        options = options.password(password.expose_secret());
    }
    options = match &way.address {
        Address::Socket(path) => options.socket(path),
        Address::Host { host, port } => options.host(host).port(*port),
        Address::File(_) => options,
    };
    options = match &way.protection {
        Protection::Verified(authorities) => {
            let options = options.ssl_mode(MySqlSslMode::VerifyIdentity);
            if let Some(pem) = authorities { options.ssl_ca_from_pem(pem.clone()) } else { options }
        }
        Protection::None => options.ssl_mode(MySqlSslMode::Disabled),
        Protection::Encrypted => options.ssl_mode(MySqlSslMode::Required),
    };
    options.disable_statement_logging()
}

fn postgres_options(target: &Target, way: &Way) -> PgConnectOptions {
    let mut options =
        PgConnectOptions::new_without_pgpass().database(&target.database).application_name("portaldesk");
    if let Some(user) = &target.user {
        options = options.username(user);
    }
    if let Some(password) = &target.password {
        options = options.password(password.expose_secret());
    }
    options = match &way.address {
        Address::Socket(path) => match way.address.postgres_socket() {
            Some((folder, port)) => options.socket(folder).port(port),
            None => options.socket(path),
        },
        Address::Host { host, port } => options.host(host).port(*port),
        Address::File(_) => options,
    };
    options = match &way.protection {
        Protection::Verified(authorities) => {
            let options = options.ssl_mode(PgSslMode::VerifyFull);
            if let Some(pem) = authorities { options.ssl_root_cert_from_pem(pem.clone()) } else { options }
        }
        Protection::None => options.ssl_mode(PgSslMode::Disable),
        Protection::Encrypted => options.ssl_mode(PgSslMode::Require),
    };
    options.disable_statement_logging()
}

/// Strict, so that nothing is cut or changed silently, yet without `NO_ZERO_DATE`: what an undo puts back may be one.
/// MySQL 8 tells counters as they were a day ago, unless it is told not to; MariaDB doesn't, and passes over the comment.
const MYSQL_SETTINGS: &[&str] = &[
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT' \
     /*!80000 , SESSION information_schema_stats_expiry = 0 */",
];
const POSTGRES_SETTINGS: &[&str] =
    &["SET idle_in_transaction_session_timeout = '60s'", "SET TIME ZONE 'UTC'"];

async fn prepare(session: &mut Session, dialect: Dialect, target: &Target) -> Result<(), DbError> {
    let settings: &[&str] = match dialect {
        Dialect::Sqlite => &[],
        Dialect::MySql => MYSQL_SETTINGS,
        Dialect::Postgres => POSTGRES_SETTINGS,
    };
    for setting in settings {
        session.execute_text(setting, dialect).await?;
    }
    let seconds = target.patience.seconds_for_one_lock();
    match dialect {
        // Told to the file when it was opened.
        Dialect::Sqlite => {}
        Dialect::MySql => {
            let order = format!("SET SESSION innodb_lock_wait_timeout = {seconds}");
            session.execute_text(&order, dialect).await?;
        }
        Dialect::Postgres => {
            session.execute_text(&format!("SET lock_timeout = '{seconds}s'"), dialect).await?;
        }
    }
    if dialect == Dialect::MySql
        && session.execute_text("SET SESSION wsrep_sync_wait = 1", dialect).await.is_err()
    {
        tracing::debug!("not a Galera node");
    }
    if target.read_only {
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
