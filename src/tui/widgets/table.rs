//! A list of any length of which only a window is loaded.
//!
//! The table holds at most [`WINDOW`] rows around the cursor. When a move comes near the end of what is loaded it says
//! what it [wants](Want); the screen fetches that page in its own way (by keyset) and hands it to [`Table::take`]. Moves
//! made meanwhile are remembered and carried out when the page is there.
//!
//! When the cursor passes the edge the view jumps by half a page: over a thin line, twenty moves without scrolling and
//! one repaint cost far less than twenty scrolled rows. The cursor's row differs from the others only in its sign and its
//! first column, for the same reason.

use std::collections::VecDeque;

use super::columns::{Arrangement, Column, widths};
use super::grouped;
use super::marks::Marks;
use super::row::PAGE;
pub use super::row::{Cell, Page, Row, Want};
use crate::tui::actions::Action;
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::keymap::Binding;

/// The most rows that are kept; what is further from the cursor is forgotten and fetched again when needed.
pub const WINDOW: usize = 1_000;

/// The keys of every list; a screen puts this after its own table.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('j'), code(Key::Down)], Action::Down, "down").quiet(),
    Binding::new(&[key('k'), code(Key::Up)], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown)], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp)], Action::PageUp, "page up").quiet(),
    Binding::new(&[ctrl('d')], Action::HalfPageDown, "half a page down").quiet(),
    Binding::new(&[ctrl('u')], Action::HalfPageUp, "half a page up").quiet(),
    Binding::new(&[key('g'), code(Key::Home)], Action::First, "first").quiet(),
    Binding::new(&[key('G'), code(Key::End)], Action::Last, "last").quiet(),
];

/// Whether an action is one of [`KEYS`].
#[must_use]
pub fn is_move(action: Action) -> bool {
    KEYS.iter().any(|binding| binding.action == action)
}

/// The keys of lists whose rows can be marked.
pub const MARK_KEYS: &[Binding] = &[
    Binding::new(&[key(' ')], Action::Mark, "mark"),
    Binding::new(&[key('v')], Action::MarkRange, "mark from here to there").quiet(),
    Binding::new(&[key('*')], Action::MarkAll, "mark all that match").quiet(),
];

/// The window over the list, the cursor, and the marks.
pub struct Table<R: Row> {
    pub(super) columns: &'static [Column],
    arrangement: Arrangement,
    /// The cells that the columns had in the last frame.
    pub(super) room: u16,
    pub(super) rows: VecDeque<R>,
    /// How many rows come before the loaded ones, where that is known.
    before: Option<u64>,
    more_before: bool,
    more_after: bool,
    total: Option<u64>,
    pub(super) cursor: usize,
    pub(super) top: usize,
    pub(super) height: usize,
    waiting: Option<Want>,
    /// Moves that wait for rows, down being positive.
    owed: isize,
    pub(super) marks: Marks<R::Key>,
    range_from: Option<R::Key>,
    pub(super) sorted: Option<(usize, bool)>,
    pub(super) empty: String,
}

impl<R: Row> Table<R> {
    /// A table without rows; ask it for its first [`Want`] with [`Self::start`].
    #[must_use]
    pub fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            arrangement: Arrangement::usual(0..columns.len()),
            room: 0,
            rows: VecDeque::new(),
            before: None,
            more_before: false,
            more_after: false,
            total: None,
            cursor: 0,
            top: 0,
            height: 20,
            waiting: None,
            owed: 0,
            marks: Marks::none(),
            range_from: None,
            sorted: None,
            empty: String::new(),
        }
    }

    /// All its columns, shown or not.
    #[must_use]
    pub fn columns(&self) -> &'static [Column] {
        self.columns
    }

    /// The columns that it shows.
    #[must_use]
    pub fn arrangement(&self) -> &Arrangement {
        &self.arrangement
    }

    /// Shows these columns from now on.
    pub fn arrange(&mut self, arrangement: Arrangement) {
        self.arrangement = arrangement;
    }

    /// The cells that its columns had in the last frame.
    #[must_use]
    pub fn room(&self) -> u16 {
        self.room
    }

    pub(super) fn widths(&self) -> Vec<(usize, u16)> {
        widths(self.columns, &self.arrangement, self.room)
    }

    /// Wants the list from its beginning: at first, and when filter or order changed. Old rows stay until then.
    pub fn start(&mut self) -> Want {
        self.range_from = None;
        self.wait(Want::First)
    }

    /// Wants the loaded rows again, because they may have changed.
    pub fn again(&mut self) -> Want {
        self.wait(if self.rows.is_empty() { Want::First } else { Want::Again })
    }

    /// Does a move or a mark of [`KEYS`] and [`MARK_KEYS`]; says which rows that makes it want, if any.
    pub fn act(&mut self, action: Action) -> Option<Want> {
        let page = isize::try_from(self.height).unwrap_or(1).max(1);
        match action {
            Action::Down => self.step(1),
            Action::Up => self.step(-1),
            Action::PageDown => self.turn(page),
            Action::PageUp => self.turn(-page),
            Action::HalfPageDown => self.turn((page / 2).max(1)),
            Action::HalfPageUp => self.turn(-(page / 2).max(1)),
            Action::First if self.more_before => return Some(self.wait(Want::First)),
            Action::First => self.cursor = 0,
            Action::Last if self.more_after => return Some(self.wait(Want::Last)),
            Action::Last => self.cursor = self.rows.len().saturating_sub(1),
            Action::Mark => {
                if !self.finish_range()
                    && let Some(row) = self.current()
                {
                    self.marks.toggle(row.key());
                    self.step(1);
                }
            }
            Action::MarkRange => self.mark_range(),
            Action::MarkAll => self.marks.toggle_all(),
            _ => {}
        }
        self.scroll();
        self.next_want()
    }

    /// Takes the rows that were wanted; says which it wants next, if moves still wait for more.
    pub fn take(&mut self, want: Want, page: Page<R>) -> Option<Want> {
        if self.waiting == Some(want) {
            self.waiting = None;
        }
        match want {
            Want::First => self.replace(page, true),
            Want::Last => self.replace(page, false),
            Want::After => {
                self.more_after = page.more;
                self.rows.extend(page.rows);
                self.forget_front();
            }
            Want::Before => self.put_before(page),
            Want::Again => self.renew(page),
        }
        let owed = std::mem::take(&mut self.owed);
        self.step(owed);
        self.scroll();
        self.next_want()
    }

    /// The rows that were wanted cannot be had now.
    pub fn failed(&mut self) {
        self.waiting = None;
        self.owed = 0;
    }

    /// Shows a stretch from the middle of the list with the cursor on one of its rows; `more` says whether there are
    /// rows before and after it.
    pub fn show_around(&mut self, rows: Vec<R>, cursor: usize, more: (bool, bool)) {
        self.waiting = None;
        self.owed = 0;
        self.rows = rows.into();
        (self.more_before, self.more_after) = more;
        self.before = (!self.more_before).then_some(0);
        self.cursor = cursor.min(self.rows.len().saturating_sub(1));
        self.top = self.cursor.saturating_sub(self.height / 2);
        self.scroll();
    }

    /// Says how many rows of the whole list come before the row of this key, where it is loaded.
    pub fn set_before(&mut self, key: &R::Key, before: u64) {
        if let Some(at) = self.rows.iter().position(|row| row.key() == *key) {
            self.before = Some(before.saturating_sub(at as u64));
        }
    }

    /// Whether the first loaded row is the first of the list.
    #[must_use]
    pub fn is_at_start(&self) -> bool {
        !self.more_before
    }

    /// Says how many rows match in all, once that is known.
    pub fn set_total(&mut self, total: Option<u64>) {
        self.total = total;
        // From the first row on nothing is before; the count may know of rows that are still on their way.
        if let (Some(total), false, true) = (total, self.more_after, self.more_before) {
            self.before = Some(total.saturating_sub(self.rows.len() as u64));
        }
    }

    /// How many rows match in all, where that is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        if self.more_after || self.more_before { self.total } else { Some(self.rows.len() as u64) }
    }

    /// Shows an arrow at the heading of the column that the list is sorted by.
    pub fn set_sorted(&mut self, column: usize, descending: bool) {
        self.sorted = Some((column, descending));
    }

    /// What stands there when there are no rows.
    pub fn set_empty(&mut self, words: impl Into<String>) {
        self.empty = words.into();
    }

    /// The row under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&R> {
        self.rows.get(self.cursor)
    }

    /// The first loaded row.
    #[must_use]
    pub fn first(&self) -> Option<&R> {
        self.rows.front()
    }

    /// The last loaded row.
    #[must_use]
    pub fn last(&self) -> Option<&R> {
        self.rows.back()
    }

    /// The loaded rows.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.iter()
    }

    /// How many rows are loaded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether rows are on their way.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The marks.
    #[must_use]
    pub fn marks(&self) -> &Marks<R::Key> {
        &self.marks
    }

    /// The marks, to change them.
    pub fn marks_mut(&mut self) -> &mut Marks<R::Key> {
        &mut self.marks
    }

    /// Gives up a range that was begun; says whether there was one.
    pub fn clear_range(&mut self) -> bool {
        self.range_from.take().is_some()
    }

    /// Whether a range was begun at a row that is no longer loaded.
    #[must_use]
    pub fn range_is_lost(&self) -> bool {
        self.range_from.is_some() && self.range().is_none()
    }

    /// Puts the cursor on the row of this key, if it is loaded; says whether it is.
    pub fn go_to(&mut self, key: &R::Key) -> bool {
        let found = self.rows.iter().position(|row| row.key() == *key);
        self.cursor = found.unwrap_or(self.cursor);
        self.scroll();
        found.is_some()
    }

    /// Where the cursor is, such as `14 of 1 204`, as far as that is known.
    #[must_use]
    pub fn place(&self) -> String {
        let at = self.before.map(|before| before + self.cursor as u64 + 1);
        match (at, self.total()) {
            _ if self.rows.is_empty() && self.total() == Some(0) => "none".to_owned(),
            (Some(at), Some(total)) => format!("{} of {}", grouped(at), grouped(total.max(at))),
            (Some(at), None) => {
                format!("{} of {}+", grouped(at), grouped(self.before.unwrap_or(0) + self.rows.len() as u64))
            }
            (None, Some(total)) => grouped(total),
            (None, None) if self.more_after => String::new(),
            (None, None) => "at the end".to_owned(),
        }
    }

    /// `14 of 1 204 · by username`, for a list that is sorted by this.
    #[must_use]
    pub fn status(&self, order: &str, descending: bool) -> String {
        let place = self.place();
        let gap = if place.is_empty() { "" } else { " · " };
        let reversed = if descending { ", reversed" } else { "" };
        format!("{place}{gap}by {order}{reversed}")
    }

    /// Moves the cursor, and remembers what part of the move has no rows yet.
    fn step(&mut self, by: isize) {
        let last = isize::try_from(self.rows.len()).unwrap_or(isize::MAX) - 1;
        let target = isize::try_from(self.cursor).unwrap_or(0) + by;
        let reached = target.min(last).max(0);
        let missing = target - reached;
        let can_come = if missing > 0 { self.more_after } else { self.more_before };
        self.owed = if missing != 0 && can_come { self.owed + missing } else { self.owed };
        self.cursor = usize::try_from(reached).unwrap_or(0);
    }

    /// Moves cursor and view together.
    fn turn(&mut self, by: isize) {
        let before = self.cursor;
        self.step(by);
        self.top = if self.cursor >= before {
            self.top + (self.cursor - before)
        } else {
            self.top.saturating_sub(before - self.cursor)
        };
    }

    /// Keeps the cursor in view, in jumps of half a page, and the view full where there are rows.
    pub(super) fn scroll(&mut self) {
        let height = self.height.max(1);
        if self.cursor < self.top {
            self.top = (self.cursor + 1).saturating_sub(height.div_ceil(2));
        } else if self.cursor >= self.top + height {
            self.top = self.cursor - height / 2;
        }
        if !self.more_after {
            self.top = self.top.min(self.rows.len().saturating_sub(height));
        }
        // A single row's jump must not move the cursor out of view.
        self.top = self.top.min(self.cursor);
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
    }

    fn wait(&mut self, want: Want) -> Want {
        self.owed = 0;
        self.waiting = Some(want);
        want
    }

    /// Wants the next page before the cursor gets to the end of what is loaded.
    fn next_want(&mut self) -> Option<Want> {
        if self.waiting.is_some() || self.rows.is_empty() {
            return None;
        }
        let near = self.height * 2;
        if self.more_after && (self.owed > 0 || self.rows.len() - self.cursor <= near) {
            self.waiting = Some(Want::After);
        } else if self.more_before && (self.owed < 0 || self.cursor < near) {
            self.waiting = Some(Want::Before);
        }
        self.waiting
    }

    fn replace(&mut self, page: Page<R>, from_start: bool) {
        self.rows = page.rows.into();
        self.more_after = from_start && page.more;
        self.more_before = !from_start && page.more;
        self.cursor = if from_start { 0 } else { self.rows.len().saturating_sub(1) };
        self.top = 0;
        let rows = self.rows.len() as u64;
        self.before = if from_start { Some(0) } else { self.total.map(|total| total.saturating_sub(rows)) };
    }

    fn put_before(&mut self, page: Page<R>) {
        let count = page.rows.len();
        self.more_before = page.more;
        for row in page.rows.into_iter().rev() {
            self.rows.push_front(row);
        }
        self.cursor += count;
        self.top += count;
        self.before =
            if page.more { self.before.map(|before| before.saturating_sub(count as u64)) } else { Some(0) };
        if self.rows.len() > WINDOW && self.range_from.is_none() {
            let needed = (self.cursor + self.height * 3).max(WINDOW - PAGE);
            if needed < self.rows.len() {
                self.rows.truncate(needed);
                self.more_after = true;
            }
        }
    }

    fn forget_front(&mut self) {
        if self.rows.len() <= WINDOW || self.range_from.is_some() {
            return;
        }
        let spare = self.top.saturating_sub(self.height * 2).min(self.rows.len() - (WINDOW - PAGE));
        self.rows.drain(..spare);
        self.cursor -= spare;
        self.top -= spare;
        self.more_before |= spare > 0;
        self.before = self.before.map(|before| before + spare as u64);
    }

    /// Puts changed rows in place of the loaded ones and keeps the cursor on its row, or near where that was.
    fn renew(&mut self, page: Page<R>) {
        let on = self.current().map(Row::key);
        self.rows = page.rows.into();
        self.more_after = page.more;
        let found = on.and_then(|key| self.rows.iter().position(|row| row.key() == key));
        self.cursor = found.unwrap_or(self.cursor).min(self.rows.len().saturating_sub(1));
    }

    /// Begins a range, or ends the one that was begun.
    fn mark_range(&mut self) {
        if !self.finish_range() {
            self.range_from = self.current().map(Row::key);
        }
    }

    /// Marks from where the range began to the cursor; says whether there was a range.
    fn finish_range(&mut self) -> bool {
        let Some((from, to)) = self.range() else { return false };
        let keys: Vec<R::Key> = self.rows.range(from..=to).map(Row::key).collect();
        self.marks.mark(keys);
        self.range_from = None;
        true
    }

    /// The range that is being marked, as it stands.
    pub(super) fn range(&self) -> Option<(usize, usize)> {
        let anchor = self.range_from.as_ref()?;
        let from = self.rows.iter().position(|row| row.key() == *anchor)?;
        Some((from.min(self.cursor), from.max(self.cursor)))
    }
}

#[cfg(test)]
mod tests;
