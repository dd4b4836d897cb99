//! Every difference between the engines that is not a migration.

use std::fmt::Write as _;

use chrono::{DateTime, Timelike, Utc};

use super::schema::{Column, ColumnKind};
use super::sql::ImageForm;
use super::value::Cell;
use super::{DbErrorKind, Engine};

/// The SQL of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

impl From<Engine> for Dialect {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite,
            Engine::MySql => Self::MySql,
            Engine::Postgres => Self::Postgres,
        }
    }
}

impl Dialect {
    pub(super) const fn numbers_parameters(self) -> bool {
        matches!(self, Self::Postgres)
    }

    pub(super) fn quote(self, out: &mut String, name: &str) {
        let mark = if self == Self::MySql { '`' } else { '"' };
        out.push(mark);
        out.push_str(name);
        out.push(mark);
    }

    /// A time for the SELECT list. MySQL's zero dates break the driver's decoder, so they travel as text.
    pub(super) fn readable_time(self, expression: &str) -> String {
        match self {
            Self::MySql => format!("CAST({expression} AS CHAR)"),
            Self::Sqlite | Self::Postgres => expression.to_owned(),
        }
    }

    /// A member of the JSON object in a text column, as JSON text, so that a text and a number never look the same.
    pub(super) fn json_member(self, column: &str, member: &str) -> String {
        match self {
            Self::Sqlite => format!("COALESCE({column} -> '$.{member}', 'null')"),
            Self::MySql => format!("COALESCE(JSON_EXTRACT({column}, '$.{member}'), 'null')"),
            Self::Postgres => format!("COALESCE(CAST(CAST({column} AS json) -> '{member}' AS text), 'null')"),
        }
    }

    pub(super) fn image_column(self, out: &mut String, name: &str, form: ImageForm) {
        if form == ImageForm::Plain || self == Self::Sqlite {
            return self.quote(out, name);
        }
        out.push_str("CAST(");
        self.quote(out, name);
        out.push_str(if self == Self::MySql { " AS CHAR)" } else { " AS TEXT)" });
    }

    pub(super) fn typed_parameter(self, number: usize, type_name: &str) -> String {
        match self {
            Self::Postgres => format!("CAST(${number} AS {type_name})"),
            Self::Sqlite | Self::MySql => "?".to_owned(),
        }
    }

    /// How this column is read and written exactly.
    #[must_use]
    pub const fn image_form(self, kind: ColumnKind) -> ImageForm {
        match (self, kind) {
            (Self::Sqlite, _)
            | (_, ColumnKind::Int | ColumnKind::Bool)
            | (Self::MySql, ColumnKind::Bytes) => ImageForm::Plain,
            _ => ImageForm::Text,
        }
    }

    /// A cell as this engine gives it back for this column, so that what was planned and what was read are equal.
    #[must_use]
    pub fn normal(self, cell: Cell, column: &Column) -> Cell {
        match (column.kind, cell) {
            (ColumnKind::Bool, Cell::Int(0)) => Cell::Bool(false),
            (ColumnKind::Bool, Cell::Int(1)) => Cell::Bool(true),
            (_, cell) => cell,
        }
    }

    /// A moment in the engine's own text, as Django writes it. SQLite compares times as text, and Django leaves the
    /// fraction out when it is zero.
    #[must_use]
    pub fn time_text(self, time: DateTime<Utc>) -> String {
        let micros = time.nanosecond() % 1_000_000_000 / 1_000;
        let mut out = time.format("%Y-%m-%d %H:%M:%S").to_string();
        match self {
            Self::MySql => {
                let _ = write!(out, ".{micros:06}");
            }
            Self::Sqlite if micros > 0 => {
                let _ = write!(out, ".{micros:06}");
            }
            Self::Sqlite => {}
            Self::Postgres => {
                if micros > 0 {
                    let fraction = format!(".{micros:06}");
                    out.push_str(fraction.trim_end_matches('0'));
                }
                out.push_str("+00");
            }
        }
        out
    }

    /// The database's own clock, readable with [`super::Row::time`].
    #[must_use]
    pub const fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
            Self::MySql => "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)",
            Self::Postgres => "SELECT clock_timestamp()",
        }
    }

    /// Appended to a SELECT of rows that will be written. SQLite's transaction holds the write lock already.
    #[must_use]
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MySql | Self::Postgres => " FOR UPDATE",
        }
    }

    /// Keeps selected rows as they are until the end of the transaction; others may still read them, and keep them too.
    #[must_use]
    pub const fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            // MariaDB knows only this spelling.
            Self::MySql => " LOCK IN SHARE MODE",
            Self::Postgres => " FOR SHARE",
        }
    }

    /// The operator of a case-insensitive LIKE as far as the engine has one: SQLite knows ASCII only, MySQL follows
    /// the column's collation. The pattern's escape character is `!`.
    #[must_use]
    pub const fn like(self) -> &'static str {
        match self {
            Self::Sqlite | Self::MySql => " LIKE ? ESCAPE '!'",
            Self::Postgres => " ILIKE ? ESCAPE '!'",
        }
    }

    /// Begins a transaction that will write.
    pub(super) const fn begin(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["BEGIN IMMEDIATE"],
            Self::MySql => &["SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"],
            Self::Postgres => &["BEGIN ISOLATION LEVEL READ COMMITTED"],
        }
    }

    /// What an engine's error means. Codes: SQLite's extended result codes; MySQL's error numbers; SQLSTATE.
    pub(super) fn judge(self, code: &str, message: &str) -> DbErrorKind {
        match self {
            Self::Sqlite => judge_sqlite(code, message),
            Self::MySql => judge_mysql(code),
            Self::Postgres => judge_postgres(code),
        }
    }

    /// Which setting a server's refusal to let us in blames, by Django's name for it.
    pub(super) fn blamed(self, code: &str) -> Option<&'static str> {
        match (self, code) {
            (Self::MySql, "1045" | "1698") | (Self::Postgres, "28P01") => Some("password"),
            (Self::Postgres, "28000") => Some("user"),
            (Self::MySql, "1044" | "1049") | (Self::Postgres, "3D000") => Some("name"),
            // The host is not allowed to connect, or is blocked.
            (Self::MySql, "1129" | "1130") => Some("host"),
            _ => None,
        }
    }
}

fn judge_sqlite(code: &str, message: &str) -> DbErrorKind {
    let Ok(number) = code.parse::<u32>() else { return DbErrorKind::Other };
    match (number, number & 0xff) {
        (1555 | 2067 | 2579, _) => DbErrorKind::Unique,
        (787, _) => DbErrorKind::ForeignKey,
        (1811, _) => DbErrorKind::Refused,
        (_, 5 | 6) => DbErrorKind::Retry,
        (_, 8) => DbErrorKind::ReadOnly,
        (_, 9) => DbErrorKind::Cancelled,
        (_, 14) => DbErrorKind::Unreachable,
        (_, 11 | 26) => DbErrorKind::NotADatabase,
        (_, 13 | 10) => DbErrorKind::Disk,
        (_, 18..=20) => DbErrorKind::Value,
        // SQLite has no code of its own for what is missing.
        (1, _) if is_missing_in_sqlite(message) => DbErrorKind::Schema,
        _ => DbErrorKind::Other,
    }
}

fn is_missing_in_sqlite(message: &str) -> bool {
    message.starts_with("no such table:")
        || message.starts_with("no such column:")
        || message.contains(" has no column named ")
}

fn judge_mysql(number: &str) -> DbErrorKind {
    match number {
        "1062" | "1586" => DbErrorKind::Unique,
        "1451" | "1452" | "1216" | "1217" => DbErrorKind::ForeignKey,
        "1213" | "1205" | "1020" | "1047" => DbErrorKind::Retry,
        "1317" | "3024" | "1969" => DbErrorKind::Cancelled,
        "1290" | "1792" | "1836" => DbErrorKind::ReadOnly,
        "1044" | "1045" | "1142" | "1143" | "1227" | "1370" | "1698" => DbErrorKind::Denied,
        "1049" => DbErrorKind::Unreachable,
        "1146" | "1054" => DbErrorKind::Schema,
        "1406" | "1366" | "1292" | "1048" | "1264" | "1265" | "4025" | "3819" => DbErrorKind::Value,
        "1644" => DbErrorKind::Refused,
        "1021" | "1114" => DbErrorKind::Disk,
        // The server shuts down, or ended this connection: by KILL, by a broken line, for being idle too long.
        "1053" | "1927" | "1152" | "1158" | "1159" | "1160" | "1161" | "4031" => DbErrorKind::Lost,
        _ => DbErrorKind::Other,
    }
}

fn judge_postgres(state: &str) -> DbErrorKind {
    match state {
        "23505" => DbErrorKind::Unique,
        "23503" | "23001" => DbErrorKind::ForeignKey,
        "40001" | "40P01" | "55P03" => DbErrorKind::Retry,
        "57014" => DbErrorKind::Cancelled,
        "25006" => DbErrorKind::ReadOnly,
        "42501" | "28000" | "28P01" => DbErrorKind::Denied,
        "3D000" => DbErrorKind::Unreachable,
        "42P01" | "42703" => DbErrorKind::Schema,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => DbErrorKind::Lost,
        "53100" => DbErrorKind::Disk,
        "P0001" => DbErrorKind::Refused,
        _ if state.starts_with("08") => DbErrorKind::Lost,
        _ if state.starts_with("22") || state.starts_with("23") => DbErrorKind::Value,
        _ => DbErrorKind::Other,
    }
}

/// Escapes text for a LIKE pattern whose escape character is `!`.
#[must_use]
pub fn like_text(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if matches!(c, '!' | '%' | '_') {
            out.push('!');
        }
        out.push(c);
        out
    })
}

/// The unique column or index an engine complains of, without the table's prefix: `username`,
/// `auth_user_username_key`, `user_id, group_id`.
#[must_use]
pub(super) fn unique_name(message: &str, constraint: Option<&str>) -> Option<String> {
    if let Some(name) = constraint {
        return Some(name.to_owned());
    }
    let named = message
        .split_once("for key '")
        .and_then(|(_, rest)| rest.split('\'').next())
        .or_else(|| message.split_once("constraint failed: ").map(|(_, rest)| rest))?;
    Some(named.split(", ").map(|part| part.rsplit('.').next().unwrap_or(part)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::value::parse_time;

    #[test]
    fn times_are_written_as_django_writes_them() {
        let whole = parse_time("2026-11-21 01:41:55").unwrap();
        let part = parse_time("2026-11-21 01:41:55.670000").unwrap();
        assert_eq!(Dialect::Sqlite.time_text(whole), "2026-11-21 01:41:55");
        assert_eq!(Dialect::Sqlite.time_text(part), "2026-11-21 01:41:55.670000");
        assert_eq!(Dialect::MySql.time_text(whole), "2026-11-21 01:41:55.000000");
        assert_eq!(Dialect::Postgres.time_text(whole), "2026-11-21 01:41:55+00");
        assert_eq!(Dialect::Postgres.time_text(part), "2026-11-21 01:41:55.67+00");
    }

    #[test]
    fn unique_violations_are_named_on_every_engine() {
        for (message, constraint, name) in [
            ("UNIQUE constraint failed: auth_user.username", None, "username"),
            (
                "UNIQUE constraint failed: auth_user_groups.user_id, auth_user_groups.group_id",
                None,
                "user_id, group_id",
            ),
            ("Duplicate entry 'a' for key 'username'", None, "username"),
            ("Duplicate entry '2' for key 'core_userprofile.user_id'", None, "user_id"),
            ("duplicate key value", Some("auth_user_username_key"), "auth_user_username_key"),
        ] {
            assert_eq!(unique_name(message, constraint).as_deref(), Some(name));
        }
    }
}
