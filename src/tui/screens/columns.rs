//! Which columns a list shows, in which order, and how wide: for every list that is a table.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key, shift};
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::columns::{Arrangement, Column, NARROWEST, Shown, WIDEST, widths};
use crate::tui::widgets::table::{Row, Table};
use crate::tui::widgets::{cells, put};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "show these"),
    Binding::new(&[key(' ')], Action::Toggle, "in or out"),
    Binding::new(&[key('K'), shift(Key::Up)], Action::ColumnEarlier, "earlier"),
    Binding::new(&[key('J'), shift(Key::Down)], Action::ColumnLater, "later"),
    Binding::new(&[code(Key::Left)], Action::ColumnNarrower, "narrower"),
    Binding::new(&[code(Key::Right)], Action::ColumnWider, "wider"),
    Binding::new(&[key('0')], Action::ColumnAutomatic, "automatic width").quiet(),
    Binding::new(&[key('d')], Action::ColumnsUsual, "the usual columns").quiet(),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::Esc), key('q')], Action::No, "leave").quiet(),
];

/// Tells the list what was chosen; its screen hands it to [`Table::arrange`].
pub const CHOSEN: Slot<Arrangement> = Slot::latest("list.columns");

/// A column in the dialog.
#[derive(Clone, Copy)]
struct Line {
    shown: Shown,
    on: bool,
}

/// The dialog.
pub struct Columns {
    all: &'static [Column],
    lines: Vec<Line>,
    /// What is shown where nobody chose.
    usual: Arrangement,
    /// Whether anything is other than usual.
    chosen: bool,
    cursor: usize,
    /// The cells that all columns have together.
    room: u16,
}

impl Columns {
    /// All columns of a table: those that it shows in their order, then the others.
    #[must_use]
    pub fn of<R: Row>(table: &Table<R>, usual: Arrangement) -> Self {
        let mut dialog = Self {
            all: table.columns(),
            lines: Vec::new(),
            usual,
            chosen: false,
            cursor: 0,
            room: table.room(),
        };
        dialog.set(table.arrangement());
        dialog
    }

    fn set(&mut self, arrangement: &Arrangement) {
        let on = arrangement.shown.iter().filter(|shown| shown.column < self.all.len());
        let off = (0..self.all.len()).filter(|column| !arrangement.has(*column));
        self.lines = on
            .map(|shown| Line { shown: *shown, on: true })
            .chain(off.map(|column| Line { shown: Shown { column, width: None }, on: false }))
            .collect();
        self.chosen = arrangement.chosen;
    }

    fn arrangement(&self) -> Arrangement {
        if !self.chosen {
            return self.usual.clone();
        }
        Arrangement::chosen(self.lines.iter().filter(|line| line.on).map(|line| line.shown).collect())
    }

    /// The cells that a column gets now, if it is shown and fits.
    fn width(&self, column: usize) -> Option<u16> {
        let widths = widths(self.all, &self.arrangement(), self.room);
        widths.into_iter().find(|(at, _)| *at == column).map(|(_, width)| width)
    }

    fn toggle(&mut self, cx: &mut Cx) {
        let others = self.lines.iter().enumerate().any(|(at, line)| line.on && at != self.cursor);
        match self.lines.get_mut(self.cursor) {
            Some(line) if line.on && !others => cx.refuse("One column has to stay."),
            Some(line) => {
                line.on = !line.on;
                self.chosen = true;
                self.step(1);
            }
            None => {}
        }
    }

    fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }

    fn carry(&mut self, by: isize) {
        let from = self.cursor;
        self.step(by);
        self.lines.swap(from, self.cursor);
        self.chosen |= from != self.cursor;
    }

    /// Gives the column under the cursor one cell more or less than it has.
    fn resize(&mut self, by: i16) {
        let Some(line) = self.lines.get(self.cursor).copied() else { return };
        let column = self.all[line.shown.column];
        let now = line.shown.width.or_else(|| self.width(line.shown.column)).unwrap_or(column.max);
        let width = now.saturating_add_signed(by).clamp(NARROWEST, WIDEST);
        self.give(Some(width));
    }

    fn give(&mut self, width: Option<u16>) {
        if let Some(line) = self.lines.get_mut(self.cursor) {
            line.shown.width = width;
            // A column that gets a width is wanted.
            line.on |= width.is_some();
            self.chosen = true;
        }
    }

    /// How wide a column is, in words.
    fn words(&self, line: Line) -> String {
        let now = self.width(line.shown.column);
        match (line.on, line.shown.width, now) {
            (false, ..) => String::new(),
            (true, _, None) => "no room now".to_owned(),
            (true, Some(width), Some(_)) => width.to_string(),
            (true, None, Some(width)) => format!("automatic, {width} now"),
        }
    }
}

impl Screen for Columns {
    fn title(&self) -> String {
        "Columns".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => {
                let arrangement = self.arrangement();
                cx.close_telling(&CHOSEN, arrangement);
            }
            Action::Toggle => self.toggle(cx),
            Action::ColumnEarlier => self.carry(-1),
            Action::ColumnLater => self.carry(1),
            Action::ColumnNarrower => self.resize(-1),
            Action::ColumnWider => self.resize(1),
            Action::ColumnAutomatic => self.give(None),
            Action::ColumnsUsual => self.set(&self.usual.clone()),
            Action::Down => self.step(1),
            Action::Up => self.step(-1),
            _ => cx.close(),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let titles = cells(self.all.iter().map(|column| text::width(column.title)).max().unwrap_or(0));
        let first = (self.cursor + 1).saturating_sub(usize::from(area.height));
        for (y, (at, line)) in (area.y..area.bottom()).zip(self.lines.iter().enumerate().skip(first)) {
            let on = at == self.cursor;
            put(buffer, area.x, y, 1, if on { theme.cursor() } else { " " }, theme.style(Tone::Strong));
            let tick = if line.on { "[x]" } else { "[ ]" };
            let tone = if on { Tone::Strong } else { Tone::Plain };
            let words = format!("{tick} {}", self.all[line.shown.column].title);
            put(buffer, area.x + 2, y, area.width.saturating_sub(2), &words, theme.style(tone));
            let x = area.x + 2 + 4 + titles + 2;
            let room = area.right().saturating_sub(x);
            put(buffer, x, y, room, &self.words(*line), theme.style(Tone::Quiet));
        }
    }

    fn status(&self) -> String {
        let count = self.lines.iter().filter(|line| line.on).count();
        format!("{count} of {}", self.lines.len())
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 42, height: cells(self.lines.len()) }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::cx::Effect;

    const COLUMNS: [Column; 3] =
        [Column::new("USERNAME", 10, 24, 9), Column::new("NAME", 10, 30, 5), Column::new("STAFF", 5, 5, 2)];

    fn dialog() -> (Columns, Cx) {
        let usual = Arrangement::usual([0, 1]);
        let mut dialog = Columns {
            all: &COLUMNS,
            lines: Vec::new(),
            usual: usual.clone(),
            chosen: false,
            cursor: 0,
            room: 60,
        };
        dialog.set(&usual);
        (dialog, Cx::new(Size::new(80, 24)))
    }

    fn does(dialog: &mut Columns, cx: &mut Cx, actions: &[Action]) -> Vec<(usize, Option<u16>)> {
        for action in actions {
            dialog.act(*action, cx);
        }
        dialog.arrangement().shown.iter().map(|shown| (shown.column, shown.width)).collect()
    }

    #[test]
    fn columns_come_go_move_and_take_a_width() {
        let (mut dialog, mut cx) = dialog();
        assert_eq!(dialog.words(dialog.lines[0]), "automatic, 24 now");
        let chosen = does(&mut dialog, &mut cx, &[Action::ColumnLater, Action::ColumnNarrower]);
        assert_eq!(chosen, [(1, None), (0, Some(23))], "from the width that it had");
        let chosen = does(&mut dialog, &mut cx, &[Action::Down, Action::ColumnWider]);
        assert_eq!(chosen, [(1, None), (0, Some(23)), (2, Some(6))], "whoever sizes a column wants it");
        let chosen = does(&mut dialog, &mut cx, &[Action::ColumnAutomatic, Action::Up, Action::Toggle]);
        assert_eq!(chosen, [(1, None), (2, None)]);
        assert!(dialog.arrangement().chosen);
        let again = does(&mut dialog, &mut cx, &[Action::ColumnsUsual]);
        assert_eq!((again, dialog.arrangement().chosen), (vec![(0, None), (1, None)], false));
    }

    #[test]
    fn one_stays_and_widths_have_bounds() {
        let (mut dialog, mut cx) = dialog();
        does(&mut dialog, &mut cx, &[Action::Toggle]);
        assert_eq!(does(&mut dialog, &mut cx, &[Action::Toggle]), [(1, None)]);
        assert_eq!(format!("{:?}", cx.take()), "[Toast(\"One column has to stay.\")]");
        let narrow = [Action::ColumnNarrower; 60];
        assert_eq!(does(&mut dialog, &mut cx, &narrow), [(1, Some(NARROWEST))]);
        assert_eq!(does(&mut dialog, &mut cx, &[Action::ColumnWider; 200]), [(1, Some(WIDEST))]);
        assert_eq!(dialog.words(dialog.lines[1]), "99");
        does(&mut dialog, &mut cx, &[Action::Down, Action::Toggle]);
        assert_eq!(dialog.words(dialog.lines[2]), "no room now");
    }

    #[test]
    fn what_was_chosen_goes_to_the_list() {
        let (mut dialog, mut cx) = dialog();
        dialog.act(Action::Choose, &mut cx);
        let Some(Effect::CloseThen(then)) = cx.take().pop() else { panic!("it closes and tells") };
        then(&mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Tell(list.columns)]");
        dialog.act(Action::No, &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Close]");
    }
}
