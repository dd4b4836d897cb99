//! One chart of the Overview with its heading, and what stands there before its numbers are known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::bars::Opens;
use crate::error::{Error, Kind};
use crate::tui::screens::integrity::view::paragraph;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::chart::{Bar, Chart};
use crate::tui::widgets::{cells, put};

/// A chart and its heading.
pub(super) struct Pane {
    title: &'static str,
    pub(super) chart: Chart<Opens>,
    /// What stands there as long as there are no bars.
    instead: String,
    /// Why the bars are from before, if they are.
    old: Option<String>,
}

impl Pane {
    pub(super) fn new(title: &'static str) -> Self {
        Self { title, chart: Chart::default(), instead: "loading".to_owned(), old: None }
    }

    /// Shows these bars.
    pub(super) fn show(&mut self, bars: Vec<Bar<Opens>>) {
        "There is nothing to count.".clone_into(&mut self.instead);
        self.old = None;
        self.chart.show(bars);
    }

    /// Shows a sentence in the place of bars.
    pub(super) fn say(&mut self, words: impl Into<String>) {
        self.chart.show(Vec::new());
        self.old = None;
        self.instead = words.into();
    }

    /// The numbers could not be read; those from before stay.
    pub(super) fn failed(&mut self, error: &Error) {
        let stopped = error.kind == Kind::Interrupted;
        self.instead = format!("{} r reads again.", error.message);
        self.old = Some(if stopped { "stopped" } else { "not read again" }.to_owned());
    }

    /// How many rows it would take.
    pub(super) fn whole(&self) -> u16 {
        cells(self.chart.bars().len()).max(1).saturating_add(1)
    }

    pub(super) fn draw(&mut self, buffer: &mut Buffer, area: Rect, focused: bool, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        self.draw_heading(buffer, Rect { height: 1, ..area }, focused, theme);
        let body = Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height - 1,
        };
        if !self.chart.bars().is_empty() {
            self.chart.draw(buffer, body, focused, theme);
        } else if body.height > 0 {
            let sign = if focused { theme.cursor() } else { " " };
            put(buffer, body.x, body.y, 1, sign, theme.style(Tone::Strong));
            let inside = Rect { x: body.x + 2, width: body.width.saturating_sub(2), ..body };
            paragraph(buffer, inside, &self.instead, Tone::Quiet, theme);
        }
    }

    fn draw_heading(&self, buffer: &mut Buffer, row: Rect, focused: bool, theme: &Theme) {
        let width = row.width.saturating_sub(2);
        let rule = theme.rule().repeat(usize::from(width));
        put(buffer, row.x + 1, row.y, width, &rule, theme.style(Tone::Quiet));
        let old = self.old.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let words = format!(" {}{old} ", self.title);
        let tone = if focused { Tone::Strong } else { Tone::Plain };
        put(buffer, row.x + 2, row.y, width.saturating_sub(1), &words, theme.style(tone));
    }
}
