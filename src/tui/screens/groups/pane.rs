//! One group's record: beside the list where there is room, else a screen of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::actions::{self, Which};
use crate::directory::groups::{self, Record};
use crate::error::{Kind, Result};
use crate::integrity::{self, Finding};
use crate::portal::access::Level;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::integrity::line;
use crate::tui::screens::record;
use crate::tui::screens::user_actions::{SITTING, Sitting};
use crate::tui::screens::user_findings::may_scan;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::labelled::{Lines, Scroll};
use crate::tui::widgets::{cells, grouped, put};

/// The keys of the record as a screen, beside those about the group and those that scroll.
pub const KEYS: &[Binding] = &[Binding::new(&[code(Key::Enter)], Action::Open, "members").quiet()];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[actions::KEYS, KEYS, record::KEYS];

/// Reads a record.
const READ: Slot<Record> = Slot::latest("groups.record");
/// Looks what is wrong with groups; nothing where whoever works now may not scan.
pub(super) const FINDINGS: Slot<Option<Findings>> = Slot::latest("groups.findings");

/// What is wrong with groups, by their ids.
pub(super) type Findings = BTreeMap<i64, Vec<Finding>>;

/// Starts looking what is wrong with groups.
pub(super) fn look(cx: &mut Cx) {
    cx.start(&FINDINGS, "looking at the groups", |portal| async move {
        if may_scan(&portal).await? { integrity::of_groups(&portal).await.map(Some) } else { Ok(None) }
    });
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

    /// Wants this group's record, read once nothing else was wanted for so long. The old one stays until then.
    pub(super) fn want(&mut self, id: i64, delay: Duration, cx: &mut Cx) {
        self.wanted = Some(id);
        cx.start_after(delay, &READ, "reading the group", move |portal| async move {
            groups::record(&portal, id).await
        });
    }

    /// Shows what is wrong with groups.
    pub(super) fn set_findings(&mut self, findings: Option<Findings>) {
        self.findings = findings;
    }

    /// Which group's record is shown or on its way.
    pub(super) fn wanted(&self) -> Option<i64> {
        self.wanted
    }

    /// Shows nothing.
    pub(super) fn clear(&mut self) {
        self.shown = None;
        self.wanted = None;
    }

    /// The group that is shown.
    pub(super) fn which(&self) -> Option<Which> {
        self.shown.as_ref().map(|record| Which::from(&record.group))
    }

    /// Takes a reply; gives the error where there is no record, and nothing where the reply is another's.
    pub(super) fn reply(&mut self, reply: &mut Reply) -> Option<Result<()>> {
        Some(match READ.take(reply)? {
            Ok(record) => {
                if self.shown.as_ref().is_none_or(|shown| shown.group.id != record.group.id) {
                    self.scroll.to_top();
                }
                self.shown = Some(record);
                Ok(())
            }
            Err(error) => {
                self.wanted = None;
                if error.kind == Kind::Conflict {
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
        let found =
            self.findings.as_ref().map(|all| all.get(&record.group.id).map_or(&[][..], Vec::as_slice));
        let lines = lines(record, found, body.width, &self.clock);
        self.scroll.draw(frame, body, &lines, theme);
    }
}

/// The name with the id at the right.
fn draw_head(buffer: &mut Buffer, area: Rect, record: &Record, focused: bool, theme: &Theme) {
    let id = format!("#{}", record.group.id);
    let id_width = cells(id.len()).min(area.width);
    let name = area.width.saturating_sub(id_width + 1);
    let tone = if focused { Tone::Accent } else { Tone::Strong };
    put(buffer, area.x, area.y, name, &record.group.name, theme.style(tone));
    put(buffer, area.right() - id_width, area.y, id_width, &id, theme.style(Tone::Quiet));
}

/// What a role means here. What it means in the portal is the configuration's to say.
const fn meaning(level: Level) -> &'static str {
    match level {
        Level::Superuser => "everything, here and in the portal",
        Level::Admin => "everything but privileged accounts, the roles' own groups and permissions of groups",
        Level::AmcAdmin => {
            "sees everything; creates and edits accounts below its own role; gives and takes Engineer"
        }
        Level::Engineer => {
            "sees users, groups and departments; edits the own phone, notifications and password"
        }
    }
}

fn lines(record: &Record, findings: Option<&[Finding]>, width: u16, clock: &Clock) -> Lines {
    let group = &record.group;
    let mut lines = Lines::new(width);
    match group.level {
        Some(level) => {
            lines.add("Role", &level.to_string(), Tone::Strong);
            if !group.description.is_empty() {
                lines.add("In portal", &group.description, Tone::Plain);
            }
            lines.add("Here", meaning(level), Tone::Plain);
        }
        None => lines.add("Role", "none: being in it gives no access here", Tone::Plain),
    }
    let number = |count: i64| grouped(u64::try_from(count).unwrap_or(0));
    let mut members = vec![number(group.members), format!("{} active", number(record.active_members))];
    if record.staff_members > 0 {
        members.push(format!("{} with a way into the portal's admin", number(record.staff_members)));
    }
    lines.add("Members", &members.join(" · "), Tone::Plain);
    add_permissions(&mut lines, record);
    add_findings(&mut lines, findings);
    if let Some(history) = &record.history {
        record::add_history(&mut lines, history, clock);
    }
    lines
}

fn add_findings(lines: &mut Lines, findings: Option<&[Finding]>) {
    let Some(findings) = findings else { return };
    if findings.is_empty() {
        lines.add("Findings", "none", Tone::Plain);
    }
    for (at, finding) in findings.iter().enumerate() {
        let words = format!(
            "{} {}: {}; the Integrity tab says what to do",
            finding.id(),
            finding.severity().name(),
            finding.title()
        );
        lines.add(if at == 0 { "Findings" } else { "" }, &words, line::tone(finding.severity()));
    }
}

/// By application and model, in Django's order.
fn add_permissions(lines: &mut Lines, record: &Record) {
    if let Some(lacking) = &record.lacking {
        return lines.add("Permissions", lacking, Tone::Quiet);
    }
    let count = record.permissions.len();
    lines.add("Permissions", &if count == 0 { "none".to_owned() } else { count.to_string() }, Tone::Plain);
    let mut models: Vec<(String, Vec<&str>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for permission in &record.permissions {
        let model = match (permission.app.as_str(), permission.model.as_str()) {
            ("", "") => "of a model that is gone".to_owned(),
            (app, model) => format!("{app} · {model}"),
        };
        let place = *places.entry(model.clone()).or_insert_with(|| {
            models.push((model, Vec::new()));
            models.len() - 1
        });
        models[place].1.push(&permission.codename);
    }
    for (model, codenames) in models {
        lines.add("", &format!("{model}: {}", codenames.join(", ")), Tone::Plain);
    }
}

/// The record as a screen, for terminals without room beside the list.
pub(super) struct GroupScreen {
    pane: Pane,
    sitting: Sitting,
    which: Which,
}

impl GroupScreen {
    /// The record of this group.
    pub(super) fn new(which: Which, clock: Clock) -> Self {
        Self { pane: Pane::new(clock), sitting: Sitting::default(), which }
    }

    fn read(&mut self, cx: &mut Cx) {
        self.pane.want(self.which.id, Duration::ZERO, cx);
        self.sitting.ask(cx);
        look(cx);
    }
}

impl Screen for GroupScreen {
    fn title(&self) -> String {
        self.which.name.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        let action = if action == Action::Open { Action::GroupsMembers } else { action };
        actions::may(&self.sitting, action, Some(&self.which))
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.read(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.pane.act(action);
        let action = if action == Action::Open { Action::GroupsMembers } else { action };
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
                Err(error) if error.kind == Kind::Conflict => {
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
