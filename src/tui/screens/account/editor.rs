//! The way of every form about an account: the facts are read, the form is filled, what is typed becomes a plan, the plan
//! is reviewed and applied, and the screen that opened the form is told whose account it was.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::facts::{Facts, LOAD};
use super::groups;
use super::new_password::NewPassword;
use super::saving::{self, PLAN, Password, Planned, Wish};
use super::shown::Shown;
use crate::change::Written;
use crate::directory::accounts::Draft;
use crate::error::{Error, Kind, Result};
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::plan_review::{APPLY, Applied};
use crate::tui::screen::Screen;
use crate::tui::screens::user_form::SAVED;
use crate::tui::widgets::form::{Form, Used};

/// Reads the facts again when a write found that they are old.
const AGAIN: Slot<Facts> = Slot::latest("account.again");

/// The most inputs that are kept for a form that is not filled yet.
const EARLY: usize = 4_096;

/// What all forms about an account hold.
pub(in crate::tui::screens) struct Editor {
    /// The account; none for a new one.
    pub(in crate::tui::screens) id: Option<i64>,
    /// What the form was filled from, once it is.
    pub(in crate::tui::screens) facts: Option<Arc<Facts>>,
    /// The form; without fields until then.
    pub(in crate::tui::screens) form: Form,
    /// The generated password that is being written, to be shown when it is.
    secret: Option<Zeroizing<String>>,
    /// Keys and pastes that came before the form was filled.
    early: Vec<Input>,
}

impl Editor {
    /// Nothing is read yet.
    pub(in crate::tui::screens) fn new(id: Option<i64>) -> Self {
        Self { id, facts: None, form: Form::new(&[]), secret: None, early: Vec::new() }
    }

    /// The username before the change; empty while it is not known.
    pub(in crate::tui::screens) fn username(&self) -> String {
        self.facts.as_ref().map(|facts| facts.username()).unwrap_or_default()
    }

    /// Whether keys are text: also before there are fields, so that nothing typed is lost or taken for a command.
    pub(in crate::tui::screens) fn takes_text(&self) -> bool {
        self.facts.is_none() || self.form.takes_text()
    }

    /// The facts, or why nothing can be done yet.
    pub(in crate::tui::screens) fn ready(&self) -> std::result::Result<&Facts, String> {
        self.facts.as_deref().ok_or_else(|| "The account is still being read.".to_owned())
    }

    /// Plans what is wished for.
    pub(in crate::tui::screens) fn plan(&mut self, draft: Draft, password: Password, cx: &mut Cx) {
        let Some(facts) = self.facts.clone() else { return };
        self.secret = match &password {
            Password::Set { password, generated: true } => Some(password.clone()),
            _ => None,
        };
        saving::start(Wish { id: self.id, facts, draft, password }, cx);
    }

    /// Closes the form, tells the screen that opened it which account was written, opens what comes next, and above that
    /// shows a generated password.
    pub(in crate::tui::screens) fn close(
        &mut self,
        user: i64,
        username: String,
        next: Option<Box<dyn Screen>>,
        cx: &mut Cx,
    ) {
        let secret = self.secret.take();
        cx.close_then(move |cx| {
            cx.start_without_portal(&SAVED, "going there", move |_task| async move { Ok(user) });
            if let Some(next) = next {
                cx.ask(Effect::Push(next));
            }
            if let Some(secret) = secret {
                cx.push(Shown::new(username, secret));
            }
        });
    }
}

/// A screen that is a form about an account.
pub(in crate::tui::screens) trait Edits: Screen {
    /// What it holds.
    fn editor(&mut self) -> &mut Editor;

    /// The form, filled with the facts.
    fn filled(&self, facts: &Facts) -> Form;

    /// A field was changed by a key.
    fn edited(&mut self, field: &'static str, cx: &mut Cx);

    /// The account was written: closes the form.
    fn saved(&mut self, user: i64, cx: &mut Cx);

    /// Reads what the form starts from.
    fn load(&mut self, cx: &mut Cx) {
        let id = self.editor().id;
        cx.start(&LOAD, "reading the account", move |portal| async move { Facts::read(&portal, id).await });
    }

    /// Takes what all of them start; says whether the reply was one of those.
    fn take(&mut self, reply: &mut Reply, cx: &mut Cx) -> bool {
        if let Some(facts) = LOAD.take(reply) {
            self.take_facts(facts, cx);
        } else if let Some(facts) = AGAIN.take(reply) {
            if let Ok(facts) = facts {
                self.editor().facts = Some(Arc::new(facts));
            }
        } else if let Some(planned) = PLAN.take(reply) {
            self.take_plan(planned, cx);
        } else if let Some(applied) = APPLY.take(reply) {
            self.take_outcome(applied, cx);
        } else {
            return false;
        }
        true
    }

    /// Fills the form, and gives it the keys that came too early for it.
    fn take_facts(&mut self, facts: Result<Facts>, cx: &mut Cx) {
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) => {
                if error.kind != Kind::Interrupted {
                    cx.fail(&error);
                }
                cx.close();
                return;
            }
        };
        let form = self.filled(&facts);
        let editor = self.editor();
        editor.form = form;
        editor.facts = Some(Arc::new(facts));
        for input in std::mem::take(&mut editor.early) {
            self.replay(&input, cx);
        }
    }

    /// An early key, by the default tables.
    fn replay(&mut self, input: &Input, cx: &mut Cx) {
        if self.editor().takes_text() && self.input(input, cx) {
            return;
        }
        let Input::Key(chord) = input else { return };
        let binding = self.keys().iter().copied().flatten().find(|binding| binding.keys.contains(chord));
        if let Some(action) = binding.map(|binding| binding.action).filter(|it| self.enabled(*it).is_ok()) {
            self.act(action, cx);
        }
    }

    /// Opens the review, or says at the fields why there is none.
    fn take_plan(&mut self, planned: Result<Planned>, cx: &mut Cx) {
        match planned {
            Ok(Planned::Ready(prepared)) => prepared.open(cx),
            Ok(Planned::Overtaken(error, facts)) => {
                self.editor().facts = Some(Arc::new(*facts));
                self.refused(&error, cx);
            }
            Err(error) => self.refused(&error, cx),
        }
    }

    /// The end of the write: the form closes, or stays with everything that was typed.
    fn take_outcome(&mut self, applied: Result<Applied>, cx: &mut Cx) {
        match applied {
            Ok(applied) => {
                cx.done(applied.words());
                let written = applied.outcome.written.iter().find_map(Written::user);
                let user = self.editor().id.or(written);
                self.saved(user.unwrap_or_default(), cx);
            }
            Err(error) => {
                if saving::is_stale(&error)
                    && let Some(id) = self.editor().id
                {
                    cx.start(&AGAIN, "reading the account again", move |portal| async move {
                        Facts::read(&portal, Some(id)).await
                    });
                }
                self.refused(&error, cx);
            }
        }
    }

    /// Puts an error at its fields and says it.
    fn refused(&mut self, error: &Error, cx: &mut Cx) {
        if error.kind == Kind::Interrupted {
            return;
        }
        let error = saving::by_field(error);
        self.editor().form.set_errors(&error);
        cx.fail(&error);
    }

    /// A key or a paste for the form; says whether it was used.
    fn type_in(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let editor = self.editor();
        if editor.facts.is_none() {
            let waits = is_for_the_form(input) && editor.early.len() < EARLY;
            if waits {
                editor.early.push(input.clone());
            }
            return waits;
        }
        let field = editor.form.focused().unwrap_or_default();
        let before = editor.form.text(field).chars().count();
        let used = editor.form.input(input);
        if let Input::Paste(words) = input {
            let kept =
                editor.form.text(field).chars().count() - before.min(editor.form.text(field).chars().count());
            let dropped = words.chars().filter(|c| !c.is_control()).count().saturating_sub(kept);
            if used.is_used() && dropped > 0 {
                cx.refuse(format!("{dropped} characters of the paste had no room."));
            }
        }
        self.follow(used, cx)
    }

    /// An action of the form's own table.
    fn do_in_form(&mut self, action: Action, cx: &mut Cx) {
        let before = self.editor().form.choices(groups::FIELD);
        match self.editor().form.act(action) {
            Err(why) => cx.refuse(why),
            Ok(Used::Edited(groups::FIELD)) => {
                let editor = self.editor();
                if let Some(facts) = editor.facts.clone()
                    && let Err(why) = groups::edited(&mut editor.form, &facts, &before)
                {
                    cx.refuse(why);
                }
                self.follow(Used::Edited(groups::FIELD), cx);
            }
            Ok(used) => {
                self.follow(used, cx);
            }
        }
    }

    /// Passes on what a key did; says whether it did anything.
    fn follow(&mut self, used: Used, cx: &mut Cx) -> bool {
        if let Used::Edited(field) = used {
            // A plan of what was there before must not come up for review.
            cx.stop(&PLAN);
            self.edited(field, cx);
        }
        used.is_used()
    }

    /// Takes the estimate of a new password.
    fn take_strength(&mut self, reply: &mut Reply) {
        NewPassword::reply(reply, &mut self.editor().form);
    }
}

/// Whether an input is for a form that is not there yet, and not for the program.
fn is_for_the_form(input: &Input) -> bool {
    match input {
        Input::Paste(_) => true,
        Input::Key(chord) => !chord.ctrl && !chord.alt && !matches!(chord.key, Key::Esc | Key::F(_)),
        _ => false,
    }
}
