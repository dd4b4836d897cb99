//! Choosing what the list of groups is sorted by.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::line::By;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::Input;
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::screens::user_list::sort::KEYS;
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::picker::{Choice, Picker};

/// Tells the list what was chosen.
pub(super) const CHOSEN: Slot<By> = Slot::latest("groups.sort");

/// The dialog.
pub(super) struct SortBy {
    picker: Picker,
}

impl SortBy {
    /// All columns, the cursor on the one in force.
    pub(super) fn new(now: By) -> Self {
        let note = |by: By| if by == now { "now; again reverses" } else { "" };
        let choices = By::ALL.iter().map(|by| Choice::new(by.label(), note(*by))).collect();
        Self { picker: Picker::new(choices, now.column()) }
    }
}

impl Screen for SortBy {
    fn title(&self) -> String {
        "Sort by".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match self.picker.chosen().and_then(|at| By::ALL.get(at)) {
            Some(by) if action == Action::Choose => {
                let by = *by;
                cx.close_then(move |cx| cx.answer(&CHOSEN, by));
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
