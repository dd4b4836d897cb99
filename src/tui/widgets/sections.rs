//! A list under headings, with boxes to tick where there are any, that is narrowed by typing a part of a line.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::text_field::{TextField, draw_prompt};
use super::{cells, put};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::input::{Input, Key};
use crate::tui::theme::{Theme, Tone};

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it stands under; lines of one heading follow each other.
    pub heading: String,
    /// Its box, where it has one.
    pub ticked: Option<bool>,
    /// What it is called, not yet safe to show.
    pub label: String,
    /// What is said about it at the right.
    pub note: String,
}

/// The lines, the cursor, and what was typed to narrow them.
pub struct Sections {
    entries: Vec<Entry>,
    typed: TextField,
    typing: bool,
    matching: Vec<usize>,
    cursor: usize,
    first: usize,
    height: usize,
}

impl Default for Sections {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            typed: TextField::free(""),
            typing: false,
            matching: Vec::new(),
            cursor: 0,
            first: 0,
            height: 1,
        }
    }
}

/// What is drawn in a row.
enum Row {
    Heading(usize),
    /// The place of an entry among the matching ones.
    Entry(usize),
}

impl Sections {
    /// Shows these lines; the cursor stays at its place, the typed words stay.
    pub fn set(&mut self, entries: Vec<Entry>) {
        let (cursor, was) = (self.cursor, self.current());
        self.entries = entries;
        self.filter();
        let same = was.and_then(|at| self.matching.iter().position(|matching| *matching == at));
        self.cursor = same.unwrap_or(cursor).min(self.matching.len().saturating_sub(1));
    }

    /// The line under the cursor, counted among all lines.
    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.matching.get(self.cursor).copied()
    }

    /// How many lines match what is typed.
    #[must_use]
    pub fn matching(&self) -> usize {
        self.matching.len()
    }

    /// Whether the typed line has the cursor.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    /// Does a move, or begins to type; says whether it was one of these.
    pub fn act(&mut self, action: Action) -> bool {
        let last = self.matching.len().saturating_sub(1);
        match action {
            Action::Down => self.cursor = (self.cursor + 1).min(last),
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::PageDown => self.cursor = (self.cursor + self.height).min(last),
            Action::PageUp => self.cursor = self.cursor.saturating_sub(self.height),
            Action::First => self.cursor = 0,
            Action::Last => self.cursor = last,
            Action::Filter => self.typing = true,
            _ => return false,
        }
        true
    }

    /// Takes a key or a paste while typing; says whether it was used.
    pub fn input(&mut self, input: &Input) -> bool {
        let before = self.typed.value().to_owned();
        let used = match input {
            Input::Key(chord) if matches!(chord.key, Key::Enter | Key::Down) => {
                self.typing = false;
                true
            }
            _ => self.typed.input(input),
        };
        if self.typed.value() != before {
            self.filter();
            self.cursor = 0;
        }
        used
    }

    /// Takes the typed words away; says whether there was something to take.
    pub fn clear(&mut self) -> bool {
        let had = self.typing || !self.typed.value().is_empty();
        let was = self.current();
        self.typing = false;
        self.typed.set("");
        self.filter();
        self.cursor = was.unwrap_or(0);
        had
    }

    /// Keeps the lines that hold every typed word. This is a convenience over a list that is all in memory, not a
    /// comparison of two database texts.
    fn filter(&mut self) {
        let typed = self.typed.value().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let matches = |entry: &Entry| {
            let whole = format!("{} {} {}", entry.heading, entry.label, entry.note).to_lowercase();
            words.iter().all(|word| whole.contains(word))
        };
        self.matching = (0..self.entries.len()).filter(|at| matches(&self.entries[*at])).collect();
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut heading: Option<&str> = None;
        for (place, at) in self.matching.iter().enumerate() {
            let entry = &self.entries[*at];
            if heading != Some(&entry.heading) {
                heading = Some(&entry.heading);
                rows.push(Row::Heading(*at));
            }
            rows.push(Row::Entry(place));
        }
        rows
    }

    /// Draws the typed line, while there is one, and the list below it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let filtering = self.typing || !self.typed.value().is_empty();
        let above = u16::from(filtering && area.height > 1);
        if above > 0 {
            let row = Rect { height: 1, ..area };
            let at = draw_prompt(frame.buffer_mut(), row, "/ ", &self.typed, theme.style(Tone::Accent));
            if self.typing {
                frame.set_cursor_position(at);
            }
        }
        let list = Rect { y: area.y + above, height: area.height - above, ..area };
        self.height = usize::from(list.height).max(1);
        let rows = self.rows();
        let on = rows.iter().position(|row| matches!(row, Row::Entry(place) if *place == self.cursor));
        self.scroll(on.unwrap_or(0), rows.len());
        let label = self.entries.iter().map(|entry| cells(text::width(&text::safe(&entry.label)))).max();
        // Names that belong together differ at their ends, so a note has to make way for them.
        let label = label.unwrap_or(0).min(list.width.saturating_mul(2) / 3);
        for (y, row) in (list.y..list.bottom()).zip(rows.iter().skip(self.first)) {
            let row_area = Rect { y, height: 1, ..list };
            match row {
                Row::Heading(at) => {
                    let heading = &self.entries[*at].heading;
                    put(frame.buffer_mut(), list.x, y, list.width, heading, theme.style(Tone::Quiet));
                }
                Row::Entry(place) => self.draw_entry(frame, row_area, *place, label, theme),
            }
        }
        if rows.is_empty() && filtering {
            let words = "nothing matches; Esc clears the filter";
            put(frame.buffer_mut(), list.x, list.y, list.width, words, theme.style(Tone::Quiet));
        }
    }

    /// Keeps the cursor's row in sight, and the heading above it where there is room.
    fn scroll(&mut self, on: usize, rows: usize) {
        let above = usize::from(self.height > 1).min(on);
        self.first = self.first.min(on - above).max((on + 1).saturating_sub(self.height));
        self.first = self.first.min(rows.saturating_sub(self.height));
    }

    fn draw_entry(&self, frame: &mut Frame<'_>, row: Rect, place: usize, label: u16, theme: &Theme) {
        let entry = &self.entries[self.matching[place]];
        let on = place == self.cursor;
        let tone = if on { Tone::Strong } else { Tone::Plain };
        let buffer = frame.buffer_mut();
        let room = |x: u16| row.right().saturating_sub(x);
        let mut x = row.x + 1;
        put(buffer, x, row.y, 1.min(room(x)), if on { theme.cursor() } else { " " }, theme.style(tone));
        x += 1;
        if let Some(ticked) = entry.ticked {
            x += put(buffer, x, row.y, room(x), if ticked { "[x] " } else { "[ ] " }, theme.style(tone));
        }
        let label = if entry.note.is_empty() { room(x) } else { label.min(room(x)) };
        put(buffer, x, row.y, label, &entry.label, theme.style(tone));
        x += label + 2;
        put(buffer, x, row.y, room(x), &entry.note, theme.style(Tone::Quiet));
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::tui::input::{code, key};

    fn sections() -> Sections {
        let mut sections = Sections::default();
        let entry = |(heading, label): (&str, &str)| Entry {
            heading: heading.to_owned(),
            ticked: None,
            label: label.to_owned(),
            note: String::new(),
        };
        sections.set(
            [("core", "add_x"), ("core", "view_x"), ("auth", "add_user"), ("auth", "view_user")]
                .map(entry)
                .into(),
        );
        sections
    }

    fn drawn(sections: &mut Sections, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| sections.draw(frame, frame.area(), &Theme::default())).unwrap();
        let shown = terminal.backend().to_string();
        shown.lines().map(|line| line.trim_matches('"').trim_end().to_owned()).collect()
    }

    #[test]
    fn typing_narrows_and_escape_keeps_the_line() {
        let mut sections = sections();
        assert!(sections.act(Action::Filter) && sections.is_typing());
        for c in "auth vi".chars() {
            assert!(sections.input(&Input::Key(key(c))));
        }
        assert_eq!((sections.matching(), sections.current()), (1, Some(3)));
        assert!(sections.input(&Input::Key(code(Key::Enter))) && !sections.is_typing());
        assert!(sections.clear());
        assert_eq!((sections.matching(), sections.current()), (4, Some(3)));
        assert!(!sections.clear());
    }

    #[test]
    fn the_cursor_stays_in_sight_with_its_heading() {
        let mut sections = sections();
        assert_eq!(drawn(&mut sections, 12, 3), ["core", " ▸add_x", "  view_x"]);
        sections.act(Action::Last);
        assert_eq!(drawn(&mut sections, 12, 3), ["auth", "  add_user", " ▸view_user"]);
        sections.act(Action::Up);
        assert_eq!(drawn(&mut sections, 12, 2), ["auth", " ▸add_user"]);
        assert_eq!(drawn(&mut sections, 12, 1), [" ▸add_user"]);
        sections.act(Action::First);
        assert_eq!(drawn(&mut sections, 12, 6)[..2], ["core", " ▸add_x"]);
        for (width, height) in [(1, 1), (3, 2), (2, 40)] {
            drawn(&mut sections, width, height);
        }
    }
}
