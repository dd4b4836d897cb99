//! `check` and `fix-user-profiles`.

use super::args::{Check, Severity};
use super::change::plan_lines;
use super::output::{Output, Paint};
use super::setup::agreed;
use super::{Work, prompt, runs, time};
use crate::change::Watch;
use crate::error::Result;
use crate::integrity::{self, Fixed, report};

/// Pieces of JSON are gathered to this many bytes before they are written.
const BUFFER: usize = 64 * 1024;

/// The exit code while findings remain.
const FINDINGS: u8 = 1;

/// `portaldesk check`: 1 when anything is as bad as `fail_on`.
///
/// # Errors
/// Usage, when a check is unknown; what the engine says.
pub(super) async fn check(work: &mut Work, wanted: &Check) -> Result<u8> {
    let meter = work.output.meter();
    let tell = meter.tell();
    let scanned = if wanted.deep {
        integrity::scan_deep(&work.portal, &wanted.only, tell.as_ref()).await
    } else {
        integrity::scan(&work.portal, &wanted.only, tell.as_ref()).await
    };
    meter.end();
    let found = scanned?;
    let fails = found.fails(wanted.fail_on.into());
    let (zone, paint) = (work.zone, work.output.paint());
    let mut pieces = Pieces::new(&mut work.output);
    if pieces.output.is_json() {
        report::write_json(&work.portal, &found, &mut |piece| pieces.add(piece)).await?;
        pieces.add("\n")?;
    } else if !wanted.quiet {
        let time = |moment| time::shown(moment, zone);
        let mut sink = |piece: &str| pieces.add(&painted(piece, paint));
        report::write_text(&work.portal, &found, wanted.rows, &time, &mut sink).await?;
    } else if fails {
        pieces.add(&painted(&report::short(&found), paint))?;
    }
    pieces.end()?;
    Ok(if fails { FINDINGS } else { 0 })
}

impl From<Severity> for integrity::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
            Severity::Critical => Self::Critical,
        }
    }
}

/// The lines that begin a finding, in the colour of its severity.
fn painted(text: &str, paint: Paint) -> String {
    let line = |line: &str| match line.split_whitespace().nth(1) {
        Some("critical" | "error") if !line.starts_with(' ') => paint.red(line),
        Some("warning") if !line.starts_with(' ') => paint.yellow(line),
        _ => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// `portaldesk fix-user-profiles`: 1 while anything remains, or in a dry run when anything would be repaired.
///
/// # Errors
/// Usage, when a check is unknown, or `--yes` is needed and missing; denied, when the answer is no; busy, when somebody
/// repairs already; interrupted, naming the run, when it is stopped.
pub(super) async fn fix(work: &mut Work, only: &[String], dry_run: bool) -> Result<u8> {
    let watch = Watch { cancel: work.cancel.clone(), ..Watch::default() };
    if let (false, Some(code)) = (dry_run, runs::ask_about_stopped(work).await?) {
        return Ok(code);
    }
    if dry_run || !work.global.yes {
        let ahead = integrity::fix_user_profiles(&work.portal, only, true, &watch).await?;
        if dry_run || ahead.repaired.is_empty() {
            return show(work, &Fixed { dry_run, ..ahead }).await;
        }
        if prompt::someone_is_there() {
            for line in in_words(&ahead).lines() {
                work.output.talk(line);
            }
        }
        agreed("Repair them?", &work.global)?;
    }
    let meter = work.output.meter();
    let watch = meter.watch(&work.cancel);
    let fixed = integrity::fix_user_profiles(&work.portal, only, false, &watch).await;
    meter.end();
    let fixed = fixed?;
    if fixed.stopped {
        return Err(runs::stopped(work, fixed.run.as_deref().unwrap_or_default()).await);
    }
    show(work, &fixed).await
}

/// Prints what a repair did or would do; 1 while anything remains, or would be repaired.
///
/// # Errors
/// What the engine says while rows are fetched.
pub(super) async fn show(work: &mut Work, fixed: &Fixed) -> Result<u8> {
    if work.output.is_json() {
        let mut pieces = Pieces::new(&mut work.output);
        report::write_fixed_json(&work.portal, fixed, &mut |piece| pieces.add(piece)).await?;
        pieces.add("\n")?;
        pieces.end()?;
    } else {
        work.output.data(in_words(fixed).as_bytes())?;
    }
    Ok(if fixed.fails() { FINDINGS } else { 0 })
}

/// The plans of a dry run, then what was or would be repaired.
fn in_words(fixed: &Fixed) -> String {
    let mut text: String = fixed.plans.iter().flat_map(plan_lines).map(|line| line + "\n").collect();
    text.push_str(&report::fixed_to_text(fixed));
    text
}

/// Writes many small pieces in few large ones.
struct Pieces<'a> {
    output: &'a mut Output,
    buffer: String,
}

impl<'a> Pieces<'a> {
    fn new(output: &'a mut Output) -> Self {
        Self { output, buffer: String::with_capacity(BUFFER) }
    }

    fn add(&mut self, piece: &str) -> Result<()> {
        self.buffer.push_str(piece);
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        self.output.data(self.buffer.as_bytes())?;
        self.buffer.clear();
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        self.write()
    }
}
