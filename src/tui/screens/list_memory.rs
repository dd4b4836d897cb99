//! How a list is left, for its owner's next sign-in: order, columns and filter.

use crate::directory::filter;
use crate::directory::list_state::{self, ListState};
use crate::tui::cx::{Cx, Effect};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::widgets::columns::Arrangement;
use crate::tui::widgets::table::{Row, Table};

/// How a list was left, and what stands in its filter line.
type Left = (ListState, String);

const REMEMBERED: Slot<Option<Left>> = Slot::latest("list.remembered");

/// How one list was left.
pub struct ListMemory {
    name: &'static str,
    left: ListState,
}

impl ListMemory {
    /// Of the list that is kept under this name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, left: ListState::default() }
    }

    /// Asks how the list was left.
    pub fn ask(&self, cx: &mut Cx) {
        let name = self.name;
        cx.start(&REMEMBERED, format!("loading {name}"), move |portal| async move {
            let left = list_state::remembered(&portal, name).await;
            Ok(left.map(|left| (left.clone(), left.filter)))
        });
    }

    /// The same of a list whose filter is kept with ids: its line gets the names of today.
    pub fn ask_in_names(&self, cx: &mut Cx) {
        let name = self.name;
        cx.start(&REMEMBERED, format!("loading {name}"), move |portal| async move {
            let Some(left) = list_state::remembered(&portal, name).await else { return Ok(None) };
            let named = filter::in_names(&portal, &left.filter).await;
            let line = named.map_or_else(|_| left.filter.clone(), |named| named.line);
            Ok(Some((left, line)))
        });
    }

    /// Takes the answer, with the filter line; nothing where the reply is another's. A list of which nothing is kept is left
    /// as usual.
    #[must_use]
    pub fn take(&mut self, reply: &mut Reply) -> Option<(ListState, String)> {
        let (left, line) = REMEMBERED.take(reply)?.ok().flatten().unwrap_or_default();
        self.left = left.clone();
        Some((left, line))
    }

    /// Keeps how the list is left, where that is another way than before.
    pub fn remember(&mut self, state: ListState, cx: &mut Cx) {
        if state != self.left {
            self.left = state.clone();
            cx.ask(Effect::Remember(self.name, state));
        }
    }
}

/// How a list is left now; `sort` says what it is sorted by, where that is not the usual order.
#[must_use]
pub fn left<R: Row>(table: &Table<R>, sort: Option<&str>, descending: bool, filter: String) -> ListState {
    ListState {
        sort: sort.unwrap_or_default().to_owned(),
        descending,
        columns: table.arrangement().named(table.columns()),
        filter,
    }
}

/// Shows the columns that somebody chose.
pub fn arrange<R: Row>(table: &mut Table<R>, left: &ListState) {
    if let Some(arrangement) = Arrangement::of_names(table.columns(), &left.columns) {
        table.arrange(arrangement);
    }
}

/// The reply to [`ListMemory::ask`], for a test of a list.
#[cfg(test)]
pub(super) fn answer(left: Option<Left>) -> Reply {
    Reply::of(&REMEMBERED, Ok(left))
}
