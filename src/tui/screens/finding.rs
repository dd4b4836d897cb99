//! One finding: its rows, a page at a time, each of which can be marked, previewed and repaired.

use std::collections::HashMap;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::export::Export;
use super::integrity::board::{FindingKey, SharedBoard};
use super::integrity::repair::{self, Order, REPAIR, is_automatic, may_repair, may_scan};
use super::integrity::view::{about, paragraph};
use super::integrity::{self, SMALL};
use super::record::RecordScreen;
use super::undo::Undo;
use super::user_actions::{SITTING, Sitting, Whom};
use crate::directory::Portal;
use crate::error::{Kind, Result};
use crate::integrity::export::Lines;
use crate::integrity::{Check, Finding, FindingRow, Report, Subject};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::row::PAGE;
use crate::tui::widgets::table::{self, Cell, Page, Row, Table, Want};
use crate::tui::widgets::{grouped, put};

/// Its keys, beside those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('d')], Action::IntegrityPreview, "preview"),
    Binding::new(&[key('F')], Action::IntegrityFix, "fix"),
    Binding::new(&[key('A')], Action::IntegrityFixKind, "fix all of this kind"),
    Binding::new(&[code(Key::Enter)], Action::Open, "account"),
    Binding::new(&[key('R')], Action::IntegrityScan, "scan"),
    Binding::new(&[key('u')], Action::Undo, "undo"),
    Binding::new(&[key('o')], Action::HistoryOpenRows, "users repaired"),
    Binding::new(&[key('E')], Action::Export, "export").quiet(),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, table::MARK_KEYS, table::KEYS];

const ROWS: Slot<(Want, Page<Line>)> = Slot::latest("finding.rows");
const SCAN: Slot<Report> = Slot::latest("finding.scan");

/// How many pages of decisions are looked through for one that still has rows.
const PAGES: usize = 10;
/// From so many rows on, what the catalogue says stands below the list.
const HIGH: u16 = 14;

const COLUMNS: [Column; 3] =
    [Column::new("WHAT", 20, 100, 9), Column::new("TABLE", 9, 27, 4), Column::new("KEY", 6, 16, 5)];

/// A row of the finding, and the place of its decision among all of them.
struct Line {
    row: FindingRow,
    at: usize,
    key: String,
}

impl Row for Line {
    type Key = Subject;

    /// The decision: all its rows are marked together, because they are repaired together.
    fn key(&self) -> Subject {
        self.row.subject
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => self.row.text.as_str().into(),
            1 => Cell::new(self.row.table.as_ref(), Tone::Quiet),
            _ => Cell::new(self.key.as_str(), Tone::Quiet),
        }
    }
}

/// The screen.
pub struct FindingScreen {
    board: SharedBoard,
    key: FindingKey,
    table: Table<Line>,
    sitting: Sitting,
    clock: Clock,
}

impl FindingScreen {
    /// The rows of the finding of this name on the board, for someone with these rights.
    #[must_use]
    pub fn new(board: SharedBoard, key: FindingKey, sitting: Sitting, clock: Clock) -> Self {
        let mut table = Table::new(&COLUMNS);
        table.set_empty("No row is left; R scans again.");
        Self { board, key, table, sitting, clock }
    }

    fn about<T>(&self, ask: impl FnOnce(&Finding) -> T) -> std::result::Result<T, String> {
        let board = self.board.get();
        board.find(self.key).map(ask).ok_or_else(|| "It is not found any more; Esc goes back.".to_owned())
    }

    /// What `F` repairs: the marked decisions; without marks the one under the cursor.
    fn order(&self) -> std::result::Result<Order, String> {
        self.about(is_automatic)??;
        let marks = self.table.marks();
        if !marks.is_empty() {
            return self.about(|finding| {
                let marked = finding.found.subjects.iter().filter(|subject| marks.has(subject)).copied();
                Order::some(finding, marked.collect())
            });
        }
        self.order_of_current()
    }

    fn order_of_current(&self) -> std::result::Result<Order, String> {
        let row = self.table.current().ok_or_else(|| "There is no row under the cursor.".to_owned())?;
        let subject = row.row.subject;
        self.about(|finding| Order::some(finding, vec![subject]))
    }

    /// The account that the row under the cursor is about, where it exists.
    fn whom(&self) -> Option<Whom> {
        let row = &self.table.current()?.row;
        let (id, username) = (row.user_id?, row.username.clone()?);
        Some(Whom { id, username, is_active: true, target: None })
    }

    /// Reads the rows that the table wants.
    fn fetch(&mut self, want: Want, cx: &mut Cx) {
        let first = self.table.first().map_or(0, |line| line.at);
        let next = self.table.last().map_or(0, |line| line.at + 1);
        let loaded = next.saturating_sub(first).max(PAGE);
        let span = self.about(|finding| Span::new(finding, want, first, next, loaded));
        let Ok(span) = span else {
            self.table.failed();
            return;
        };
        cx.start(&ROWS, "loading rows", move |portal| async move { Ok((want, span.read(&portal).await?)) });
    }

    fn rescan(&self, cx: &mut Cx) {
        let only = vec![self.key.0.to_owned()];
        let label = format!("scanning {}", self.key.0);
        cx.start_task(
            &SCAN,
            label,
            |portal, task| async move { integrity::scan(&portal, &task, &only).await },
        );
    }

    fn export(&self, cx: &mut Cx) {
        let board = self.board.get();
        let found = board.find(self.key).cloned().and_then(|finding| board.only(vec![finding]));
        if let Some(report) = found {
            let name = format!("{}-{}.csv", self.key.0, self.clock.date(report.at));
            cx.push(Export::new(report, Lines::Rows, &name));
        }
    }

    /// Shows what the board knows now; leaves when the finding is gone.
    fn show(&mut self, cx: &mut Cx) {
        if self.about(|_| ()).is_err() {
            cx.close();
            return;
        }
        let want = self.table.again();
        self.fetch(want, cx);
    }
}

/// A stretch of a finding's decisions.
struct Span {
    check: &'static dyn Check,
    from: usize,
    subjects: Vec<Subject>,
    /// How many of them make a page.
    page: usize,
    /// Whether the finding goes on in the direction that was asked for.
    more: bool,
}

impl Span {
    /// The decisions that a table wants that has those from `first` up to `next`, `loaded` rows.
    fn new(finding: &Finding, want: Want, first: usize, next: usize, loaded: usize) -> Self {
        let all = &finding.found.subjects;
        let (from, to, page) = match want {
            Want::First => (0, PAGE * PAGES, PAGE),
            Want::After => (next, next + PAGE * PAGES, PAGE),
            Want::Again => (first, first + loaded, loaded),
            Want::Before => (first.saturating_sub(PAGE), first, PAGE),
            Want::Last => (all.len().saturating_sub(PAGE), all.len(), PAGE),
        };
        let to = to.min(all.len());
        let from = from.min(to);
        let more = if matches!(want, Want::Before | Want::Last) { from > 0 } else { to < all.len() };
        Self { check: finding.check, from, subjects: all[from..to].to_vec(), page, more }
    }

    /// The rows of its first page that has any; decisions that were settled meanwhile have none.
    async fn read(self, portal: &Portal) -> Result<Page<Line>> {
        let mut from = self.from;
        for (number, part) in self.subjects.chunks(self.page.max(1)).enumerate() {
            let rows = self.check.rows(portal, part).await?;
            if !rows.is_empty() {
                let left = self.subjects.len() > (number + 1) * self.page;
                return Ok(Page { rows: lines(rows, part, from), more: self.more || left });
            }
            from += part.len();
        }
        Ok(Page { rows: Vec::new(), more: false })
    }
}

/// The rows of these decisions, the first of which is the `from`th, in their order.
fn lines(rows: Vec<FindingRow>, subjects: &[Subject], from: usize) -> Vec<Line> {
    let places: HashMap<Subject, usize> = subjects.iter().copied().zip(from..).collect();
    let line = |row: FindingRow| {
        let at = places.get(&row.subject).copied().unwrap_or(from);
        let key = row.key.0.iter().map(|(_, cell)| cell.show()).collect::<Vec<_>>().join(", ");
        Line { row, at, key }
    };
    let mut lines: Vec<Line> = rows.into_iter().map(line).collect();
    lines.sort_by_key(|line| line.at);
    lines
}

impl Screen for FindingScreen {
    fn title(&self) -> String {
        self.key.0.to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::IntegrityScan => may_scan(&self.sitting),
            Action::HistoryOpenRows => repair::may_open_touched(&self.board.get()),
            Action::Export => self.about(|_| ()),
            Action::Open if self.whom().is_none() => Err("This row belongs to no account.".to_owned()),
            Action::IntegrityPreview => {
                self.about(is_automatic)?.and_then(|()| self.order_of_current().map(|_| ()))
            }
            Action::IntegrityFix => may_repair(&self.sitting).and_then(|()| self.order().map(|_| ())),
            Action::IntegrityFixKind => may_repair(&self.sitting).and_then(|()| self.about(is_automatic)?),
            _ => self.sitting.may(action, None),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let want = self.table.start();
        self.fetch(want, cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.show(cx);
        Sitting::ask(cx);
        let small = self.board.get().report.as_ref().is_some_and(|report| report.users <= SMALL);
        if small && may_scan(&self.sitting).is_ok() {
            self.rescan(cx);
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::IntegrityPreview => {
                if let Ok(order) = self.order_of_current() {
                    repair::preview(order, cx);
                }
            }
            Action::IntegrityFix => {
                if let Ok(order) = self.order() {
                    repair::ask(order, cx);
                }
            }
            Action::IntegrityFixKind => {
                if let Ok(order) = self.about(|finding| Order::all([finding])) {
                    repair::ask(order, cx);
                }
            }
            Action::IntegrityScan => self.rescan(cx),
            Action::Open => {
                if let Some(whom) = self.whom() {
                    cx.push(RecordScreen::new(whom, self.clock));
                }
            }
            Action::HistoryOpenRows => repair::open_touched(&self.board.get(), self.clock, cx),
            Action::Export => self.export(cx),
            Action::Undo => cx.push(Undo::newest()),
            Action::Redo => cx.push(Undo::redo()),
            _ => {
                if let Some(want) = self.table.act(action) {
                    self.fetch(want, cx);
                }
            }
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = ROWS.take(reply) {
            match result {
                Ok((want, page)) => {
                    if let Some(next) = self.table.take(want, page) {
                        self.fetch(next, cx);
                    }
                }
                Err(error) => {
                    self.table.failed();
                    if error.kind != Kind::Interrupted {
                        cx.fail(&error);
                    }
                }
            }
        } else if let Some(result) = SCAN.take(reply) {
            match result {
                Ok(report) => {
                    self.board.change().merge(report);
                    self.show(cx);
                }
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(result) = REPAIR.take(reply) {
            repair::finished(result, &mut self.board.change(), cx);
            self.table.marks_mut().clear();
            self.show(cx);
        } else {
            repair::reply(reply, &self.board, cx);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        repair::stop(&self.board, cx) || self.table.clear_range() || self.table.marks_mut().clear()
    }

    fn status(&self) -> String {
        let total = self.about(Finding::count).unwrap_or(0) as u64;
        match self.table.marks().count(Some(total)) {
            Some(marked) if marked > 0 => format!("{} of {} marked", grouped(marked), grouped(total)),
            _ => match self.table.current() {
                Some(line) => format!("{} of {}", grouped(line.at as u64 + 1), grouped(total)),
                None => String::new(),
            },
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let off = may_repair(&self.sitting).err();
        let known = self.about(|finding| {
            let severity = finding.severity().name();
            let dot = theme.dot();
            let title = format!("{} {dot} {} {dot} {severity}", self.key.0, finding.title());
            (title, about(finding, off.as_deref()))
        });
        let (title, words) = known.unwrap_or_else(|_| (self.key.0.to_owned(), Vec::new()));
        put(frame.buffer_mut(), inner.x, inner.y, inner.width, &title, theme.style(Tone::Strong));
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if body.height < HIGH {
            self.table.draw(frame, body, true, theme);
            return;
        }
        let height = body.height * 3 / 5;
        self.table.draw(frame, Rect { height, ..body }, true, theme);
        let rule = theme.rule().repeat(usize::from(inner.width));
        put(frame.buffer_mut(), inner.x, body.y + height, inner.width, &rule, theme.style(Tone::Quiet));
        let mut rest = Rect { y: body.y + height + 1, height: body.height - height - 1, ..inner };
        let row = self.table.current().map(|line| (Tone::Strong, line.row.text.clone()));
        for (tone, words) in row.into_iter().chain(words) {
            let used = paragraph(frame.buffer_mut(), rest, &words, tone, theme);
            rest = Rect { y: rest.y + used, height: rest.height - used, ..rest };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::{self as checks, Class, Found};

    fn finding(count: i64) -> Finding {
        let check = checks::check("PRF-001").expect("a check");
        let subjects = (1..=count).map(Subject::of).collect();
        Finding { check, found: Found::each(check.about(), Class::Automatic, subjects).expect("some") }
    }

    fn ids(span: &Span) -> (i64, i64, bool) {
        let id = |subject: Option<&Subject>| subject.map_or(0, |subject| subject.id);
        (id(span.subjects.first()), id(span.subjects.last()), span.more)
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let page = i64::try_from(PAGE).expect("a small number");
        let most = page * i64::try_from(PAGES).expect("a small number");
        let long = finding(most * 3);
        let span = |want, first, next| ids(&Span::new(&long, want, first, next, PAGE));
        assert_eq!(span(Want::First, 0, 0), (1, most, true));
        assert_eq!(span(Want::After, 0, PAGE), (page + 1, page + most, true));
        assert_eq!(span(Want::Last, 0, 0), (most * 3 - page + 1, most * 3, true));
        assert_eq!(span(Want::Before, 10, 20), (1, 10, false));
        let short = finding(3);
        assert_eq!(ids(&Span::new(&short, Want::First, 0, 0, PAGE)), (1, 3, false));
        assert_eq!(ids(&Span::new(&short, Want::After, 0, 9, PAGE)), (0, 0, false));
    }
}
