//! A list that is short enough to be read as a whole, and beside it, where there is room, the record of the one under its
//! cursor: groups and departments. Filter and order need no reading; what is counted comes behind the names.

mod actions;
mod members;
mod pane;
mod thing;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

pub use self::actions::{act, entries, may};
use self::members::Members;
pub(super) use self::members::may_to_chosen;
pub use self::pane::RecordScreen;
use self::pane::{Pane, REMARKS, look};
pub use self::thing::{Order, Thing, remarked};
use super::beside::{Beside, REST};
use super::columns::{self, Columns};
use super::copying;
use super::integrity::view::paragraph;
use super::list_memory::{self, ListMemory};
use super::pick::{Pick, SORTED};
use super::shown::is_gone;
use super::user_actions::{SITTING, Sitting};
use crate::directory::filter::terms;
use crate::directory::list_state::ListState;
use crate::error::{Kind, Result};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::columns::Arrangement;
use crate::tui::widgets::table::{Page, Row, Table, is_move};
use crate::tui::widgets::text_field::{TextField, draw_prompt};

/// The keys of the tab, beside those about one of them and those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[code(Key::Enter)], Action::Open, "members, or the record where it is narrow").quiet(),
    Binding::new(&[code(Key::Tab)], Action::SwitchPane, "list or record").quiet(),
    Binding::new(&[key('s')], Action::Sort, "sort").quiet(),
    Binding::new(&[key('S')], Action::ReverseSort, "reverse the order").quiet(),
    Binding::new(&[key('c')], Action::Columns, "columns").quiet(),
];

/// Tells the list which one was just written: the cursor goes there.
pub const SAVED: Slot<i64> = Slot::latest("short-list.saved");

/// What is read for the list: all of them by name, or why there are none to be read.
struct Loaded<L> {
    lines: Vec<L>,
    lack: Option<String>,
}

/// The tab.
pub struct ShortList<T: Thing> {
    /// All of them, by name.
    lines: Vec<T::Line>,
    counts: Option<T::Counts>,
    table: Table<T::Line>,
    /// The place of the order in force among all orders.
    order: usize,
    descending: bool,
    filter: TextField,
    typing: bool,
    /// Why this portal has none, as a sentence.
    lack: Option<String>,
    /// The one that the cursor goes to once it is read.
    awaited: Option<i64>,
    pane: Pane<T>,
    beside: Beside,
    memory: ListMemory,
    sitting: Sitting,
    clock: Clock,
}

impl<T: Thing> Default for ShortList<T> {
    fn default() -> Self {
        Self::new(Clock::default())
    }
}

impl<T: Thing> ShortList<T> {
    // A reply comes only to the list that asked: one name serves them all.
    const ROWS: Slot<Loaded<T::Line>> = Slot::latest("short-list.rows");
    const COUNTS: Slot<T::Counts> = Slot::latest("short-list.counts");

    /// The tab, nothing read yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let mut table = Table::new(T::COLUMNS);
        table.arrange(usual::<T>());
        Self {
            lines: Vec::new(),
            counts: None,
            table,
            order: T::USUAL_ORDER,
            descending: false,
            filter: TextField::free(""),
            typing: false,
            lack: None,
            awaited: None,
            pane: Pane::new(clock),
            beside: Beside::default(),
            memory: ListMemory::new(T::NOUNS),
            sitting: Sitting::default(),
            clock,
        }
    }

    fn order(&self) -> &'static Order<T::Line> {
        &T::ORDERS[self.order]
    }

    fn which(&self) -> Option<T> {
        self.table.current().map(T::of_line)
    }

    /// Reads names at once, and behind them what takes longer.
    fn read(&mut self, cx: &mut Cx) {
        cx.start(&Self::ROWS, format!("loading {}", T::NOUNS), |portal| async move {
            Ok(Loaded { lines: T::list(&portal).await?, lack: T::lack(&portal) })
        });
        cx.start(&Self::COUNTS, "counting members", |portal| async move { T::counts(&portal).await });
        look::<T>(cx);
        self.sitting.ask(cx);
    }

    /// Shows those that match, with what is known now, in the order in force. The cursor stays where it is.
    fn show(&mut self) {
        for line in &mut self.lines {
            T::complete(line, self.counts.as_ref(), self.pane.remarks());
        }
        let words = searched(self.filter.value());
        let mut rows: Vec<T::Line> =
            self.lines.iter().filter(|line| has::<T>(line, &words)).cloned().collect();
        rows.sort_by(self.order().compare);
        if self.descending {
            rows.reverse();
        }
        let none_matches = format!("No {} matches; Esc clears the filter.", T::NOUN);
        self.table.set_empty(if self.lines.is_empty() { T::NONE_YET } else { &none_matches });
        self.table.set_sorted(self.order().column, self.descending);
        let want = self.table.again();
        self.table.set_total(Some(rows.len() as u64));
        self.table.take(want, Page { rows, more: false });
        if let Some(id) = self.awaited
            && self.table.go_to(&id)
        {
            self.awaited = None;
        }
    }

    fn take_rows(&mut self, loaded: Result<Loaded<T::Line>>, cx: &mut Cx) {
        match loaded {
            Ok(Loaded { lines, lack }) => {
                self.lack = lack;
                self.lines = lines;
                self.show();
                self.follow(Duration::ZERO, cx);
            }
            Err(error) if error.kind == Kind::Interrupted => {}
            Err(error) => cx.fail(&error),
        }
    }

    fn follow(&mut self, delay: Duration, cx: &mut Cx) {
        self.pane.follow(self.table.current().map(Row::key), delay, cx);
    }

    fn refilter(&mut self, cx: &mut Cx) {
        self.show();
        self.follow(REST, cx);
    }

    fn sort(&mut self, order: usize, cx: &mut Cx) {
        self.descending = self.order == order && !self.descending;
        self.order = order.min(T::ORDERS.len() - 1);
        self.show();
        self.remember(cx);
    }

    /// How the list is left now.
    fn state(&self) -> ListState {
        let sort = (self.order != T::USUAL_ORDER).then(|| self.order().label);
        list_memory::left(&self.table, sort, self.descending, self.filter.value().to_owned())
    }

    fn restore(&mut self, left: &ListState) {
        let order = T::ORDERS.iter().position(|order| order.label == left.sort);
        self.order = order.unwrap_or(T::USUAL_ORDER);
        self.descending = left.descending;
        list_memory::arrange(&mut self.table, left);
        // What was typed meanwhile is wanted more.
        if self.filter.value().is_empty() {
            self.filter.set(&left.filter);
        }
    }

    /// Keeps how the list is left; not while a filter is typed.
    fn remember(&mut self, cx: &mut Cx) {
        if !self.typing {
            self.memory.remember(self.state(), cx);
        }
    }

    /// `Enter` shows the members; where the record has no room beside the list, the record.
    fn open(&self, cx: &mut Cx) {
        match self.which() {
            Some(which) if !self.beside.is_wide() => cx.push(RecordScreen::new(which, self.clock)),
            which => act(T::MEMBERS, which.as_ref(), &self.sitting, cx),
        }
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let filtering = self.typing || !self.filter.value().is_empty();
        let height = u16::from(filtering && area.height > 1);
        let row = Rect { height, ..area };
        if height > 0 {
            let at = draw_prompt(frame.buffer_mut(), row, " / ", &self.filter, theme.style(Tone::Accent));
            if self.typing {
                frame.set_cursor_position(at);
            }
        }
        let below = Rect { y: area.y + height, height: area.height - height, ..area };
        self.table.draw(frame, below, !self.beside.in_record(), theme);
    }
}

/// The columns that are shown until somebody chooses.
fn usual<T: Thing>() -> Arrangement {
    Arrangement::usual(0..T::USUAL_COLUMNS)
}

/// The words of a filter line. A colon has no meaning here.
fn searched(line: &str) -> Vec<String> {
    terms(line).into_iter().map(|part| part.written.replace('"', "").to_lowercase()).collect()
}

/// Whether a line has every word. This is a convenience over a list that is all in memory, not a comparison of two database
/// texts.
fn has<T: Thing>(line: &T::Line, words: &[String]) -> bool {
    let whole = T::words(line).to_lowercase();
    words.iter().all(|word| whole.contains(word))
}

impl<T: Thing> Screen for ShortList<T> {
    fn title(&self) -> String {
        T::TITLE.to_owned()
    }

    fn number(&self) -> Option<usize> {
        Some(T::NUMBER)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        T::LIST_TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match (action, &self.lack) {
            (Action::Undo | Action::Redo, _) | (_, None) => {}
            (_, Some(lack)) => return Err(lack.clone()),
        }
        match action {
            Action::SwitchPane => self.beside.may_switch(),
            Action::Open if self.beside.is_wide() => may(T::MEMBERS, self.which().as_ref(), &self.sitting),
            _ => may(action, self.which().as_ref(), &self.sitting),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.beside.opened(cx);
        self.memory.ask(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        if let Some(which) = self.which() {
            self.pane.want(which.id(), Duration::ZERO, cx);
        }
        self.read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Filter => {
                self.beside.leave_record();
                self.typing = true;
            }
            Action::Sort => cx.push(Pick::order(T::ORDERS.iter().map(|order| order.label), self.order)),
            Action::ReverseSort => {
                self.descending = !self.descending;
                self.show();
                self.remember(cx);
            }
            Action::Columns => cx.push(Columns::of(&self.table, usual::<T>())),
            Action::Open => self.open(cx),
            Action::SwitchPane => self.beside.switch(!self.beside.in_record()),
            _ if is_move(action) && self.beside.in_record() => self.pane.act(action),
            _ if is_move(action) => {
                self.table.act(action);
                self.follow(REST, cx);
            }
            _ => act(action, self.which().as_ref(), &self.sitting, cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.typing
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        if matches!(input, Input::Key(chord) if matches!(chord.key, Key::Enter | Key::Down)) {
            self.typing = false;
            self.remember(cx);
            return true;
        }
        let before = self.filter.value().to_owned();
        let used = self.filter.input(input);
        if self.filter.value() != before {
            self.refilter(cx);
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(loaded) = Self::ROWS.take(reply) {
            self.take_rows(loaded, cx);
        } else if let Some(counts) = Self::COUNTS.take(reply) {
            // Without them the list is as useful; whoever stopped them knows.
            self.counts = counts.ok().or(self.counts.take());
            self.show();
        } else if let Some(remarks) = REMARKS.take(reply) {
            self.pane.set_remarks(remarks.ok().flatten());
            self.show();
        } else if let Some(result) = self.pane.reply(reply) {
            // What is gone leaves the list by itself.
            if let Err(error) = result
                && error.kind != Kind::Interrupted
                && !is_gone(&error)
            {
                cx.fail(&error);
            }
        } else if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(Ok(order)) = SORTED.take(reply) {
            self.sort(order, cx);
        } else if let Some(Ok(arrangement)) = columns::CHOSEN.take(reply) {
            self.table.arrange(arrangement);
            self.remember(cx);
        } else if let Some((left, _)) = self.memory.take(reply) {
            self.restore(&left);
            self.read(cx);
        } else if let Some(Ok(id)) = SAVED.take(reply) {
            self.awaited = Some(id);
            self.read(cx);
        } else if !copying::reply(reply, cx) {
            plan_review::open(reply, cx);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        if self.beside.leave_record() {
            return true;
        }
        let had = self.typing || !self.filter.value().is_empty();
        self.typing = false;
        self.filter.set("");
        if had {
            self.refilter(cx);
            self.remember(cx);
        }
        had
    }

    fn status(&self) -> String {
        if self.lack.is_some() {
            return String::new();
        }
        self.table.status(self.order().label, self.descending)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        if let Some(lack) = &self.lack {
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            paragraph(frame.buffer_mut(), inner, lack, Tone::Plain, theme);
            return;
        }
        let (list, record) = self.beside.split(frame, area, (3, 5), theme);
        self.draw_list(frame, list, theme);
        if let Some(record) = record {
            self.pane.draw(frame, record, self.beside.in_record(), theme);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::directory::list_state::KeptColumn;
    use crate::tui::cx::Effect;
    use crate::tui::screens::groups::Groups;
    use crate::tui::screens::list_memory::answer;

    fn left() -> ListState {
        let column = |title: &str, width| KeptColumn { title: title.to_owned(), width };
        ListState {
            sort: "members".to_owned(),
            descending: true,
            columns: vec![column("MEMBERS", Some(12)), column("GROUP", None)],
            filter: "night".to_owned(),
        }
    }

    fn kept(cx: &mut Cx) -> Option<ListState> {
        cx.take().into_iter().find_map(|effect| match effect {
            Effect::Remember("groups", state) => Some(state),
            _ => None,
        })
    }

    #[test]
    fn a_list_looks_as_it_was_left_and_is_kept_when_it_changes() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut list = Groups::default();
        list.opened(&mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Start(list.remembered: loading groups)]");
        list.reply(&mut answer(Some((left(), left().filter))), &mut cx);
        assert_eq!((list.state(), kept(&mut cx)), (left(), None));
        assert!(list.status().ends_with("by members, reversed"), "{}", list.status());
        list.reply(&mut Reply::of(&SORTED, Ok(0)), &mut cx);
        let by_name = ListState { sort: "name".to_owned(), descending: false, ..left() };
        assert_eq!(kept(&mut cx), Some(by_name.clone()));
        list.act(Action::Filter, &mut cx);
        list.input(&Input::Key(key('s')), &mut cx);
        assert_eq!(kept(&mut cx), None, "not while a filter is typed");
        assert!(list.escape(&mut cx));
        assert_eq!(kept(&mut cx), Some(ListState { filter: String::new(), ..by_name }));
    }

    #[test]
    fn every_word_is_looked_for_whatever_its_capitals() {
        assert_eq!(searched("tech \"Night shift\" dept:IT"), ["tech", "night shift", "dept:it"]);
    }
}
