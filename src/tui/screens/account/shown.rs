//! A generated password after it was written: it stays until somebody says that they have it.

use ratatui::Frame;
use ratatui::layout::Rect;
use zeroize::Zeroizing;

use crate::portal::password;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{dialog, put};

/// Its keys.
pub(in crate::tui::screens) const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('g')], Action::Spell, "spell it"),
    Binding::new(&[key('c')], Action::Copy, "copy it"),
    // Not Enter: that comes by itself after a name was typed to confirm.
    Binding::new(&[code(Key::Esc), key('q')], Action::No, "close"),
];

/// The password, and whether it is spelled.
pub(in crate::tui::screens) struct Shown {
    username: String,
    password: Zeroizing<String>,
    spelled: bool,
}

impl Shown {
    /// Shows the password that this account has now.
    pub(in crate::tui::screens) fn new(username: String, password: Zeroizing<String>) -> Self {
        Self { username, password, spelled: false }
    }

    /// What is said below the password.
    fn words(&self) -> String {
        if self.spelled {
            return password::spell(&self.password).join(", ");
        }
        "It is shown only here and only now. Ctrl-G spells it for the telephone.".to_owned()
    }
}

impl Screen for Shown {
    fn title(&self) -> String {
        format!("New password of {}", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Spell => self.spelled = !self.spelled,
            Action::Copy => cx.ask(Effect::Copy(self.password.to_string())),
            _ => cx.close(),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        put(frame.buffer_mut(), area.x, area.y, area.width, &self.password, theme.style(Tone::Accent));
        let skip = u16::from(area.height > 3) + 1;
        let below =
            Rect { y: area.y + skip.min(area.height), height: area.height.saturating_sub(skip), ..area };
        dialog::draw_text(frame, below, &self.words(), Tone::Plain, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.words(), dialog::WIDTH) + 2 }
    }

    fn guarded(&self) -> bool {
        true
    }
}
