//! The pieces that screens are built from. Each draws itself into an area of any size and holds only its own state.

pub mod chart;
pub mod columns;
pub mod dialog;
pub mod diff;

pub mod fields;
pub mod form;
mod form_value;
mod form_view;
pub mod help;
pub mod labelled;
pub mod marks;
pub mod path;
pub mod picker;
pub mod row;
pub mod sections;
pub mod status_line;
pub mod table;
mod table_view;

pub mod text_field;
pub mod toast;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::text;

pub use crate::text::{grouped, wrap};

/// Writes a text into at most `cells` cells of a row, cut with `…`; gives the cells used. Outside of the buffer it
/// writes nothing. The text is made safe here.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, cells: u16, words: &str, style: Style) -> u16 {
    let cells = cells.min(buffer.area.right().saturating_sub(x));
    if cells == 0 || !buffer.area.contains((x, y).into()) {
        return 0;
    }
    let safe = text::safe(words);
    let cut = text::truncate(&safe, usize::from(cells));
    let (end, _) = buffer.set_stringn(x, y, &cut, usize::from(cells), style);
    end - x
}

/// A box of this size in the middle of an area, or as much of it as fits.
#[must_use]
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Empties an area for a box over what is drawn already. A wide character of which only the right half would be covered
/// goes as a whole: a terminal cannot show half of one.
pub fn clear(buffer: &mut Buffer, area: Rect) {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        if let Some(left) = area.x.checked_sub(1)
            && let Some(cell) = buffer.cell_mut((left, y))
            && text::width(cell.symbol()) > 1
        {
            cell.set_symbol(" ");
        }
    }
    Clear.render(area, buffer);
}

/// A count of the database as people read it.
#[must_use]
pub fn counted(count: i64) -> String {
    grouped(u64::try_from(count).unwrap_or(0))
}

/// A `usize` as cells of a screen.
#[must_use]
pub fn cells(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_204, "1 204"), (1_000_000, "1 000 000")] {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn no_half_of_a_wide_character_is_left_beside_a_box() {
        let mut buffer = Buffer::with_lines(["日本語"]);
        clear(&mut buffer, Rect::new(3, 0, 2, 1));
        assert_eq!(buffer[(2, 0)].symbol(), " ");
        assert_eq!(buffer[(0, 0)].symbol(), "日");
    }

    #[test]
    fn put_stays_inside_and_shows_no_control_character() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        assert_eq!(put(&mut buffer, 2, 0, 99, "ab\x1b[2Jcd", Style::new()), 4);
        assert_eq!(put(&mut buffer, 9, 0, 4, "out", Style::new()), 0);
        assert_eq!(put(&mut buffer, 0, 3, 4, "out", Style::new()), 0);
        assert_eq!(buffer, Buffer::with_lines(["  ab\\…"]));
    }
}
