//! Finds, repairs what is safe to repair, and looks again: `fix-user-profiles`.

use crate::change::{Plan, Watch};
use crate::db::Cancel;
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};

use super::check::{Check, Class, Finding, FindingRow, Severity};
use super::repair::{Selection, preview, repairs};
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
    /// The operation or run that undo takes; nothing in a dry run.
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
    /// It was stopped before its end.
    pub stopped: bool,
    /// Nothing was written.
    pub dry_run: bool,
    /// In a dry run the first plans; later ones are made only when they are applied.
    pub plans: Vec<Plan>,
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

/// Scans, repairs everything automatic in the order of a full repair, each check as a run of its own, and scans again.
/// With `dry_run` nothing is written and the first plans are shown.
///
/// # Errors
/// Usage, when an id is unknown; denied, when the portal is read-only; what stops everything (no connection, an unknown
/// outcome). What a single repair is refused for is in [`Fixed::refused`].
pub async fn fix_user_profiles(
    portal: &Portal,
    only: &[String],
    dry_run: bool,
    watch: &Watch,
) -> Result<Fixed> {
    let checks = selected(only)?;
    let portal = &portal.cancellable(&watch.cancel);
    if !dry_run {
        portal.writer()?;
    }
    let before = scan_checks(portal, &checks, None).await?;
    let mut fixed = Fixed {
        rows: Vec::with_capacity(before.findings.len()),
        after: before.clone(),
        before,
        repaired: Vec::new(),
        refused: Vec::new(),
        stopped: false,
        dry_run,
        plans: Vec::new(),
    };
    for finding in &fixed.before.findings {
        fixed.rows.push(finding.rows(portal, 0, SHOWN).await?);
    }
    if dry_run {
        look_ahead(portal, &mut fixed).await?;
        return Ok(fixed);
    }
    let mut order = checks.clone();
    order.sort_by_key(|check| (check.about().stage, check.about().id));
    for check in order {
        if !fixed.before.checked.contains(&check.about().id) {
            continue;
        }
        fix_one(portal, check, watch, &mut fixed).await?;
        if fixed.stopped {
            break;
        }
    }
    // Once stopped, the scan after must not be stopped too.
    fixed.after = scan_checks(&portal.cancellable(&Cancel::default()), &checks, None).await?;
    Ok(fixed)
}

/// Repairs one check. It is looked for anew once others were repaired, which may have settled it or brought it about.
async fn fix_one(portal: &Portal, check: &'static dyn Check, watch: &Watch, fixed: &mut Fixed) -> Result<()> {
    let about = check.about();
    let found = if fixed.repaired.is_empty() {
        let of_check = fixed.before.findings.iter().filter(|finding| finding.id() == about.id).cloned();
        of_check.collect()
    } else {
        scan_checks(portal, &[check], None).await?.findings
    };
    let found = automatic(found);
    if found.is_empty() {
        return Ok(());
    }
    let mut plans = repairs(portal, &found, &Selection::All);
    let title = format!("{}: repair {}", about.id, about.title);
    let result = portal.writer()?.run(&title, &mut plans, watch).await;
    fixed.refused.extend(plans.too_large().iter().cloned());
    let outcome = match result {
        Ok(outcome) => outcome,
        // Something else has to be repaired first: the other checks go on.
        Err(error) if matches!(error.kind, Kind::Conflict | Kind::Invalid | Kind::Denied) => {
            fixed.refused.push((title, error));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    fixed.stopped |= outcome.stopped;
    if let Some(operation) = outcome.operation().map(str::to_owned) {
        let count = settled(portal, check, &found, plans.done()).await?;
        fixed.repaired.push(Repaired { id: about.id, count, operation: Some(operation) });
    }
    fixed.refused.extend(outcome.refused);
    Ok(())
}

/// How many decisions were settled: all of them, or those that are not found any more.
async fn settled(
    portal: &Portal,
    check: &'static dyn Check,
    found: &[Finding],
    done: usize,
) -> Result<usize> {
    let before = found.iter().map(Finding::count).sum::<usize>();
    if done == found.iter().map(|finding| finding.found.subjects.len()).sum::<usize>() {
        return Ok(before);
    }
    let portal = portal.cancellable(&Cancel::default());
    let left = automatic(scan_checks(&portal, &[check], None).await?.findings);
    Ok(before.saturating_sub(left.iter().map(Finding::count).sum()))
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
