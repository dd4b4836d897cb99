//! A menu of actions, each with a letter that never changes; arrows and `Enter` reach them from any keyboard.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key, code};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{cells, put};

/// Its keys, beside the letters.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "do it"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
    Binding::new(&[code(Key::Down)], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up)], Action::Up, "up").quiet(),
];

/// One line of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its letter.
    pub letter: char,
    /// What it does, in a few words.
    pub label: &'static str,
    /// What it does on the screen below.
    pub action: Action,
}

/// The menu.
pub struct Menu {
    title: String,
    entries: Vec<Entry>,
    cursor: usize,
}

impl Menu {
    /// A menu of what can be done now; the chosen one is done as if its key had been pressed on the screen below.
    #[must_use]
    pub fn new(title: impl Into<String>, entries: Vec<Entry>) -> Self {
        Self { title: title.into(), entries, cursor: 0 }
    }

    /// Opens a menu about something of this name, or says that nothing can be done to it.
    pub fn open(name: &str, entries: Vec<Entry>, cx: &mut Cx) {
        if entries.is_empty() {
            cx.refuse(format!("You may do nothing to {name}."));
        } else {
            cx.push(Self::new(name, entries));
        }
    }

    fn choose(&self, at: usize, cx: &mut Cx) {
        if let Some(entry) = self.entries.get(at) {
            let action = entry.action;
            cx.close_then(move |cx| cx.ask(Effect::Act(action)));
        }
    }
}

impl Screen for Menu {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        let last = self.entries.len().saturating_sub(1);
        match action {
            Action::Choose => self.choose(self.cursor, cx),
            Action::Down => self.cursor = (self.cursor + 1).min(last),
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let Input::Key(chord) = input else { return false };
        let at = chord.text().and_then(|letter| self.entries.iter().position(|entry| entry.letter == letter));
        if let Some(at) = at {
            self.choose(at, cx);
        } else if chord.text() == Some('q') {
            cx.close();
        }
        at.is_some()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let first = (self.cursor + 1).saturating_sub(usize::from(area.height));
        for (y, (at, entry)) in (area.y..area.bottom()).zip(self.entries.iter().enumerate().skip(first)) {
            let on = at == self.cursor;
            let tone = if on { Tone::Strong } else { Tone::Plain };
            put(buffer, area.x, y, 1, if on { theme.cursor() } else { " " }, theme.style(Tone::Strong));
            let words = format!("{}  {}", entry.letter, entry.label);
            put(buffer, area.x + 2, y, area.width.saturating_sub(2), &words, theme.style(tone));
        }
    }

    fn layer(&self) -> Layer {
        let widest = self.entries.iter().map(|entry| text::width(entry.label)).max().unwrap_or(0);
        Layer::Popup { width: cells(widest + 5), height: cells(self.entries.len()) }
    }

    fn guarded(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::input::key;

    #[test]
    fn a_letter_and_the_cursor_lead_to_the_same() {
        let entries = vec![
            Entry { letter: 'e', label: "edit", action: Action::UsersEdit },
            Entry { letter: 'p', label: "password", action: Action::UsersPassword },
        ];
        let mut cx = Cx::new(Size::new(80, 24));
        let mut act = |run: &dyn Fn(&mut Menu, &mut Cx)| {
            run(&mut Menu::new("bela", entries.clone()), &mut cx);
            let Some(Effect::CloseThen(then)) = cx.take().pop() else { panic!("it closes and does it") };
            then(&mut cx);
            format!("{:?}", cx.take())
        };
        let by_letter = act(&|menu, cx| assert!(menu.input(&Input::Key(key('p')), cx)));
        let by_cursor = act(&|menu, cx| {
            menu.act(Action::Down, cx);
            menu.act(Action::Down, cx);
            menu.act(Action::Choose, cx);
        });
        assert_eq!(
            (by_letter.as_str(), by_cursor.as_str()),
            ("[Act(users.password)]", "[Act(users.password)]")
        );
        assert!(!Menu::new("bela", entries).input(&Input::Key(key('x')), &mut Cx::new(Size::new(80, 24))));
    }
}
