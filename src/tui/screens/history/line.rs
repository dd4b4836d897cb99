//! An entry as a line of the list.

use crate::directory::history::{Entry, Source};
use crate::tui::clock::Clock;
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::table::{Cell, Row};

/// The columns.
pub(super) const COLUMNS: [Column; 5] = [
    Column::new("TIME", 16, 16, 8),
    Column::new("WHO", 8, 16, 7),
    Column::new("FROM", 9, 24, 3),
    Column::new("WHAT", 14, 60, 9),
    Column::new("ROWS", 4, 5, 4).right(),
];

/// An entry and what is said about it, made once when it is read.
pub(super) struct Line {
    pub(super) entry: Entry,
    time: String,
    by: String,
    from: String,
    title: String,
    rows: String,
    undone: bool,
}

impl Line {
    pub(super) fn new(entry: Entry, clock: &Clock) -> Self {
        let change = entry.change();
        let undone = change.is_some_and(|listed| listed.undone_by.is_some());
        let back = if undone { " (taken back)" } else { "" };
        Self {
            time: entry.time().map_or_else(|| "unknown".to_owned(), |time| clock.date_and_time(time)),
            by: entry.by(),
            from: entry.from(),
            title: format!("{}{back}", entry.title()),
            rows: change.map(|listed| listed.change.row_count.to_string()).unwrap_or_default(),
            undone,
            entry,
        }
    }
}

impl Row for Line {
    type Key = (Source, i64);

    fn key(&self) -> Self::Key {
        self.entry.key()
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        let words = match column {
            0 => &self.time,
            1 => &self.by,
            2 => &self.from,
            3 => &self.title,
            _ => &self.rows,
        };
        let tone = if self.undone { Tone::Quiet } else { Tone::Plain };
        Cell::new(words.as_str(), tone)
    }
}
