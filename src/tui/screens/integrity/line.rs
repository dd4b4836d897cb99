//! One finding as a line of the list.

use super::board::{FindingKey, key_of};
use crate::integrity::{Finding, Severity};
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
    severity: Severity,
    count: String,
    what: &'static str,
}

impl Line {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            key: key_of(finding),
            severity: finding.severity(),
            count: grouped(finding.count() as u64),
            what: finding.title(),
        }
    }
}

/// How a severity looks; its name always stands there too.
pub(super) fn tone(severity: Severity) -> Tone {
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
            0 => self.key.0.into(),
            1 => Cell::new(self.severity.name(), tone(self.severity)),
            2 => self.count.as_str().into(),
            3 => self.key.1.label().into(),
            _ => self.what.into(),
        }
    }
}
