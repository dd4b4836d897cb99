//! The first row: which column is which field.

use crate::directory::export::columns::{COLUMNS, unknown};
use crate::error::{Error, Kind, Result};
use crate::portal::form::Field;
use crate::portal::forms;
use crate::text;

use super::source::{Delimiter, Row, Source};

/// The column of reasons in a file of refused rows.
pub const REASON: &str = "reason";

/// A first row with more cells than these doesn't name the columns of users, of which there are half as many.
const MOST_COLUMNS: usize = 40;

/// What a column holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// The account's id.
    Id,
    /// A password as Django encodes it.
    Password,
    /// A field of the form.
    Field(&'static Field),
    /// What an export tells and nobody can set, or the reason of a refusal.
    PassedOver,
}

impl Column {
    fn named(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "password" => Some(Self::Password),
            REASON => Some(Self::PassedOver),
            _ => match forms::find(&forms::USER, name) {
                Some(field) => Some(Self::Field(field)),
                None => COLUMNS.iter().any(|column| column.name == name).then_some(Self::PassedOver),
            },
        }
    }
}

/// The columns of a file.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// What stands between cells.
    pub(super) delimiter: Delimiter,
    /// The names as they are understood, and what they mean.
    pub(super) columns: Vec<(String, Column)>,
}

impl Header {
    /// Reads the header, by this delimiter or by the one that makes most sense.
    ///
    /// # Errors
    /// Invalid, with all that is wrong with it: an unknown column and what may be meant, one that stands there twice, none
    /// that says whom a row is about.
    pub(super) fn read(source: &Source, delimiter: Option<Delimiter>) -> Result<Self> {
        let (delimiter, row) = match delimiter {
            Some(delimiter) => (delimiter, source.rows(delimiter)?.next()?),
            None => guess(source)?,
        };
        let Some(row) = row else {
            return Err(Error::invalid(format!(
                "{} is empty: its first row has to name the columns. Nothing was written.",
                source.name()
            )));
        };
        Self::of(&row, delimiter)
    }

    fn of(row: &Row, delimiter: Delimiter) -> Result<Self> {
        let mut columns: Vec<(String, Column)> = Vec::new();
        let mut wrong = Vec::new();
        if row.len() > MOST_COLUMNS {
            let words =
                format!("there are {} of them, and users have at most {}", row.len(), COLUMNS.len() + 2);
            return Err(refusal(row, vec![words]));
        }
        for (at, cell) in row.cells().enumerate() {
            let name = name(cell);
            let shown = text::safe(&text::truncate(&name, 60)).into_owned();
            if let Some(first) = columns.iter().position(|(other, _)| *other == name) {
                wrong.push(format!("the columns {} and {} are both '{shown}'", first + 1, at + 1));
            } else if name.is_empty() {
                wrong.push(format!("column {} has no name", at + 1));
            } else if Column::named(&name).is_none() {
                wrong.push(unknown(&shown, known()));
            }
            let column = Column::named(&name).unwrap_or(Column::PassedOver);
            columns.push((name, column));
        }
        if !columns.iter().any(|(name, _)| name == "username" || name == "id") {
            wrong.push("there is no column 'username' or 'id', which says whom a row is about".to_owned());
        }
        if wrong.is_empty() {
            return Ok(Self { delimiter, columns });
        }
        Err(refusal(row, wrong))
    }

    /// Whether there is a column of this name.
    #[must_use]
    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|(other, _)| other == name)
    }
}

/// What is wrong with the first row.
fn refusal(row: &Row, wrong: Vec<String>) -> Error {
    let line = row.line;
    let words = format!("Line {line}, the names of the columns: {}. Nothing was written.", wrong.join("; "));
    let error = Error::new(Kind::Invalid, words);
    wrong.into_iter().fold(error, |error, what| error.and_field(&format!("line {line}"), what))
}

/// The names that a header may have.
fn known() -> impl Iterator<Item = &'static str> + Clone {
    COLUMNS.iter().filter(|column| column.is_imported).map(|column| column.name).chain(["password"])
}

/// A name as people write it: `Phone number` is `phone_number`.
fn name(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim().to_lowercase().replace([' ', '-'], "_")
}

/// The delimiter by which the first row has most columns that are known.
fn guess(source: &Source) -> Result<(Delimiter, Option<Row>)> {
    let mut best: Option<(usize, Delimiter, Option<Row>)> = None;
    for delimiter in Delimiter::ALL {
        let row = source.rows(delimiter)?.next()?;
        let known =
            row.iter().flat_map(Row::cells).filter(|cell| Column::named(&name(cell)).is_some()).count();
        if best.as_ref().is_none_or(|(most, ..)| known > *most) {
            best = Some((known, delimiter, row));
        }
    }
    Ok(best.map_or((Delimiter::Comma, None), |(_, delimiter, row)| (delimiter, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Header> {
        Header::read(&Source::copy(text.as_bytes())?, None)
    }

    #[test]
    fn a_header_is_in_any_order_with_any_delimiter() {
        for (text, delimiter) in [
            ("email,username\n", Delimiter::Comma),
            ("Username;E_mail;groups", Delimiter::Semicolon),
            ("First name\tusername\n", Delimiter::Tab),
            ("username", Delimiter::Comma),
        ] {
            match read(text) {
                Ok(header) => assert_eq!(header.delimiter, delimiter, "{text}"),
                Err(error) => assert!(error.message.contains("did you mean 'email'?"), "{}", error.message),
            }
        }
        let header = read("last_login,id,password,phone-number").unwrap();
        assert!(header.has("phone_number") && !header.has("username"));
        assert!(matches!(header.columns[0].1, Column::PassedOver));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let error = read("email,mail,email,,phone_numer").unwrap_err();
        assert_eq!(
            error.message,
            "Line 1, the names of the columns: there is no column 'mail'; did you mean 'email'?; the columns 1 and 3 are \
             both 'email'; column 4 has no name; there is no column 'phone_numer'; did you mean 'phone_number'?; there \
             is no column 'username' or 'id', which says whom a row is about. Nothing was written."
        );
        assert_eq!(error.fields["line 1"].len(), 5);
        assert!(read("").unwrap_err().message.contains("is empty"));
    }
}
