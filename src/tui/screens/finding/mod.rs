//! One finding: its rows, a page at a time, each of which can be marked, previewed, and repaired or decided.

mod rows;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::rows::{COLUMNS, Line, Span};
use super::baseline::{self, Accept};
use super::decision::DecisionScreen;
use super::departments::DepartmentScreen;
use super::departments::actions::Which;
use super::export::Export;
use super::integrity::board::{FindingKey, SharedBoard};
use super::integrity::repair::{self, Order, REPAIR, is_automatic, may_repair, may_scan, was_accepted};
use super::integrity::view::{about, about_accepted, paragraph};
use super::integrity::{self, SMALL};
use super::record::RecordScreen;
use super::undo;
use super::user_actions::{SITTING, Sitting, Whom};
use crate::error::Kind;
use crate::integrity::export::Lines;
use crate::integrity::{Class, Finding, Report, Subject};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::row::PAGE;
use crate::tui::widgets::table::{self, Page, Table, Want};
use crate::tui::widgets::{grouped, put};

/// Its keys, beside those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('o')], Action::HistoryOpenRows, "users repaired"),
    Binding::new(&[key('d')], Action::IntegrityPreview, "preview"),
    Binding::new(&[key('F')], Action::IntegrityFix, "fix"),
    Binding::new(&[key('A')], Action::IntegrityFixKind, "fix all of this kind"),
    Binding::new(&[code(Key::Right)], Action::IntegrityRight, "decide"),
    Binding::new(&[code(Key::Enter)], Action::Open, "open"),
    Binding::new(&[code(Key::Tab)], Action::SwitchPane, "account"),
    Binding::new(&[key('b')], Action::IntegrityAccept, "accept"),
    Binding::new(&[key('R')], Action::IntegrityScan, "scan"),
    Binding::new(&[key('u')], Action::Undo, "undo"),
    Binding::new(&[key('E')], Action::Export, "export").quiet(),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, table::MARK_KEYS, table::KEYS];

const ROWS: Slot<(Want, Page<Line>)> = Slot::latest("finding.rows");
const SCAN: Slot<Report> = Slot::latest("finding.scan");

/// From so many rows on, what the catalogue says stands below the list.
const HIGH: u16 = 14;

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

    fn about<T>(&self, ask: impl FnOnce(&Finding) -> T) -> Result<T, String> {
        let board = self.board.get();
        board.find(self.key).map(ask).ok_or_else(|| "It is not found any more; Esc goes back.".to_owned())
    }

    /// What `F` repairs: the marked decisions; without marks the one under the cursor.
    fn order(&self) -> Result<Order, String> {
        self.about(is_automatic)??;
        let chosen = self.chosen()?;
        self.about(|finding| Order::some(finding, chosen))
    }

    fn order_of_current(&self) -> Result<Order, String> {
        let row = self.table.current().ok_or_else(|| "There is no row under the cursor.".to_owned())?;
        let subject = row.row.subject;
        self.about(|finding| Order::some(finding, vec![subject]))
    }

    /// Whether somebody can decide about this finding here.
    fn may_decide(&self) -> Result<(), String> {
        if self.is_accepted() {
            return Err(was_accepted(self.key));
        }
        self.about(|finding| match finding.class() {
            Class::Choose => Ok(()),
            Class::Automatic if finding.check.offers_decision() => Ok(()),
            Class::Automatic => Err(format!("{} leaves nothing to decide; F repairs it.", finding.id())),
            Class::Manual => is_automatic(finding),
        })?
    }

    /// Asks what there is to decide: about the marked decisions where `marked` is asked for and there are any, else about
    /// all of them, the one under the cursor first.
    fn decide(&self, marked: bool, cx: &mut Cx) {
        let current = self.table.current().map(|line| line.row.subject);
        let marks = self.table.marks();
        let screen = self.about(|finding| {
            let all = finding.found.subjects.iter().copied();
            let subjects: Vec<Subject> = if marked && !marks.is_empty() {
                all.filter(|subject| marks.has(subject)).collect()
            } else {
                all.collect()
            };
            let at = subjects.iter().position(|subject| Some(*subject) == current).unwrap_or(0);
            DecisionScreen::new(
                self.board.clone(),
                self.key,
                finding.check,
                subjects,
                at,
                self.sitting.clone(),
            )
        });
        if let Ok(screen) = screen {
            cx.push(screen);
        }
    }

    fn must_choose(&self) -> bool {
        !self.is_accepted() && self.about(Finding::class) == Ok(Class::Choose)
    }

    fn is_accepted(&self) -> bool {
        matches!(self.key, FindingKey::Accepted(..))
    }

    /// The marked decisions; without marks the one under the cursor.
    fn chosen(&self) -> Result<Vec<Subject>, String> {
        let marks = self.table.marks();
        if marks.is_empty() {
            let row = self.table.current().ok_or_else(|| "There is no row under the cursor.".to_owned())?;
            return Ok(vec![row.row.subject]);
        }
        self.about(|finding| {
            finding.found.subjects.iter().filter(|subject| marks.has(subject)).copied().collect()
        })
    }

    /// Asks for a reason to accept what is chosen; what was accepted is taken back.
    fn accept(&self, cx: &mut Cx) {
        let Ok(chosen) = self.chosen() else { return };
        let board = self.board.get();
        let Some(finding) = board.find(self.key) else { return };
        let what = vec![(finding.check, chosen)];
        let Some(accepted) = board.accepted(self.key) else {
            return cx.push(Accept::new(self.board.clone(), what, self.clock));
        };
        let numbered = finding.found.subjects.iter().zip(&accepted.ids);
        let ids = numbered.filter(|(subject, _)| what[0].1.contains(subject)).map(|(_, id)| *id).collect();
        baseline::take_back(what, ids, cx);
    }

    /// The account that the row under the cursor is about, where it exists.
    fn whom(&self) -> Option<Whom> {
        let row = &self.table.current()?.row;
        let (id, username) = (row.user_id?, row.username.clone()?);
        Some(Whom { id, username, is_active: true, target: None })
    }

    /// The department that the row under the cursor is.
    fn department(&self) -> Option<i64> {
        let row = &self.table.current()?.row;
        (row.table == "core_department").then(|| row.key.int("id")).flatten()
    }

    /// Opens the account or the department that the row under the cursor is about.
    fn open(&self, cx: &mut Cx) {
        if let Some(whom) = self.whom() {
            cx.push(RecordScreen::new(whom, self.clock));
        } else if let Some(id) = self.department() {
            // Its name is read with its record.
            let which = Which { id, name: format!("#{id}"), is_active: true };
            cx.push(DepartmentScreen::new(which, self.clock));
        }
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
        let only = vec![self.key.id().to_owned()];
        let label = format!("scanning {}", self.key.id());
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
            let name = format!("{}-{}.csv", self.key.id(), self.clock.date(report.at));
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

impl Screen for FindingScreen {
    fn title(&self) -> String {
        self.key.id().to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::IntegrityScan => may_scan(&self.sitting),
            Action::HistoryOpenRows => repair::may_open_touched(&self.board.get()),
            Action::Export => self.about(|_| ()),
            Action::IntegrityAccept => may_repair(&self.sitting).and_then(|()| self.chosen().map(|_| ())),
            Action::IntegrityPreview | Action::IntegrityFix | Action::IntegrityFixKind
                if self.is_accepted() =>
            {
                Err(was_accepted(self.key))
            }
            Action::IntegrityRight => self.may_decide(),
            Action::Open if self.may_decide().is_ok() => Ok(()),
            Action::Open | Action::SwitchPane if self.whom().is_none() && self.department().is_none() => {
                Err("This row belongs to no account or department.".to_owned())
            }
            Action::IntegrityPreview if self.must_choose() => Ok(()),
            Action::IntegrityFix if self.must_choose() => may_repair(&self.sitting),
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
        self.sitting.ask(cx);
        let small = self.board.get().report.as_ref().is_some_and(|report| report.users <= SMALL);
        if small && may_scan(&self.sitting).is_ok() {
            self.rescan(cx);
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::IntegrityAccept => self.accept(cx),
            Action::IntegrityRight => self.decide(false, cx),
            Action::Open if self.must_choose() || self.may_decide().is_ok() && self.whom().is_none() => {
                self.decide(false, cx);
            }
            Action::IntegrityPreview if self.must_choose() => self.decide(false, cx),
            Action::IntegrityFix if self.must_choose() => self.decide(true, cx),
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
            Action::Open | Action::SwitchPane => self.open(cx),
            Action::HistoryOpenRows => repair::open_touched(&self.board.get(), self.clock, cx),
            Action::Export => self.export(cx),
            Action::Undo | Action::Redo => undo::act(action, cx),
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
        } else if baseline::reply(reply, &self.board, self.clock, cx) {
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
            let title = format!("{} {dot} {} {dot} {severity}", self.key.id(), finding.title());
            let accepted = self.board.get().accepted(self.key).map(|it| about_accepted(it, self.clock));
            (title, accepted.unwrap_or_else(|| about(finding, off.as_deref())))
        });
        let (title, words) = known.unwrap_or_else(|_| (self.key.id().to_owned(), Vec::new()));
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
