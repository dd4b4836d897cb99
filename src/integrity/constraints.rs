//! What keeps the portal's tables whole: its unique constraints and foreign keys, as the catalogue has them now. What a
//! portal was opened with is older than a repair.

use crate::db::Dialect;
use crate::db::blueprint::Unique;
use crate::db::physical::{self, Index, Reference};
use crate::db::schema::{PORTAL_TABLES, Schema};
use crate::directory::Portal;
use crate::error::Result;

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
}

/// The name of a portal's table as the checks carry it; none for another's.
pub(super) fn portal_table(name: &str) -> Option<&'static str> {
    PORTAL_TABLES.iter().map(|(table, _)| *table).find(|table| *table == name)
}
