//! A form over fields that are described once, in [`crate::portal::forms`]: values, checks, what changed, where the
//! cursor is. Drawing is in `form_view.rs`.
//!
//! `Tab` and the arrows move, `Enter` goes on to the next field and never saves. A list to choose from opens over the
//! form with `Space`. Errors stand at their fields; those that only the database can find come in with
//! [`Form::set_errors`].

use std::collections::{BTreeMap, BTreeSet};

use super::picker::{Choice, Picker};
use super::text_field::TextField;
use crate::error::Error;
use crate::portal::form::{Field, FieldKind};
use crate::tui::actions::Action;
use crate::tui::input::{Input, Key, code, ctrl, key, shift};
use crate::tui::keymap::Binding;
use crate::tui::theme::Tone;

/// The keys of every form; a screen adds its own (`Ctrl-G`, `Ctrl-N`, `Ctrl-T`) in a table before this one.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "review and save"),
    Binding::new(&[key(' ')], Action::Toggle, "choose"),
    Binding::new(&[code(Key::Tab), code(Key::Enter)], Action::NextField, "next field"),
    Binding::new(&[shift(Key::Tab)], Action::PreviousField, "previous field").quiet(),
    Binding::new(&[code(Key::Down)], Action::FieldDown, "down").quiet(),
    Binding::new(&[code(Key::Up)], Action::FieldUp, "up").quiet(),
    Binding::new(&[code(Key::Left)], Action::PreviousChoice, "the choice before").quiet(),
    Binding::new(&[code(Key::Right)], Action::NextChoice, "the choice after").quiet(),
];

/// What a field holds.
#[derive(Clone)]
pub(super) enum Value {
    Text(TextField),
    Flag(bool),
    /// One of the choices, or none.
    One(Option<usize>),
    /// Any of the choices.
    Many(BTreeSet<usize>),
}

impl Value {
    /// The value as it is compared and, but for a password, shown as "was …".
    pub(super) fn words(&self, choices: &[Choice]) -> String {
        let label = |at: &usize| choices.get(*at).map(|choice| choice.label.clone()).unwrap_or_default();
        match self {
            Self::Text(field) => field.value().to_owned(),
            Self::Flag(on) => if *on { "yes" } else { "no" }.to_owned(),
            Self::One(one) => one.as_ref().map(label).unwrap_or_default(),
            Self::Many(many) => many.iter().map(label).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A field with its value and what is said about it.
pub(super) struct Entry {
    pub(super) field: Field,
    pub(super) value: Value,
    /// The words of the value that the form opened with.
    pub(super) initial: String,
    pub(super) choices: Vec<Choice>,
    /// Which of many choices the cursor is on.
    pub(super) item: usize,
    pub(super) error: Option<String>,
    pub(super) hint: Option<(Tone, String)>,
    /// Why it cannot be changed, if it cannot.
    pub(super) locked: Option<String>,
    /// Whether what it opened with is a proposal, and not something that is there to be changed.
    pub(super) proposed: bool,
}

impl Entry {
    /// Whether it is a list with one choice a row: so that there is room for what each means.
    pub(super) fn is_upright(&self) -> bool {
        matches!(self.value, Value::Many(_)) && self.choices.iter().any(|choice| !choice.note.is_empty())
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.proposed && self.value.words(&self.choices) != self.initial
    }
}

/// The form.
pub struct Form {
    pub(super) entries: Vec<Entry>,
    pub(super) focus: usize,
    pub(super) picker: Option<Picker>,
    /// The first row that is shown, where there is no room for all.
    pub(super) first_row: u16,
    /// Whether every field has a row of its own and texts all of its width.
    pub(super) upright: bool,
}

impl Form {
    /// The fields, empty. Fill them with [`Self::with_text`] and its like; what they hold then counts as unchanged.
    #[must_use]
    pub fn new(fields: &[Field]) -> Self {
        let entries = fields
            .iter()
            .map(|field| Entry {
                field: *field,
                value: match field.kind {
                    FieldKind::Text { max } => Value::Text(TextField::line("", max)),
                    FieldKind::Lines => Value::Text(TextField::lines("")),
                    FieldKind::Password => Value::Text(TextField::hidden()),
                    FieldKind::Bool => Value::Flag(false),
                    FieldKind::Choice(_) => Value::One(None),
                    FieldKind::Choices(_) => Value::Many(BTreeSet::new()),
                },
                initial: if field.kind == FieldKind::Bool { "no".to_owned() } else { String::new() },
                choices: Vec::new(),
                item: 0,
                error: None,
                hint: None,
                locked: None,
                proposed: false,
            })
            .collect();
        Self { entries, focus: 0, picker: None, first_row: 0, upright: false }
    }

    /// A form that asks for something new: what its fields open with are proposals, and nothing counts as changed.
    #[must_use]
    pub fn proposing(mut self) -> Self {
        for entry in &mut self.entries {
            entry.proposed = true;
        }
        self
    }

    /// One field a row, with room for long texts, such as paths; what is said about those stands in the last row.
    #[must_use]
    pub fn upright(self) -> Self {
        Self { upright: true, ..self }
    }

    /// Opens with this text in a field.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: &str) -> Self {
        self.set_text(name, text);
        self.settle(name);
        self
    }

    /// Opens with this box ticked or not.
    #[must_use]
    pub fn with_flag(mut self, name: &str, on: bool) -> Self {
        self.set_flag(name, on);
        self.settle(name);
        self
    }

    /// Opens with these to choose from, and one of them chosen or none.
    #[must_use]
    pub fn with_choice(mut self, name: &str, choices: Vec<Choice>, chosen: Option<usize>) -> Self {
        if let Some(entry) = self.entry_mut(name) {
            entry.value = Value::One(chosen.filter(|at| *at < choices.len()));
            entry.choices = choices;
        }
        self.settle(name);
        self
    }

    /// Opens with these to choose from, and some of them chosen.
    #[must_use]
    pub fn with_choices(mut self, name: &str, choices: Vec<Choice>, chosen: BTreeSet<usize>) -> Self {
        if let Some(entry) = self.entry_mut(name) {
            entry.value = Value::Many(chosen.into_iter().filter(|at| *at < choices.len()).collect());
            entry.choices = choices;
        }
        self.settle(name);
        self
    }

    /// A field that cannot be changed, and why: it stands beside the field and is said when somebody tries.
    #[must_use]
    pub fn with_locked(mut self, name: &str, why: &str) -> Self {
        if let Some(entry) = self.entry_mut(name) {
            entry.locked = Some(why.to_owned());
        }
        self
    }

    /// The text of a field; empty for one that holds none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.entry(name).map(|entry| &entry.value) {
            Some(Value::Text(field)) => field.value(),
            _ => "",
        }
    }

    /// Whether a box is ticked.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.entry(name).map(|entry| &entry.value), Some(Value::Flag(true)))
    }

    /// The index of what is chosen.
    #[must_use]
    pub fn choice(&self, name: &str) -> Option<usize> {
        match self.entry(name)?.value {
            Value::One(one) => one,
            _ => None,
        }
    }

    /// The indices of what is chosen.
    #[must_use]
    pub fn choices(&self, name: &str) -> BTreeSet<usize> {
        match self.entry(name).map(|entry| &entry.value) {
            Some(Value::Many(many)) => many.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// Puts a text into a field, as if it had been typed.
    pub fn set_text(&mut self, name: &str, text: &str) {
        if let Some(Entry { value: Value::Text(field), .. }) = self.entry_mut(name) {
            field.set(text);
        }
    }

    /// Ticks a box or not, as if by hand.
    pub fn set_flag(&mut self, name: &str, on: bool) {
        if let Some(entry) = self.entry_mut(name) {
            entry.value = Value::Flag(on);
        }
    }

    /// Chooses one or none, as if by hand.
    pub fn set_choice(&mut self, name: &str, chosen: Option<usize>) {
        if let Some(entry) = self.entry_mut(name) {
            entry.value = Value::One(chosen.filter(|at| *at < entry.choices.len()));
        }
    }

    /// Chooses several, as if by hand.
    pub fn set_choices(&mut self, name: &str, chosen: BTreeSet<usize>) {
        if let Some(entry) = self.entry_mut(name) {
            let last = entry.choices.len();
            entry.value = Value::Many(chosen.into_iter().filter(|at| *at < last).collect());
        }
    }

    /// Says something beside a field: that a portal id is free, how strong a password is. None takes it away.
    pub fn set_hint(&mut self, name: &str, hint: Option<(Tone, String)>) {
        if let Some(entry) = self.entry_mut(name) {
            entry.hint = hint;
        }
    }

    /// Puts an error at a field.
    pub fn set_error(&mut self, name: &str, message: impl Into<String>) {
        if let Some(entry) = self.entry_mut(name) {
            entry.error = Some(message.into());
        }
    }

    /// Takes the error of a field away.
    pub fn clear_error(&mut self, name: &str) {
        if let Some(entry) = self.entry_mut(name) {
            entry.error = None;
        }
    }

    /// Takes all errors away, those that came from the database too: before everything is checked again.
    pub fn clear_errors(&mut self) {
        for entry in &mut self.entries {
            entry.error = None;
        }
    }

    /// Puts the errors of a refused write at their fields and the cursor on the first; says whether there was such a
    /// field. The error's own message is the screen's to show.
    pub fn set_errors(&mut self, error: &Error) -> bool {
        for (name, messages) in &error.fields {
            self.set_error(name, messages.join(" "));
        }
        self.go_to_error()
    }

    /// Checks every field with its own rule; says whether all are right, and puts the cursor on the first that is not.
    /// Errors that [`Self::set_error`] put at fields without fault of their own stay.
    pub fn check(&mut self) -> bool {
        for entry in &mut self.entries {
            check(entry);
        }
        !self.go_to_error()
    }

    /// The names of the fields that are not as they were when the form opened.
    #[must_use]
    pub fn changed(&self) -> Vec<&'static str> {
        self.entries.iter().filter(|entry| entry.is_changed()).map(|entry| entry.field.name).collect()
    }

    /// What was in the field when the form opened and is in it now, in words; for the review.
    #[must_use]
    pub fn before_and_after(&self, name: &str) -> Option<(String, String)> {
        let entry = self.entry(name)?;
        Some((entry.initial.clone(), entry.value.words(&entry.choices)))
    }

    /// `2 changes`, or nothing where nothing changed.
    #[must_use]
    pub fn changes(&self) -> Option<String> {
        match self.changed().len() {
            0 => None,
            1 => Some("1 change".to_owned()),
            more => Some(format!("{more} changes")),
        }
    }

    /// How many fields have an error.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.entries.iter().filter(|entry| entry.error.is_some()).count()
    }

    /// The name of the field that has the cursor.
    #[must_use]
    pub fn focused(&self) -> Option<&'static str> {
        self.entries.get(self.focus).map(|entry| entry.field.name)
    }

    /// Puts the cursor on a field.
    pub fn go_to(&mut self, name: &str) {
        self.focus = self.entries.iter().position(|entry| entry.field.name == name).unwrap_or(self.focus);
    }

    /// Whether keys are text now; for [`crate::tui::Screen::takes_text`].
    #[must_use]
    pub fn takes_text(&self) -> bool {
        self.picker.is_some()
            || self
                .entries
                .get(self.focus)
                .is_some_and(|entry| matches!(entry.value, Value::Text(_)) && entry.locked.is_none())
    }

    /// Takes a key or a paste; for [`crate::tui::Screen::input`].
    pub fn input(&mut self, input: &Input) -> Used {
        if self.picker.is_some() {
            return self.pick(input);
        }
        let Some(entry) = self.entries.get_mut(self.focus).filter(|entry| entry.locked.is_none()) else {
            return Used::No;
        };
        let Value::Text(field) = &mut entry.value else { return Used::No };
        let before = field.value().to_owned();
        let used = match input {
            Input::Key(chord) => field.key(*chord),
            Input::Paste(words) => {
                let dropped = field.paste(words);
                if dropped > 0 {
                    entry.hint = Some((Tone::Warn, format!("{dropped} characters of the paste had no room")));
                }
                true
            }
            _ => false,
        };
        if matches!(&entry.value, Value::Text(field) if field.value() != before) {
            check(entry);
            return Used::Edited(entry.field.name);
        }
        if used { Used::Yes } else { Used::No }
    }

    /// Does an action of [`KEYS`]; `Review` is the screen's.
    ///
    /// # Errors
    ///
    /// Why the field cannot be changed.
    pub fn act(&mut self, action: Action) -> Result<Used, String> {
        match action {
            Action::FieldDown if self.move_in_list(true) => {}
            Action::FieldUp if self.move_in_list(false) => {}
            Action::NextField | Action::FieldDown => {
                self.focus = (self.focus + 1) % self.entries.len().max(1);
            }
            Action::PreviousField | Action::FieldUp => {
                self.focus = self.focus.checked_sub(1).unwrap_or(self.entries.len().saturating_sub(1));
            }
            Action::Toggle | Action::PreviousChoice | Action::NextChoice => return self.choose(action),
            _ => return Ok(Used::No),
        }
        Ok(Used::Yes)
    }

    /// Moves within a list that stands upright; says whether there was anywhere to go.
    fn move_in_list(&mut self, down: bool) -> bool {
        let Some(entry) = self.entries.get_mut(self.focus).filter(|entry| entry.is_upright()) else {
            return false;
        };
        let next = if down { Some(entry.item + 1) } else { entry.item.checked_sub(1) };
        let Some(next) = next.filter(|at| *at < entry.choices.len()) else { return false };
        entry.item = next;
        true
    }

    fn choose(&mut self, action: Action) -> Result<Used, String> {
        let Some(entry) = self.entries.get_mut(self.focus) else { return Ok(Used::No) };
        let moves =
            matches!((&entry.value, action), (Value::Many(_), Action::PreviousChoice | Action::NextChoice));
        if let (Some(why), false) = (&entry.locked, moves) {
            return Err(why.clone());
        }
        let has_choices = !entry.choices.is_empty();
        let last = entry.choices.len().saturating_sub(1);
        match (&mut entry.value, action) {
            (Value::Flag(on), _) => *on = !*on,
            (Value::One(one), Action::Toggle) => {
                let mut choices = vec![Choice::new("none", "")];
                choices.extend(entry.choices.iter().cloned());
                self.picker = Some(Picker::new(choices, one.map_or(0, |at| at + 1)));
                return Ok(Used::Yes);
            }
            (Value::One(one), Action::PreviousChoice) => *one = one.and_then(|at| at.checked_sub(1)),
            (Value::One(one), _) => {
                *one = Some(one.map_or(0, |at| (at + 1).min(last))).filter(|_| has_choices);
            }
            (Value::Many(many), Action::Toggle) => {
                if !many.remove(&entry.item) && has_choices {
                    many.insert(entry.item);
                }
            }
            (Value::Many(_), Action::PreviousChoice) => entry.item = entry.item.saturating_sub(1),
            (Value::Many(_), _) => entry.item = (entry.item + 1).min(last),
            (Value::Text(_), _) => return Ok(Used::No),
        }
        if moves {
            return Ok(Used::Yes);
        }
        entry.error = None;
        Ok(Used::Edited(entry.field.name))
    }

    /// A key while the list to choose from is open.
    fn pick(&mut self, input: &Input) -> Used {
        let Some(picker) = &mut self.picker else { return Used::No };
        let chosen = match input {
            Input::Key(chord) if *chord == code(Key::Esc) => {
                self.picker = None;
                return Used::Yes;
            }
            Input::Key(chord) if [code(Key::Enter), code(Key::Tab)].contains(chord) => picker.chosen(),
            other => {
                picker.input(other);
                return Used::Yes;
            }
        };
        let (Some(chosen), Some(entry)) = (chosen, self.entries.get_mut(self.focus)) else {
            return Used::Yes;
        };
        self.picker = None;
        entry.value = Value::One(chosen.checked_sub(1));
        entry.error = None;
        Used::Edited(entry.field.name)
    }

    fn go_to_error(&mut self) -> bool {
        let at = self.entries.iter().position(|entry| entry.error.is_some());
        self.focus = at.unwrap_or(self.focus);
        at.is_some()
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.field.name == name)
    }

    fn entry_mut(&mut self, name: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.field.name == name)
    }

    fn settle(&mut self, name: &str) {
        if let Some(entry) = self.entry_mut(name) {
            entry.initial = entry.value.words(&entry.choices);
        }
    }
}

/// What a form did with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// Nothing: it goes on to the tables of keys.
    No,
    /// It moved something.
    Yes,
    /// It changed the field of this name.
    Edited(&'static str),
}

impl Used {
    /// Whether the key was used; for [`crate::tui::Screen::input`].
    #[must_use]
    pub fn is_used(self) -> bool {
        self != Self::No
    }
}

/// The errors of all fields by name, for a test or a message.
impl Form {
    /// What is wrong with each field.
    #[must_use]
    pub fn error_map(&self) -> BTreeMap<&'static str, &str> {
        self.entries
            .iter()
            .filter_map(|entry| entry.error.as_deref().map(|error| (entry.field.name, error)))
            .collect()
    }
}

/// Applies the field's own rule to what is typed. A field that was not touched is not judged: what the database holds
/// may break a rule of ours, and that must not keep anybody from changing another field.
fn check(entry: &mut Entry) {
    let Value::Text(field) = &entry.value else { return };
    if !entry.is_changed() && !entry.initial.is_empty() {
        return;
    }
    match (entry.field.check)(field.value()) {
        Ok(_) => entry.error = None,
        Err(messages) => entry.error = Some(messages.join(" ")),
    }
}
