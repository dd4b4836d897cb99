//! How a list is left, for its owner's next sign-in: order, columns and filter.

use crate::directory::list_state::{self, ListState};
use crate::tui::cx::{Cx, Effect};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::widgets::columns::Arrangement;
use crate::tui::widgets::table::{Row, Table};

const REMEMBERED: Slot<Option<ListState>> = Slot::latest("list.remembered");

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
            Ok(list_state::remembered(&portal, name).await)
        });
    }

    /// Takes the answer; nothing where the reply is another's. A list of which nothing is kept is left as usual.
    #[must_use]
    pub fn take(reply: &mut Reply) -> Option<ListState> {
        Some(REMEMBERED.take(reply)?.ok().flatten().unwrap_or_default())
    }

    /// The list looks like this now, because it was left so.
    pub fn restored(&mut self, state: ListState) {
        self.left = state;
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
pub fn left<R: Row>(table: &Table<R>, sort: Option<&str>, descending: bool, filter: &str) -> ListState {
    ListState {
        sort: sort.unwrap_or_default().to_owned(),
        descending,
        columns: table.arrangement().named(table.columns()),
        filter: filter.to_owned(),
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
pub(super) fn answer(left: Option<ListState>) -> Reply {
    Reply::of(&REMEMBERED, Ok(left))
}
