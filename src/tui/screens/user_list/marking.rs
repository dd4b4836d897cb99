//! Marking users: one by one, a range, or all that match. `*` marks whoever matches the filter of that moment, and goes on
//! to mean that when another filter is typed; what it means is asked of the database, never read from the rows here.

use std::collections::BTreeSet;

use super::UserList;
use crate::directory::Portal;
use crate::directory::selection::{self, Counted, MOST_IDS, Selection};
use crate::directory::users::Query;
use crate::error::Result;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::widgets::grouped;
use crate::tui::widgets::table::MARK_KEYS;

/// Counts the marks.
const MARKED: Slot<Marked> = Slot::latest("users.marked");

/// What is known of the marks.
#[derive(Debug)]
struct Marked {
    counted: Counted,
    /// Users that were marked one by one and are no more.
    gone: Vec<i64>,
}

/// For filters that were marked as a whole: which of the rows that were read match them.
pub(super) type Matching = Vec<(Query, BTreeSet<i64>)>;

/// The marks of the list, beside those that its table keeps.
#[derive(Default)]
pub(super) struct Marking {
    /// What was marked as a whole, in the order of the table's own.
    wholes: Vec<Query>,
    counted: Counted,
    /// Whether `Esc` was pressed once and would take the marks away now.
    warned: bool,
}

/// Whether an action marks something.
#[must_use]
pub fn is_mark(action: Action) -> bool {
    MARK_KEYS.iter().any(|binding| binding.action == action)
}

impl UserList {
    /// Who is marked, if anybody is.
    #[must_use]
    pub fn selection(&self) -> Option<Selection> {
        let marks = self.table.marks();
        let mut keys: Vec<i64> = marks.keys().iter().copied().collect();
        keys.sort_unstable();
        let ids = (!keys.is_empty()).then_some(Selection::Ids(keys));
        let wholes = self.marking.wholes.iter().zip(marks.wholes()).map(|(query, whole)| {
            Selection::Matching { query: query.clone(), except: whole.except().iter().copied().collect() }
        });
        let mut parts: Vec<Selection> = ids.into_iter().chain(wholes).collect();
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Selection::Any(parts)),
        }
    }

    /// `14 marked, 3 not in this view`, as far as it is counted; empty where nobody is marked.
    #[must_use]
    pub fn marked_words(&self) -> String {
        let marks = self.table.marks();
        if marks.is_empty() {
            return String::new();
        }
        // Ids need no counting; of a whole only the database knows how many it is.
        let alone = marks.wholes().is_empty().then_some(marks.keys().len() as u64);
        let hidden = match self.marking.counted.hidden {
            0 => String::new(),
            hidden => format!(", {} not in this view", grouped(hidden)),
        };
        format!("{} marked{hidden}", grouped(alone.unwrap_or(self.marking.counted.chosen)))
    }

    /// Marks, for an action that [is one](is_mark).
    pub(super) fn mark(&mut self, action: Action, cx: &mut Cx) {
        if action != Action::MarkAll && self.table.range_is_lost() {
            self.table.clear_range();
            return cx
                .refuse("The row where the range began is too far away. A filter and * mark any number.");
        }
        let before = self.table.marks().clone();
        if action == Action::MarkAll {
            self.mark_whole();
        } else {
            let want = self.table.act(action);
            if let Some(want) = want {
                self.fetch(want, cx);
            }
        }
        if self.table.marks().keys().len() > MOST_IDS {
            *self.table.marks_mut() = before;
            cx.refuse(format!(
                "Not marked: no more than {} users are marked one by one. A filter and * mark any number.",
                grouped(MOST_IDS as u64)
            ));
        } else if *self.table.marks() != before {
            self.marks_changed(cx);
        }
    }

    /// Marks all that match the filter; again, takes that back.
    fn mark_whole(&mut self) {
        let now = &self.query;
        let known = self.marking.wholes.iter().position(|query| query.filter == now.filter);
        match known {
            None => {
                self.marking.wholes.push(now.clone());
                self.table.marks_mut().add_whole();
            }
            Some(at) if !self.table.marks_mut().wholes_mut()[at].complete() => {
                self.marking.wholes.remove(at);
                self.table.marks_mut().remove_whole(at);
            }
            // Those who were left out are marked again.
            Some(_) => {}
        }
    }

    /// Counts the marks anew, where that takes the database.
    fn marks_changed(&mut self, cx: &mut Cx) {
        let marks = self.table.marks();
        if marks.is_empty() {
            self.marking.counted = Counted::default();
            cx.stop(&MARKED);
        } else if !marks.wholes().is_empty() {
            self.count_marks(cx);
        }
    }

    /// Counts the marks: the rows of the list, or what the marks mean, may be others now.
    pub(super) fn count_marks(&self, cx: &mut Cx) {
        let Some(selection) = self.selection() else { return };
        let keys: Vec<i64> = self.table.marks().keys().iter().copied().collect();
        let shown = self.query.clone();
        cx.start(&MARKED, "counting marks", move |portal| async move {
            let counted = selection.count(&portal, &shown).await?;
            let there = selection::matching(&portal, &Query::default(), &keys).await?;
            let gone = keys.into_iter().filter(|key| !there.contains(key)).collect();
            Ok(Marked { counted, gone })
        });
    }

    /// Takes a count of the marks; says whether it was one.
    pub(super) fn reply_marks(&mut self, reply: &mut Reply) -> bool {
        match MARKED.take(reply) {
            Some(Ok(Marked { counted, gone })) => {
                self.table.marks_mut().forget(&gone);
                self.marking.counted = counted;
            }
            // Without a count the marks mean the same; the review counts them.
            Some(Err(_)) => {}
            None => return false,
        }
        true
    }

    /// What was marked as a whole and is not what the list shows: of rows that are read it must be asked who matches.
    pub(super) fn wholes_elsewhere(&self) -> Vec<Query> {
        self.marking.wholes.iter().filter(|query| query.filter != self.query.filter).cloned().collect()
    }

    /// Takes the answer for rows that were read, which are all that are loaded, or with `more` some of them.
    pub(super) fn show_marks(&mut self, matching: &Matching, more: bool) {
        let wholes = self.table.marks_mut().wholes_mut();
        for (query, whole) in self.marking.wholes.iter().zip(wholes) {
            if query.filter == self.query.filter {
                whole.is_list();
            } else if let Some((_, ids)) = matching.iter().find(|(known, _)| known.filter == query.filter) {
                whole.matches(ids.iter().copied(), more);
            }
        }
    }

    /// Gives up what `Esc` gives up, one at a time: a range, the filter, and when it is pressed twice the marks. Says
    /// whether there was something.
    pub fn escape(&mut self, cx: &mut Cx) -> bool {
        if self.table.clear_range() || self.clear_filter(cx) {
            return true;
        }
        if self.table.marks().is_empty() {
            return false;
        }
        if std::mem::replace(&mut self.marking.warned, true) {
            self.clear_marks(cx);
        } else {
            cx.refuse(format!("{}; Esc again takes the marks away.", self.marked_words()));
        }
        true
    }

    /// Takes all marks away.
    pub fn clear_marks(&mut self, cx: &mut Cx) {
        self.table.marks_mut().clear();
        self.marking = Marking::default();
        self.marks_changed(cx);
    }

    /// Another key than `Esc` was pressed: the next `Esc` warns again.
    pub fn keep_marks(&mut self) {
        self.marking.warned = false;
    }
}

/// For each of these filters those of the rows that match it.
pub(super) async fn matching(portal: &Portal, wholes: &[Query], rows: &[i64]) -> Result<Matching> {
    let mut matching = Vec::with_capacity(wholes.len());
    for query in wholes {
        matching.push((query.clone(), selection::matching(portal, query, rows).await?));
    }
    Ok(matching)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ratatui::layout::Size;

    use super::super::{Loaded, ROWS, Rows};
    use super::*;
    use crate::directory::users::{self, UserRow};
    use crate::tui::clock::Clock;
    use crate::tui::input::{Input, key};
    use crate::tui::widgets::table::Want;

    const COUNTED: &str = "Start(users.marked: counting marks)";

    /// A list that shows these users.
    fn list(ids: &[i64]) -> (UserList, Cx) {
        let mut list = UserList::new(Clock::default());
        let mut cx = Cx::new(Size::new(80, 24));
        list.restart(&mut cx);
        show(&mut list, ids, Vec::new());
        cx.take();
        (list, cx)
    }

    fn show(list: &mut UserList, ids: &[i64], matching: Matching) {
        let rows = ids.iter().map(|id| UserRow::sample(*id)).collect();
        let page = Loaded::Page(Want::First, users::Page { rows, at_start: true, at_end: true });
        let rows = Rows { loaded: page, matching, extra: BTreeMap::new() };
        let mut cx = Cx::new(Size::new(80, 24));
        assert!(list.reply(&mut Reply::of(&ROWS, Ok(rows)), &mut cx));
        assert!(cx.take().is_empty());
    }

    fn filter(list: &mut UserList, word: char, cx: &mut Cx) {
        list.type_filter();
        list.input(&Input::Key(key(word)), cx);
    }

    fn counted(list: &mut UserList, chosen: u64, hidden: u64, gone: Vec<i64>) {
        let marked = Marked { counted: Counted { chosen, hidden }, gone };
        assert!(list.reply_marks(&mut Reply::of(&MARKED, Ok(marked))));
    }

    fn asked(cx: &mut Cx) -> String {
        format!("{:?}", cx.take())
    }

    fn marked(list: &UserList) -> Vec<i64> {
        let marks = list.table.marks();
        list.table.rows().map(|line| line.user.id).filter(|id| marks.has(id)).collect()
    }

    #[test]
    fn ids_are_counted_here_and_elsewhere_by_the_database() {
        let (mut list, mut cx) = list(&[1, 2, 3, 4]);
        assert_eq!((list.selection(), list.marked_words().as_str()), (None, ""));
        for action in [Action::Mark, Action::Mark, Action::Down, Action::Mark] {
            list.act(action, &mut cx);
        }
        assert_eq!(asked(&mut cx), "[]");
        assert_eq!(list.selection(), Some(Selection::Ids(vec![1, 2, 4])));
        assert_eq!(list.status(), "3 marked");
        filter(&mut list, 'b', &mut cx);
        assert!(asked(&mut cx).ends_with(&format!("{COUNTED}]")));
        counted(&mut list, 3, 2, vec![]);
        assert_eq!(list.marked_words(), "3 marked, 2 not in this view");
        show(&mut list, &[2, 5], Vec::new());
        assert_eq!(marked(&list), [2]);
        list.act(Action::Mark, &mut cx);
        assert_eq!(list.marked_words(), "2 marked, 2 not in this view");
        counted(&mut list, 1, 1, vec![4]);
        assert_eq!(list.selection(), Some(Selection::Ids(vec![1])), "whoever is gone is no longer marked");
    }

    #[test]
    fn all_that_match_means_the_filter_of_that_moment() {
        let (mut list, mut cx) = list(&[1, 2, 3, 4]);
        filter(&mut list, 'b', &mut cx);
        show(&mut list, &[1, 2], Vec::new());
        cx.take();
        let b = list.query.clone();
        list.act(Action::MarkAll, &mut cx);
        assert_eq!(asked(&mut cx), format!("[{COUNTED}]"));
        list.act(Action::Mark, &mut cx);
        assert_eq!(marked(&list), [2]);
        let without_1 = Selection::Matching { query: b.clone(), except: BTreeSet::from([1]) };
        assert_eq!(list.selection(), Some(without_1.clone()));

        assert!(list.clear_filter(&mut cx));
        show(&mut list, &[1, 2, 3, 4], vec![(b.clone(), BTreeSet::from([1, 2]))]);
        assert_eq!(marked(&list), [2], "who does not match is not marked by another filter");
        assert_eq!(list.wholes_elsewhere(), [b]);
        list.act(Action::Last, &mut cx);
        list.act(Action::Mark, &mut cx);
        assert_eq!(list.selection(), Some(Selection::Any(vec![Selection::Ids(vec![4]), without_1])));
        counted(&mut list, 30, 0, vec![]);
        assert_eq!(list.marked_words(), "30 marked");

        // All of this list too, and then no longer.
        list.act(Action::MarkAll, &mut cx);
        assert_eq!(marked(&list), [1, 2, 3, 4]);
        list.act(Action::MarkAll, &mut cx);
        assert_eq!(marked(&list), [2, 4]);
    }

    #[test]
    fn all_again_first_takes_in_who_was_left_out() {
        let (mut list, mut cx) = list(&[1, 2]);
        list.act(Action::MarkAll, &mut cx);
        list.act(Action::Mark, &mut cx);
        list.act(Action::MarkAll, &mut cx);
        assert_eq!(marked(&list), [1, 2]);
        list.act(Action::MarkAll, &mut cx);
        assert_eq!(list.selection(), None);
        assert!(asked(&mut cx).ends_with("Stop(users.marked)]"));
    }

    #[test]
    fn escape_gives_up_one_thing_at_a_time() {
        let (mut list, mut cx) = list(&[1, 2, 3]);
        list.act(Action::Mark, &mut cx);
        filter(&mut list, 'b', &mut cx);
        list.act(Action::MarkRange, &mut cx);
        cx.take();
        assert!(list.escape(&mut cx) && list.is_typing(), "the range");
        assert!(list.escape(&mut cx) && !list.is_typing(), "the filter");
        cx.take();
        assert!(list.escape(&mut cx));
        assert_eq!(asked(&mut cx), "[Toast(\"1 marked; Esc again takes the marks away.\")]");
        list.keep_marks();
        assert!(list.escape(&mut cx) && list.selection().is_some(), "another key came between");
        assert!(list.escape(&mut cx) && list.selection().is_none());
        assert!(!list.escape(&mut cx));
    }

    #[test]
    fn a_range_is_marked_at_its_end() {
        let (mut list, mut cx) = list(&[1, 2, 3, 4]);
        for action in [Action::MarkRange, Action::Down, Action::Down] {
            list.act(action, &mut cx);
        }
        assert_eq!(list.selection(), None);
        list.act(Action::Mark, &mut cx);
        assert_eq!(list.selection(), Some(Selection::Ids(vec![1, 2, 3])));
    }
}
