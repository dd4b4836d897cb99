//! The History tab: who changed what, here and in the portal's own admin, from what to what, and the way back.

pub mod entry;
mod line;
pub mod pane;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::entry::EntryScreen;
use self::line::{COLUMNS, Line};
use self::pane::EntryPane;
use super::integrity::view::paragraph;
use super::user_actions::{SITTING, Sitting};
use crate::directory::history::{self, Filter, From};
use crate::error::{Error, Kind};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::table::{self, Page, Table, Want};
use crate::tui::widgets::text_field::{TextField, draw_prompt};
use crate::tui::widgets::{cells, put};

/// Its keys, beside those about one entry and those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[code(Key::Enter)], Action::Open, "whole"),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, entry::KEYS, table::KEYS];

/// Reads entries.
pub const ROWS: Slot<(Want, history::Page)> = Slot::latest("history.rows");
const COUNT: Slot<i64> = Slot::latest("history.count");

/// How many entries a page has: more than a screen, so that the next is there before it is needed.
const PAGE: usize = 100;
/// How long the cursor rests before the entry is read.
const REST: Duration = Duration::from_millis(100);
/// From so many columns on, the entry stands beside the list; from so many rows on, below it.
const WIDE: u16 = 120;
const HIGH: u16 = 14;

/// The tab, and the same list about one account, group or department.
pub struct History {
    table: Table<Line>,
    filter: Filter,
    line: TextField,
    /// The filter line that `Esc` goes back to.
    home: String,
    typing: bool,
    /// What in the filter line can't be understood.
    wrong: Option<String>,
    /// Whom it names and nobody knows.
    unknown: Option<String>,
    /// Why nothing is shown.
    denied: Option<String>,
    title: String,
    pane: EntryPane,
    sitting: Sitting,
    clock: Clock,
}

impl Default for History {
    fn default() -> Self {
        Self::new(Clock::default())
    }
}

impl History {
    /// The tab, nothing read yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let mut table = Table::new(&COLUMNS);
        table.set_empty("Nothing was changed yet.");
        Self {
            table,
            filter: Filter::default(),
            line: TextField::free(""),
            home: String::new(),
            typing: false,
            wrong: None,
            unknown: None,
            denied: None,
            title: "History".to_owned(),
            pane: EntryPane::new(clock),
            sitting: Sitting::default(),
            clock,
        }
    }

    /// The history about one account.
    #[must_use]
    pub fn about(id: i64, username: &str, clock: Clock) -> Self {
        Self::about_row("about", id, username, clock)
    }

    /// The history about what this key names in a filter: an account (`about`), a group or a department and who is in it.
    #[must_use]
    pub fn about_row(key: &str, id: i64, name: &str, clock: Clock) -> Self {
        let mut history = Self::new(clock);
        // The id is told from a name by its sign, and stays when the name changes.
        history.home = format!("{key}:#{id}");
        history.line.set(&history.home);
        history.filter = Filter::typed(&history.home).0;
        history.title = format!("History of {name}");
        history
    }

    fn current(&self) -> Option<&history::Entry> {
        self.table.current().map(|line| &line.entry)
    }

    fn restart(&mut self, cx: &mut Cx) {
        let want = self.table.start();
        self.table.set_total(None);
        self.fetch(want, cx);
        self.count(cx);
    }

    fn fetch(&self, want: Want, cx: &mut Cx) {
        let place = |line: Option<&Line>| line.map(|line| line.entry.place);
        let (first, last) = (place(self.table.first()), place(self.table.last()));
        let (from, limit) = match want {
            Want::First => (From::Start, PAGE),
            Want::Last => (From::End, PAGE),
            Want::After => (last.map_or(From::Start, From::After), PAGE),
            Want::Before => (first.map_or(From::Start, From::Before), PAGE),
            // What is new comes before the first one.
            Want::Again if self.table.is_at_start() => (From::Start, self.table.len().max(PAGE)),
            Want::Again => (first.map_or(From::Start, From::At), self.table.len().max(PAGE)),
        };
        let filter = self.filter.clone();
        cx.start(&ROWS, "reading the history", move |portal| async move {
            Ok((want, history::page(&portal, &filter, from, limit).await?))
        });
    }

    fn count(&self, cx: &mut Cx) {
        let filter = self.filter.clone();
        cx.start(
            &COUNT,
            "counting changes",
            move |portal| async move { history::count(&portal, &filter).await },
        );
    }

    /// The rights are known: reads the list, or says why not.
    fn looked(&mut self, cx: &mut Cx) {
        self.denied = entry::may_see(&self.sitting).err();
        if self.denied.is_some() {
            let want = self.table.start();
            self.table.take(want, Page { rows: Vec::new(), more: false });
            self.pane.clear();
            return;
        }
        let want = self.table.again();
        self.fetch(want, cx);
        self.count(cx);
    }

    fn take_rows(&mut self, result: Result<(Want, history::Page), Error>, cx: &mut Cx) {
        let next = match result {
            Ok((want, page)) => {
                self.unknown = None;
                let rows = page.entries.into_iter().map(|entry| Line::new(entry, &self.clock)).collect();
                self.table.take(want, Page { rows, more: page.more })
            }
            Err(error) => {
                self.table.failed();
                match error.kind {
                    Kind::Interrupted => {}
                    // A name in the filter that nobody has.
                    Kind::Invalid => self.unknown = Some(error.message),
                    _ => cx.fail(&error),
                }
                None
            }
        };
        let empty = if self.filter.is_empty() {
            "Nothing was changed yet."
        } else {
            "Nothing matches; Esc clears the filter."
        };
        self.table.set_empty(empty);
        if let Some(want) = next {
            self.fetch(want, cx);
        }
        self.follow(Duration::ZERO, cx);
    }

    /// Wants the entry under the cursor, unless it is there or on its way.
    fn follow(&mut self, delay: Duration, cx: &mut Cx) {
        match self.table.current().map(|line| line.entry.clone()) {
            Some(entry) if self.pane.wanted() == Some(entry.key()) => {}
            Some(entry) => self.pane.want(&entry, delay, cx),
            None => self.pane.clear(),
        }
    }

    fn refilter(&mut self, cx: &mut Cx) {
        let (filter, wrong) = Filter::typed(self.line.value());
        self.wrong = wrong.map(|error| error.message);
        if filter != self.filter {
            self.unknown = None;
            self.filter = filter;
            self.restart(cx);
        }
    }

    /// The filter line and what is wrong with it; gives what is left of the area.
    fn draw_filter(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) -> Rect {
        if !self.typing && self.line.value().is_empty() || area.height < 3 {
            return area;
        }
        let row = Rect { height: 1, ..area };
        if self.typing {
            let at = draw_prompt(frame.buffer_mut(), row, " / ", &self.line, theme.style(Tone::Accent));
            frame.set_cursor_position(at);
        } else {
            let words = format!(" / {}", self.line.value());
            put(frame.buffer_mut(), row.x, row.y, row.width, &words, theme.style(Tone::Accent));
        }
        let mut used = 1;
        if let Some(problem) = self.wrong.as_ref().or(self.unknown.as_ref()) {
            let below = Rect {
                x: area.x + 3,
                y: area.y + 1,
                width: area.width.saturating_sub(4),
                height: (area.height - 1).min(4),
            };
            used += paragraph(frame.buffer_mut(), below, problem, Tone::Bad, theme);
        }
        Rect { y: area.y + used, height: area.height - used, ..area }
    }
}

impl Screen for History {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn number(&self) -> Option<usize> {
        Some(5)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        if let Some(why) = &self.denied {
            return Err(why.clone());
        }
        let entry = self.current();
        match action {
            Action::Open if entry.is_none() => Err("There is no entry under the cursor.".to_owned()),
            _ => entry::may(action, entry, entry.and_then(|entry| self.pane.of(entry.key())), &self.sitting),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.sitting.ask(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        // Whatever is shown may have been taken back meanwhile.
        if let Some(entry) = self.current().cloned() {
            self.pane.want(&entry, Duration::ZERO, cx);
        }
        self.sitting.ask(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Filter => self.typing = true,
            Action::Open => {
                if let Some(entry) = self.current() {
                    cx.push(EntryScreen::new(entry.clone(), self.sitting.clone(), self.clock));
                }
            }
            _ if table::is_move(action) => {
                if let Some(want) = self.table.act(action) {
                    self.fetch(want, cx);
                }
                self.follow(REST, cx);
            }
            _ => entry::act(action, self.current(), self.clock, cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.typing
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let used = match input {
            Input::Key(chord) if matches!(chord.key, Key::Enter | Key::Down) => {
                self.typing = false;
                return true;
            }
            _ => self.line.input(input),
        };
        self.refilter(cx);
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SITTING.take(reply) {
            match result {
                Ok(sitting) => {
                    self.sitting = sitting;
                    self.looked(cx);
                }
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = ROWS.take(reply) {
            self.take_rows(result, cx);
        } else if let Some(result) = COUNT.take(reply) {
            // Without a count the list is as useful.
            self.table.set_total(result.ok().and_then(|count| u64::try_from(count).ok()));
        } else if let Some(Err(error)) = self.pane.reply(reply)
            && error.kind != Kind::Interrupted
        {
            cx.fail(&error);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        let had = self.typing || self.line.value() != self.home;
        self.typing = false;
        self.line.set(&self.home);
        self.refilter(cx);
        had
    }

    fn status(&self) -> String {
        if self.denied.is_some() { String::new() } else { self.table.place() }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        if let Some(why) = &self.denied {
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            paragraph(frame.buffer_mut(), inner, why, Tone::Plain, theme);
            return;
        }
        let body = self.draw_filter(frame, area, theme);
        if body.width >= WIDE {
            let width = body.width * 3 / 5;
            self.table.draw(frame, Rect { width, ..body }, true, theme);
            for y in body.y..body.bottom() {
                put(frame.buffer_mut(), body.x + width, y, 1, theme.bar(), theme.style(Tone::Quiet));
            }
            let beside = Rect { x: body.x + width + 2, width: body.width - width - 3, ..body };
            self.pane.draw(frame, beside, theme);
        } else if body.height >= HIGH {
            let height = cells(self.table.len() + 1).clamp(3, body.height / 2);
            self.table.draw(frame, Rect { height, ..body }, true, theme);
            let rule = theme.rule().repeat(usize::from(body.width.saturating_sub(2)));
            put(frame.buffer_mut(), body.x + 1, body.y + height, body.width, &rule, theme.style(Tone::Quiet));
            let below = Rect {
                x: body.x + 3,
                y: body.y + height + 1,
                width: body.width.saturating_sub(4),
                height: body.height - height - 1,
            };
            self.pane.draw(frame, below, theme);
        } else {
            self.table.draw(frame, body, true, theme);
        }
    }
}
