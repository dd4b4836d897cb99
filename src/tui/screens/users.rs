//! The Users tab: the list, and beside it, where there is room, the record of the user under the cursor.

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::bulk::{self, Bulk, Marked};
use super::columns;
use super::export::{Export, WHAT_IS_SHOWN};
use super::import::Import;
use super::record::{RecordPane, RecordScreen};
use super::saved_filters::{self, NameFilter, SavedFilters};
use super::user_actions::{self, SITTING, Sitting, Whom};
use super::user_form::{SAVED, UserForm};
use super::user_list::{UserList, copying, is_mark, sort};
use crate::directory::selection::Selection;
use crate::directory::users::UserRow;
use crate::error::Kind;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{cells, put, table};

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

/// From so many columns on, the record stands beside the list.
const WIDE: u16 = 100;
/// How long the cursor rests before the record is read: longer than a held key takes to repeat.
const REST: Duration = Duration::from_millis(100);

/// The tab.
pub struct Users {
    list: UserList,
    pane: RecordPane,
    sitting: Sitting,
    bulk: Bulk,
    in_record: bool,
    wide: bool,
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
            in_record: false,
            wide: false,
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
        if self.wide {
            self.in_record = true;
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
            Action::SwitchPane if !self.wide => {
                Err("There is no room for the record beside the list; Enter opens it.".to_owned())
            }
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
        self.wide = cx.size().width >= WIDE;
        self.list.open(cx);
        Sitting::ask(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.list.reload(cx);
        if let Some(id) = self.list.current().map(|user| user.id) {
            self.pane.want(id, Duration::ZERO, cx);
        }
        Sitting::ask(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.list.keep_marks();
        if let (true, Some((selection, words))) = (bulk::is_about_marks(action, true), self.marked()) {
            return self.bulk.act(action, Marked { selection, words }, &self.sitting, cx);
        }
        match action {
            Action::Filter => {
                self.in_record = false;
                self.list.type_filter();
            }
            Action::SavedFilters => cx.push(SavedFilters::default()),
            Action::SaveFilter => {
                if let Some(line) = self.list.filter_line() {
                    cx.push(NameFilter::new(line));
                }
            }
            Action::Sort => cx.push(sort::SortBy::new(self.list.sorted_by())),
            Action::ReverseSort => self.list.reverse(cx),
            Action::Columns => self.list.ask_columns(cx),
            Action::Copy | Action::CopyCommand => match self.list.current() {
                Some(user) if self.in_record => copying::copy_one(action, user.id, cx),
                _ => self.list.copy(action, cx),
            },
            Action::Open => self.open(cx),
            Action::SwitchPane => self.in_record = !self.in_record,
            Action::UsersNew => cx.push(UserForm::new()),
            Action::Export => cx.push(self.export()),
            Action::Import => cx.push(Import::default()),
            Action::IntegrityFix => self.pane.findings.fix(&self.sitting, cx),
            _ if is_move(action) && self.in_record => self.pane.act(action),
            _ if is_move(action) || is_mark(action) => {
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
        } else if let Some(Ok(column)) = sort::CHOSEN.take(reply) {
            self.list.sort(column, cx);
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
            user_actions::reply(reply, cx);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        if self.bulk.stop(cx) || std::mem::take(&mut self.in_record) {
            return true;
        }
        self.list.escape(cx)
    }

    fn status(&self) -> String {
        self.list.status()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.wide = area.width >= WIDE;
        self.in_record &= self.wide;
        if !self.wide {
            self.list.draw(frame, area, true, theme);
            return;
        }
        let width = cells(usize::from(area.width) * 2 / 3);
        self.list.draw(frame, Rect { width, ..area }, !self.in_record, theme);
        for y in area.y..area.bottom() {
            put(frame.buffer_mut(), area.x + width, y, 1, theme.bar(), theme.style(Tone::Quiet));
        }
        let beside = Rect { x: area.x + width + 2, width: area.width - width - 3, ..area };
        self.pane.draw(frame, beside, self.in_record, theme);
    }
}

fn is_move(action: Action) -> bool {
    table::KEYS.iter().any(|binding| binding.action == action)
}
