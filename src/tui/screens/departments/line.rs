//! A department as a line of the list.

use crate::directory::departments::Members;
use crate::integrity::Remark;
use crate::portal::department::Department;
use crate::tui::screens::short_list::{Order, remarked};
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::table::{Cell, Row};

/// The columns.
pub(super) const COLUMNS: [Column; 5] = [
    Column::new("DEPARTMENT", 14, 34, 9),
    Column::new("ACTIVE", 8, 8, 6),
    Column::new("MEMBERS", 7, 9, 8).right(),
    Column::new("FINDINGS", 8, 18, 5),
    Column::new("DESCRIPTION", 12, 80, 3),
];

/// What the list can be sorted by: the active ones first, the most members and findings first.
pub(super) const ORDERS: [Order<Line>; 4] = [
    Order::by_name(),
    Order { label: "state", column: 1, compare: |a, b| b.department.is_active.cmp(&a.department.is_active) },
    Order { label: "members", column: 2, compare: |a, b| b.members().cmp(&a.members()) },
    Order { label: "findings", column: 3, compare: |a, b| b.remarked().cmp(&a.remarked()) },
];

/// A department as a line of the list.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) department: Department,
    pub(super) members: Option<Members>,
    /// Nothing before they were looked for.
    pub(super) remarks: Option<Vec<Remark>>,
    about: String,
}

impl Line {
    pub(super) fn new(department: Department) -> Self {
        let about = department.description.lines().next().unwrap_or_default().to_owned();
        Self { department, members: None, remarks: None, about }
    }

    fn members(&self) -> Option<i64> {
        self.members.map(|members| members.all)
    }

    fn remarked(&self) -> Option<usize> {
        self.remarks.as_ref().map(Vec::len)
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
            2 => Cell::count(self.members()),
            3 => remarked(self.remarks.as_deref()),
            _ => self.about.as_str().into(),
        }
    }
}
