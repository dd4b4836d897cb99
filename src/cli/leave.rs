//! The commands that end accounts: `user delete` and `user offboard`. Of several that are named all end, or none.

use super::Work;
use super::args::Names;
use super::bulk;
use super::change::Note;
use super::prompt;
use crate::change::Plan;
use crate::directory::bulk::Change;
use crate::directory::delete::{self, Ahead};
use crate::directory::{offboard, users};
use crate::error::{Error, Result};

/// `user delete`: as Django does it, with everything that goes along.
///
/// # Errors
/// Conflict, when other tables refer to an account; denied, for the last superuser or when the answer is another; a usage
/// error when there is nobody to ask and no `--yes`.
pub(super) async fn delete(work: &mut Work, names: &Names) -> Result<u8> {
    if names.chosen.is_given() {
        return bulk::run(work, &names.chosen, &Change::Delete, names.write.dry_run).await;
    }
    let mut plans = Vec::new();
    let mut ahead = Vec::new();
    for id in ids(work, &names.names).await? {
        plans.extend(delete::plan(&work.portal, id).await?);
        ahead.push(Ahead::read(&work.portal, id).await?);
    }
    for account in &ahead {
        let along = account.along_in_words();
        if !along.is_empty() {
            work.output.talk(&format!("With {} go: {along}.", account.username));
        }
    }
    if !names.write.dry_run && !work.global.yes {
        work.portal.writer()?;
        confirm(&ahead)?;
    }
    let title = match ahead.as_slice() {
        [only] => format!("Delete {}", only.username),
        several => format!("Delete {} accounts", several.len()),
    };
    work.together(&title, plans, Note { dry_run: names.write.dry_run, ..Note::default() }).await
}

/// Asks for the name of the account to be typed, or for the number of several.
fn confirm(ahead: &[Ahead]) -> Result<()> {
    let (what, wanted) = match ahead {
        [only] => ("name", only.username.clone()),
        several => ("number of accounts", several.len().to_string()),
    };
    let question = format!("Off-boarding keeps the history; deleting erases it. Type the {what} to delete");
    if prompt::line(&question, "--yes")?.trim() == wanted {
        return Ok(());
    }
    Err(Error::denied(format!("That is not the {what}; nothing was written.")))
}

/// `user offboard`
///
/// # Errors
/// Invalid, when an account is not there; denied, for the last superuser.
pub(super) async fn offboard(work: &mut Work, names: &Names) -> Result<u8> {
    if names.chosen.is_given() {
        return bulk::run(work, &names.chosen, &Change::OffBoard, names.write.dry_run).await;
    }
    let ids = ids(work, &names.names).await?;
    let mut plans = Vec::new();
    for id in &ids {
        plans.extend(offboard::plan(&work.portal, *id).await?);
    }
    plans.retain(|plan| !plan.steps.is_empty());
    let title = match ids.len() {
        1 => Plan::title_of_pieces(&plans),
        accounts => format!("Off-board {accounts} accounts"),
    };
    if !plans.is_empty() {
        let sessions = if end_sessions(&plans) { "Their portal sessions end for good; what" } else { "What" };
        work.output.talk(&format!("{sessions} they did stays in the portal's history."));
    }
    work.together(&title, plans, Note { dry_run: names.write.dry_run, ..Note::default() }).await
}

/// Whether every account gets another password. Django ties its sessions to that; deactivating only puts them to sleep.
fn end_sessions(plans: &[Plan]) -> bool {
    let mut users = plans.iter().flat_map(|plan| &plan.steps).filter(|step| step.table() == "auth_user");
    users.all(|step| step.value("password").is_some())
}

/// The accounts meant, each once.
pub(super) async fn ids(work: &Work, names: &[String]) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for name in names {
        let id = users::find(&work.portal, name).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
