//! Runs checks over a portal and gathers what they find.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::db::schema::Schema;
use crate::db::{Db, Sql, own};
use crate::directory::Portal;
use crate::error::{Kind, Result};

use super::baseline::{self, AcceptedFinding};
use super::check::{About, Check, Finding, Severity};

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanProgress {
    /// The check at work.
    pub id: &'static str,
    /// Its number among the checks of this scan, from 1.
    pub number: usize,
    /// How many checks there are.
    pub of: usize,
    /// How far it is; of `total`, in its own steps.
    pub done: u64,
    /// When it will be through; 0 where that is not known.
    pub total: u64,
}

/// Told as a scan goes on.
pub type Tell = Arc<dyn Fn(ScanProgress) + Send + Sync>;

/// What a check works with.
pub struct Scan<'a> {
    /// The portal.
    pub portal: &'a Portal,
    tell: Option<&'a Tell>,
    place: (&'static str, usize, usize),
}

impl Scan<'_> {
    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.portal.db
    }

    /// Its catalogue.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.portal.schema
    }

    /// Says how far the check is.
    pub fn progress(&self, done: u64, total: u64) {
        let (id, number, of) = self.place;
        if let Some(tell) = self.tell {
            tell(ScanProgress { id, number, of, done, total });
        }
    }
}

/// A check that could not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The check.
    pub id: &'static str,
    /// What it lacks, by name.
    pub why: String,
}

/// What a scan found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The findings, the worst first, then in the catalogue's order.
    pub findings: Vec<Finding>,
    /// What someone accepted: it doesn't count.
    pub accepted: Vec<AcceptedFinding>,
    /// The checks that could not run.
    pub skipped: Vec<Skipped>,
    /// The checks that ran.
    pub checked: Vec<&'static str>,
    /// How many accounts the portal has.
    pub users: i64,
    /// How long it took.
    pub elapsed: Duration,
    /// When it began, by the database's clock.
    pub at: DateTime<Utc>,
}

impl Report {
    /// The worst severity found; nothing when all is well.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }

    /// Whether anything is as bad as this or worse: then `check` exits with 1.
    #[must_use]
    pub fn fails(&self, fail_on: Severity) -> bool {
        self.worst() >= Some(fail_on)
    }

    /// How many decisions were accepted.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.iter().map(|accepted| accepted.finding.count()).sum()
    }

    /// How many findings of this severity there are, however many decisions each has.
    #[must_use]
    pub fn kinds(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }

    /// How many decisions of this severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).map(Finding::count).sum()
    }
}

/// Runs the named checks, all of them when none is named, in the catalogue's order. To be able to stop it give a portal
/// made by [`Portal::cancellable`].
///
/// # Errors
/// Usage, when an id is unknown; what the engine says; that it was cancelled.
pub async fn scan(portal: &Portal, only: &[String], tell: Option<&Tell>) -> Result<Report> {
    scan_checks(portal, &super::named(only, false)?, tell).await
}

/// As [`scan`], with the checks that read every page of the database.
///
/// # Errors
/// As [`scan`].
pub async fn scan_deep(portal: &Portal, only: &[String], tell: Option<&Tell>) -> Result<Report> {
    scan_checks(portal, &super::named(only, true)?, tell).await
}

/// Runs these checks.
///
/// # Errors
/// As [`scan`].
pub(super) async fn scan_checks(
    portal: &Portal,
    checks: &[&'static dyn Check],
    tell: Option<&Tell>,
) -> Result<Report> {
    let started = Instant::now();
    let at = own::now(&mut portal.db.clone()).await?;
    let users = portal.count(Sql::new("SELECT COUNT(*) FROM auth_user")).await?;
    let mut report = Report {
        findings: Vec::new(),
        accepted: Vec::new(),
        skipped: Vec::new(),
        checked: Vec::new(),
        users,
        elapsed: Duration::ZERO,
        at,
    };
    for (index, check) in checks.iter().enumerate() {
        let about = check.about();
        if !about.engines.contains(&portal.dialect()) {
            continue;
        }
        if let Some(why) = lack(&portal.schema, about) {
            report.skipped.push(Skipped { id: about.id, why });
            continue;
        }
        let scan = Scan { portal, tell, place: (about.id, index + 1, checks.len()) };
        scan.progress(0, 0);
        let found = match check.find(&scan).await {
            Ok(found) => found,
            // The other checks can still tell what they see.
            Err(error) if error.kind == Kind::Denied => {
                report.skipped.push(Skipped { id: about.id, why: error.message });
                continue;
            }
            Err(error) => return Err(error),
        };
        report.checked.push(about.id);
        report.findings.extend(found.into_iter().map(|found| Finding { check: *check, found }));
    }
    baseline::split(portal, &mut report).await?;
    // Stable: within a severity the catalogue's order stays.
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    report.accepted.sort_by_key(|accepted| std::cmp::Reverse(accepted.finding.severity()));
    report.elapsed = started.elapsed();
    Ok(report)
}

/// What this check needs and the database does not have.
pub(super) fn lack(schema: &Schema, about: &About) -> Option<String> {
    for (table, columns) in about.needs {
        if schema.table(table).is_none() {
            return Some(format!("table {table} is missing"));
        }
        if let Some(column) = columns.iter().find(|column| !schema.has(table, column)) {
            return Some(format!("column {table}.{column} is missing"));
        }
    }
    None
}
