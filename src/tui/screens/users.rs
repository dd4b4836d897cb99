//! The Users tab: the list, and beside it, where there is room, the record of the user under the cursor.

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::beside::{Beside, REST};
use super::bulk::{self, Bulk, Marked};
use super::columns;
use super::copying::{self, copy_row};
use super::export::{Export, WHAT_IS_SHOWN};
use super::import::Import;
use super::pick::SORTED;
use super::record::{RecordPane, RecordScreen};
use super::saved_filters::{self, NameFilter, SavedFilters};
use super::user_actions::{self, SITTING, Sitting, Whom};
use super::user_form::{SAVED, UserForm};
use super::user_list::{UserList, is_mark};
use crate::directory::selection::Selection;
use crate::directory::users::{Column, UserRow};
use crate::error::Kind;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::plan_review;
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;
use crate::tui::widgets::table;

/// Its keys, beside those about one user and those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[key('f')], Action::SavedFilters, "saved filters and reports").quiet(),
    Binding::new(&[key('w')], Action::SaveFilter, "save this filter").quiet(),
    Binding::new(&[key('n')], Action::UsersNew, "new"),
    Binding::new(&[code(Key::Enter)], Action::Open, "record").quiet(),
    Binding::new(&[code(Key::Tab)], Action::SwitchPane, "list or record").quiet(),
    Binding::new(&[key('s')], Action::Sort, "sort").quiet(),
    Binding::new(&[key('S')], Action::ReverseSort, "reverse the order").quiet(),
    Binding::new(&[key('c')], Action::Columns, "columns").quiet(),
    Binding::new(&[key('E')], Action::Export, "export").quiet(),
    Binding::new(&[key('I')], Action::Import, "import").quiet(),
];

/// All its tables.
pub const TABLES: &[&[Binding]] =
    &[KEYS, user_actions::KEYS, bulk::KEYS, table::MARK_KEYS, copying::KEYS, table::KEYS];

/// All its tables behind one more: for a screen that is this list and something else.
#[must_use]
pub const fn tables_behind(keys: &'static [Binding]) -> [&'static [Binding]; TABLES.len() + 1] {
    let mut all = [keys; TABLES.len() + 1];
    let mut at = 0;
    while at < TABLES.len() {
        all[at + 1] = TABLES[at];
        at += 1;
    }
    all
}

/// The tab.
pub struct Users {
    list: UserList,
    pane: RecordPane,
    sitting: Sitting,
    bulk: Bulk,
    beside: Beside,
    clock: Clock,
}

impl Default for Users {
    fn default() -> Self {
        Self::new(Clock::default())
    }
}

impl Users {
    /// The tab, nothing read yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            list: UserList::new(clock),
            pane: RecordPane::new(clock),
            sitting: Sitting::default(),
            bulk: Bulk::default(),
            beside: Beside::default(),
            clock,
        }
    }

    /// The same list, filtered from the beginning: `Esc` leaves it, and first what was typed into the filter.
    #[must_use]
    pub fn with_filter(clock: Clock, filter: &str) -> Self {
        Self { list: UserList::with_filter(clock, filter), ..Self::new(clock) }
    }

    /// The user under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&UserRow> {
        self.list.current()
    }

    /// Who is marked, if anybody is, and how many that is in words.
    #[must_use]
    pub fn marked(&self) -> Option<(Selection, String)> {
        self.list.selection().map(|selection| (selection, self.list.marked_words()))
    }

    /// Those who are marked, else the user under the cursor.
    #[must_use]
    pub fn chosen(&self) -> Option<(Selection, String)> {
        let one = || self.current().map(|user| (Selection::Ids(vec![user.id]), String::new()));
        self.marked().or_else(one)
    }

    /// Asks where the marked are exported to, or all that the list shows.
    fn export(&self) -> Export {
        let all = || Selection::Matching { query: self.list.query().clone(), except: BTreeSet::new() };
        let (whom, words) = self.marked().unwrap_or_else(|| (all(), WHAT_IS_SHOWN.to_owned()));
        Export::users(whom, &words, self.list.columns_of_a_file())
    }

    /// The person signed in, as far as that is read.
    #[must_use]
    pub fn sitting(&self) -> &Sitting {
        &self.sitting
    }

    /// The user under the cursor, with the rights that were read for them.
    #[must_use]
    pub fn whom(&self) -> Option<Whom> {
        let user = self.list.current()?;
        let target = self.pane.of(user.id).and_then(|read| read.target);
        Some(Whom { id: user.id, username: user.username.clone(), is_active: user.is_active, target })
    }

    /// Wants the record of the user under the cursor, unless it is there or on its way.
    fn follow(&mut self, delay: Duration, cx: &mut Cx) {
        match self.list.current().map(|user| user.id) {
            Some(id) if self.pane.wanted() == Some(id) => {}
            Some(id) => self.pane.want(id, delay, cx),
            None => self.pane.clear(),
        }
    }

    fn open(&mut self, cx: &mut Cx) {
        if self.beside.is_wide() {
            self.beside.switch(true);
        } else if let Some(whom) = self.whom() {
            cx.push(RecordScreen::new(whom, self.clock));
        }
    }
}

impl Screen for Users {
    fn title(&self) -> String {
        "Users".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        let is_marked = self.list.selection().is_some();
        match action {
            _ if bulk::is_about_marks(action, is_marked) => bulk::may(action, is_marked, &self.sitting),
            Action::SaveFilter if self.list.filter_line().is_none() => {
                Err("There is no filter to save; / types one.".to_owned())
            }
            Action::SwitchPane => self.beside.may_switch(),
            Action::Open if self.list.current().is_none() => {
                Err("There is no user under the cursor.".to_owned())
            }
            Action::IntegrityFix if self.list.current().map(|user| user.id) != self.pane.wanted() => {
                Err("This account was not looked at yet.".to_owned())
            }
            Action::IntegrityFix => self.pane.findings.may_fix(&self.sitting),
            Action::Import => self.sitting.may(Action::UsersNew, None),
            Action::Export | Action::SavedFilters | Action::SaveFilter => Ok(()),
            _ => self.sitting.may(action, self.whom().as_ref()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.beside.opened(cx);
        self.list.open(cx);
        self.sitting.ask(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.list.reload(cx);
        if let Some(id) = self.list.current().map(|user| user.id) {
            self.pane.want(id, Duration::ZERO, cx);
        }
        self.sitting.ask(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.list.keep_marks();
        if let (true, Some((selection, words))) = (bulk::is_about_marks(action, true), self.marked()) {
            return self.bulk.act(action, Marked { selection, words }, &self.sitting, cx);
        }
        match action {
            Action::Filter => {
                self.beside.leave_record();
                self.list.type_filter();
            }
            Action::SavedFilters => cx.push(SavedFilters::default()),
            Action::SaveFilter => {
                if let Some(line) = self.list.filter_line() {
                    cx.push(NameFilter::new(line));
                }
            }
            Action::Sort => cx.push(self.list.ask_order()),
            Action::ReverseSort => self.list.reverse(cx),
            Action::Columns => self.list.ask_columns(cx),
            Action::Copy | Action::CopyCommand => match self.list.current() {
                Some(user) if self.beside.in_record() => {
                    copy_row(action, "user", user.id, &user.username, cx);
                }
                _ => self.list.copy(action, cx),
            },
            Action::Open => self.open(cx),
            Action::SwitchPane => self.beside.switch(!self.beside.in_record()),
            Action::UsersNew => cx.push(UserForm::new()),
            Action::Export => cx.push(self.export()),
            Action::Import => cx.push(Import::default()),
            Action::IntegrityFix => self.pane.findings.fix(&self.sitting, cx),
            _ if table::is_move(action) && self.beside.in_record() => self.pane.act(action),
            _ if table::is_move(action) || is_mark(action) => {
                self.list.act(action, cx);
                self.follow(REST, cx);
            }
            _ => user_actions::act(action, self.whom().as_ref(), &self.sitting, cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.list.is_typing()
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        self.list.input(input, cx)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if self.list.reply(reply, cx) {
            self.follow(Duration::ZERO, cx);
        } else if let Some(result) = self.pane.reply(reply) {
            // A user who is gone leaves the list by itself.
            if let Err(error) = result
                && !matches!(error.kind, Kind::Interrupted | Kind::Invalid)
            {
                cx.fail(&error);
            }
        } else if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(Ok(at)) = SORTED.take(reply) {
            self.list.sort(Column::ALL.get(at).copied().unwrap_or_default(), cx);
        } else if let Some(Ok(arrangement)) = columns::CHOSEN.take(reply) {
            self.list.arrange(arrangement, cx);
        } else if let Some(Ok(line)) = saved_filters::CHOSEN.take(reply) {
            self.list.set_filter(&line, cx);
        } else if saved_filters::reply(reply, cx) {
            // It says by itself what became of saving.
        } else if let Some(Ok(id)) = SAVED.take(reply) {
            self.list.go_to(id, cx);
        } else if !copying::reply(reply, cx)
            && !self.bulk.reply(reply, cx)
            && !self.pane.findings.reply(reply, cx)
        {
            plan_review::open(reply, cx);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        if self.bulk.stop(cx) || self.beside.leave_record() {
            return true;
        }
        self.list.escape(cx)
    }

    fn status(&self) -> String {
        self.list.status()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let (list, record) = self.beside.split(frame, area, (2, 3), theme);
        self.list.draw(frame, list, !self.beside.in_record(), theme);
        if let Some(record) = record {
            self.pane.draw(frame, record, self.beside.in_record(), theme);
        }
    }
}
