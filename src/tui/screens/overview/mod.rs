//! The Overview tab: the portal's numbers as charts. Each bar opens the list that it counts.
//!
//! Each chart is a read of its own, so that what is ready shows first, and Esc stops what takes too long. Findings are
//! looked for where the portal is small enough that nobody notices; else they are those of the Integrity tab's last scan.

pub mod bars;
mod layout;
mod pane;

use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::layout::Rect;

use self::bars::Opens;
use self::layout::{CHARTS, arrange};
use self::pane::Pane;
use super::integrity::board::SharedBoard;
use super::integrity::line::tone;
use super::integrity::view::{counted, paragraph};
use super::integrity::{self, SMALL};
use super::user_actions::{SITTING, Sitting};
use super::users::Users;
use crate::directory::levels::{self, Access};
use crate::directory::stats::months::{self, Months, Time};
use crate::directory::stats::{self, Counts, Departments, SignIn};
use crate::error::{Kind, Result};
use crate::integrity::{Report, Severity};
use crate::portal::access;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::chart::Bar;
use crate::tui::widgets::{cells, grouped, put, table};

/// Its keys, beside the moves of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Open, "open the list"),
    Binding::new(&[code(Key::Tab)], Action::SwitchPane, "next chart"),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, table::KEYS];

/// Counts what is there.
pub const COUNTS: Slot<Counts> = Slot::latest("overview.counts");
/// Users by department.
pub const BY_DEPARTMENT: Slot<Departments> = Slot::latest("overview.departments");
/// Users by role.
pub const BY_ACCESS: Slot<Vec<Access>> = Slot::latest("overview.access");
/// Users by whether they can sign in.
pub const SIGN_IN: Slot<SignIn> = Slot::latest("overview.sign-in");
/// Users by the month they joined.
pub const JOINED: Slot<Months> = Slot::latest("overview.joined");
/// Users by the month of their last web login.
pub const LOGINS: Slot<Months> = Slot::latest("overview.logins");
/// Runs the checks.
pub const SCAN: Slot<Report> = Slot::latest("overview.scan");

/// Where each chart is among them.
const DEPARTMENTS: usize = 0;
const ACCESS: usize = 1;
const WHO_CAN: usize = 2;
const SIGN_UPS: usize = 3;
const LAST_LOGINS: usize = 4;
const FINDINGS: usize = 5;

/// The tab.
pub struct Overview {
    panes: [Pane; CHARTS],
    focus: usize,
    counts: Option<Counts>,
    /// The last scan of our own.
    report: Option<Report>,
    /// The Integrity tab's.
    board: SharedBoard,
    /// Of when the findings in their chart are.
    shown: Option<DateTime<Utc>>,
    /// Why nothing is shown.
    denied: Option<String>,
    clock: Clock,
}

impl Overview {
    /// The tab, nothing read yet; `board` is the Integrity tab's.
    #[must_use]
    pub fn new(board: SharedBoard) -> Self {
        Self::with_clock(board, Clock::default())
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(board: SharedBoard, clock: Clock) -> Self {
        let titles = [
            "Users per department",
            "Users per role",
            "Who can sign in to the portal",
            "Sign-ups by month",
            "Last web logins by month",
            "Findings by severity",
        ];
        Self {
            panes: titles.map(Pane::new),
            focus: 0,
            counts: None,
            report: None,
            board,
            shown: None,
            denied: None,
            clock,
        }
    }

    /// The rights are known: reads everything, or says why not.
    fn looked(&mut self, sitting: &Sitting, cx: &mut Cx) {
        self.denied = sitting.allows(&access::Action::SeeOverview).err();
        if self.denied.is_some() {
            return;
        }
        let now = self.clock.now();
        cx.start(&COUNTS, "counting accounts", |portal| async move { stats::counts(&portal).await });
        cx.start(&BY_DEPARTMENT, "counting departments", |portal| async move {
            stats::departments(&portal).await
        });
        cx.start(&BY_ACCESS, "counting roles", |portal| async move { levels::counts(&portal).await });
        cx.start(&SIGN_IN, "counting who can sign in", |portal| async move { stats::sign_in(&portal).await });
        cx.start(&JOINED, "counting sign-ups", move |portal| async move {
            months::read(&portal, Time::Joined, now).await
        });
        cx.start(&LOGINS, "counting logins", move |portal| async move {
            months::read(&portal, Time::LastLogin, now).await
        });
    }

    fn counted(&mut self, counts: Counts, cx: &mut Cx) {
        let is_small = counts.users <= SMALL;
        self.counts = Some(counts);
        if is_small {
            cx.start_task(&SCAN, "looking for findings", |portal, task| async move {
                integrity::scan(&portal, &task, &[]).await
            });
        } else {
            self.report = None;
            self.shown = None;
        }
    }

    /// Takes the numbers of a chart, or what is wrong.
    fn show<T>(
        &mut self,
        pane: usize,
        result: Result<T>,
        bars: impl FnOnce(&T) -> Vec<Bar<Opens>>,
        cx: &mut Cx,
    ) {
        match result {
            Ok(numbers) => self.panes[pane].show(bars(&numbers)),
            Err(error) => {
                self.panes[pane].failed(&error);
                if error.kind != Kind::Interrupted {
                    cx.fail(&error);
                }
            }
        }
    }

    /// Brings the chart of findings up to the last scan, ours or the Integrity tab's.
    fn refresh_findings(&mut self) {
        let board = self.board.get();
        let Some(report) = self.report.as_ref().or(board.report.as_ref()) else {
            if self.counts.as_ref().is_some_and(|counts| counts.users > SMALL) {
                self.panes[FINDINGS].say(format!(
                    "Not looked for: above {} accounts nothing is scanned by itself. Enter opens Integrity, R scans there.",
                    grouped(SMALL.unsigned_abs())
                ));
            }
            return;
        };
        if self.shown != Some(report.at) {
            self.shown = Some(report.at);
            self.panes[FINDINGS].show(bars::findings(report));
        }
    }

    fn open(&self, cx: &mut Cx) {
        match self.panes[self.focus].chart.current().map(|bar| &bar.target) {
            Some(Opens::Users(filter)) => cx.push(Users::with_filter(self.clock, filter)),
            Some(Opens::Findings(_)) => {
                cx.ask(Effect::Act(Action::Tab4));
                if self.report.is_some() {
                    // What we found may be newer than what is listed there.
                    cx.ask(Effect::Act(Action::IntegrityScan));
                }
            }
            None => cx.ask(Effect::Act(Action::Tab4)),
        }
    }

    /// `148 users · 147 profiles, not 1:1 · 2 errors, 1 warning · 5 departments · 3 roles`, as far as it is known.
    fn health(&self) -> Vec<(Tone, String)> {
        let Some(counts) = &self.counts else { return vec![(Tone::Quiet, "counting".to_owned())] };
        let many = |count: i64, what: &str| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{} {what}{plural}", grouped(count.unsigned_abs()))
        };
        let mut words = vec![(Tone::Plain, many(counts.users, "user"))];
        let (tone, matched) = if counts.one_to_one { (Tone::Plain, "1:1") } else { (Tone::Warn, "not 1:1") };
        words.push((tone, format!("{}, {matched}", many(counts.profiles, "profile"))));
        words.extend(self.verdict());
        words.push((Tone::Plain, many(counts.departments, "department")));
        let others = counts.groups - counts.roles;
        words.push((Tone::Plain, many(counts.roles, "role")));
        if others > 0 {
            words.push((Tone::Plain, many(others, "other group")));
        }
        words
    }

    /// What the last scan found.
    fn verdict(&self) -> Option<(Tone, String)> {
        let board = self.board.get();
        let report = self.report.as_ref().or(board.report.as_ref())?;
        let found: Vec<Severity> = Severity::ALL
            .into_iter()
            .filter(|severity| *severity > Severity::Info && report.kinds(*severity) > 0)
            .collect();
        let words: Vec<String> =
            found.iter().map(|severity| counted(*severity, report.kinds(*severity))).collect();
        Some(match found.first() {
            Some(worst) => (tone(*worst), words.join(", ")),
            None => (Tone::Good, "nothing wrong".to_owned()),
        })
    }

    /// The first line: what does not fit any more is left out, the least important first.
    fn draw_health(&self, frame: &mut Frame<'_>, row: Rect, theme: &Theme) {
        let gap = format!(" {} ", theme.dot());
        let mut x = row.x;
        for (at, (tone, words)) in self.health().into_iter().enumerate() {
            let gap = if at == 0 { "" } else { gap.as_str() };
            let room = row.right().saturating_sub(x);
            if at > 0 && cells(text::width(&words) + text::width(gap)) > room {
                return;
            }
            x += put(frame.buffer_mut(), x, row.y, room, gap, theme.style(Tone::Quiet));
            x += put(frame.buffer_mut(), x, row.y, row.right().saturating_sub(x), &words, theme.style(tone));
        }
    }
}

impl Screen for Overview {
    fn title(&self) -> String {
        "Overview".to_owned()
    }

    fn number(&self) -> Option<usize> {
        Some(6)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        if let Some(why) = &self.denied {
            return Err(why.clone());
        }
        match action {
            Action::Open if self.focus != FINDINGS && self.panes[self.focus].chart.current().is_none() => {
                Err("There is no bar under the cursor.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        Sitting::start(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        Sitting::start(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Open => self.open(cx),
            Action::SwitchPane => self.focus = (self.focus + 1) % CHARTS,
            // Beyond the end of a chart the next one begins.
            _ if self.panes[self.focus].chart.act(action) => {}
            Action::Down if self.focus + 1 < CHARTS => {
                self.focus += 1;
                self.panes[self.focus].chart.act(Action::First);
            }
            Action::Up if self.focus > 0 => {
                self.focus -= 1;
                self.panes[self.focus].chart.act(Action::Last);
            }
            _ => {}
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SITTING.take(reply) {
            match result {
                Ok(sitting) => self.looked(&sitting, cx),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = COUNTS.take(reply) {
            match result {
                Ok(counts) => self.counted(counts, cx),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = BY_DEPARTMENT.take(reply) {
            self.show(DEPARTMENTS, result, bars::departments, cx);
        } else if let Some(result) = BY_ACCESS.take(reply) {
            self.show(ACCESS, result, |access| bars::access(access), cx);
        } else if let Some(result) = SIGN_IN.take(reply) {
            self.show(WHO_CAN, result, bars::sign_in, cx);
        } else if let Some(result) = JOINED.take(reply) {
            self.show(SIGN_UPS, result, |months| bars::months(Time::Joined, months), cx);
        } else if let Some(result) = LOGINS.take(reply) {
            self.show(LAST_LOGINS, result, |months| bars::months(Time::LastLogin, months), cx);
        } else if let Some(result) = SCAN.take(reply) {
            match result {
                Ok(report) => self.report = Some(report),
                failed => self.show(FINDINGS, failed, bars::findings, cx),
            }
        }
    }

    fn status(&self) -> String {
        if self.denied.is_some() { String::new() } else { self.panes[self.focus].chart.place() }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let row = Rect { x: area.x + 1, width: area.width.saturating_sub(2), height: 1, ..area };
        if let Some(why) = &self.denied {
            paragraph(frame.buffer_mut(), Rect { height: area.height, ..row }, why, Tone::Plain, theme);
            return;
        }
        self.refresh_findings();
        self.draw_health(frame, row, theme);
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        let whole = std::array::from_fn(|at| self.panes[at].whole());
        let places = arrange(body, &whole, self.focus);
        for (at, (pane, place)) in self.panes.iter_mut().zip(places).enumerate() {
            pane.draw(frame.buffer_mut(), place, at == self.focus, theme);
        }
    }
}

#[cfg(test)]
mod tests;
