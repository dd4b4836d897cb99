//! What was changed by whom: the journal as lists, and undo as people ask for it.

use chrono::{DateTime, Utc};

use crate::change::undo::{self, OldPassword, Undo};
use crate::change::{Outcome, Ready, Watch};
use crate::db::own::{self, ListedChange};
use crate::error::{Error, Kind, Result};

use super::{Portal, users};

/// Which changes to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those about this user: a username, one of former times too, or `#id`.
    pub about: Option<String>,
    /// Those by this portal account or Unix user; `unix:NAME` means only the latter, without an account.
    pub by: Option<String>,
    /// Those made since.
    pub since: Option<DateTime<Utc>>,
    /// At most so many.
    pub limit: Option<i64>,
}

/// Changes, newest first.
///
/// # Errors
/// Invalid, when the user asked about does not exist; that there is no journal here.
pub async fn list(portal: &Portal, filter: &Filter) -> Result<Vec<ListedChange>> {
    needs_journal(portal)?;
    let about_user = match &filter.about {
        Some(name) => Some(who(portal, name).await?),
        None => None,
    };
    let wanted = own::Wanted {
        about_user,
        by: filter.by.clone(),
        since: filter.since,
        limit: filter.limit,
        ..own::Wanted::default()
    };
    Ok(own::changes(&portal.db, &wanted).await?)
}

/// The user meant, who may be gone or have another name by now: then the journal still knows them.
async fn who(portal: &Portal, name: &str) -> Result<i64> {
    if let Some(id) = name.strip_prefix('#').and_then(|id| id.parse().ok()) {
        return Ok(id);
    }
    match users::find(portal, name).await {
        Err(error) if error.kind == Kind::Invalid => {
            own::user_once_called(&portal.db, name).await?.ok_or(error)
        }
        found => found,
    }
}

fn needs_journal(portal: &Portal) -> Result<()> {
    if portal.schema.has_own_tables() {
        return Ok(());
    }
    Err(Error::conflict(
        "There is no journal in this database: portaldesk wrote nothing here, or its tables were taken away.",
    ))
}

/// Plans to take back an operation or a run.
///
/// # Errors
/// When there is no such thing, or it was taken back already; that there is no journal here.
pub async fn plan_undo(portal: &Portal, id: &str, password: OldPassword) -> Result<Undo> {
    needs_journal(portal)?;
    undo::plan(&portal.db, &portal.schema, id, password).await
}

/// Applies what [`plan_undo`] planned, the newest operation first.
///
/// # Errors
/// Conflict, when something was left and nothing can be taken back; why a single plan was refused.
pub async fn apply_undo(portal: &Portal, id: &str, planned: Undo, watch: &Watch) -> Result<Outcome> {
    if planned.plans.is_empty() {
        if planned.left.is_empty() {
            return Ok(Outcome::default());
        }
        return Err(Error::conflict(format!(
            "Nothing can be taken back: {}. Nothing was written.",
            planned.left.join("; ")
        )));
    }
    let writer = portal.writer()?;
    let mut plans = planned.plans;
    if plans.len() == 1 {
        return writer.apply(plans.remove(0)).await;
    }
    writer.run(&format!("Undo the run {id}"), &mut Ready::new(plans), watch).await
}

/// This sitting's newest operation by this person that was not taken back and takes nothing back itself, or brings back
/// what was taken back: what `u` offers.
///
/// # Errors
/// What the engine says.
pub async fn newest_of_sitting(portal: &Portal) -> Result<Option<ListedChange>> {
    newest(portal, false).await
}

/// This sitting's newest undo that was not taken back: what `U` offers.
///
/// # Errors
/// What the engine says.
pub async fn newest_undo_of_sitting(portal: &Portal) -> Result<Option<ListedChange>> {
    newest(portal, true).await
}

async fn newest(portal: &Portal, undo: bool) -> Result<Option<ListedChange>> {
    let wanted = own::Wanted {
        sitting: Some(portal.actor.sitting.clone()),
        limit: Some(100),
        ..own::Wanted::default()
    };
    let changes = own::changes(&portal.db, &wanted).await?;
    // Somebody else may have unlocked the same sitting.
    let account = portal.actor.account.as_ref().map(|account| account.id);
    let offered = |listed: &&ListedChange| {
        listed.undone_by.is_none() && listed.change.actor_id == account && is_undo(listed, &changes) == undo
    };
    Ok(changes.iter().find(offered).cloned())
}

/// Whether a change takes something back: the undo of an undo brings it back.
fn is_undo(listed: &ListedChange, changes: &[ListedChange]) -> bool {
    let mut undo = false;
    let mut link = listed.change.undo_of.as_deref();
    // A link leads to an older change, so this ends.
    while let Some(operation) = link {
        undo = !undo;
        let of = changes.iter().find(|other| other.change.operation == operation);
        link = of.and_then(|of| of.change.undo_of.as_deref());
    }
    undo
}
