//! What the filter lines have in common: words, `key:value`, and quotes around what has blanks in it.

use crate::error::{Error, Result};

/// One part of a filter line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What stands before the colon, in lower case; nothing for a mere word.
    pub key: Option<String>,
    /// The word, or what stands behind the colon, without its quotes.
    pub value: String,
    /// The part as it was written.
    pub written: String,
}

/// The parts of a line. A quote that is not closed yet reaches to the end; a word in quotes has no key, whatever colons
/// are in it.
#[must_use]
pub fn terms(line: &str) -> Vec<Term> {
    pieces(line).filter_map(|(_, written)| term(written)).collect()
}

/// What blanks outside of quotes part, and at which byte each begins.
pub(super) fn pieces(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let start = line.len() - rest.len();
        let (written, after) = rest.split_at(length(rest));
        rest = after;
        (!written.is_empty()).then_some((start, written))
    })
}

/// How many bytes of a line belong to its first part.
fn length(line: &str) -> usize {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c.is_whitespace() && !quoted {
            return at;
        }
    }
    line.len()
}

fn term(written: &str) -> Option<Term> {
    let (key, value) = match written.split_once(':') {
        Some((key, value)) if is_key(key) => (Some(key.to_lowercase()), value),
        _ => (None, written),
    };
    let value = unquoted(value);
    (key.is_some() || !value.is_empty()).then(|| Term { key, value, written: written.to_owned() })
}

/// A value without its quotes; two of them inside quotes stand for one.
pub(super) fn unquoted(written: &str) -> String {
    let mut value = String::with_capacity(written.len());
    let mut inside = false;
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '"' {
            value.push(c);
        } else if inside && chars.next_if_eq(&'"').is_some() {
            value.push('"');
        } else {
            inside = !inside;
        }
    }
    value.trim().to_owned()
}

/// A value as it has to be written in a filter line.
#[must_use]
pub fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"');
    if is_plain { value.to_owned() } else { in_quotes(value) }
}

/// The same in quotes whatever it holds, so that nothing in it has a meaning of its own.
pub(super) fn in_quotes(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// A word as it has to be written so that it is taken for one.
pub(super) fn quoted_word(word: &str) -> String {
    let has_meaning = word.contains([':', '<', '>']) || word.starts_with('-');
    if has_meaning { in_quotes(word) } else { quoted(word) }
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '-' || c == '_')
}

/// Says what is wrong with a part of a filter.
#[must_use]
pub fn wrong(term: &Term, why: &str) -> Error {
    Error::usage(format!("In the filter, '{}': {why}.", term.written))
}

/// The value of a part that needs one.
///
/// # Errors
/// Usage, when there is none.
pub fn value(term: &Term) -> Result<String> {
    if term.value.is_empty() {
        return Err(wrong(term, "a value is missing behind the colon"));
    }
    Ok(term.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<(Option<String>, String)> {
        terms(line).into_iter().map(|term| (term.key, term.value)).collect()
    }

    #[test]
    fn quotes_hold_together_what_has_blanks() {
        let key = |key: &str| Some(key.to_owned());
        assert_eq!(
            read("  by:amir \"two words\" dept:\"Human Resources\" 12:30 \"a: b\" OP:x"),
            [
                (key("by"), "amir".to_owned()),
                (None, "two words".to_owned()),
                (key("dept"), "Human Resources".to_owned()),
                (None, "12:30".to_owned()),
                (None, "a: b".to_owned()),
                (key("op"), "x".to_owned()),
            ]
        );
        assert_eq!(read("dept:\"Human Re"), [(key("dept"), "Human Re".to_owned())], "still being typed");
        assert_eq!(read("\"\" \" \""), []);
        assert_eq!(read("by:"), [(key("by"), String::new())]);
    }

    #[test]
    fn a_quote_inside_quotes_is_written_twice() {
        for value in ["5\" disks", "\"", "a\"\"b", "plain", "two words"] {
            assert_eq!(unquoted(&quoted(value)), value);
            assert_eq!(unquoted(&in_quotes(value)), value);
        }
        let key = Some("dept".to_owned());
        assert_eq!(read("dept:\"5\"\" disks\" x"), [(key, "5\" disks".to_owned()), (None, "x".to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = value(&terms("ada by:")[1]).unwrap_err();
        assert_eq!(error.message, "In the filter, 'by:': a value is missing behind the colon.");
    }
}
