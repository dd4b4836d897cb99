//! `user import`.

use std::io::stdin;
use std::path::Path;

use serde_json::{Value, json};

use super::args::{MatchBy, Passwords, Separator, UserImport};
use super::change::{complete, plan_lines};
use super::json::Change;
use super::setup::agreed;
use super::{Work, runs};
use crate::change::Outcome;
use crate::change::plan_file::numbered;
use crate::directory::import::{self, Checked, Delimiter, Options, Rejects, Source};
use crate::directory::password_file::PasswordFile;
use crate::error::{Error, Kind, Result};
use crate::text;

/// Looks through a file, shows what it would do, asks, and does it.
///
/// # Errors
/// Invalid, with every row that can't be taken; interrupted, when only a part was written; what stops everything.
pub(super) async fn run(work: &mut Work, wanted: &UserImport) -> Result<u8> {
    let options = options(wanted);
    let source = open(&wanted.file)?;
    let dry_run = wanted.write.dry_run;
    let mut rejects = match (&wanted.rejects, wanted.skip_invalid && !dry_run) {
        (_, false) => None,
        (Some(path), true) => Some(Rejects::create(path)?),
        (None, true) => match source.path() {
            Some(path) => Some(Rejects::create(&Rejects::beside(path))?),
            None => return Err(Error::usage("give --rejects FILE for the rows that are left out")),
        },
    };
    let meter = work.output.meter();
    let watch = meter.watch(&work.cancel);
    let checked = import::check(&work.portal, &source, &options, rejects.as_mut(), &watch).await;
    meter.end();
    let checked = checked?;
    let title = import::title(&source);
    tell(work, &title, &checked);
    if dry_run {
        report(work, &title, &checked, &Done { dry_run, ..Done::default() })?;
        return whole(work, &checked, &options).map(|()| 0);
    }
    whole(work, &checked, &options)?;
    let nothing = checked.to_write() == 0 && checked.groups.is_empty() && checked.departments.is_empty();
    if !nothing {
        agreed("Write it?", &work.global)?;
    }
    let passwords = match &wanted.passwords_to {
        Some(path) if options.generate && checked.new > 0 => Some(PasswordFile::create(path)?),
        _ => None,
    };
    if let Some(rejects) = &mut rejects {
        rejects.keep()?;
    }
    let generated = passwords.as_ref().map(|file| file.path().to_owned());
    let meter = work.output.meter();
    let watch = meter.watch(&work.cancel);
    let applied =
        import::apply(&work.portal, source, &options, &checked, passwords, rejects.as_mut(), &watch).await;
    meter.end();
    let outcome = applied?;
    let shown = |path: &Path| path.display().to_string();
    let done = Done {
        dry_run,
        rejects: rejects.as_ref().filter(|file| file.count() > 0).map(|file| shown(file.path())),
        passwords: generated.filter(|path| path.exists()).map(|path| shown(&path)),
        outcome,
    };
    report(work, &title, &checked, &done)?;
    match (&done.outcome.run, done.outcome.stopped) {
        (Some(run), true) => Err(runs::stopped(work, run).await),
        _ => complete(&done.outcome).map(|()| 0),
    }
}

/// The refusal of the whole file; to a person its problems were told, in their order.
fn whole(work: &Work, checked: &Checked, options: &Options) -> Result<()> {
    checked
        .whole(options)
        .map_err(|error| if work.output.is_json() { error } else { Error::new(error.kind, error.message) })
}

fn open(path: &Path) -> Result<Source> {
    if path == Path::new("-") { Source::copy(stdin().lock()) } else { Source::open(path) }
}

fn options(wanted: &UserImport) -> Options {
    Options {
        update: wanted.update,
        rename: wanted.match_by == MatchBy::Id,
        create_missing: wanted.create_missing,
        skip_invalid: wanted.skip_invalid,
        generate: wanted.passwords == Passwords::Generate,
        delimiter: wanted.delimiter.map(|separator| match separator {
            Separator::Comma => Delimiter::Comma,
            Separator::Semicolon => Delimiter::Semicolon,
            Separator::Tab => Delimiter::Tab,
        }),
    }
}

/// What was done, and where else something was written.
#[derive(Default)]
struct Done {
    dry_run: bool,
    outcome: Outcome,
    rejects: Option<String>,
    passwords: Option<String>,
}

/// Says to a person what was found, before they are asked.
fn tell(work: &mut Work, title: &str, checked: &Checked) {
    let mut lines: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    let more = checked.problem_count - checked.problems.len() as u64;
    if more > 0 {
        lines.push(format!("and {} problems more", text::grouped(more)));
    }
    lines.push(format!("{title}: {}", checked.counts()));
    for (names, what) in [(&checked.groups, "groups"), (&checked.departments, "departments")] {
        if !names.is_empty() {
            lines.push(format!("New {what}: {}", names.join(", ")));
        }
    }
    if !checked.first.is_empty() {
        lines.push("The first of them:".to_owned());
        lines.extend(checked.first.iter().flat_map(plan_lines));
    }
    for line in lines {
        work.output.talk(&line);
    }
}

/// The result: what was written, or would be.
fn report(work: &mut Work, title: &str, checked: &Checked, done: &Done) -> Result<()> {
    let outcome = &done.outcome;
    let change = Change {
        operation: outcome.operation().map(str::to_owned),
        operations: (outcome.operations.len() > 1).then(|| outcome.operations.clone()),
        rows: outcome.rows,
        dry_run: done.dry_run,
        plan: numbered(&checked.first),
        ..Change::default()
    };
    let mut value = change.object();
    value["import"] = counts(checked, done);
    let result = work.output.result(&value, || in_words(title, checked, done));
    result.map_err(|error| match outcome.operation() {
        Some(operation) => {
            let message = format!("The import was made, but {}", error.message);
            Error { message, ..Error::new(Kind::Interrupted, "") }.about(operation)
        }
        None => error,
    })?;
    if let Some(operation) = outcome.operation() {
        work.output.talk(&format!("To take it back: portaldesk undo {operation}"));
    }
    Ok(())
}

fn counts(checked: &Checked, done: &Done) -> Value {
    let problems = checked.problems.iter();
    let problems: Vec<Value> =
        problems.map(|it| json!({"line": it.line, "column": it.column, "message": it.message})).collect();
    json!({
        "rows": checked.rows,
        "new": checked.new,
        "changed": checked.changed,
        "unchanged": checked.unchanged,
        "refused": checked.refused,
        "groups": checked.groups,
        "departments": checked.departments,
        "problems": problems,
        "problem_count": checked.problem_count,
        "rejects": done.rejects,
        "passwords": done.passwords,
    })
}

fn in_words(title: &str, checked: &Checked, done: &Done) -> String {
    let outcome = &done.outcome;
    let mut lines = Vec::new();
    if let Some(operation) = outcome.operation() {
        let rows = if outcome.rows == 1 { "row" } else { "rows" };
        lines.push(format!("{title}: {}", checked.counts()));
        lines.push(format!("{} {rows} written, operation {operation}", text::grouped(outcome.rows)));
    } else if done.dry_run {
        lines.push("Nothing was written.".to_owned());
    } else {
        lines.push("Nothing to do.".to_owned());
    }
    lines.extend(done.rejects.as_ref().map(|path| format!("Rows that were left out: {path}")));
    lines.extend(done.passwords.as_ref().map(|path| format!("Passwords: {path}")));
    let lines: Vec<_> = lines.iter().map(|line| text::safe(line)).collect();
    lines.join("\n") + "\n"
}
