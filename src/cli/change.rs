//! What all commands that write have in common: showing a plan, applying it, and saying what was done.

use serde_json::{Map, Value as Json};

use super::json::Change;
use super::setup::agreed;
use super::{Work, prompt};
use crate::change::plan_file::{self, numbered};
use crate::change::{Outcome, Plan, Ready, Step, Value, Watch};
use crate::error::{Error, Kind, Result};
use crate::text;

/// What else there is to say about a change.
#[derive(Debug, Default)]
pub(super) struct Note {
    /// Only show the plan.
    pub(super) dry_run: bool,
    /// A generated password, printed once.
    pub(super) password: Option<String>,
    /// What an undo can't take back, or warns of.
    pub(super) left: Vec<String>,
}

impl Work {
    /// Applies a plan, or shows it.
    ///
    /// # Errors
    /// Why it was refused; then nothing was written.
    pub(super) async fn change(&mut self, plan: Plan, note: Note) -> Result<u8> {
        let shown = vec![plan.clone()];
        let outcome =
            if note.dry_run { Outcome::default() } else { self.portal.writer()?.apply(plan).await? };
        self.report(&shown, &outcome, &note)
    }

    /// Applies plans as one run, or shows them.
    ///
    /// # Errors
    /// The refusal when nothing was written; interrupted, naming the run, when only a part was.
    pub(super) async fn change_all(&mut self, title: &str, mut plans: Vec<Plan>, note: Note) -> Result<u8> {
        if plans.len() < 2 {
            let plan = plans.pop().unwrap_or_else(|| Plan::new(title));
            return self.change(plan, note).await;
        }
        let outcome = if note.dry_run {
            Outcome::default()
        } else {
            let watch = Watch { cancel: self.cancel.clone(), ..Watch::default() };
            self.portal.writer()?.run(title, &mut Ready::new(plans.clone()), &watch).await?
        };
        self.report(&plans, &outcome, &note)?;
        complete(&outcome).map(|()| 0)
    }

    /// Applies plans of which all are done or none, or shows them.
    ///
    /// # Errors
    /// The refusal; interrupted, naming the run, when a part stands.
    pub(super) async fn together(&mut self, title: &str, plans: Vec<Plan>, note: Note) -> Result<u8> {
        let outcome = if note.dry_run {
            Outcome::default()
        } else {
            let watch = Watch { cancel: self.cancel.clone(), ..Watch::default() };
            self.portal.writer()?.all_or_nothing(title, plans.clone(), &watch).await?
        };
        self.report(&plans, &outcome, &note)
    }

    /// The fields that let these plans be kept in a file and applied later.
    pub(super) fn plan_file(&self, plans: &[Plan], partial: bool) -> Result<Map<String, Json>> {
        let target = self.portal.db.target();
        plan_file::fields(target.engine, &target.to_string(), plans, partial)
    }

    /// Shows plans to whoever is there and asks; with `--yes` it doesn't.
    ///
    /// # Errors
    /// Denied when the answer is no; a usage error without a terminal.
    pub(super) fn agree_to(&mut self, plans: &[Plan]) -> Result<()> {
        if !self.global.yes && prompt::someone_is_there() {
            for line in plans.iter().flat_map(plan_lines) {
                self.output.talk(&line);
            }
        }
        agreed("Write it?", &self.global)
    }

    /// Says what was done.
    pub(super) fn report(&mut self, plans: &[Plan], outcome: &Outcome, note: &Note) -> Result<u8> {
        let steps = plans.iter().map(|plan| plan.steps.len() as u64).sum();
        let file = if note.dry_run { self.plan_file(plans, false)? } else { Map::new() };
        let change = Change {
            operation: outcome.operation().map(str::to_owned),
            operations: (outcome.operations.len() > 1).then(|| outcome.operations.clone()),
            rows: if note.dry_run { steps } else { outcome.rows },
            dry_run: note.dry_run,
            plan: numbered(plans),
            password: note.password.clone(),
            file,
            left: note.left.clone(),
        };
        self.tell(&change.object(), outcome, || in_words(plans, outcome, note))
    }
}

/// A run that is too large to be listed row by row.
pub(super) struct Whole<'a> {
    pub(super) title: String,
    /// How many rows it writes.
    pub(super) rows: u64,
    /// Whether that is none, for whatever reason.
    pub(super) is_nothing: bool,
    /// What is known of it beforehand, for scripts.
    pub(super) facts: Json,
    /// The same in sentences, where they were not said yet.
    pub(super) words: Vec<String>,
    /// Its first plan; what comes behind it is more of the same.
    pub(super) first: &'a Plan,
}

impl Whole<'_> {
    fn in_words(&self, outcome: &Outcome, dry_run: bool) -> String {
        let mut lines = Vec::new();
        if dry_run {
            if !self.is_nothing {
                lines.extend(plan_lines(self.first));
            }
            let more = self.rows.saturating_sub(self.first.steps.len() as u64);
            lines.extend((more > 0).then(|| format!("  and {} rows more like these", text::grouped(more))));
            lines.extend(self.words.iter().map(|line| text::safe(line).into_owned()));
            lines.push("Nothing was written.".to_owned());
        } else if let Some(operation) = outcome.operation() {
            lines.push(text::safe(&self.title).into_owned());
            lines.push(written(outcome.rows, operation));
        } else {
            lines.push("Nothing to do.".to_owned());
        }
        lines.join("\n") + "\n"
    }
}

impl Work {
    /// Says what a large run did, or would do: in all, and its first plan.
    pub(super) fn report_whole(&mut self, whole: &Whole<'_>, outcome: &Outcome, dry_run: bool) -> Result<u8> {
        let is_partial = whole.rows > whole.first.steps.len() as u64;
        let first: &[Plan] = if whole.is_nothing { &[] } else { std::slice::from_ref(whole.first) };
        let mut file = if dry_run { self.plan_file(first, is_partial)? } else { Map::new() };
        file.insert("ahead".to_owned(), whole.facts.clone());
        let change = Change {
            operation: outcome.operation().map(str::to_owned),
            operations: (outcome.operations.len() > 1).then(|| outcome.operations.clone()),
            rows: if dry_run { whole.rows } else { outcome.rows },
            dry_run,
            plan: numbered(first),
            file,
            ..Change::default()
        };
        self.tell(&change.object(), outcome, || whole.in_words(outcome, dry_run))
    }

    /// Prints what was done, or would be, and how to take it back.
    fn tell(&mut self, value: &Json, outcome: &Outcome, text: impl FnOnce() -> String) -> Result<u8> {
        self.output.result(value, text).map_err(|error| written_all_the_same(error, outcome))?;
        if let Some(operation) = outcome.operation() {
            self.output.talk(&format!("To take it back: portaldesk undo {operation}"));
        }
        Ok(0)
    }
}

/// `3 rows written, operation 019…`
fn written(rows: u64, operation: &str) -> String {
    format!("{rows} {} written, operation {operation}", if rows == 1 { "row" } else { "rows" })
}

/// A change that could not be reported stands: the error says so and names it.
fn written_all_the_same(error: Error, outcome: &Outcome) -> Error {
    let Some(operation) = outcome.operation() else { return error };
    Error { message: format!("The change was made, but {}", error.message), ..error }.about(operation)
}

/// Refuses to call a run done when plans of it were left out.
pub(super) fn complete(outcome: &Outcome) -> Result<()> {
    let Some((title, error)) = outcome.refused.first() else {
        return if outcome.stopped {
            Err(Error::new(Kind::Interrupted, "stopped between two changes; what was done stands"))
        } else {
            Ok(())
        };
    };
    if outcome.operations.is_empty() {
        return Err(error.clone());
    }
    let count = outcome.refused.len();
    let stopped = Error::new(
        Kind::Interrupted,
        format!("{count} of the changes were refused and left out, the others stand; {title}: {error}"),
    );
    Err(outcome.operation().into_iter().fold(stopped, Error::about))
}

/// A plan's title and its steps, a line each, safe to print.
pub(super) fn plan_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![text::safe(&plan.title).into_owned()];
    lines.extend(plan.steps.iter().map(|step| format!("  {}", text::safe(&step_in_words(step)))));
    lines
}

fn in_words(plans: &[Plan], outcome: &Outcome, note: &Note) -> String {
    if plans.iter().all(|plan| plan.steps.is_empty()) {
        return "Nothing to do.\n".to_owned();
    }
    let mut lines = Vec::new();
    for plan in plans {
        if note.dry_run {
            lines.extend(plan_lines(plan));
        } else {
            lines.push(text::safe(&plan.title).into_owned());
        }
    }
    if note.dry_run {
        lines.push("Nothing was written.".to_owned());
    } else if let Some(operation) = outcome.operation() {
        lines.push(written(outcome.rows, operation));
    }
    if let Some(password) = &note.password {
        lines.push(format!("Password (shown only now): {password}"));
    }
    lines.join("\n") + "\n"
}

/// `update auth_user 31: is_active true → false`
fn step_in_words(step: &Step) -> String {
    let key = match step {
        Step::Insert { .. } | Step::Ddl(_) => String::new(),
        Step::Counter { column, .. } => format!(".{column}"),
        Step::Update { key, .. } | Step::Delete { key, .. } => {
            let cells: Vec<String> = key.0.iter().map(|(_, cell)| cell.show()).collect();
            format!(" {}", cells.join(", "))
        }
    };
    let columns: Vec<String> = match step {
        Step::Insert { values, .. } => {
            values.iter().map(|(column, value)| format!("{column} {}", value.show(column))).collect()
        }
        Step::Update { before, set, .. } => set
            .iter()
            .map(|(column, value)| {
                let old = before.get(column).cloned().map(|cell| Value::Cell(cell).show(column));
                format!("{column} {} → {}", old.unwrap_or_default(), value.show(column))
            })
            .collect(),
        Step::Delete { before, .. } => before
            .0
            .iter()
            .map(|(column, cell)| format!("{column} {}", Value::Cell(cell.clone()).show(column)))
            .collect(),
        Step::Counter { from, to, .. } => {
            vec![format!(
                "next id {} → {to}",
                from.map_or_else(|| "none".to_owned(), |from| from.to_string())
            )]
        }
        Step::Ddl(ddl) => vec![ddl.statement()],
    };
    format!("{} {}{key}: {}", step.kind(), step.table(), columns.join(", "))
}
