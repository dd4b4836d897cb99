//! Filter lines: which users somebody asks for.

pub mod terms;

pub use terms::{Term, terms, value, wrong};

use crate::error::Result;

use super::Portal;

/// Which users are let through. The default lets everyone through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// The line as it was written.
    pub line: String,
    /// Every word must be found in the username, a name, the e-mail address, the phone's digits or the portal id.
    pub words: Vec<String>,
    /// Only the users whose rows this operation, or this run, has written.
    pub operation: Option<String>,
}

impl Filter {
    /// What a line lets through: words, two or more in quotes being one, and `op:ID`.
    #[must_use]
    pub fn of(line: &str) -> Self {
        let mut filter = Self { line: line.to_owned(), ..Self::default() };
        for term in terms(line) {
            match term.key.as_deref() {
                Some("op") if !term.value.is_empty() => filter.operation = Some(term.value),
                Some(_) => filter.words.push(term.written),
                None => filter.words.push(term.value),
            }
        }
        filter
    }

    /// Only these words.
    #[must_use]
    pub fn words(words: Vec<String>) -> Self {
        Self { words, ..Self::default() }
    }

    /// Only what this operation, or this run, has written.
    #[must_use]
    pub fn operation(operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..Self::default() }
    }

    /// Whether every user is let through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.words.is_empty() && self.operation.is_none()
    }
}

/// Reads a filter line; names in it are those of the portal.
///
/// # Errors
/// Usage, with the part that is wrong; what the engine says.
#[expect(clippy::unused_async, reason = "names of departments and groups are looked up in the portal")]
pub async fn read(portal: &Portal, line: &str) -> Result<Filter> {
    let _ = portal;
    Ok(Filter::of(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_make_one_word() {
        let filter = Filter::of("ada \"van der Berg\"  it a:b");
        assert_eq!(
            (filter.words.as_slice(), filter.operation),
            (["ada", "van der Berg", "it", "a:b"].map(str::to_owned).as_slice(), None)
        );
        assert!(Filter::of("\"\" \" ").is_open());
    }

    #[test]
    fn an_operation_is_no_word() {
        let filter = Filter::of("nov op:0f");
        assert_eq!((filter.words, filter.operation), (vec!["nov".to_owned()], Some("0f".to_owned())));
        assert_eq!(Filter::of("op:").words, ["op:"], "still being typed");
    }
}
