//! From a plan to its review, and from the `y` there to what was done.
//!
//! A screen prepares in [`PLAN`] and opens what it gets; in a slot of its own, where it does more with that:
//!
//! ```
//! use portaldesk::directory::accounts;
//! use portaldesk::tui::plan_review::{self, PLAN};
//! use portaldesk::tui::{Cx, Reply};
//!
//! fn deactivate(id: i64, cx: &mut Cx) {
//!     cx.start(&PLAN, "planning", move |portal| async move {
//!         plan_review::prepare(&portal, accounts::set_active(&portal, id, false).await?).await
//!     });
//! }
//!
//! fn reply(reply: &mut Reply, cx: &mut Cx) {
//!     let was_mine = plan_review::open(reply, cx);
//! }
//! ```
//!
//! What was done, or why not, is said by itself. A screen that wants more (a form closes) takes [`APPLY`] in its `reply`
//! and says [`Applied::words`] itself.

use std::sync::Arc;

use crate::change::{Outcome, Plan, Ready, Watch};
use crate::directory::leaving::Leaving;
use crate::directory::{Portal, names};
use crate::error::Result;
use crate::text;

use super::cx::Cx;
use super::jobs::{Reply, Slot, Task};
use super::plan_diff;
use super::screens::review::{Confirmation, Review, ReviewText};

/// Where every reviewed plan is applied: one at a time in the whole program.
pub const APPLY: Slot<Applied> = Slot::exclusive("change.apply").reporting(Applied::words);

/// Plans of screens that do no more with them than to [open] their review.
pub const PLAN: Slot<Prepared> = Slot::latest("change.plan");

/// Above so many rows the count has to be typed.
pub const MOST_ROWS_BY_Y: usize = 10;
/// Names longer than this are not asked to be typed; the count is.
const MOST_TYPED: usize = 40;

/// Plans with all that their review shows.
#[derive(Clone)]
pub struct Prepared {
    /// What is applied, in this order, as far as it is made already.
    pub plans: Vec<Plan>,
    /// What is shown. A screen may add notes, a secret, another title.
    pub text: ReviewText,
    how: How,
}

/// How it is applied.
#[derive(Clone)]
enum How {
    /// Plan after plan, whatever becomes of the others.
    OneByOne,
    /// The plans only make sense together: when one is refused, those before it are taken back.
    Together,
    /// The plans are made when it is applied.
    Leaving(Box<Leaving>),
}

/// What applying gave.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The review's title, such as `Deactivate bela`.
    pub title: String,
    /// What was written.
    pub outcome: Outcome,
}

/// Prepares the review of one plan; its title is the plan's.
///
/// # Errors
/// Denied, when the guards refuse it; what the engine says.
pub async fn prepare(portal: &Portal, plan: Plan) -> Result<Prepared> {
    let title = plan.title.clone();
    prepare_all(portal, title, vec![plan]).await
}

/// Prepares the review of several plans that are applied as one run.
///
/// # Errors
/// Denied, when the guards refuse it; what the engine says.
pub async fn prepare_all(portal: &Portal, title: String, plans: Vec<Plan>) -> Result<Prepared> {
    check(portal, &plans).await?;
    let names = names::read(portal, &plans).await?;
    Ok(reviewed(title, plans, &names))
}

/// Prepares the review of plans that end one account and only make sense together. What is grave asks for its name,
/// however many rows there are.
///
/// # Errors
/// Denied, when the guards refuse it; what the engine says.
pub async fn prepare_together(portal: &Portal, plans: Vec<Plan>) -> Result<Prepared> {
    let title = Plan::title_of_pieces(&plans);
    check(portal, &plans).await?;
    let names = names::read(portal, &plans).await?;
    let mut prepared = reviewed(title, plans, &names);
    prepared.how = How::Together;
    if let Some(name) = plan_diff::grave(&prepared.plans, &names).filter(|name| can_be_typed(name)) {
        prepared.text.confirm = Confirmation::Typed(name);
    }
    Ok(prepared)
}

/// Opens the review of what was planned in [`PLAN`], or says why there is none; says whether the reply was that.
pub fn open(reply: &mut Reply, cx: &mut Cx) -> bool {
    match PLAN.take(reply) {
        Some(Ok(prepared)) => prepared.open(cx),
        Some(Err(error)) => cx.fail(&error),
        None => return false,
    }
    true
}

/// Nobody should read and confirm what the guards refuse.
async fn check(portal: &Portal, plans: &[Plan]) -> Result<()> {
    match portal.writer() {
        Ok(writer) if !plans.is_empty() => writer.check(plans).await,
        // A portal that takes no writes says so before.
        _ => Ok(()),
    }
}

fn reviewed(title: String, plans: Vec<Plan>, names: &names::Names) -> Prepared {
    let rows = plans.iter().map(|plan| plan.steps.len()).sum();
    let text = ReviewText {
        title,
        facts: Vec::new(),
        lines: plan_diff::lines(&plans, names),
        notes: plan_diff::notes(&plans, names),
        confirm: confirmation(rows, plan_diff::grave(&plans, names)),
        secret: None,
    };
    Prepared { plans, text, how: How::OneByOne }
}

/// Deleting and changes of power ask for the name, many rows for their count.
fn confirmation(rows: usize, grave: Option<String>) -> Confirmation {
    match grave {
        _ if rows > MOST_ROWS_BY_Y => Confirmation::Typed(rows.to_string()),
        None => Confirmation::Plain,
        Some(name) if can_be_typed(&name) => Confirmation::Typed(name),
        Some(_) => Confirmation::Typed(rows.to_string()),
    }
}

/// Whether a keyboard can be expected to write this name: it shows as it is, and is not too long.
#[must_use]
pub fn can_be_typed(name: &str) -> bool {
    let length = name.chars().count();
    (1..=MOST_TYPED).contains(&length) && name.is_ascii() && text::safe(name) == name && name.trim() == name
}

impl Prepared {
    /// Members who leave, whose plans are made when they are applied.
    pub(super) fn of_leaving(leaving: Leaving, text: ReviewText) -> Self {
        Self { plans: Vec::new(), text, how: How::Leaving(Box::new(leaving)) }
    }

    /// Whether nothing would be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Asks for this name before it is applied, unless more is asked for already.
    #[must_use]
    pub fn asking_for(mut self, name: &str) -> Self {
        if self.text.confirm == Confirmation::Plain && !self.is_empty() {
            let typed = if can_be_typed(name) { name.to_owned() } else { self.rows().to_string() };
            self.text.confirm = Confirmation::Typed(typed);
        }
        self
    }

    /// How many rows would be written.
    #[must_use]
    pub fn rows(&self) -> usize {
        match &self.how {
            How::Leaving(leaving) => leaving.rows(),
            _ => self.plans.iter().map(|plan| plan.steps.len()).sum(),
        }
    }

    /// The review; `y` there applies the plans in the name of the screen that opened it.
    #[must_use]
    pub fn review(self) -> Review {
        let Self { plans, text, how } = self;
        let title = text.title.clone();
        Review::new(text, move |cx| apply(cx, title, plans, how))
    }

    /// Opens the review, or says that there is nothing to do.
    pub fn open(self, cx: &mut Cx) {
        if self.is_empty() {
            cx.refuse("Nothing would change.");
        } else {
            cx.push(self.review());
        }
    }
}

/// Starts applying in [`APPLY`].
fn apply(cx: &mut Cx, title: String, plans: Vec<Plan>, how: How) {
    let label = lower_first(&title);
    cx.start_task(&APPLY, label, move |portal, task| async move {
        write(&portal, &task, title, plans, how).await
    });
}

async fn write(
    portal: &Portal,
    task: &Task,
    title: String,
    mut plans: Vec<Plan>,
    how: How,
) -> Result<Applied> {
    let (writer, watch) = (portal.writer()?, watch(task));
    let outcome = match how {
        How::Leaving(leaving) => leaving.over(portal).apply(&writer, &watch).await?,
        _ if plans.len() == 1 => writer.apply(plans.remove(0)).await?,
        How::Together => writer.all_or_nothing(&title, plans, &watch).await?,
        How::OneByOne => writer.run(&title, &mut Ready::new(plans), &watch).await?,
    };
    Ok(Applied { title, outcome })
}

/// Shows how far a run is, and stops it between two plans where that is asked for.
#[must_use]
pub fn watch(task: &Task) -> Watch {
    let watch = Watch::default();
    let (task, cancel) = (task.clone(), watch.cancel.clone());
    let tell = move |progress: crate::change::Progress| {
        task.count(progress.done + progress.refused, progress.planned.unwrap_or(0));
        if task.stop_asked() {
            cancel.cancel();
        }
    };
    Watch { progress: Some(Arc::new(tell)), ..watch }
}

impl Applied {
    /// What was done and how to take it back: `Deactivated bela · u undoes`.
    #[must_use]
    pub fn words(&self) -> String {
        let settled = self.outcome.settled.iter().map(String::as_str);
        std::iter::once(self.of_this_change().as_str()).chain(settled).collect::<Vec<_>>().join(" ")
    }

    /// The id of the first row that was written in this table.
    #[must_use]
    pub fn id_in(&self, table: &str) -> Option<i64> {
        let rows = self.outcome.written.iter();
        rows.filter(|row| row.table == table).find_map(|row| row.key.int("id"))
    }

    fn of_this_change(&self) -> String {
        let outcome = &self.outcome;
        if let Some((title, error)) = outcome.refused.first() {
            let done = outcome.operations.len();
            let refused = outcome.refused.len();
            return format!("{done} done, {refused} refused. {title}: {error}");
        }
        if outcome.operations.is_empty() {
            return "Nothing would change; nothing was written.".to_owned();
        }
        let back = if self.title.starts_with("Undo: ") { "U redoes" } else { "u undoes" };
        let stopped = if outcome.stopped { "; stopped before its end" } else { "" };
        format!("{}{stopped} · {back}", past(&self.title))
    }
}

/// A plan's title as something that was done.
#[must_use]
pub fn past(title: &str) -> String {
    const VERBS: [(&str, &str); 20] = [
        ("Undo: Undo: ", "Again: "),
        ("Undo: ", "Taken back: "),
        ("Create ", "Created "),
        ("Edit ", "Changed "),
        ("Rename ", "Renamed "),
        ("Delete ", "Deleted "),
        ("Activate ", "Activated "),
        ("Deactivate ", "Deactivated "),
        ("Disable ", "Disabled "),
        ("Off-board ", "Off-boarded "),
        ("Merge ", "Merged "),
        ("Move ", "Moved "),
        ("Add ", "Added "),
        ("Give ", "Gave "),
        ("Take ", "Took "),
        ("Turn ", "Turned "),
        ("Leave ", "Left "),
        ("Generate ", "Generated "),
        ("Remove ", "Removed "),
        ("Change ", "Changed "),
    ];
    let found =
        VERBS.iter().find_map(|(now, then)| title.strip_prefix(now).map(|rest| format!("{then}{rest}")));
    // "Set" and "Put" are their own past.
    found.unwrap_or_else(|| title.to_owned())
}

/// A title in the middle of a sentence.
#[must_use]
pub fn lower_first(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn applied(title: &str, operations: usize) -> Applied {
        let operations = (0..operations).map(|at| at.to_string()).collect();
        Applied { title: title.to_owned(), outcome: Outcome { operations, ..Outcome::default() } }
    }

    #[test]
    fn what_was_done_is_said_with_the_way_back() {
        assert_eq!(applied("Deactivate bela", 1).words(), "Deactivated bela · u undoes");
        assert_eq!(applied("Set the password of bela", 1).words(), "Set the password of bela · u undoes");
        assert_eq!(applied("Undo: Deactivate bela", 1).words(), "Taken back: Deactivate bela · U redoes");
        assert_eq!(applied("Edit bela", 0).words(), "Nothing would change; nothing was written.");
        let mut partly = applied("Activate 3 users", 2);
        partly.outcome.refused.push(("Activate cho".to_owned(), Error::denied("It is privileged.")));
        assert_eq!(partly.words(), "2 done, 1 refused. Activate cho: It is privileged.");
    }

    #[test]
    fn grave_and_large_plans_ask_for_something_to_be_typed() {
        assert_eq!(confirmation(3, None), Confirmation::Plain);
        assert_eq!(confirmation(MOST_ROWS_BY_Y, None), Confirmation::Plain);
        assert_eq!(confirmation(MOST_ROWS_BY_Y + 1, None), Confirmation::Typed("11".to_owned()));
        assert_eq!(confirmation(3, Some("cho".to_owned())), Confirmation::Typed("cho".to_owned()));
        assert_eq!(confirmation(3, Some("cho\\u{202e}".repeat(9))), Confirmation::Typed("3".to_owned()));
        assert_eq!(confirmation(3, Some("조민지".to_owned())), Confirmation::Typed("3".to_owned()));
    }
}
