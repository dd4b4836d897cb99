//! A department as a line of the list.

use crate::directory::departments::Members;
use crate::integrity::AboutDepartment;
use crate::portal::department::Department;
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::grouped;
use crate::tui::widgets::table::{Cell, Row};

/// The columns.
pub(super) const COLUMNS: [Column; 5] = [
    Column::new("DEPARTMENT", 14, 34, 9),
    Column::new("ACTIVE", 8, 8, 6),
    Column::new("MEMBERS", 7, 9, 8).right(),
    Column::new("FINDINGS", 8, 18, 5),
    Column::new("DESCRIPTION", 12, 80, 3),
];

/// What the list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// As the database compares names.
    #[default]
    Name,
    /// The active ones first.
    Active,
    /// The most members first.
    Members,
    /// The most findings first.
    Findings,
}

impl Order {
    /// All of them, in the order of their columns.
    pub(super) const ALL: [Self; 4] = [Self::Name, Self::Active, Self::Members, Self::Findings];

    /// What people call it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Active => "state",
            Self::Members => "members",
            Self::Findings => "findings",
        }
    }

    /// The column of it.
    pub(super) fn column(self) -> usize {
        Self::ALL.iter().position(|order| *order == self).unwrap_or(0)
    }
}

/// A department and what is said about it, made once when it is read.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) department: Department,
    pub(super) members: Option<Members>,
    /// Nothing before they were looked for.
    pub(super) findings: Option<Vec<AboutDepartment>>,
    about: String,
}

impl Line {
    pub(super) fn new(department: Department) -> Self {
        let about = department.description.lines().next().unwrap_or_default().to_owned();
        Self { department, members: None, findings: None, about }
    }
}

impl Row for Line {
    type Key = i64;

    fn key(&self) -> i64 {
        self.department.id
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => self.department.name.as_str().into(),
            1 if self.department.is_active => Cell::new("yes", Tone::Quiet),
            1 => Cell::new("inactive", Tone::Warn),
            2 => match self.members {
                Some(members) => grouped(u64::try_from(members.all).unwrap_or(0)).into(),
                None => Cell::new("…", Tone::Quiet),
            },
            3 => match &self.findings {
                None => Cell::new("", Tone::Quiet),
                Some(found) if found.is_empty() => Cell::new("—", Tone::Quiet),
                Some(found) => {
                    let ids: Vec<&str> = found.iter().map(|finding| finding.id).collect();
                    Cell::new(ids.join(", "), Tone::Warn)
                }
            },
            _ => self.about.as_str().into(),
        }
    }
}
