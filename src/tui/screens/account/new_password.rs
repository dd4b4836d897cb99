//! A new password in a form: typed twice, generated, or none.

use zeroize::Zeroizing;

use super::facts::Names;
use crate::error::{Error, Result};
use crate::portal::form::{Check, Field};
use crate::portal::forms;
use crate::portal::password::{self, Strength};
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::theme::Tone;
use crate::tui::widgets::form::Form;

/// Estimates what is typed, beside the keys: it can take longer than a frame.
const STRENGTH: Slot<Strength> = Slot::latest("account.strength");

/// The field, and the one in which it is typed again.
const FIRST: &str = "password";
const AGAIN: &str = "password_again";

/// Django's message for two that differ.
const MISMATCH: &str = "The two password fields didn’t match.";

/// Either field may stay empty: whether a password is fit is judged by the account's names, which no field knows.
const ANY: Check = |text| Ok((!text.is_empty()).then(|| text.to_owned()));

/// The two fields, as they stand in a form where a password is only one of the possibilities.
pub(in crate::tui::screens) fn fields() -> [Field; 2] {
    forms::PASSWORD.map(|field| Field { check: ANY, ..field })
}

/// What the fields do not hold: the generated password, if there is one.
#[derive(Default)]
pub(in crate::tui::screens) struct NewPassword {
    generated: Option<Zeroizing<String>>,
}

impl NewPassword {
    /// Generates one; what was typed goes.
    pub(in crate::tui::screens) fn generate(&mut self, form: &mut Form, cx: &mut Cx) -> Result<()> {
        self.generated = Some(Zeroizing::new(password::generate()?));
        clear_fields(form, cx);
        let words = "generated; the review shows it before anything is written";
        form.set_hint(FIRST, Some((Tone::Good, words.to_owned())));
        Ok(())
    }

    /// Forgets everything, typed or generated.
    pub(in crate::tui::screens) fn clear(&mut self, form: &mut Form, cx: &mut Cx) {
        self.generated = None;
        clear_fields(form, cx);
    }

    /// Whether this field is one of the two.
    pub(in crate::tui::screens) fn is_field(name: &str) -> bool {
        [FIRST, AGAIN].contains(&name)
    }

    /// After a key in one of the fields: says how good the password is, and whether the second is on its way to be the
    /// same.
    pub(in crate::tui::screens) fn edited(
        &mut self,
        form: &mut Form,
        names: Names,
        minimum: usize,
        cx: &mut Cx,
    ) {
        self.generated = None;
        let typed = Zeroizing::new(form.text(FIRST).to_owned());
        form.set_hint(FIRST, None);
        form.set_hint(AGAIN, None);
        form.clear_error(FIRST);
        form.clear_error(AGAIN);
        cx.stop(&STRENGTH);
        if !typed.starts_with(form.text(AGAIN)) {
            form.set_error(AGAIN, MISMATCH);
        } else if !typed.is_empty() && *typed == form.text(AGAIN) {
            form.set_hint(AGAIN, Some((Tone::Good, "the same".to_owned())));
        }
        if typed.is_empty() {
            return;
        }
        if let Some(problem) = password::problems(&typed, &names.about(), minimum).into_iter().next() {
            form.set_hint(FIRST, Some((Tone::Warn, problem.message)));
            return;
        }
        cx.start_without_portal(&STRENGTH, "estimating the password", move |_task| async move {
            tokio::task::spawn_blocking(move || password::strength(&typed, &names.about()))
                .await
                .map_err(|error| Error::bug(format!("The estimate ended early: {error}.")))
        });
    }

    /// Takes the estimate.
    pub(in crate::tui::screens) fn reply(reply: &mut Reply, form: &mut Form) {
        // Without an estimate the password is as good as it is.
        if let Some(Ok(strength)) = STRENGTH.take(reply) {
            let tone = if strength.score >= 3 { Tone::Good } else { Tone::Plain };
            form.set_hint(FIRST, Some((tone, strength.words.to_owned())));
        }
    }

    /// Puts at the fields whatever is wrong with the password; says whether all is right. None is right, too.
    pub(in crate::tui::screens) fn check(&self, form: &mut Form, names: &Names, minimum: usize) -> bool {
        if self.generated.is_some() || self.is_none(form) {
            return true;
        }
        let (first, again) = (form.text(FIRST), form.text(AGAIN));
        let is_same = first == again;
        let problems = password::problems(first, &names.about(), minimum);
        if !problems.is_empty() {
            let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            form.set_error(FIRST, messages.join(" "));
            form.go_to(FIRST);
            return false;
        }
        if !is_same {
            form.set_error(AGAIN, MISMATCH);
            form.go_to(AGAIN);
        }
        is_same
    }

    /// Whether there is neither a typed nor a generated one.
    pub(in crate::tui::screens) fn is_none(&self, form: &Form) -> bool {
        self.generated.is_none() && form.text(FIRST).is_empty() && form.text(AGAIN).is_empty()
    }

    /// Whether it is a generated one.
    pub(in crate::tui::screens) fn is_generated(&self) -> bool {
        self.generated.is_some()
    }

    /// The password to be set, and whether it was generated and so has to be shown; nothing when there is none.
    pub(in crate::tui::screens) fn wanted(&self, form: &Form) -> Option<(Zeroizing<String>, bool)> {
        if let Some(generated) = &self.generated {
            return Some((generated.clone(), true));
        }
        (!self.is_none(form)).then(|| (Zeroizing::new(form.text(FIRST).to_owned()), false))
    }
}

/// Empties the two fields and what is said beside them.
fn clear_fields(form: &mut Form, cx: &mut Cx) {
    for name in [FIRST, AGAIN] {
        form.set_text(name, "");
        form.set_hint(name, None);
        form.clear_error(name);
    }
    cx.stop(&STRENGTH);
}
