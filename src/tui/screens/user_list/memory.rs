//! How the list of users is left. A list that is filtered from the beginning (the members of a group) looks as the others
//! do, and leaves nothing of its own.

use super::UserList;
use crate::directory::list_state::ListState;
use crate::directory::users;
use crate::tui::cx::Cx;
use crate::tui::jobs::Reply;
use crate::tui::screens::list_memory;

/// The name under which it is kept.
pub(super) const NAME: &str = "users";

impl UserList {
    /// Asks how the list was left, and reads it like that.
    pub fn open(&mut self, cx: &mut Cx) {
        self.is_opening = true;
        self.table.start();
        self.memory.ask_in_names(cx);
        self.home.ask(cx);
    }

    /// Takes how the list was left; says whether the reply was that.
    pub(super) fn reply_remembered(&mut self, reply: &mut Reply, cx: &mut Cx) -> bool {
        let Some((left, line)) = self.memory.take(reply) else { return false };
        self.is_opening = false;
        self.restore(&left, &line);
        self.read_first(cx);
        true
    }

    fn restore(&mut self, left: &ListState, line: &str) {
        let sort = users::Column::ALL.iter().find(|column| column.label() == left.sort);
        self.query.sort = sort.copied().unwrap_or_default();
        self.query.descending = left.descending;
        list_memory::arrange(&mut self.table, left);
        // What was typed meanwhile is wanted more.
        if self.home.is_anybody() && self.filter.value().is_empty() {
            self.filter.set(line);
        }
        self.show_order();
    }

    /// How the list is left now.
    fn state(&self) -> ListState {
        let sort = self.query.sort;
        let sort = (sort != users::Column::default()).then(|| sort.label());
        list_memory::left(&self.table, sort, self.query.descending, self.query.filter.by_id())
    }

    /// Keeps how the list is left; not while a filter is typed.
    pub(super) fn remember(&mut self, cx: &mut Cx) {
        if !self.typing && self.home.is_anybody() {
            self.memory.remember(self.state(), cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::super::line::COLUMNS;
    use super::*;
    use crate::directory::list_state::KeptColumn;
    use crate::tui::clock::Clock;
    use crate::tui::cx::Effect;
    use crate::tui::input::{Input, Key, code, key};
    use crate::tui::screens::list_memory::answer;
    use crate::tui::widgets::columns::Arrangement;

    fn asked(cx: &mut Cx) -> String {
        format!("{:?}", cx.take())
    }

    fn kept(cx: &mut Cx) -> Option<ListState> {
        cx.take().into_iter().find_map(|effect| match effect {
            Effect::Remember(_, state) => Some(state),
            _ => None,
        })
    }

    fn left() -> ListState {
        let column = |title: &str, width| KeptColumn { title: title.to_owned(), width };
        ListState {
            sort: "e-mail".to_owned(),
            descending: true,
            columns: vec![column("E-MAIL", Some(30)), column("USERNAME", None)],
            filter: "nov".to_owned(),
        }
    }

    #[test]
    fn a_list_looks_as_it_was_left() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut list = UserList::new(Clock::default());
        list.open(&mut cx);
        assert_eq!(asked(&mut cx), "[Start(list.remembered: loading users)]");
        assert!(list.reply(&mut answer(Some((left(), "nov".to_owned()))), &mut cx));
        assert!(asked(&mut cx).starts_with("[Start(users.rows: loading users), Start(users.count"));
        assert_eq!(list.state(), left());
        assert!(list.status().ends_with("by e-mail, reversed"), "{}", list.status());
        assert!(list.escape(&mut cx), "it is a filter like any other");
        assert_eq!(kept(&mut cx), Some(ListState { filter: String::new(), ..left() }));
        assert!(!list.escape(&mut cx));
    }

    #[test]
    fn a_change_meanwhile_does_not_read_the_list_before_that() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut list = UserList::new(Clock::default());
        list.open(&mut cx);
        asked(&mut cx);
        list.reload(&mut cx);
        assert_eq!(
            asked(&mut cx),
            "[]",
            "whoever saw it so would lose their place when it is read as it was left"
        );
        assert!(list.reply(&mut answer(None), &mut cx));
        asked(&mut cx);
        list.reload(&mut cx);
        assert!(asked(&mut cx).starts_with("[Start(users.rows"));
    }

    #[test]
    fn it_is_kept_when_it_changes_and_not_while_a_filter_is_typed() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut list = UserList::new(Clock::default());
        assert!(list.reply(&mut answer(None), &mut cx));
        assert_eq!(kept(&mut cx), None);
        list.sort(users::Column::Email, &mut cx);
        assert_eq!(kept(&mut cx).map(|state| state.sort), Some("e-mail".to_owned()));
        list.type_filter();
        list.input(&Input::Key(key('b')), &mut cx);
        assert_eq!(kept(&mut cx), None);
        list.input(&Input::Key(code(Key::Enter)), &mut cx);
        assert_eq!(kept(&mut cx).map(|state| state.filter), Some("b".to_owned()));
        list.reverse(&mut cx);
        assert_eq!(kept(&mut cx).map(|state| state.descending), Some(true));
        let chosen = Arrangement::of_names(&COLUMNS, &left().columns).expect("columns");
        list.arrange(chosen, &mut cx);
        assert_eq!(kept(&mut cx).map(|state| state.columns), Some(left().columns));
    }

    #[test]
    fn members_are_shown_alike_and_leave_nothing() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut list = UserList::with_filter(Clock::default(), "group:#3");
        assert!(list.reply(&mut answer(Some((left(), "nov".to_owned()))), &mut cx));
        assert_eq!(list.state(), ListState { filter: "group:#3".to_owned(), ..left() });
        cx.take();
        list.sort(users::Column::Name, &mut cx);
        assert_eq!(kept(&mut cx), None);
    }
}
