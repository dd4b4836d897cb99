//! A text to read, closed by any of the keys that close something.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{dialog, put, wrap};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Esc), code(Key::Enter), key('q')], Action::No, "close"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
];

/// The text, and how far it is scrolled.
pub struct Message {
    title: String,
    words: String,
    first: usize,
}

impl Message {
    /// Shows a text of any length; newlines are kept.
    #[must_use]
    pub fn new(title: impl Into<String>, words: impl Into<String>) -> Self {
        Self { title: title.into(), words: words.into(), first: 0 }
    }
}

impl Screen for Message {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Down => self.first += 1,
            Action::Up => self.first = self.first.saturating_sub(1),
            _ => cx.close(),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let lines = wrap(&text::safe_lines(&self.words), usize::from(area.width));
        self.first = self.first.min(lines.len().saturating_sub(usize::from(area.height)));
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(self.first)) {
            put(frame.buffer_mut(), area.x, y, area.width, line, theme.style(Tone::Plain));
        }
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.words, dialog::WIDTH) }
    }
}
