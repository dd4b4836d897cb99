//! What is wrong with a part of a filter, and where it stands.

use std::ops::Range;

use crate::error::Error;

/// More characters of a part are not repeated.
const SHOWN: usize = 60;

/// A part that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The bytes of the line that it takes.
    pub span: Range<usize>,
    /// Which character of the line it begins with, from 1 on.
    pub character: usize,
    /// The part, shortened where it is long.
    pub word: String,
    /// What is wrong, in words that begin small and end without a full stop.
    pub why: String,
    /// There is no value yet: somebody is still typing it.
    pub is_unfinished: bool,
}

impl Wrong {
    pub(super) fn new(line: &str, start: usize, written: &str, why: impl Into<String>) -> Self {
        let mut word: String = written.chars().take(SHOWN).collect();
        if word.len() < written.len() {
            word.push('…');
        }
        let character = line.get(..start).map_or(0, |before| before.chars().count()) + 1;
        Self { span: start..start + written.len(), character, word, why: why.into(), is_unfinished: false }
    }

    pub(super) fn unfinished(self) -> Self {
        Self { is_unfinished: true, ..self }
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        let Wrong { character, word, why, .. } = wrong;
        Self::usage(format!("In the filter, '{word}' at character {character}: {why}."))
    }
}
