//! Members who leave a department or a group: what `department delete`, `merge`, `move-members` and `group delete` share.

use serde_json::json;

use super::change::{Whole, complete};
use super::{Work, prompt};
use crate::change::Outcome;
use crate::directory::leaving::Leaving;
use crate::error::{Error, Result};

/// Says what it means, asks where something goes, and does it or shows it.
///
/// # Errors
/// Denied, when the answer is another; a usage error when there is nobody to ask and no `--yes`; why it was refused;
/// interrupted, naming the run, when a part stands.
pub(super) async fn leave(work: &mut Work, leaving: Leaving, dry_run: bool) -> Result<u8> {
    for note in leaving.notes() {
        work.output.talk(note);
    }
    if !dry_run && leaving.is_together() && !work.global.yes {
        work.portal.writer()?;
        let question = format!("{}: type its name to go on", leaving.title());
        if prompt::line(&question, "--yes")?.trim() != leaving.name() {
            return Err(Error::denied("That is not its name; nothing was written."));
        }
    }
    let first = leaving.first_plan().await?;
    let whole = Whole {
        title: leaving.title().to_owned(),
        rows: leaving.rows() as u64,
        is_nothing: leaving.rows() == 0,
        facts: json!({ "title": leaving.title(), "members": leaving.people(), "notes": leaving.notes() }),
        // They were said before it was asked.
        words: Vec::new(),
        first: &first,
    };
    if dry_run || whole.is_nothing {
        return work.report_whole(&whole, &Outcome::default(), dry_run);
    }
    let writer = work.portal.writer()?;
    let meter = work.output.meter();
    let outcome = leaving.apply(&writer, &meter.watch(&work.cancel)).await;
    meter.end();
    let outcome = outcome?;
    if !outcome.operations.is_empty() {
        work.report_whole(&whole, &outcome, false)?;
    }
    complete(&outcome).map(|()| 0)
}
