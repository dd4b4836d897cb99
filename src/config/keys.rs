//! Reads TOML section by section: a key that was asked for is known, every other one is refused with a suggestion.
//!
//! Errors name the file, the line and the key, and never repeat a value: it could be a password.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};

/// The file being read.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// A usage error at a byte of the file.
    fn error(&self, offset: usize, message: impl AsRef<str>) -> Error {
        Error::usage(format!("{}, line {}: {}", self.path.display(), self.line(offset), message.as_ref()))
    }

    /// The line of a byte, from 1.
    fn line(&self, offset: usize) -> usize {
        1 + self.text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count()
    }
}

/// A value and the place to blame for it.
pub(super) struct Found<T> {
    pub(super) value: T,
    /// The key with the sections it stands in: `portal.main.label`.
    pub(super) key: String,
    offset: usize,
}

/// A name the writer chose, and the strings it stands for.
pub(super) struct NamedList {
    pub(super) name: String,
    pub(super) texts: Vec<String>,
    /// The line of the name, from 1.
    pub(super) line: usize,
}

/// One table of the file.
pub(super) struct Section<'a> {
    source: Source<'a>,
    name: String,
    offset: usize,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(source: Source<'a>) -> Result<Self> {
        // The error's own Display quotes the line; its message does not.
        let table = DeTable::parse(source.text).map_err(|error| {
            source.error(error.span().map_or(0, |span| span.start), format!("not TOML: {}", error.message()))
        })?;
        Ok(Self { source, name: String::new(), offset: 0, table: table.into_inner(), known: Vec::new() })
    }

    /// An error about this section as a whole.
    pub(super) fn error(&self, message: impl AsRef<str>) -> Error {
        self.source.error(self.offset, message)
    }

    /// An error about a value found in the file.
    pub(super) fn error_at<T>(&self, found: &Found<T>, message: impl AsRef<str>) -> Error {
        self.source.error(found.offset, format!("{} {}", found.key, message.as_ref()))
    }

    /// The name of the section: `portal.main.database`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn path_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    fn take(&mut self, key: &'static str) -> Option<Found<DeValue<'a>>> {
        self.known.push(key);
        let (name, value) = self.table.remove_entry(key)?;
        let key = self.path_of(key);
        Some(Found { value: value.into_inner(), key, offset: name.span().start })
    }

    fn wrong_type<T>(&self, found: &Found<DeValue<'a>>, wanted: &str) -> Result<T> {
        Err(self.error_at(found, format!("must be {wanted}, not {}", found.value.type_str())))
    }

    /// A string.
    pub(super) fn string(&mut self, key: &'static str) -> Result<Option<Found<String>>> {
        let Some(found) = self.take(key) else { return Ok(None) };
        match found.value {
            DeValue::String(text) => {
                Ok(Some(Found { value: text.into_owned(), key: found.key, offset: found.offset }))
            }
            _ => self.wrong_type(&found, "a string in quotes"),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        let Some(found) = self.take(key) else { return Ok(None) };
        match found.value {
            DeValue::Boolean(value) => Ok(Some(value)),
            _ => self.wrong_type(&found, "true or false"),
        }
    }

    /// A whole number within limits.
    pub(super) fn number(&mut self, key: &'static str, least: u64, most: u64) -> Result<Option<u64>> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let DeValue::Integer(digits) = &found.value else { return self.wrong_type(&found, "a number") };
        match u64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self.error_at(&found, format!("must be a number from {least} to {most}"))),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Result<Option<T>> {
        let Some(found) = self.string(key)? else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == found.value) {
            return Ok(Some(*value));
        }
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        Err(self.error_at(&found, format!("must be {}", words.join(" or "))))
    }

    /// A section within this one.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Option<Self>> {
        let Some(found) = self.take(key) else { return Ok(None) };
        self.open(found).map(Some)
    }

    fn open(&self, found: Found<DeValue<'a>>) -> Result<Self> {
        match found.value {
            DeValue::Table(table) => Ok(Self {
                source: self.source,
                name: found.key,
                offset: found.offset,
                table,
                known: Vec::new(),
            }),
            _ => self.wrong_type(&found, &format!("a section: [{}]", found.key)),
        }
    }

    /// Everything in this section, whose keys are names the writer chose: name and value, in the file's order.
    fn entries(&mut self) -> Vec<(String, Found<DeValue<'a>>)> {
        let mut entries: Vec<_> = std::mem::take(&mut self.table)
            .into_iter()
            .map(|(name, value): (Spanned<_>, Spanned<_>)| {
                let offset = name.span().start;
                let name = name.into_inner().into_owned();
                let key = self.path_of(&name);
                (name, Found { value: value.into_inner(), key, offset })
            })
            .collect();
        entries.sort_by_key(|(_, found)| found.offset);
        entries
    }

    /// The sections in this one, whose names the writer chose (`[portal.NAME]`), in the file's order.
    pub(super) fn sections(mut self) -> Result<Vec<(String, Self)>> {
        self.entries().into_iter().map(|(name, found)| Ok((name, self.open(found)?))).collect()
    }

    /// Names the writer chose, each with a string or a list of strings, in the file's order.
    pub(super) fn lists(mut self) -> Result<Vec<Found<NamedList>>> {
        let entries = self.entries();
        let mut lists = Vec::with_capacity(entries.len());
        for (name, found) in entries {
            let texts: Option<Vec<String>> = match &found.value {
                DeValue::String(text) => Some(vec![text.clone().into_owned()]),
                DeValue::Array(items) => {
                    items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
                }
                _ => None,
            };
            let Some(texts) = texts else {
                return self.wrong_type(&found, "a string, or a list of strings");
            };
            let line = self.source.line(found.offset);
            lists.push(Found {
                value: NamedList { name, texts, line },
                key: found.key,
                offset: found.offset,
            });
        }
        Ok(lists)
    }

    /// Refuses the first key that nobody asked for.
    pub(super) fn finish(mut self) -> Result<()> {
        let known = std::mem::take(&mut self.known);
        let Some((name, found)) = self.entries().into_iter().next() else { return Ok(()) };
        let similar = crate::config::closest(&name, known.iter().copied());
        let hint = match similar {
            Some(similar) => format!("; did you mean {similar}?"),
            None => format!("; known here: {}", known.join(", ")),
        };
        Err(self.source.error(found.offset, format!("unknown key {}{hint}", found.key)))
    }
}
