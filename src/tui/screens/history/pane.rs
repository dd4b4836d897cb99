//! One entry whole: who, when and from where, what came of it, and each row from what to what.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::db::own::ListedChange;
use crate::directory::Portal;
use crate::directory::history::{self, Detail, Entry, Filter, From, Logged, Source, What};
use crate::error::Result;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::plan_diff;
use crate::tui::theme::Theme;
use crate::tui::widgets::diff::{DiffLine, Sign, draw_diff};
use crate::tui::widgets::wrap;

/// Reads an entry's rows.
pub const READ: Slot<Read> = Slot::latest("history.entry");

/// An entry as it was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The entry, as it is by now.
    pub entry: Entry,
    /// Its rows.
    pub detail: Detail,
}

/// An entry, how far it is scrolled, and which one it should be.
pub struct EntryPane {
    shown: Option<Read>,
    lines: Vec<DiffLine>,
    wanted: Option<(Source, i64)>,
    first: usize,
    height: usize,
    clock: Clock,
}

impl EntryPane {
    /// An empty pane.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { shown: None, lines: Vec::new(), wanted: None, first: 0, height: 1, clock }
    }

    /// The entry that is shown, if it is this one.
    #[must_use]
    pub fn of(&self, key: (Source, i64)) -> Option<&Read> {
        self.shown.as_ref().filter(|read| read.entry.key() == key)
    }

    /// Wants this entry, read once nothing else was wanted for so long. The old one stays until then.
    pub fn want(&mut self, entry: &Entry, delay: Duration, cx: &mut Cx) {
        self.wanted = Some(entry.key());
        let entry = entry.clone();
        cx.start_after(delay, &READ, "reading the change", move |portal| async move {
            read(&portal, entry).await
        });
    }

    /// Which entry is shown or on its way.
    #[must_use]
    pub fn wanted(&self) -> Option<(Source, i64)> {
        self.wanted
    }

    /// Shows nothing.
    pub fn clear(&mut self) {
        (self.shown, self.wanted) = (None, None);
        self.lines.clear();
    }

    /// Takes a reply; nothing where the reply is another's.
    pub fn reply(&mut self, reply: &mut Reply) -> Option<Result<()>> {
        Some(READ.take(reply)?.map(|read| {
            if self.of(read.entry.key()).is_none() {
                self.first = 0;
            }
            self.lines = lines(&read, &self.clock);
            self.shown = Some(read);
        }))
    }

    /// Scrolls.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Down => self.first += 1,
            Action::Up => self.first = self.first.saturating_sub(1),
            Action::PageDown => self.first += self.height,
            Action::PageUp => self.first = self.first.saturating_sub(self.height),
            _ => {}
        }
    }

    /// Draws it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let lines = wrapped(&self.lines, usize::from(area.width));
        self.height = usize::from(area.height).max(1);
        self.first = self.first.min(lines.len().saturating_sub(self.height));
        draw_diff(frame.buffer_mut(), area, &lines, self.first, theme);
    }
}

async fn read(portal: &Portal, entry: Entry) -> Result<Read> {
    let entry = match entry.change() {
        // It may have been taken back meanwhile.
        Some(listed) => {
            let operation = Some(listed.change.operation.clone());
            let filter = Filter { operation, ..Filter::default() };
            let page = history::page(portal, &filter, From::Start, 1).await?;
            page.entries.into_iter().next().unwrap_or(entry)
        }
        None => entry,
    };
    let detail = history::detail(portal, &entry).await?;
    Ok(Read { entry, detail })
}

/// The lines for a width: what does not fit goes on below.
fn wrapped(lines: &[DiffLine], width: usize) -> Vec<DiffLine> {
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let room = width.saturating_sub(if line.sign == Sign::Heading { 0 } else { 2 }).max(1);
        for (at, words) in wrap(&text::safe(&line.words), room).into_iter().enumerate() {
            let sign = if at == 0 || line.sign == Sign::Heading { line.sign } else { Sign::Note };
            out.push(DiffLine::new(sign, words));
        }
    }
    out
}

fn lines(read: &Read, clock: &Clock) -> Vec<DiffLine> {
    let mut lines = vec![DiffLine::new(Sign::Heading, read.entry.title())];
    let time =
        read.entry.time().map_or_else(|| "at no known time".to_owned(), |time| clock.date_and_time(time));
    let mut note = |words: String| lines.push(DiffLine::new(Sign::Note, words));
    note(format!("{time} · {}", who(&read.entry)));
    match &read.entry.what {
        What::Change(listed) => about_change(listed, read.detail.operations, &mut note),
        What::Logged(logged) => about_logged(logged, &mut note),
    }
    note(String::new());
    lines.extend(plan_diff::lines(std::slice::from_ref(&read.detail.plan), &read.detail.names));
    lines.extend(read.detail.missing.iter().map(|why| DiffLine::new(Sign::Warning, why.clone())));
    lines
}

/// `amir as root from 192.0.2.7`
fn who(entry: &Entry) -> String {
    match entry.change().map(|listed| &listed.change) {
        None => format!("{} in the portal's admin", entry.by()),
        Some(change) => {
            let unix = change.actor.as_ref().map(|_| format!(" as {}", change.unix_user)).unwrap_or_default();
            let from = change.ssh_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
            format!("{}{unix}{from}", entry.by())
        }
    }
}

fn about_change(listed: &ListedChange, operations: i64, note: &mut impl FnMut(String)) {
    let change = &listed.change;
    note(format!("operation {}", change.operation));
    if operations > 1 {
        note(format!("number {} of {operations} in the run {}", change.run_seq, change.run));
    }
    if let Some(ticket) = &change.ticket {
        note(format!("ticket {ticket}"));
    }
    if let Some(operation) = &change.undo_of {
        note(format!("takes back {operation}"));
    }
    if let Some(operation) = &listed.undone_by {
        note(format!("taken back by {operation}"));
    }
}

fn about_logged(logged: &Logged, note: &mut impl FnMut(String)) {
    if let (Some(model), Some(id)) = (&logged.model, &logged.object_id) {
        note(format!("{model} {id}"));
    }
    note("The portal keeps no old values, so this can't be taken back here.".to_owned());
}
