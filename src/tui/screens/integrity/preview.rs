//! What a repair would do, to be looked at: nothing can be written from here.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::review::ReviewText;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::diff::{DiffLine, Sign, draw_diff};
use crate::tui::widgets::{put, wrap};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Esc), key('q'), key('d'), code(Key::Enter)], Action::No, "close"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown), ctrl('d')], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp), ctrl('u')], Action::PageUp, "page up").quiet(),
];

/// The diff, and how far it is scrolled.
pub struct Preview {
    text: ReviewText,
    first: usize,
    height: usize,
    below: usize,
}

impl Preview {
    /// Shows what a review would.
    #[must_use]
    pub fn new(text: ReviewText) -> Self {
        Self { text, first: 0, height: 1, below: 0 }
    }

    fn lines(&self, width: u16) -> Vec<DiffLine> {
        let mut lines = self.text.lines.clone();
        lines.push(DiffLine::new(Sign::Note, ""));
        let notes = self.text.notes.iter().map(String::as_str);
        for note in notes.chain(["Nothing is written from here; F repairs."]) {
            let wrapped = wrap(&text::safe_lines(note), usize::from(width.saturating_sub(2)));
            lines.extend(wrapped.into_iter().map(|line| DiffLine::new(Sign::Note, line)));
        }
        lines
    }
}

impl Screen for Preview {
    fn title(&self) -> String {
        self.text.title.clone()
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
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let title = format!("Preview {} {}", theme.dot(), self.text.title);
        put(frame.buffer_mut(), inner.x, inner.y, inner.width, &title, theme.style(Tone::Strong));
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        let lines = self.lines(inner.width);
        self.height = usize::from(list.height).max(1);
        self.first = self.first.min(lines.len().saturating_sub(self.height));
        self.below = lines.len().saturating_sub(self.first + self.height);
        draw_diff(frame.buffer_mut(), list, &lines, self.first, theme);
    }

    fn status(&self) -> String {
        if self.below > 0 { format!("{} lines below", self.below) } else { String::new() }
    }
}
