//! The groups of an account as choices of a form: what each means, and which of them may be given or taken.

use std::collections::BTreeSet;

use super::facts::Facts;
use crate::tui::actions::Action;
use crate::tui::theme::Tone;
use crate::tui::widgets::form::Form;
use crate::tui::widgets::picker::Choice;

/// The field.
pub(in crate::tui::screens) const FIELD: &str = "groups";

/// The groups with what they mean.
pub(in crate::tui::screens) fn choices(facts: &Facts) -> Vec<Choice> {
    let choice = |(at, group): (usize, &crate::directory::groups::Choice)| {
        let locked = facts.group_locked(at).map(|_| "not yours to change");
        let meaning = Some(group.description.as_str()).filter(|words| !words.is_empty());
        let note: Vec<&str> = meaning.into_iter().chain(locked).collect();
        Choice::new(group.name.clone(), note.join(" · "))
    };
    facts.groups.iter().enumerate().map(choice).collect()
}

/// After a key in the field, which held `before`: takes back what is not allowed and says why; else says what the
/// account gains and loses.
///
/// # Errors
/// Why the group may not be given or taken.
pub(in crate::tui::screens) fn edited(
    form: &mut Form,
    facts: &Facts,
    before: &BTreeSet<usize>,
) -> Result<(), String> {
    let chosen = form.choices(FIELD);
    let toggled = before.symmetric_difference(&chosen).next().copied();
    if let Some(why) = toggled.and_then(|at| facts.group_locked(at)) {
        // What a key put there, the same key takes away.
        form.act(Action::Toggle)?;
        return Err(why);
    }
    show(form, facts);
    Ok(())
}

/// Says beside the field what the account gains and loses.
pub(in crate::tui::screens) fn show(form: &mut Form, facts: &Facts) {
    let words = facts.gains_and_loses(&form.choices(FIELD));
    form.set_hint(FIELD, Some((Tone::Quiet, words)));
}
