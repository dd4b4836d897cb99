//! Tables of a server as SQL that makes them anew, as they stand at one moment.
//!
//! Everything is read in one transaction that sees one state of the database. Rows go out as they come, so memory stays
//! flat. What a table is made of the server tells itself: MySQL with SHOW CREATE TABLE, PostgreSQL piece by piece.

mod postgres;

use std::fmt::Write as _;

use tokio::sync::mpsc;

use super::pool::Lease;
use super::schema::Table;
use super::{Cancel, Cell, Db, DbError, DbErrorKind, Dialect, Row, Sql, hex};

/// About so many bytes of rows make one statement.
const STATEMENT: usize = 64 * 1024;

/// A part of the dump, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// SQL to be written down.
    Text(String),
    /// A table is through.
    Table {
        /// Its name.
        name: String,
        /// How many rows it has.
        rows: u64,
    },
}

type Sender = mpsc::Sender<Result<Piece, DbError>>;

impl Db {
    /// The SQL that makes these tables with their rows in an empty database of the same engine. Dropping the receiver
    /// ends it. SQLite has its own way, [`Db::copy_into`].
    #[must_use]
    pub fn dump(&self, tables: Vec<Table>) -> mpsc::Receiver<Result<Piece, DbError>> {
        let (sender, receiver) = mpsc::channel(16);
        let (shared, cancel, dialect) = (self.shared().clone(), self.cancel().cloned(), self.dialect());
        tokio::spawn(async move {
            let written = match shared.lease_fresh().await {
                Ok(mut lease) => {
                    let dump = Dump { cancel: cancel.as_ref(), dialect, tables: &tables, out: &sender };
                    let written = dump.write(&mut lease).await;
                    // It looks at times and snapshots in a way of its own.
                    lease.discard();
                    written
                }
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                drop(sender.send(Err(error)).await);
            }
        });
        receiver
    }

    /// SQLite: writes the whole database into a file that is empty, and looks whether the copy is whole.
    ///
    /// # Errors
    /// What SQLite says; in words, what is wrong with the copy.
    pub async fn copy_into(&self, path: &str) -> Result<(), DbError> {
        self.all(Sql::new("VACUUM INTO ?").bind(path)).await.map(drop)
    }

    /// SQLite: what is wrong with the database, in its own words; nothing where it is whole.
    ///
    /// # Errors
    /// What SQLite says.
    pub async fn integrity(&self) -> Result<Vec<String>, DbError> {
        let rows = self.all(Sql::new("PRAGMA integrity_check(20)")).await?;
        let said = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }
}

/// The statements that begin the one state that is seen. Each ends up in the program, never in the file.
const fn begin(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Sqlite => &["BEGIN"],
        Dialect::MySql => &[
            "SET time_zone = '+00:00'",
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ],
        Dialect::Postgres => &["SET TIME ZONE 'UTC'", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"],
    }
}

/// What the file begins with, so that every value is read as it was written.
const fn head(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::MySql => {
            "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\nSET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n\
             SET foreign_key_checks = 0;\nSET unique_checks = 0;\n\n"
        }
        Dialect::Postgres => {
            "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET TIME ZONE 'UTC';\n\
             SET DateStyle = 'ISO, YMD';\n\n"
        }
    }
}

const fn foot(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::MySql => "SET foreign_key_checks = 1;\nSET unique_checks = 1;\n",
        Dialect::Sqlite | Dialect::Postgres => "",
    }
}

struct Dump<'a> {
    cancel: Option<&'a Cancel>,
    dialect: Dialect,
    tables: &'a [Table],
    out: &'a Sender,
}

impl Dump<'_> {
    async fn write(&self, lease: &mut Lease) -> Result<(), DbError> {
        for statement in begin(self.dialect) {
            lease.execute_text(statement).await?;
        }
        self.text(head(self.dialect).to_owned()).await?;
        for table in self.tables {
            let made = match self.dialect {
                Dialect::Postgres => postgres::table(lease, self.cancel, table).await?,
                _ => self.shown(lease, table).await?,
            };
            self.text(made).await?;
            let rows = self.rows(lease, table).await?;
            self.piece(Piece::Table { name: table.name.as_str().to_owned(), rows }).await?;
        }
        if self.dialect == Dialect::Postgres {
            for table in self.tables {
                self.text(postgres::counters(lease, self.cancel, table).await?).await?;
                self.text(postgres::indexes(lease, self.cancel, table).await?).await?;
            }
            // Last, when everything that they refer to is there.
            for table in self.tables {
                self.text(postgres::references(lease, self.cancel, table).await?).await?;
            }
        }
        self.text(foot(self.dialect).to_owned()).await
    }

    async fn piece(&self, piece: Piece) -> Result<(), DbError> {
        let gone = |_| DbError::new(DbErrorKind::Cancelled, "nobody takes the dump any more");
        self.out.send(Ok(piece)).await.map_err(gone)
    }

    async fn text(&self, text: String) -> Result<(), DbError> {
        if text.is_empty() { Ok(()) } else { self.piece(Piece::Text(text)).await }
    }

    /// MySQL's own words for a table, with its indexes, foreign keys and counter.
    async fn shown(&self, lease: &mut Lease, table: &Table) -> Result<String, DbError> {
        let rows = lease.all(&Sql::new("SHOW CREATE TABLE ").ident(&table.name), self.cancel).await?;
        let row = rows.first().ok_or_else(|| DbError::bug("SHOW CREATE TABLE gave no row"))?;
        Ok(format!("{};\n\n", row.text(1)?))
    }

    /// Writes the rows as INSERTs of many; how many there are.
    async fn rows(&self, lease: &mut Lease, table: &Table) -> Result<u64, DbError> {
        let mut select = Sql::new("SELECT ");
        let mut names = String::new();
        let written = || table.columns.iter().filter(|column| !column.generated);
        for (index, column) in written().enumerate() {
            select = select.push(if index == 0 { "" } else { ", " });
            select = select.image(&column.name, self.dialect.image_form(column.kind));
            names.push_str(if index == 0 { "" } else { ", " });
            self.dialect.quote(&mut names, column.name.as_str());
        }
        select = select.push(" FROM ").ident(&table.name);
        for (index, name) in table.primary_key.iter().enumerate() {
            let Some(column) = table.column(name) else { continue };
            select = select.push(if index == 0 { " ORDER BY " } else { ", " }).ident(&column.name);
        }
        let mut insert = "INSERT INTO ".to_owned();
        self.dialect.quote(&mut insert, table.name.as_str());
        // Ids are given even where PostgreSQL would rather make them itself.
        let given = if self.dialect == Dialect::Postgres { " OVERRIDING SYSTEM VALUE" } else { "" };
        let _ = writeln!(insert, " ({names}){given} VALUES");
        let columns = written().count();
        let (sender, mut rows) = mpsc::channel(256);
        let read = async {
            lease.send_all(&select, self.cancel, &sender).await;
            drop(sender);
        };
        let write = async {
            let (mut count, mut statement) = (0, String::new());
            while let Some(row) = rows.recv().await {
                let row = row?;
                count += 1;
                statement.push_str(if statement.is_empty() { &insert } else { ",\n" });
                push_row(&mut statement, self.dialect, &row, columns)?;
                if statement.len() >= STATEMENT {
                    statement.push_str(";\n");
                    self.text(std::mem::take(&mut statement)).await?;
                }
            }
            if !statement.is_empty() {
                statement.push_str(";\n");
            }
            self.text(statement + "\n").await?;
            Ok(count)
        };
        let ((), count) = tokio::join!(read, write);
        count
    }
}

fn push_row(out: &mut String, dialect: Dialect, row: &Row, columns: usize) -> Result<(), DbError> {
    out.push('(');
    for index in 0..columns {
        out.push_str(if index == 0 { "" } else { ", " });
        push_value(out, dialect, &row.cell(index)?);
    }
    out.push(')');
    Ok(())
}

/// A value as the engine reads it back: on PostgreSQL the column's own type makes something of the text.
fn push_value(out: &mut String, dialect: Dialect, cell: &Cell) {
    let _infallible = match cell {
        Cell::Null => write!(out, "NULL"),
        Cell::Bool(true) if dialect == Dialect::Postgres => write!(out, "TRUE"),
        Cell::Bool(false) if dialect == Dialect::Postgres => write!(out, "FALSE"),
        Cell::Bool(value) => write!(out, "{}", u8::from(*value)),
        Cell::Int(value) => write!(out, "{value}"),
        Cell::Real(value) => write!(out, "{value:?}"),
        Cell::Bytes(bytes) | Cell::RawText(bytes) if dialect == Dialect::Postgres => {
            write!(out, "'\\x{}'", hex(bytes))
        }
        Cell::Bytes(bytes) | Cell::RawText(bytes) => write!(out, "X'{}'", hex(bytes)),
        Cell::Text(text) => {
            push_text(out, dialect, text);
            Ok(())
        }
    };
}

fn push_text(out: &mut String, dialect: Dialect, text: &str) {
    out.push('\'');
    for c in text.chars() {
        match (dialect, c) {
            (_, '\'') => out.push_str("''"),
            // The file sets the mode in which a backslash escapes.
            (Dialect::MySql, '\\') => out.push_str("\\\\"),
            (Dialect::MySql, '\0') => out.push_str("\\0"),
            (Dialect::MySql, '\n') => out.push_str("\\n"),
            (Dialect::MySql, '\r') => out.push_str("\\r"),
            (Dialect::MySql, '\x1a') => out.push_str("\\Z"),
            (_, c) => out.push(c),
        }
    }
    out.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_their_engine_reads_them() {
        let shown = |dialect, cell: Cell| {
            let mut out = String::new();
            push_value(&mut out, dialect, &cell);
            out
        };
        let odd = || Cell::Text("a'\\\n\0\u{1a}\u{e9}".to_owned());
        assert_eq!(shown(Dialect::MySql, odd()), "'a''\\\\\\n\\0\\Z\u{e9}'");
        assert_eq!(shown(Dialect::Postgres, Cell::Text("a'\\".to_owned())), "'a''\\'");
        assert_eq!(shown(Dialect::Postgres, Cell::Bytes(vec![0, 255])), "'\\x00ff'");
        assert_eq!(shown(Dialect::MySql, Cell::Bytes(vec![0, 255])), "X'00ff'");
        assert_eq!(shown(Dialect::MySql, Cell::Bool(true)), "1");
        assert_eq!(shown(Dialect::Postgres, Cell::Bool(true)), "TRUE");
        assert_eq!(shown(Dialect::Postgres, Cell::Int(-3)), "-3");
        assert_eq!(shown(Dialect::MySql, Cell::Null), "NULL");
    }
}
