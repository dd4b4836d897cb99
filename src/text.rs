//! Makes foreign text safe to show.

use std::borrow::Cow;

/// The same text with every control character as a visible escape.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(
            text.chars()
                .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// One JSON value as text.
#[must_use]
pub fn json(value: &serde_json::Value) -> String {
    value.to_string()
}

/// How many columns of a terminal the text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// The text filled with blanks to a width.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let fill = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(fill))
}
