//! One department's record: beside the list where there is room, else on a screen of its own.

use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::actions::{self, Which};
use crate::directory::Portal;
use crate::directory::departments::{self, Record};
use crate::error::{Kind, Result};
use crate::integrity::{self, AboutDepartment};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::integrity::line::tone;
use crate::tui::screens::record;
use crate::tui::screens::user_actions::{SITTING, Sitting};
use crate::tui::screens::user_findings::may_scan;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::labelled::{Lines, Scroll};
use crate::tui::widgets::{cells, grouped, put};

/// The keys of the record as a screen, beside those about the department and those that scroll.
pub const KEYS: &[Binding] = &[Binding::new(&[code(Key::Enter)], Action::Open, "members").quiet()];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[actions::KEYS, KEYS, record::KEYS];

/// Reads a record.
const READ: Slot<Record> = Slot::latest("departments.record");
/// Looks what is wrong with departments; nothing where whoever works now may not scan.
pub(super) const FINDINGS: Slot<Option<Findings>> = Slot::latest("departments.findings");

/// What is wrong with departments, by their ids.
pub(super) type Findings = std::collections::BTreeMap<i64, Vec<AboutDepartment>>;

/// Starts looking what is wrong with departments.
pub(super) fn look(cx: &mut Cx) {
    cx.start(&FINDINGS, "looking at the departments", |portal| async move { findings(&portal).await });
}

async fn findings(portal: &Portal) -> Result<Option<Findings>> {
    if may_scan(portal).await? { integrity::of_departments(portal).await.map(Some) } else { Ok(None) }
}

/// A record, how far it is scrolled, and which one it should be.
pub(super) struct Pane {
    shown: Option<Record>,
    wanted: Option<i64>,
    findings: Option<Findings>,
    scroll: Scroll,
    clock: Clock,
}

impl Pane {
    /// An empty pane.
    pub(super) fn new(clock: Clock) -> Self {
        Self { shown: None, wanted: None, findings: None, scroll: Scroll::default(), clock }
    }

    /// Wants this department's record, read once nothing else was wanted for so long. The old one stays until then.
    pub(super) fn want(&mut self, id: i64, delay: Duration, cx: &mut Cx) {
        self.wanted = Some(id);
        cx.start_after(delay, &READ, "reading the department", move |portal| async move {
            departments::read(&portal, id).await
        });
    }

    /// Which department's record is shown or on its way.
    pub(super) fn wanted(&self) -> Option<i64> {
        self.wanted
    }

    /// Shows nothing.
    pub(super) fn clear(&mut self) {
        self.shown = None;
        self.wanted = None;
    }

    /// The department that is shown.
    pub(super) fn which(&self) -> Option<Which> {
        self.shown.as_ref().map(|record| Which::of(&record.department))
    }

    /// Says what is wrong with departments, once that is known.
    pub(super) fn set_findings(&mut self, findings: Option<Findings>) {
        self.findings = findings;
    }

    /// Takes a reply; gives the error where there is no record, and nothing where the reply is another's.
    pub(super) fn reply(&mut self, reply: &mut Reply) -> Option<Result<()>> {
        Some(match READ.take(reply)? {
            Ok(record) => {
                if self.shown.as_ref().is_none_or(|shown| shown.department.id != record.department.id) {
                    self.scroll.to_top();
                }
                self.shown = Some(record);
                Ok(())
            }
            Err(error) => {
                self.wanted = None;
                if error.kind == Kind::Invalid {
                    self.shown = None;
                }
                Err(error)
            }
        })
    }

    /// Scrolls.
    pub(super) fn act(&mut self, action: Action) {
        self.scroll.act(action);
    }

    /// Draws it; `focused` says whether the keys scroll it.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, focused: bool, theme: &Theme) {
        let Some(record) = &self.shown else { return };
        let head = Rect { height: area.height.min(1), ..area };
        draw_head(frame.buffer_mut(), head, record, focused, theme);
        let body = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        let found = |all: &'_ Findings| all.get(&record.department.id).cloned().unwrap_or_default();
        let lines = lines(record, self.findings.as_ref().map(found), body.width, &self.clock);
        self.scroll.draw(frame, body, &lines, theme);
    }
}

/// The name with the id at the right.
fn draw_head(buffer: &mut Buffer, area: Rect, record: &Record, focused: bool, theme: &Theme) {
    let id = format!("#{}", record.department.id);
    let width = cells(id.len()).min(area.width);
    let tone = if focused { Tone::Accent } else { Tone::Strong };
    let name = area.width.saturating_sub(width + 1);
    put(buffer, area.x, area.y, name, &record.department.name, theme.style(tone));
    put(buffer, area.right() - width, area.y, width, &id, theme.style(Tone::Quiet));
}

fn lines(record: &Record, findings: Option<Vec<AboutDepartment>>, width: u16, clock: &Clock) -> Lines {
    let mut lines = Lines::new(width);
    let department = &record.department;
    let made = department.created_at.map_or_else(String::new, |at| format!(" · made {}", clock.date(at)));
    let (state, state_tone) =
        if department.is_active { ("active", Tone::Plain) } else { ("inactive", Tone::Warn) };
    lines.add("State", &format!("{state}{made}"), state_tone);
    if department.description.trim().is_empty() {
        lines.add("About", "no description", Tone::Quiet);
    } else {
        lines.add_lines("About", &department.description, Tone::Plain);
    }
    add_members(&mut lines, record);
    for it in &record.elsewhere {
        lines.add("Elsewhere", &format!("{} {} ({})", it.table, it.rows, it.column), Tone::Plain);
    }
    match findings {
        None => {}
        Some(found) if found.is_empty() => lines.add("Findings", "none", Tone::Plain),
        Some(found) => {
            for (at, finding) in found.iter().enumerate() {
                let words = format!("{} {}: {}", finding.id, finding.severity.name(), finding.title);
                lines.add(if at == 0 { "Findings" } else { "" }, &words, tone(finding.severity));
            }
        }
    }
    if let Some(history) = &record.history {
        record::add_history(&mut lines, history, clock);
    }
    lines
}

fn add_members(lines: &mut Lines, record: &Record) {
    let Some(members) = record.members else {
        return lines.add("Members", "this portal doesn't say who is in which department", Tone::Quiet);
    };
    let count = |number: i64| grouped(u64::try_from(number).unwrap_or(0));
    let words = match (members.all, members.all - members.active) {
        (0, _) => "none".to_owned(),
        (all, 0) => format!("{}, all active", count(all)),
        (all, inactive) => format!("{}, {} of them inactive", count(all), count(inactive)),
    };
    lines.add("Members", &words, Tone::Plain);
    for member in &record.first {
        let inactive = if member.is_active { "" } else { " (inactive)" };
        let tone = if member.is_active { Tone::Plain } else { Tone::Quiet };
        lines.add("", &format!("{}{inactive}", member.username), tone);
    }
    let shown = i64::try_from(record.first.len()).unwrap_or(0);
    if members.all > shown {
        lines.add("", &format!("and {} more", count(members.all - shown)), Tone::Quiet);
    }
}

/// The record as a screen, for terminals without room beside the list.
pub struct DepartmentScreen {
    pane: Pane,
    sitting: Sitting,
    which: Which,
}

impl DepartmentScreen {
    /// The record of this department.
    #[must_use]
    pub fn new(which: Which, clock: Clock) -> Self {
        Self { pane: Pane::new(clock), sitting: Sitting::default(), which }
    }

    fn read(&mut self, cx: &mut Cx) {
        self.pane.want(self.which.id, Duration::ZERO, cx);
        look(cx);
        self.sitting.ask(cx);
    }
}

impl Screen for DepartmentScreen {
    fn title(&self) -> String {
        self.which.name.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        let action = if action == Action::Open { Action::DepartmentsMembers } else { action };
        actions::may(action, Some(&self.which), &self.sitting)
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.read(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.pane.act(action);
        let action = if action == Action::Open { Action::DepartmentsMembers } else { action };
        actions::act(action, Some(&self.which), &self.sitting, cx);
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(result) = FINDINGS.take(reply) {
            self.pane.set_findings(result.ok().flatten());
        } else if let Some(result) = self.pane.reply(reply) {
            match result {
                Ok(()) => self.which = self.pane.which().unwrap_or_else(|| self.which.clone()),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) if error.kind == Kind::Invalid => {
                    cx.refuse(format!("{} is gone.", self.which.name));
                    cx.close();
                }
                Err(error) => cx.fail(&error),
            }
        } else if !actions::reply(reply, cx) {
            // The list below reads again by itself, and this record does too.
            let _ = super::SAVED.take(reply);
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        self.pane.draw(frame, inner, false, theme);
    }
}
