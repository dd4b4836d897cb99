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
mod pool;
mod session;
mod sql;
mod target;
mod transaction;
mod value;
mod wire;

pub mod migrate;
pub mod own;
pub mod schema;

pub use cancel::Cancel;
pub use dialect::{Dialect, like_text};
pub use pool::Db;
pub use sql::{Ident, ImageForm, Sql};
pub use target::{Address, Engine, Target, Tls};
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
}

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DbError {}

impl DbError {
    pub(crate) fn new(kind: DbErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), constraint: None }
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
                Self { kind, message: text::safe(inner.message()).into_owned(), constraint }
            }
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
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

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        let said = &error.message;
        match error.kind {
            DbErrorKind::Unique => match &error.constraint {
                Some(name) => Self::new(
                    Kind::Duplicate,
                    format!("A value of '{name}' is taken already; nothing was written."),
                ),
                None => Self::new(
                    Kind::Duplicate,
                    format!("A unique value is taken already ({said}); nothing was written."),
                ),
            },
            DbErrorKind::ForeignKey => Self::conflict(format!(
                "Other rows of the portal refer to this one; nothing was written. The database says: {said}"
            )),
            DbErrorKind::Retry => Self::new(
                Kind::Busy,
                "The database is busy: other programs hold these rows. Nothing was changed; try again.",
            ),
            DbErrorKind::Lost => Self::unreachable(format!(
                "The connection to the database broke; nothing was written. It said: {said}"
            )),
            DbErrorKind::CommitUnknown => Self::new(
                Kind::Unknown,
                "The connection broke while the change was being committed; whether it happened is not known yet.",
            ),
            DbErrorKind::Unreachable => Self::unreachable(format!("The database cannot be reached: {said}")),
            DbErrorKind::NotADatabase => {
                Self::unreachable(format!("The file is not a readable SQLite database: {said}"))
            }
            DbErrorKind::ReadOnly => {
                Self::denied(format!("The database is read-only; nothing was written. It says: {said}"))
            }
            DbErrorKind::Denied => Self::denied(format!(
                "The database account may not do this; nothing was written. It says: {said}"
            )),
            DbErrorKind::Schema => Self::conflict(format!(
                "A table or column is missing or has another name: {said}. Nothing was written."
            )),
            DbErrorKind::Value => {
                Self::invalid(format!("A value does not fit its column; nothing was written: {said}"))
            }
            DbErrorKind::Disk => Self::new(
                Kind::Busy,
                format!("The database could not write to its disk; nothing was changed: {said}"),
            ),
            DbErrorKind::Cancelled => Self::new(Kind::Interrupted, "Cancelled; nothing was written."),
            DbErrorKind::Other => Self::bug(format!("The database refused a statement: {said}")),
            DbErrorKind::Bug => Self::bug(format!("A mistake in portaldesk: {said}")),
        }
    }
}
