//! Into which file the new passwords of the marked users are written.

use chrono::Utc;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Marked, look_ahead};
use crate::directory::bulk::Change;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::path::PathField;
use crate::tui::widgets::text_field::draw_prompt;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "review it"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

const WORDS: &str = "Each of them gets a new password, and their portal sessions end. The passwords are written into a \
                     new file that only you can read, username,password in each line, before they are set. Hand them \
                     out and delete it.";

/// The dialog.
pub(super) struct File {
    marked: Marked,
    path: PathField,
}

impl File {
    pub(super) fn new(marked: Marked) -> Self {
        let name = format!("passwords-{}.csv", Clock::default().date(Utc::now()));
        Self { marked, path: PathField::new(&name, &["csv"]) }
    }
}

impl Screen for File {
    fn title(&self) -> String {
        "Generate passwords".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Choose if self.path.is_blank() => Err("Name a file first.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        if action != Action::Choose {
            return cx.close();
        }
        let change = Change::GeneratePasswords { to: self.path.path() };
        let marked = self.marked.clone();
        cx.close_then(move |cx| look_ahead(change, marked, cx));
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.path.input(input)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let row = Rect { height: 1, ..area };
        let at = draw_prompt(frame.buffer_mut(), row, "File: ", self.path.line(), theme.style(Tone::Strong));
        frame.set_cursor_position(at);
        let skip = (1 + u16::from(area.height > 4)).min(area.height);
        let below = Rect { y: area.y + skip, height: area.height - skip, ..area };
        let words = self.path.words();
        dialog::draw_text(frame, below, words.as_deref().unwrap_or(WORDS), Tone::Quiet, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: 2 + dialog::rows(WORDS, dialog::WIDTH) }
    }
}
