//! One of a few things, chosen from a list over the screen that wants to know.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::picker::{Choice, Picker};

/// The keys of what a list is sorted by.
pub const SORT_KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "sort"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// Tells a list which of its orders was chosen.
pub const SORTED: Slot<usize> = Slot::latest("list.sort");

/// What becomes of the choice.
type Then = Box<dyn Fn(usize, &mut Cx)>;

/// The dialog.
pub struct Pick {
    title: &'static str,
    keys: &'static [&'static [Binding]],
    picker: Picker,
    width: u16,
    then: Then,
}

impl Pick {
    /// These choices, under these keys: [`Action::Choose`] hands the place of the one under the cursor to `then`, every
    /// other leaves.
    #[must_use]
    pub fn new(
        title: &'static str,
        keys: &'static [&'static [Binding]],
        picker: Picker,
        width: u16,
        then: impl Fn(usize, &mut Cx) + 'static,
    ) -> Self {
        Self { title, keys, picker, width, then: Box::new(then) }
    }

    /// What a list can be sorted by, the cursor on the order in force; the choice comes in [`SORTED`].
    #[must_use]
    pub fn order(labels: impl IntoIterator<Item = &'static str>, now: usize) -> Self {
        let note = |at| if at == now { "now; again reverses" } else { "" };
        let choices = labels.into_iter().enumerate().map(|(at, label)| Choice::new(label, note(at)));
        let picker = Picker::new(choices.collect(), now);
        Self::new("Sort by", &[SORT_KEYS], picker, 40, |at, cx| cx.close_telling(&SORTED, at))
    }
}

impl Screen for Pick {
    fn title(&self) -> String {
        self.title.to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        self.keys
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match (action, self.picker.chosen()) {
            (Action::Choose, Some(at)) => (self.then)(at, cx),
            (Action::Choose, None) => {}
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.picker.input(input)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.picker.draw(frame, area, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: self.width, height: cells(self.picker.len() + 1) }
    }
}
