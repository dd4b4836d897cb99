//! The record of one of them: beside the list where there is room, else a screen of its own.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{SAVED, Thing, act, may};
use crate::error::{Kind, Result};
use crate::integrity::{Remark, Remarks};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review;
use crate::tui::screen::Screen;
use crate::tui::screens::integrity::line::tone;
use crate::tui::screens::shown::{Shown, draw_head, is_gone};
use crate::tui::screens::user_actions::{SITTING, Sitting};
use crate::tui::screens::user_findings::may_scan;
use crate::tui::screens::{copying, record};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::labelled::Lines;

/// The keys of the record as a screen, beside those about the one it is of and those that scroll.
pub(super) const KEYS: &[Binding] = &[Binding::new(&[code(Key::Enter)], Action::Open, "members").quiet()];

/// Looks what is wrong with all of them; nothing where whoever works now may not scan.
pub(super) const REMARKS: Slot<Option<Remarks>> = Slot::latest("short-list.remarks");

/// Starts looking what is wrong with all of them.
pub(super) fn look<T: Thing>(cx: &mut Cx) {
    cx.start(&REMARKS, format!("looking at the {}", T::NOUNS), |portal| async move {
        if may_scan(&portal).await? { T::remarks(&portal).await.map(Some) } else { Ok(None) }
    });
}

/// A record, and what is wrong with all of them.
pub(super) struct Pane<T: Thing> {
    shown: Shown<T::Record>,
    remarks: Option<Remarks>,
    clock: Clock,
}

impl<T: Thing> Pane<T> {
    const READ: Slot<T::Record> = Slot::latest("short-list.record");

    /// An empty pane.
    pub(super) fn new(clock: Clock) -> Self {
        Self { shown: Shown::default(), remarks: None, clock }
    }

    /// Wants this one's record, read once nothing else was wanted for so long. The old one stays until then.
    pub(super) fn want(&mut self, id: i64, delay: Duration, cx: &mut Cx) {
        self.shown.want(id);
        let label = format!("reading the {}", T::NOUN);
        cx.start_after(delay, &Self::READ, label, move |portal| async move { T::record(&portal, id).await });
    }

    /// Wants the record of the one under the cursor, unless it is there or on its way.
    pub(super) fn follow(&mut self, id: Option<i64>, delay: Duration, cx: &mut Cx) {
        match id {
            Some(id) if self.shown.wanted() == Some(id) => {}
            Some(id) => self.want(id, delay, cx),
            None => self.shown.clear(),
        }
    }

    /// The one that is shown.
    fn which(&self) -> Option<T> {
        self.shown.record().map(|(_, record)| T::of_record(record))
    }

    /// Says what is wrong with them, once that is known.
    pub(super) fn set_remarks(&mut self, remarks: Option<Remarks>) {
        self.remarks = remarks;
    }

    /// What is wrong with them, once that is known.
    pub(super) fn remarks(&self) -> Option<&Remarks> {
        self.remarks.as_ref()
    }

    /// Takes a reply; gives the error where there is no record, and nothing where the reply is another's.
    pub(super) fn reply(&mut self, reply: &mut Reply) -> Option<Result<()>> {
        Some(self.shown.take(Self::READ.take(reply)?))
    }

    /// Scrolls.
    pub(super) fn act(&mut self, action: Action) {
        self.shown.act(action);
    }

    /// Draws it; `focused` says whether the keys scroll it.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, focused: bool, theme: &Theme) {
        let Some((id, record)) = self.shown.record() else { return };
        let head = Rect { height: area.height.min(1), ..area };
        draw_head(frame.buffer_mut(), head, T::of_record(record).name(), id, focused, theme);
        let body = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        let mut lines = Lines::new(body.width);
        T::describe(record, &mut lines, &self.clock);
        if let Some(remarks) = &self.remarks {
            add_remarks(&mut lines, remarks.get(&id).map_or(&[], Vec::as_slice));
        }
        if let Some(history) = T::history(record) {
            record::add_history(&mut lines, history, &self.clock);
        }
        self.shown.draw(frame, body, &lines, theme);
    }
}

fn add_remarks(lines: &mut Lines, remarks: &[Remark]) {
    if remarks.is_empty() {
        lines.add("Findings", "none", Tone::Plain);
    }
    for (at, remark) in remarks.iter().enumerate() {
        let Remark { id, title, severity, .. } = remark;
        let words = format!("{id} {}: {title}; the Integrity tab says what to do", severity.name());
        lines.add(if at == 0 { "Findings" } else { "" }, &words, tone(*severity));
    }
}

/// The record as a screen, for terminals without room beside the list.
pub struct RecordScreen<T: Thing> {
    pane: Pane<T>,
    sitting: Sitting,
    which: T,
}

/// `Enter` shows the members.
fn meant<T: Thing>(action: Action) -> Action {
    if action == Action::Open { T::MEMBERS } else { action }
}

impl<T: Thing> RecordScreen<T> {
    /// The record of this one.
    #[must_use]
    pub fn new(which: T, clock: Clock) -> Self {
        Self { pane: Pane::new(clock), sitting: Sitting::default(), which }
    }
}

impl<T: Thing> Screen for RecordScreen<T> {
    fn title(&self) -> String {
        self.which.name().to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        T::RECORD_TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        may(meant::<T>(action), Some(&self.which), &self.sitting)
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.changed(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.pane.want(self.which.id(), Duration::ZERO, cx);
        look::<T>(cx);
        self.sitting.ask(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.pane.act(action);
        act(meant::<T>(action), Some(&self.which), &self.sitting, cx);
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(result) = REMARKS.take(reply) {
            // Without them the record is as useful.
            self.pane.set_remarks(result.ok().flatten());
        } else if let Some(result) = self.pane.reply(reply) {
            match result {
                Ok(()) => self.which = self.pane.which().unwrap_or_else(|| self.which.clone()),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) if is_gone(&error) => {
                    cx.refuse(format!("{} is gone.", self.which.name()));
                    cx.close();
                }
                Err(error) => cx.fail(&error),
            }
        } else if !copying::reply(reply, cx) && !plan_review::open(reply, cx) {
            // The list below reads again by itself, and this record does too.
            let _ = SAVED.take(reply);
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        self.pane.draw(frame, inner, false, theme);
    }
}
