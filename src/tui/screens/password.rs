//! A new password for an account.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;
use crate::tui::widgets::form;

/// Its keys.
pub const KEYS: &[Binding] = &[];

/// The form.
pub struct PasswordForm {
    _id: i64,
    username: String,
}

impl PasswordForm {
    /// A form for this account.
    #[must_use]
    pub fn new(id: i64, username: impl Into<String>) -> Self {
        Self { _id: id, username: username.into() }
    }
}

impl Screen for PasswordForm {
    fn title(&self) -> String {
        format!("Password of {}", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS, form::KEYS]
    }

    fn act(&mut self, _action: Action, _cx: &mut Cx) {}

    fn draw(&mut self, _frame: &mut Frame<'_>, _area: Rect, _theme: &Theme) {}
}
