//! Draws a form: labels, values, what is said about them; in two columns where there is room.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Block;

use super::form::{Entry, Form, Value};
use super::form_value::{draw_value, entry_height, item_row, said};
use super::{cells, clear, put};
use crate::portal::form::FieldKind;
use crate::text;
use crate::tui::theme::{Theme, Tone};

/// From this width on, boxes of the first section stand beside its texts.
const TWO_COLUMNS: u16 = 72;
/// The widest value where something can be said beside it.
const VALUE: u16 = 28;

/// With less than this, nothing is said beside a field.
const ROOM: u16 = 12;

/// Where a field stands, in rows from the top of the form.
struct Place {
    entry: usize,
    row: u16,
    height: u16,
    /// Cells from the left.
    x: u16,
    label: u16,
    value: u16,
}

/// A heading and the row it stands in.
type Heading = (u16, &'static str);

impl Form {
    /// Draws it. The last row says what the field with the cursor is for, or what is wrong with it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        let talk = u16::from(area.height >= 3);
        let body = Rect { height: area.height - talk, ..area };
        let (places, headings) = self.layout(body.width);
        self.scroll_to_focus(&places, body.height);
        let shown = |row: u16| {
            (row >= self.first_row && row - self.first_row < body.height)
                .then(|| body.y + row - self.first_row)
        };
        for (row, heading) in headings {
            if let Some(y) = shown(row) {
                self.draw_heading(frame.buffer_mut(), Rect { y, height: 1, ..body }, heading, theme);
            }
        }
        let mut cursor = None;
        let mut said_below = true;
        for place in &places {
            // A long list may begin above what is shown.
            let skip = self.first_row.saturating_sub(place.row).min(place.height - 1);
            let Some(y) = shown(place.row + skip) else { continue };
            let height = (place.height - skip).min(body.bottom() - y);
            let line = Rect { x: body.x, y, width: body.width, height };
            let at = self.draw_entry(frame.buffer_mut(), line, place, usize::from(skip), theme);
            if place.entry == self.focus {
                cursor = at;
                said_below = self.beside(place, line).width < ROOM;
            }
        }
        if talk > 0 {
            let row = Rect { y: area.bottom() - 1, height: 1, ..area };
            self.draw_talk(frame.buffer_mut(), row, said_below, theme);
        }
        if self.picker.is_some() {
            self.draw_picker(frame, body, &places, theme);
        } else if let Some(at) = cursor {
            frame.set_cursor_position(at);
        }
    }

    fn layout(&self, width: u16) -> (Vec<Place>, Vec<Heading>) {
        let label = self.entries.iter().map(|entry| text::width(entry.field.short)).max().unwrap_or(0);
        let label = cells(label).min(width / 3);
        let wide = self.has_columns(width);
        let rest = width.saturating_sub(label + 4);
        let value = if width >= TWO_COLUMNS { VALUE } else { rest };
        let (mut places, mut headings) = (Vec::new(), Vec::new());
        let (mut row, mut beside) = (0, 0);
        let mut section = "";
        for (at, entry) in self.entries.iter().enumerate() {
            let is_box = entry.field.kind == FieldKind::Bool;
            if wide
                && is_box
                && entry.field.section.is_empty()
                && beside < row.max(1)
                && self.has_texts_above(at)
            {
                let x = label + VALUE + 6;
                let label = self.box_label();
                places.push(Place { entry: at, row: beside, height: 1, x, label, value: 3 });
                beside += 1;
                continue;
            }
            if entry.field.section != section {
                section = entry.field.section;
                if section.is_empty() {
                    row += 1;
                } else {
                    headings.push((row, section));
                    row += 1;
                }
            }
            let (label, value) = match entry.value {
                _ if self.is_list(entry) => (0, width.saturating_sub(4)),
                Value::Text(_) if self.upright => (label, rest),
                _ => (label, value),
            };
            let height = entry_height(entry, value);
            places.push(Place { entry: at, row, height, x: 2, label, value });
            row += height;
        }
        (places, headings)
    }

    /// Whether boxes stand beside texts.
    fn has_columns(&self, width: u16) -> bool {
        width >= TWO_COLUMNS && !self.upright
    }

    /// Whether the field is the list under a heading of its own, which needs no label.
    fn is_list(&self, entry: &Entry) -> bool {
        let alone =
            self.entries.iter().filter(|other| other.field.section == entry.field.section).count() == 1;
        alone && !entry.field.section.is_empty() && matches!(entry.value, Value::Many(_))
    }

    fn has_texts_above(&self, at: usize) -> bool {
        self.entries[..at]
            .iter()
            .any(|entry| entry.field.section.is_empty() && entry.field.kind != FieldKind::Bool)
    }

    fn box_label(&self) -> u16 {
        let boxes = self
            .entries
            .iter()
            .filter(|entry| entry.field.kind == FieldKind::Bool && entry.field.section.is_empty());
        cells(boxes.map(|entry| text::width(entry.field.short)).max().unwrap_or(0))
    }

    fn scroll_to_focus(&mut self, places: &[Place], height: u16) {
        let rows = places.iter().map(|place| place.row + place.height).max().unwrap_or(0);
        if let Some(place) = places.iter().find(|place| place.entry == self.focus) {
            let (row, tall) = match item_row(&self.entries[place.entry], place.value) {
                Some(item) => (place.row + item, 1),
                None => (place.row, place.height),
            };
            if row < self.first_row {
                // The heading above a section's first field comes into view with it.
                self.first_row = if row == place.row { row.saturating_sub(1) } else { row };
            }
            let needed = (row + tall.min(height)).saturating_sub(height);
            self.first_row = self.first_row.max(needed);
        }
        self.first_row = self.first_row.min(rows.saturating_sub(height));
    }

    /// A heading, and behind it what is said about the list that stands below it alone.
    fn draw_heading(&self, buffer: &mut Buffer, row: Rect, heading: &str, theme: &Theme) {
        let room = |x: u16| row.right().saturating_sub(x);
        let x = row.x + 1;
        let x = x + put(buffer, x, row.y, room(x), heading, theme.style(Tone::Strong)) + 2;
        let list = self.entries.iter().find(|entry| entry.field.section == heading && self.is_list(entry));
        if let Some((tone, words)) = list.and_then(|entry| entry.hint.as_ref()) {
            put(buffer, x, row.y, room(x), words, theme.style(*tone));
        }
    }

    fn draw_entry(
        &self,
        buffer: &mut Buffer,
        line: Rect,
        place: &Place,
        skip: usize,
        theme: &Theme,
    ) -> Option<Position> {
        let entry = &self.entries[place.entry];
        let on = place.entry == self.focus;
        let y = line.y;
        let x = line.x + place.x;
        if on && place.x > 0 {
            let item = if entry.is_upright() { cells(entry.item.saturating_sub(skip)) } else { 0 };
            let y = (y + item).min(line.bottom() - 1);
            put(buffer, x - 1, y, 1, theme.cursor(), theme.style(Tone::Strong));
        }
        let tone = if on { Tone::Strong } else { Tone::Plain };
        let room = line.right().saturating_sub(x);
        put(buffer, x, y, place.label.min(room), entry.field.short, theme.style(tone));
        let value = value_area(place, line);
        let cursor = if value.is_empty() { None } else { draw_value(buffer, value, entry, on, skip, theme) };
        let beside = self.beside(place, line);
        if beside.width >= ROOM {
            if let Some((tone, words)) = said(entry, theme) {
                put(buffer, beside.x, y, beside.width, &words, theme.style(tone));
            }
        } else if entry.error.is_some() {
            // No room to say it here: a sign, and the words in the last row.
            let x = value.right().min(line.right().saturating_sub(1));
            put(buffer, x, y, 1, theme.cross(), theme.style(Tone::Bad));
        }
        cursor
    }

    /// Where something can be said beside a field. A box that stands there takes the room away, and a list has none.
    fn beside(&self, place: &Place, line: Rect) -> Rect {
        let entry = &self.entries[place.entry];
        let value = value_area(place, line);
        let x = (value.right() + 1).min(line.right());
        let boxes = self
            .entries
            .iter()
            .filter(|entry| entry.field.kind == FieldKind::Bool && entry.field.section.is_empty());
        let has_box = self.has_columns(line.width)
            && place.x <= 2
            && entry.field.section.is_empty()
            && usize::from(place.row) < boxes.count();
        let is_tall = matches!(entry.field.kind, FieldKind::Choices(_) | FieldKind::Lines);
        let width = if has_box || is_tall { 0 } else { line.right() - x };
        Rect { x, y: line.y, width, height: 1 }
    }

    /// The last row: what is wrong with the field that has the cursor, or what it is for; at its end the errors.
    fn draw_talk(&self, buffer: &mut Buffer, row: Rect, said_below: bool, theme: &Theme) {
        let right = match (self.errors(), self.changes()) {
            (0, None) => String::new(),
            (0, Some(changes)) => changes,
            (1, _) => "1 error".to_owned(),
            (errors, _) => format!("{errors} errors"),
        };
        let width = cells(text::width(&right)).min(row.width);
        let tone = if self.errors() > 0 { Tone::Bad } else { Tone::Plain };
        put(buffer, row.right().saturating_sub(width + 1), row.y, width, &right, theme.style(tone));
        let Some(entry) = self.entries.get(self.focus) else { return };
        let hint = said(entry, theme).filter(|_| said_below && !self.is_list(entry));
        let (tone, words) = match (&entry.error, hint, &entry.locked) {
            (Some(error), ..) => (Tone::Bad, format!("{} {error}", theme.cross())),
            (None, Some(hint), _) => hint,
            (None, None, Some(why)) => (Tone::Quiet, why.clone()),
            (None, None, None) => (Tone::Quiet, entry.field.help.to_owned()),
        };
        put(buffer, row.x + 1, row.y, row.width.saturating_sub(width + 4), &words, theme.style(tone));
    }

    fn draw_picker(&mut self, frame: &mut Frame<'_>, body: Rect, places: &[Place], theme: &Theme) {
        let Some(place) = places.iter().find(|place| place.entry == self.focus) else { return };
        let Some(picker) = &mut self.picker else { return };
        let height = cells(picker.len() + 3).min(body.height).min(14);
        let width = 40.min(body.width);
        let below = body.y + (place.row + 1).saturating_sub(self.first_row);
        let x = (body.x + place.x + place.label + 1).min(body.right() - width);
        let area = Rect { x, y: below.min(body.bottom() - height), width, height };
        clear(frame.buffer_mut(), area);
        let block = Block::bordered().border_style(theme.style(Tone::Quiet));
        let block = if theme.ascii { block.border_set(crate::tui::frame::ASCII) } else { block };
        let inside = if area.height > 3 && area.width > 6 { block.inner(area) } else { area };
        if inside != area {
            frame.render_widget(block, area);
        }
        picker.draw(frame, inside, theme);
    }
}

/// Where the value of a field stands.
fn value_area(place: &Place, line: Rect) -> Rect {
    let x = line.x + place.x + if place.label == 0 { 0 } else { place.label + 2 };
    Rect { x: x.min(line.right()), width: place.value.min(line.right().saturating_sub(x)), ..line }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::picker::Choice;
    use super::*;
    use crate::error::{Error, Kind};
    use crate::portal::forms;
    use crate::tui::actions::Action;
    use crate::tui::input::{Input, Key, code, key};
    use crate::tui::widgets::form::Used;

    fn form() -> Form {
        let named = |names: &[&str]| names.iter().map(|name| Choice::new(*name, "")).collect::<Vec<_>>();
        Form::new(&forms::USER)
            .with_text("username", "bela")
            .with_text("first_name", "Bela")
            .with_text("last_name", "Novak")
            .with_text("email", "bela@example.org")
            .with_choice("department", named(&["IT", "Sales"]), Some(1))
            .with_text("phone_number", "+1 555 0100")
            .with_text("main_portal_id", "B31")
            .with_flag("email_notifications", true)
            .with_choices("groups", named(&["Engineer", "AMC Admin", "Admin"]), BTreeSet::from([0]))
            .with_flag("is_active", true)
            .with_locked("is_superuser", "only a superuser may change this")
    }

    fn drawn(form: &mut Form, width: u16, height: u16) -> String {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
        let theme = Theme { colours: false, ascii: false };
        terminal.draw(|frame| form.draw(frame, frame.area(), &theme)).expect("a test backend never fails");
        terminal.backend().to_string()
    }

    fn press(form: &mut Form, keys: &str) {
        for c in keys.chars() {
            form.input(&Input::Key(key(c)));
        }
    }

    #[test]
    fn wide_it_has_two_columns() {
        let mut form = form();
        form.go_to("department");
        form.act(Action::PreviousChoice).expect("not locked");
        form.go_to("phone_number");
        press(&mut form, "x");
        form.set_hint("main_portal_id", Some((Tone::Good, "free".to_owned())));
        insta::assert_snapshot!(drawn(&mut form, 100, 15));
    }

    #[test]
    fn narrow_it_scrolls_to_the_cursor() {
        let mut form = form();
        form.go_to("is_staff");
        insta::assert_snapshot!(drawn(&mut form, 40, 8));
    }

    #[test]
    fn a_long_list_scrolls_with_its_cursor() {
        let groups = |count: usize| (0..count).map(|at| Choice::new(format!("group {at}"), "what it means"));
        let mut form = form().with_choices("groups", groups(30).collect(), BTreeSet::from([0, 21]));
        form.go_to("groups");
        for _ in 0..21 {
            form.act(Action::FieldDown).expect("not locked");
        }
        let shown = drawn(&mut form, 80, 12);
        assert!(shown.contains("▸[x] group 21   what it means"), "{shown}");
        for _ in 0..9 {
            form.act(Action::FieldDown).expect("not locked");
        }
        assert_eq!(form.focused(), Some("is_active"), "below the last is the next field");
        form.act(Action::FieldUp).expect("not locked");
        assert!(drawn(&mut form, 80, 12).contains("▸[ ] group 29"));
    }

    #[test]
    fn the_list_opens_over_the_form() {
        let mut form = form();
        form.go_to("department");
        assert!(!form.takes_text());
        form.act(Action::Toggle).expect("not locked");
        assert!(form.takes_text());
        insta::assert_snapshot!(drawn(&mut form, 80, 15));
        press(&mut form, "i");
        assert_eq!(form.input(&Input::Key(code(Key::Enter))), Used::Edited("department"));
        assert_eq!(form.choice("department"), Some(0));
        assert_eq!(form.before_and_after("department"), Some(("Sales".to_owned(), "IT".to_owned())));
    }

    #[test]
    fn what_was_not_touched_is_not_judged() {
        let mut form = form().with_text("username", "no good name");
        assert!(form.check() && form.changes().is_none());
        press(&mut form, "!");
        assert_eq!(form.errors(), 1);
        form.go_to("email");
        assert!(!form.check());
        assert_eq!(form.focused(), Some("username"));
        assert_eq!(form.changes().as_deref(), Some("1 change"));
    }

    #[test]
    fn a_new_form_wants_what_must_be_there() {
        let mut form = Form::new(&forms::DEPARTMENT);
        assert!(!form.check());
        assert_eq!(form.error_map().keys().copied().collect::<Vec<_>>(), ["name"]);
    }

    #[test]
    fn locked_fields_say_why() {
        let mut form = form();
        form.go_to("is_superuser");
        assert_eq!(form.act(Action::Toggle), Err("only a superuser may change this".to_owned()));
        assert!(!form.flag("is_superuser"));
        form.go_to("is_staff");
        assert_eq!(form.act(Action::Toggle), Ok(Used::Edited("is_staff")));
        assert!(form.flag("is_staff"));
    }

    #[test]
    fn errors_of_the_database_stand_at_their_fields() {
        let mut form = form();
        let taken = Error::field(Kind::Duplicate, "main_portal_id", "B31 belongs to cho.");
        assert!(form.set_errors(&taken));
        assert_eq!(form.focused(), Some("main_portal_id"));
        assert!(!form.set_errors(&Error::conflict("Somebody else was faster.")) || form.errors() == 1);
    }

    #[test]
    fn enter_goes_through_all_fields_and_saves_nothing() {
        let mut form = form();
        for field in &forms::USER {
            assert_eq!(form.focused(), Some(field.name));
            assert_eq!(form.input(&Input::Key(code(Key::Enter))), Used::No);
            form.act(Action::NextField).expect("moves");
        }
        assert_eq!(form.focused(), Some(forms::USER[0].name));
    }

    #[test]
    fn it_is_drawn_in_any_size_with_and_without_its_list() {
        for (width, height) in (1..90).step_by(3).flat_map(|width| (1..20).map(move |height| (width, height)))
        {
            let mut form = form();
            for _ in 0..forms::USER.len() {
                drawn(&mut form, width, height);
                form.act(Action::NextField).expect("moves");
            }
            form.go_to("department");
            form.act(Action::Toggle).expect("not locked");
            drawn(&mut form, width, height);
        }
    }
}
