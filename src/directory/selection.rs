//! Which users are marked: some, or all that match a filter but for some.

use std::collections::BTreeSet;

use crate::error::Result;

use super::Portal;
use super::users::{self, Query};

/// Users somebody has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These, by id.
    Ids(Vec<i64>),
    /// All that match, whether anybody has seen them or not.
    Matching {
        /// What they match.
        query: Query,
        /// Those that are left out.
        except: BTreeSet<i64>,
    },
}

impl Selection {
    /// The users meant now, in the order of the list, as far as there is one.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn ids(&self, portal: &Portal) -> Result<Vec<i64>> {
        match self {
            Self::Ids(ids) => Ok(ids.clone()),
            Self::Matching { query, except } => {
                let mut ids = users::ids(portal, query).await?;
                ids.retain(|id| !except.contains(id));
                Ok(ids)
            }
        }
    }
}
