//! After the first of many users: whether the rest follows.

use std::cell::Cell;
use std::rc::Rc;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{go_on, leave_at_that};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::screens::record::RecordScreen;
use crate::tui::screens::user_actions::Whom;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{dialog, grouped};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('y')], Action::Yes, "do the rest").dangerous(),
    Binding::new(&[code(Key::Enter)], Action::Open, "look at the first"),
    Binding::new(&[key('n'), code(Key::Esc), key('q')], Action::No, "leave it at that"),
];

/// The question.
pub(super) struct Rest {
    run: String,
    title: String,
    first: Whom,
    left: usize,
    running: Rc<Cell<bool>>,
}

impl Rest {
    pub(super) fn new(
        run: String,
        title: String,
        (first, left): (Whom, usize),
        running: Rc<Cell<bool>>,
    ) -> Self {
        Self { run, title, first, left, running }
    }

    fn words(&self) -> String {
        let who = if self.first.username.is_empty() { "the first" } else { &self.first.username };
        let users = if self.left == 1 { "user is" } else { "users are" };
        format!(
            "{}: {who} is done, {} {users} left.\nOne undo takes back the first and the rest.",
            self.title,
            grouped(self.left as u64)
        )
    }
}

impl Screen for Rest {
    fn title(&self) -> String {
        "One is done".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Open if self.first.username.is_empty() => Err("The account is gone.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        let run = self.run.clone();
        match action {
            Action::Yes => {
                let (what, running) = ((self.title.clone(), self.left), Rc::clone(&self.running));
                cx.close_then(move |cx| go_on(run, what, &running, cx));
            }
            Action::Open => cx.push(RecordScreen::new(self.first.clone(), Clock::default())),
            _ => cx.close_then(move |cx| leave_at_that(run, cx)),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let used = dialog::draw_text(frame, area, &self.words(), Tone::Plain, theme);
        let skip = (used + 1).min(area.height);
        let below = Rect { y: area.y + skip, height: area.height - skip, ..area };
        let answers = "y do the rest   Enter look at the first   n leave it";
        dialog::draw_text(frame, below, answers, Tone::Strong, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.words(), dialog::WIDTH) + 2 }
    }

    fn guarded(&self) -> bool {
        true
    }
}
