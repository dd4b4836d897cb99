//! A few labelled lines to type into, one of them with the cursor: what the sign-in and the first run ask for.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::text_field::TextField;
use super::{cells, put};
use crate::text;
use crate::tui::input::Input;
use crate::tui::theme::{Theme, Tone};

/// The widest value; what is said about it stands behind.
const VALUE: u16 = 30;

/// The lines, and which of them has the cursor.
pub struct Fields {
    lines: Vec<Line>,
    focus: usize,
}

struct Line {
    label: &'static str,
    field: TextField,
    said: Option<(Tone, String)>,
}

impl Fields {
    /// These lines with their labels, the cursor on the first.
    #[must_use]
    pub fn new(lines: Vec<(&'static str, TextField)>) -> Self {
        let lines = lines.into_iter().map(|(label, field)| Line { label, field, said: None }).collect();
        Self { lines, focus: 0 }
    }

    /// How many lines there are.
    #[must_use]
    pub fn rows(&self) -> u16 {
        cells(self.lines.len())
    }

    /// What is typed in a line, by its place.
    #[must_use]
    pub fn value(&self, at: usize) -> &str {
        self.lines.get(at).map_or("", |line| line.field.value())
    }

    /// Puts another text into a line.
    pub fn set(&mut self, at: usize, value: &str) {
        if let Some(line) = self.lines.get_mut(at) {
            line.field.set(value);
        }
    }

    /// Says something behind a line; none takes it away.
    pub fn say(&mut self, at: usize, said: Option<(Tone, String)>) {
        if let Some(line) = self.lines.get_mut(at) {
            line.said = said;
        }
    }

    /// The place of the line that has the cursor.
    #[must_use]
    pub fn focus(&self) -> usize {
        self.focus
    }

    /// Puts the cursor on a line.
    pub fn go_to(&mut self, at: usize) {
        self.focus = at.min(self.lines.len().saturating_sub(1));
    }

    /// The next line, after the last one the first.
    pub fn next(&mut self) {
        self.focus = (self.focus + 1) % self.lines.len().max(1);
    }

    /// The line before, before the first one the last.
    pub fn previous(&mut self) {
        self.focus = self.focus.checked_sub(1).unwrap_or(self.lines.len().saturating_sub(1));
    }

    /// Takes a key or a paste into the line with the cursor; says whether it was used.
    pub fn input(&mut self, input: &Input) -> bool {
        let Some(line) = self.lines.get_mut(self.focus) else { return false };
        line.field.input(input)
    }

    /// Draws one line a row, with the terminal's cursor in its place.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let label = self.lines.iter().map(|line| cells(text::width(line.label))).max().unwrap_or(0);
        for ((at, line), y) in self.lines.iter().enumerate().zip(area.y..area.bottom()) {
            let on = at == self.focus;
            let tone = if on { Tone::Strong } else { Tone::Plain };
            let sign = if on { theme.cursor() } else { " " };
            let room = |x: u16| area.right().saturating_sub(x);
            let buffer = frame.buffer_mut();
            put(buffer, area.x, y, room(area.x), sign, theme.style(tone));
            put(buffer, area.x + 2, y, room(area.x + 2), line.label, theme.style(tone));
            let x = area.x + label + 4;
            let width = VALUE.min(room(x));
            if width == 0 {
                continue;
            }
            let cursor = line.field.draw(buffer, Rect { x, y, width, height: 1 }, theme.style(Tone::Plain));
            let behind = x + width + 1;
            if let Some((tone, words)) = &line.said {
                put(buffer, behind, y, room(behind), words, theme.style(*tone));
            }
            if on {
                frame.set_cursor_position(cursor);
            }
        }
    }
}
