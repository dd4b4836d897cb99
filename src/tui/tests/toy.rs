//! A screen that does a little of everything, and ways to drive it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;
use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::{Frame, Terminal};
use tokio::sync::Semaphore;

use crate::db::Cancel;
use crate::error::{Error, Result};
use crate::tui::actions::Action;
use crate::tui::app::{App, Head, Setup};
use crate::tui::cx::Cx;
use crate::tui::event_loop::{EventLoop, Exit, NoHost, from_stream};
use crate::tui::input::{Input, Key, KeyChord, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::{Binding, Keymap};
use crate::tui::screen::Screen;
use crate::tui::screens::review::{Confirmation, Review, ReviewText};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::diff::DiffLine;
use crate::tui::widgets::grouped;
use crate::tui::widgets::row::PAGE;
use crate::tui::widgets::table::{self, Cell, Page, Row, Table, Want};
use crate::tui::widgets::text_field::{TextField, draw_prompt};

pub(super) const LOAD: Slot<(Want, Page<Numbered>)> = Slot::latest("toy.page");
pub(super) const SLOW: Slot<u64> = Slot::latest("toy.slow");
pub(super) const SAVE: Slot<u64> = Slot::exclusive("toy.save").reporting(|rows| format!("Saved {rows} rows"));

const KEYS: &[Binding] = &[
    Binding::new(&[key('/')], Action::Filter, "filter"),
    Binding::new(&[key('n')], Action::UsersNew, "new"),
    Binding::new(&[key('e')], Action::UsersEdit, "edit"),
    Binding::new(&[key('D')], Action::UsersDelete, "delete").dangerous(),
    Binding::new(&[key('R')], Action::IntegrityScan, "scan"),
];

const COLUMNS: [Column; 3] = [
    Column::new("USERNAME", 8, 20, 9),
    Column::new("NAME", 10, 30, 5),
    Column::new("LOGINS", 6, 8, 1).right(),
];

pub(super) struct Numbered(u64);

impl Row for Numbered {
    type Key = u64;

    fn key(&self) -> u64 {
        self.0
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => format!("user{}", self.0).into(),
            1 if self.0 % 5 == 3 => "조민지 \u{1b}[2J".into(),
            1 => "Bela Novak".into(),
            _ => Cell::new((self.0 * 7 % 100).to_string(), Tone::Quiet),
        }
    }
}

/// What the test sees of the toy from outside.
#[derive(Clone, Default)]
pub(super) struct Probe {
    /// How often `changed` was called.
    pub(super) changes: Arc<AtomicUsize>,
    /// How often `draw` was called.
    pub(super) draws: Arc<AtomicUsize>,
    /// Lets slow work and saves go on, one each.
    pub(super) gate: Arc<Gate>,
    /// The cancel handle of the newest slow work.
    pub(super) cancel: Arc<std::sync::Mutex<Option<Cancel>>>,
}

pub(super) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Gate {
    pub(super) fn open(&self) {
        self.0.add_permits(1);
    }

    async fn pass(&self) {
        self.0.acquire().await.expect("never closed").forget();
    }
}

pub(super) struct Toy {
    title: &'static str,
    total: u64,
    table: Table<Numbered>,
    filter: Option<TextField>,
    dirty: bool,
    pub(super) probe: Probe,
}

impl Toy {
    pub(super) fn new(title: &'static str, total: u64, probe: &Probe) -> Self {
        let mut table = Table::new(&COLUMNS);
        table.set_sorted(0, false);
        table.set_empty("no users");
        Self { title, total, table, filter: None, dirty: false, probe: probe.clone() }
    }

    fn load(&self, want: Want, cx: &mut Cx) {
        let total = self.total;
        let first = self.table.first().map_or(0, Row::key);
        let next = self.table.last().map_or(0, |row| row.key() + 1);
        let (from, to) = match want {
            Want::First | Want::Again => (0, PAGE as u64),
            Want::Last => (total.saturating_sub(PAGE as u64), total),
            Want::After => (next, next + PAGE as u64),
            Want::Before => (first.saturating_sub(PAGE as u64), first),
        };
        cx.start_without_portal(&LOAD, "loading users", move |_task| async move {
            let backward = matches!(want, Want::Last | Want::Before);
            let to = to.min(total);
            let more = if backward { from > 0 } else { to < total };
            Ok((want, Page { rows: (from..to).map(Numbered).collect(), more }))
        });
    }

    fn save(probe: Probe, cx: &mut Cx) {
        cx.start_without_portal(&SAVE, "saving", move |_task| async move {
            probe.gate.pass().await;
            Ok(3)
        });
    }
}

impl Screen for Toy {
    fn title(&self) -> String {
        self.title.to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS, table::MARK_KEYS, table::KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::UsersEdit => Err("Only an Admin may edit users.".to_owned()),
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let want = self.table.start();
        self.load(want, cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.probe.changes.fetch_add(1, Ordering::SeqCst);
        let want = self.table.again();
        self.load(want, cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Filter => self.filter = Some(TextField::free("")),
            Action::UsersNew => self.dirty = true,
            Action::UsersDelete => {
                let review = ReviewText {
                    title: "Delete user1".to_owned(),
                    lines: vec![DiffLine::removed("auth_user user1")],
                    confirm: Confirmation::Plain,
                    ..ReviewText::default()
                };
                let probe = self.probe.clone();
                cx.push(Review::new(review, move |cx| Self::save(probe, cx)));
            }
            Action::IntegrityScan => {
                let probe = self.probe.clone();
                cx.start_without_portal(&SLOW, "scanning", move |task| async move {
                    *probe.cancel.lock().expect("no panic holds it") = Some(task.cancel().clone());
                    probe.gate.pass().await;
                    Ok(1)
                });
            }
            other => {
                if let Some(want) = self.table.act(other) {
                    self.load(want, cx);
                }
            }
        }
    }

    fn takes_text(&self) -> bool {
        self.filter.is_some()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let Some(filter) = &mut self.filter else { return false };
        match input {
            Input::Key(chord) => filter.key(*chord),
            Input::Paste(words) => {
                filter.paste(words);
                true
            }
            _ => false,
        }
    }

    fn escape(&mut self, _cx: &mut Cx) -> bool {
        self.filter.take().is_some() || self.table.clear_range() || self.table.marks_mut().clear()
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(Ok((want, page))) = LOAD.take(reply)
            && let Some(next) = self.table.take(want, page)
        {
            self.load(next, cx);
        }
        if let Some(result) = SLOW.take(reply) {
            match result {
                Ok(answer) => cx.done(format!("answer {answer}")),
                Err(error) => cx.fail(&error),
            }
        }
        if let Some(Ok(rows)) = SAVE.take(reply) {
            cx.done(format!("Deleted {rows} rows · u undoes"));
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.probe.draws.fetch_add(1, Ordering::SeqCst);
        let used = u16::from(self.filter.is_some() && area.height > 1);
        if let (Some(filter), true) = (&self.filter, used > 0) {
            let row = Rect { height: 1, ..area };
            let at = draw_prompt(frame.buffer_mut(), row, " / ", filter, theme.style(Tone::Strong));
            frame.set_cursor_position(at);
        }
        let below = Rect { y: area.y + used, height: area.height - used, ..area };
        self.table.draw(frame, below, true, theme);
    }

    fn status(&self) -> String {
        match &self.filter {
            Some(filter) => format!("{} typed", grouped(filter.value().len() as u64)),
            None => format!("{} · by username", self.table.place()),
        }
    }

    fn badge(&self) -> Option<String> {
        (self.title == "Integrity").then(|| "▲3".to_owned())
    }

    fn is_dirty(&self) -> Option<String> {
        self.dirty.then(|| "1 change".to_owned())
    }
}

/// A screen whose work or drawing goes wrong.
pub(super) struct Broken {
    pub(super) in_draw: bool,
}

impl Screen for Broken {
    fn title(&self) -> String {
        "Broken".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Filter => panic!("wrong in update"),
            _ => cx.start_without_portal(&SLOW, "failing", |_task| async move { fails() }),
        }
    }

    fn draw(&mut self, _frame: &mut Frame<'_>, _area: Rect, _theme: &Theme) {
        assert!(!self.in_draw, "wrong in draw");
    }
}

fn fails() -> Result<u64> {
    panic!("wrong in a job")
}

pub(super) fn setup(tabs: Vec<Box<dyn Screen>>) -> Setup {
    Setup {
        tabs,
        first: None,
        portal: None,
        head: Head {
            label: "Alpha Lab PROD".to_owned(),
            colour: Some(ratatui::style::Color::Red),
            place: "mysql alpha_lab_complaints@db1".to_owned(),
            badges: Vec::new(),
            user: "amir".to_owned(),
            role: "Admin".to_owned(),
        },
        keymap: Keymap::default(),
        theme: Theme { colours: false, ascii: false },
        commands: Vec::new(),
        lock: None,
    }
}

pub(super) fn tabs(probe: &Probe) -> Vec<Box<dyn Screen>> {
    vec![Box::new(Toy::new("Users", 1_204, probe)), Box::new(Toy::new("Integrity", 3, probe))]
}

pub(super) type TestLoop = EventLoop<TestBackend, NoHost>;

pub(super) fn start(setup: Setup, width: u16, height: u16) -> TestLoop {
    let app = App::new(setup, Size::new(width, height));
    let terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
    EventLoop::new(app, terminal, NoHost::default())
}

/// Runs the loop over these inputs until everything they started is done.
pub(super) async fn feed(running: &mut TestLoop, inputs: Vec<Input>) -> Exit {
    running.run(&mut from_stream(stream::iter(inputs))).await
}

/// The same for keys: characters, and `⏎` and `⎋` for Enter and Esc.
pub(super) async fn press(running: &mut TestLoop, keys: &str) -> Exit {
    feed(running, keys.chars().map(|c| Input::Key(chord(c))).collect()).await
}

pub(super) fn chord(c: char) -> KeyChord {
    match c {
        '⏎' => code(Key::Enter),
        '⎋' => code(Key::Esc),
        c => key(c),
    }
}

/// The screen as text, without what follows the last word of a line.
pub(super) fn shown(running: &TestLoop) -> String {
    let buffer = running.terminal.backend().buffer();
    let width = usize::from(buffer.area.width);
    let mut lines = Vec::new();
    for row in buffer.content.chunks(width.max(1)) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
            }
            skip = skip.max(crate::text::width(cell.symbol())).saturating_sub(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

pub(super) fn last_line(running: &TestLoop) -> String {
    shown(running).lines().last().unwrap_or_default().to_owned()
}

/// Work that was refused, as a job would give it.
pub(super) fn refused<T>() -> Result<T> {
    Err(Error::denied("Nothing was written: only a superuser may do this."))
}
