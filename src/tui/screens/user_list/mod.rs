//! The list of users: the loaded stretch around the cursor, what it is sorted by, and what filters it.
//!
//! Pages are read by keyset in one slot, so that the newest wish wins; the count and the cursor's number come in slots of
//! their own, because on a large portal they take longer than a page.

mod copying;
mod home;
mod line;
mod marking;
mod memory;
mod reading;

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::directory::Portal;
use crate::directory::extra::{self, Extra, Wanted};
use crate::directory::users::{self, From, Place, Query, UserRow};
use crate::error::{Kind, Result};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::screens::columns::Columns;
use crate::tui::screens::list_memory::ListMemory;
use crate::tui::screens::pick::Pick;
use crate::tui::theme::Theme;
use crate::tui::widgets::columns::Arrangement;
use crate::tui::widgets::table::{Page, Table, Want};
use crate::tui::widgets::text_field::TextField;

use home::Home;
use line::{COLUMNS, Line, column_of};
pub use marking::is_mark;
use marking::{Marking, Matching, matching};
use reading::Reading;

/// How many rows a page has: more than a screen, so that the next is there before it is needed.
const PAGE: usize = 100;
/// A longer filter can't be typed or pasted: what is more than a filter can be is refused with a reason, not cut.
const LONGEST_FILTER: usize = 1 << 16;
/// How many rows before the cursor are read when the list is opened in its middle.
const BEFORE: usize = 50;

/// Reads rows.
pub const ROWS: Slot<Rows> = Slot::latest("users.rows");
const COUNT: Slot<i64> = Slot::latest("users.count");
const POSITION: Slot<(i64, i64)> = Slot::latest("users.position");

/// Rows that were read, and what was asked about them.
#[derive(Debug)]
pub struct Rows {
    loaded: Loaded,
    matching: Matching,
    extra: BTreeMap<i64, Extra>,
}

/// Rows that were read.
#[derive(Debug)]
enum Loaded {
    /// The page that the table wanted.
    Page(Want, users::Page),
    /// The rows around one user.
    Around {
        /// The rows.
        rows: Vec<UserRow>,
        /// Where among them the user is.
        cursor: usize,
        /// Whether there are more before and after them.
        more: (bool, bool),
    },
}

/// The list.
pub struct UserList {
    table: Table<Line>,
    query: Query,
    filter: TextField,
    reading: Reading,
    /// The filter that `Esc` goes back to.
    home: Home,
    typing: bool,
    marking: Marking,
    memory: ListMemory,
    /// The user whose place in the list is being read.
    sought: Option<i64>,
    /// How it was left is still being read; until then there is nothing to read again.
    is_opening: bool,
    clock: Clock,
}

impl UserList {
    /// An empty list by username; [`Self::open`] fills it.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let mut list = Self {
            table: Table::new(&COLUMNS),
            query: Query::default(),
            filter: TextField::line("", LONGEST_FILTER),
            reading: Reading::default(),
            home: Home::default(),
            typing: false,
            marking: Marking::default(),
            memory: ListMemory::new(memory::NAME),
            sought: None,
            is_opening: false,
            clock,
        };
        list.table.arrange(line::usual());
        list.show_order();
        list
    }

    /// The same with a filter that stays: more can be typed behind it. It is a program's, with ids in the place of names.
    #[must_use]
    pub fn with_filter(clock: Clock, filter: &str) -> Self {
        let mut list = Self::new(clock);
        list.home = Home::new(filter);
        list.filter.set(filter);
        list.reading = Reading::of(filter);
        list.query = list.query.filtered(filter);
        list
    }

    /// The user under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&UserRow> {
        self.table.current().map(|line| &line.user)
    }

    /// Whether the filter line has the cursor.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    /// What the list shows, in its order.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Asks what to sort by; the place of the choice among all columns comes in [`SORTED`](super::pick::SORTED).
    #[must_use]
    pub fn ask_order(&self) -> Pick {
        let now = users::Column::ALL.iter().position(|column| *column == self.query.sort).unwrap_or(0);
        Pick::order(users::Column::ALL.iter().map(|column| column.label()), now)
    }

    /// Reads the list from its beginning.
    pub fn restart(&mut self, cx: &mut Cx) {
        let want = self.table.start();
        self.table.set_total(None);
        self.fetch(want, cx);
        self.count(cx);
        self.count_marks(cx);
    }

    /// Reads again what is shown.
    pub fn reload(&mut self, cx: &mut Cx) {
        if self.is_opening {
            return;
        }
        if let Some(id) = self.sought {
            // Reading again what is shown would give up the place that is sought.
            self.go_to(id, cx);
        } else {
            let want = self.table.again();
            self.fetch(want, cx);
            self.count(cx);
        }
        self.count_marks(cx);
    }

    /// Moves to a user, loaded or not.
    pub fn go_to(&mut self, id: i64, cx: &mut Cx) {
        self.sought = Some(id);
        let (query, more) = (self.query.clone(), self.more());
        cx.start(&ROWS, "loading users", move |portal| async move {
            more.with(&portal, around(&portal, &query, id).await?).await
        });
        self.count(cx);
    }

    /// Does a move of the table, or marks.
    pub fn act(&mut self, action: Action, cx: &mut Cx) {
        if is_mark(action) {
            self.mark(action, cx);
        } else if let Some(want) = self.table.act(action) {
            self.fetch(want, cx);
        }
    }

    /// Sorts by another column, from the first row.
    pub fn sort(&mut self, column: users::Column, cx: &mut Cx) {
        self.query.descending = self.query.sort == column && !self.query.descending;
        self.query.sort = column;
        self.show_order();
        self.restart(cx);
        self.remember(cx);
    }

    /// Turns the order round and stays on the same user.
    pub fn reverse(&mut self, cx: &mut Cx) {
        self.query.descending = !self.query.descending;
        self.show_order();
        match self.current().map(|user| user.id) {
            Some(id) => self.go_to(id, cx),
            None => self.restart(cx),
        }
        self.remember(cx);
    }

    /// Puts the cursor into the filter line.
    pub fn type_filter(&mut self) {
        self.typing = true;
    }

    /// Takes a key or a paste for the filter line; says whether it was used.
    pub fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let used = match input {
            Input::Key(chord) if matches!(chord.key, Key::Enter | Key::Down) => {
                self.finish_filter(cx);
                return true;
            }
            Input::Key(chord) if chord.key == Key::Tab => {
                self.complete(*chord, cx);
                return true;
            }
            _ => self.filter.input(input),
        };
        self.refilter(cx);
        used
    }

    /// Takes the filter away; says whether there was one.
    pub fn clear_filter(&mut self, cx: &mut Cx) -> bool {
        let had = self.typing || self.filter.value() != self.home.shown;
        self.typing = false;
        self.filter.set(&self.home.shown);
        self.refilter(cx);
        self.remember(cx);
        had
    }

    /// Takes a reply; says whether it was one of the list's.
    pub fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) -> bool {
        if let Some(result) = ROWS.take(reply) {
            self.take_rows(result, cx);
        } else if let Some(result) = COUNT.take(reply) {
            // Without a count the list is as useful; whoever stopped it knows.
            self.table.set_total(result.ok().and_then(|count| u64::try_from(count).ok()));
        } else if let Some(result) = POSITION.take(reply) {
            if let Ok((id, before)) = result {
                self.table.set_before(&id, u64::try_from(before).unwrap_or(0));
            }
        } else {
            return self.reply_marks(reply)
                || self.reply_filter(reply, cx)
                || self.reply_home(reply)
                || self.reply_remembered(reply, cx);
        }
        true
    }

    fn take_rows(&mut self, result: Result<Rows>, cx: &mut Cx) {
        self.sought = None;
        let mut extra = BTreeMap::new();
        let result = result.map(|rows| {
            let joins = matches!(rows.loaded, Loaded::Page(Want::After | Want::Before, _));
            self.show_marks(&rows.matching, joins);
            extra = rows.extra;
            rows.loaded
        });
        let clock = self.clock;
        let line = |user: UserRow| {
            let extra = extra.remove(&user.id).unwrap_or_default();
            Line::new(user, extra, &clock)
        };
        let more = match result {
            Ok(Loaded::Page(want, page)) => {
                let more = match want {
                    Want::Last | Want::Before => !page.at_start,
                    Want::First | Want::After | Want::Again => !page.at_end,
                };
                let rows = page.rows.into_iter().map(line).collect();
                self.table.take(want, Page { rows, more })
            }
            Ok(Loaded::Around { rows, cursor, more }) => {
                let place = rows.get(cursor).map(|user| user.place.clone());
                let rows = rows.into_iter().map(line).collect();
                self.table.show_around(rows, cursor, more);
                if let (Some(place), false) = (place, self.table.is_at_start()) {
                    self.ask_position(place, cx);
                }
                None
            }
            Err(error) => {
                self.table.failed();
                if error.kind != Kind::Interrupted {
                    cx.fail(&error);
                }
                None
            }
        };
        self.table.set_empty(if self.query.is_open() {
            "There are no users yet."
        } else {
            "No user matches; Esc clears the filter."
        });
        if let Some(want) = more {
            self.fetch(want, cx);
        }
    }

    fn fetch(&mut self, want: Want, cx: &mut Cx) {
        self.sought = None;
        let place = |line: Option<&Line>| line.map(|line| line.user.place.clone());
        let (from, limit) = match want {
            Want::First => (From::Start, PAGE),
            Want::Last => (From::End, PAGE),
            Want::After => (place(self.table.last()).map_or(From::Start, From::After), PAGE),
            Want::Before => (place(self.table.first()).map_or(From::Start, From::Before), PAGE),
            // A new user may come before the first one.
            Want::Again if self.table.is_at_start() => (From::Start, self.table.len().max(PAGE)),
            Want::Again => {
                (place(self.table.first()).map_or(From::Start, From::At), self.table.len().max(PAGE))
            }
        };
        let (query, more) = (self.query.clone(), self.more());
        cx.start(&ROWS, "loading users", move |portal| async move {
            let loaded = Loaded::Page(want, users::page(&portal, &query, &from, limit).await?);
            more.with(&portal, loaded).await
        });
    }

    fn more(&self) -> More {
        More { wholes: self.wholes_elsewhere(), wanted: line::wanted(self.table.arrangement()) }
    }

    /// Asks which columns to show.
    pub fn ask_columns(&self, cx: &mut Cx) {
        cx.push(Columns::of(&self.table, line::usual()));
    }

    /// The columns of a file that shows what the list does; nothing where nobody chose any.
    #[must_use]
    pub fn columns_of_a_file(&self) -> Option<Vec<&'static str>> {
        line::of_a_file(self.table.arrangement())
    }

    /// Shows these columns.
    pub fn arrange(&mut self, arrangement: Arrangement, cx: &mut Cx) {
        let had = line::wanted(self.table.arrangement());
        let wants = line::wanted(&arrangement);
        self.table.arrange(arrangement);
        let has_more = (wants.profile && !had.profile) || (wants.password && !had.password);
        if has_more && !self.table.is_empty() {
            self.reload(cx);
        }
        self.remember(cx);
    }

    fn count(&self, cx: &mut Cx) {
        let query = self.query.clone();
        cx.start(&COUNT, "counting users", move |portal| async move { users::count(&portal, &query).await });
    }

    fn ask_position(&self, place: Place, cx: &mut Cx) {
        let query = self.query.clone();
        let Some(id) = self.current().map(|user| user.id) else { return };
        cx.start(&POSITION, "counting users", move |portal| async move {
            Ok((id, users::position(&portal, &query, &place).await?))
        });
    }

    fn show_order(&mut self) {
        self.table.set_sorted(column_of(self.query.sort), self.query.descending);
    }

    /// `14 of 1 204 · by username`; with marks how many there are.
    #[must_use]
    pub fn status(&self) -> String {
        let marked = self.marked_words();
        if !marked.is_empty() {
            // What a key would be about matters more than the place, and in a narrow line so do the keys.
            return marked;
        }
        self.table.status(self.query.sort.label(), self.query.descending)
    }

    /// Draws the filter line, while there is a filter, and the table.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, focused: bool, theme: &Theme) {
        let filtering = self.typing || !self.filter.value().is_empty();
        let is_drawn = filtering && area.height > 1;
        let height = if is_drawn { self.draw_filter(frame, area, theme) } else { 0 };
        let below = Rect { y: area.y + height, height: area.height - height, ..area };
        self.table.draw(frame, below, focused, theme);
    }
}

/// What is to be read of rows beside the rows themselves.
struct More {
    wholes: Vec<Query>,
    wanted: Wanted,
}

impl More {
    async fn with(&self, portal: &Portal, loaded: Loaded) -> Result<Rows> {
        let rows = match &loaded {
            Loaded::Page(_, users::Page { rows, .. }) | Loaded::Around { rows, .. } => rows,
        };
        let ids: Vec<i64> = rows.iter().map(|user| user.id).collect();
        let matching = matching(portal, &self.wholes, &ids).await?;
        let extra = extra::read(portal, &ids, self.wanted).await?;
        Ok(Rows { loaded, matching, extra })
    }
}

/// The rows around a user; from the start, where the list does not have them.
async fn around(portal: &Portal, query: &Query, id: i64) -> Result<Loaded> {
    let Some(place) = users::place(portal, query, id).await? else {
        return Ok(Loaded::Page(Want::First, users::page(portal, query, &From::Start, PAGE).await?));
    };
    let before = users::page(portal, query, &From::Before(place.clone()), BEFORE).await?;
    let after = users::page(portal, query, &From::At(place), PAGE).await?;
    let cursor = before.rows.len();
    let more = (!before.at_start, !after.at_end);
    Ok(Loaded::Around { rows: before.rows.into_iter().chain(after.rows).collect(), cursor, more })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::error::Error;
    use crate::tui::cx::Effect;
    use crate::tui::input::{code, key};

    fn list() -> (UserList, Cx) {
        (UserList::new(Clock::default()), Cx::new(Size::new(80, 24)))
    }

    /// What was asked for, how the list is left aside.
    fn asked(cx: &mut Cx) -> String {
        let mut asked = cx.take();
        asked.retain(|effect| !matches!(effect, Effect::Remember(..)));
        format!("{asked:?}")
    }

    const BOTH: &str = "[Start(users.rows: loading users), Start(users.count: counting users)]";

    #[test]
    fn a_new_question_asks_for_rows_and_their_count() {
        let (mut list, mut cx) = list();
        list.restart(&mut cx);
        assert_eq!(asked(&mut cx), BOTH);
        list.sort(users::Column::LastLogin, &mut cx);
        assert_eq!(asked(&mut cx), BOTH);
        assert!(list.status().ends_with("by last web login"), "{}", list.status());
        list.sort(users::Column::LastLogin, &mut cx);
        assert!(list.status().ends_with("by last web login, reversed"), "{}", list.status());
    }

    #[test]
    fn a_change_does_not_give_up_the_place_that_is_sought() {
        let (mut list, mut cx) = list();
        list.go_to(7, &mut cx);
        asked(&mut cx);
        list.reload(&mut cx);
        assert_eq!(asked(&mut cx), BOTH);
        assert_eq!(list.sought, Some(7), "what is read leads there");
        let around = Loaded::Around { rows: Vec::new(), cursor: 0, more: (false, false) };
        let rows = Rows { loaded: around, matching: Vec::new(), extra: BTreeMap::new() };
        assert!(list.reply(&mut Reply::of(&ROWS, Ok(rows)), &mut cx));
        asked(&mut cx);
        list.reload(&mut cx);
        assert_eq!((asked(&mut cx).as_str(), list.sought), (BOTH, None));
    }

    #[test]
    fn only_a_key_that_changes_the_words_asks_again() {
        let (mut list, mut cx) = list();
        list.type_filter();
        list.input(&Input::Key(key('b')), &mut cx);
        assert_eq!(asked(&mut cx), BOTH);
        for chord in [key(' '), code(Key::Left), code(Key::Home)] {
            list.input(&Input::Key(chord), &mut cx);
            assert_eq!(asked(&mut cx), "[]", "{chord}");
        }
        assert!(list.input(&Input::Key(code(Key::Enter)), &mut cx) && !list.is_typing());
        assert!(list.clear_filter(&mut cx));
        assert_eq!(asked(&mut cx), BOTH);
        assert!(!list.clear_filter(&mut cx));
    }

    #[test]
    fn what_was_stopped_is_no_error_and_what_failed_is() {
        let (mut list, mut cx) = list();
        let stopped = Error::new(Kind::Interrupted, "Stopped loading users.");
        assert!(list.reply(&mut Reply::of(&ROWS, Err(stopped)), &mut cx));
        assert_eq!(asked(&mut cx), "[]");
        let failed = Error::unreachable("The database does not answer.");
        assert!(list.reply(&mut Reply::of(&ROWS, Err(failed)), &mut cx));
        assert_eq!(asked(&mut cx), "[Toast(\"The database does not answer.\")]");
        assert!(!list.reply(&mut Reply::of(&crate::tui::screens::pick::SORTED, Ok(1)), &mut cx));
    }
}
