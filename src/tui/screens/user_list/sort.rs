//! Choosing what the list is sorted by.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::directory::users::Column;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::picker::{Choice, Picker};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "sort"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// Tells the list what was chosen.
pub const CHOSEN: Slot<Column> = Slot::latest("users.sort");

/// The dialog.
pub struct SortBy {
    picker: Picker,
}

impl SortBy {
    /// All columns, the cursor on the one in force.
    #[must_use]
    pub fn new(now: Column) -> Self {
        let choices = Column::ALL
            .iter()
            .map(|column| {
                Choice::new(column.label(), if *column == now { "now; again reverses" } else { "" })
            })
            .collect();
        let cursor = Column::ALL.iter().position(|column| *column == now).unwrap_or(0);
        Self { picker: Picker::new(choices, cursor) }
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
        match self.picker.chosen().and_then(|at| Column::ALL.get(at)) {
            Some(column) if action == Action::Choose => {
                let column = *column;
                cx.close_then(move |cx| cx.answer(&CHOSEN, column));
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
