//! What a row asks for: its cells, read but not yet compared with the account that it is about.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::portal::password::{self, Stored};
use crate::portal::rules;
use crate::text;

use super::header::{Column, Header};
use super::source::Row;

/// What is wrong with a cell: the column, and the words.
pub(super) type Wrong = (String, String);

/// A row's wishes. What is absent stays as it is, or becomes the form's default.
#[derive(Clone, Default)]
pub(super) struct Given {
    /// The line that it begins in.
    pub(super) line: u64,
    /// Whom it is about, by id.
    pub(super) id: Option<i64>,
    /// Text by the name of the field, empty where it is to be cleared. Groups as they stand in the cell.
    pub(super) texts: BTreeMap<&'static str, String>,
    /// The password as Django encodes it.
    pub(super) password: Option<Zeroizing<String>>,
}

impl Given {
    /// Reads a row, and all that is wrong with its cells by themselves.
    ///
    /// # Errors
    /// What is so wrong that nothing more can be said of the row.
    pub(super) fn read(header: &Header, row: &Row) -> Result<(Self, Vec<Wrong>), Vec<Wrong>> {
        let mut given = Self { line: row.line, ..Self::default() };
        let mut wrong = Vec::new();
        if row.len() != header.columns.len() {
            let cells = if row.len() == 1 { "1 cell" } else { &format!("{} cells", row.len()) };
            let words = format!(
                "the row has {cells}, and the header {}; is there a quote missing around a text with a comma?",
                header.columns.len()
            );
            return Err(vec![(String::new(), words)]);
        }
        let mut is_somebody = true;
        for (at, (name, column)) in header.columns.iter().enumerate() {
            let bytes = row.cell(at);
            if bytes.is_empty() || matches!(column, Column::PassedOver) {
                continue;
            }
            let taken = match std::str::from_utf8(bytes) {
                Ok(cell) => given.take(*column, cell),
                Err(error) => {
                    let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
                    Err(format!("this is not UTF-8 (the byte {byte:02x}): save the file as \"CSV UTF-8\"."))
                }
            };
            if let Err(words) = taken {
                is_somebody &= !matches!(name.as_str(), "id" | "username");
                wrong.push((name.clone(), words));
            }
        }
        if is_somebody && given.id.is_none() && rules::is_blank(given.text("username").unwrap_or_default()) {
            wrong.push(("username".to_owned(), rules::REQUIRED.to_owned()));
            is_somebody = false;
        }
        if is_somebody { Ok((given, wrong)) } else { Err(wrong) }
    }

    fn take(&mut self, column: Column, cell: &str) -> Result<(), String> {
        let text = text::from_spreadsheet(cell);
        match column {
            Column::PassedOver => {}
            Column::Id => {
                let id = text.trim().parse().ok().filter(|id| *id > 0);
                self.id = Some(id.ok_or("this is no id: a whole number, or nothing for a new account.")?);
            }
            Column::Password => self.password = Some(encoded(text)?),
            // A cell of blanks is as empty as one without any; an apostrophe alone empties the field.
            Column::Field(_) if cell != "'" && rules::is_blank(text) => {}
            Column::Field(field) => {
                self.texts.insert(field.name, text.to_owned());
            }
        }
        Ok(())
    }

    /// The text given for a field.
    #[must_use]
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.texts.get(field).map(String::as_str)
    }

    /// The username in the form in which it would be stored, to look for whom the row is about.
    #[must_use]
    pub(super) fn username(&self) -> Option<String> {
        self.text("username").map(rules::normal_username)
    }

    /// What to call the row in a message: `line 7 (bela)`.
    #[must_use]
    pub(super) fn title(&self) -> String {
        match (self.text("username"), self.id) {
            (Some(name), _) => {
                format!("Line {} ({})", self.line, text::safe(&text::truncate(name.trim(), 40)))
            }
            (None, Some(id)) => format!("Line {} (#{id})", self.line),
            (None, None) => format!("Line {}", self.line),
        }
    }
}

/// A password that is ready to be stored. Never repeated in an error: it may be one in clear.
fn encoded(text: &str) -> Result<Zeroizing<String>, String> {
    let text = text.trim();
    match password::read(text) {
        Stored::Usable(_) | Stored::Unusable if text.chars().count() <= rules::PASSWORD_COLUMN_MAX => {
            Ok(Zeroizing::new(text.to_owned()))
        }
        Stored::Unsupported(hasher) => Err(format!(
            "a hash of {} can't be checked here, and the portal may not know it; leave the cell empty and set a \
             password later.",
            text::safe(&text::truncate(&hasher, 30))
        )),
        _ => Err("this is no password as Django stores it (pbkdf2_sha256$…). Passwords in clear are not taken from \
                  files: leave the cell empty, or let new ones be made up."
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::{Delimiter, Source};
    use super::*;

    fn read(text: &str) -> Result<(Given, Vec<Wrong>), Vec<Wrong>> {
        let source = Source::copy(text.as_bytes()).unwrap();
        let header = Header::read(&source, None).unwrap();
        let mut rows = source.rows(Delimiter::Comma).unwrap();
        rows.next().unwrap();
        Given::read(&header, &rows.next().unwrap().unwrap())
    }

    #[test]
    fn an_empty_cell_is_nothing_and_an_apostrophe_empties() {
        let (given, wrong) = read("id,username,email,phone_number,first_name\n 7 ,bela,,'+1 5,'\n").unwrap();
        assert_eq!(wrong, []);
        assert_eq!(given.id, Some(7));
        assert_eq!(given.text("email"), None);
        assert_eq!((given.text("phone_number"), given.text("first_name")), (Some("+1 5"), Some("")));
        assert_eq!(given.title(), "Line 2 (bela)");
    }

    #[test]
    fn what_is_wrong_with_cells_is_told_by_column() {
        let wrong = |text: &str| read(text).map_or_else(|wrong| wrong, |(_, wrong)| wrong);
        assert_eq!(wrong("id,username\nx,\n")[0].0, "id");
        assert_eq!(wrong("id,username\n,\" \"\n"), [("username".to_owned(), rules::REQUIRED.to_owned())]);
        assert!(wrong("username,email\na,b,c\n")[0].1.contains("3 cells, and the header 2"));
        let clear = wrong("username,password\nbela,Canary-7-secret\n");
        assert!(clear[0].1.contains("no password as Django") && !clear[0].1.contains("anary"));
    }

    #[test]
    fn ready_hashes_are_taken() {
        let hash = "pbkdf2_sha256$600000$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
        let password = |text: &str| read(text).unwrap().0.password.unwrap();
        assert_eq!(*password(&format!("username,password\nb,{hash}\n")), hash);
        assert_eq!(*password("username,password\nb,!abc\n"), "!abc");
    }
}
