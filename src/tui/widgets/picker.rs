//! A list to choose from by typing a part of it: for choices of a form, the palette, menus.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::text_field::{TextField, draw_prompt};
use super::{cells, put};
use crate::text;
use crate::tui::input::{Input, Key};
use crate::tui::theme::{Theme, Tone};

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What it is called, not yet safe to show.
    pub label: String,
    /// What is said about it at the right: its keys, what it means.
    pub note: String,
}

impl Choice {
    /// A choice with a note.
    #[must_use]
    pub fn new(label: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.into(), note: note.into() }
    }
}

/// The choices, what was typed, and where the cursor stands.
#[derive(Clone)]
pub struct Picker {
    choices: Vec<Choice>,
    typed: TextField,
    matching: Vec<usize>,
    cursor: usize,
    height: usize,
}

impl Picker {
    /// All choices, the cursor on one of them.
    #[must_use]
    pub fn new(choices: Vec<Choice>, cursor: usize) -> Self {
        let matching = (0..choices.len()).collect();
        Self { choices, typed: TextField::free(""), matching, cursor, height: 8 }
    }

    /// The index of the choice under the cursor among all choices.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        self.matching.get(self.cursor).copied()
    }

    /// How many choices there are, matching or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.choices.len()
    }

    /// Whether there is nothing to choose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Takes a key or a paste; says whether it was used. `Enter` and `Esc` are the screen's.
    pub fn input(&mut self, input: &Input) -> bool {
        let last = self.matching.len().saturating_sub(1);
        match input {
            Input::Key(chord) if !chord.ctrl && !chord.alt && !chord.shift => match chord.key {
                Key::Up => self.cursor = self.cursor.saturating_sub(1),
                Key::Down => self.cursor = (self.cursor + 1).min(last),
                Key::PageUp => self.cursor = self.cursor.saturating_sub(self.height),
                Key::PageDown => self.cursor = (self.cursor + self.height).min(last),
                _ => return self.edit(|typed| typed.key(*chord)),
            },
            Input::Key(chord) => return self.edit(|typed| typed.key(*chord)),
            Input::Paste(words) => {
                return self.edit(|typed| {
                    typed.paste(words);
                    true
                });
            }
            _ => return false,
        }
        true
    }

    fn edit(&mut self, edit: impl FnOnce(&mut TextField) -> bool) -> bool {
        let before = self.typed.value().to_owned();
        let used = edit(&mut self.typed);
        if self.typed.value() != before {
            self.filter();
        }
        used
    }

    /// Keeps the choices that hold every typed word, those that start with the first word before the others. This is
    /// a convenience over a short list that is all on the screen, not a comparison of two database texts.
    fn filter(&mut self) {
        let typed = self.typed.value().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let mut matching: Vec<(bool, usize)> = Vec::new();
        for (at, choice) in self.choices.iter().enumerate() {
            let label = choice.label.to_lowercase();
            let note = choice.note.to_lowercase();
            if words.iter().all(|word| label.contains(word) || note.contains(word)) {
                let is_prefix = words.first().is_none_or(|word| label.starts_with(word));
                matching.push((!is_prefix, at));
            }
        }
        matching.sort_unstable();
        self.matching = matching.into_iter().map(|(_, at)| at).collect();
        self.cursor = 0;
    }

    /// Draws the typed line and the list below it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let row = Rect { height: 1, ..area };
        let at = draw_prompt(buffer, row, "/ ", &self.typed, theme.style(Tone::Strong));
        let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        self.height = usize::from(list.height).max(1);
        let first = (self.cursor + 1).saturating_sub(self.height);
        for (y, place) in (list.y..list.bottom()).zip(first..self.matching.len()) {
            let choice = &self.choices[self.matching[place]];
            let on = place == self.cursor;
            let tone = if on { Tone::Strong } else { Tone::Plain };
            put(buffer, list.x, y, 1, if on { theme.cursor() } else { " " }, theme.style(tone));
            let note_width = cells(text::width(&text::safe(&choice.note))).min(list.width / 2);
            let label_width = list.width.saturating_sub(note_width + 4);
            put(buffer, list.x + 2, y, label_width, &choice.label, theme.style(tone));
            let x = list.right().saturating_sub(note_width);
            put(buffer, x, y, note_width, &choice.note, theme.style(Tone::Quiet));
        }
        if self.matching.is_empty() {
            put(
                buffer,
                list.x + 2,
                list.y,
                list.width.saturating_sub(2),
                "nothing matches",
                theme.style(Tone::Quiet),
            );
        }
        frame.set_cursor_position(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::{code, key};

    fn picker() -> Picker {
        Picker::new(["Sales", "IT", "Human Resources", "Resale"].map(|name| Choice::new(name, "")).into(), 0)
    }

    #[test]
    fn typing_narrows_and_prefers_the_beginning() {
        let mut picker = picker();
        for c in "sale".chars() {
            assert!(picker.input(&Input::Key(key(c))));
        }
        assert_eq!(picker.chosen(), Some(0));
        picker.input(&Input::Key(code(Key::Down)));
        assert_eq!(picker.chosen(), Some(3));
        picker.input(&Input::Key(key('x')));
        assert_eq!(picker.chosen(), None);
    }

    #[test]
    fn enter_and_escape_are_left_to_the_screen() {
        let mut picker = picker();
        assert!(!picker.input(&Input::Key(code(Key::Enter))));
        assert!(!picker.input(&Input::Key(code(Key::Esc))));
    }
}
