//! The groups of an account as a list to tick.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::account::editor::{Editor, Edits};
use super::account::facts::Facts;
use super::account::groups;
use super::account::saving::Password;
use super::user_form::group_changes;
use crate::directory::accounts::Draft;
use crate::portal::forms;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, ctrl, key};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::form::Form;

/// Its keys: those of a form whose only field is the list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "review and save"),
    Binding::new(&[key(' ')], Action::Toggle, "give or take"),
    Binding::new(&[code(Key::Down), key('j'), code(Key::Right)], Action::NextChoice, "next group").quiet(),
    Binding::new(&[code(Key::Up), key('k'), code(Key::Left)], Action::PreviousChoice, "previous group")
        .quiet(),
];

/// The list.
pub struct Memberships {
    editor: Editor,
}

impl Memberships {
    /// The list for this account.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self { editor: Editor::new(Some(id)) }
    }
}

impl Edits for Memberships {
    fn editor(&mut self) -> &mut Editor {
        &mut self.editor
    }

    fn filled(&self, facts: &Facts) -> Form {
        let fields: Vec<_> = forms::find(&forms::USER, groups::FIELD).copied().into_iter().collect();
        let form =
            Form::new(&fields).with_choices(groups::FIELD, groups::choices(facts), facts.memberships());
        match facts.locked(groups::FIELD) {
            Some(why) => form.with_locked(groups::FIELD, &why),
            None => form,
        }
    }

    fn edited(&mut self, _field: &'static str, _cx: &mut Cx) {}

    fn saved(&mut self, user: i64, cx: &mut Cx) {
        let username = self.editor.username();
        self.editor.close(user, username, None, cx);
    }
}

impl Screen for Memberships {
    fn title(&self) -> String {
        format!("Groups of {}", self.editor.username())
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        let facts = self.editor.ready()?;
        match action {
            Action::Review => match facts.cannot_save() {
                Some(why) => Err(why),
                None if self.editor.form.changes().is_none() => Err("Nothing was changed yet.".to_owned()),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match (action, self.editor.facts.clone()) {
            (Action::Review, Some(facts)) => {
                self.editor.form.clear_errors();
                let groups = group_changes(&self.editor.form, &facts);
                self.editor.plan(Draft { groups, ..Draft::default() }, Password::Keep, cx);
            }
            _ => self.do_in_form(action, cx),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.load(cx);
    }

    fn takes_text(&self) -> bool {
        self.editor.takes_text()
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        self.type_in(input, cx)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        self.take(reply, cx);
    }

    fn is_dirty(&self) -> Option<String> {
        self.editor.form.changes().map(|_| format!("the groups of {}", self.editor.username()))
    }

    fn layer(&self) -> Layer {
        let groups = self.editor.facts.as_ref().map_or(0, |facts| facts.groups.len());
        Layer::Popup { width: 72, height: cells(groups).saturating_add(2) }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.editor.form.draw(frame, area, theme);
    }
}
