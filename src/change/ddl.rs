//! Statements that alter a table: an index, a foreign key, a counter. Each is made of its parts, so that no SQL is ever
//! taken from a file or from the journal: what is kept there are the parts, and every name in them is checked again
//! whenever the statement is built.

use serde::{Deserialize, Serialize};

use crate::db::schema::Schema;
use crate::db::{Cell, DbError, DbErrorKind, Dialect, Failure, Ident, Reads, Sql, counter, named};
use crate::error::{Error, Result};

use super::plan::Image;

/// What is altered about a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alter {
    /// A new index.
    AddIndex(Index),
    /// An index that goes; its parts are those that it has, to make it again.
    DropIndex(Index),
    /// MySQL: a new index in place of one that it makes superfluous. The engine drops one that it made for a foreign key
    /// by itself when another can serve the key, and then nothing could take that back.
    ExchangeIndex {
        /// The one that comes.
        new: Index,
        /// The one that goes, of another name; its parts are those that it has.
        old: Index,
    },
    /// A new foreign key.
    AddForeignKey(Reference),
    /// A foreign key that goes; its parts are those that it has.
    DropForeignKey(Reference),
    /// PostgreSQL: a foreign key that was added `NOT VALID` looks at the rows that were there.
    ValidateForeignKey {
        /// Its name.
        name: String,
    },
    /// MySQL: the key counts by itself.
    AddCounter(Key),
    /// MySQL: it does not.
    DropCounter(Key),
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its columns, in its order.
    pub columns: Vec<String>,
    /// Whether it keeps them unique.
    pub unique: bool,
    /// PostgreSQL: it belongs to a constraint of its name, as Django makes unique columns.
    pub constraint: bool,
    /// PostgreSQL: it serves `LIKE`, as Django makes a second one for texts.
    pub like: bool,
}

impl Index {
    /// A unique one, made as Django makes it.
    #[must_use]
    pub fn unique(name: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { name: name.to_owned(), columns, unique: true, constraint: true, like: false }
    }
}

/// A foreign key without an action on deletion, as Django makes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its name.
    pub name: String,
    /// The column that refers.
    pub column: String,
    /// The table referred to.
    pub to_table: String,
    /// Its column.
    pub to_column: String,
}

/// A key of whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The column.
    pub column: String,
    /// Its type in the catalogue's words: `int(11)`, `bigint(20) unsigned`.
    pub sql_type: String,
}

/// A statement that alters a table, with the one that takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ddl {
    table: String,
    alter: Alter,
    dialect: Dialect,
}

impl Ddl {
    /// Of these parts, for this engine.
    ///
    /// # Errors
    /// A name that can't stand in SQL; an alteration that the engine doesn't know.
    pub fn new(dialect: Dialect, table: &str, alter: Alter) -> Result<Self> {
        let ddl = Self { table: table.to_owned(), alter, dialect };
        ddl.sql()?;
        Ok(ddl)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// What is altered.
    #[must_use]
    pub fn alter(&self) -> &Alter {
        &self.alter
    }

    /// The engine that it is for.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The name of what is made, dropped or altered.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.alter {
            Alter::AddIndex(index) | Alter::DropIndex(index) | Alter::ExchangeIndex { new: index, .. } => {
                &index.name
            }
            Alter::AddForeignKey(key) | Alter::DropForeignKey(key) => &key.name,
            Alter::ValidateForeignKey { name } => name,
            Alter::AddCounter(key) | Alter::DropCounter(key) => &key.column,
        }
    }

    /// The statement, as it is sent.
    #[must_use]
    pub fn statement(&self) -> String {
        self.sql().map(|sql| sql.render(self.dialect)).unwrap_or_default()
    }

    /// The statement that takes it back, where there is one.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let alter = match self.alter.clone() {
            Alter::AddIndex(index) => Alter::DropIndex(index),
            Alter::DropIndex(index) => Alter::AddIndex(index),
            Alter::ExchangeIndex { new, old } => Alter::ExchangeIndex { new: old, old: new },
            Alter::AddForeignKey(reference) => Alter::DropForeignKey(reference),
            Alter::DropForeignKey(reference) => Alter::AddForeignKey(reference),
            Alter::AddCounter(key) => Alter::DropCounter(key),
            Alter::DropCounter(key) => Alter::AddCounter(key),
            Alter::ValidateForeignKey { .. } => return None,
        };
        Some(Self { alter, ..self.clone() })
    }

    /// What has to hold for it to succeed, in words.
    #[must_use]
    pub fn needs(&self) -> String {
        let right = match self.dialect {
            Dialect::Sqlite => "",
            Dialect::MySql => "the rights ALTER and INDEX on the table, and ",
            Dialect::Postgres => "that the database account owns the table, and ",
        };
        let rows = match &self.alter {
            Alter::AddIndex(index) | Alter::ExchangeIndex { new: index, .. } if index.unique => {
                format!("no two rows with the same {}", index.columns.join(", "))
            }
            Alter::AddForeignKey(Reference { column, to_table, .. }) => {
                format!("no {column} that {to_table} does not have")
            }
            Alter::ValidateForeignKey { name } => format!("no row that breaks {name}"),
            _ => "nobody who holds the table for long".to_owned(),
        };
        format!("{right}{rows}")
    }

    /// Whether the engine commits it by itself, so that it can't be tried beforehand and rolled back.
    #[must_use]
    pub fn commits_by_itself(&self) -> bool {
        commits_by_itself(self.dialect)
    }

    /// Whether the catalogue says already what the statement would make it say.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn is_done(&self, reads: &mut dyn Reads) -> Result<bool> {
        let table = Ident::new(&self.table)?;
        Ok(match &self.alter {
            Alter::AddIndex(index) => named::has_index(reads, &table, &index.name).await?,
            Alter::DropIndex(index) => !named::has_index(reads, &table, &index.name).await?,
            Alter::ExchangeIndex { new, old } => {
                named::has_index(reads, &table, &new.name).await?
                    && !named::has_index(reads, &table, &old.name).await?
            }
            Alter::AddForeignKey(key) => named::foreign_key(reads, &table, &key.name).await?.is_some(),
            Alter::DropForeignKey(key) => named::foreign_key(reads, &table, &key.name).await?.is_none(),
            Alter::ValidateForeignKey { name } => {
                named::foreign_key(reads, &table, name).await? == Some(true)
            }
            Alter::AddCounter(key) => {
                counter::read(reads, &table, &Ident::new(&key.column)?).await?.is_some()
            }
            Alter::DropCounter(key) => {
                counter::read(reads, &table, &Ident::new(&key.column)?).await?.is_none()
            }
        })
    }

    /// Refuses what can't be altered, or is altered already; the image of what takes it back.
    pub(super) async fn compare(
        &self,
        reads: &mut dyn Reads,
        schema: &Schema,
    ) -> std::result::Result<Option<Image>, Failure> {
        if self.dialect != reads.sql_dialect() {
            return Err(Error::bug("a statement was made for another engine").into());
        }
        self.fits(schema)?;
        if self.is_done(reads).await? {
            return Err(Error::conflict(format!(
                "{} is altered like that already; nothing was written. Look again.",
                self.table
            ))
            .into());
        }
        Ok(self.inverse().map(|inverse| inverse.image()))
    }

    /// Why the engine refused it, in words; rows that stand in the way are its own business to name.
    pub(super) fn explain(&self, error: DbError) -> Error {
        match error.kind {
            DbErrorKind::Unique | DbErrorKind::ForeignKey => Error::conflict(format!(
                "Rows of {} stand in the way; nothing was written. It needs {}. The database says: {}",
                self.table,
                self.needs(),
                error.message
            )),
            _ => error.into(),
        }
    }

    /// Refuses what names a table or column that is not there.
    fn fits(&self, schema: &Schema) -> Result<()> {
        let (columns, to): (Vec<&str>, _) = match &self.alter {
            Alter::AddIndex(index) | Alter::DropIndex(index) | Alter::ExchangeIndex { new: index, .. } => {
                (index.columns.iter().map(String::as_str).collect(), None)
            }
            Alter::AddForeignKey(key) | Alter::DropForeignKey(key) => {
                (vec![&key.column], Some((&key.to_table, &key.to_column)))
            }
            Alter::ValidateForeignKey { .. } => (Vec::new(), None),
            Alter::AddCounter(key) | Alter::DropCounter(key) => (vec![&key.column], None),
        };
        let named = columns.iter().map(|column| (self.table.as_str(), *column));
        for (table, column) in named.chain(to.map(|(table, column)| (table.as_str(), column.as_str()))) {
            if !schema.has(table, column) {
                return Err(Error::conflict(format!(
                    "The column {table}.{column} is not there; nothing was written. Look again."
                )));
            }
        }
        Ok(())
    }

    /// Its parts as the journal keeps them, with the statement for people.
    #[must_use]
    pub fn image(&self) -> Image {
        let parts = serde_json::to_string(&self.alter).unwrap_or_default();
        Image(vec![
            ("statement".to_owned(), Cell::Text(self.statement())),
            (PARTS.to_owned(), Cell::Text(parts)),
        ])
    }

    /// Reads [`Ddl::image`] back.
    ///
    /// # Errors
    /// A conflict, when it is none of ours.
    pub fn from_image(dialect: Dialect, table: &str, image: &Image) -> Result<Self> {
        let alter =
            image.text(PARTS).and_then(|parts| serde_json::from_str(parts).ok()).ok_or_else(|| {
                Error::conflict(format!("What was altered about {table} can't be read from the journal."))
            })?;
        Self::new(dialect, table, alter)
    }

    /// The statement.
    pub(super) fn sql(&self) -> Result<Sql> {
        let table = Ident::new(&self.table)?;
        let altered = Sql::new("ALTER TABLE ").ident(&table);
        Ok(match &self.alter {
            Alter::AddIndex(index) => self.add_index(&table, index)?,
            Alter::DropIndex(index) => self.drop_index(&table, index)?,
            Alter::ExchangeIndex { new, old } if self.dialect == Dialect::MySql => {
                let words = if new.unique { " ADD UNIQUE INDEX " } else { " ADD INDEX " };
                let sql = altered.push(words).ident(&Ident::new(&new.name)?).push(" (");
                let sql = columns(sql, &new.columns, "")?.push("), DROP INDEX ");
                sql.ident(&Ident::new(&old.name)?)
            }
            Alter::AddForeignKey(key) => self.add_foreign_key(altered, key)?,
            Alter::DropForeignKey(key) => match self.dialect {
                Dialect::Sqlite => return Err(self.unknown()),
                Dialect::MySql => altered.push(" DROP FOREIGN KEY ").ident(&Ident::new(&key.name)?),
                Dialect::Postgres => altered.push(" DROP CONSTRAINT ").ident(&Ident::new(&key.name)?),
            },
            Alter::ValidateForeignKey { name } if self.dialect == Dialect::Postgres => {
                altered.push(" VALIDATE CONSTRAINT ").ident(&Ident::new(name)?)
            }
            Alter::AddCounter(key) if self.dialect == Dialect::MySql => {
                modify(altered, key)?.push(" AUTO_INCREMENT")
            }
            Alter::DropCounter(key) if self.dialect == Dialect::MySql => modify(altered, key)?,
            Alter::ExchangeIndex { .. }
            | Alter::ValidateForeignKey { .. }
            | Alter::AddCounter(_)
            | Alter::DropCounter(_) => {
                return Err(self.unknown());
            }
        })
    }

    fn unknown(&self) -> Error {
        Error::invalid(format!(
            "This engine can't alter {} like that; nothing was written. The portal's own 'migrate' can.",
            self.table
        ))
    }

    fn add_index(&self, table: &Ident, index: &Index) -> Result<Sql> {
        let name = Ident::new(&index.name)?;
        if index.unique && index.constraint && self.dialect != Dialect::Sqlite {
            let sql = Sql::new("ALTER TABLE ").ident(table).push(" ADD CONSTRAINT ").ident(&name);
            return Ok(columns(sql.push(" UNIQUE ("), &index.columns, "")?.push(")"));
        }
        let sql = Sql::new(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
        let like = self.dialect == Dialect::Postgres && index.like;
        let class = if like { " varchar_pattern_ops" } else { "" };
        Ok(columns(sql.ident(&name).push(" ON ").ident(table).push(" ("), &index.columns, class)?.push(")"))
    }

    fn drop_index(&self, table: &Ident, index: &Index) -> Result<Sql> {
        let name = Ident::new(&index.name)?;
        let altered = Sql::new("ALTER TABLE ").ident(table);
        Ok(match self.dialect {
            Dialect::MySql => altered.push(" DROP INDEX ").ident(&name),
            Dialect::Postgres if index.constraint => altered.push(" DROP CONSTRAINT ").ident(&name),
            Dialect::Postgres | Dialect::Sqlite => Sql::new("DROP INDEX ").ident(&name),
        })
    }

    fn add_foreign_key(&self, altered: Sql, key: &Reference) -> Result<Sql> {
        let end = match self.dialect {
            Dialect::Sqlite => return Err(self.unknown()),
            Dialect::MySql => ")",
            Dialect::Postgres => ") DEFERRABLE INITIALLY DEFERRED",
        };
        Ok(altered
            .push(" ADD CONSTRAINT ")
            .ident(&Ident::new(&key.name)?)
            .push(" FOREIGN KEY (")
            .ident(&Ident::new(&key.column)?)
            .push(") REFERENCES ")
            .ident(&Ident::new(&key.to_table)?)
            .push(" (")
            .ident(&Ident::new(&key.to_column)?)
            .push(end))
    }
}

/// The member of an image that holds the parts.
const PARTS: &str = "alter";

/// Whether the engine commits what alters a table by itself.
pub(super) fn commits_by_itself(dialect: Dialect) -> bool {
    dialect == Dialect::MySql
}

fn columns(mut sql: Sql, names: &[String], class: &'static str) -> Result<Sql> {
    for (index, name) in names.iter().enumerate() {
        sql = sql.push(if index == 0 { "" } else { ", " }).ident(&Ident::new(name)?).push(class);
    }
    Ok(sql)
}

fn modify(altered: Sql, key: &Key) -> Result<Sql> {
    let word = key.sql_type.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    let unsigned = key.sql_type.to_ascii_lowercase().contains("unsigned");
    // Of these words only: the type is no name that could be quoted.
    let named = match (word.as_str(), unsigned) {
        ("smallint", false) => " smallint NOT NULL",
        ("smallint", true) => " smallint unsigned NOT NULL",
        ("mediumint", false) => " mediumint NOT NULL",
        ("mediumint", true) => " mediumint unsigned NOT NULL",
        ("int", false) => " int NOT NULL",
        ("int", true) => " int unsigned NOT NULL",
        ("bigint", false) => " bigint NOT NULL",
        ("bigint", true) => " bigint unsigned NOT NULL",
        _ => {
            return Err(Error::invalid(format!(
                "A column of type {} can't count by itself; nothing was written.",
                key.sql_type
            )));
        }
    };
    Ok(altered.push(" MODIFY ").ident(&Ident::new(&key.column)?).push(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ddl(dialect: Dialect, alter: Alter) -> Ddl {
        Ddl::new(dialect, "core_userprofile", alter).unwrap()
    }

    #[test]
    fn each_engine_gets_its_own_words() {
        let unique = || Alter::AddIndex(Index::unique("user_key", &["user_id"]));
        for (dialect, add, back) in [
            (
                Dialect::Sqlite,
                "CREATE UNIQUE INDEX \"user_key\" ON \"core_userprofile\" (\"user_id\")",
                "DROP INDEX \"user_key\"",
            ),
            (
                Dialect::MySql,
                "ALTER TABLE `core_userprofile` ADD CONSTRAINT `user_key` UNIQUE (`user_id`)",
                "ALTER TABLE `core_userprofile` DROP INDEX `user_key`",
            ),
            (
                Dialect::Postgres,
                "ALTER TABLE \"core_userprofile\" ADD CONSTRAINT \"user_key\" UNIQUE (\"user_id\")",
                "ALTER TABLE \"core_userprofile\" DROP CONSTRAINT \"user_key\"",
            ),
        ] {
            let made = ddl(dialect, unique());
            assert_eq!(made.statement(), add);
            assert_eq!(made.inverse().unwrap().statement(), back);
            assert_eq!(made.inverse().unwrap().inverse().unwrap(), made);
        }
    }

    #[test]
    fn parts_survive_the_journal_and_names_are_checked_on_the_way_back() {
        let key = Key { column: "id".into(), sql_type: "int(11)".into() };
        let made = ddl(Dialect::MySql, Alter::AddCounter(key));
        assert_eq!(
            made.statement(),
            "ALTER TABLE `core_userprofile` MODIFY `id` int NOT NULL AUTO_INCREMENT"
        );
        assert_eq!(Ddl::from_image(Dialect::MySql, "core_userprofile", &made.image()).unwrap(), made);
        let mut image = made.image();
        let bad = r#"{"add_counter":{"column":"id` int; DROP TABLE auth_user; --","sql_type":"int"}}"#;
        image.set(PARTS, Cell::Text(bad.to_owned()));
        assert!(Ddl::from_image(Dialect::MySql, "core_userprofile", &image).is_err());
    }

    #[test]
    fn what_an_engine_does_not_know_is_refused() {
        let reference = Reference {
            name: "fk".into(),
            column: "user_id".into(),
            to_table: "auth_user".into(),
            to_column: "id".into(),
        };
        assert!(Ddl::new(Dialect::Sqlite, "core_userprofile", Alter::AddForeignKey(reference)).is_err());
        let odd = Key { column: "id".into(), sql_type: "text".into() };
        assert!(Ddl::new(Dialect::MySql, "core_userprofile", Alter::AddCounter(odd)).is_err());
    }
}
