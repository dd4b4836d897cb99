//! The way of every form about an account: the facts are read, the form is filled, what is typed becomes a plan, the plan
//! is reviewed and applied, and the screen that opened the form is told whose account it was.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::facts::{Facts, LOAD};
use super::groups;
use super::left;
use super::merge::{Change, Merge};
use super::new_password::NewPassword;
use super::saving::{self, Opened, PLAN, Password, Planned, Wish};
use super::shown::Shown;
use super::values::{self, Values};
use crate::change::Written;
use crate::directory::accounts::Draft;
use crate::directory::drafts::{About, Unsaved};
use crate::error::{Error, Kind, Result};
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::plan_review::{APPLY, Applied};
use crate::tui::screen::Screen;
use crate::tui::screens::conflict::{Conflict, RESOLVED};
use crate::tui::screens::user_form::SAVED;
use crate::tui::theme::Tone;
use crate::tui::widgets::form::{Form, Used};

/// Looks, when a write was refused, what others did to the account; nothing where it is gone.
const AGAIN: Slot<Option<Merge>> = Slot::latest("account.again");

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
    /// What the plan under way was made from.
    opened: Option<Opened>,
    /// Why the write was refused, until it is known what others did.
    refusal: Option<Error>,
    /// Keys and pastes that came before the form was filled.
    early: Vec<Input>,
    /// Names the form among what is kept of unsaved ones.
    kept_as: String,
    /// What the form is to be opened with: it was left unsaved.
    left: Option<Unsaved>,
}

impl Editor {
    /// Nothing is read yet.
    pub(in crate::tui::screens) fn new(id: Option<i64>) -> Self {
        let form = Form::new(&[]);
        Self {
            id,
            facts: None,
            form,
            secret: None,
            opened: None,
            refusal: None,
            early: Vec::new(),
            kept_as: Unsaved::new_id(),
            left: None,
        }
    }

    /// The form as it was left.
    pub(in crate::tui::screens) fn resume(left: Unsaved) -> Self {
        let empty = Self::new(left.about.id());
        Self { kept_as: left.id.clone(), left: Some(left), ..empty }
    }

    /// What would be lost with the line.
    pub(in crate::tui::screens) fn unsaved(&self) -> Option<Unsaved> {
        let facts = self.facts.as_ref()?;
        self.form.changes()?;
        let (about, base, mine) = match self.id {
            None => (About::NewUser, Values::new(), values::shown(&self.form, facts)),
            Some(id) => {
                let about = About::User { id, username: facts.username() };
                (about, values::of(facts), values::changed(&self.form, facts))
            }
        };
        Some(Unsaved { id: self.kept_as.clone(), about, base, mine })
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
        let mine = values::changed(&self.form, &facts);
        let sets_password = !matches!(password, Password::Keep);
        let opened = Opened { id: self.id, facts, mine, sets_password };
        self.opened = Some(opened.clone());
        saving::start(Wish { opened, draft, password }, cx);
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
            cx.tell(&SAVED, user);
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
        } else if let Some(merge) = AGAIN.take(reply) {
            self.take_look(merge, cx);
        } else if let Some(merge) = RESOLVED.take(reply) {
            if let Ok(merge) = merge {
                self.rebase(merge, cx);
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
        if let Some(left) = editor.left.take() {
            left::put(self, left, cx);
        }
        let editor = self.editor();
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

    /// Opens the review, asks about what both sides changed, or says at the fields why there is none.
    fn take_plan(&mut self, planned: Result<Planned>, cx: &mut Cx) {
        match planned {
            Ok(Planned::Ready(prepared, merge)) => {
                if let Some(merge) = merge {
                    self.rebase(*merge, cx);
                }
                prepared.open(cx);
            }
            Ok(Planned::Asked(merge)) => self.ask(*merge, cx),
            Ok(Planned::Gone) => self.gone(cx),
            Err(error) => self.refused(&error, cx),
        }
    }

    /// Shows base, theirs and mine of every field that both sides changed.
    fn ask(&mut self, merge: Merge, cx: &mut Cx) {
        let username = self.editor().username();
        cx.push(Conflict::new(username, merge));
    }

    /// Goes on from the account as it is now: the form holds what is wanted of it, and says what others changed.
    fn rebase(&mut self, merge: Merge, cx: &mut Cx) {
        let mut form = self.filled(&merge.facts);
        values::put(&mut form, &merge.facts, &merge.mine);
        groups::show(&mut form, &merge.facts);
        for it in merge.differences.iter().filter(|it| it.change != Change::Both) {
            form.set_hint(
                &it.field,
                Some((Tone::Quiet, format!("changed by somebody else, was {}", it.base))),
            );
        }
        let editor = self.editor();
        if let Some(field) = editor.form.focused() {
            form.go_to(field);
        }
        editor.form = form;
        editor.facts = Some(Arc::new(merge.facts));
        // A plan of what was there before must not come up for review.
        cx.stop(&PLAN);
    }

    /// Somebody else deleted the account.
    fn gone(&mut self, cx: &mut Cx) {
        cx.fail(&deleted(&self.editor().username()));
        cx.close();
    }

    /// After a refused write: what others did is shown, or else the refusal.
    fn take_look(&mut self, merge: Result<Option<Merge>>, cx: &mut Cx) {
        let Some(refusal) = self.editor().refusal.take() else { return };
        match merge {
            Ok(Some(merge)) if merge.asks() => self.ask(merge, cx),
            Ok(Some(merge)) => {
                let taken_over = merge.taken_over();
                self.rebase(merge, cx);
                match taken_over {
                    Some(words) => cx.refuse(format!("Nothing was written. {words} Review it again.")),
                    None => self.refused(&refusal, cx),
                }
            }
            Ok(None) => self.gone(cx),
            Err(_) => self.refused(&refusal, cx),
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
                let editor = self.editor();
                if let Some((opened, id)) =
                    editor.opened.clone().zip(editor.id).filter(|_| saving::is_stale(&error))
                {
                    editor.refusal = Some(error);
                    cx.start(&AGAIN, "reading the account again", move |portal| async move {
                        opened.look(&portal, id).await
                    });
                } else {
                    self.refused(&error, cx);
                }
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

/// That the account which a form is about is no more.
pub(in crate::tui::screens) fn deleted(username: &str) -> Error {
    Error::conflict(format!("{username} was deleted meanwhile by somebody else; nothing was written."))
}

/// Whether an input is for a form that is not there yet, and not for the program.
fn is_for_the_form(input: &Input) -> bool {
    match input {
        Input::Paste(_) => true,
        Input::Key(chord) => !chord.ctrl && !chord.alt && !matches!(chord.key, Key::Esc | Key::F(_)),
        _ => false,
    }
}
