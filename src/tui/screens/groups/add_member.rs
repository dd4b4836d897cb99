//! Finding somebody to put into a group: the users that match what is typed, as it is typed.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::{Which, prepare};
use crate::directory::filter::Filter;
use crate::directory::groups;
use crate::directory::users::{self, From, Query, UserRow};
use crate::error::Kind;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::Prepared;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::put;
use crate::tui::widgets::text_field::{TextField, draw_prompt};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "add"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
    Binding::new(&[code(Key::Down)], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up)], Action::Up, "up").quiet(),
];

/// How many users are offered: more is for the filter of the list of users.
const OFFERED: usize = 10;

/// Who matches these words.
const FOUND: Slot<(String, Vec<UserRow>)> = Slot::latest("groups.add-member.found");
const PLAN: Slot<Prepared> = Slot::latest("groups.add-member.plan");

/// The dialog. The review of who was chosen takes its place.
pub(super) struct AddMember {
    which: Which,
    typed: TextField,
    found: Option<Vec<UserRow>>,
    cursor: usize,
}

impl AddMember {
    /// Asks for somebody to put into this group.
    pub(super) fn new(which: &Which) -> Self {
        Self { which: which.clone(), typed: TextField::free(""), found: None, cursor: 0 }
    }

    fn find(&self, cx: &mut Cx) {
        let typed = self.typed.value().to_owned();
        cx.start(&FOUND, "looking for users", move |portal| async move {
            let words = typed.split_whitespace().map(str::to_owned).collect();
            let query = Query { filter: Filter::words(words), ..Query::default() };
            let page = users::page(&portal, &query, &From::Start, OFFERED).await?;
            Ok((typed, page.rows))
        });
    }

    fn current(&self) -> Option<&UserRow> {
        self.found.as_ref()?.get(self.cursor)
    }
}

impl Screen for AddMember {
    fn title(&self) -> String {
        format!("Add to {}", self.which.name)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Choose if self.found.is_none() => Err("Still looking.".to_owned()),
            Action::Choose if self.current().is_none() => {
                Err("Nobody matches; type another part of the name.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.find(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        let last = self.found.as_ref().map_or(0, |found| found.len().saturating_sub(1));
        match action {
            Action::Down => self.cursor = (self.cursor + 1).min(last),
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Choose => {
                let Some(user) = self.current().map(|user| user.id) else { return };
                let group = self.which.id;
                cx.start(&PLAN, "planning", move |portal| async move {
                    prepare(&portal, groups::add(&portal, group, &[user]).await?).await
                });
            }
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let before = self.typed.value().to_owned();
        let used = self.typed.input(input);
        if self.typed.value() != before {
            // Nobody is added who does not match what is typed.
            self.found = None;
            self.cursor = 0;
            self.find(cx);
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = FOUND.take(reply) {
            match result {
                Ok((typed, found)) if typed == self.typed.value() => self.found = Some(found),
                Ok(_) => {}
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = PLAN.take(reply) {
            match result {
                Ok(prepared) if prepared.is_empty() => {
                    cx.refuse(format!("They are in {} already.", self.which.name));
                }
                Ok(prepared) => cx.replace(prepared.review()),
                Err(error) => cx.fail(&error),
            }
        }
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 60, height: 1 + u16::try_from(OFFERED).unwrap_or(u16::MAX) }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let row = Rect { height: 1, ..area };
        let at = draw_prompt(frame.buffer_mut(), row, "/ ", &self.typed, theme.style(Tone::Strong));
        let buffer = frame.buffer_mut();
        let Some(found) = &self.found else {
            frame.set_cursor_position(at);
            return;
        };
        for (y, (place, user)) in (area.y + 1..area.bottom()).zip(found.iter().enumerate()) {
            let on = place == self.cursor;
            let tone = if on { Tone::Strong } else { Tone::Plain };
            put(buffer, area.x, y, 1, if on { theme.cursor() } else { " " }, theme.style(tone));
            let half = area.width.saturating_sub(2) / 2;
            put(buffer, area.x + 2, y, half.saturating_sub(1), &user.username, theme.style(tone));
            put(buffer, area.x + 2 + half, y, half, &user.name, theme.style(Tone::Quiet));
        }
        if found.is_empty() {
            let words = "nobody matches";
            let room = area.width.saturating_sub(2);
            put(buffer, area.x + 2, area.y + 1, room, words, theme.style(Tone::Quiet));
        }
        frame.set_cursor_position(at);
    }
}
