//! A text that is being typed: one line, or several; perhaps hidden.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use tui_input::{Input as Typed, InputRequest};

use super::{cells, put};
use crate::text;
use crate::tui::input::{Input, Key, KeyChord};

/// The most characters of a field that names no limit of its own.
const DEFAULT_MAX: usize = 4_096;

/// What is typed, and where the cursor stands in it.
#[derive(Clone)]
pub struct TextField {
    typed: Typed,
    max: usize,
    lines: bool,
    hidden: bool,
}

impl TextField {
    /// One line of at most so many characters (code points).
    #[must_use]
    pub fn line(value: &str, max: usize) -> Self {
        Self { typed: Typed::new(value.to_owned()), max, lines: false, hidden: false }
    }

    /// One line without a limit of its own.
    #[must_use]
    pub fn free(value: &str) -> Self {
        Self::line(value, DEFAULT_MAX)
    }

    /// Text of several lines.
    #[must_use]
    pub fn lines(value: &str) -> Self {
        Self { lines: true, ..Self::line(&value.replace("\r\n", "\n"), DEFAULT_MAX * 4) }
    }

    /// A line that is not shown.
    #[must_use]
    pub fn hidden() -> Self {
        Self { hidden: true, ..Self::free("") }
    }

    /// The text as it was typed.
    #[must_use]
    pub fn value(&self) -> &str {
        self.typed.value()
    }

    /// Puts another text in its place, the cursor behind it.
    pub fn set(&mut self, value: &str) {
        self.typed = Typed::new(value.to_owned());
    }

    /// At which byte of the text the cursor stands.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.before_cursor().len()
    }

    /// Puts another text in the place of these bytes, the cursor behind it; does nothing where they are no whole characters.
    pub fn replace(&mut self, bytes: Range<usize>, with: &str) {
        let value = self.typed.value();
        let (Some(before), Some(after)) = (value.get(..bytes.start), value.get(bytes.end..)) else { return };
        let cursor = before.chars().count() + with.chars().count();
        self.typed = Typed::new([before, with, after].concat()).with_cursor(cursor);
    }

    /// Takes a key or a paste; says whether the field uses it.
    pub fn input(&mut self, input: &Input) -> bool {
        match input {
            Input::Key(chord) => self.key(*chord),
            Input::Paste(words) => {
                self.paste(words);
                true
            }
            _ => false,
        }
    }

    /// Takes a key; says whether the field uses it. `Enter` is used only by several lines, the arrows up and down
    /// only while there is a line to go to.
    pub fn key(&mut self, chord: KeyChord) -> bool {
        if let Some(c) = chord.text() {
            self.insert(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let request = match (chord.key, chord.ctrl) {
            (Key::Enter, false) if self.lines => {
                self.insert("\n");
                return true;
            }
            (Key::Up, false) if self.lines => return self.move_line(false),
            (Key::Down, false) if self.lines => return self.move_line(true),
            (Key::Backspace, false) => InputRequest::DeletePrevChar,
            (Key::Delete, false) => InputRequest::DeleteNextChar,
            (Key::Left, false) => InputRequest::GoToPrevChar,
            (Key::Right, false) => InputRequest::GoToNextChar,
            (Key::Home, false) => InputRequest::SetCursor(self.line_start()),
            (Key::End, false) => InputRequest::SetCursor(self.line_end()),
            (Key::Char('w'), true) => InputRequest::DeletePrevWord,
            (Key::Char('u'), true) => InputRequest::DeleteFromStart,
            (Key::Char('k'), true) => InputRequest::DeleteTillEnd,
            _ => return false,
        };
        self.typed.handle(request);
        true
    }

    /// Takes a paste as one insertion. A line takes it without line breaks at its ends, with spaces for those inside;
    /// control characters are dropped; what is beyond the limit is, too. Gives the number of characters dropped at the
    /// limit.
    pub fn paste(&mut self, words: &str) -> usize {
        let words = words.replace("\r\n", "\n").replace('\r', "\n");
        let words = if self.lines {
            Cow::Borrowed(&*words)
        } else {
            words.trim_matches('\n').replace('\n', " ").into()
        };
        let kept: String = words.chars().filter(|c| !c.is_control() || (self.lines && *c == '\n')).collect();
        self.insert(&kept)
    }

    /// Inserts at the cursor what the limit leaves room for; gives the number of characters that found none.
    fn insert(&mut self, words: &str) -> usize {
        let value = self.typed.value();
        let room = self.max.saturating_sub(value.chars().count());
        let at = self.typed.cursor();
        let byte = value.char_indices().nth(at).map_or(value.len(), |(byte, _)| byte);
        let end = words.char_indices().nth(room).map_or(words.len(), |(byte, _)| byte);
        let kept = &words[..end];
        let longer = [&value[..byte], kept, &value[byte..]].concat();
        let cursor = at + kept.chars().count();
        self.typed = Typed::new(longer).with_cursor(cursor);
        words[end..].chars().count()
    }

    fn before_cursor(&self) -> &str {
        let value = self.typed.value();
        let byte = value.char_indices().nth(self.typed.cursor()).map_or(value.len(), |(byte, _)| byte);
        &value[..byte]
    }

    /// The code point at which the cursor's line starts.
    fn line_start(&self) -> usize {
        let before = self.before_cursor();
        before.rfind('\n').map_or(0, |newline| before[..=newline].chars().count())
    }

    /// The code point at which the cursor's line ends.
    fn line_end(&self) -> usize {
        let after = &self.typed.value()[self.before_cursor().len()..];
        self.typed.cursor() + after.chars().take_while(|c| *c != '\n').count()
    }

    fn move_line(&mut self, down: bool) -> bool {
        let column = self.typed.cursor() - self.line_start();
        let total = self.typed.value().chars().count();
        let start = if down { self.line_end() + 1 } else { self.line_start().saturating_sub(1) };
        if (down && start > total) || (!down && self.line_start() == 0) {
            return false;
        }
        self.typed.handle(InputRequest::SetCursor(start));
        let (start, end) = (self.line_start(), self.line_end());
        self.typed.handle(InputRequest::SetCursor((start + column).min(end)));
        true
    }

    /// How many rows of this width it would like to have.
    #[must_use]
    pub fn height(&self, width: u16) -> u16 {
        if self.lines { cells(rows(self.value(), usize::from(width)).len()).clamp(3, 8) } else { 1 }
    }

    /// Draws it, scrolled so that the cursor can be seen; gives the cursor's place.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, style: Style) -> Position {
        if self.lines { self.draw_lines(buffer, area, style) } else { self.draw_line(buffer, area, style) }
    }

    /// A box: what is longer than a row goes on in the next.
    fn draw_lines(&self, buffer: &mut Buffer, area: Rect, style: Style) -> Position {
        let value = self.value();
        let rows = rows(value, usize::from(area.width));
        let cursor = self.before_cursor().len();
        let row = rows.iter().rposition(|row| row.start <= cursor).unwrap_or(0);
        let first = (row + 1).saturating_sub(usize::from(area.height));
        for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(first)) {
            put_exact(buffer, Rect { y, height: 1, ..area }, &text::safe(&value[row.clone()]), style);
        }
        let column = text::width(&text::safe(&value[rows[row].start..cursor.max(rows[row].start)]));
        Position {
            x: area.x + cells(column).min(area.width.saturating_sub(1)),
            y: area.y + cells(row - first).min(area.height.saturating_sub(1)),
        }
    }

    fn draw_line(&self, buffer: &mut Buffer, area: Rect, style: Style) -> Position {
        let stars = |text: &str| "*".repeat(text.chars().count());
        let (value, before) = (self.value(), self.before_cursor());
        let shown = if self.hidden { stars(value) } else { text::safe(value).into_owned() };
        let before = if self.hidden { stars(before) } else { text::safe(before).into_owned() };
        let (column, width) = (text::width(&before), usize::from(area.width));
        let skip = (column + 1).saturating_sub(width);
        let (skipped, visible) = skip_cells(&shown, skip);
        put_exact(buffer, Rect { height: 1, ..area }, visible, style);
        debug_assert!(skipped <= skip + 1, "at most half a wide character is skipped in excess");
        let x = area.x + cells(column - skip.min(column)).min(area.width.saturating_sub(1));
        Position { x, y: area.y }
    }
}

/// Where the rows of a text begin and end, in bytes: at its own line breaks, and where a row of this width is full, behind a
/// blank if there is one. A cell is left for the cursor.
fn rows(value: &str, width: usize) -> Vec<Range<usize>> {
    let room = width.saturating_sub(1).max(1);
    let (mut rows, mut start, mut used) = (Vec::new(), 0, 0);
    let mut blank = None;
    for (at, c) in value.char_indices() {
        if c == '\n' {
            rows.push(start..at);
            (start, used, blank) = (at + 1, 0, None);
            continue;
        }
        let cell = text::width(&text::safe(c.encode_utf8(&mut [0; 4])));
        // A blank at the end hangs over.
        if c != ' ' && used + cell > room && at > start {
            let end = blank.unwrap_or(at);
            rows.push(start..end);
            used = text::width(&text::safe(&value[end..at]));
            (start, blank) = (end, None);
        }
        used += cell;
        if c == ' ' {
            blank = Some(at + 1);
        }
    }
    rows.push(start..value.len());
    rows
}

/// Writes without the `…`: what is typed is cut at the edge, not shortened.
fn put_exact(buffer: &mut Buffer, row: Rect, visible: &str, style: Style) {
    if row.width > 0 && buffer.area.contains(row.as_position()) {
        buffer.set_stringn(row.x, row.y, visible, usize::from(row.width), style);
    }
}

/// The text without its first cells, and how many were left out.
fn skip_cells(safe: &str, skip: usize) -> (usize, &str) {
    let mut skipped = 0;
    for (byte, c) in safe.char_indices() {
        if skipped >= skip {
            return (skipped, &safe[byte..]);
        }
        skipped += text::width(c.encode_utf8(&mut [0; 4]));
    }
    (skipped, "")
}

/// Draws a search line: a label and the field behind it, in one row; gives the cursor's place.
pub fn draw_prompt(buffer: &mut Buffer, row: Rect, label: &str, field: &TextField, style: Style) -> Position {
    let used = put(buffer, row.x, row.y, row.width, label, style).min(row.width.saturating_sub(1));
    field.draw(buffer, Rect { x: row.x + used, width: row.width - used, height: 1, ..row }, Style::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::{code, ctrl, key};

    fn typed(field: &mut TextField, keys: &str) {
        for c in keys.chars() {
            assert!(field.key(key(c)));
        }
    }

    #[test]
    fn typing_moving_and_deleting_go_by_whole_characters() {
        let mut field = TextField::free("");
        typed(&mut field, "Zoe\u{301}!");
        field.key(code(Key::Left));
        field.key(code(Key::Backspace));
        assert_eq!(field.value(), "Zo!");
        typed(&mut field, "é");
        assert_eq!(field.value(), "Zoé!");
        field.key(ctrl('u'));
        assert_eq!(field.value(), "!");
    }

    #[test]
    fn the_limit_holds_for_keys_and_pastes() {
        let mut field = TextField::line("ab", 4);
        assert_eq!(field.paste("cdef"), 2);
        typed(&mut field, "x");
        assert_eq!(field.value(), "abcd");
    }

    #[test]
    fn a_paste_into_a_line_stays_a_line() {
        let mut field = TextField::free("");
        field.paste("one\r\ntwo\x1b[31m\n");
        assert_eq!(field.value(), "one two[31m");
        let mut box_field = TextField::lines("");
        box_field.paste("one\rtwo\n");
        assert_eq!(box_field.value(), "one\ntwo\n");
    }

    #[test]
    fn lines_are_left_at_their_ends_only() {
        let mut field = TextField::lines("long line\nx\nlast");
        assert!(field.key(code(Key::Up)));
        assert!(field.key(code(Key::Up)));
        assert!(!field.key(code(Key::Up)));
        typed(&mut field, "!");
        assert_eq!(field.value(), "l!ong line\nx\nlast");
        assert!(field.key(code(Key::Down)) && field.key(code(Key::Down)) && !field.key(code(Key::Down)));
    }

    #[test]
    fn a_box_breaks_long_lines_at_blanks_and_the_cursor_follows() {
        let broken =
            |text: &str, width| rows(text, width).into_iter().map(|row| text[row].to_owned()).collect();
        let found: Vec<String> = broken("keeps the printers\nand 日本語 too", 11);
        assert_eq!(found, ["keeps the ", "printers", "and 日本語 ", "too"]);
        let found: Vec<String> = broken("printersprinters\n", 9);
        assert_eq!(found, ["printers", "printers", ""]);
        let mut field = TextField::lines("one two three \x1b[2J four");
        let before = field.value().to_owned();
        for width in 1..12 {
            for _ in 0..30 {
                let area = Rect::new(1, 1, width, 3);
                let mut buffer = Buffer::empty(Rect::new(0, 0, 14, 5));
                let at = field.draw(&mut buffer, area, Style::new());
                assert!(area.contains(at), "{width}: {at}");
                assert!(buffer.content.iter().all(|cell| !cell.symbol().contains('\x1b')));
                field.key(code(Key::Left));
            }
            field.set(&before);
        }
        assert_eq!(
            (field.height(40), field.height(8), TextField::lines(&"x\n".repeat(20)).height(8)),
            (3, 4, 8)
        );
    }

    #[test]
    fn the_cursor_is_always_inside() {
        let mut wide = TextField::free("日本語のテキスト");
        for _ in 0..9 {
            for width in 1..20 {
                let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 3));
                let area = Rect::new(0, 1, width, 1);
                let at = wide.draw(&mut buffer, area, Style::new());
                assert!(area.contains(at), "{width}: {at}");
            }
            wide.key(code(Key::Left));
        }
    }

    #[test]
    fn a_password_is_not_drawn() {
        let mut field = TextField::hidden();
        typed(&mut field, "s3cret");
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        let area = buffer.area;
        field.draw(&mut buffer, area, Style::new());
        assert_eq!(buffer, Buffer::with_lines(["******  "]));
    }

    #[test]
    fn a_mebibyte_is_pasted_at_once() {
        let mut field = TextField::free("");
        let dropped = field.paste(&"x".repeat(1 << 20));
        assert_eq!(field.value().len() + dropped, 1 << 20);
        assert_eq!(field.value().len(), DEFAULT_MAX);
    }
}
