//! Draws the value of a form's field, and says what there is to say about it.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::form::{Entry, Value};
use super::picker::Choice;
use super::{cells, put};
use crate::portal::form::FieldKind;
use crate::text;
use crate::tui::theme::{Theme, Tone};

/// The row, within a list, of the choice that the cursor is on.
pub(super) fn item_row(entry: &Entry, width: u16) -> Option<u16> {
    let is_list = matches!(entry.value, Value::Many(_));
    let rows = if is_list { many_rows(entry, width) } else { Vec::new() };
    rows.iter().position(|row| row.contains(&entry.item)).map(cells)
}

/// The rows that a field takes.
pub(super) fn entry_height(entry: &Entry, width: u16) -> u16 {
    match &entry.value {
        Value::Text(field) => field.height(width),
        Value::Many(_) => cells(many_rows(entry, width).len()).max(1),
        Value::Flag(_) | Value::One(_) => 1,
    }
}

/// The choices of a field, as many to a row as fit; each has its own row where notes are to be read.
fn many_rows(entry: &Entry, width: u16) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for (at, choice) in entry.choices.iter().enumerate() {
        let needed = cells(text::width(&text::safe(&choice.label))) + 4 + 3;
        match rows.last_mut() {
            Some(row) if !entry.is_upright() && used + needed <= width => row.push(at),
            _ => {
                rows.push(vec![at]);
                used = 0;
            }
        }
        used += needed;
    }
    rows
}

/// Draws a value; of a list without its first `skip` rows. Gives the cursor's place.
pub(super) fn draw_value(
    buffer: &mut Buffer,
    area: Rect,
    entry: &Entry,
    on: bool,
    skip: usize,
    theme: &Theme,
) -> Option<Position> {
    let plain = theme.style(if entry.locked.is_some() { Tone::Quiet } else { Tone::Plain });
    match &entry.value {
        Value::Text(field) => {
            let at = field.draw(buffer, area, plain);
            return (on && entry.locked.is_none()).then_some(at);
        }
        Value::Flag(ticked) => {
            put(buffer, area.x, area.y, area.width, if *ticked { "[x]" } else { "[ ]" }, plain);
        }
        Value::One(one) => {
            let label =
                one.and_then(|at| entry.choices.get(at)).map_or("none", |choice| choice.label.as_str());
            let used = put(buffer, area.x, area.y, area.width.saturating_sub(2), label, plain);
            put(buffer, area.x + used + 1, area.y, 1, theme.sign("▾", "v"), theme.style(Tone::Quiet));
        }
        Value::Many(many) => draw_many(buffer, area, entry, many, on, skip, theme),
    }
    None
}

/// Draws a list of boxes. Where each stands in a row of its own, what they mean stands in a column.
fn draw_many(
    buffer: &mut Buffer,
    area: Rect,
    entry: &Entry,
    ticked: &BTreeSet<usize>,
    on: bool,
    skip: usize,
    theme: &Theme,
) {
    let label_width = |choice: &Choice| cells(text::width(&text::safe(&choice.label)));
    let widest = entry.choices.iter().map(label_width).max().unwrap_or(0);
    let column = if entry.is_upright() { widest.min(area.width / 2) } else { 0 };
    for (y, row) in (area.y..area.bottom()).zip(many_rows(entry, area.width).into_iter().skip(skip)) {
        let mut x = area.x;
        for at in row {
            let choice = &entry.choices[at];
            let has_cursor = on && at == entry.item;
            let tone = match entry.locked {
                Some(_) => Tone::Quiet,
                None if has_cursor => Tone::Strong,
                None => Tone::Plain,
            };
            let room = |x: u16| area.right().saturating_sub(x);
            let tick = if ticked.contains(&at) { "[x] " } else { "[ ] " };
            x += put(buffer, x, y, room(x), tick, theme.style(tone));
            let label = if column == 0 { room(x) } else { room(x).min(column) };
            x += put(buffer, x, y, label, &choice.label, theme.style(tone)).max(column);
            if has_cursor && column == 0 {
                put(buffer, x + 1, y, room(x + 1).min(1), theme.sign("◂", "<"), theme.style(Tone::Strong));
            }
            put(buffer, x + 3, y, room(x + 3), &choice.note, theme.style(Tone::Quiet));
            x += 3;
        }
    }
}

/// What stands beside a field: its error, what the screen said, why it is locked, or what it was before.
pub(super) fn said(entry: &Entry, theme: &Theme) -> Option<(Tone, String)> {
    if let Some(error) = &entry.error {
        return Some((Tone::Bad, format!("{} {error}", theme.cross())));
    }
    if let Some((tone, words)) = &entry.hint {
        let sign = if *tone == Tone::Good { format!("{} ", theme.tick()) } else { String::new() };
        return Some((*tone, format!("{sign}{words}")));
    }
    if let Some(why) = &entry.locked {
        return Some((Tone::Quiet, why.clone()));
    }
    let secret = entry.field.kind == FieldKind::Password;
    (entry.is_changed() && !secret).then(|| {
        let was = if entry.initial.is_empty() { "empty" } else { &entry.initial };
        (Tone::Quiet, format!("was {was}"))
    })
}
