//! Deleting a group as Django does: who is in it leaves first, then what it carries, then it goes.

use crate::change::rows::key_of;
use crate::change::{Image, MOST_ROWS, Plan};
use crate::directory::leaving::{Fate, Leaving, Rows, Wanted, What};
use crate::directory::{Portal, referring};
use crate::error::{Error, Result};

use super::edit::{counted, permissions_of, row};
use super::{TABLE, list};

/// Whose rows go with a group, by this column, in the order in which they go.
const MEMBERS: (&str, &str) = ("auth_user_groups", "group_id");
const PERMISSIONS: (&str, &str) = ("auth_group_permissions", "group_id");

/// Plans to delete a group, who is in it and what it carries first.
///
/// # Errors
/// Conflict, when rows of other tables refer to it or it is gone; what the engine says.
pub async fn delete(portal: &Portal, id: i64) -> Result<Leaving> {
    let group = list::read(portal, id).await?;
    let held = referring::elsewhere(portal, TABLE, id, &[MEMBERS, PERMISSIONS]).await?;
    if !held.is_empty() {
        let held: Vec<String> = held.iter().map(referring::Referring::in_words).collect();
        return Err(Error::conflict(format!(
            "{} can't be deleted: {} that refer to it. Nothing was written.",
            group.name,
            held.join(", ")
        )));
    }
    let mut notes = Vec::new();
    if group.members > 0 {
        notes.push(format!("The accounts of its {} stay.", counted(group.members, "member")));
    }
    if let Some(level) = group.level {
        notes.push(format!(
            "It is the portal's role {level} by its name. portaldesk setup-groups makes the group again, empty; undo \
             brings it back with its members."
        ));
    }
    let mut last = Plan::default();
    let mut others = Vec::new();
    let carried = permissions_of(portal, id).await?;
    match portal.schema.table(PERMISSIONS.0) {
        // With the group itself: on their own they are a superuser's to take.
        Some(table) if carried.len() < MOST_ROWS => {
            for row in carried {
                last.delete(PERMISSIONS.0, key_of(table, &row), row);
            }
        }
        _ => others.extend(rows(portal, PERMISSIONS, id).await?),
    }
    last.delete(TABLE, Image::id(id), row(portal, id).await?);
    let wanted = Wanted {
        title: format!("Delete the group {}", group.name),
        name: group.name,
        notes,
        what: What::DeleteGroup { id },
        needs: vec![(TABLE, id)],
        people: rows(portal, MEMBERS, id).await?,
        others,
        last: last.steps,
    };
    Ok(Leaving::new(portal, wanted))
}

/// The rows that go with a group; nothing where this portal lacks the table.
async fn rows(portal: &Portal, (table, column): (&str, &str), group: i64) -> Result<Option<Rows>> {
    if !portal.schema.has(table, column) {
        return Ok(None);
    }
    Rows::of(portal, (table, column), group, Fate::Go).await.map(Some)
}
