//! One question as it stands on the screen: which side is chosen, what is typed, and what is wrong with it.

use crate::integrity::Question;
use crate::integrity::decision::Choice;
use crate::tui::input::{Input, Key, KeyChord};
use crate::tui::widgets::text_field::TextField;

/// What answers a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// One of its choices.
    Choice(usize),
    /// The text that is typed.
    Typed,
}

/// A question and its answer so far.
pub(super) struct Asked {
    question: Question,
    side: Option<Side>,
    typed: TextField,
    /// What the repair said about the answer.
    refused: Option<String>,
}

impl Asked {
    /// The question with what is proposed.
    pub(super) fn new(question: Question) -> Self {
        let side = question.proposed.map(Side::Choice);
        let mut asked = Self { question, side, typed: TextField::free(""), refused: None };
        asked.side = asked.side.or(asked.question.choices.is_empty().then_some(Side::Typed));
        asked
    }

    pub(super) fn name(&self) -> &str {
        &self.question.name
    }

    pub(super) fn label(&self) -> &str {
        &self.question.label
    }

    pub(super) fn choices(&self) -> &[Choice] {
        &self.question.choices
    }

    pub(super) fn side(&self) -> Option<Side> {
        self.side
    }

    /// The field for a text, where one may be typed.
    pub(super) fn typed(&self) -> Option<&TextField> {
        self.takes_text().then_some(&self.typed)
    }

    pub(super) fn takes_text(&self) -> bool {
        self.question.text.is_some()
    }

    /// Whether this is the same question, so that its answer still fits.
    pub(super) fn asks(&self, question: &Question) -> bool {
        self.question == *question
    }

    /// The answer, which may be wrong.
    pub(super) fn answer(&self) -> Option<String> {
        match self.side? {
            Side::Choice(at) => self.question.choices.get(at).map(|choice| choice.value.clone()),
            Side::Typed => Some(self.typed.value().to_owned()),
        }
    }

    /// What is wrong with the answer. A field that nobody has typed into yet is only open.
    pub(super) fn wrong(&self) -> Vec<String> {
        let untouched = self.side == Some(Side::Typed) && self.typed.value().is_empty();
        let mut wrong = match self.answer() {
            Some(answer) if !untouched => self.question.wrong_with(&answer),
            _ => Vec::new(),
        };
        wrong.extend(self.refused.clone());
        wrong
    }

    /// Whether there is an answer that will do.
    pub(super) fn is_decided(&self) -> bool {
        self.refused.is_none()
            && self.answer().is_some_and(|answer| self.question.wrong_with(&answer).is_empty())
    }

    /// Whether somebody has answered otherwise than proposed.
    pub(super) fn is_changed(&self) -> bool {
        match self.side {
            Some(Side::Typed) => !self.typed.value().is_empty(),
            side => side != self.question.proposed.map(Side::Choice),
        }
    }

    /// What the repair said about this answer; it is gone with the next one.
    pub(super) fn refuse(&mut self, why: String) {
        self.refused = Some(why);
    }

    /// Goes to the side before or after; says whether there is one.
    pub(super) fn turn(&mut self, forward: bool) -> bool {
        let sides = self.question.choices.len() + usize::from(self.takes_text());
        let at = self.side.map(|side| match side {
            Side::Choice(at) => at,
            Side::Typed => self.question.choices.len(),
        });
        let next = match (at, forward) {
            (None, _) => 0,
            (Some(at), true) => (at + 1).min(sides.saturating_sub(1)),
            (Some(at), false) => at.saturating_sub(1),
        };
        if sides == 0 || at == Some(next) {
            return false;
        }
        self.side = Some(if next < self.question.choices.len() { Side::Choice(next) } else { Side::Typed });
        self.refused = None;
        true
    }

    /// Takes a key or a paste into its text; says whether it was used. Typing chooses the text.
    pub(super) fn input(&mut self, input: &Input) -> bool {
        if !self.takes_text() {
            return false;
        }
        let used = match input {
            // Beside choices the arrows choose.
            Input::Key(KeyChord { key: Key::Left | Key::Right, .. }) if !self.question.choices.is_empty() => {
                false
            }
            _ => self.typed.input(input),
        };
        if used {
            self.side = Some(Side::Typed);
            self.refused = None;
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::{code, key};

    fn question() -> Question {
        let choices = vec![Choice::new("17", "of profile #17"), Choice::new("18", "of profile #18")];
        Question::new("phone", "Phone", choices)
    }

    fn short(text: &str) -> Vec<String> {
        if text.len() > 3 { vec!["At most 3 characters.".to_owned()] } else { Vec::new() }
    }

    #[test]
    fn arrows_choose_a_side_and_stop_at_the_ends() {
        let mut asked = Asked::new(question());
        assert!(!asked.is_decided() && !asked.is_changed());
        assert!(asked.turn(true));
        assert_eq!(asked.answer().as_deref(), Some("17"));
        assert!(asked.turn(true) && !asked.turn(true));
        assert_eq!(asked.answer().as_deref(), Some("18"));
        assert!(asked.is_decided() && asked.is_changed());
        assert!(!Asked::new(question().proposing("18")).is_changed(), "what is proposed is no change");
    }

    #[test]
    fn typing_chooses_the_text_and_its_rule_is_checked() {
        let mut asked = Asked::new(question().or_typed(short).proposing("17"));
        for c in "abcd".chars() {
            assert!(asked.input(&Input::Key(key(c))));
        }
        assert_eq!(asked.side(), Some(Side::Typed));
        assert_eq!((asked.is_decided(), asked.wrong()), (false, vec!["At most 3 characters.".to_owned()]));
        assert!(!asked.input(&Input::Key(code(Key::Left))), "beside choices the arrows choose");
        assert!(asked.turn(false) && asked.is_decided());
        asked.refuse("It is somebody else's.".to_owned());
        assert!(!asked.is_decided());
        assert!(asked.turn(true) && asked.input(&Input::Key(code(Key::Backspace))) && asked.is_decided());
    }

    #[test]
    fn a_text_that_nobody_has_typed_is_open_and_not_wrong() {
        let required: crate::integrity::decision::Rule =
            |text| if text.is_empty() { vec!["This field is required.".to_owned()] } else { Vec::new() };
        let asked = Asked::new(Question::new("name", "New name", Vec::new()).or_typed(required));
        assert_eq!(asked.side(), Some(Side::Typed));
        assert!(!asked.is_decided() && asked.wrong().is_empty() && !asked.is_changed());
    }
}
