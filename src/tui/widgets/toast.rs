//! The message over the last line: what was done, why something was refused, what went wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{cells, clear, put, wrap};
use crate::error::Error;
use crate::text;
use crate::tui::theme::{Theme, Tone};

/// The most lines that a message takes; the history and the log have the whole of it.
const LINES: usize = 6;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    kind: ToastKind,
    text: String,
}

/// How a message looks and how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastKind {
    /// Something was done; goes by itself.
    Done,
    /// Something cannot be done now; goes by itself.
    Refused,
    /// Something went wrong; stays until dismissed.
    Error,
}

impl Toast {
    /// Says what was done and, after a `·`, how to take it back.
    #[must_use]
    pub fn done(message: impl Into<String>) -> Self {
        Self { kind: ToastKind::Done, text: message.into() }
    }

    /// Says why not.
    #[must_use]
    pub fn refused(why: impl Into<String>) -> Self {
        Self { kind: ToastKind::Refused, text: why.into() }
    }

    /// Says what went wrong, with the fields that the error names.
    #[must_use]
    pub fn error(error: &Error) -> Self {
        let mut text = error.message.clone();
        for (field, messages) in &error.fields {
            for message in messages.iter().filter(|message| !error.message.contains(*message)) {
                text.extend(["\n", field, ": ", message]);
            }
        }
        Self { kind: ToastKind::Error, text }
    }

    /// Its words, not yet safe to show.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What kind of message it is.
    #[must_use]
    pub fn kind(&self) -> ToastKind {
        self.kind
    }

    /// Whether it goes by itself.
    #[must_use]
    pub fn fades(&self) -> bool {
        self.kind != ToastKind::Error
    }

    /// Draws it at the bottom of an area, over what is there; takes as many lines as it needs.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let (sign, tone) = match self.kind {
            ToastKind::Done => (theme.tick(), Tone::Good),
            ToastKind::Refused => (theme.sign("–", "-"), Tone::Warn),
            ToastKind::Error => (theme.cross(), Tone::Bad),
        };
        let room = usize::from(area.width).saturating_sub(4);
        let words = if self.fades() { self.text.clone() } else { format!("{} (Esc)", self.text) };
        let mut lines = wrap(&text::safe_lines(&words), room);
        lines.truncate(LINES.min(usize::from(area.height)));
        let top = area.bottom() - cells(lines.len());
        for (y, line) in (top..).zip(&lines) {
            let row = Rect { y, height: 1, ..area };
            clear(buffer, row);
            let lead = if y == top { sign } else { " " };
            put(buffer, area.x + 1, y, 1, lead, theme.style(tone));
            put(buffer, area.x + 3, y, cells(room), line, theme.style(tone));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_error_says_its_fields_once() {
        let error = Error::field(Kind::Invalid, "phone_number", "Digits only.").and_field("email", "Taken.");
        let toast = Toast::error(&error);
        assert_eq!(toast.text(), "Digits only.\nemail: Taken.");
        assert!(!toast.fades());
    }

    #[test]
    fn it_is_drawn_from_the_bottom_up_in_any_size() {
        let toast = Toast::error(&Error::invalid("Nothing was written. The row of bela changed."));
        for (width, height) in [(1, 1), (3, 2), (10, 2), (40, 10), (80, 24)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let area = buffer.area;
            toast.draw(&mut buffer, area, &Theme::default());
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 3));
        let area = buffer.area;
        toast.draw(&mut buffer, area, &Theme { colours: false, ascii: true });
        let shown: Vec<String> = buffer
            .content
            .chunks(30)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect();
        assert_eq!(shown[1].trim_end(), " x Nothing was written. The");
        assert_eq!(shown[2].trim_end(), "   row of bela changed. (Esc)");
    }
}
