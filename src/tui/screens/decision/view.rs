//! How a decision looks: the questions one under the other with their sides, and the result beside or below them.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::asked::{Asked, Side};
use crate::text;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::diff::{DiffLine, draw_diff};
use crate::tui::widgets::text_field::TextField;
use crate::tui::widgets::{cells, put, wrap};

/// From so many columns on, the result stands beside the questions; from so many rows on, below them.
const WIDE: u16 = 110;
const HIGH: u16 = 10;
/// Cells before the words of a choice.
const INDENT: u16 = 4;

/// Everything that is drawn.
pub(super) struct View<'a> {
    /// What it is about: the check and its title.
    pub(super) about: String,
    /// Which of how many.
    pub(super) place: String,
    /// The decision's title.
    pub(super) title: &'a str,
    pub(super) asked: &'a [Asked],
    pub(super) focus: usize,
    pub(super) result: Vec<DiffLine>,
}

/// A row of the questions.
struct Line<'a> {
    /// The question that it belongs to.
    of: usize,
    sign: &'static str,
    words: String,
    tone: Tone,
    indent: u16,
    field: Option<&'a TextField>,
}

impl View<'_> {
    pub(super) fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let mut rest = inner;
        if inner.height >= HIGH {
            let place = cells(text::width(&self.place)).min(inner.width);
            let room = inner.width.saturating_sub(place + 1);
            put(frame.buffer_mut(), inner.x, inner.y, room, &self.about, theme.style(Tone::Quiet));
            put(
                frame.buffer_mut(),
                inner.right() - place,
                inner.y,
                place,
                &self.place,
                theme.style(Tone::Quiet),
            );
            rest = below(rest, 1);
        }
        let title = wrap(&text::safe(self.title), usize::from(rest.width));
        let lines = if inner.height >= HIGH { title.len() } else { title.len().min(1) };
        for line in &title[..lines] {
            put(frame.buffer_mut(), rest.x, rest.y, rest.width, line, theme.style(Tone::Strong));
            rest = below(rest, 1);
        }
        if inner.width >= WIDE {
            let width = inner.width / 2;
            self.draw_questions(frame, Rect { width, ..rest }, theme);
            for y in rest.y..rest.bottom() {
                put(frame.buffer_mut(), rest.x + width, y, 1, theme.bar(), theme.style(Tone::Quiet));
            }
            let beside = Rect { x: rest.x + width + 2, width: rest.width - width - 2, ..rest };
            self.draw_result(frame.buffer_mut(), beside, theme);
        } else if inner.height >= HIGH {
            let wanted = cells(self.lines(rest.width, theme).len());
            let height = wanted.min(rest.height * 3 / 5).max(1);
            self.draw_questions(frame, Rect { height, ..rest }, theme);
            rest = below(rest, height);
            let rule = theme.rule().repeat(usize::from(rest.width));
            put(frame.buffer_mut(), rest.x, rest.y, rest.width, &rule, theme.style(Tone::Quiet));
            self.draw_result(frame.buffer_mut(), below(rest, 1), theme);
        } else {
            self.draw_questions(frame, rest, theme);
        }
    }

    fn draw_result(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        draw_diff(buffer, area, &self.result, 0, theme);
    }

    fn draw_questions(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let lines = self.lines(area.width, theme);
        let start = lines.iter().position(|line| line.of == self.focus).unwrap_or(0);
        let end = lines.iter().rposition(|line| line.of == self.focus).map_or(0, |at| at + 1);
        let height = usize::from(area.height);
        // As much of the question with the cursor as fits, from its beginning.
        let first = end.saturating_sub(height).min(start);
        for (y, line) in (area.y..area.bottom()).zip(&lines[first..]) {
            let room = |x: u16| area.right().saturating_sub(x);
            let style = theme.style(line.tone);
            let x = area.x + line.indent;
            put(frame.buffer_mut(), x.saturating_sub(2), y, 1, line.sign, style);
            let used = put(frame.buffer_mut(), x, y, room(x), &line.words, style);
            if let Some(field) = line.field {
                let row = Rect { x: x + used, y, width: room(x + used), height: 1 };
                let at = if row.width > 0 {
                    field.draw(frame.buffer_mut(), row, theme.style(Tone::Plain))
                } else {
                    (x, y).into()
                };
                if line.of == self.focus {
                    frame.set_cursor_position(at);
                }
            }
        }
    }

    fn lines(&self, width: u16, theme: &Theme) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        for (of, asked) in self.asked.iter().enumerate() {
            let on = of == self.focus;
            let open = if asked.is_decided() { "" } else { "  to be decided" };
            let (sign, tone) = if on { (theme.cursor(), Tone::Strong) } else { (" ", Tone::Plain) };
            let words = format!("{}{open}", asked.label());
            lines.push(Line { of, sign, words, tone, indent: 2, field: None });
            for (at, choice) in asked.choices().iter().enumerate() {
                let chosen = asked.side() == Some(Side::Choice(at));
                let tone = if chosen { Tone::Strong } else { Tone::Plain };
                let room = usize::from(width.saturating_sub(INDENT));
                for (part, words) in wrap(&text::safe(&choice.label), room).into_iter().enumerate() {
                    let sign = if part == 0 { radio(chosen, theme) } else { " " };
                    lines.push(Line { of, sign, words, tone, indent: INDENT, field: None });
                }
            }
            if let Some(field) = asked.typed() {
                let chosen = asked.side() == Some(Side::Typed);
                let tone = if chosen { Tone::Strong } else { Tone::Plain };
                let words = "typed: ".to_owned();
                lines.push(Line {
                    of,
                    sign: radio(chosen, theme),
                    words,
                    tone,
                    indent: INDENT,
                    field: Some(field),
                });
            }
            let room = usize::from(width.saturating_sub(INDENT));
            for wrong in asked.wrong() {
                for (part, words) in wrap(&text::safe(&wrong), room).into_iter().enumerate() {
                    let sign = if part == 0 { theme.cross() } else { " " };
                    lines.push(Line { of, sign, words, tone: Tone::Bad, indent: INDENT, field: None });
                }
            }
        }
        lines
    }
}

/// The sign of a side that is chosen, or is not.
fn radio(chosen: bool, theme: &Theme) -> &'static str {
    if chosen { theme.mark() } else { theme.sign("○", "o") }
}

/// What is left of an area below its first rows.
fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}
