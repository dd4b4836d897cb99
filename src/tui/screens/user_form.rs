//! The form of a user.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;
use crate::tui::widgets::form;

/// Tells the screen that opened a form which user was written, once the form has closed: it takes this in its `reply`
/// and moves to the user.
pub const SAVED: Slot<i64> = Slot::latest("account.saved");

/// Its keys.
pub const KEYS: &[Binding] = &[];

/// The form.
pub struct UserForm {
    id: Option<i64>,
}

impl UserForm {
    /// A form for a new account.
    #[must_use]
    pub fn new() -> Self {
        Self { id: None }
    }

    /// A form over an account that is there.
    #[must_use]
    pub fn edit(id: i64) -> Self {
        Self { id: Some(id) }
    }
}

impl Default for UserForm {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen for UserForm {
    fn title(&self) -> String {
        if self.id.is_some() { "Edit" } else { "New user" }.to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS, form::KEYS]
    }

    fn act(&mut self, _action: Action, _cx: &mut Cx) {}

    fn draw(&mut self, _frame: &mut Frame<'_>, _area: Rect, _theme: &Theme) {}
}
