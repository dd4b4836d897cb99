//! A question that `y` or `n` answers. `Enter` never confirms.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Then};
use crate::tui::input::{Key, code, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('y')], Action::Yes, "yes"),
    Binding::new(&[key('n'), code(Key::Esc), key('q')], Action::No, "no"),
];

/// The question, and what happens on yes.
pub struct Confirm {
    title: String,
    question: String,
    verb: String,
    yes: Option<Then>,
}

impl Confirm {
    /// Asks; on `y` it closes and runs `yes` in the name of the screen that opened it. `verb` says what `y` does.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        question: impl Into<String>,
        verb: impl Into<String>,
        yes: impl FnOnce(&mut Cx) + 'static,
    ) -> Self {
        Self { title: title.into(), question: question.into(), verb: verb.into(), yes: Some(Box::new(yes)) }
    }
}

impl Screen for Confirm {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match (action, self.yes.take()) {
            (Action::Yes, Some(yes)) => cx.close_then(yes),
            _ => cx.close(),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let used = dialog::draw_text(frame, area, &self.question, Tone::Plain, theme);
        let rest = Rect { y: area.y + used, height: area.height - used, ..area };
        let answers = format!("y {}   n leave", self.verb);
        let below =
            if rest.height > 1 { Rect { y: rest.y + 1, height: rest.height - 1, ..rest } } else { rest };
        dialog::draw_text(frame, below, &answers, Tone::Strong, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.question, dialog::WIDTH) + 2 }
    }

    fn guarded(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::cx::Effect;
    use crate::tui::keymap::Keymap;

    fn confirm() -> Confirm {
        Confirm::new("Quit", "Really?", "quit", |cx| cx.ask(Effect::Quit))
    }

    #[test]
    fn yes_runs_what_it_was_given_and_no_does_not() {
        let mut cx = Cx::new(Size::new(80, 24));
        confirm().act(Action::No, &mut cx);
        assert!(matches!(cx.take().as_slice(), [Effect::Close]));
        confirm().act(Action::Yes, &mut cx);
        let Some(Effect::CloseThen(then)) = cx.take().pop() else { panic!("yes closes and goes on") };
        then(&mut cx);
        assert!(matches!(cx.effects(), [Effect::Quit]));
    }

    #[test]
    fn enter_is_not_bound() {
        assert!(Keymap::default().find(code(Key::Enter), &[KEYS]).is_none());
    }
}
