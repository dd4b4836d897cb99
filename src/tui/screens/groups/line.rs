//! A group as a line of the list, and what the list can be sorted by.

use crate::directory::groups::Group;
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::grouped;
use crate::tui::widgets::table::{Cell, Row};

/// The columns.
pub(super) const COLUMNS: [Column; 5] = [
    Column::new("GROUP", 10, 32, 9),
    Column::new("ROLE", 9, 10, 8),
    Column::new("MEMBERS", 7, 9, 7).right(),
    Column::new("PERMISSIONS", 5, 11, 6).short("PERMS").right(),
    Column::new("DESCRIPTION", 12, 60, 3),
];

/// What the list can be sorted by, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum By {
    /// The name, in the engine's order.
    Name,
    /// The highest role first.
    #[default]
    Role,
    /// The most members first.
    Members,
    /// The most permissions first.
    Permissions,
}

impl By {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Name, Self::Role, Self::Members, Self::Permissions];

    /// What people call it.
    #[must_use]
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Role => "role",
            Self::Members => "members",
            Self::Permissions => "permissions",
        }
    }

    /// Its place among the columns.
    #[must_use]
    pub(super) const fn column(self) -> usize {
        self as usize
    }

    /// Puts groups that come by name into this order.
    pub(super) fn sort(self, groups: &mut [&Group], descending: bool) {
        match self {
            Self::Name => {}
            Self::Role => groups.sort_by_key(|group| std::cmp::Reverse(group.level)),
            Self::Members => groups.sort_by_key(|group| std::cmp::Reverse(group.members)),
            Self::Permissions => groups.sort_by_key(|group| std::cmp::Reverse(group.permissions)),
        }
        if descending {
            groups.reverse();
        }
    }
}

/// A group and what is said about it, made once when it is read.
pub(super) struct Line {
    pub(super) group: Group,
    role: String,
    members: String,
    permissions: String,
}

impl Line {
    pub(super) fn new(group: Group) -> Self {
        let number = |count: i64| grouped(u64::try_from(count).unwrap_or(0));
        Self {
            role: group.level.map_or_else(|| "—".to_owned(), |level| level.to_string()),
            members: number(group.members),
            permissions: number(group.permissions),
            group,
        }
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
            1 if self.group.level.is_none() => Cell::new(self.role.as_str(), Tone::Quiet),
            1 => self.role.as_str().into(),
            2 => self.members.as_str().into(),
            3 => self.permissions.as_str().into(),
            _ => Cell::new(self.group.description.as_str(), Tone::Quiet),
        }
    }
}

/// Whether a group has every typed word in its name, role or description. This is a convenience over a list that is all in
/// memory, not a comparison of two database texts.
pub(super) fn matches(group: &Group, typed: &str) -> bool {
    let role = group.level.map(|level| level.to_string()).unwrap_or_default();
    let whole = format!("{} {role} {}", group.name, group.description).to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| whole.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::access::Level;

    fn group(id: i64, level: Option<Level>, members: i64) -> Group {
        let name = format!("group {id}");
        Group { id, name, level, description: "Technical complaints".to_owned(), members, permissions: 0 }
    }

    fn sorted(by: By, descending: bool) -> Vec<i64> {
        let groups = [group(1, None, 3), group(2, Some(Level::Engineer), 9), group(3, Some(Level::Admin), 9)];
        let mut shown: Vec<&Group> = groups.iter().collect();
        by.sort(&mut shown, descending);
        shown.iter().map(|group| group.id).collect()
    }

    #[test]
    fn equal_ones_stay_in_the_engines_order() {
        assert_eq!(sorted(By::Name, false), [1, 2, 3]);
        assert_eq!(sorted(By::Role, false), [3, 2, 1]);
        assert_eq!(sorted(By::Members, false), [2, 3, 1]);
        assert_eq!(sorted(By::Role, true), [1, 2, 3]);
        assert_eq!(By::ALL.map(By::column), [0, 1, 2, 3]);
    }

    #[test]
    fn every_word_is_looked_for_in_name_role_and_meaning() {
        let engineers = group(2, Some(Level::Engineer), 0);
        assert!(matches(&engineers, "tech GROUP engineer") && matches(&engineers, ""));
        assert!(!matches(&engineers, "tech admin"));
    }
}
