//! What is known of one thing: lines with a label at the left, wrapped to the room there is, and scrolled.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{put, wrap};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::theme::{Theme, Tone};

/// The cells that the labels take.
const LABEL: u16 = 12;

struct Line {
    label: &'static str,
    words: String,
    tone: Tone,
}

/// The lines.
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

    /// Adds words, which are made safe here; the label stands beside their first line.
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
}

/// How far the lines are scrolled.
#[derive(Debug)]
pub struct Scroll {
    first: usize,
    height: usize,
}

impl Default for Scroll {
    fn default() -> Self {
        Self { first: 0, height: 1 }
    }
}

impl Scroll {
    /// Shows the first line: another thing is shown now.
    pub fn to_top(&mut self) {
        self.first = 0;
    }

    /// Scrolls.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Down => self.first += 1,
            Action::Up => self.first = self.first.saturating_sub(1),
            Action::PageDown | Action::HalfPageDown => self.first += self.height,
            Action::PageUp | Action::HalfPageUp => self.first = self.first.saturating_sub(self.height),
            Action::First => self.first = 0,
            Action::Last => self.first = usize::MAX,
            _ => {}
        }
    }

    /// Draws as many lines as there is room for.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, lines: &Lines, theme: &Theme) {
        let buffer = frame.buffer_mut();
        self.height = usize::from(area.height).max(1);
        self.first = self.first.min(lines.lines.len().saturating_sub(self.height));
        for (y, line) in (area.y..area.bottom()).zip(lines.lines.iter().skip(self.first)) {
            let label = LABEL.min(area.width);
            put(buffer, area.x, y, label, line.label, theme.style(Tone::Quiet));
            put(buffer, area.x + label, y, area.width - label, &line.words, theme.style(line.tone));
        }
    }
}
