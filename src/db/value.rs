//! Values on their way into SQL, values of rows on their way out, and [`Cell`]: one column exactly as the engine
//! holds it.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use super::DbError;
use crate::text;

/// A parameter. NULLs are typed, because PostgreSQL infers a parameter's type from what is bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    /// A 64-bit integer; the engines narrow it to the column.
    Int(Option<i64>),
    /// A truth value: 0 or 1 on SQLite and MySQL, as Django writes them.
    Bool(bool),
    /// Text.
    Text(Option<String>),
    /// Bytes that need not be text.
    Bytes(Vec<u8>),
    /// A floating-point number.
    Real(f64),
    /// A moment, written as Django writes it on that engine.
    Time(Option<DateTime<Utc>>),
    /// A column's value, to be cast to the column's type by the statement. On PostgreSQL it always travels as text:
    /// prepared statements are kept by their text, and one prepared for a number would misread a NULL of another type.
    Cell(Cell),
}

impl Val {
    /// A cell as the plain value that SQLite and MySQL take: both look at each value's own type.
    pub(super) fn plain(&self) -> Cow<'_, Self> {
        let Self::Cell(cell) = self else { return Cow::Borrowed(self) };
        Cow::Owned(match cell {
            Cell::Null => Self::Text(None),
            Cell::Bool(value) => Self::Bool(*value),
            Cell::Int(value) => Self::Int(Some(*value)),
            Cell::Real(value) => Self::Real(*value),
            Cell::Text(value) => Self::Text(Some(value.clone())),
            Cell::Bytes(value) | Cell::RawText(value) => Self::Bytes(value.clone()),
        })
    }
}

impl From<i64> for Val {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Val {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Val {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Val {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Val {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<DateTime<Utc>> for Val {
    fn from(value: DateTime<Utc>) -> Self {
        Self::Time(Some(value))
    }
}

impl From<Option<DateTime<Utc>>> for Val {
    fn from(value: Option<DateTime<Utc>>) -> Self {
        Self::Time(value)
    }
}

/// One column of one row, exactly enough to put it back: the engine's own text where it has one, its storage class
/// where that matters (SQLite).
///
/// In JSON: `null`, `true`, a number, a string, `{"real": "1.5"}`, `{"bytes": "hex"}` or `{"text": "hex"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "CellJson", into = "CellJson")]
pub enum Cell {
    /// NULL.
    Null,
    /// A boolean column that holds 0 or 1.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number (SQLite's storage class; elsewhere such columns are [`Cell::Text`]).
    Real(f64),
    /// Text, and everything that an engine prints as text: dates on all engines, decimals, UUIDs.
    Text(String),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
    /// What SQLite stores as text although it is not UTF-8.
    RawText(Vec<u8>),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum CellJson {
    Null(()),
    Bool(bool),
    Int(i64),
    Text(String),
    Real { real: String },
    Bytes { bytes: String },
    RawText { text: String },
}

impl From<Cell> for CellJson {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Null => Self::Null(()),
            Cell::Bool(value) => Self::Bool(value),
            Cell::Int(value) => Self::Int(value),
            Cell::Real(value) => Self::Real { real: format!("{value:?}") },
            Cell::Text(value) => Self::Text(value),
            Cell::Bytes(value) => Self::Bytes { bytes: hex(&value) },
            Cell::RawText(value) => Self::RawText { text: hex(&value) },
        }
    }
}

impl From<CellJson> for Cell {
    fn from(json: CellJson) -> Self {
        match json {
            CellJson::Null(()) => Self::Null,
            CellJson::Bool(value) => Self::Bool(value),
            CellJson::Int(value) => Self::Int(value),
            CellJson::Real { real } => real.parse().map_or(Self::Text(real), Self::Real),
            CellJson::Text(value) => Self::Text(value),
            CellJson::Bytes { bytes } => Self::Bytes(unhex(&bytes)),
            CellJson::RawText { text } => Self::RawText(unhex(&text)),
        }
    }
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}

impl Cell {
    /// As PostgreSQL prints and reads it.
    pub(super) fn postgres_text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Real(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
            Self::Bytes(value) | Self::RawText(value) => Some(format!("\\x{}", hex(value))),
        }
    }

    /// Text or, without a value, NULL.
    #[must_use]
    pub fn text(value: Option<&str>) -> Self {
        value.map_or(Self::Null, |value| Self::Text(value.to_owned()))
    }

    /// An integer or, without a value, NULL.
    #[must_use]
    pub fn int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }

    /// The integer it is, a boolean counting as 0 or 1.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Text(value) => value.parse().ok(),
            _ => None,
        }
    }

    /// The truth value it is.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(0) => Some(false),
            Self::Int(1) => Some(true),
            _ => None,
        }
    }

    /// The text it is, or nothing.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it is NULL.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// For people: what it is, in words that are safe to print.
    #[must_use]
    pub fn show(&self) -> String {
        match self {
            Self::Null => "—".to_owned(),
            Self::Bool(true) => "yes".to_owned(),
            Self::Bool(false) => "no".to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Real(value) => value.to_string(),
            Self::Text(value) if value.is_empty() => "''".to_owned(),
            Self::Text(value) => text::safe(value).into_owned(),
            Self::Bytes(value) => format!("{} bytes", value.len()),
            Self::RawText(value) => text::safe_bytes(value),
        }
    }
}

/// What an engine gave for one column of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    Null,
    Int(i64),
    Bool(bool),
    Real(f64),
    /// Text; the bytes need not be UTF-8 on SQLite.
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    Time(DateTime<Utc>),
}

/// One row, decoded. Columns are read by position, in the order of the statement's SELECT list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(super) Vec<Raw>);

impl Row {
    fn at(&self, index: usize) -> Result<&Raw, DbError> {
        self.0.get(index).ok_or_else(|| DbError::bug(format!("a row has no column {index}")))
    }

    fn wrong(index: usize, wanted: &str, found: &Raw) -> DbError {
        let found = match found {
            Raw::Null => "NULL".to_owned(),
            Raw::Int(value) => format!("the number {value}"),
            Raw::Bool(value) => format!("the boolean {value}"),
            Raw::Real(value) => format!("the number {value}"),
            Raw::Text(value) => format!("the text '{}'", text::truncate(&text::safe_bytes(value), 40)),
            Raw::Bytes(value) => format!("{} bytes", value.len()),
            Raw::Time(value) => format!("the time {value}"),
        };
        DbError::value(format!("column {} holds {found} where {wanted} belongs", index + 1))
    }

    /// An integer.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn int(&self, index: usize) -> Result<i64, DbError> {
        self.int_opt(index)?.ok_or_else(|| Self::wrong(index, "a number", &Raw::Null))
    }

    /// An integer or NULL. Text that is a number counts: SQLite keeps what it was given.
    ///
    /// # Errors
    /// When the column holds something else.
    pub fn int_opt(&self, index: usize) -> Result<Option<i64>, DbError> {
        match self.at(index)? {
            Raw::Null => Ok(None),
            Raw::Int(value) => Ok(Some(*value)),
            Raw::Bool(value) => Ok(Some(i64::from(*value))),
            raw @ Raw::Text(bytes) => std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .map(Some)
                .ok_or_else(|| Self::wrong(index, "a number", raw)),
            other => Err(Self::wrong(index, "a number", other)),
        }
    }

    /// A truth value as Django reads it: NULL, 2 and `'true'` on SQLite are false.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn bool(&self, index: usize) -> Result<bool, DbError> {
        Ok(matches!(self.at(index)?, Raw::Int(1) | Raw::Bool(true)))
    }

    /// Text; bytes that are not UTF-8 become visible escapes. NULL reads as the empty string.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn text(&self, index: usize) -> Result<String, DbError> {
        Ok(self.text_opt(index)?.unwrap_or_default())
    }

    /// Text or NULL; bytes that are not UTF-8 become visible escapes.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn text_opt(&self, index: usize) -> Result<Option<String>, DbError> {
        Ok(match self.at(index)? {
            Raw::Null => None,
            Raw::Text(bytes) | Raw::Bytes(bytes) => Some(match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => text::safe_bytes(bytes),
            }),
            Raw::Int(value) => Some(value.to_string()),
            Raw::Bool(value) => Some(value.to_string()),
            Raw::Real(value) => Some(value.to_string()),
            Raw::Time(value) => Some(value.to_rfc3339()),
        })
    }

    /// A moment, or nothing where Django reads None: NULL, and on SQLite text that is no timestamp.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn time(&self, index: usize) -> Result<Option<DateTime<Utc>>, DbError> {
        Ok(match self.at(index)? {
            Raw::Time(value) => Some(*value),
            Raw::Text(bytes) => std::str::from_utf8(bytes).ok().and_then(parse_time),
            _ => None,
        })
    }

    /// The column as it is, to be kept or put back.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn cell(&self, index: usize) -> Result<Cell, DbError> {
        Ok(match self.at(index)? {
            Raw::Null => Cell::Null,
            Raw::Int(value) => Cell::Int(*value),
            Raw::Bool(value) => Cell::Bool(*value),
            Raw::Real(value) => Cell::Real(*value),
            Raw::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Cell::Text(text.to_owned()),
                Err(_) => Cell::RawText(bytes.clone()),
            },
            Raw::Bytes(bytes) => Cell::Bytes(bytes.clone()),
            Raw::Time(value) => Cell::Text(value.to_rfc3339()),
        })
    }
}

/// Reads a timestamp as the engines print it: `2026-11-21 01:41:55.991037`, with or without fraction and with or
/// without an offset. Without one it is UTC, as Django stores it.
#[must_use]
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(naive) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
        return Some(naive.and_utc());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.to_utc());
        }
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|naive| naive.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_survives_json() {
        for cell in [
            Cell::Null,
            Cell::Bool(true),
            Cell::Int(-7),
            Cell::Real(0.1),
            Cell::Text("ü'\u{0}".to_owned()),
            Cell::Bytes(vec![0, 255]),
            Cell::RawText(vec![0xff, b'a']),
        ] {
            let json = serde_json::to_string(&cell).unwrap();
            assert_eq!(serde_json::from_str::<Cell>(&json).unwrap(), cell, "{json}");
        }
    }

    #[test]
    fn times_are_read_in_every_form_an_engine_prints() {
        let whole = parse_time("2026-11-21 01:41:55").unwrap();
        for text in ["2026-11-21 01:41:55.000000", "2026-11-21 01:41:55+00", "2026-11-21 03:41:55+02:00"] {
            assert_eq!(parse_time(text), Some(whole), "{text}");
        }
        for text in ["", "0000-00-00 00:00:00.000000", "2026-11-21", "yesterday"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
