//! What a plan changes, line by line: a sign says the same as the colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{cells, put};
use crate::tui::theme::{Theme, Tone};

/// One line of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What happens to it.
    pub sign: Sign,
    /// The words, not yet safe to show.
    pub words: String,
}

/// What happens to what a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It comes into being.
    Added,
    /// It goes away.
    Removed,
    /// It changes: old → new.
    Changed,
    /// Nothing; the line explains.
    Note,
    /// Nothing; the line is a heading.
    Heading,
    /// Something to be careful about.
    Warning,
}

impl DiffLine {
    /// A line with its sign.
    #[must_use]
    pub fn new(sign: Sign, words: impl Into<String>) -> Self {
        Self { sign, words: words.into() }
    }

    /// A row that is added.
    #[must_use]
    pub fn added(words: impl Into<String>) -> Self {
        Self::new(Sign::Added, words)
    }

    /// A row that is removed.
    #[must_use]
    pub fn removed(words: impl Into<String>) -> Self {
        Self::new(Sign::Removed, words)
    }

    /// A value that changes.
    #[must_use]
    pub fn changed(label: &str, old: &str, new: &str) -> Self {
        Self::new(Sign::Changed, format!("{label}  {old} → {new}"))
    }

    fn look(&self, theme: &Theme) -> (&'static str, Tone) {
        match self.sign {
            Sign::Added => ("+", Tone::Good),
            Sign::Removed => (theme.sign("−", "-"), Tone::Bad),
            Sign::Changed => ("~", Tone::Warn),
            Sign::Note => (" ", Tone::Plain),
            Sign::Heading => (" ", Tone::Strong),
            Sign::Warning => ("!", Tone::Bad),
        }
    }
}

/// Draws the lines from `first` on; long ones are cut with `…`. Gives the number drawn.
pub fn draw_diff(buffer: &mut Buffer, area: Rect, lines: &[DiffLine], first: usize, theme: &Theme) -> usize {
    let shown = lines.iter().skip(first).take(usize::from(area.height));
    let mut drawn = 0;
    for (y, line) in (area.y..).zip(shown) {
        let (sign, tone) = line.look(theme);
        let heading = line.sign == Sign::Heading;
        let indent = if heading { 0 } else { cells(2) };
        put(buffer, area.x, y, 1, sign, theme.style(tone));
        // Only the sign and lines that are all about it are coloured: each colour change costs bytes.
        let words_tone = if matches!(line.sign, Sign::Changed) { Tone::Plain } else { tone };
        put(
            buffer,
            area.x + indent,
            y,
            area.width.saturating_sub(indent),
            &line.words,
            theme.style(words_tone),
        );
        drawn += 1;
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_say_what_colours_say() {
        let lines = [
            DiffLine::new(Sign::Heading, "auth_user"),
            DiffLine::added("core_userprofile cho"),
            DiffLine::removed("group Admin"),
            DiffLine::changed("department", "Sales", "IT"),
            DiffLine::new(Sign::Warning, "the last superuser\x07"),
        ];
        let mut buffer = Buffer::empty(Rect::new(0, 0, 28, 5));
        let area = buffer.area;
        assert_eq!(draw_diff(&mut buffer, area, &lines, 0, &Theme { colours: false, ascii: true }), 5);
        let shown: Vec<String> = buffer
            .content
            .chunks(28)
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect();
        assert_eq!(shown[0].trim_end(), "auth_user");
        assert_eq!(shown[1].trim_end(), "+ core_userprofile cho");
        assert_eq!(shown[2].trim_end(), "- group Admin");
        assert_eq!(shown[3].trim_end(), "~ department  Sales → IT");
        assert!(shown[4].starts_with("! the last superuser\\"), "{}", shown[4]);
    }
}
