//! Colours and signs. Only the sixteen colours of the terminal and never a background, so that every palette a person
//! chose stays readable; and never colour alone, so every tone that matters is used beside a word or a sign.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text means; the theme decides how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Less important than what stands beside it.
    Quiet,
    /// Headings, the cursor's row, keys.
    Strong,
    /// Done, present, allowed.
    Good,
    /// Needs a look.
    Warn,
    /// Wrong, refused, taken away.
    Bad,
    /// Where the eye should go: the label of the portal, the active tab.
    Accent,
}

/// How everything looks, decided once at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Whether colours may be used at all.
    pub colours: bool,
    /// Whether borders and signs are limited to ASCII.
    pub ascii: bool,
}

impl Theme {
    /// The look for this environment.
    ///
    /// `NO_COLOR` (<https://no-color.org>: set and not empty) takes all colours away. Borders are ASCII when `ascii` is
    /// set, and where the locale (the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is not empty, as in POSIX) is not a
    /// UTF-8 one.
    #[must_use]
    pub fn detect(ascii: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        Self { colours: set("NO_COLOR").is_none(), ascii: ascii || !unicode }
    }

    /// The style of a tone.
    #[must_use]
    pub fn style(&self, tone: Tone) -> Style {
        let (colour, modifier) = match tone {
            Tone::Plain => (None, Modifier::empty()),
            // Not bright black: several palettes make that the background.
            Tone::Quiet => (None, Modifier::DIM),
            Tone::Strong => (None, Modifier::BOLD),
            Tone::Good => (Some(Color::Green), Modifier::empty()),
            Tone::Warn => (Some(Color::Yellow), Modifier::empty()),
            Tone::Bad => (Some(Color::Red), Modifier::BOLD),
            Tone::Accent => (Some(Color::Cyan), Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        match colour {
            Some(colour) if self.colours => style.fg(colour),
            _ => style,
        }
    }

    /// One of the sixteen colours, or none where colours are off.
    #[must_use]
    pub fn coloured(&self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// The Unicode sign, or its ASCII stand-in of the same width.
    #[must_use]
    pub fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }

    /// A horizontal line's sign.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.sign("─", "-")
    }

    /// A vertical line's sign.
    #[must_use]
    pub fn bar(&self) -> &'static str {
        self.sign("│", "|")
    }

    /// The sign before the row or field where the cursor is.
    #[must_use]
    pub fn cursor(&self) -> &'static str {
        self.sign("▸", ">")
    }

    /// The sign before a marked row.
    #[must_use]
    pub fn mark(&self) -> &'static str {
        self.sign("●", "*")
    }

    /// The sign of something done or free.
    #[must_use]
    pub fn tick(&self) -> &'static str {
        self.sign("✓", "+")
    }

    /// The sign of something wrong.
    #[must_use]
    pub fn cross(&self) -> &'static str {
        self.sign("✗", "x")
    }

    /// A text between two others.
    #[must_use]
    pub fn dot(&self) -> &'static str {
        self.sign("·", "-")
    }

    /// The `step`th picture of the spinner.
    #[must_use]
    pub fn spinner(&self, step: u64) -> &'static str {
        const UNICODE: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"];
        const ASCII: [&str; 4] = ["|", "/", "-", "\\"];
        let pictures: &[&str] = if self.ascii { &ASCII } else { &UNICODE };
        let length = pictures.len() as u64;
        pictures[usize::try_from(step % length).unwrap_or(0)]
    }
}

impl Default for Theme {
    /// Colours and Unicode, as on a modern terminal.
    fn default() -> Self {
        Self { colours: true, ascii: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(variables: &[(&str, &str)]) -> Theme {
        Theme::detect(false, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_locale_decides_about_signs() {
        assert!(!theme(&[("LANG", "de_DE.UTF-8")]).ascii);
        assert!(!theme(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]).ascii);
        assert!(theme(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).ascii);
        assert!(theme(&[]).ascii);
        assert!(Theme::detect(true, |_| Some("en_US.UTF-8".to_owned())).ascii);
    }

    #[test]
    fn no_color_takes_every_colour() {
        let plain = theme(&[("NO_COLOR", "1")]);
        for tone in [Tone::Good, Tone::Warn, Tone::Bad, Tone::Accent] {
            assert_eq!(plain.style(tone).fg, None);
            assert!(theme(&[("NO_COLOR", "")]).style(tone).fg.is_some());
        }
        assert_eq!(plain.coloured(Color::Red), Style::new());
    }
}
