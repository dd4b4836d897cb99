//! A group as a line of the list, and what the list can be sorted by.

use crate::directory::groups::{Choice, Counts};
use crate::integrity::Remark;
use crate::tui::screens::short_list::{Order, remarked};
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::table::{Cell, Row};

/// The columns.
pub(super) const COLUMNS: [Column; 6] = [
    Column::new("GROUP", 10, 32, 9),
    Column::new("ROLE", 9, 10, 8),
    Column::new("MEMBERS", 7, 9, 7).right(),
    Column::new("PERMISSIONS", 5, 11, 6).short("PERMS").right(),
    Column::new("DESCRIPTION", 12, 60, 3),
    Column::new("FINDINGS", 8, 18, 2),
];

/// What the list can be sorted by: the highest role first, the most members and permissions first.
pub(super) const ORDERS: [Order<Line>; 4] = [
    Order::by_name(),
    Order { label: "role", column: 1, compare: |a, b| b.group.level.cmp(&a.group.level) },
    Order { label: "members", column: 2, compare: |a, b| b.members().cmp(&a.members()) },
    Order { label: "permissions", column: 3, compare: |a, b| b.permissions().cmp(&a.permissions()) },
];

/// A group as a line of the list.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) group: Choice,
    pub(super) counts: Option<Counts>,
    pub(super) remarks: Option<Vec<Remark>>,
    role: String,
}

impl Line {
    pub(super) fn new(group: Choice) -> Self {
        let role = group.level.map(|level| level.to_string()).unwrap_or_default();
        Self { role, group, counts: None, remarks: None }
    }

    fn members(&self) -> Option<i64> {
        self.counts.map(|counts| counts.members)
    }

    fn permissions(&self) -> Option<i64> {
        self.counts.map(|counts| counts.permissions)
    }

    /// Name, role and description.
    pub(super) fn words(&self) -> String {
        format!("{} {} {}", self.group.name, self.role, self.group.description)
    }
}

impl Row for Line {
    type Key = i64;

    fn key(&self) -> i64 {
        self.group.id
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => self.group.name.as_str().into(),
            1 if self.group.level.is_none() => Cell::new("—", Tone::Quiet),
            1 => self.role.as_str().into(),
            2 => Cell::count(self.members()),
            3 => Cell::count(self.permissions()),
            4 => Cell::new(self.group.description.as_str(), Tone::Quiet),
            _ => remarked(self.remarks.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::access::Level;

    fn line(id: i64, level: Option<Level>, members: i64) -> Line {
        let name = format!("group {id}");
        let mut line = Line::new(Choice { id, name, level, description: "Technical complaints".to_owned() });
        line.counts = Some(Counts { members, permissions: 0 });
        line
    }

    fn sorted(order: usize) -> Vec<i64> {
        let mut lines = [line(1, None, 3), line(2, Some(Level::Engineer), 9), line(3, Some(Level::Admin), 9)];
        lines.sort_by(ORDERS[order].compare);
        lines.iter().map(Row::key).collect()
    }

    #[test]
    fn equal_ones_stay_in_the_engines_order() {
        assert_eq!(sorted(0), [1, 2, 3]);
        assert_eq!(sorted(1), [3, 2, 1]);
        assert_eq!(sorted(2), [2, 3, 1]);
        assert_eq!(sorted(3), [1, 2, 3]);
    }
}
