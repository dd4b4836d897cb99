//! The list of keys of a screen, from the same table that dispatches them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{cells, put};
use crate::text;
use crate::tui::keymap::Binding;
use crate::tui::theme::{Theme, Tone};

/// One binding with the keys in force.
#[derive(Debug, Clone)]
pub struct HelpLine {
    /// The binding.
    pub binding: &'static Binding,
    /// Its keys, as they are written.
    pub keys: Vec<String>,
    /// Why it does not work now, if it does not.
    pub why_not: Option<String>,
}

/// Draws the lines from `first` on, keys before what they do.
pub fn draw_help(buffer: &mut Buffer, area: Rect, lines: &[HelpLine], first: usize, theme: &Theme) {
    let keys: Vec<String> = lines.iter().map(|line| line.keys.join(" ")).collect();
    let widest = keys.iter().map(|keys| text::width(keys)).max().unwrap_or(0);
    let key_width = cells(widest).min(area.width / 2);
    for (y, (line, keys)) in (area.y..area.bottom()).zip(lines.iter().zip(&keys).skip(first)) {
        let works = line.why_not.is_none();
        let key_tone = if !works {
            Tone::Quiet
        } else if line.binding.dangerous {
            Tone::Bad
        } else {
            Tone::Strong
        };
        put(buffer, area.x, y, key_width, keys, theme.style(key_tone));
        let x = area.x + key_width + 2;
        let label = match &line.why_not {
            None => line.binding.label.to_owned(),
            Some(why) => format!("{} {} {why}", line.binding.label, theme.dot()),
        };
        let tone = if works { Tone::Plain } else { Tone::Quiet };
        put(buffer, x, y, area.right().saturating_sub(x), &label, theme.style(tone));
    }
}
