//! What can be done to the one under the cursor, from the list and from its record.

use super::{Members, Thing};
use crate::portal::access;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::screens::copying::copy_row;
use crate::tui::screens::history::History;
use crate::tui::screens::menu::{Entry, Menu};
use crate::tui::screens::undo;
use crate::tui::screens::user_actions::Sitting;

/// Whether an action can be done now, to this one; if not, why.
///
/// # Errors
/// The sentence.
pub fn may<T: Thing>(action: Action, which: Option<&T>, sitting: &Sitting) -> Result<(), String> {
    let is_new = action == T::NEW.action;
    let is_any_ones = matches!(action, Action::Open | Action::Copy | Action::CopyCommand);
    let is_about_one = is_any_ones || T::KEYS.iter().any(|binding| binding.action == action);
    match action {
        Action::Undo | Action::Redo => sitting.may(action, None),
        _ if !is_new && !is_about_one => Ok(()),
        _ if !is_new && which.is_none() => Err(format!("There is no {} under the cursor.", T::NOUN)),
        _ if is_any_ones || action == Action::Menu => Ok(()),
        Action::RecordHistory => sitting.allows(&access::Action::SeeHistory),
        _ if action == T::MEMBERS => sitting.allows(&access::Action::SeeUsers),
        _ => match &sitting.read_only {
            Some(why) => Err(why.clone()),
            None => T::may(action, which, sitting),
        },
    }
}

/// What can be done to this one now, for the menu.
#[must_use]
pub fn entries<T: Thing>(which: &T, sitting: &Sitting) -> Vec<Entry> {
    sitting.offered(which.entries(), |action| may(action, Some(which), sitting))
}

/// Does an action of [`Thing::KEYS`] that [`may`] be done.
pub fn act<T: Thing>(action: Action, which: Option<&T>, sitting: &Sitting, cx: &mut Cx) {
    match (action, which) {
        (Action::Undo | Action::Redo, _) => undo::act(action, cx),
        (Action::RecordHistory, Some(which)) => {
            cx.push(History::about_row(T::FILTER, which.id(), which.name(), Clock::default()));
        }
        (Action::Copy | Action::CopyCommand, Some(which)) => {
            copy_row(action, T::NOUN, which.id(), which.name(), cx);
        }
        (Action::Menu, Some(which)) => Menu::open(which.name(), entries(which, sitting), cx),
        (_, Some(which)) if action == T::MEMBERS => cx.push(Members::new(which.clone(), Clock::default())),
        _ => T::act(action, which, cx),
    }
}
