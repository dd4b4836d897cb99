//! One finding, or what was accepted of one, as a line of the list.

use super::board::{FindingKey, key_of, key_of_accepted};
use crate::integrity::{AcceptedFinding, Finding, Severity};
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::grouped;
use crate::tui::widgets::table::{Cell, Row};

/// The columns of the list.
pub(super) const COLUMNS: [Column; 5] = [
    Column::new("ID", 7, 7, 9),
    Column::new("SEVERITY", 8, 8, 7),
    Column::new("ROWS", 5, 9, 6).right(),
    Column::new("REPAIR", 6, 7, 5),
    Column::new("WHAT", 10, 90, 8),
];

/// What the list shows of a finding.
pub(super) struct Line {
    pub(super) key: FindingKey,
    /// How bad it is; nothing for what was accepted.
    severity: Option<Severity>,
    count: String,
    repair: &'static str,
    what: String,
}

impl Line {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            key: key_of(finding),
            severity: Some(finding.severity()),
            count: grouped(finding.count() as u64),
            repair: finding.class().label(),
            what: finding.title().to_owned(),
        }
    }

    /// What was accepted stands apart, with its reason.
    pub(super) fn of_accepted(accepted: &AcceptedFinding) -> Self {
        Self {
            key: key_of_accepted(accepted),
            severity: None,
            count: grouped(accepted.finding.count() as u64),
            repair: "",
            what: format!("{}: {}", accepted.finding.title(), accepted.reason),
        }
    }
}

/// How a severity looks; its name always stands there too.
pub(in crate::tui::screens) fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Quiet,
    }
}

impl Row for Line {
    type Key = FindingKey;

    fn key(&self) -> FindingKey {
        self.key
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => self.key.id().into(),
            1 => match self.severity {
                Some(severity) => Cell::new(severity.name(), tone(severity)),
                None => Cell::new("accepted", Tone::Quiet),
            },
            2 => self.count.as_str().into(),
            3 => self.repair.into(),
            _ => self.what.as_str().into(),
        }
    }
}
