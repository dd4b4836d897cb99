//! What can be done to all marked users at once: from a key to its menu, from there to the review, and from the `y` there
//! to what was done. The review shows what all of it means and the rows of the beginning; what is applied is planned again,
//! some hundred users at a time.

mod choose;
mod file;
mod rest;

use std::cell::Cell;
use std::rc::Rc;

use super::menu::{Entry, Menu};
use super::review::{Confirmation, Review, ReviewText};
use super::user_actions::{Sitting, Whom};
use crate::change::Outcome;
use crate::directory::bulk::{self, Ahead, Change, Extent};
use crate::directory::selection::Selection;
use crate::directory::{Portal, names, users};
use crate::error::{Error, Result};
use crate::integrity::runs::{self, Resumed};
use crate::portal::access::{self, Level, TargetFacts};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_diff;
use crate::tui::plan_review::{self, MOST_ROWS_BY_Y, past};
use crate::tui::widgets::diff::{DiffLine, Sign};
use crate::tui::widgets::grouped;

use choose::{Choose, Offer};
use file::File;
use rest::Rest;

pub use choose::KEYS as CHOOSE_KEYS;
pub use file::KEYS as FILE_KEYS;
pub use rest::KEYS as REST_KEYS;

/// From the menu and the palette, for every list in which users are marked.
pub const KEYS: &[Binding] = &[
    Binding::new(&[], Action::BulkOffboard, "off-board the marked").quiet().dangerous(),
    Binding::new(&[], Action::BulkDeactivate, "deactivate the marked").quiet().dangerous(),
    Binding::new(&[], Action::BulkActivate, "activate the marked").quiet(),
    Binding::new(&[], Action::BulkAddGroup, "add the marked to a group").quiet(),
    Binding::new(&[], Action::BulkRemoveGroup, "remove the marked from a group").quiet(),
    Binding::new(&[], Action::BulkDepartment, "move the marked to a department").quiet(),
    Binding::new(&[], Action::BulkNotifications, "notifications of the marked").quiet(),
    Binding::new(&[], Action::BulkStaff, "staff flag of the marked").quiet(),
    Binding::new(&[], Action::BulkPasswords, "generate passwords for the marked").quiet(),
    Binding::new(&[], Action::BulkDelete, "delete the marked").quiet().dangerous(),
];

const AHEAD: Slot<Looked> = Slot::latest("bulk.ahead");
/// One at a time in the whole program.
const RUN: Slot<Ran> = Slot::exclusive("bulk.run").stoppable().reporting(Ran::words);
const SET_ASIDE: Slot<()> = Slot::exclusive("bulk.set-aside");

/// Who is marked, and in what words the list says so.
#[derive(Debug, Clone)]
pub struct Marked {
    /// Who.
    pub selection: Selection,
    /// `14 marked, 3 not in this view`.
    pub words: String,
}

/// A change and all that its review shows.
struct Looked {
    ahead: Ahead,
    marked: String,
    /// The rows of the first plan.
    lines: Vec<DiffLine>,
}

/// What was done.
#[derive(Debug)]
struct Ran {
    title: String,
    planned: usize,
    outcome: Outcome,
    /// The first user, where only that one was to be written.
    first: Option<Whom>,
}

/// What is going on with the marked users of one list.
#[derive(Default)]
pub struct Bulk {
    running: Rc<Cell<bool>>,
}

/// Somebody of no role: what may not be done to them may be done to nobody.
pub(super) const ANYBODY: TargetFacts =
    TargetFacts { id: i64::MIN, superuser: false, privileged: false, level: None };

/// Whether an action is about the marked users: those of this folder always are, some keys where there are any.
#[must_use]
pub fn is_about_marks(action: Action, is_marked: bool) -> bool {
    let shared = matches!(
        action,
        Action::Menu
            | Action::UsersEdit
            | Action::UsersPassword
            | Action::UsersCanLogIn
            | Action::UsersMemberships
            | Action::UsersDelete
    );
    is_bulk(action) || is_marked && shared
}

fn is_bulk(action: Action) -> bool {
    KEYS.iter().any(|binding| binding.action == action)
}

/// Whether this can be done to anybody who is marked; for whom it can't is told before the review.
///
/// # Errors
/// Why not, as a sentence.
pub fn may(action: Action, is_marked: bool, sitting: &Sitting) -> std::result::Result<(), String> {
    let target = &ANYBODY;
    if !is_marked && is_bulk(action) {
        return Err("Nobody is marked; Space marks.".to_owned());
    }
    if let Some(why) = &sitting.read_only {
        return Err(why.clone());
    }
    let deactivate = || sitting.allows(&access::Action::SetActive { target, active: false });
    match action {
        Action::BulkActivate => sitting.allows(&access::Action::SetActive { target, active: true }),
        Action::BulkAddGroup | Action::BulkRemoveGroup | Action::UsersMemberships => {
            sitting.allows(&access::Action::GiveGroup { target, level: Some(Level::Engineer) })
        }
        Action::BulkDepartment | Action::BulkNotifications => {
            sitting.allows(&access::Action::EditProfile { target, only_own_fields: false })
        }
        Action::BulkStaff => sitting.allows(&access::Action::SetFlags(target)),
        Action::BulkPasswords | Action::UsersPassword => sitting.allows(&access::Action::SetPassword(target)),
        Action::BulkDelete => sitting.allows(&access::Action::DeleteUser(target)),
        Action::BulkOffboard => {
            deactivate().and_then(|()| sitting.allows(&access::Action::SetPassword(target)))
        }
        _ => deactivate(),
    }
}

/// The menu's lines; their letters never change.
const ENTRIES: [Entry; 10] = [
    Entry { letter: 'o', label: "off-board: no way in, no rights", action: Action::BulkOffboard },
    Entry { letter: 'd', label: "deactivate: can no longer log in", action: Action::BulkDeactivate },
    Entry { letter: 'a', label: "activate: can log in again", action: Action::BulkActivate },
    Entry { letter: 'g', label: "add to a group", action: Action::BulkAddGroup },
    Entry { letter: 'r', label: "remove from a group", action: Action::BulkRemoveGroup },
    Entry { letter: 't', label: "department", action: Action::BulkDepartment },
    Entry { letter: 'n', label: "e-mail notifications", action: Action::BulkNotifications },
    Entry { letter: 's', label: "staff: may open the portal's admin", action: Action::BulkStaff },
    Entry { letter: 'p', label: "generate passwords into a file", action: Action::BulkPasswords },
    Entry { letter: 'x', label: "delete, with what goes along", action: Action::BulkDelete },
];

/// Those of the menu that a key means.
fn entries(action: Action, sitting: &Sitting) -> Vec<Entry> {
    let is_meant = |entry: &Entry| match action {
        Action::UsersCanLogIn => matches!(entry.action, Action::BulkDeactivate | Action::BulkActivate),
        Action::UsersMemberships => matches!(entry.action, Action::BulkAddGroup | Action::BulkRemoveGroup),
        Action::UsersDelete => matches!(entry.action, Action::BulkOffboard | Action::BulkDelete),
        _ => true,
    };
    ENTRIES.into_iter().filter(is_meant).filter(|entry| may(entry.action, true, sitting).is_ok()).collect()
}

impl Bulk {
    /// Does an action that [is about them](is_about_marks) and [may] be done.
    pub fn act(&self, action: Action, marked: Marked, sitting: &Sitting, cx: &mut Cx) {
        let change = match action {
            Action::BulkOffboard => Change::OffBoard,
            Action::BulkDeactivate => Change::Deactivate,
            Action::BulkActivate => Change::Activate,
            Action::BulkDelete => Change::Delete,
            Action::BulkAddGroup => return cx.push(Choose::new(Offer::AddGroup, marked, sitting.clone())),
            Action::BulkRemoveGroup => {
                return cx.push(Choose::new(Offer::RemoveGroup, marked, sitting.clone()));
            }
            Action::BulkDepartment => {
                return cx.push(Choose::new(Offer::Department, marked, sitting.clone()));
            }
            Action::BulkNotifications => {
                return cx.push(Choose::new(Offer::Notifications, marked, sitting.clone()));
            }
            Action::BulkStaff => return cx.push(Choose::new(Offer::Staff, marked, sitting.clone())),
            Action::BulkPasswords | Action::UsersPassword => return cx.push(File::new(marked)),
            _ => return cx.push(Menu::new(marked.words.clone(), entries(action, sitting))),
        };
        look_ahead(change, marked, cx);
    }

    /// Asks the run to stop, for `Esc`; says whether one goes on. What is written by then stands.
    pub fn stop(&self, cx: &mut Cx) -> bool {
        if self.running.get() {
            cx.stop(&RUN);
            cx.refuse("Stopping after the rows under way; what is done stays.");
        }
        self.running.get()
    }

    /// Takes the reply to what [`Self::act`] started; says whether it was one.
    pub fn reply(&self, reply: &mut Reply, cx: &mut Cx) -> bool {
        if let Some(result) = AHEAD.take(reply) {
            match result {
                Ok(looked) => self.review(looked, cx),
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = RUN.take(reply) {
            self.running.set(false);
            match result {
                Ok(ran) => self.finished(ran, cx),
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = SET_ASIDE.take(reply) {
            match result {
                Ok(()) => cx.done("Left at that. u takes it back."),
                Err(error) => cx.fail(&error),
            }
        } else {
            return false;
        }
        true
    }

    fn review(&self, looked: Looked, cx: &mut Cx) {
        if looked.ahead.ids.is_empty() {
            return nothing_to_do(&looked.ahead, cx);
        }
        let can_begin = looked.ahead.count() > 1;
        let text = looked.text();
        let ahead = Rc::new(looked.ahead);
        let begin = |extent: Extent| {
            let (ahead, running) = (Rc::clone(&ahead), Rc::clone(&self.running));
            move |cx: &mut Cx| begin(&ahead, extent, &running, cx)
        };
        let review = Review::new(text, begin(Extent::All));
        cx.push(if can_begin { review.with_first(begin(Extent::First)) } else { review });
    }

    fn finished(&self, ran: Ran, cx: &mut Cx) {
        let words = ran.words();
        if let Some((_, error)) = ran.outcome.refused.first() {
            return cx.fail(&Error::new(error.kind, words));
        }
        match (ran.first, ran.outcome.run) {
            (Some(first), Some(run)) if ran.outcome.stopped => {
                let left = ran.planned - 1;
                cx.push(Rest::new(run, ran.title, (first, left), Rc::clone(&self.running)));
            }
            _ => cx.done(words),
        }
    }
}

/// Looks what the change would mean; the review comes with the reply.
fn look_ahead(change: Change, marked: Marked, cx: &mut Cx) {
    cx.start(&AHEAD, "looking what it would mean", move |portal| async move {
        let ids = marked.selection.ids(&portal).await?;
        Looked::read(&portal, &change, &ids, marked.words).await
    });
}

fn nothing_to_do(ahead: &Ahead, cx: &mut Cx) {
    match ahead.refused.first() {
        Some((title, error)) => {
            let more = match ahead.refused.len() - 1 {
                0 => String::new(),
                more => format!(" {} more are refused too.", grouped(more as u64)),
            };
            cx.fail(&Error::new(error.kind, format!("{title}: {error}{more}")));
        }
        None if ahead.already > 0 => cx.refuse("Nothing would change: they are so already."),
        None => cx.refuse("Nobody of the marked is there any more."),
    }
}

fn begin(ahead: &Ahead, extent: Extent, running: &Rc<Cell<bool>>, cx: &mut Cx) {
    running.set(true);
    let ahead = ahead.clone();
    cx.start_task(&RUN, plan_review::lower_first(&ahead.title), move |portal, task| async move {
        let outcome = bulk::begin(&portal, &ahead, extent, &plan_review::watch(&task)).await?;
        let first = match (extent, ahead.ids.first()) {
            (Extent::First, Some(id)) => whom(&portal.uncancelled(), *id).await?,
            _ => None,
        };
        Ok(Ran { title: ahead.title.clone(), planned: ahead.count(), outcome, first })
    });
}

/// The user of this id, to be shown; nothing for one who was deleted.
async fn whom(portal: &Portal, id: i64) -> Result<Option<Whom>> {
    let user = users::by_ids(portal, &[id]).await?.pop();
    let deleted = || Whom { id, username: String::new(), is_active: false, target: None };
    Ok(Some(user.map_or_else(deleted, |user| Whom {
        id,
        username: user.username,
        is_active: user.is_active,
        target: None,
    })))
}

/// Goes on with a run of which the first user was written.
fn go_on(run: String, (title, left): (String, usize), running: &Rc<Cell<bool>>, cx: &mut Cx) {
    running.set(true);
    cx.start_task(&RUN, plan_review::lower_first(&title), move |portal, task| async move {
        match runs::resume(&portal, &run, &plan_review::watch(&task)).await? {
            Resumed::Other(outcome) => Ok(Ran { title, planned: left, outcome, first: None }),
            Resumed::Repair(_) => Err(Error::bug("a change of users was gone on with as a repair")),
        }
    });
}

fn leave_at_that(run: String, cx: &mut Cx) {
    cx.start(&SET_ASIDE, "leaving it at that", move |portal| async move {
        runs::end(&portal, &run).await.map(drop)
    });
}

impl Looked {
    async fn read(portal: &Portal, change: &Change, ids: &[i64], marked: String) -> Result<Self> {
        let mut ahead = bulk::look_ahead(portal, change, ids).await?;
        ahead.rehearse(portal).await?;
        let first = std::slice::from_ref(&ahead.first);
        let lines = plan_diff::lines(first, &names::read(portal, first).await?);
        Ok(Self { ahead, marked, lines })
    }

    fn text(&self) -> ReviewText {
        let ahead = &self.ahead;
        let mut facts = ahead.words();
        if ahead.count() > 1 {
            let how = if self.is_typed() { "1 and Enter instead" } else { "1 instead of y" };
            facts.push(format!("{how}: one user first, then the question about the rest."));
        }
        let mut lines = Vec::new();
        if ahead.rows > ahead.first.steps.len() as u64 {
            let first = grouped(ahead.first.steps.len() as u64);
            lines.push(DiffLine::new(
                Sign::Heading,
                format!("The first {first} of {} rows", grouped(ahead.rows)),
            ));
        }
        lines.extend(self.lines.iter().cloned());
        ReviewText {
            title: text::safe(&format!("{}: {}", ahead.title, self.marked)).into_owned(),
            facts,
            lines,
            confirm: if self.is_typed() {
                Confirmation::Typed(ahead.count().to_string())
            } else {
                Confirmation::Plain
            },
            ..ReviewText::default()
        }
    }

    /// Whether the count has to be typed: many rows, or something grave.
    fn is_typed(&self) -> bool {
        let ahead = &self.ahead;
        let power = ahead.effects.superusers.is_some() || ahead.effects.admins.is_some();
        ahead.rows > MOST_ROWS_BY_Y as u64 || ahead.change.is_grave() || power
    }
}

impl Ran {
    /// `Deactivated 12 users · u undoes`, or how far it came and who was refused.
    fn words(&self) -> String {
        let done = self.outcome.tally.iter().map(|tally| tally.count).sum::<usize>();
        let refused = self.outcome.refused.first().map(|(title, error)| {
            format!(" {} refused. {title}: {error}", grouped(self.outcome.refused.len() as u64))
        });
        if done == 0 {
            return format!("Nothing was written.{}", refused.unwrap_or_default());
        }
        let part = if done == self.planned {
            String::new()
        } else {
            format!(": {} of {}", grouped(done as u64), grouped(self.planned as u64))
        };
        let stopped = if self.outcome.stopped { "; stopped, the rest can be done later" } else { "" };
        let words = format!("{}{part}{stopped}", past(&self.title));
        match refused {
            Some(refused) => format!("{words};{refused}"),
            None => format!("{words} · u undoes"),
        }
    }
}

#[cfg(test)]
mod tests;
