//! The review of members who leave a department or a group, and what follows its `y`: as many transactions as it takes.

use crate::change::{Plan, Step};
use crate::directory::leaving::Leaving;
use crate::directory::{Portal, names};
use crate::error::Result;
use crate::tui::cx::Cx;
use crate::tui::plan_diff;
use crate::tui::plan_review::{APPLY, Applied, MOST_ROWS_BY_Y, can_be_typed, lower_first, watch};
use crate::tui::screens::review::{Confirmation, Review, ReviewText};
use crate::tui::widgets::diff::{DiffLine, Sign};
use crate::tui::widgets::grouped;

/// So many of those who move are shown one by one: who they are is in the list of members, what is asked is the whole.
const SHOWN: usize = 12;

/// Something to be reviewed.
pub(super) struct Reviewed {
    leaving: Leaving,
    text: ReviewText,
}

impl Reviewed {
    /// Prepares it. Nobody should read and confirm what the guards refuse.
    ///
    /// # Errors
    /// Denied, when the guards refuse it; what the engine says.
    pub(super) async fn prepare(portal: &Portal, leaving: Leaving) -> Result<Self> {
        leaving.check().await?;
        let shown = vec![shown(&leaving).await?];
        let names = names::read(portal, &shown).await?;
        let mut lines = plan_diff::lines(&shown, &names);
        let rows = leaving.rows();
        let more = rows.saturating_sub(shown[0].steps.len());
        if more > 0 {
            lines.push(DiffLine::new(
                Sign::Note,
                format!("and {} rows more like these", grouped(more as u64)),
            ));
        }
        let confirm = match (leaving.is_together(), can_be_typed(leaving.name())) {
            (true, true) => Confirmation::Typed(leaving.name().to_owned()),
            (false, _) if rows <= MOST_ROWS_BY_Y => Confirmation::Plain,
            _ => Confirmation::Typed(rows.to_string()),
        };
        let text = ReviewText {
            title: leaving.title().to_owned(),
            lines,
            notes: leaving.notes().to_vec(),
            confirm,
            ..ReviewText::default()
        };
        Ok(Self { leaving, text })
    }

    /// The review; once confirmed it is done in the name of the screen that opened it.
    pub(super) fn review(self) -> Review {
        let Self { leaving, text } = self;
        let title = text.title.clone();
        Review::new(text, move |cx| apply(cx, title, leaving))
    }
}

/// What happens to what they leave, and the first of those who leave.
async fn shown(leaving: &Leaving) -> Result<Plan> {
    let mut plan = leaving.first_plan().await?;
    let last = leaving.last_steps();
    let is_first = |step: &Step| last.iter().any(|end| end.table() == step.table());
    plan.steps.retain(|step| !is_first(step));
    plan.steps.truncate(SHOWN);
    plan.steps.splice(..0, last.iter().cloned());
    Ok(plan)
}

fn apply(cx: &mut Cx, title: String, leaving: Leaving) {
    let label = lower_first(&title);
    cx.start_task(&APPLY, label, move |portal, task| async move {
        let writer = portal.writer()?;
        let outcome = leaving.over(&portal).apply(&writer, &watch(&task)).await?;
        Ok(Applied { title, outcome })
    });
}
