//! What a change means for single accounts, planned for many from rows that are read at once.

use std::collections::BTreeMap;

use super::Change;
use super::words::Words;
use crate::change::{MOST_ROWS, Plan};
use crate::directory::accounts::{self, Draft, Groups, Rows};
use crate::directory::delete::{self, Ahead};
use crate::directory::{Portal, offboard, referring};
use crate::error::{Error, Kind, Result};

/// One account's part of a plan.
pub(super) struct Part {
    pub(super) id: i64,
    pub(super) username: String,
    /// The account as it is.
    pub(super) rows: Rows,
    /// Its rows to be written: none when it is so already. Or why it can't be planned.
    pub(super) plan: Result<Plan>,
}

/// Encoded passwords by account.
pub(super) type Encoded = BTreeMap<i64, String>;

/// Plans the change of these accounts from their rows, in this order; those that are gone are left out. New passwords
/// are those given; whoever has none there gets none.
pub(super) async fn of_rows(
    portal: &Portal,
    (change, words): (&Change, &Words),
    ids: &[i64],
    mut found: BTreeMap<i64, Rows>,
    passwords: &Encoded,
) -> Result<Vec<Part>> {
    let mut deletions = match change {
        Change::Delete => deletions(portal, &found).await?,
        _ => BTreeMap::new(),
    };
    let mut parts = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(rows) = found.remove(id) else { continue };
        let username = rows.username();
        let planned = match change {
            Change::Delete => deletions.remove(id).unwrap_or_else(|| Ok(Plan::default())),
            Change::OffBoard => offboard::of_rows(portal, rows.clone()),
            _ => match draft(change.each(), passwords.get(id)) {
                Some(draft) => accounts::edit_rows(portal, *id, &rows, &draft).await,
                None => Ok(Plan::default()),
            },
        };
        let plan = match planned {
            Ok(plan) if plan.steps.len() > MOST_ROWS => Err(too_large(plan.steps.len())),
            Ok(plan) => Ok(Plan { title: words.one(&username), ..plan }),
            Err(error) if is_about_one(&error) => Err(error),
            Err(error) => return Err(error),
        };
        parts.push(Part { id: *id, username, rows, plan });
    }
    Ok(parts)
}

/// Whether others can go on where this is said of one account.
fn is_about_one(error: &Error) -> bool {
    matches!(error.kind, Kind::Conflict | Kind::Invalid | Kind::Duplicate | Kind::Denied)
}

fn too_large(rows: usize) -> Error {
    Error::conflict(format!(
        "This takes {rows} rows, and of one account among many at most {MOST_ROWS} are written together; nothing was \
         written. Do it for this account by itself."
    ))
}

/// What a form would give to change an account so. Nothing where that is no matter of a form.
fn draft(changes: &[Change], encoded: Option<&String>) -> Option<Draft> {
    let mut draft = Draft::default();
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Activate => draft = draft.with("is_active", "true"),
            Change::Deactivate => draft = draft.with("is_active", "false"),
            Change::AddGroup(id) => add.push(*id),
            Change::RemoveGroup(id) => remove.push(*id),
            Change::SetDepartment(id) => draft.department = Some(*id),
            Change::Notifications(on) => draft = draft.with("email_notifications", on.to_string()),
            Change::Staff(on) => draft = draft.with("is_staff", on.to_string()),
            Change::GeneratePasswords { .. } => draft.encoded_password = Some(encoded?.clone()),
            Change::Delete | Change::OffBoard | Change::Several(_) => return None,
        }
    }
    if !add.is_empty() || !remove.is_empty() {
        draft.groups = Groups::Change { add, remove };
    }
    Some(draft)
}

/// The plans that delete these accounts. The rows of one that has too many are not read.
async fn deletions(portal: &Portal, found: &BTreeMap<i64, Rows>) -> Result<BTreeMap<i64, Result<Plan>>> {
    let ids: Vec<i64> = found.keys().copied().collect();
    let mut counted = referring::count_many(portal, &ids).await?;
    let mut aheads: Vec<(i64, Ahead)> = Vec::with_capacity(ids.len());
    let mut plans = BTreeMap::new();
    for (id, rows) in found {
        let ahead = Ahead::of(rows.username(), counted.remove(id).unwrap_or_default());
        match usize::try_from(ahead.row_count()) {
            Ok(rows) if rows > MOST_ROWS && ahead.obstacle().is_none() => {
                plans.insert(*id, Err(too_large(rows)));
            }
            _ => aheads.push((*id, ahead)),
        }
    }
    let wanted: Vec<(i64, &Ahead)> = aheads.iter().map(|(id, ahead)| (*id, ahead)).collect();
    let planned = delete::plan_many(portal, &wanted).await?;
    plans.extend(wanted.iter().map(|(id, _)| *id).zip(planned));
    Ok(plans)
}
