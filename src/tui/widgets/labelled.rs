//! Lines with labels at their left, wrapped to a width: what a record says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{put, wrap};
use crate::text;
use crate::tui::theme::{Theme, Tone};

/// The cells that the labels take.
const LABEL: u16 = 12;

/// One line.
struct Line {
    label: &'static str,
    words: String,
    tone: Tone,
}

/// The lines of a record.
pub struct Lines {
    lines: Vec<Line>,
    room: usize,
}

impl Lines {
    /// None yet, for an area of this width.
    #[must_use]
    pub fn new(width: u16) -> Self {
        Self { lines: Vec::new(), room: usize::from(width.saturating_sub(LABEL)).max(1) }
    }

    /// Adds words, on as many lines as they take; the label stands at the first.
    pub fn add(&mut self, label: &'static str, words: &str, tone: Tone) {
        self.wrapped(label, &text::safe(words), tone);
    }

    /// The same of a text that has lines of its own.
    pub fn add_lines(&mut self, label: &'static str, words: &str, tone: Tone) {
        self.wrapped(label, &text::safe_lines(words), tone);
    }

    fn wrapped(&mut self, label: &'static str, safe: &str, tone: Tone) {
        for (at, words) in wrap(safe, self.room).into_iter().enumerate() {
            self.lines.push(Line { label: if at == 0 { label } else { "" }, words, tone });
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Draws them from the `first` one on.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, first: usize, theme: &Theme) {
        let label = LABEL.min(area.width);
        for (y, line) in (area.y..area.bottom()).zip(self.lines.iter().skip(first)) {
            put(buffer, area.x, y, label, line.label, theme.style(Tone::Quiet));
            put(buffer, area.x + label, y, area.width - label, &line.words, theme.style(line.tone));
        }
    }
}
