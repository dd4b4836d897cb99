//! The inside of a dialog: a text and the line that says which keys answer it.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::text_field::{TextField, draw_prompt};
use super::{cells, put, wrap};
use crate::text;
use crate::tui::theme::{Theme, Tone};

/// The widest line of a dialog.
pub const WIDTH: u16 = 60;

/// What has to be typed before a dialog may be confirmed: a name or a count.
#[derive(Clone)]
pub struct TypedConfirmation {
    wanted: String,
    field: TextField,
}

impl TypedConfirmation {
    /// Asks for exactly this text.
    #[must_use]
    pub fn new(wanted: impl Into<String>) -> Self {
        let wanted = wanted.into();
        Self { wanted, field: TextField::free("") }
    }

    /// Whether it was typed. The text is compared as it is shown, since that is what a person can copy.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.field.value().trim() == text::safe(&self.wanted).trim()
    }

    /// What was typed.
    #[must_use]
    pub fn value(&self) -> &str {
        self.field.value().trim()
    }

    /// What is to be typed.
    #[must_use]
    pub fn wanted(&self) -> &str {
        &self.wanted
    }

    /// The field.
    pub fn field(&mut self) -> &mut TextField {
        &mut self.field
    }

    /// Draws the question and the field into two rows at most, with the cursor in it.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let question = format!("Type {} to go on, then Enter:", self.wanted);
        put(buffer, area.x, area.y, area.width, &question, theme.style(Tone::Strong));
        let row = Rect { y: area.bottom().saturating_sub(1).max(area.y), height: 1, ..area };
        let label = format!("{} ", theme.cursor());
        let at = draw_prompt(buffer, row, &label, &self.field, theme.style(Tone::Strong));
        frame.set_cursor_position(at);
    }
}

/// How many rows a text takes in a dialog of this width.
#[must_use]
pub fn rows(words: &str, width: u16) -> u16 {
    cells(wrap(&text::safe_lines(words), usize::from(width)).len())
}

/// Draws a text, wrapped, from a line on; gives the number of rows used.
pub fn draw_text(frame: &mut Frame<'_>, area: Rect, words: &str, tone: Tone, theme: &Theme) -> u16 {
    let lines = wrap(&text::safe_lines(words), usize::from(area.width));
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        put(frame.buffer_mut(), area.x, y, area.width, line, theme.style(tone));
    }
    cells(lines.len()).min(area.height)
}
