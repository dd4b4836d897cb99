//! One department's whole record.

use crate::directory::Portal;
use crate::directory::history::{self, Entry, Filter, From};
use crate::error::{Error, Result};
use crate::portal::department::Department;

use super::by_id;
use super::leaving;
use super::members::{self, Member, Members};

/// How many members and changes a record shows.
const FIRST: i64 = 8;
const CHANGES: usize = 5;

/// Everything about one department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The department.
    pub department: Department,
    /// How many are in it; nothing where this portal doesn't say so.
    pub members: Option<Members>,
    /// The first of them by username.
    pub first: Vec<Member>,
    /// What else refers to it, in words: `core_complaint holds 12 rows (department_id)`.
    pub elsewhere: Vec<String>,
    /// The newest entries of its history; none where whoever works now may not see them.
    pub history: Option<Vec<Entry>>,
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
        elsewhere: leaving::elsewhere(portal, id).await?,
        history: changes(portal, id).await?,
        department,
    })
}

async fn changes(portal: &Portal, id: i64) -> Result<Option<Vec<Entry>>> {
    if !portal.schema.has_own_tables() {
        return Ok(Some(Vec::new()));
    }
    if history::may_be_seen(portal).await?.is_err() {
        return Ok(None);
    }
    let filter = Filter::read(&format!("dept:#{id}"))?;
    Ok(Some(history::page(portal, &filter, From::Start, CHANGES).await?.entries))
}
