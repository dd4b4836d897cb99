//! A user as a line of the list.

use crate::directory::users::{self, UserRow};
use crate::tui::clock::Clock;
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::table::{Cell, Row};

/// The columns.
pub(super) const COLUMNS: [Column; 6] = [
    Column::new("USERNAME", 14, 28, 9),
    Column::new("NAME", 16, 30, 6),
    Column::new("DEPARTMENT", 10, 20, 3),
    Column::new("ACCESS", 9, 22, 5),
    Column::new("LAST WEB LOGIN", 7, 16, 4).short("LOGIN"),
    Column::new("STATE", 8, 24, 7),
];

/// The shown column for an order, where there is one.
pub(super) fn column_of(sort: users::Column) -> Option<usize> {
    match sort {
        users::Column::Username => Some(0),
        users::Column::Name => Some(1),
        users::Column::Department => Some(2),
        users::Column::Access => Some(3),
        users::Column::LastLogin => Some(4),
        users::Column::State => Some(5),
        users::Column::Email | users::Column::Joined => None,
    }
}

/// A user and what is said about them, made once when the row is read: a list is drawn far more often.
pub(super) struct Line {
    pub(super) user: UserRow,
    access: String,
    last_login: String,
    state: String,
}

impl Line {
    pub(super) fn new(user: UserRow, clock: &Clock) -> Self {
        let superuser = user.is_superuser.then_some("superuser");
        let access: Vec<&str> = user.access.iter().map(String::as_str).chain(superuser).collect();
        Self {
            access: access.join(", "),
            last_login: user.last_login.map_or_else(|| "never".to_owned(), |time| clock.ago(time)),
            state: user.state(),
            user,
        }
    }
}

/// What is not there is said, quietly.
fn or_dash(words: &str) -> Cell<'_> {
    if words.is_empty() { Cell::new("—", Tone::Quiet) } else { words.into() }
}

impl Row for Line {
    type Key = i64;

    fn key(&self) -> i64 {
        self.user.id
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => self.user.username.as_str().into(),
            1 => or_dash(&self.user.name),
            2 => or_dash(self.user.department.as_deref().unwrap_or_default()),
            3 => or_dash(&self.access),
            4 if self.user.last_login.is_none() => Cell::new(self.last_login.as_str(), Tone::Quiet),
            4 => self.last_login.as_str().into(),
            _ => Cell::new(self.state.as_str(), Tone::Warn),
        }
    }
}
