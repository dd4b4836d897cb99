//! One department's whole record.

use crate::db::own::{self, ListedChange};
use crate::directory::Portal;
use crate::directory::history;
use crate::directory::referring::Referring;
use crate::error::{Error, Result};
use crate::portal::department::Department;

use super::by_id;
use super::leave;
use super::members::{self, Member, Members};

/// How many members and changes a record shows.
const FIRST: i64 = 8;
const CHANGES: i64 = 5;

/// Everything about one department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The department.
    pub department: Department,
    /// How many are in it; nothing where this portal doesn't say so.
    pub members: Option<Members>,
    /// The first of them by username.
    pub first: Vec<Member>,
    /// What else refers to it, column by column, where there are rows.
    pub elsewhere: Vec<Referring>,
    /// The newest changes made here; none where whoever works now may not see them.
    pub history: Option<Vec<ListedChange>>,
}

/// Reads a record.
///
/// # Errors
/// Invalid, when there is no such department; what the engine says.
pub async fn read(portal: &Portal, id: i64) -> Result<Record> {
    let Some(department) = by_id(portal, id).await? else {
        return Err(Error::invalid(format!("There is no department with id {id} any more.")));
    };
    Ok(Record {
        members: members::of(portal, id).await?,
        first: members::first(portal, id, false, FIRST).await?,
        elsewhere: leave::elsewhere(portal, id).await?,
        history: changes(portal, id).await?,
        department,
    })
}

/// The newest changes of a department and of who is in it; nothing for whom they are not to see.
async fn changes(portal: &Portal, id: i64) -> Result<Option<Vec<ListedChange>>> {
    if !portal.schema.has_own_tables() {
        return Ok(Some(Vec::new()));
    }
    if history::may_be_seen(portal).await?.is_err() {
        return Ok(None);
    }
    let wanted = own::Wanted {
        about_row: Some(history::about_department(id)),
        limit: Some(CHANGES),
        ..own::Wanted::default()
    };
    Ok(Some(own::changes(&portal.db, &wanted).await?))
}
