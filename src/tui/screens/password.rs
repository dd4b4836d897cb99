//! A new password for an account: typed twice, generated, or made unusable.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::account::editor::{Editor, Edits};
use super::account::facts::{Facts, Names};
use super::account::merge::{self, Merge};
use super::account::new_password::{self, NewPassword};
use super::account::saving::Password;
use crate::directory::accounts::Draft;
use crate::portal::form::{Field, FieldKind};
use crate::portal::password;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, ctrl};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::form::{self, Form};
use crate::tui::widgets::put;

/// Its keys, beside those of every form.
pub const KEYS: &[Binding] = &[Binding::new(&[ctrl('g')], Action::Generate, "generate")];

/// The box that makes the password unusable.
const DISABLE: Field = Field {
    name: "unusable",
    label: "Unusable password",
    short: "Disable",
    kind: FieldKind::Bool,
    section: "Instead",
    help: "No password at all: they cannot sign in until one is set.",
    check: |text| Ok(Some(text.to_owned())),
};

/// The form.
pub struct PasswordForm {
    editor: Editor,
    username: String,
    password: NewPassword,
}

impl PasswordForm {
    /// A form for this account.
    #[must_use]
    pub fn new(id: i64, username: impl Into<String>) -> Self {
        Self { editor: Editor::new(Some(id)), username: username.into(), password: NewPassword::default() }
    }

    fn names(&self) -> Names {
        self.editor.facts.as_ref().map(|facts| facts.names()).unwrap_or_default()
    }

    fn minimum(&self) -> usize {
        self.editor.facts.as_ref().map_or(0, |facts| facts.minimum_password_length)
    }

    fn is_empty(&self) -> bool {
        self.password.is_none(&self.editor.form) && !self.editor.form.flag(DISABLE.name)
    }

    fn review(&mut self, cx: &mut Cx) {
        let (names, minimum) = (self.names(), self.minimum());
        let form = &mut self.editor.form;
        form.clear_errors();
        if !self.password.check(form, &names, minimum) {
            cx.refuse("This password is not fit; nothing to review yet.");
            return;
        }
        let password = match self.password.wanted(form) {
            Some((password, generated)) => Password::Set { password, generated },
            None => Password::Unusable,
        };
        self.editor.plan(Draft::default(), password, cx);
    }

    /// What happens beside the change, and what the password is now.
    fn remarks(&self) -> String {
        let now =
            self.editor.facts.as_ref().and_then(|facts| facts.encoded_password().map(password::describe));
        let now = now.map(|now| format!(" Now: {now}.")).unwrap_or_default();
        format!("Ends the portal sessions of {}.{now}", self.username)
    }
}

impl Edits for PasswordForm {
    fn editor(&mut self) -> &mut Editor {
        &mut self.editor
    }

    fn filled(&self, _facts: &Facts) -> Form {
        let [first, again] = new_password::fields();
        Form::new(&[first, again, DISABLE])
    }

    fn edited(&mut self, field: &'static str, cx: &mut Cx) {
        if field == DISABLE.name {
            if self.editor.form.flag(DISABLE.name) {
                self.password.clear(&mut self.editor.form, cx);
            }
            return;
        }
        self.editor.form.set_flag(DISABLE.name, false);
        let (names, minimum) = (self.names(), self.minimum());
        self.password.edited(&mut self.editor.form, names, minimum, cx);
    }

    /// What was typed stays, unless theirs was chosen.
    fn rebase(&mut self, merge: Merge, cx: &mut Cx) {
        if merge
            .differences
            .iter()
            .any(|it| it.field == merge::PASSWORD && it.change == merge::Change::Theirs)
        {
            self.password.clear(&mut self.editor.form, cx);
            self.editor.form.set_flag(DISABLE.name, false);
        }
        self.editor.facts = Some(Arc::new(merge.facts));
    }

    fn saved(&mut self, user: i64, cx: &mut Cx) {
        self.editor.close(user, self.username.clone(), None, cx);
    }
}

impl Screen for PasswordForm {
    fn title(&self) -> String {
        format!("Password of {}", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[form::KEYS, KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        let facts = self.editor.ready()?;
        match action {
            Action::Review | Action::Generate => match facts.cannot_set_password() {
                Some(why) => Err(why),
                None if action == Action::Review && self.is_empty() => {
                    Err("Type a password, generate one, or disable it.".to_owned())
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.review(cx),
            Action::Generate => {
                self.editor.form.set_flag(DISABLE.name, false);
                if let Err(error) = self.password.generate(&mut self.editor.form, cx) {
                    cx.fail(&error);
                }
            }
            other => self.do_in_form(other, cx),
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
        if !self.take(reply, cx) {
            self.take_strength(reply);
        }
    }

    fn is_dirty(&self) -> Option<String> {
        let ready = self.editor.facts.is_some();
        (ready && !self.is_empty()).then(|| format!("the new password of {}", self.username))
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 76, height: 6 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let remarks = u16::from(area.height > 4);
        self.editor.form.draw(frame, Rect { height: area.height - remarks, ..area }, theme);
        if remarks > 0 {
            let width = area.width.saturating_sub(1);
            put(
                frame.buffer_mut(),
                area.x + 1,
                area.bottom() - 1,
                width,
                &self.remarks(),
                theme.style(Tone::Quiet),
            );
        }
    }
}
