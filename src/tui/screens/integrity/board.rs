//! The last scan, shared by the Integrity tab and the screens of its findings.

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use crate::integrity::{AcceptedFinding, CHECKS, Class, Finding, Report, Severity, Subject};

/// What names a finding as long as it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKey {
    /// Its check, and who decides about it.
    Found(&'static str, Class),
    /// Its check, and the number of the first of what was accepted at once.
    Accepted(&'static str, i64),
}

impl FindingKey {
    /// The check's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Found(id, _) | Self::Accepted(id, _) => id,
        }
    }
}

/// What names this finding.
#[must_use]
pub fn key_of(finding: &Finding) -> FindingKey {
    FindingKey::Found(finding.id(), finding.class())
}

/// What names this part of a finding that was accepted.
#[must_use]
pub fn key_of_accepted(accepted: &AcceptedFinding) -> FindingKey {
    FindingKey::Accepted(accepted.finding.id(), accepted.ids.first().copied().unwrap_or_default())
}

/// The last scan's result.
#[derive(Debug, Default)]
pub struct Board {
    /// What was found; nothing before the first scan.
    pub report: Option<Report>,
    /// Rows may have changed since.
    pub stale: bool,
    /// What has just changed rows has looked again by itself.
    pub settled: bool,
    /// A repair runs, so that `Esc` stops it before it closes anything.
    pub repairing: bool,
    /// The users whose rows the last repair has written.
    pub touched: Option<Touched>,
}

/// Users whose rows a repair has written, for the work that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The operation or run, as the filter `op:` takes it.
    pub operation: String,
    /// How many users.
    pub users: u64,
}

/// A [`Board`] in several hands, all on the thread of the screens.
#[derive(Debug, Clone, Default)]
pub struct SharedBoard(Rc<RefCell<Board>>);

impl SharedBoard {
    /// To look at.
    #[must_use]
    pub fn get(&self) -> Ref<'_, Board> {
        self.0.borrow()
    }

    /// To change.
    #[must_use]
    pub fn change(&self) -> RefMut<'_, Board> {
        self.0.borrow_mut()
    }
}

impl Board {
    /// Puts a scan of every check in the place of what was there.
    pub fn replace(&mut self, report: Report) {
        self.report = Some(report);
        self.stale = false;
    }

    /// Puts a scan of some checks in the place of what these checks found before. What the scan of all of them took,
    /// and when it was, stays.
    pub fn merge(&mut self, partial: Report) {
        self.settled = true;
        let Some(report) = &mut self.report else {
            self.report = Some(partial);
            return;
        };
        report.findings.retain(|finding| !partial.checked.contains(&finding.id()));
        report.findings.extend(partial.findings);
        report.findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity()), place(finding.id())));
        report.accepted.retain(|accepted| !partial.checked.contains(&accepted.finding.id()));
        report.accepted.extend(partial.accepted);
        report.accepted.sort_by_key(|accepted| place(accepted.finding.id()));
        report.users = partial.users;
    }

    /// The finding of this name.
    #[must_use]
    pub fn find(&self, key: FindingKey) -> Option<&Finding> {
        self.findings()
            .iter()
            .find(|finding| key_of(finding) == key)
            .or_else(|| Some(&self.accepted(key)?.finding))
    }

    /// What was accepted under this name.
    #[must_use]
    pub fn accepted(&self, key: FindingKey) -> Option<&AcceptedFinding> {
        self.report.as_ref()?.accepted.iter().find(|accepted| key_of_accepted(accepted) == key)
    }

    /// Takes a decision off that somebody has made, until the next scan tells.
    pub fn settle(&mut self, key: FindingKey, subject: Subject) {
        self.settled = true;
        let Some(report) = &mut self.report else { return };
        for finding in report.findings.iter_mut().filter(|finding| key_of(finding) == key) {
            let before = finding.found.subjects.len();
            finding.found.subjects.retain(|other| *other != subject);
            finding.found.count -= (before - finding.found.subjects.len()).min(finding.found.count);
        }
        report.findings.retain(|finding| finding.count() > 0);
    }

    /// The same with only these findings, for an export.
    #[must_use]
    pub fn only(&self, findings: Vec<Finding>) -> Option<Report> {
        let report = self.report.as_ref()?;
        Some(Report {
            findings,
            accepted: Vec::new(),
            skipped: report.skipped.clone(),
            checked: report.checked.clone(),
            ..*report
        })
    }

    /// Everything found, the worst first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.report.as_ref().map_or(&[], |report| &report.findings)
    }

    /// How many findings are so bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.report.as_ref().map_or(0, |report| report.kinds(severity))
    }
}

/// Where a check stands in the catalogue.
fn place(id: &str) -> usize {
    CHECKS.iter().position(|check| check.about().id == id).unwrap_or(CHECKS.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;
    use crate::integrity::{self, Found};

    fn report(found: &[(&str, usize)]) -> Report {
        let finding = |(id, count): &(&str, usize)| {
            let check = integrity::check(id).expect("a check");
            let subjects = (1..).map(Subject::of).take(*count).collect();
            let found = Found::each(check.about(), Class::Automatic, subjects);
            found.map(|found| Finding { check, found })
        };
        Report {
            findings: found.iter().filter_map(finding).collect(),
            accepted: Vec::new(),
            skipped: Vec::new(),
            checked: found.iter().filter_map(|(id, _)| Some(integrity::check(id)?.about().id)).collect(),
            users: 3,
            elapsed: Duration::ZERO,
            at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_scan_of_some_checks_replaces_only_what_these_had_found() {
        let mut board = Board::default();
        board.replace(report(&[("PRF-001", 2), ("GRP-003", 1)]));
        board.merge(report(&[("PRF-003", 4), ("PRF-001", 0)]));
        let left: Vec<_> = board.findings().iter().map(|finding| (finding.id(), finding.count())).collect();
        assert_eq!(left, [("PRF-003", 4), ("GRP-003", 1)], "the worst comes first");
        assert!(board.find(FindingKey::Found("PRF-001", Class::Automatic)).is_none());
        assert_eq!((board.count(Severity::Critical), board.count(Severity::Error)), (1, 0));
    }
}
