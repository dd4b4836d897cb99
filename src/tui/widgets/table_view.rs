//! Draws a table: the heading, and one line a row.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::columns::{Column, GAP};
use super::row::Row;
use super::table::Table;
use super::{cells, put};
use crate::text;
use crate::tui::theme::{Theme, Tone};

impl<R: Row> Table<R> {
    /// Draws heading and rows. `focused` says whether the keys go to it; otherwise the cursor's row is not strong.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, focused: bool, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        self.room = area.width.saturating_sub(4);
        let widths = self.widths();
        let heading = u16::from(area.height > 2);
        if heading > 0 {
            self.draw_heading(frame, area, &widths, theme);
        }
        let body = Rect { y: area.y + heading, height: area.height - heading, ..area };
        self.height = usize::from(body.height).max(1);
        self.scroll();
        if self.rows.is_empty() {
            let words = if self.is_waiting() { "loading" } else { &self.empty };
            put(
                frame.buffer_mut(),
                body.x + 3,
                body.y,
                body.width.saturating_sub(3),
                words,
                theme.style(Tone::Quiet),
            );
            return;
        }
        let range = self.range();
        for (y, at) in (body.y..body.bottom()).zip(self.top..self.rows.len()) {
            let marked = self.marks.has(&self.rows[at].key())
                || range.is_some_and(|(from, to)| (from..=to).contains(&at));
            let row = Rect { y, height: 1, ..body };
            draw_row(
                frame,
                row,
                &self.rows[at],
                self.columns,
                &widths,
                (at == self.cursor, focused, marked),
                theme,
            );
        }
    }

    fn draw_heading(&self, frame: &mut Frame<'_>, area: Rect, widths: &[(usize, u16)], theme: &Theme) {
        let mut x = area.x + 3;
        for (at, width) in widths {
            let arrow = match self.sorted {
                Some((sorted, false)) if sorted == *at => theme.sign(" ▲", " ^"),
                Some((sorted, true)) if sorted == *at => theme.sign(" ▼", " v"),
                _ => "",
            };
            let column = &self.columns[*at];
            // Of a title that is cut, the arrow stays.
            let room = usize::from(*width).saturating_sub(text::width(arrow));
            let words = if text::width(column.title) <= room { column.title } else { column.short };
            let title = format!("{}{arrow}", text::truncate(words, room));
            let shift = if column.right { width.saturating_sub(cells(text::width(&title))) } else { 0 };
            put(frame.buffer_mut(), x + shift, area.y, width - shift, &title, theme.style(Tone::Quiet));
            x += width + GAP;
        }
    }
}

/// Draws one row: the cursor's sign, the mark's sign, the columns.
fn draw_row<R: Row>(
    frame: &mut Frame<'_>,
    area: Rect,
    row: &R,
    columns: &[Column],
    widths: &[(usize, u16)],
    (on, focused, marked): (bool, bool, bool),
    theme: &Theme,
) {
    let buffer = frame.buffer_mut();
    put(buffer, area.x, area.y, 1, if on { theme.cursor() } else { " " }, theme.style(Tone::Strong));
    put(
        buffer,
        area.x + 1,
        area.y,
        1.min(area.width.saturating_sub(1)),
        if marked { theme.mark() } else { " " },
        theme.style(Tone::Accent),
    );
    let mut x = area.x + 3;
    for (place, (at, width)) in widths.iter().enumerate() {
        let cell = row.cell(*at);
        let tone =
            if place == 0 && on && focused && cell.tone == Tone::Plain { Tone::Strong } else { cell.tone };
        let room = (*width).min(area.right().saturating_sub(x));
        let shift = if columns[*at].right {
            room.saturating_sub(cells(text::width(&text::safe(&cell.words))))
        } else {
            0
        };
        put(buffer, x + shift, area.y, room - shift, &cell.words, theme.style(tone));
        x += width + GAP;
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::row::{Cell, Page, Want};
    use super::*;
    use crate::tui::actions::Action;

    const COLUMNS: [Column; 2] = [Column::new("USERNAME", 6, 20, 9), Column::new("ROWS", 4, 6, 1).right()];

    struct Numbered(u64);

    impl Row for Numbered {
        type Key = u64;

        fn key(&self) -> u64 {
            self.0
        }

        fn cell(&self, column: usize) -> Cell<'_> {
            if column == 0 { format!("名前{}", self.0).into() } else { self.0.to_string().into() }
        }
    }

    fn table() -> Table<Numbered> {
        let mut table = Table::new(&COLUMNS);
        table.start();
        table.take(Want::First, Page { rows: (0..30).map(Numbered).collect(), more: false });
        table
    }

    #[test]
    fn wide_characters_keep_the_columns_straight() {
        let mut table = table();
        table.set_sorted(0, true);
        table.act(Action::Mark);
        let mut terminal = Terminal::new(TestBackend::new(26, 4)).expect("a test backend never fails");
        let theme = Theme { colours: false, ascii: true };
        terminal
            .draw(|frame| table.draw(frame, frame.area(), true, &theme))
            .expect("a test backend never fails");
        let row =
            |y: u16| -> Vec<&str> { (0..26).map(|x| terminal.backend().buffer()[(x, y)].symbol()).collect() };
        assert_eq!(row(0).concat().trim_end(), "   USERNAME v        ROWS");
        assert_eq!(row(1)[1], "*");
        assert_eq!((row(2)[0], row(2)[3], row(2)[5], row(2)[24]), (">", "名", "前", "1"));
    }

    #[test]
    fn it_is_drawn_in_any_size() {
        let mut table = table();
        for (width, height) in (0..20).flat_map(|width| (0..8).map(move |height| (width, height))) {
            let mut terminal = Terminal::new(TestBackend::new(20, 8)).expect("a test backend never fails");
            let area = Rect::new(0, 0, width, height);
            terminal
                .draw(|frame| table.draw(frame, area, true, &Theme::default()))
                .expect("a test backend never fails");
            table.act(Action::Down);
        }
    }
}
