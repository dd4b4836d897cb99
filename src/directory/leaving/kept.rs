//! What a run keeps to be gone on with: what is done, and whose rows leave.

use serde::{Deserialize, Serialize};

use super::Leaving;
use crate::directory::departments::{self, Keep, To};
use crate::directory::{Portal, groups, ranges};
use crate::error::{Error, Result};

/// More ranges than these are not written down with the run; it then can't be gone on with.
const MOST_KEPT: usize = 100_000;

/// No portal has more of them than these.
const MOST_PEOPLE: i64 = 50_000_000;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "leave", rename_all = "kebab-case")]
pub(in crate::directory) enum What {
    /// A department goes, its members there.
    DeleteDepartment { id: i64, to: To },
    /// A department becomes one with another.
    MergeDepartment { id: i64, into: i64, keep: Keep },
    /// Members of a department move; the department stays.
    MoveMembers { id: i64, to: To },
    /// A group goes.
    DeleteGroup { id: i64 },
}

impl What {
    /// All of it that is to be done now.
    async fn now(&self, portal: &Portal) -> Result<Leaving> {
        match self {
            Self::DeleteDepartment { id, to } => departments::delete(portal, *id, Some(*to)).await,
            Self::MergeDepartment { id, into, keep } => departments::merge(portal, *id, *into, keep).await,
            Self::MoveMembers { id, to } => departments::move_members(portal, *id, None, *to).await,
            Self::DeleteGroup { id } => groups::delete(portal, *id).await,
        }
    }
}

/// What a run is about.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    what: What,
    /// The ids of the rows that belong to accounts, as ranges.
    people: Vec<(i64, i64)>,
}

impl Kept {
    /// As JSON; nothing when there are too many.
    pub(super) fn write(what: &What, people: impl Iterator<Item = i64>) -> Option<String> {
        let kept = Self { what: what.clone(), people: ranges::of(people, MOST_KEPT)? };
        serde_json::to_string(&kept).ok()
    }

    /// What is left of it, as [`Kept::write`] wrote it: of the people only those whom the run began with.
    ///
    /// # Errors
    /// Conflict, when it can't be read or what it is about is gone; what the engine says.
    pub(super) async fn left(text: &str, portal: &Portal) -> Result<Leaving> {
        let wrong = || Error::conflict("What this run is about can't be read; nothing was written.");
        let kept: Self = serde_json::from_str(text).map_err(|_| wrong())?;
        let people = ranges::numbers(&kept.people, MOST_PEOPLE).ok_or_else(wrong)?;
        let mut leaving = kept.what.now(portal).await?;
        if let Some(rows) = &mut leaving.people {
            rows.retain(|id| people.binary_search(&id).is_ok());
        }
        Ok(leaving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::departments::Side;

    #[test]
    fn what_is_kept_is_read_back() {
        let keep = Keep { description: Some(Side::Goes), ..Keep::default() };
        for what in [
            What::DeleteDepartment { id: 3, to: To::Nowhere },
            What::DeleteDepartment { id: 3, to: To::Department(4) },
            What::MergeDepartment { id: 3, into: 4, keep },
            What::MoveMembers { id: 3, to: To::Nowhere },
            What::DeleteGroup { id: 7 },
        ] {
            let text = Kept::write(&what, [1, 2, 9].into_iter()).unwrap();
            let kept: Kept = serde_json::from_str(&text).unwrap();
            assert_eq!(kept, Kept { what, people: vec![(1, 2), (9, 9)] }, "{text}");
        }
    }
}
