//! The program on a terminal of a test's own: keys go through the real loop, and the screen is read as text.
#![allow(dead_code, reason = "every test file uses the part that it needs")]

use chrono::DateTime;
use futures_util::stream;
use portaldesk::directory::Portal;
use portaldesk::text;
use portaldesk::tui::clock::Clock;
use portaldesk::tui::event_loop::{NoHost, from_stream};
use portaldesk::tui::screens;
use portaldesk::tui::{App, EventLoop, Head, Input, Key, KeyChord, Keymap, Screen, Setup, Theme, code, key};
use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::layout::Size;

/// A clock that stands still, in October 2025.
pub(crate) fn clock() -> Clock {
    Clock::stopped(|| DateTime::from_timestamp(1_760_000_000, 0).unwrap())
}

/// These tabs over a portal.
pub(crate) fn setup(tabs: Vec<Box<dyn Screen>>, portal: Portal) -> Setup {
    Setup {
        tabs,
        first: None,
        portal: Some(portal),
        head: Head::default(),
        keymap: Keymap::default(),
        theme: Theme { colours: true, ascii: false },
        commands: screens::commands(),
        lock: None,
    }
}

/// The program on a terminal.
pub(crate) struct Program<B: Backend = TestBackend>(pub(crate) EventLoop<B, NoHost>);

impl<B: Backend> Program<B>
where
    B::Error: std::fmt::Display,
{
    /// Feeds keys until everything they started is done.
    pub(crate) async fn feed(&mut self, chords: Vec<KeyChord>) {
        self.0.run(&mut from_stream(stream::iter(chords.into_iter().map(Input::Key)))).await;
    }

    /// The same for keys as characters, with `⏎`, `⎋` and `⇥` for Enter, Esc and Tab; each is seen before the next.
    pub(crate) async fn press(&mut self, keys: &str) {
        if keys.is_empty() {
            self.feed(Vec::new()).await;
        }
        for c in keys.chars() {
            let chord = match c {
                '⏎' => code(Key::Enter),
                '⎋' => code(Key::Esc),
                '⇥' => code(Key::Tab),
                c => key(c),
            };
            self.feed(vec![chord]).await;
        }
    }

    pub(crate) fn toast(&self) -> String {
        self.0.app.toast().map(|toast| toast.text().to_owned()).unwrap_or_default()
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        self.0.app.titles()
    }
}

impl Program {
    /// The program as it is set up, on a terminal of this size.
    pub(crate) async fn open(setup: Setup, (width, height): (u16, u16)) -> Self {
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let app = App::new(setup, Size::new(width, height));
        let mut program = Self(EventLoop::new(app, terminal, NoHost::default()));
        program.feed(Vec::new()).await;
        program
    }

    /// Confirms the review on top: types what it asks for, or `y`.
    pub(crate) async fn confirm(&mut self) {
        let shown = self.shown();
        let asked = shown.lines().find_map(|line| {
            line.trim().strip_prefix("Type ")?.strip_suffix(" to go on, then Enter:").map(str::to_owned)
        });
        self.press(&asked.map_or_else(|| "y".to_owned(), |words| format!("{words}⏎"))).await;
    }

    /// The screen as text.
    pub(crate) fn shown(&self) -> String {
        let buffer = self.0.terminal.backend().buffer();
        let mut lines = Vec::new();
        for row in buffer.content.chunks(usize::from(buffer.area.width).max(1)) {
            let (mut line, mut skip) = (String::new(), 0);
            for cell in row {
                if skip == 0 {
                    line.push_str(cell.symbol());
                }
                skip = skip.max(text::width(cell.symbol())).saturating_sub(1);
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }
}
