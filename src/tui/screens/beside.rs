//! A list, and beside it, where there is room, the record of what is under its cursor: which of the two has the keys, and
//! how they share the screen.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::tui::cx::Cx;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{cells, put};

/// How long the cursor rests before the record is read: longer than a held key takes to repeat.
pub const REST: Duration = Duration::from_millis(100);

/// From so many columns on, the record stands beside the list.
const WIDE: u16 = 100;

/// Whether there is room for both, and who has the keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside {
    wide: bool,
    in_record: bool,
}

impl Beside {
    /// Before the first frame.
    pub fn opened(&mut self, cx: &Cx) {
        self.wide = cx.size().width >= WIDE;
    }

    /// Whether the record stands beside the list.
    #[must_use]
    pub fn is_wide(self) -> bool {
        self.wide
    }

    /// Whether the record has the keys.
    #[must_use]
    pub fn in_record(self) -> bool {
        self.in_record
    }

    /// Whether the keys can go from one to the other.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn may_switch(self) -> Result<(), String> {
        if self.wide {
            return Ok(());
        }
        Err("There is no room for the record beside the list; Enter opens it.".to_owned())
    }

    /// Gives the keys to the record, or to the list.
    pub fn switch(&mut self, to_record: bool) {
        self.in_record = to_record && self.wide;
    }

    /// Gives the keys back to the list; says whether the record had them.
    pub fn leave_record(&mut self) -> bool {
        std::mem::take(&mut self.in_record)
    }

    /// The areas of the list, which gets so many of so many columns, and of the record, with a rule between them. The list
    /// alone where it is narrow.
    pub fn split(
        &mut self,
        frame: &mut Frame<'_>,
        area: Rect,
        (part, whole): (usize, usize),
        theme: &Theme,
    ) -> (Rect, Option<Rect>) {
        self.wide = area.width >= WIDE;
        self.in_record &= self.wide;
        if !self.wide {
            return (area, None);
        }
        let width = cells(usize::from(area.width) * part / whole);
        for y in area.y..area.bottom() {
            put(frame.buffer_mut(), area.x + width, y, 1, theme.bar(), theme.style(Tone::Quiet));
        }
        let record = Rect { x: area.x + width + 2, width: area.width - width - 3, ..area };
        (Rect { width, ..area }, Some(record))
    }
}
