//! What was changed by whom: our journal and the portal's own log as one list, and undo as people ask for it.

mod detail;
mod entries;
pub mod fields;
mod filter;
mod portal_log;

pub use detail::{Detail, detail};
pub use entries::{Entry, From, Page, Place, What, about_department, about_group, count, page};
pub use filter::{Filter, Source, named, quoted};
pub use portal_log::Logged;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use crate::change::undo::{self, OldPassword, Undo};
use crate::change::{Outcome, Plans, Ready, Watch, journal, rights};
use crate::db::own::{self, ListedChange};
use crate::error::{Error, Kind, Result};
use crate::portal::access::{self, allowed};

use super::filter::LONGEST_WORD;
use super::{Portal, users};

/// Our own changes, the newest first, without the portal's.
///
/// # Errors
/// Invalid, when the user asked about does not exist; that there is no journal here.
pub async fn list(portal: &Portal, filter: &Filter) -> Result<Vec<ListedChange>> {
    needs_journal(portal)?;
    Ok(match entries::wanted(portal, filter).await?.changes {
        Some(wanted) => own::changes(&portal.db, &wanted).await?,
        None => Vec::new(),
    })
}

/// Whether whoever works now may see who changed what; if not, why. On the command line nobody is asked.
///
/// # Errors
/// What the engine says.
pub async fn may_be_seen(portal: &Portal) -> Result<std::result::Result<(), String>> {
    may(portal, &access::Action::SeeHistory).await
}

async fn may(portal: &Portal, action: &access::Action<'_>) -> Result<std::result::Result<(), String>> {
    let Some(account) = &portal.actor.account else { return Ok(Ok(())) };
    let facts = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?;
    Ok(match facts {
        Some(facts) => allowed(&facts, action),
        None => Err("Your account does not exist any more.".to_owned()),
    })
}

/// The user meant, who may be gone or have another name by now: then the journal still knows them.
async fn who(portal: &Portal, name: &str) -> Result<i64> {
    if let Some(id) = name.strip_prefix('#').and_then(|id| id.parse().ok()) {
        return Ok(id);
    }
    match users::find(portal, name).await {
        Err(error)
            if error.kind == Kind::Invalid
                && name.len() <= LONGEST_WORD
                && portal.schema.has_own_tables() =>
        {
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
    let opening = planned.opening(id);
    let mut plans = planned.plans;
    if plans.len() == 1 {
        return writer.apply(plans.remove(0)).await;
    }
    writer.run_held(writer.open(&opening).await?, &mut Ready::new(plans), watch).await
}

/// The plans that are left of an undo that was stopped, from what [`apply_undo`] kept of it.
///
/// # Errors
/// Conflict, when that can't be read or nothing is left; what the engine says.
pub async fn plans_left_of_undo(portal: &Portal, kept: &str) -> Result<Box<dyn Plans>> {
    let kept: Json = serde_json::from_str(kept)
        .map_err(|_| Error::conflict("What this run takes back can't be read; nothing was written."))?;
    let password = match kept["old_password"].as_bool() {
        Some(true) => OldPassword::WorksAgain,
        _ => OldPassword::StaysChanged,
    };
    let left = plan_undo(portal, kept["undo"].as_str().unwrap_or_default(), password).await?;
    Ok(Box::new(Ready::new(left.plans)))
}

/// What this person could take back of this sitting, and what bring back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Newest {
    /// The newest operation that was not taken back and takes nothing back itself, or brings back what was taken back:
    /// what `u` offers.
    pub change: Option<ListedChange>,
    /// The newest undo that was not taken back: what `U` offers.
    pub undo: Option<ListedChange>,
}

/// This sitting's newest changes by this person.
///
/// # Errors
/// What the engine says.
pub async fn newest_of_sitting(portal: &Portal) -> Result<Newest> {
    if !portal.schema.has_own_tables() {
        return Ok(Newest::default());
    }
    let wanted = own::Wanted {
        sitting: Some(portal.actor.sitting.clone()),
        limit: Some(100),
        ..own::Wanted::default()
    };
    let changes = own::changes(&portal.db, &wanted).await?;
    // Somebody else may have unlocked the same sitting.
    let account = portal.actor.account.as_ref().map(|account| account.id);
    let (undos, others): (Vec<&ListedChange>, Vec<&ListedChange>) = changes
        .iter()
        .filter(|listed| listed.undone_by.is_none() && listed.change.actor_id == account)
        .partition(|listed| is_undo(listed, &changes));
    let newest = |listed: Vec<&ListedChange>| listed.into_iter().next().cloned();
    Ok(Newest { change: newest(others), undo: newest(undos) })
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

/// What pruning would forget, or forgot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// The operation that notes it; nothing when nothing was forgotten.
    pub operation: Option<String>,
    /// Of how many rows.
    pub rows: u64,
}

/// Forgets what rows held before and after changes that were made before a moment: then those can't be taken back any
/// more. Who did what, and when, stays, and so does the chain that proves it. With `dry_run` it is only counted.
///
/// # Errors
/// Denied, for anyone signed in who is no superuser, and where nothing can be written; usage, when the moment is yet to
/// come.
pub async fn prune(portal: &Portal, before: DateTime<Utc>, dry_run: bool) -> Result<Pruned> {
    needs_journal(portal)?;
    if before > own::now(&mut portal.db.clone()).await? {
        return Err(Error::usage("That moment is yet to come; nothing was forgotten."));
    }
    may(portal, &access::Action::PruneHistory).await?.map_err(Error::denied)?;
    let rows = u64::try_from(own::images_before(&portal.db, before).await?).unwrap_or(0);
    if dry_run || rows == 0 {
        return Ok(Pruned { operation: None, rows });
    }
    let (operation, rows) = journal::prune(&portal.writer()?, before).await?;
    Ok(Pruned { operation: Some(operation), rows })
}

/// Reads the whole journal and says what is not as it was written.
///
/// # Errors
/// That there is no journal here; what the engine says.
pub async fn verify(portal: &Portal) -> Result<journal::Verified> {
    needs_journal(portal)?;
    journal::examine(&portal.db).await
}
