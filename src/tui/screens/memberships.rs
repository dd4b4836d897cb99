//! The groups of an account.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;

/// Its keys.
pub const KEYS: &[Binding] = &[];

/// The list.
pub struct Memberships {
    _id: i64,
}

impl Memberships {
    /// The list for this account.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self { _id: id }
    }
}

impl Screen for Memberships {
    fn title(&self) -> String {
        "Groups".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, _action: Action, _cx: &mut Cx) {}

    fn draw(&mut self, _frame: &mut Frame<'_>, _area: Rect, _theme: &Theme) {}
}
