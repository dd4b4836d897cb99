//! `baseline`: findings that were accepted.

use serde_json::{Value, json};

use super::args::{Baseline, BaselineAccept};
use super::setup::agreed;
use super::table::Table;
use super::{Work, json, rows, time};
use crate::error::{Error, Result};
use crate::integrity::baseline;
use crate::integrity::{Accepted, Subject};
use crate::text;

/// `portaldesk baseline`
///
/// # Errors
/// Invalid, when a check, a row or a number is unknown; denied, when the portal is read-only; what the engine says.
pub(super) async fn run(work: &mut Work, baseline: &Baseline) -> Result<u8> {
    match baseline {
        Baseline::List => list(work).await,
        Baseline::Accept(accept) => self::accept(work, accept).await,
        Baseline::Remove { ids, write } => remove(work, ids, write.dry_run).await,
    }
}

async fn list(work: &mut Work) -> Result<u8> {
    let found = baseline::list(&work.portal).await?;
    let mut table = Table::new(&["number", "check", "row", "by", "on", "until", "reason"]);
    for accepted in &found {
        let until = match accepted.until {
            Some(until) if accepted.expired => format!("{} (over)", time::shown(until, work.zone)),
            Some(until) => time::shown(until, work.zone),
            None => String::new(),
        };
        table.row([
            &accepted.id.to_string(),
            &accepted.check,
            &row(accepted),
            &accepted.by,
            &time::shown(accepted.made, work.zone),
            &until,
            &accepted.reason,
        ]);
    }
    work.output.result(&object(&found, None), || {
        if found.is_empty() { "Nothing is accepted.\n".to_owned() } else { table.take() }
    })?;
    Ok(0)
}

fn row(accepted: &Accepted) -> String {
    accepted.subject.as_ref().map(Subject::to_string).unwrap_or_default()
}

/// The list for scripts; of a write also whether it was one.
fn object(found: &[Accepted], dry_run: Option<bool>) -> Value {
    let items: Vec<Value> = found
        .iter()
        .map(|accepted| {
            json!({
                "id": accepted.id,
                "check": accepted.check,
                "row": accepted.subject.map(|subject| subject.to_string()),
                "reason": accepted.reason,
                "by": accepted.by,
                "time": time::rfc3339(accepted.made),
                "until": accepted.until.map(time::rfc3339),
                "expired": accepted.expired,
            })
        })
        .collect();
    let mut list = json::list("baseline", &items, items.len() as u64);
    if let Some(dry_run) = dry_run {
        list["dry_run"] = json!(dry_run);
    }
    list
}

async fn accept(work: &mut Work, wanted: &BaselineAccept) -> Result<u8> {
    let found = rows::of_check(work, &wanted.check).await?;
    let id = found.check.about().id;
    let subjects: Vec<Subject> = if wanted.rows.is_empty() {
        found.subjects().into_iter().collect()
    } else {
        found.named(&work.portal, &wanted.rows).await?
    };
    if subjects.is_empty() {
        return Err(Error::invalid(format!("{id} finds nothing; nothing was accepted.")));
    }
    let names: Vec<String> = subjects.iter().map(Subject::to_string).collect();
    if wanted.write.dry_run {
        let object = json!({"check": id, "rows": names, "dry_run": true});
        work.output.result(&json::object("baseline", object), || {
            format!("Would accept {} of {id}: {}\n", names.len(), names.join(", "))
        })?;
        return Ok(0);
    }
    if wanted.rows.is_empty() {
        agreed(&format!("Accept everything that {id} finds now, {} in all?", names.len()), &work.global)?;
    }
    let accepted = baseline::accept(&work.portal, id, &subjects, &wanted.reason, wanted.until).await?;
    work.output.result(&object(&accepted, Some(false)), || {
        format!("Accepted {} of {id}; they are shown apart and don't count.\n", accepted.len())
    })?;
    Ok(0)
}

async fn remove(work: &mut Work, ids: &[i64], dry_run: bool) -> Result<u8> {
    let removed = if dry_run {
        let mut all = baseline::list(&work.portal).await?;
        all.retain(|accepted| ids.contains(&accepted.id));
        all
    } else {
        baseline::take_back(&work.portal, ids).await?
    };
    work.output.result(&object(&removed, Some(dry_run)), || {
        let did = if dry_run { "Would count again" } else { "Counts again" };
        let line = |accepted: &Accepted| format!("{did}: {} {}", accepted.check, row(accepted));
        removed.iter().map(|accepted| text::safe(&line(accepted)).into_owned() + "\n").collect()
    })?;
    Ok(0)
}
