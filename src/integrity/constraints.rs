//! What keeps the portal's tables whole: its unique constraints and foreign keys, as the catalogue has them now. What a
//! portal was opened with is older than a repair.

use crate::db::blueprint::Unique;
use crate::db::physical::{self, Index};
use crate::db::schema::PORTAL_TABLES;
use crate::directory::Portal;
use crate::error::Result;

/// The constraints of a database.
pub(super) struct Constraints {
    indexes: Vec<Index>,
}

impl Constraints {
    /// Reads them.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn read(portal: &Portal) -> Result<Self> {
        Ok(Self { indexes: physical::indexes(&portal.db).await? })
    }

    /// Whether these columns are unique together.
    pub(super) fn has(&self, unique: &Unique) -> bool {
        self.indexes.iter().any(|index| {
            index.unique
                && index.table == unique.table
                && index.columns.len() == unique.columns.len()
                && unique.columns.iter().all(|column| index.columns.iter().any(|name| name == column))
        })
    }
}

/// The name of a portal's table as the checks carry it; none for another's.
pub(super) fn portal_table(name: &str) -> Option<&'static str> {
    PORTAL_TABLES.iter().map(|(table, _)| *table).find(|table| *table == name)
}
