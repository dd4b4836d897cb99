//! What a database says of itself: version, speed, encryption, and the settings that matter to whoever writes.

use std::time::{Duration, Instant};

use super::{Db, DbError, Dialect, Sql};

/// The engine's version in its own words.
///
/// # Errors
/// What the engine says.
pub async fn version(db: &Db) -> Result<String, DbError> {
    let sql = match db.dialect() {
        Dialect::Sqlite => "SELECT 'SQLite ' || sqlite_version()",
        Dialect::MySql => "SELECT VERSION()",
        Dialect::Postgres => "SELECT 'PostgreSQL ' || current_setting('server_version')",
    };
    let version = db.one(Sql::new(sql)).await?.text(0)?;
    let is_bare = db.dialect() == Dialect::MySql && !version.contains("MariaDB");
    Ok(if is_bare { format!("MySQL {version}") } else { version })
}

/// The quickest of a few answers.
///
/// # Errors
/// What the engine says.
pub async fn round_trip(db: &Db) -> Result<Duration, DbError> {
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        let asked = Instant::now();
        db.one(Sql::new("SELECT 1")).await?;
        quickest = quickest.min(asked.elapsed());
    }
    Ok(quickest)
}

/// The protocol that the server encrypts this connection with, such as `TLSv1.3`; none where it does not.
///
/// # Errors
/// What the engine says.
pub async fn encryption(db: &Db) -> Result<Option<String>, DbError> {
    let (sql, place) = match db.dialect() {
        Dialect::Sqlite => return Ok(None),
        Dialect::MySql => ("SHOW STATUS LIKE 'Ssl_version'", 1),
        Dialect::Postgres => ("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl", 0),
    };
    let row = db.optional(Sql::new(sql)).await?;
    let version = row.map_or(Ok(None), |row| row.text_opt(place))?;
    Ok(version.filter(|version| !version.is_empty()))
}

/// What this server has set that can get in the way of writing, or of the portal; only what applies to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Takes no writes at all: a replica, a standby, a setting.
    pub read_only: bool,
    /// MySQL: the mode that other programs get unless they ask for another one.
    pub sql_mode: Option<String>,
    /// The isolation of transactions that other programs get.
    pub isolation: Option<String>,
    /// MySQL: how changes are logged, where they are.
    pub binlog_format: Option<String>,
    /// A Galera cluster: its state by name.
    pub galera: Vec<(String, String)>,
    /// Tables that know no transactions, with their engine.
    pub without_transactions: Vec<(String, String)>,
    /// MySQL: the character set of the database.
    pub character_set: Option<String>,
    /// SQLite: how it keeps its journal.
    pub journal_mode: Option<String>,
}

/// Reads them.
///
/// # Errors
/// What the engine says.
pub async fn settings(db: &Db) -> Result<Settings, DbError> {
    match db.dialect() {
        Dialect::Sqlite => {
            let journal_mode = Some(db.one(Sql::new("PRAGMA journal_mode")).await?.text(0)?);
            Ok(Settings { journal_mode, ..Settings::default() })
        }
        Dialect::MySql => mysql(db).await,
        Dialect::Postgres => {
            let sql = "SELECT pg_is_in_recovery(), current_setting('default_transaction_isolation')";
            let row = db.one(Sql::new(sql)).await?;
            Ok(Settings { read_only: row.bool(0)?, isolation: row.text_opt(1)?, ..Settings::default() })
        }
    }
}

async fn mysql(db: &Db) -> Result<Settings, DbError> {
    let sql = "SELECT @@GLOBAL.read_only, @@GLOBAL.sql_mode, @@GLOBAL.log_bin, @@GLOBAL.binlog_format, \
               @@character_set_database";
    let row = db.one(Sql::new(sql)).await?;
    let isolation = db.all(Sql::new("SHOW GLOBAL VARIABLES LIKE 'transaction_isolation'")).await?;
    let isolation = match isolation.first() {
        Some(row) => row.text_opt(1)?,
        // MariaDB before 11.1 has the older name only.
        None => db
            .optional(Sql::new("SHOW GLOBAL VARIABLES LIKE 'tx_isolation'"))
            .await?
            .map_or(Ok(None), |row| row.text_opt(1))?,
    };
    let galera = "SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_cluster_size', \
                  'wsrep_local_state_comment')";
    let engines = "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
                   AND TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB' ORDER BY TABLE_NAME";
    let pairs = async |sql: &'static str| -> Result<Vec<(String, String)>, DbError> {
        db.all(Sql::new(sql)).await?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
    };
    let mut galera = pairs(galera).await?;
    // A server without a cluster has the names, and nothing in them.
    let has_cluster = galera.iter().any(|(name, value)| name == "wsrep_cluster_size" && value != "0");
    galera.retain(|_| has_cluster);
    Ok(Settings {
        read_only: row.bool(0)?,
        sql_mode: row.text_opt(1)?,
        isolation,
        binlog_format: if row.bool(2)? { row.text_opt(3)? } else { None },
        galera,
        without_transactions: pairs(engines).await?,
        character_set: row.text_opt(4)?,
        journal_mode: None,
    })
}
