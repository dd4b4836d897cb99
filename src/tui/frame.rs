//! Draws the whole program: the first line, the screens, the message, the last line.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType};

use super::app::App;
use super::keymap::{Binding, EVERYWHERE, When};
use super::screen::{Layer, Screen};
use super::theme::{Theme, Tone};
use super::widgets::status_line::{Hint, TabLabel, draw_footer, draw_head, draw_rule};
use super::widgets::{cells, centred, clear};
use crate::text;

/// Below this many rows the rule under the first line is left out.
const RULE_FROM: u16 = 12;

/// Where the parts of the frame are; a part that has no room has no height.
struct Parts {
    head: Rect,
    upper_rule: Rect,
    body: Rect,
    lower_rule: Rect,
    footer: Rect,
}

impl Parts {
    fn of(area: Rect) -> Self {
        let mut top = area.y;
        let mut bottom = area.bottom();
        let mut from_top = |has_room: bool| {
            let row = Rect { y: top, height: u16::from(has_room), ..area };
            top += row.height;
            row
        };
        let head = from_top(area.height >= 4);
        let upper_rule = from_top(area.height >= RULE_FROM);
        let mut from_bottom = |has_room: bool| {
            bottom -= u16::from(has_room);
            Rect { y: bottom, height: u16::from(has_room), ..area }
        };
        let footer = from_bottom(area.height >= 2);
        let lower_rule = from_bottom(area.height >= 6);
        let body = Rect { y: top, height: bottom - top, ..area };
        Self { head, upper_rule, body, lower_rule, footer }
    }
}

impl App {
    /// Draws everything. An area without a cell is left alone.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        super::test_hooks::panic_if_asked("draw");
        let area = frame.area();
        if area.is_empty() {
            return;
        }
        let parts = Parts::of(area);
        let theme = self.theme.clone();
        let working = self.jobs.working(Instant::now(), self.top_id());
        if parts.head.height > 0 {
            draw_head(frame.buffer_mut(), parts.head, &self.head, &self.tab_labels(), &theme);
        }
        if parts.upper_rule.height > 0 {
            draw_rule(frame.buffer_mut(), parts.upper_rule, None, &theme);
        }
        self.draw_screens(frame, parts.body);
        if parts.lower_rule.height > 0 {
            draw_rule(frame.buffer_mut(), parts.lower_rule, working.as_ref(), &theme);
        }
        if parts.footer.height > 0 {
            let status = self.top().map(Screen::status).unwrap_or_default();
            draw_footer(frame.buffer_mut(), parts.footer, &self.hints(), &status, &theme);
        }
        if let Some((toast, _)) = &self.toast {
            let above = Rect { height: parts.body.height + parts.lower_rule.height, ..parts.body };
            let spinner = u16::from(working.is_some() && parts.lower_rule.height > 0);
            toast.draw(
                frame.buffer_mut(),
                Rect { height: above.height.saturating_sub(spinner), ..above },
                &theme,
            );
        }
    }

    /// Draws the topmost full screen and the popups above it.
    fn draw_screens(&mut self, frame: &mut Frame<'_>, body: Rect) {
        let theme = self.theme.clone();
        let first = self.stack.iter().rposition(|open| !matches!(open.screen.layer(), Layer::Popup { .. }));
        if first.is_none()
            && let Some(tab) = self.tabs.get_mut(self.tab)
        {
            tab.screen.draw(frame, body, &theme);
        }
        for open in self.stack.iter_mut().skip(first.unwrap_or(0)) {
            let area = match open.screen.layer() {
                Layer::Full | Layer::Lock => body,
                Layer::Popup { width, height } => {
                    let Some(inside) = draw_box(frame, body, &open.screen.title(), width, height, &theme)
                    else {
                        continue;
                    };
                    inside
                }
            };
            open.screen.draw(frame, area, &theme);
        }
    }

    /// Which tab the key with this number shows.
    pub(super) fn tab_of(&self, number: usize) -> Option<usize> {
        self.tabs.iter().enumerate().position(|(at, open)| open.screen.number().unwrap_or(at + 1) == number)
    }

    fn tab_labels(&self) -> Vec<TabLabel> {
        if self.is_locked() {
            return Vec::new();
        }
        let label = |(at, open): (usize, &super::app::Open)| TabLabel {
            number: open.screen.number().unwrap_or(at + 1),
            title: open.screen.title(),
            badge: open.screen.badge(),
            active: at == self.tab,
        };
        self.tabs.iter().enumerate().map(label).collect()
    }

    /// The keys that work right now, help first.
    fn hints(&self) -> Vec<Hint> {
        let Some(top) = self.top() else { return Vec::new() };
        let help = EVERYWHERE.iter().filter(|binding| binding.when == When::Footer);
        let own = top.keys().iter().copied().flatten().filter(|binding| binding.when == When::Footer);
        help.chain(own)
            .filter(|binding| self.may(binding.action).is_ok())
            .filter_map(|binding| {
                let key = self.shown_key(binding, top.takes_text())?;
                Some(Hint { key, label: binding.label, dangerous: binding.dangerous })
            })
            .collect()
    }

    /// The first key of a binding that works: while text is typed, none that is a character.
    fn shown_key(&self, binding: &Binding, typing: bool) -> Option<String> {
        let keys = self.keymap.keys(binding).iter();
        keys.copied().find(|chord| !typing || chord.text().is_none()).map(|chord| chord.to_string())
    }
}

/// Clears a box in the middle, draws its border and title, and gives what is inside; nothing when nothing fits.
fn draw_box(
    frame: &mut Frame<'_>,
    body: Rect,
    title: &str,
    width: u16,
    height: u16,
    theme: &Theme,
) -> Option<Rect> {
    let safe = text::safe(title);
    let title = format!(" {safe} ");
    let wanted = width.max(cells(text::width(&title)));
    let outer = centred(body, wanted.saturating_add(4), height.saturating_add(2));
    clear(frame.buffer_mut(), outer);
    // Without room for a border and something in it, the inside is more useful.
    if outer.width < 8 || outer.height < 3 {
        return (!outer.is_empty()).then_some(outer);
    }
    let block = Block::bordered()
        .border_style(theme.style(Tone::Quiet))
        .title(title)
        .title_style(theme.style(Tone::Strong));
    let block = if theme.ascii { block.border_set(ASCII) } else { block.border_type(BorderType::Plain) };
    let inside = block.inner(outer);
    frame.render_widget(block, outer);
    Some(Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside })
}

/// The border of a box where the terminal knows ASCII only.
pub(super) const ASCII: ratatui::symbols::border::Set<'static> = ratatui::symbols::border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
