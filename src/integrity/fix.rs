//! Finds, repairs what is safe to repair, and looks again: `fix-user-profiles`.

use crate::change::{Hold, Opening, Outcome, Plan, Purpose, Tally, Watch};
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};

use super::check::{Check, Class, Finding, FindingRow, Severity};
use super::full::{FullRepair, Scope};
use super::rehearsal::{Rehearsal, rehearse_first};
use super::repair::{Selection, preview};
use super::scan::{Report, scan_checks};

/// Of how many subjects rows are kept and repairs are shown, at most.
pub(super) const SHOWN: usize = 1_000;

/// What was repaired of one check, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The check.
    pub id: &'static str,
    /// How many decisions that settled.
    pub count: usize,
    /// The run that undo takes, the same for all checks; nothing in a dry run.
    pub operation: Option<String>,
}

/// What a repair did, or would do.
#[derive(Debug)]
pub struct Fixed {
    /// What was found before.
    pub before: Report,
    /// The rows of each finding of `before`, of at most its first thousand subjects: after the repair they are gone.
    pub rows: Vec<Vec<FindingRow>>,
    /// What was repaired; in a dry run, what would be.
    pub repaired: Vec<Repaired>,
    /// What is found now; in a dry run, what would be left.
    pub after: Report,
    /// What was refused, in words, and why.
    pub refused: Vec<(String, Error)>,
    /// The run that undo takes, and that can be gone on with when it was stopped; nothing when nothing was written.
    pub run: Option<String>,
    /// It was stopped before its end; then `after` is what was found before.
    pub stopped: bool,
    /// Nothing was written.
    pub dry_run: bool,
    /// In a dry run the first plans; later ones are made only when they are applied.
    pub plans: Vec<Plan>,
    /// In a dry run what came of trying the first plan of each check.
    pub rehearsed: Vec<(&'static str, Rehearsal)>,
}

impl Fixed {
    /// Whether the command exits with 1: in a dry run when anything would be repaired, else while anything at "warning"
    /// or above remains.
    #[must_use]
    pub fn fails(&self) -> bool {
        if self.dry_run { !self.repaired.is_empty() } else { self.after.fails(Severity::Warning) }
    }
}

/// Whether a check belongs to what `fix-user-profiles` repairs when nothing is named.
#[must_use]
pub fn is_default(id: &str) -> bool {
    let family = id.split('-').next().unwrap_or_default();
    matches!(family, "PRF" | "REL" | "SEQ" | "PID") || matches!(id, "TXT-001" | "IDX-001" | "IDX-003")
}

/// The checks named, or those of the default set.
///
/// # Errors
/// Usage, when an id is unknown.
pub fn selected(only: &[String]) -> Result<Vec<&'static dyn Check>> {
    let mut checks = super::named(only, false)?;
    checks.retain(|check| !only.is_empty() || is_default(check.about().id));
    Ok(checks)
}

/// Scans, repairs everything automatic in the order of a full repair, as one run, and scans again. With `dry_run` nothing
/// is written and the first plans are shown.
///
/// # Errors
/// Usage, when an id is unknown; denied, when the portal is read-only; busy, when somebody repairs already; what stops
/// everything (no connection, an unknown outcome). What a single repair is refused for is in [`Fixed::refused`].
pub async fn fix_user_profiles(
    portal: &Portal,
    only: &[String],
    dry_run: bool,
    watch: &Watch,
) -> Result<Fixed> {
    let scope = Scope::all(selected(only)?);
    let portal = &portal.cancellable(&watch.cancel);
    if dry_run {
        let mut fixed = Fixed { dry_run, ..Box::pin(look(portal, &scope)).await? };
        look_ahead(portal, &mut fixed).await?;
        return Ok(fixed);
    }
    let opening = Opening {
        title: if only.is_empty() { "Repair user profiles".to_owned() } else { scope.title() },
        purpose: Purpose::Repair,
        planned: None,
        resume_from: scope.to_json(),
    };
    let hold = portal.writer()?.open(&opening).await?;
    go_through(portal, hold, scope, watch).await
}

/// Repairs what was just found of a scope, as one run: what a review on the screen has shown the beginning of.
///
/// # Errors
/// As [`fix_user_profiles`].
pub async fn repair_as_one(
    portal: &Portal,
    title: &str,
    scope: Scope,
    found: Vec<Finding>,
    watch: &Watch,
) -> Result<Outcome> {
    let opening = Opening {
        title: title.to_owned(),
        purpose: Purpose::Repair,
        planned: None,
        resume_from: scope.to_json(),
    };
    let writer = portal.writer()?;
    let hold = writer.open(&opening).await?;
    writer.run_held(hold, &mut FullRepair::new(portal, scope, Some(found)), watch).await
}

/// Goes on with a repair that was stopped: what it was about is looked for anew.
///
/// # Errors
/// As [`fix_user_profiles`]; conflict, when what it was about can't be read.
pub(super) async fn go_on(portal: &Portal, hold: Hold, watch: &Watch) -> Result<Fixed> {
    let portal = &portal.cancellable(&watch.cancel);
    let scope = Scope::read(hold.resume_from())?;
    go_through(portal, hold, scope, watch).await
}

/// What going on with a repair would do.
///
/// # Errors
/// Conflict, when what it was about can't be read; what the engine says.
pub(super) async fn ahead(portal: &Portal, resume_from: &str) -> Result<Fixed> {
    let scope = Scope::read(resume_from)?;
    let mut fixed = Fixed { dry_run: true, ..Box::pin(look(portal, &scope)).await? };
    fixed.before.findings = scope.of(fixed.before.findings);
    look_ahead(portal, &mut fixed).await?;
    Ok(fixed)
}

/// What the checks concerned find now.
async fn look(portal: &Portal, scope: &Scope) -> Result<Fixed> {
    let before = scan_checks(portal, &in_register(scope), None).await?;
    let mut rows = Vec::with_capacity(before.findings.len());
    for finding in &before.findings {
        rows.push(finding.rows(portal, 0, SHOWN).await?);
    }
    Ok(Fixed {
        rows,
        after: before.clone(),
        before,
        repaired: Vec::new(),
        refused: Vec::new(),
        run: None,
        stopped: false,
        dry_run: false,
        plans: Vec::new(),
        rehearsed: Vec::new(),
    })
}

/// The checks in the catalogue's order, in which reports name them.
fn in_register(scope: &Scope) -> Vec<&'static dyn Check> {
    let meant =
        |check: &&'static dyn Check| scope.checks().iter().any(|other| other.about().id == check.about().id);
    super::CHECKS.iter().copied().filter(meant).collect()
}

async fn go_through(portal: &Portal, hold: Hold, scope: Scope, watch: &Watch) -> Result<Fixed> {
    let run = hold.run().to_owned();
    let mut fixed = hold.keep(Box::pin(look(portal, &scope))).await?;
    let checks = in_register(&scope);
    let mut plans = FullRepair::new(portal, scope, Some(fixed.before.findings.clone()));
    let outcome = portal.writer()?.run_held(hold, &mut plans, watch).await?;
    fixed.stopped = outcome.stopped;
    fixed.refused = outcome.refused;
    let repaired = |tally: Tally| Repaired { id: tally.of, count: tally.count, operation: Some(run.clone()) };
    fixed.repaired = outcome.tally.into_iter().map(repaired).collect();
    fixed.run = outcome.run;
    // Whoever stops it does not want to wait for another scan.
    if !fixed.stopped {
        fixed.after = scan_checks(&portal.uncancelled(), &checks, None).await?;
    }
    Ok(fixed)
}

fn automatic(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.class() == Class::Automatic).collect()
}

/// What a repair would do, as far as it can be told without doing it.
async fn look_ahead(portal: &Portal, fixed: &mut Fixed) -> Result<()> {
    fixed.after.findings.retain(|finding| finding.class() != Class::Automatic);
    let mut found = automatic(fixed.before.findings.clone());
    found.sort_by_key(|finding| (finding.check.about().stage, finding.id()));
    let mut shown = 0;
    for finding in found {
        let plans = preview(portal, std::slice::from_ref(&finding), &Selection::All, SHOWN - shown).await;
        match plans {
            Ok(plans) => {
                shown = (shown + finding.count()).min(SHOWN);
                if let Some(rehearsal) = rehearse_first(portal, &plans, &[finding.check]).await? {
                    fixed.rehearsed.push((finding.id(), rehearsal));
                }
                fixed.plans.extend(plans);
                fixed.repaired.push(Repaired { id: finding.id(), count: finding.count(), operation: None });
            }
            Err(error) if error.kind == Kind::Conflict => {
                fixed.refused.push((format!("{}: {}", finding.id(), finding.title()), error));
                fixed.after.findings.push(finding);
            }
            Err(error) => return Err(error),
        }
    }
    fixed.after.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    Ok(())
}
