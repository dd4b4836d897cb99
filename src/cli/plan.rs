//! `plan show` and `plan apply`: plans that `--dry-run --json` printed into a file.

use std::fs::File;
use std::io;
use std::path::Path;

use serde_json::json;

use super::args::PlanApply;
use super::change::{Note, plan_lines};
use super::output::Output;
use super::{Work, json};
use crate::change::plan_file::{self, PlanFile, numbered};
use crate::change::{Plan, Purpose};
use crate::error::{Error, Result};

/// Reads a plan file; `-` is standard input.
fn read(path: &Path) -> Result<PlanFile> {
    if path == Path::new("-") {
        return plan_file::read(io::stdin().lock());
    }
    let file = File::open(path).map_err(|why| {
        Error::usage(format!("{} could not be read: {why}; nothing was written", path.display()))
    })?;
    plan_file::read(file)
}

/// What several plans are called together.
fn title(plans: &[Plan]) -> String {
    let pieces = Plan::title_of_pieces(plans);
    match plans {
        [] => "Nothing".to_owned(),
        [.., last] if pieces != last.title => pieces,
        [only] => only.title.clone(),
        [first, others @ ..] => format!("{} and {} more", first.title, others.len()),
    }
}

/// `plan show`: needs no database.
///
/// # Errors
/// Usage, when the file can't be read; invalid, when it is no plan file.
pub(super) fn show(path: &Path, output: &mut Output) -> Result<u8> {
    let file = read(path)?;
    notes(&file, output);
    let rows: usize = file.plans.iter().map(|plan| plan.steps.len()).sum();
    let fields = json!({
        "title": title(&file.plans),
        "engine": file.engine.name(),
        "database": file.database,
        "rows": rows,
        "partial": file.partial,
        "can_be_applied": file.secrets.is_empty(),
        "plan": numbered(&file.plans),
    });
    output.result(&json::object("plan", fields), || {
        let lines = file.plans.iter().flat_map(plan_lines);
        let mut text: String = lines.map(|line| line + "\n").collect();
        if rows == 0 {
            text.push_str("Nothing to do.\n");
        }
        text
    })?;
    Ok(0)
}

/// Says what a person should know of a file before its plans are applied.
fn notes(file: &PlanFile, output: &mut Output) {
    output.talk(&format!("Made from {}.", file.database));
    if file.partial {
        output.talk("Note: the file holds the beginning only; more was to be done than is in it.");
    }
    for title in &file.secrets {
        output.talk(&format!(
            "Note: '{title}' sets a password, which is not in the file: it can't be applied."
        ));
    }
}

/// `plan apply`: everything is compared before anything is written.
///
/// # Errors
/// As [`show`]; a conflict that names all rows that changed since; what the guards say.
pub(super) async fn apply(work: &mut Work, wanted: &PlanApply) -> Result<u8> {
    let file = read(&wanted.file)?;
    file.check(work.portal.dialect(), &work.portal.schema)?;
    notes(&file, &mut work.output);
    if file.database != work.portal.db.target().to_string() {
        work.output.talk(&format!("Note: this is {}.", work.portal.db.target()));
    }
    let writer = work.portal.writer()?;
    writer.compare(&file.plans).await?;
    let plans: Vec<Plan> = file.plans.into_iter().filter(|plan| !plan.steps.is_empty()).collect();
    let note = Note { dry_run: wanted.write.dry_run, ..Note::default() };
    if !note.dry_run && !plans.is_empty() {
        work.agree_to(&plans)?;
    }
    let title = title(&plans);
    // A repair stands for itself; of anything else a part may be worse than nothing.
    if plans.iter().all(|plan| plan.purpose == Purpose::Repair) {
        work.change_all(&title, plans, note).await
    } else {
        work.together(&title, plans, note).await
    }
}
