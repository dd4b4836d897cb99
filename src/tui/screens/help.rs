//! The keys of the screen below, from the table that dispatches them.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::help::{HelpLine, draw_help};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(
        &[code(Key::Esc), key('q'), key('?'), code(Key::F(1)), code(Key::Enter)],
        Action::No,
        "close",
    ),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown)], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp)], Action::PageUp, "page up").quiet(),
];

/// The list of keys, and how far it is scrolled.
pub struct Help {
    about: String,
    lines: Vec<HelpLine>,
    first: usize,
    height: usize,
}

impl Help {
    /// Shows these lines about a screen.
    #[must_use]
    pub fn new(about: String, lines: Vec<HelpLine>) -> Self {
        Self { about, lines, first: 0, height: 1 }
    }
}

impl Screen for Help {
    fn title(&self) -> String {
        format!("Keys: {}", self.about)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Down => self.first += 1,
            Action::Up => self.first = self.first.saturating_sub(1),
            Action::PageDown => self.first += self.height,
            Action::PageUp => self.first = self.first.saturating_sub(self.height),
            _ => cx.close(),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.height = usize::from(area.height).max(1);
        self.first = self.first.min(self.lines.len().saturating_sub(self.height));
        draw_help(frame.buffer_mut(), area, &self.lines, self.first, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 64, height: cells(self.lines.len()) }
    }
}
