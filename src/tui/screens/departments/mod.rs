//! The Departments tab: the list, and beside it, where there is room, the record of the department under the cursor.

pub mod actions;
pub mod form;
mod line;
pub mod members;
pub mod merge;
pub mod pane;
pub mod where_to;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::actions::Which;
use self::form::DepartmentForm;
use self::line::{COLUMNS, Line, Order};
use self::pane::{DepartmentScreen, FINDINGS, Findings, Pane, look};
use super::pick::Pick;
use super::user_actions::{SITTING, Sitting};
use crate::directory::departments::{self, Members};
use crate::directory::filter::terms;
use crate::error::{Kind, Result};
use crate::portal::department::Department;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::integrity::view::paragraph;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::picker::Choice;
use crate::tui::widgets::table::{self, Page, Table};
use crate::tui::widgets::text_field::{TextField, draw_prompt};
use crate::tui::widgets::{cells, put};

/// Its keys, beside those about one department and those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[key('n')], Action::DepartmentsNew, "new"),
    Binding::new(&[code(Key::Enter)], Action::Open, "members, or the record where it is narrow").quiet(),
    Binding::new(&[code(Key::Tab)], Action::SwitchPane, "list or record").quiet(),
    Binding::new(&[key('s')], Action::Sort, "sort").quiet(),
    Binding::new(&[key('S')], Action::ReverseSort, "reverse the order").quiet(),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, actions::KEYS, table::KEYS];

/// What is read for the list: the departments by name, or why there are none to be read.
#[derive(Debug)]
pub struct Loaded {
    departments: Vec<Department>,
    lack: Option<String>,
}

/// Reads the departments.
pub const ROWS: Slot<Loaded> = Slot::latest("departments.rows");
/// Who is in which takes longer than their names.
const MEMBERS: Slot<Option<BTreeMap<i64, Members>>> = Slot::latest("departments.members");
const SORTED: Slot<usize> = Slot::latest("departments.sort");
/// Tells the list which department was just written.
pub(super) const SAVED: Slot<i64> = Slot::latest("departments.saved");

/// From so many columns on, the record stands beside the list.
const WIDE: u16 = 100;
/// How long the cursor rests before the record is read: longer than a held key takes to repeat.
const REST: Duration = Duration::from_millis(100);

/// The tab.
#[expect(clippy::struct_excessive_bools, reason = "none of them says anything about another")]
pub struct Departments {
    /// All that match, by name.
    lines: Vec<Line>,
    table: Table<Line>,
    order: Order,
    descending: bool,
    filter: TextField,
    typing: bool,
    /// Why this portal has no departments.
    lack: Option<String>,
    /// The department that the cursor goes to once it is read.
    awaited: Option<i64>,
    members: Option<BTreeMap<i64, Members>>,
    findings: Option<Findings>,
    pane: Pane,
    sitting: Sitting,
    in_record: bool,
    wide: bool,
    clock: Clock,
}

impl Default for Departments {
    fn default() -> Self {
        Self::new(Clock::default())
    }
}

impl Departments {
    /// The tab, nothing read yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            lines: Vec::new(),
            table: Table::new(&COLUMNS),
            order: Order::default(),
            descending: false,
            filter: TextField::free(""),
            typing: false,
            lack: None,
            awaited: None,
            members: None,
            findings: None,
            pane: Pane::new(clock),
            sitting: Sitting::default(),
            in_record: false,
            wide: false,
            clock,
        }
    }

    fn which(&self) -> Option<Which> {
        self.table.current().map(|line| Which::of(&line.department))
    }

    /// Reads names at once, and behind them what takes longer.
    fn read(&self, cx: &mut Cx) {
        self.read_names(cx);
        cx.start(
            &MEMBERS,
            "counting members",
            |portal| async move { departments::members::all(&portal).await },
        );
        look(cx);
        Sitting::ask(cx);
    }

    fn read_names(&self, cx: &mut Cx) {
        // A colon has no meaning here.
        let parts = terms(self.filter.value()).into_iter();
        let words: Vec<String> = parts.map(|part| part.written.replace('"', "")).collect();
        cx.start(&ROWS, "loading departments", move |portal| async move {
            let lack = departments::lack(&portal).map(|lack| lack.to_string());
            Ok(Loaded { departments: departments::list(&portal, &words).await?, lack })
        });
    }

    /// Shows what is known now, in the order in force. The cursor stays on its department.
    fn show(&mut self) {
        for line in &mut self.lines {
            let id = line.department.id;
            line.members = self.members.as_ref().map(|all| all.get(&id).copied().unwrap_or_default());
            line.findings = self.findings.as_ref().map(|all| all.get(&id).cloned().unwrap_or_default());
        }
        let mut rows = self.lines.clone();
        match self.order {
            Order::Name => {}
            Order::Active => rows.sort_by_key(|line| Reverse(line.department.is_active)),
            Order::Members => rows.sort_by_key(|line| Reverse(line.members.map(|members| members.all))),
            Order::Findings => rows.sort_by_key(|line| Reverse(line.findings.as_ref().map(Vec::len))),
        }
        if self.descending {
            rows.reverse();
        }
        self.table.set_empty(if self.filter.value().is_empty() {
            "There are no departments yet; n makes one."
        } else {
            "No department matches; Esc clears the filter."
        });
        self.table.set_sorted(self.order.column(), self.descending);
        let want = self.table.again();
        self.table.set_total(Some(rows.len() as u64));
        self.table.take(want, Page { rows, more: false });
        if let Some(id) = self.awaited
            && self.table.go_to(&id)
        {
            self.awaited = None;
        }
    }

    fn take_rows(&mut self, loaded: Result<Loaded>, cx: &mut Cx) {
        match loaded {
            Ok(Loaded { departments, lack }) => {
                self.lack = lack;
                self.lines = departments.into_iter().map(Line::new).collect();
                self.show();
                self.follow(Duration::ZERO, cx);
            }
            Err(error) if error.kind == Kind::Interrupted => {}
            Err(error) => cx.fail(&error),
        }
    }

    /// Wants the record of the department under the cursor, unless it is there or on its way.
    fn follow(&mut self, delay: Duration, cx: &mut Cx) {
        match self.which().map(|which| which.id) {
            Some(id) if self.pane.wanted() == Some(id) => {}
            Some(id) => self.pane.want(id, delay, cx),
            None => self.pane.clear(),
        }
    }

    fn open(&self, cx: &mut Cx) {
        match self.which() {
            Some(which) if !self.wide => cx.push(DepartmentScreen::new(which, self.clock)),
            which => actions::act(Action::DepartmentsMembers, which.as_ref(), &self.sitting, cx),
        }
    }

    fn sort(&mut self, order: Order) {
        self.descending = self.order == order && !self.descending;
        self.order = order;
        self.show();
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect, focused: bool, theme: &Theme) {
        let filtering = self.typing || !self.filter.value().is_empty();
        let height = u16::from(filtering && area.height > 1);
        let row = Rect { height, ..area };
        if height > 0 {
            let at = draw_prompt(frame.buffer_mut(), row, " / ", &self.filter, theme.style(Tone::Accent));
            if self.typing {
                frame.set_cursor_position(at);
            }
        }
        let below = Rect { y: area.y + height, height: area.height - height, ..area };
        self.table.draw(frame, below, focused, theme);
    }
}

impl Screen for Departments {
    fn title(&self) -> String {
        "Departments".to_owned()
    }

    fn number(&self) -> Option<usize> {
        Some(3)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        if let (Some(lack), false) = (&self.lack, matches!(action, Action::Undo | Action::Redo)) {
            return Err(format!("This portal has no departments: {lack}."));
        }
        match action {
            Action::SwitchPane if !self.wide => {
                Err("There is no room for the record beside the list; Enter opens it.".to_owned())
            }
            Action::Open if self.table.current().is_none() => {
                Err("There is no department under the cursor.".to_owned())
            }
            _ => actions::may(action, self.which().as_ref(), &self.sitting),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.wide = cx.size().width >= WIDE;
        self.read(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        if let Some(which) = self.which() {
            self.pane.want(which.id, Duration::ZERO, cx);
        }
        self.read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Filter => {
                self.in_record = false;
                self.typing = true;
            }
            Action::Sort => {
                let note = |order: Order| if order == self.order { "now; again reverses" } else { "" };
                let choices = Order::ALL.iter().map(|order| Choice::new(order.label(), note(*order)));
                cx.push(Pick::new("Sort by", choices.collect(), self.order.column(), &SORTED));
            }
            Action::ReverseSort => {
                self.descending = !self.descending;
                self.show();
            }
            Action::Open => self.open(cx),
            Action::SwitchPane => self.in_record = !self.in_record,
            Action::DepartmentsNew => cx.push(DepartmentForm::new()),
            _ if is_move(action) && self.in_record => self.pane.act(action),
            _ if is_move(action) => {
                self.table.act(action);
                self.follow(REST, cx);
            }
            _ => actions::act(action, self.which().as_ref(), &self.sitting, cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.typing
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let before = self.filter.value().to_owned();
        let used = match input {
            Input::Key(chord) if matches!(chord.key, Key::Enter | Key::Down) => {
                self.typing = false;
                return true;
            }
            Input::Key(chord) => self.filter.key(*chord),
            Input::Paste(words) => {
                self.filter.paste(words);
                true
            }
            _ => false,
        };
        if self.filter.value() != before {
            self.read_names(cx);
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(loaded) = ROWS.take(reply) {
            self.take_rows(loaded, cx);
        } else if let Some(Ok(members)) = MEMBERS.take(reply) {
            self.members = members;
            self.show();
        } else if let Some(Ok(findings)) = FINDINGS.take(reply) {
            self.pane.set_findings(findings.clone());
            self.findings = findings;
            self.show();
        } else if let Some(result) = self.pane.reply(reply) {
            // A department that is gone leaves the list by itself.
            if let Err(error) = result
                && !matches!(error.kind, Kind::Interrupted | Kind::Invalid)
            {
                cx.fail(&error);
            }
        } else if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(Ok(at)) = SORTED.take(reply) {
            self.sort(Order::ALL.get(at).copied().unwrap_or_default());
        } else if let Some(Ok(id)) = SAVED.take(reply) {
            self.awaited = Some(id);
            self.read(cx);
        } else {
            actions::reply(reply, cx);
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        if std::mem::take(&mut self.in_record) {
            return true;
        }
        let had = self.typing || !self.filter.value().is_empty();
        self.typing = false;
        self.filter.set("");
        if had {
            self.read_names(cx);
        }
        had
    }

    fn status(&self) -> String {
        if self.lack.is_some() {
            return String::new();
        }
        let place = self.table.place();
        let gap = if place.is_empty() { "" } else { " · " };
        let reversed = if self.descending { ", reversed" } else { "" };
        format!("{place}{gap}by {}{reversed}", self.order.label())
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.wide = area.width >= WIDE;
        self.in_record &= self.wide;
        if let Some(lack) = &self.lack {
            let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
            let words = format!("This portal has no departments: {lack}.");
            paragraph(frame.buffer_mut(), inner, &words, Tone::Plain, theme);
            return;
        }
        if !self.wide {
            return self.draw_list(frame, area, true, theme);
        }
        let width = cells(usize::from(area.width) * 3 / 5);
        self.draw_list(frame, Rect { width, ..area }, !self.in_record, theme);
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
