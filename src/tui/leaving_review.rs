//! The review of members who leave a department or a group: what they leave, and the first of them.

use crate::change::{Plan, Step};
use crate::directory::leaving::Leaving;
use crate::directory::{Portal, names};
use crate::error::Result;

use super::plan_diff;
use super::plan_review::{MOST_ROWS_BY_Y, Prepared, can_be_typed};
use super::screens::review::{Confirmation, ReviewText};
use super::widgets::diff::{DiffLine, Sign};
use super::widgets::grouped;

/// So many of those who leave are shown one by one: who they are is in the list of members, what is asked is the whole.
const SHOWN: usize = 12;

/// Prepares the review. Nobody should read and confirm what the guards refuse.
///
/// # Errors
/// Denied, when the guards refuse it; what the engine says.
pub(super) async fn prepare(portal: &Portal, leaving: Leaving) -> Result<Prepared> {
    leaving.check().await?;
    let shown = vec![shown(&leaving).await?];
    let names = names::read(portal, &shown).await?;
    let mut lines = plan_diff::lines(&shown, &names);
    let rows = leaving.rows();
    let more = rows.saturating_sub(shown[0].steps.len());
    let mut notes = Vec::new();
    if more == 0 {
        // Of some among many it would mislead.
        notes = plan_diff::notes(&shown, &names);
    } else {
        lines.push(DiffLine::new(Sign::Note, format!("and {} rows more like these", grouped(more as u64))));
    }
    notes.extend_from_slice(leaving.notes());
    let confirm = match (leaving.is_together(), can_be_typed(leaving.name())) {
        (true, true) => Confirmation::Typed(leaving.name().to_owned()),
        (false, _) if rows <= MOST_ROWS_BY_Y => Confirmation::Plain,
        _ => Confirmation::Typed(rows.to_string()),
    };
    let text =
        ReviewText { title: leaving.title().to_owned(), lines, notes, confirm, ..ReviewText::default() };
    Ok(Prepared::of_leaving(leaving, text))
}

/// What happens to what they leave, and the first of those who leave.
async fn shown(leaving: &Leaving) -> Result<Plan> {
    let mut plan = leaving.first_plan().await?;
    let last = leaving.last_steps();
    let is_first = |step: &Step| last.iter().any(|end| end.table() == step.table());
    plan.steps.retain(|step| !is_first(step));
    plan.steps.truncate(SHOWN);
    plan.steps.splice(..0, last[last.len().saturating_sub(SHOWN)..].iter().cloned());
    Ok(plan)
}
