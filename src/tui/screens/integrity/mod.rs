//! The Integrity tab: what a scan found, why it matters, and its repair.
//!
//! A portal of at most [`SMALL`] accounts is scanned when the tab is first shown and again whenever rows changed; a larger
//! one when somebody asks. Repairs go through the review, run with progress, and look again at the checks concerned.

pub mod board;
pub(in crate::tui::screens) mod line;
pub mod preview;
pub mod repair;
pub(in crate::tui::screens) mod view;

use std::collections::HashMap;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::board::{FindingKey, SharedBoard, key_of};
use self::line::{COLUMNS, Line};
use self::repair::{Order, REPAIR, is_automatic, may_repair, may_scan, was_accepted};
use self::view::{At, Detail, Phase, View};
use super::baseline::{self, Accept};
use super::decision::DecisionScreen;
use super::export::Export;
use super::finding::FindingScreen;
use super::undo;
use super::user_actions::Sitting;
use crate::db::Sql;
use crate::directory::Portal;
use crate::error::{Kind, Result};
use crate::integrity::export::Lines;
use crate::integrity::{self, Class, Finding, Report, ScanProgress, Severity, Tell};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::{Reply, Slot, Task};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;
use crate::tui::widgets::diff::{DiffLine, Sign};
use crate::tui::widgets::grouped;
use crate::tui::widgets::table::{self, Page, Table};

/// Its keys, beside those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Open, "rows"),
    Binding::new(&[key('o')], Action::HistoryOpenRows, "users repaired"),
    Binding::new(&[key('d')], Action::IntegrityPreview, "preview"),
    Binding::new(&[key('F')], Action::IntegrityFix, "fix"),
    Binding::new(&[key('A')], Action::IntegrityFixKind, "fix all of this kind"),
    Binding::new(&[key('R')], Action::IntegrityScan, "scan"),
    Binding::new(&[key('b')], Action::IntegrityAccept, "accept"),
    Binding::new(&[key('u')], Action::Undo, "undo"),
    Binding::new(&[key('E')], Action::Export, "export").quiet(),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
    // Without a key: from the palette.
    Binding::new(&[], Action::IntegrityScanDeep, "deep scan: reads every page of the database").quiet(),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, table::MARK_KEYS, table::KEYS];

pub use crate::integrity::SMALL;

/// How many decisions of a finding are shown beside the list.
const DETAIL: usize = 20;

/// Who looks, and at how many accounts.
pub const LOOK: Slot<(Sitting, i64)> = Slot::latest("integrity.look");
/// Runs the checks.
pub const SCAN: Slot<Report> = Slot::latest("integrity.scan");
const LINES: Slot<(FindingKey, Vec<DiffLine>)> = Slot::latest("integrity.lines");

/// The tab.
pub struct Integrity {
    board: SharedBoard,
    table: Table<Line>,
    phase: Phase,
    sitting: Sitting,
    users: Option<i64>,
    /// The first lines about each finding, as far as they were read.
    lines: HashMap<FindingKey, Vec<DiffLine>>,
    clock: Clock,
}

impl Default for Integrity {
    fn default() -> Self {
        Self::new()
    }
}

impl Integrity {
    /// The tab, nothing scanned yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::default())
    }

    /// The same, which leaves what it finds on this board.
    #[must_use]
    pub fn on(board: SharedBoard) -> Self {
        Self { board, ..Self::new() }
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            board: SharedBoard::default(),
            table: Table::new(&COLUMNS),
            phase: Phase::Looking,
            sitting: Sitting::default(),
            users: None,
            lines: HashMap::new(),
            clock,
        }
    }

    /// The name of the finding under the cursor.
    fn current(&self) -> Option<FindingKey> {
        self.table.current().map(|line| line.key)
    }

    /// Asks the finding under the cursor something.
    fn about<T>(&self, ask: impl FnOnce(&Finding) -> T) -> std::result::Result<T, String> {
        let key = self.current().ok_or_else(|| "There is no finding under the cursor.".to_owned())?;
        self.board
            .get()
            .find(key)
            .map(ask)
            .ok_or_else(|| "It is not found any more; R scans again.".to_owned())
    }

    /// The marked findings.
    fn marked(&self) -> Vec<FindingKey> {
        let marks = self.table.marks();
        self.table.rows().map(|line| line.key).filter(|key| marks.has(key)).collect()
    }

    /// What `F` repairs: the marked findings; without marks the one under the cursor.
    fn order(&self) -> std::result::Result<Order, String> {
        let marked = self.marked();
        if marked.is_empty() {
            return self.about(|finding| is_automatic(finding).map(|()| Order::all([finding])))?;
        }
        let board = self.board.get();
        let order = Order::all(marked.iter().filter_map(|key| board.find(*key)));
        if order.count() == 0 {
            return Err("None of the marked findings can be repaired without a choice.".to_owned());
        }
        Ok(order)
    }

    /// Whether the finding under the cursor is one to be decided, and not several are marked.
    fn must_choose(&self) -> bool {
        self.marked().is_empty() && !self.is_accepted() && self.about(Finding::class) == Ok(Class::Choose)
    }

    fn is_accepted(&self) -> bool {
        matches!(self.current(), Some(FindingKey::Accepted(..)))
    }

    /// Asks for a reason to accept the marked findings, without marks the one under the cursor; where that was accepted,
    /// takes it back.
    fn accept(&self, cx: &mut Cx) {
        let board = self.board.get();
        let marked = self.marked();
        let current = self.current();
        if let Some(accepted) = current.filter(|_| marked.is_empty()).and_then(|key| board.accepted(key)) {
            let what = vec![(accepted.finding.check, accepted.finding.found.subjects.clone())];
            return baseline::take_back(what, accepted.ids.clone(), cx);
        }
        let keys = if marked.is_empty() { current.into_iter().collect() } else { marked };
        let found = board.findings().iter().filter(|finding| keys.contains(&key_of(finding)));
        let what: baseline::What =
            found.map(|finding| (finding.check, finding.found.subjects.clone())).collect();
        if what.is_empty() {
            cx.refuse("What is marked was accepted already.");
        } else {
            cx.push(Accept::new(self.board.clone(), what, self.clock));
        }
    }

    /// Asks what there is to decide about the finding under the cursor.
    fn decide(&self, cx: &mut Cx) {
        let screen = self.about(|finding| {
            let subjects = finding.found.subjects.clone();
            let sitting = self.sitting.clone();
            DecisionScreen::new(self.board.clone(), key_of(finding), finding.check, subjects, 0, sitting)
        });
        if let Ok(screen) = screen {
            cx.push(screen);
        }
    }

    fn look(&mut self, cx: &mut Cx) {
        self.sitting.forget_newest();
        cx.start(&LOOK, "reading your rights", |portal| async move {
            let users = portal.count(Sql::new("SELECT COUNT(*) FROM auth_user")).await?;
            Ok((Sitting::read(&portal).await?, users))
        });
    }

    fn scan(&mut self, depth: Depth, cx: &mut Cx) {
        let at = At::default();
        self.phase = Phase::Scanning(at.clone());
        let label = match depth {
            Depth::Usual => "scanning",
            Depth::Deep => "deep scan, which reads every page",
        };
        cx.start_task(&SCAN, label, move |portal, task| async move {
            let tell = tell(&task, at);
            match depth {
                Depth::Usual => integrity::scan(&portal, &[], Some(&tell)).await,
                Depth::Deep => integrity::scan_deep(&portal, &[], Some(&tell)).await,
            }
        });
    }

    /// Now that rights and size are known: scans, or says why not.
    fn looked(&mut self, sitting: Sitting, users: i64, cx: &mut Cx) {
        self.sitting = sitting;
        self.users = Some(users);
        if let Err(why) = may_scan(&self.sitting) {
            self.phase = Phase::Denied(why);
        } else if users <= SMALL {
            self.scan(Depth::Usual, cx);
        } else if self.phase == Phase::Looking {
            self.phase = Phase::Large(users);
        }
    }

    fn scanned(&mut self, result: Result<Report>, cx: &mut Cx) {
        match result {
            Ok(report) => {
                self.phase = Phase::Done;
                self.users = Some(report.users);
                self.board.change().replace(report);
                self.show(cx);
            }
            Err(error) if error.kind == Kind::Interrupted => self.phase = Phase::Stopped,
            Err(error) => {
                self.phase = Phase::Failed(error.message.clone());
                cx.fail(&error);
            }
        }
    }

    /// Lists what the board holds now.
    fn show(&mut self, cx: &mut Cx) {
        let rows: Vec<Line> = {
            let board = self.board.get();
            let accepted = board.report.iter().flat_map(|report| &report.accepted);
            board.findings().iter().map(Line::of).chain(accepted.map(Line::of_accepted)).collect()
        };
        let want = self.table.again();
        self.table.take(want, Page { rows, more: false });
        // What is on the screen stays there until the new lines have come.
        let current = self.current();
        self.lines.retain(|key, _| Some(*key) == current);
        self.read_lines(cx);
    }

    /// Reads the first lines about the finding under the cursor, unless they are there.
    fn follow(&self, cx: &mut Cx) {
        if self.current().is_some_and(|key| !self.lines.contains_key(&key)) {
            self.read_lines(cx);
        }
    }

    fn read_lines(&self, cx: &mut Cx) {
        let Some(key) = self.current() else { return };
        let Ok(order) = self.about(|finding| Order::first(finding, DETAIL)) else { return };
        let finding = self.about(|finding| Finding {
            check: finding.check,
            found: integrity::Found {
                subjects: finding.found.subjects.iter().take(DETAIL).copied().collect(),
                note: None,
                ..finding.found
            },
        });
        let Ok(finding) = finding else { return };
        let accepted = self.is_accepted();
        cx.start(&LINES, "loading rows", move |portal| async move {
            let order = Some(&order).filter(|_| !accepted && finding.class() == Class::Automatic);
            Ok((key, first_lines(&portal, &finding, order).await?))
        });
    }

    fn repaired(&mut self, result: Result<repair::Repaired>, cx: &mut Cx) {
        repair::finished(result, &mut self.board.change(), cx);
        self.table.marks_mut().clear();
        self.show(cx);
    }
}

/// Which checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Usual,
    /// Those that read every page too.
    Deep,
}

/// Runs these checks and says how far it is.
///
/// # Errors
/// As [`integrity::scan`].
pub(super) async fn scan(portal: &Portal, task: &Task, only: &[String]) -> Result<Report> {
    integrity::scan(portal, only, Some(&tell(task, At::default()))).await
}

/// Tells the gauge how far a scan is, and the tab at which check.
fn tell(task: &Task, at: At) -> Tell {
    /// Steps that one check counts for.
    const EACH: u64 = 100;
    let task = task.clone();
    Arc::new(move |now: ScanProgress| {
        let within = (now.done * EACH).checked_div(now.total).unwrap_or(0).min(EACH);
        task.progress((now.number as u64 - 1) * EACH + within, now.of as u64 * EACH);
        at.set(now);
    })
}

/// What the repair of the first decisions writes; where there is none, the rows themselves.
async fn first_lines(portal: &Portal, finding: &Finding, order: Option<&Order>) -> Result<Vec<DiffLine>> {
    if let Some(order) = order {
        match repair::prepare(portal, order, DETAIL).await {
            Ok(prepared) if !prepared.is_empty() => {
                // A single row has no heading of its own; the title says whose it is.
                let title = DiffLine::new(Sign::Heading, prepared.text.title);
                let single = (order.count() == 1).then_some(title);
                return Ok(single.into_iter().chain(prepared.text.lines).collect());
            }
            Ok(_) => {}
            Err(error) if error.kind == Kind::Conflict => {
                return Ok(vec![DiffLine::new(Sign::Warning, error.message)]);
            }
            Err(error) => return Err(error),
        }
    }
    let rows = finding.rows(portal, 0, DETAIL).await?;
    Ok(rows.into_iter().map(|row| DiffLine::new(Sign::Note, row.text)).collect())
}

impl Screen for Integrity {
    fn title(&self) -> String {
        "Integrity".to_owned()
    }

    fn number(&self) -> Option<usize> {
        Some(4)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::IntegrityScan | Action::IntegrityScanDeep => may_scan(&self.sitting),
            Action::Open => self.about(|_| ()),
            Action::IntegrityAccept => may_repair(&self.sitting).and_then(|()| self.about(|_| ())),
            Action::IntegrityPreview | Action::IntegrityFix | Action::IntegrityFixKind
                if self.marked().is_empty() && self.is_accepted() =>
            {
                self.current().map_or(Ok(()), |key| Err(was_accepted(key)))
            }
            Action::IntegrityPreview if self.must_choose() => Ok(()),
            Action::IntegrityFix if self.must_choose() => may_repair(&self.sitting),
            Action::IntegrityPreview => self.about(is_automatic)?,
            Action::IntegrityFix => may_repair(&self.sitting).and_then(|()| self.order().map(|_| ())),
            Action::IntegrityFixKind => may_repair(&self.sitting).and_then(|()| self.about(is_automatic)?),
            Action::HistoryOpenRows => repair::may_open_touched(&self.board.get()),
            Action::Export if self.board.get().report.is_none() => {
                Err("Nothing was scanned yet; R scans.".to_owned())
            }
            Action::Mark | Action::MarkRange | Action::MarkAll if self.table.is_empty() => {
                Err("There is nothing to mark.".to_owned())
            }
            _ => self.sitting.may(action, None),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.look(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        {
            let mut board = self.board.change();
            board.stale |= !std::mem::take(&mut board.settled);
            // Whatever ran has ended, whoever started it.
            board.repairing = false;
        }
        self.show(cx);
        self.look(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::IntegrityScan => self.scan(Depth::Usual, cx),
            Action::IntegrityScanDeep => self.scan(Depth::Deep, cx),
            Action::Open => {
                if let Some(key) = self.current() {
                    cx.push(FindingScreen::new(self.board.clone(), key, self.sitting.clone(), self.clock));
                }
            }
            Action::IntegrityPreview | Action::IntegrityFix if self.must_choose() => self.decide(cx),
            Action::IntegrityPreview => {
                if let Ok(order) = self.about(|finding| Order::all([finding])) {
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
            Action::IntegrityAccept => self.accept(cx),
            Action::HistoryOpenRows => repair::open_touched(&self.board.get(), self.clock, cx),
            Action::Export => {
                if let Some(report) = &self.board.get().report {
                    let name = format!("findings-{}.csv", self.clock.date(report.at));
                    cx.push(Export::new(report.clone(), Lines::Findings, &name));
                }
            }
            Action::Undo | Action::Redo => undo::act(action, cx),
            _ => {
                self.table.act(action);
                self.follow(cx);
            }
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = LOOK.take(reply) {
            match result {
                Ok((sitting, users)) => self.looked(sitting, users, cx),
                Err(error) if error.kind == Kind::Interrupted => self.phase = Phase::Stopped,
                Err(error) => {
                    self.phase = Phase::Failed(error.message.clone());
                    cx.fail(&error);
                }
            }
        } else if let Some(result) = SCAN.take(reply) {
            self.scanned(result, cx);
        } else if let Some(result) = LINES.take(reply) {
            match result {
                Ok((key, lines)) => {
                    self.lines.insert(key, lines);
                }
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = REPAIR.take(reply) {
            self.repaired(result, cx);
        } else if baseline::reply(reply, &self.board, self.clock, cx) {
            self.show(cx);
        } else {
            repair::reply(reply, &self.board, cx);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        repair::stop(&self.board, cx) || self.table.clear_range() || self.table.marks_mut().clear()
    }

    fn status(&self) -> String {
        let marked = self.marked().len();
        if marked > 0 {
            return format!("{marked} marked");
        }
        if self.table.is_empty() { String::new() } else { self.table.place() }
    }

    fn badge(&self) -> Option<String> {
        let board = self.board.get();
        let report = board.report.as_ref()?;
        let bad = board.findings().iter().filter(|finding| finding.severity() >= Severity::Warning).count();
        let found = if bad == 0 { "ok".to_owned() } else { format!("▲{}", grouped(bad as u64)) };
        let age = self.clock.ago(report.at);
        Some(if age == "now" { found } else { format!("{found} {age}") })
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let board = self.board.get();
        let detail = self.table.current().map(|line| line.key).and_then(|key| {
            let lines = self.lines.get(&key).map_or(&[][..], Vec::as_slice);
            Some(Detail { finding: board.find(key)?, key, lines })
        });
        let off = may_repair(&self.sitting).err();
        let view = View { board: &board, phase: &self.phase, detail, off: off.as_deref(), clock: self.clock };
        view.draw(frame, area, &mut self.table, theme);
    }
}

#[cfg(test)]
mod tests;
