//! The rows of a table, and which of them it wants.

use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::Hash;

use super::counted;
use crate::tui::theme::Tone;

/// How many rows a page that is fetched should have.
pub const PAGE: usize = 200;

/// A row of a table.
pub trait Row {
    /// What names the row among all others, loaded or not: its id.
    type Key: Hash + Eq + Clone + Debug;

    /// Its name.
    fn key(&self) -> Self::Key;

    /// What stands in a column (an index into the table's columns). It is made safe where it is drawn.
    fn cell(&self, column: usize) -> Cell<'_>;
}

/// What stands in one column of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The words.
    pub words: Cow<'a, str>,
    /// How they look.
    pub tone: Tone,
}

impl<'a> Cell<'a> {
    /// Words with a tone.
    #[must_use]
    pub fn new(words: impl Into<Cow<'a, str>>, tone: Tone) -> Self {
        Self { words: words.into(), tone }
    }

    /// A count, which may take a while.
    #[must_use]
    pub fn count(count: Option<i64>) -> Self {
        count.map_or_else(|| Self::new("…", Tone::Quiet), |count| counted(count).into())
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(words: &'a str) -> Self {
        Self::new(words, Tone::Plain)
    }
}

impl From<String> for Cell<'_> {
    fn from(words: String) -> Self {
        Self::new(words, Tone::Plain)
    }
}

/// Rows that a table would like to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The first [`PAGE`] rows.
    First,
    /// The last [`PAGE`] rows.
    Last,
    /// Up to [`PAGE`] rows after [`super::table::Table::last`].
    After,
    /// Up to [`PAGE`] rows before [`super::table::Table::first`].
    Before,
    /// The rows from [`super::table::Table::first`] on, as many as [`super::table::Table::len`]: they may have changed.
    Again,
}

/// Rows that were fetched, in the order of the list.
#[derive(Debug, Clone)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Whether there are more rows in the direction that was asked for (after them; before them for `Last`, `Before`).
    pub more: bool,
}
