//! Every action that works now, by name: type a part of it, `Enter` does it.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key, code};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::help::HelpLine;
use crate::tui::widgets::picker::{Choice, Picker};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "do it"),
    Binding::new(&[code(Key::Esc)], Action::No, "close"),
];

/// The actions and the picker over them.
pub struct Palette {
    actions: Vec<Action>,
    picker: Picker,
}

impl Palette {
    /// Offers what works of these lines.
    #[must_use]
    pub fn new(lines: Vec<HelpLine>) -> Self {
        let live: Vec<HelpLine> = lines.into_iter().filter(|line| line.why_not.is_none()).collect();
        let choice = |line: &HelpLine| {
            let words = format!("{}  ({})", line.binding.label, line.binding.action.name());
            Choice::new(words, line.keys.join(" "))
        };
        let choices = live.iter().map(choice).collect();
        Self {
            actions: live.iter().map(|line| line.binding.action).collect(),
            picker: Picker::new(choices, 0),
        }
    }
}

impl Screen for Palette {
    fn title(&self) -> String {
        "Actions".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        let chosen = self.picker.chosen().and_then(|at| self.actions.get(at)).copied();
        match (action, chosen) {
            (Action::Choose, Some(chosen)) => cx.close_then(move |cx| cx.ask(Effect::Act(chosen))),
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
        Layer::Popup { width: 60, height: cells(self.picker.len() + 1).min(20) }
    }
}
