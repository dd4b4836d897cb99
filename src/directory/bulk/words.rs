//! What a change is called, and whether what it needs is there.

use super::Change;
use crate::change::{Image, Require};
use crate::db::Sql;
use crate::directory::Portal;
use crate::error::{Error, Result};
use crate::text;

/// The words around those whom a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    before: &'static str,
    after: String,
}

impl Words {
    /// Finds them.
    ///
    /// # Errors
    /// Conflict, when the group or department is gone, or this portal has no place for what is wanted.
    pub(super) async fn read(portal: &Portal, change: &Change) -> Result<Self> {
        for change in change.each() {
            let column = match change {
                Change::SetDepartment(Some(_)) => "department_id",
                Change::Notifications(_) => "email_notifications",
                _ => continue,
            };
            if let Some(lack) = portal.schema.lacks_column("core_userprofile", column) {
                return Err(Error::conflict(format!(
                    "That can't be kept here: {lack}. Nothing was written."
                )));
            }
        }
        let of = |before, after: &str| Self { before, after: after.to_owned() };
        Ok(match change {
            Change::Activate => of("Activate ", ""),
            Change::Deactivate => of("Deactivate ", ""),
            Change::AddGroup(id) => of("Add ", &format!(" to {}", group(portal, *id).await?)),
            Change::RemoveGroup(id) => of("Remove ", &format!(" from {}", group(portal, *id).await?)),
            Change::SetDepartment(Some(id)) => {
                of("Move ", &format!(" to {}", department(portal, *id).await?))
            }
            Change::SetDepartment(None) => of("Leave ", " without a department"),
            Change::Notifications(true) => of("Turn on e-mail notifications of ", ""),
            Change::Notifications(false) => of("Turn off e-mail notifications of ", ""),
            Change::Staff(true) => of("Give staff to ", ""),
            Change::Staff(false) => of("Take staff from ", ""),
            Change::GeneratePasswords { .. } => of("Generate passwords for ", ""),
            Change::Delete => of("Delete ", ""),
            Change::OffBoard => of("Off-board ", ""),
            Change::Several(changes) => {
                let mut what = Vec::with_capacity(changes.len());
                for change in changes {
                    what.push(in_short(portal, change).await?);
                }
                of("Edit ", &format!(": {}", what.join(", ")))
            }
        })
    }

    /// `Add bela to Engineer`.
    pub(super) fn one(&self, username: &str) -> String {
        format!("{}{username}{}", self.before, self.after)
    }

    /// `Add 14 users to Engineer`.
    pub(super) fn many(&self, users: usize) -> String {
        let word = if users == 1 { "user" } else { "users" };
        self.one(&format!("{} {word}", text::grouped(users as u64)))
    }
}

/// A change among several.
async fn in_short(portal: &Portal, change: &Change) -> Result<String> {
    Ok(match change {
        Change::Activate => "active".to_owned(),
        Change::Deactivate => "inactive".to_owned(),
        Change::AddGroup(id) => format!("in {}", group(portal, *id).await?),
        Change::RemoveGroup(id) => format!("not in {}", group(portal, *id).await?),
        Change::SetDepartment(Some(id)) => format!("department {}", department(portal, *id).await?),
        Change::SetDepartment(None) => "no department".to_owned(),
        Change::Notifications(on) => format!("e-mail notifications {}", if *on { "on" } else { "off" }),
        Change::Staff(is) => if *is { "staff" } else { "no staff" }.to_owned(),
        Change::GeneratePasswords { .. } | Change::Delete | Change::OffBoard | Change::Several(_) => {
            return Err(Error::bug("Only what a form has fields for is changed together."));
        }
    })
}

/// The rows that must still be there when a plan is applied: those that other rows come to refer to.
pub(super) fn requirements(change: &Change) -> impl Iterator<Item = Require> {
    change.each().iter().filter_map(|change| {
        let (table, id) = match change {
            Change::AddGroup(id) => ("auth_group", *id),
            Change::SetDepartment(Some(id)) => ("core_department", *id),
            _ => return None,
        };
        Some(Require::Row { table: table.to_owned(), key: Image::id(id) })
    })
}

async fn group(portal: &Portal, id: i64) -> Result<String> {
    named(portal, Sql::new("SELECT name FROM auth_group WHERE id = ?").bind(id), "group").await
}

async fn department(portal: &Portal, id: i64) -> Result<String> {
    named(portal, Sql::new("SELECT name FROM core_department WHERE id = ?").bind(id), "department").await
}

async fn named(portal: &Portal, sql: Sql, what: &str) -> Result<String> {
    match portal.db.optional(sql).await? {
        Some(row) => Ok(row.text(0)?),
        None => Err(Error::conflict(format!("The {what} is not there any more; nothing was written."))),
    }
}
