//! `history` and `undo`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::args::{History, HistoryCommand};
use super::change::{Note, complete};
use super::json::Change;
use super::lines::Lines;
use super::setup::agreed;
use super::{Work, json, prompt, time};
use crate::change::undo::{OldPassword, revives};
use crate::change::{Outcome, Watch};
use crate::config::TimeZone;
use crate::directory::history::{self, Entry, Filter, From, What};
use crate::error::{Error, Result};
use crate::text;

/// How many entries are read at once.
const PAGE: usize = 500;

/// The exit code when the journal is not as it was written.
const BROKEN: u8 = 1;

/// `portaldesk history` and what is below it.
///
/// # Errors
/// Usage, when the filter can't be understood; invalid, when the account asked about does not exist; what the engine
/// says.
pub(super) async fn run(work: &mut Work, history: &History) -> Result<u8> {
    match &history.command {
        Some(HistoryCommand::Prune { older_than, write }) => prune(work, *older_than, write.dry_run).await,
        None if history.verify => verify(work).await,
        None => list(work, history).await,
    }
}

async fn list(work: &mut Work, wanted: &History) -> Result<u8> {
    let filter = filter(wanted)?;
    // A portal's log may be long: for people who want only the newest it is not counted through.
    let total = if work.output.is_json() || wanted.limit.is_none() {
        Some(history::count(&work.portal, &filter).await?)
    } else {
        None
    };
    let mut left = wanted.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let headings = ["time", "by", "from", "what", "rows", "operation", "undone by"];
    let mut lines = Lines::begin(&mut work.output, "history", &headings)?;
    let mut from = From::Start;
    let mut more = true;
    while left > 0 && more {
        let page = history::page(&work.portal, &filter, from, left.min(PAGE)).await?;
        lines.add(&mut work.output, &page.entries, item, |entry| row(entry, work.zone))?;
        left -= page.entries.len();
        more = page.more;
        match page.entries.last() {
            Some(last) => from = From::After(last.place),
            None => break,
        }
    }
    if let Some(total) = total {
        return lines.end(&mut work.output, total);
    }
    lines.cut(&mut work.output, more);
    Ok(0)
}

/// The filter line and the options together; what stands in both is asked for twice.
fn filter(wanted: &History) -> Result<Filter> {
    let mut filter = Filter::read(wanted.filter.as_deref().unwrap_or_default())?;
    for (option, given, place) in [
        ("about", &wanted.about, &mut filter.about),
        ("by", &wanted.by, &mut filter.by),
        ("op", &wanted.op, &mut filter.operation),
    ] {
        if given.is_some() && place.is_some() {
            return Err(Error::usage(format!("'{option}' is given twice, as --{option} and in --filter.")));
        }
        *place = given.clone().or(place.take());
    }
    // Of two moments the later one holds for both.
    filter.since = filter.since.max(wanted.since);
    filter.fields.extend(&wanted.field);
    Ok(filter)
}

fn row(entry: &Entry, zone: TimeZone) -> [String; 7] {
    let shown = |time: Option<DateTime<Utc>>| time.map(|time| time::shown(time, zone)).unwrap_or_default();
    let change = entry.change();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    [
        shown(entry.time()),
        entry.by(),
        entry.from(),
        entry.title(),
        change.map(|listed| listed.change.row_count.to_string()).unwrap_or_default(),
        text(change.map(|listed| &listed.change.operation)),
        text(change.and_then(|listed| listed.undone_by.as_ref())),
    ]
}

/// An entry for scripts. Of what was done in the portal's admin neither an operation nor rows are known.
#[must_use]
pub fn item(entry: &Entry) -> Value {
    let change = entry.change().map(|listed| &listed.change);
    let user = match &entry.what {
        What::Change(listed) => &listed.change.actor,
        What::Logged(logged) => &logged.user,
    };
    json!({
        "operation": change.map(|change| &change.operation),
        "run": change.map(|change| &change.run),
        "time": entry.time().map(time::rfc3339),
        "actor": {
            "user": user,
            "unix": change.map(|change| &change.unix_user),
            "from": change.and_then(|change| change.ssh_from.as_ref()),
        },
        "title": entry.title(),
        "ticket": change.and_then(|change| change.ticket.as_ref()),
        "rows": change.map(|change| change.row_count),
        "undo_of": change.and_then(|change| change.undo_of.as_ref()),
        "undone_by": entry.change().and_then(|listed| listed.undone_by.as_ref()),
        "source": entry.key().0.name(),
    })
}

/// `portaldesk history --verify`
async fn verify(work: &mut Work) -> Result<u8> {
    let found = history::verify(&work.portal).await?;
    let broken: Vec<Value> =
        found.broken.iter().map(|broken| json!({"operation": broken.operation, "why": broken.why})).collect();
    let fields =
        json!({"changes": found.changes, "rows": found.rows, "pruned": found.pruned, "broken": broken});
    work.output.result(&json::object("verification", fields), || {
        let pruned = match found.pruned {
            0 => String::new(),
            count => format!(", {count} of them pruned"),
        };
        let mut lines = vec![format!("{} changes with {} rows read{pruned}.", found.changes, found.rows)];
        for broken in &found.broken {
            lines.push(format!("{}: {}", text::safe(&broken.operation), broken.why));
        }
        lines.push(match found.broken.len() {
            0 => "The journal is as it was written.".to_owned(),
            count => format!("The journal is not as it was written, in {count} places."),
        });
        lines.join("\n") + "\n"
    })?;
    Ok(if found.broken.is_empty() { 0 } else { BROKEN })
}

/// `portaldesk history prune`
async fn prune(work: &mut Work, before: DateTime<Utc>, dry_run: bool) -> Result<u8> {
    let ahead = history::prune(&work.portal, before, true).await?;
    let pruned = if dry_run || ahead.rows == 0 {
        ahead
    } else {
        let shown = time::shown(before, work.zone);
        work.output.talk(&format!(
            "What {} rows held before and after changes made before {shown} will be forgotten for good; those changes \
             can't be taken back then.",
            ahead.rows
        ));
        agreed("Forget it?", &work.global)?;
        history::prune(&work.portal, before, false).await?
    };
    let rows = pruned.rows;
    let change = Change { operation: pruned.operation, rows, dry_run, ..Change::default() };
    work.output.result(&change.object(), || match (rows, dry_run) {
        (0, _) => "Nothing to forget.\n".to_owned(),
        (rows, true) => format!("Would forget what {rows} rows held.\n"),
        (rows, false) => format!("Forgot what {rows} rows held.\n"),
    })?;
    Ok(0)
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
    let steps = plans.iter().flat_map(|plan| &plan.steps);
    let back = steps.filter_map(|step| revives(step, step.cell("username")?.as_text()?));
    for note in left.iter().cloned().chain(back) {
        work.output.talk(&format!("Note: {note}"));
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
