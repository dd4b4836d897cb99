//! `history` and `undo`.

use serde_json::{Value, json};

use super::args::History;
use super::change::{Note, complete};
use super::table::Table;
use super::{Work, json, prompt, time};
use crate::change::undo::OldPassword;
use crate::change::{Outcome, Watch};
use crate::db::own::ListedChange;
use crate::directory::history::{self, Filter};
use crate::error::{Error, Result};

/// `portaldesk history`
///
/// # Errors
/// Invalid, when the account asked about does not exist; what the engine says.
pub(super) async fn list(work: &mut Work, wanted: &History) -> Result<u8> {
    let filter =
        Filter { about: wanted.about.clone(), by: wanted.by.clone(), since: wanted.since, limit: None };
    let changes = history::list(&work.portal, &filter).await?;
    let items: Vec<Value> = changes.iter().map(item).collect();
    let mut table = Table::new(&["time", "by", "what", "rows", "operation", "undone by"]);
    for listed in &changes {
        table.row([
            time::shown(listed.change.made, work.zone),
            by(listed),
            listed.change.title.clone(),
            listed.change.row_count.to_string(),
            listed.change.operation.clone(),
            listed.undone_by.clone().unwrap_or_default(),
        ]);
    }
    let total = items.len() as u64;
    work.output.result(&json::list("history", &items, total), || {
        if table.is_empty() { "Nothing was changed by portaldesk.\n".to_owned() } else { table.take() }
    })?;
    Ok(0)
}

fn by(listed: &ListedChange) -> String {
    listed.change.actor.clone().unwrap_or_else(|| format!("unix:{}", listed.change.unix_user))
}

/// A change for scripts.
#[must_use]
pub fn item(listed: &ListedChange) -> Value {
    let change = &listed.change;
    json!({
        "operation": change.operation,
        "run": change.run,
        "time": time::rfc3339(change.made),
        "actor": {"user": change.actor, "unix": change.unix_user, "from": change.ssh_from},
        "title": change.title,
        "ticket": change.ticket,
        "rows": change.row_count,
        "undo_of": change.undo_of,
        "undone_by": listed.undone_by,
        "source": "portaldesk",
    })
}

/// `portaldesk undo`
///
/// # Errors
/// Conflict, when nothing can be taken back; what the plans were refused for.
pub(super) async fn undo(
    work: &mut Work,
    operation: &str,
    restore_password: bool,
    dry_run: bool,
) -> Result<u8> {
    let mut wish = if restore_password { OldPassword::WorksAgain } else { OldPassword::StaysChanged };
    let mut planned = history::plan_undo(&work.portal, operation, wish).await?;
    let ask = planned.old_password && !restore_password && !dry_run && !work.global.yes;
    if ask && prompt::someone_is_there() && prompt::confirm("Should the old password work again?")? {
        wish = OldPassword::WorksAgain;
        planned = history::plan_undo(&work.portal, operation, wish).await?;
    }
    let (plans, left) = (planned.plans.clone(), planned.left.clone());
    if plans.is_empty() && planned.old_password && wish == OldPassword::StaysChanged {
        return Err(Error::conflict(
            "Nothing but the old password could be taken back, and it stays changed unless --restore-password is given; \
             nothing was written.",
        ));
    }
    for kept in &left {
        work.output.talk(&format!("Note: {kept}"));
    }
    let outcome = if dry_run {
        Outcome::default()
    } else {
        let watch = Watch { cancel: work.cancel.clone(), ..Watch::default() };
        history::apply_undo(&work.portal, operation, planned, &watch).await?
    };
    work.report(&plans, &outcome, &Note { dry_run, left, ..Note::default() })?;
    complete(&outcome).map(|()| 0)
}
