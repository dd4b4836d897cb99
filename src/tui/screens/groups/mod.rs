//! The Groups tab: the list, and beside it, where there is room, the record of the group under the cursor.

pub mod actions;
pub mod add_member;
mod line;
pub mod members;
mod name;
pub mod pane;
pub mod permissions;
mod sort;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::actions::Which;
use self::line::{By, COLUMNS, Line, matches};
use self::pane::{GroupScreen, Pane};
use super::user_actions::{SITTING, Sitting};
use crate::directory::groups::{self, Group};
use crate::error::Kind;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::table::{self, Page, Table};
use crate::tui::widgets::text_field::{TextField, draw_prompt};
use crate::tui::widgets::{cells, put};

/// Its keys, beside those about one group and those of every list.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[key('n')], Action::GroupsNew, "new"),
    Binding::new(&[code(Key::Enter)], Action::Open, "members, or the record where it is narrow").quiet(),
    Binding::new(&[code(Key::Tab)], Action::SwitchPane, "list or record").quiet(),
    Binding::new(&[key('s')], Action::Sort, "sort").quiet(),
    Binding::new(&[key('S')], Action::ReverseSort, "reverse the order").quiet(),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &[KEYS, actions::KEYS, table::KEYS];

/// Reads the groups.
pub const ROWS: Slot<Vec<Group>> = Slot::latest("groups.rows");
/// Tells the list which group was just written.
pub(super) const SAVED: Slot<i64> = Slot::latest("groups.saved");

/// From so many columns on, the record stands beside the list.
const WIDE: u16 = 100;
/// How long the cursor rests before the record is read: longer than a held key takes to repeat.
const REST: Duration = Duration::from_millis(100);

/// The tab.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own: order, focus, typing, width")]
pub struct Groups {
    /// All of them, by name.
    all: Vec<Group>,
    table: Table<Line>,
    by: By,
    descending: bool,
    filter: TextField,
    typing: bool,
    /// The group that the cursor goes to once it is read.
    awaited: Option<i64>,
    pane: Pane,
    sitting: Sitting,
    in_record: bool,
    wide: bool,
    clock: Clock,
}

impl Default for Groups {
    fn default() -> Self {
        Self::new(Clock::default())
    }
}

impl Groups {
    /// The tab, nothing read yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            all: Vec::new(),
            table: Table::new(&COLUMNS),
            by: By::default(),
            descending: false,
            filter: TextField::free(""),
            typing: false,
            awaited: None,
            pane: Pane::new(clock),
            sitting: Sitting::default(),
            in_record: false,
            wide: false,
            clock,
        }
    }

    fn which(&self) -> Option<Which> {
        self.table.current().map(|line| Which::from(&line.group))
    }

    fn read(&mut self, cx: &mut Cx) {
        cx.start(&ROWS, "loading groups", |portal| async move { groups::list(&portal).await });
        pane::look(cx);
        self.sitting.ask(cx);
    }

    /// Shows those that match, in the order in force. The cursor stays on its group.
    fn show(&mut self) {
        let mut shown: Vec<&Group> =
            self.all.iter().filter(|group| matches(group, self.filter.value())).collect();
        self.by.sort(&mut shown, self.descending);
        let rows: Vec<Line> = shown.into_iter().cloned().map(Line::new).collect();
        self.table.set_empty(if self.all.is_empty() {
            "There are no groups yet; portaldesk setup-groups makes those of the roles."
        } else {
            "No group matches; Esc clears the filter."
        });
        self.table.set_sorted(self.by.column(), self.descending);
        let want = self.table.again();
        self.table.set_total(Some(rows.len() as u64));
        self.table.take(want, Page { rows, more: false });
        if let Some(id) = self.awaited
            && self.table.go_to(&id)
        {
            self.awaited = None;
        }
    }

    /// Wants the record of the group under the cursor, unless it is there or on its way.
    fn follow(&mut self, delay: Duration, cx: &mut Cx) {
        match self.which().map(|which| which.id) {
            Some(id) if self.pane.wanted() == Some(id) => {}
            Some(id) => self.pane.want(id, delay, cx),
            None => self.pane.clear(),
        }
    }

    fn refilter(&mut self, cx: &mut Cx) {
        self.show();
        self.follow(REST, cx);
    }

    fn open(&self, cx: &mut Cx) {
        match self.which() {
            Some(which) if !self.wide => cx.push(GroupScreen::new(which, self.clock)),
            which => actions::act(Action::GroupsMembers, which.as_ref(), &self.sitting, cx),
        }
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

impl Screen for Groups {
    fn title(&self) -> String {
        "Groups".to_owned()
    }

    fn number(&self) -> Option<usize> {
        Some(2)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::SwitchPane if !self.wide => {
                Err("There is no room for the record beside the list; Enter opens it.".to_owned())
            }
            _ => actions::may(&self.sitting, action, self.which().as_ref()),
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
            Action::Sort => cx.push(sort::SortBy::new(self.by)),
            Action::ReverseSort => {
                self.descending = !self.descending;
                self.show();
            }
            Action::Open => self.open(cx),
            Action::SwitchPane => self.in_record = !self.in_record,
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
            self.refilter(cx);
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = ROWS.take(reply) {
            match result {
                Ok(groups) => {
                    self.all = groups;
                    self.show();
                    self.follow(Duration::ZERO, cx);
                }
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = self.pane.reply(reply) {
            // A group that is gone leaves the list by itself.
            if let Err(error) = result
                && !matches!(error.kind, Kind::Interrupted | Kind::Conflict)
            {
                cx.fail(&error);
            }
        } else if let Some(result) = pane::FINDINGS.take(reply) {
            // Without them the record is as useful.
            self.pane.set_findings(result.ok().flatten());
        } else if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(Ok(by)) = sort::CHOSEN.take(reply) {
            self.descending = self.by == by && !self.descending;
            self.by = by;
            self.show();
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
            self.refilter(cx);
        }
        had
    }

    fn status(&self) -> String {
        let place = self.table.place();
        let gap = if place.is_empty() { "" } else { " · " };
        let reversed = if self.descending { ", reversed" } else { "" };
        format!("{place}{gap}by {}{reversed}", self.by.label())
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.wide = area.width >= WIDE;
        self.in_record &= self.wide;
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
