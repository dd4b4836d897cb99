//! The record that is shown, the one that is wanted, and how far it is scrolled: for every record beside a list or on a
//! screen of its own.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::error::{Error, Kind, Result};
use crate::tui::actions::Action;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::labelled::{Lines, Scroll};
use crate::tui::widgets::{cells, put};

/// The record. An old one stays until the one that is wanted is there.
pub struct Shown<R> {
    record: Option<(i64, R)>,
    wanted: Option<i64>,
    scroll: Scroll,
}

impl<R> Default for Shown<R> {
    fn default() -> Self {
        Self { record: None, wanted: None, scroll: Scroll::default() }
    }
}

impl<R> Shown<R> {
    /// The record that is shown, with its id.
    #[must_use]
    pub fn record(&self) -> Option<(i64, &R)> {
        self.record.as_ref().map(|(id, record)| (*id, record))
    }

    /// The record that is shown, if it is this one's.
    #[must_use]
    pub fn of(&self, id: i64) -> Option<&R> {
        self.record().filter(|(shown, _)| *shown == id).map(|(_, record)| record)
    }

    /// Whose record is shown or on its way.
    #[must_use]
    pub fn wanted(&self) -> Option<i64> {
        self.wanted
    }

    /// This one's record is being read now.
    pub fn want(&mut self, id: i64) {
        self.wanted = Some(id);
    }

    /// Shows nothing.
    pub fn clear(&mut self) {
        self.record = None;
        self.wanted = None;
    }

    /// Takes what was read: the newest that was wanted.
    ///
    /// # Errors
    /// Why there is no record.
    pub fn take(&mut self, read: Result<R>) -> Result<()> {
        match read {
            Ok(record) => {
                // What is no longer wanted is not shown.
                let Some(id) = self.wanted else { return Ok(()) };
                if self.of(id).is_none() {
                    self.scroll.to_top();
                }
                self.record = Some((id, record));
                Ok(())
            }
            Err(error) => {
                self.wanted = None;
                if is_gone(&error) {
                    self.record = None;
                }
                Err(error)
            }
        }
    }

    /// Scrolls.
    pub fn act(&mut self, action: Action) {
        self.scroll.act(action);
    }

    /// Draws what is said of it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, lines: &Lines, theme: &Theme) {
        self.scroll.draw(frame, area, lines, theme);
    }
}

/// Whether a record could not be read because there is none any more.
#[must_use]
pub fn is_gone(error: &Error) -> bool {
    matches!(error.kind, Kind::Invalid | Kind::Conflict)
}

/// The name with the id at the right; `focused` says whether the keys scroll the record.
pub fn draw_head(buffer: &mut Buffer, row: Rect, name: &str, id: i64, focused: bool, theme: &Theme) {
    let id = format!("#{id}");
    let width = cells(id.len()).min(row.width);
    let tone = if focused { Tone::Accent } else { Tone::Strong };
    put(buffer, row.x, row.y, row.width.saturating_sub(width + 1), name, theme.style(tone));
    put(buffer, row.right() - width, row.y, width, &id, theme.style(Tone::Quiet));
}
