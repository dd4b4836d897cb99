//! A chart of horizontal bars: what each stands for, the bar, its number. It scrolls, and a cursor is on one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{grouped, put};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::theme::{Theme, Tone};

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar<T> {
    /// What it stands for.
    pub label: String,
    /// Its number.
    pub count: u64,
    /// How it looks; the number beside it says the same.
    pub tone: Tone,
    /// What it leads to.
    pub target: T,
}

/// The chart.
#[derive(Debug, Clone)]
pub struct Chart<T> {
    bars: Vec<Bar<T>>,
    cursor: usize,
    top: usize,
    /// How many bars were shown last, for moves by pages.
    height: usize,
}

/// The share of the width that labels may take, in percent.
const LABELS: usize = 40;
/// The fewest cells of a bar that is as long as any.
const LEAST: usize = 3;
/// An eighth of a cell to seven of them.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

impl<T> Default for Chart<T> {
    fn default() -> Self {
        Self { bars: Vec::new(), cursor: 0, top: 0, height: 1 }
    }
}

impl<T: PartialEq> Chart<T> {
    /// Shows these bars; the cursor stays on what leads to the same, where that is still there.
    pub fn show(&mut self, bars: Vec<Bar<T>>) {
        let kept = self.current().and_then(|bar| bars.iter().position(|other| other.target == bar.target));
        self.cursor = kept.unwrap_or(self.cursor).min(bars.len().saturating_sub(1));
        self.bars = bars;
    }
}

impl<T> Chart<T> {
    /// The bars.
    #[must_use]
    pub fn bars(&self) -> &[Bar<T>] {
        &self.bars
    }

    /// The bar under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Bar<T>> {
        self.bars.get(self.cursor)
    }

    /// Where the cursor is: `3 of 12`.
    #[must_use]
    pub fn place(&self) -> String {
        if self.bars.is_empty() {
            return String::new();
        }
        format!("{} of {}", grouped(self.cursor as u64 + 1), grouped(self.bars.len() as u64))
    }

    /// Does a move of a list; says whether the cursor had where to go.
    pub fn act(&mut self, action: Action) -> bool {
        let last = self.bars.len().saturating_sub(1);
        let page = self.height.max(1);
        let to = match action {
            Action::Down => self.cursor + 1,
            Action::Up => self.cursor.wrapping_sub(1),
            Action::PageDown => (self.cursor + page).min(last),
            Action::PageUp => self.cursor.saturating_sub(page),
            Action::HalfPageDown => (self.cursor + page.div_ceil(2)).min(last),
            Action::HalfPageUp => self.cursor.saturating_sub(page.div_ceil(2)),
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        };
        let moves = to <= last && to != self.cursor;
        if moves {
            self.cursor = to;
        }
        moves
    }

    /// Draws as many bars as fit. `focused` says whether the keys go to it; otherwise no cursor is shown.
    pub fn draw(&mut self, buffer: &mut Buffer, area: Rect, focused: bool, theme: &Theme) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        self.height = usize::from(area.height);
        self.scroll();
        let measure = self.measure(usize::from(area.width));
        for (y, at) in (area.y..area.bottom()).zip(self.top..self.bars.len()) {
            let on = focused && at == self.cursor;
            draw_bar(buffer, Rect { y, height: 1, ..area }, &self.bars[at], &measure, on, theme);
        }
    }

    fn scroll(&mut self) {
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + self.height {
            self.top = self.cursor + 1 - self.height;
        }
        self.top = self.top.min(self.bars.len().saturating_sub(self.height));
    }

    /// Of all bars, not only those in sight: they keep their length while they scroll.
    fn measure(&self, width: usize) -> Measure {
        let widest = |of: &dyn Fn(&Bar<T>) -> usize| self.bars.iter().map(of).max().unwrap_or(0);
        let inside = width.saturating_sub(CURSOR);
        let numbers = widest(&|bar| grouped(bar.count).len());
        let labels = widest(&|bar| text::width(&text::safe(&bar.label)));
        let bars = (inside * (100 - LABELS) / 100).saturating_sub(numbers + 2);
        let room = inside.saturating_sub(numbers + 2);
        // Where both can't be, the number tells more than the bar.
        let labels = if bars >= LEAST { labels.min(inside * LABELS / 100) } else { labels.min(room) };
        let bars = room.saturating_sub(labels);
        let most = self.bars.iter().map(|bar| bar.count).max().unwrap_or(0);
        Measure { labels, bars, most }
    }
}

/// Cells for the cursor's sign.
const CURSOR: usize = 2;

/// How wide the parts of every bar are.
struct Measure {
    labels: usize,
    bars: usize,
    most: u64,
}

fn draw_bar<T>(buffer: &mut Buffer, row: Rect, bar: &Bar<T>, measure: &Measure, on: bool, theme: &Theme) {
    let mut x = row.x;
    let mut write = |cells: usize, words: &str, tone| {
        let room = super::cells(cells).min(row.right().saturating_sub(x));
        put(buffer, x, row.y, room, words, theme.style(tone));
        x = x.saturating_add(room);
    };
    write(1, if on { theme.cursor() } else { " " }, Tone::Strong);
    write(CURSOR - 1, " ", Tone::Plain);
    let tone = if on { Tone::Strong } else { Tone::Plain };
    write(measure.labels, &bar.label, tone);
    write(1, " ", Tone::Plain);
    let drawn = length(bar.count, measure.most, measure.bars, theme);
    write(text::width(&drawn), &drawn, bar.tone);
    write(usize::from(!drawn.is_empty()), " ", Tone::Plain);
    let number = grouped(bar.count);
    write(number.len(), &number, tone);
}

/// The bar itself, to an eighth of a cell; whatever is there at all can be seen.
fn length(count: u64, most: u64, cells: usize, theme: &Theme) -> String {
    if count == 0 || most == 0 || cells == 0 {
        return String::new();
    }
    let parts = if theme.ascii { 1 } else { 8 };
    let whole = u128::from(parts as u64) * cells as u128;
    let scaled = (u128::from(count) * whole + u128::from(most) / 2) / u128::from(most);
    let length = usize::try_from(scaled).unwrap_or(0).clamp(1, cells * parts);
    let mut drawn = theme.sign("█", "#").repeat(length / parts);
    if let Some(part) = (length % parts).checked_sub(1) {
        drawn.push_str(EIGHTHS[part]);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Theme = Theme { colours: false, ascii: false };

    fn bar(label: &str, count: u64) -> Bar<String> {
        Bar { label: label.to_owned(), count, tone: Tone::Accent, target: label.to_owned() }
    }

    fn chart(bars: &[(&str, u64)]) -> Chart<String> {
        let mut chart = Chart::default();
        chart.show(bars.iter().map(|(label, count)| bar(label, *count)).collect());
        chart
    }

    fn drawn(chart: &mut Chart<String>, width: u16, height: u16, theme: &Theme) -> Vec<String> {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let area = buffer.area;
        chart.draw(&mut buffer, area, true, theme);
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_numbers_are_large() {
        let mut chart = chart(&[("IT", 16), ("Sales", 8), ("Legal", 1), ("none", 0)]);
        assert_eq!(
            drawn(&mut chart, 26, 4, &PLAIN),
            ["▸ IT    ███████████████ 16", "  Sales ███████▌ 8", "  Legal █ 1", "  none  0"]
        );
        assert_eq!(
            drawn(&mut chart, 26, 4, &Theme { ascii: true, ..PLAIN }),
            ["> IT    ############### 16", "  Sales ######## 8", "  Legal # 1", "  none  0"]
        );
    }

    #[test]
    fn whatever_is_there_can_be_seen() {
        assert_eq!(length(1, 1_000_000, 10, &PLAIN), "▏");
        assert_eq!(length(u64::MAX, u64::MAX, 3, &PLAIN), "███");
        assert_eq!(length(0, 0, 3, &PLAIN), "");
    }

    #[test]
    fn wide_and_hostile_labels_keep_the_bars_straight() {
        let mut chart = chart(&[("日本語日本語日本語", 4), ("a\x1b[2J", 4), ("b", 4)]);
        let rows = drawn(&mut chart, 30, 3, &PLAIN);
        assert_eq!(rows[1], "  a\\x1b[2J    ██████████████ 4");
        assert!(rows[0].contains('…') && rows[0].ends_with(" 4"), "{}", rows[0]);
    }

    #[test]
    fn the_cursor_moves_scrolls_and_stays_on_its_bar() {
        let many: Vec<(String, u64)> = (0..30).map(|at| (format!("d{at:02}"), at)).collect();
        let many: Vec<(&str, u64)> = many.iter().map(|(label, count)| (label.as_str(), *count)).collect();
        let mut chart = chart(&many);
        drawn(&mut chart, 20, 5, &PLAIN);
        assert!(!chart.act(Action::Up), "it is at the first");
        assert!(chart.act(Action::Last) && !chart.act(Action::Down));
        assert!(drawn(&mut chart, 20, 5, &PLAIN)[4].starts_with("▸ d29"));
        assert!(chart.act(Action::PageUp));
        assert_eq!((chart.place().as_str(), chart.current().map(|bar| bar.count)), ("25 of 30", Some(24)));
        chart.show(vec![bar("x", 1), bar("d24", 3)]);
        assert_eq!(chart.current().map(|bar| bar.count), Some(3));
        chart.show(Vec::new());
        assert_eq!((chart.current(), chart.place()), (None, String::new()));
        assert!(!chart.act(Action::Down) && !chart.act(Action::Last));
    }

    #[test]
    fn it_is_drawn_in_any_size() {
        let mut chart = chart(&[("日本語", u64::MAX), ("b", 7), ("c", 0)]);
        for (width, height) in (1..40).flat_map(|width| (1..5).map(move |height| (width, height))) {
            drawn(&mut chart, width, height, &PLAIN);
        }
    }
}
