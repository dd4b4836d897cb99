//! A form opened again with what was left in it unsaved: over the rows of now, and with what others changed meanwhile
//! shown or asked as for any form that was open all the time.

use super::editor::Edits;
use super::groups;
use super::merge::Merge;
use super::values;
use crate::directory::drafts::{self, Unsaved};
use crate::tui::cx::Cx;
use crate::tui::jobs::Slot;

/// Forgets what was kept.
pub(in crate::tui::screens) const DROP: Slot<()> = Slot::latest("drafts.drop");

/// Puts into a form, filled from the rows of now, what was left in it.
pub(super) fn put<E: Edits + ?Sized>(screen: &mut E, left: Unsaved, cx: &mut Cx) {
    let Some(facts) = screen.editor().facts.clone() else { return };
    if facts.is_new() {
        let form = &mut screen.editor().form;
        values::put(form, &facts, &left.mine);
        return groups::show(form, &facts);
    }
    let merge = Merge::of(&left.base, (*facts).clone(), &left.mine);
    if merge.asks() {
        // Until it is decided, and where it is not, the form is the one that was left.
        let was = facts.as_it_was(&left.base);
        screen.rebase(Merge { facts: was, differences: Vec::new(), mine: left.mine }, cx);
        return screen.ask(merge, cx);
    }
    if merge.mine.is_empty() {
        nothing_left(left.id, cx);
    } else if let Some(words) = merge.taken_over() {
        cx.refuse(words);
    }
    screen.rebase(merge, cx);
}

/// Everything that was left has come true meanwhile: it is forgotten.
pub(in crate::tui::screens) fn nothing_left(id: String, cx: &mut Cx) {
    cx.start(&DROP, "forgetting what was kept", |portal| async move { drafts::remove(&portal, id).await });
    cx.refuse("Nothing is left to be saved: the account holds it already.");
}
