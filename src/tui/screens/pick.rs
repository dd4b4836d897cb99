//! One of a few things, chosen from a list over the screen that wants to know: what a list is sorted by.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::user_list::sort::KEYS;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::Input;
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::picker::{Choice, Picker};

/// The dialog.
pub struct Pick {
    title: &'static str,
    picker: Picker,
    chosen: &'static Slot<usize>,
}

impl Pick {
    /// These choices, the cursor on one of them. The screen that opens it takes the place of the chosen one in `chosen`.
    #[must_use]
    pub fn new(title: &'static str, choices: Vec<Choice>, at: usize, chosen: &'static Slot<usize>) -> Self {
        Self { title, picker: Picker::new(choices, at), chosen }
    }
}

impl Screen for Pick {
    fn title(&self) -> String {
        self.title.to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match self.picker.chosen() {
            Some(at) if action == Action::Choose => {
                let chosen = self.chosen;
                cx.close_then(move |cx| cx.answer(chosen, at));
            }
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.picker.input(input)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.picker.draw(frame, area, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 40, height: cells(self.picker.len() + 1) }
    }
}
