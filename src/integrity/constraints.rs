//! What keeps the portal's tables whole: its unique constraints and foreign keys, as the catalogue has them now. What a
//! portal was opened with is older than a repair.

use crate::change::{Alter, Ddl, Step};
use crate::db::Dialect;
use crate::db::blueprint::Unique;
use crate::db::physical::{self, Index, Reference};
use crate::db::schema::{PORTAL_TABLES, Schema};
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use super::check::{Part, Subject};
use super::decision::{Choice, Decision, Question};

/// The constraints of a database.
pub(super) struct Constraints<'a> {
    pub(super) dialect: Dialect,
    /// Tables and columns; of those nothing changes here.
    pub(super) schema: &'a Schema,
    pub(super) indexes: Vec<Index>,
    pub(super) references: Vec<Reference>,
}

impl<'a> Constraints<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn read(portal: &'a Portal) -> Result<Self> {
        Ok(Self {
            dialect: portal.dialect(),
            schema: &portal.schema,
            indexes: physical::indexes(&portal.db).await?,
            references: physical::references(&portal.db).await?,
        })
    }

    /// The indexes that keep exactly these columns unique.
    pub(super) fn unique<'b>(&'b self, unique: &'b Unique) -> impl Iterator<Item = &'b Index> {
        self.indexes.iter().filter(|index| {
            index.unique
                && index.table == unique.table
                && index.columns.len() == unique.columns.len()
                && unique.columns.iter().all(|column| index.columns.iter().any(|name| name == column))
        })
    }

    /// Whether these columns are unique together.
    pub(super) fn has(&self, unique: &Unique) -> bool {
        self.unique(unique).next().is_some()
    }

    /// Whether these columns are there and not unique together.
    pub(super) fn lacks(&self, unique: &Unique) -> bool {
        unique.columns.iter().all(|column| self.schema.has(unique.table, column)) && !self.has(unique)
    }

    /// The name for a unique constraint: Django's own, unless something else has it.
    pub(super) fn name_for(&self, unique: &Unique) -> String {
        let names = unique.names(self.dialect);
        // MySQL names indexes once in a table, the others once in a schema.
        let counts = |index: &Index| self.dialect != Dialect::MySql || index.table == unique.table;
        let is_free =
            |name: &&String| !self.indexes.iter().any(|index| index.name == **name && counts(index));
        names.iter().find(is_free).or(names.first()).cloned().unwrap_or_default()
    }

    /// MySQL: the index that was only made for a foreign key, and that a unique constraint makes superfluous. The engine
    /// would drop it by itself and without a word, and nothing could then be taken back.
    pub(super) fn replaced_by(&self, unique: &Unique) -> Option<&Index> {
        let serves_a_key = |index: &Index| {
            let named = |key: &Reference| key.table == index.table && key.name.as_ref() == Some(&index.name);
            // The index of a key without a name is called like its column.
            self.references.iter().any(named) || unique.columns.first() == Some(&index.name.as_str())
        };
        let is_beginning = |index: &Index| {
            index.columns.len() <= unique.columns.len()
                && index.columns.iter().zip(unique.columns).all(|(ours, wanted)| ours == wanted)
        };
        self.indexes.iter().find(|index| {
            self.dialect == Dialect::MySql
                && index.table == unique.table
                && !index.unique
                && is_beginning(index)
                && serves_a_key(index)
        })
    }
}

/// Who has to wait while a table is altered, in words.
pub(super) fn who_waits(dialect: Dialect, alter: &Alter) -> &'static str {
    match (dialect, alter) {
        (Dialect::Sqlite, _) => "Writes to the database wait meanwhile.",
        (Dialect::MySql, Alter::AddForeignKey(_)) => {
            "The table is copied: writes to it wait meanwhile, reads go on. MySQL commits it by itself."
        }
        (Dialect::MySql, _) => {
            "Others go on reading and writing but for a moment at its beginning and end. MySQL commits it by itself."
        }
        (Dialect::Postgres, Alter::AddForeignKey(_)) => "Writes to both tables wait meanwhile, reads go on.",
        (Dialect::Postgres, Alter::ValidateForeignKey { .. }) => "Others go on reading and writing.",
        (Dialect::Postgres, _) => "Reads and writes of the table wait meanwhile.",
    }
}

/// The question whether a statement is to be run, with its text.
pub(super) fn ask(subject: Subject, title: String, name: &str, ddl: &[Ddl]) -> Decision {
    let waits = ddl.first().map_or("", |ddl| who_waits(ddl.dialect(), ddl.alter()));
    let statements: Vec<String> = ddl.iter().map(Ddl::statement).collect();
    let label = format!("{}. {waits}", statements.join("; "));
    let choice = Choice::new(name, text::safe(&label).into_owned());
    let question = Question::new(name, "Run this statement", vec![choice]).proposing(name);
    Decision { subject, title, questions: vec![question] }
}

/// The repair that consists of one statement.
pub(super) fn part(subject: Subject, title: String, ddl: Ddl) -> Part {
    Part { subject, title, steps: vec![Step::Ddl(ddl)], require: Vec::new() }
}

/// The name of a portal's table as the checks carry it; none for another's.
pub(super) fn portal_table(name: &str) -> Option<&'static str> {
    PORTAL_TABLES.iter().map(|(table, _)| *table).find(|table| *table == name)
}
