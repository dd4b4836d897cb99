//! Values as each driver takes them, rows as each driver gives them.

use chrono::{DateTime, Datelike as _};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments as _, Column as _, Row as _, TypeInfo as _, ValueRef as _};

use super::sql::Sql;
use super::value::{Raw, Row, Val};
use super::{DbError, Dialect};

fn encode_failure(error: &(dyn std::error::Error + Send + Sync)) -> DbError {
    DbError::bug(format!("a value could not be sent: {error}"))
}

pub(super) fn sqlite_args(sql: &Sql) -> Result<sqlx::sqlite::SqliteArguments, DbError> {
    let mut args = sqlx::sqlite::SqliteArguments::default();
    for value in sql.args() {
        match value.plain().as_ref() {
            Val::Int(value) => args.add(*value),
            Val::Bool(value) => args.add(i64::from(*value)),
            Val::Text(value) => args.add(value.clone()),
            Val::Bytes(value) => args.add(value.clone()),
            Val::Real(value) => args.add(*value),
            Val::Time(value) => args.add(value.map(|time| Dialect::Sqlite.time_text(time))),
            Val::Cell(_) => return Err(DbError::bug("a cell was not made plain")),
        }
        .map_err(|error| encode_failure(&*error))?;
    }
    Ok(args)
}

pub(super) fn mysql_args(sql: &Sql) -> Result<sqlx::mysql::MySqlArguments, DbError> {
    let mut args = sqlx::mysql::MySqlArguments::default();
    for value in sql.args() {
        match value.plain().as_ref() {
            Val::Int(value) => args.add(*value),
            Val::Bool(value) => args.add(i64::from(*value)),
            Val::Text(value) => args.add(value.clone()),
            Val::Bytes(value) => args.add(value.clone()),
            Val::Real(value) => args.add(*value),
            Val::Time(value) => args.add(value.map(|time| Dialect::MySql.time_text(time))),
            Val::Cell(_) => return Err(DbError::bug("a cell was not made plain")),
        }
        .map_err(|error| encode_failure(&*error))?;
    }
    Ok(args)
}

pub(super) fn postgres_args(sql: &Sql) -> Result<sqlx::postgres::PgArguments, DbError> {
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
pub(super) fn sqlite_row(row: &SqliteRow) -> Result<Row, DbError> {
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

pub(super) fn mysql_row(row: &MySqlRow) -> Result<Row, DbError> {
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

pub(super) fn postgres_row(row: &PgRow) -> Result<Row, DbError> {
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
            "TIMESTAMPTZ" => row.try_get_unchecked(index).map(postgres_time),
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

/// A moment in microseconds since the year 2000, as PostgreSQL sends it. The driver's own reading panics on `infinity`;
/// that, and years that no portal means, become the text that PostgreSQL reads back.
fn postgres_time(micros: i64) -> Raw {
    const YEAR_2000: i64 = 946_684_800_000_000;
    let time = micros.checked_add(YEAR_2000).and_then(DateTime::from_timestamp_micros);
    let text = match time {
        Some(time) if (1..=9_999).contains(&time.year()) => return Raw::Time(time),
        Some(time) => {
            let (year, era) = if time.year() < 1 { (1 - time.year(), " BC") } else { (time.year(), "") };
            format!("{year:04}{}{era}", time.format("-%m-%d %H:%M:%S%.6f+00"))
        }
        None if micros < 0 => "-infinity".to_owned(),
        None => "infinity".to_owned(),
    };
    Raw::Text(text.into_bytes())
}
