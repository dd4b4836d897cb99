//! SQL written once: static pieces, `?` for values, catalogue names only as checked [`Ident`]s.

use super::value::{Cell, Val};
use super::{DbError, Dialect};

/// The name of a table or column as it may enter SQL: taken from the catalogue, quoted for the engine when rendered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

impl Ident {
    /// Takes a name from the catalogue.
    ///
    /// # Errors
    /// When it is empty, longer than 128 bytes, or holds a quote, a backslash or a control character: no engine's
    /// quoting is relied on for those.
    pub fn new(name: &str) -> Result<Self, DbError> {
        let odd = |c: char| c.is_control() || matches!(c, '"' | '`' | '\\' | '\'' | '?');
        if name.is_empty() || name.len() > 128 || name.chars().any(odd) {
            return Err(DbError::bug(format!("'{}' can't be used as a name in SQL", name.escape_debug())));
        }
        Ok(Self(name.to_owned()))
    }

    /// The bare name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(&'static str),
    Ident(Ident),
    /// A time column or expression, selected so that every engine gives it in a form that can be read.
    Time(&'static str),
    /// A column selected as the engine's own text.
    Image(Ident, ImageForm),
    /// The type to cast a parameter to (PostgreSQL only).
    Type(String),
    /// A member of a JSON object that stands as text in a column: the column and the member's name.
    Json(&'static str, &'static str),
    /// SQL for PostgreSQL, and for the others.
    ByEngine(&'static str, &'static str),
    /// A number in the text itself, where the engine takes no parameter.
    Number(i64),
}

/// How a column is selected and written so that it comes back exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageForm {
    /// As it is: numbers and booleans everywhere; everything on SQLite; bytes on MySQL.
    Plain,
    /// As the engine's own text.
    Text,
}

/// A statement with its values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sql {
    pieces: Vec<Piece>,
    args: Vec<Val>,
    unprepared: bool,
}

impl Sql {
    /// Begins a statement.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self::default().push(text)
    }

    /// The same statement, without values, sent as it stands: MySQL can't prepare every one of its own.
    #[must_use]
    pub fn unprepared(self) -> Self {
        Self { unprepared: true, ..self }
    }

    pub(super) fn is_unprepared(&self) -> bool {
        self.unprepared
    }

    /// Whether nothing stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends SQL. `?` stands for a value; there must be no other `?` and no backslash in it.
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        self.pieces.push(Piece::Text(text));
        self
    }

    /// Gives the value of the next `?`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Val>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Appends SQL with one `?` and its value.
    #[must_use]
    pub fn push_bind(self, text: &'static str, value: impl Into<Val>) -> Self {
        self.push(text).bind(value)
    }

    /// Appends a name from the catalogue, quoted.
    #[must_use]
    pub fn ident(mut self, name: &Ident) -> Self {
        self.pieces.push(Piece::Ident(name.clone()));
        self
    }

    /// Appends a number as it is: for statements that take no parameters (`ALTER …`), and for what a CASE gives.
    #[must_use]
    pub fn number(mut self, number: i64) -> Self {
        self.pieces.push(Piece::Number(number));
        self
    }

    /// Appends a time column for the SELECT list, to be read with [`super::Row::time`].
    #[must_use]
    pub fn time(mut self, expression: &'static str) -> Self {
        self.pieces.push(Piece::Time(expression));
        self
    }

    /// Appends a column for the SELECT list, to be read with [`super::Row::cell`].
    #[must_use]
    pub fn image(mut self, column: &Ident, form: ImageForm) -> Self {
        self.pieces.push(Piece::Image(column.clone(), form));
        self
    }

    /// Appends a member of the JSON object that a text column holds, as JSON text; `null` where there is none.
    #[must_use]
    pub fn json(mut self, column: &'static str, member: &'static str) -> Self {
        self.pieces.push(Piece::Json(column, member));
        self
    }

    /// Appends `?, ?, …` with these values; with none, a NULL that equals nothing.
    #[must_use]
    pub fn list<V: Into<Val>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let mut first = true;
        for value in values {
            self = self.push_bind(if first { "?" } else { ", ?" }, value);
            first = false;
        }
        if first { self.push("NULL") } else { self }
    }

    /// Appends ` IN (…)` with these values, for a column that may have no index: PostgreSQL hashes a list of VALUES, and
    /// compares parameters one by one with every row. With no values, a list that holds nothing.
    #[must_use]
    pub fn among<V: Into<Val>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let mut first = true;
        for value in values {
            let (postgres, others) = if first { (" IN (VALUES (?", " IN (?") } else { ("), (?", ", ?") };
            self.pieces.push(Piece::ByEngine(postgres, others));
            self.args.push(value.into());
            first = false;
        }
        if first {
            return self.push(" IN (NULL)");
        }
        self.pieces.push(Piece::ByEngine("))", ")"));
        self
    }

    /// Appends another statement's text and values.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self.args.extend(other.args);
        self
    }

    /// Appends a value that goes into a column of this PostgreSQL type. The type carries no length: an explicit cast
    /// to `varchar(15)` would cut silently, assignment refuses.
    #[must_use]
    pub fn cell(mut self, cell: &Cell, postgres_type: &str) -> Self {
        if let Cell::RawText(bytes) = cell {
            self = self.push("CAST(? AS TEXT)");
            self.args.push(Val::Bytes(bytes.clone()));
            return self;
        }
        self.pieces.push(Piece::Type(postgres_type.to_owned()));
        self.args.push(Val::Cell(cell.clone()));
        self
    }

    /// The text for this engine.
    #[must_use]
    pub fn render(&self, dialect: Dialect) -> String {
        let mut out = String::with_capacity(self.pieces.len() * 32);
        let mut number = 0_usize;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => push_text(&mut out, text, dialect, &mut number),
                Piece::ByEngine(postgres, others) => {
                    let text = if dialect == Dialect::Postgres { postgres } else { others };
                    push_text(&mut out, text, dialect, &mut number);
                }
                Piece::Number(literal) => out.push_str(&literal.to_string()),
                Piece::Json(column, member) => out.push_str(&dialect.json_member(column, member)),
                Piece::Ident(name) => dialect.quote(&mut out, name.as_str()),
                Piece::Time(expression) => out.push_str(&dialect.readable_time(expression)),
                Piece::Image(name, form) => dialect.image_column(&mut out, name.as_str(), *form),
                Piece::Type(name) => {
                    number += 1;
                    out.push_str(&dialect.typed_parameter(number, name));
                }
            }
        }
        out
    }

    pub(super) fn args(&self) -> &[Val] {
        &self.args
    }
}

fn push_text(out: &mut String, text: &str, dialect: Dialect, number: &mut usize) {
    if !dialect.numbers_parameters() {
        *number += text.matches('?').count();
        out.push_str(text);
        return;
    }
    for (index, part) in text.split('?').enumerate() {
        if index > 0 {
            *number += 1;
            out.push('$');
            out.push_str(&number.to_string());
        }
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_for_postgresql_only() {
        let sql = Sql::new("SELECT id FROM auth_user WHERE username = ")
            .push_bind("?", "a")
            .push(" AND id IN (")
            .list([1_i64, 2])
            .push(")");
        assert_eq!(
            sql.render(Dialect::Sqlite),
            "SELECT id FROM auth_user WHERE username = ? AND id IN (?, ?)"
        );
        assert_eq!(
            sql.render(Dialect::Postgres),
            "SELECT id FROM auth_user WHERE username = $1 AND id IN ($2, $3)"
        );
        assert_eq!(sql.args().len(), 3);
    }

    #[test]
    fn a_list_among_which_to_look_is_hashed_on_postgresql() {
        let sql = Sql::new("SELECT id FROM auth_user WHERE id")
            .among([1_i64, 2])
            .push(" AND is_active = ")
            .push("TRUE");
        assert_eq!(
            sql.render(Dialect::MySql),
            "SELECT id FROM auth_user WHERE id IN (?, ?) AND is_active = TRUE"
        );
        assert_eq!(
            sql.render(Dialect::Postgres),
            "SELECT id FROM auth_user WHERE id IN (VALUES ($1), ($2)) AND is_active = TRUE"
        );
        assert_eq!(Sql::new("id").among(Vec::<i64>::new()).render(Dialect::Sqlite), "id IN (NULL)");
    }

    #[test]
    fn odd_names_are_refused() {
        for name in ["", "a\"b", "a`b", "a\\b", "a'b", "a?b", "a\nb"] {
            assert!(Ident::new(name).is_err(), "{name}");
        }
        let name = Ident::new("odd name").unwrap();
        assert_eq!(Sql::new("SELECT ").ident(&name).render(Dialect::MySql), "SELECT `odd name`");
    }
}
