//! One database, three engines: the only folder that names sqlx.
//!
//! SQL is written once in [`Sql`], values go in as [`Val`] and come out of a [`Row`]. [`Db`] reads, [`Db::transaction`]
//! writes. Every statement runs in a task that owns its connection, so that dropping the future that waits for it
//! never leaves a half-read connection or an open transaction behind (sqlx #4385, #563); [`Cancel`] stops the work
//! on the server.

mod cancel;
mod catalogue;
mod connect;
mod dialect;
mod patience;
mod pool;
mod session;
mod sql;
mod target;
mod tls;
mod transaction;
mod value;
mod wire;

pub mod blueprint;
pub mod counter;
pub mod damage;
pub mod dump;
pub mod grants;
pub mod migrate;
pub mod named;
pub mod own;
pub mod patterns;
pub mod physical;
pub mod schema;
pub mod server;

pub use cancel::Cancel;
pub use dialect::{Dialect, like_text};
pub use patience::Patience;
pub use pool::Db;
pub use sql::{Ident, ImageForm, Sql};
pub use target::{Address, Engine, Target, Tls};
pub use tls::Fingerprint;
pub use tls::refusal::{Refusal, Way, WayOut};
pub use transaction::{Failure, ForeignKeys, Reads, Tx};
pub use value::{Cell, Row, Val, hex, parse_time};

use crate::error::{Error, Kind};
use crate::text;

/// What an engine's error means for the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbErrorKind {
    /// A unique value is taken.
    Unique,
    /// Another row refers to this one, or the row referred to is not there.
    ForeignKey,
    /// Deadlock, serialization failure, lock timeout, Galera certification: roll back and try again.
    Retry,
    /// The connection broke.
    Lost,
    /// The connection broke while the COMMIT was under way: it may have happened.
    CommitUnknown,
    /// The server or file cannot be reached.
    Unreachable,
    /// The server can't prove who it is: see [`DbError::refusal`].
    Untrusted,
    /// The file is no SQLite database, or a damaged one.
    NotADatabase,
    /// The database does not take writes.
    ReadOnly,
    /// The database account may not do this.
    Denied,
    /// A table or column is not there.
    Schema,
    /// A value does not fit its column.
    Value,
    /// A rule of the database's own, such as a trigger, says no.
    Refused,
    /// The disk is full or failing.
    Disk,
    /// Stopped by [`Cancel`].
    Cancelled,
    /// Anything else.
    Other,
    /// Our own mistake.
    Bug,
}

/// An error of the database or of the driver. Its message names no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbError {
    /// What it means.
    pub kind: DbErrorKind,
    /// The engine's own words, made safe to print.
    pub message: String,
    /// The unique column or constraint concerned, as far as the engine tells.
    pub constraint: Option<String>,
    /// Which setting of the database is to blame for a connection that failed, by Django's name for it in small letters.
    pub setting: Option<&'static str>,
    /// Why the server was not trusted.
    pub refusal: Option<Box<Refusal>>,
}

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DbError {}

impl DbError {
    pub(crate) fn new(kind: DbErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), constraint: None, setting: None, refusal: None }
    }

    /// The same error, blaming a setting.
    pub(super) fn blaming(self, setting: &'static str) -> Self {
        Self { setting: Some(setting), ..self }
    }

    /// A server that was not trusted.
    pub(super) fn refusing(refusal: Refusal) -> Self {
        let error = Self::new(DbErrorKind::Untrusted, refusal.message());
        Self { refusal: Some(Box::new(refusal)), ..error }.blaming("host")
    }

    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new(DbErrorKind::Bug, message)
    }

    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new(DbErrorKind::Value, message)
    }

    /// Reads what sqlx says.
    pub(super) fn of(error: &sqlx::Error, dialect: Dialect) -> Self {
        match error {
            sqlx::Error::Database(inner) => {
                let code = match inner.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                    Some(mysql) => mysql.number().to_string(),
                    None => inner.code().unwrap_or_default().into_owned(),
                };
                let kind = dialect.judge(&code, inner.message());
                let constraint = (kind == DbErrorKind::Unique)
                    .then(|| dialect::unique_name(inner.message(), inner.constraint()))
                    .flatten();
                let said = Self::new(kind, text::safe(inner.message()).into_owned());
                Self { constraint, setting: dialect.blamed(&code), ..said }
            }
            sqlx::Error::Io(inner) => {
                let setting = blamed_by_system(inner);
                Self { setting, ..Self::new(DbErrorKind::Lost, text::safe(&inner.to_string()).into_owned()) }
            }
            sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::new(DbErrorKind::Lost, text::safe(&error.to_string()).into_owned())
            }
            sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => {
                Self::new(DbErrorKind::Unreachable, text::safe(&error.to_string()).into_owned())
            }
            other => Self::new(DbErrorKind::Other, text::safe(&other.to_string()).into_owned()),
        }
    }

    /// Whether trying the whole transaction again from its reads may help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, DbErrorKind::Retry)
    }
}

/// Which setting is to blame where no server answered.
fn blamed_by_system(error: &std::io::Error) -> Option<&'static str> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Some("port"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::TimedOut => Some("host"),
        // The look-up of names has no kind of its own.
        _ if error.to_string().contains("lookup address") => Some("host"),
        _ => None,
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let told = told(&error);
        match error.setting {
            Some(setting) if told.kind == Kind::Unreachable => {
                // The ways out stand in the message once.
                let said = error.refusal.map_or(error.message, |refusal| refusal.what());
                told.and_field(setting, said)
            }
            _ => told,
        }
    }
}

/// The error in words for people.
fn told(error: &DbError) -> Error {
    let said = &error.message;
    match error.kind {
        DbErrorKind::Unique => match &error.constraint {
            Some(name) => Error::new(
                Kind::Duplicate,
                format!("A value of '{name}' is taken already; nothing was written."),
            ),
            None => Error::new(
                Kind::Duplicate,
                format!("A unique value is taken already ({said}); nothing was written."),
            ),
        },
        DbErrorKind::ForeignKey => Error::conflict(format!(
            "Other rows of the portal refer to this one; nothing was written. The database says: {said}"
        )),
        DbErrorKind::Retry => Error::new(
            Kind::Busy,
            "The database is busy: other programs hold these rows. Nothing was changed; try again.",
        ),
        DbErrorKind::Lost => Error::unreachable(format!(
            "The connection to the database broke; nothing was written. It said: {said}"
        )),
        DbErrorKind::CommitUnknown => Error::new(
            Kind::Unknown,
            "The connection broke while the change was being committed; whether it happened is not known yet.",
        ),
        DbErrorKind::Unreachable => Error::unreachable(format!("The database cannot be reached: {said}")),
        DbErrorKind::Untrusted => Error::unreachable(said.clone()),
        DbErrorKind::NotADatabase => {
            Error::unreachable(format!("The file is not a readable SQLite database: {said}"))
        }
        DbErrorKind::ReadOnly => {
            Error::denied(format!("The database is read-only; nothing was written. It says: {said}"))
        }
        DbErrorKind::Denied => Error::denied(format!(
            "The database account may not do this; nothing was written. It says: {said}"
        )),
        DbErrorKind::Schema => Error::conflict(format!(
            "A table or column is missing or has another name: {said}. Nothing was written."
        )),
        DbErrorKind::Value => {
            Error::invalid(format!("A value does not fit its column; nothing was written: {said}"))
        }
        DbErrorKind::Refused => Error::conflict(format!(
            "A rule of the database's own, such as a trigger, refuses this; nothing was written. It says: {said}"
        )),
        DbErrorKind::Disk => Error::new(
            Kind::Busy,
            format!("The database could not write to its disk; nothing was changed: {said}"),
        ),
        DbErrorKind::Cancelled => Error::new(Kind::Interrupted, "Cancelled; nothing was written."),
        DbErrorKind::Other => Error::bug(format!("The database refused a statement: {said}")),
        DbErrorKind::Bug => Error::bug(format!("A mistake in portaldesk: {said}")),
    }
}
