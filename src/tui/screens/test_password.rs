//! Trying a password on an account: is it the right one, and does it open the portal? Nothing is stored.

use ratatui::Frame;
use ratatui::layout::Rect;
use zeroize::Zeroizing;

use crate::directory::password_test::{self, Tested};
use crate::error::Kind;
use crate::portal::password::{self, Verdict};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::fields::Fields;
use crate::tui::widgets::text_field::TextField;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "test it"),
    Binding::new(&[code(Key::Esc)], Action::No, "close"),
];

const TEST: Slot<Tested> = Slot::latest("test-password.test");

/// The dialog.
pub struct TestPassword {
    id: i64,
    username: String,
    fields: Fields,
    tested: Option<Tested>,
    busy: bool,
}

impl TestPassword {
    /// A dialog for this account.
    #[must_use]
    pub fn new(id: i64, username: impl Into<String>) -> Self {
        let fields = Fields::new(vec![("Password", TextField::hidden())]);
        Self { id, username: username.into(), fields, tested: None, busy: false }
    }

    fn test(&mut self, cx: &mut Cx) {
        let (id, password) = (self.id, Zeroizing::new(self.fields.value(0).to_owned()));
        if password.is_empty() {
            return cx.refuse("Type the password to test.");
        }
        // One that can't be right is not even hashed; so that nobody wonders, it is said.
        if password.len() > password::LONGEST {
            return cx.refuse(format!("No password here is longer than {} bytes.", password::LONGEST));
        }
        self.busy = true;
        self.tested = None;
        cx.start(&TEST, "testing the password", move |portal| async move {
            password_test::test(&portal, id, &password).await
        });
    }

    /// What is said below the field.
    fn talk(&self) -> (Tone, String) {
        let Some(tested) = &self.tested else {
            let words = format!(
                "Compared with what the portal stores of {}. Nothing is written, and no sign-in is counted; that it was \
                 tested goes into the log.",
                self.username
            );
            return (Tone::Quiet, words);
        };
        let tone = match tested.verdict {
            Verdict::Right if tested.why.can_sign_in() => Tone::Good,
            Verdict::Right => Tone::Warn,
            Verdict::Wrong | Verdict::CannotVerify => Tone::Bad,
        };
        let sign_in = if tested.why.can_sign_in() {
            format!("{} can sign in with the right one.", self.username)
        } else {
            format!("{} can't sign in with any: {}.", self.username, tested.why.in_words())
        };
        (tone, format!("{} {sign_in}", tested.in_words()))
    }
}

impl Screen for TestPassword {
    fn title(&self) -> String {
        format!("Test a password of {}", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Choose if self.busy => Err("The password is being tested.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.test(cx),
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let used = self.fields.input(input);
        if used {
            self.tested = None;
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        let Some(result) = TEST.take(reply) else { return };
        self.busy = false;
        match result {
            Ok(tested) => {
                self.fields.set(0, "");
                self.tested = Some(tested);
            }
            Err(error) if error.kind == Kind::Interrupted => {}
            Err(error) => cx.fail(&error),
        }
    }

    fn layer(&self) -> Layer {
        // As high as the longest talk, so that an answer doesn't make the box jump.
        Layer::Popup { width: dialog::WIDTH, height: 6 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.fields.draw(frame, Rect { height: area.height.min(1), ..area }, theme);
        let skip = (1 + u16::from(area.height > 4)).min(area.height);
        let below = Rect { y: area.y + skip, height: area.height - skip, ..area };
        let (tone, words) = self.talk();
        dialog::draw_text(frame, below, &words, tone, theme);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::directory::why::{Reason, Why};
    use crate::error::Error;
    use crate::tui::input::key;

    fn typed(words: &str) -> (TestPassword, Cx) {
        let (mut screen, mut cx) = (TestPassword::new(2, "bela"), Cx::new(Size::new(80, 24)));
        for c in words.chars() {
            assert!(screen.input(&Input::Key(key(c)), &mut cx));
        }
        screen.act(Action::Choose, &mut cx);
        (screen, cx)
    }

    fn answered(verdict: Verdict, reasons: Vec<Reason>) -> String {
        let (mut screen, mut cx) = typed("secret");
        let tested = Tested { verdict, why: Why { reasons, ..Why::default() } };
        screen.reply(&mut Reply::of(&TEST, Ok(tested)), &mut cx);
        assert_eq!(screen.fields.value(0), "", "what was typed does not stay");
        screen.talk().1
    }

    #[test]
    fn one_test_at_a_time_and_none_of_nothing() {
        let (screen, cx) = typed("secret");
        assert_eq!(format!("{:?}", cx.effects()), "[Start(test-password.test: testing the password)]");
        assert!(screen.enabled(Action::Choose).is_err());
        for none in ["", &"x".repeat(password::LONGEST + 1)] {
            let (_, cx) = typed(none);
            assert!(!format!("{:?}", cx.effects()).contains("Start"), "{}", none.len());
        }
    }

    #[test]
    fn the_verdict_and_the_way_in_are_told_together() {
        assert_eq!(
            answered(Verdict::Right, Vec::new()),
            "The password is right. bela can sign in with the right one."
        );
        let inactive = Reason { kind: "inactive", message: "the account is inactive".to_owned() };
        assert_eq!(
            answered(Verdict::Right, vec![inactive]),
            "The password is right. bela can't sign in with any: the account is inactive."
        );
        let (mut screen, mut cx) = typed("secret");
        screen.reply(&mut Reply::of(&TEST, Err(Error::denied("No."))), &mut cx);
        assert!(screen.enabled(Action::Choose).is_ok(), "one may try again");
    }
}
