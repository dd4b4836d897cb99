//! Filter lines: which users somebody asks for. The same language in the filter line of the list, in saved filters and
//! behind `--filter`; docs/filter.md tells it.
//!
//! `terms.rs` parts a line, `grammar.rs` and `keys.rs` say what each part asks, `names.rs` looks up the departments and groups in it,
//! `condition.rs` makes SQL of it, `complete.rs` knows what may come next.

mod complete;
mod condition;
mod grammar;
mod keys;
mod names;
pub mod terms;
mod when;
mod wrong;

pub use complete::{Completion, Known, complete, may_become_key};
pub use names::{InNames, in_names, meant};
pub use terms::{Term, quoted, terms, value, wrong};
pub use wrong::Wrong;

pub(in crate::directory) use condition::{Condition, Shape};
pub(in crate::directory) use grammar::LONGEST_WORD;

use crate::db::Sql;
use crate::error::{Error, Result};

use super::Portal;
use grammar::{Part, Place, Test};

/// Which users are let through: those for whom every part holds. The default lets everyone through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// The parts as they were written, with a blank between them.
    pub line: String,
    /// Every word must be found in the username, a name, the e-mail address, the phone's digits or the portal id.
    pub words: Vec<String>,
    /// All other parts.
    parts: Vec<Part>,
}

impl Filter {
    /// What a line lets through as far as it can be told without a portal. It is for lines that a program has written:
    /// while a name in it is not looked up, or where a part is wrong, nobody is let through.
    #[must_use]
    pub fn of(line: &str) -> Self {
        let parts: std::result::Result<Vec<Part>, Wrong> = grammar::read(line).into_iter().collect();
        match parts {
            Ok(parts) => Self::made_of(parts),
            Err(_) => {
                Self { line: line.trim().to_owned(), words: Vec::new(), parts: vec![Part::nobody(line)] }
            }
        }
    }

    fn made_of(parts: Vec<Part>) -> Self {
        let mut filter = Self::default();
        for part in parts {
            if !filter.line.is_empty() {
                filter.line.push(' ');
            }
            filter.line.push_str(&part.written);
            match part {
                Part { negated: false, test: Test::Word(word), .. } => filter.words.push(word),
                // Where it stands in the line makes no difference.
                part => filter.parts.push(Part { start: 0, ..part }),
            }
        }
        filter
    }

    /// Only these words, whatever signs are in them.
    #[must_use]
    pub fn words(words: Vec<String>) -> Self {
        let written: Vec<String> = words.iter().map(|word| terms::in_quotes(word)).collect();
        Self { line: written.join(" "), words, parts: Vec::new() }
    }

    /// Only what this operation, or this run, has written.
    #[must_use]
    pub fn operation(operation: &str) -> Self {
        Self::of(&format!("op:{}", quoted(operation)))
    }

    /// Those whom both let through.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if !self.line.is_empty() && !other.line.is_empty() {
            self.line.push(' ');
        }
        self.line.push_str(&other.line);
        self.words.extend(other.words);
        self.parts.extend(other.parts);
        self
    }

    /// Whether every user is let through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.words.is_empty() && self.parts.is_empty()
    }

    /// The same line with ids in the place of names: it means the same departments and groups when they are renamed.
    #[must_use]
    pub fn by_id(&self) -> String {
        let words = self.words.iter().map(|word| terms::quoted_word(word));
        let parts: Vec<String> = words.chain(self.parts.iter().map(Part::by_id)).collect();
        parts.join(" ")
    }

    /// Whether it asks what was done to whom.
    pub(super) fn asks_history(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.test, Test::Operation(_)))
    }

    /// Whether it asks who can sign in.
    pub(super) fn asks_sign_in(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.test, Test::SignIn(_)))
    }

    /// Appends that every word is found.
    pub(super) fn and_words(&self, sql: Sql, asked: Condition<'_>) -> Sql {
        self.words.iter().fold(sql, |sql, word| Part::word(word).and(sql, asked))
    }

    /// Appends every other part, but for one that needn't be asked.
    pub(super) fn and_conditions(&self, sql: Sql, asked: Condition<'_>, but: Option<usize>) -> Sql {
        let parts = self.parts.iter().enumerate().filter(|(index, _)| Some(*index) != but);
        parts.fold(sql, |sql, (_, part)| part.and(sql, asked))
    }

    /// The parts that an index leads to: which each is, the ids of its users as a statement, and whether the part holds
    /// for all of them.
    pub(super) fn sets(&self, portal: &Portal) -> Vec<(usize, Sql, bool)> {
        let sets = self.parts.iter().enumerate();
        sets.filter_map(|(index, part)| part.set(portal).map(|(sql, whole)| (index, sql, whole))).collect()
    }

    /// How many parts there are beside the words.
    pub(super) fn conditions(&self) -> usize {
        self.parts.len()
    }
}

/// A word of a command line as a part of a filter: its blanks were quoted for the shell, so they part nothing.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let word = word.trim();
    if word.contains('"') || !word.contains(char::is_whitespace) {
        return word.to_owned();
    }
    match grammar::keyed(word) {
        Some((key, sign, value)) => format!("{key}{}{}", sign.text(), quoted(value)),
        None => terms::in_quotes(word),
    }
}

/// Reads a filter line; names in it are those of the portal.
///
/// # Errors
/// Usage, with the part that is wrong; what the engine says.
pub async fn read(portal: &Portal, line: &str) -> Result<Filter> {
    look(portal, line).await?.map_err(Error::from)
}

/// The same of a line that is still being typed: what is wrong with it is an answer like another.
///
/// # Errors
/// What the engine says.
pub async fn look(portal: &Portal, line: &str) -> Result<std::result::Result<Filter, Wrong>> {
    let mut parts = Vec::new();
    for part in grammar::read(line) {
        let known = match part {
            Ok(part) => names::known(portal, line, part).await?,
            Err(wrong) => Err(wrong),
        };
        match known {
            Ok(part) => parts.push(part),
            Err(wrong) => return Ok(Err(wrong)),
        }
    }
    Ok(Ok(Filter::made_of(parts)))
}

/// The line without a key whose value is still to come, and what is to be said of that.
#[must_use]
pub fn finished(line: &str) -> (String, Option<Wrong>) {
    let mut wrongs = grammar::read(line).into_iter().filter_map(std::result::Result::err);
    let Some(wrong) = wrongs.find(|wrong| wrong.is_unfinished) else {
        return (line.to_owned(), None);
    };
    let (before, after) = (line.get(..wrong.span.start), line.get(wrong.span.end..));
    (before.into_iter().chain(after).collect(), Some(wrong))
}

/// The same at once, where the portal needn't be asked; nothing, where it has to be.
#[must_use]
pub fn at_once(line: &str) -> Option<std::result::Result<Filter, Wrong>> {
    let parts = grammar::read(line);
    if parts.iter().flatten().any(names::is_asked) {
        return None;
    }
    let parts: std::result::Result<Vec<Part>, Wrong> = parts.into_iter().collect();
    Some(parts.map(Filter::made_of))
}

impl Part {
    fn word(word: &str) -> Self {
        Self { start: 0, written: String::new(), negated: false, test: Test::Word(word.to_owned()) }
    }

    /// Lets nobody through.
    fn nobody(written: &str) -> Self {
        let test = Test::Department(Place::Named(String::new()));
        Self { start: 0, written: written.trim().to_owned(), negated: false, test }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_other_parts_are_told_apart() {
        let filter = Filter::of(" ada  \"van der Berg\" -it op:0f ");
        assert_eq!(filter.words, ["ada", "van der Berg"]);
        assert_eq!(filter.line, "ada \"van der Berg\" -it op:0f");
        assert!(filter.conditions() == 2 && filter.asks_history() && !filter.is_open());
        assert_eq!(Filter::of("ada  "), Filter::of(" ada"));
        assert!(Filter::of("\"\" \" ").is_open());
    }

    #[test]
    fn what_needs_no_portal_is_known_at_once() {
        assert_eq!(at_once("ada active:no"), Some(Ok(Filter::of("ada active:no"))));
        assert_eq!(at_once("ada dept:IT"), None);
        assert!(at_once("ada dept:").unwrap().unwrap_err().is_unfinished);
        assert!(!Filter::of("ada dept:").is_open(), "nobody, not everybody");
    }

    #[test]
    fn a_filter_is_written_by_ids() {
        let filter = Filter::of("dept:#5 ada \"a: b\" -group:#3").and(Filter::words(vec!["-x".to_owned()]));
        assert_eq!(filter.by_id(), "ada \"a: b\" \"-x\" dept:#5 -group:#3");
        assert_eq!(Filter::of(&filter.by_id()).by_id(), filter.by_id());
    }

    #[test]
    fn a_word_of_a_command_line_stays_one() {
        for (word, part) in [
            ("ada", "ada"),
            ("van der Berg", "\"van der Berg\""),
            ("dept:Human Resources", "dept:\"Human Resources\""),
            ("dept:\"Human Resources\"", "dept:\"Human Resources\""),
            (" op:0f ", "op:0f"),
        ] {
            assert_eq!(shell_word(word), part);
        }
    }
}
