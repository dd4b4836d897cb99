//! The filter of the history: `by:amir about:bela group:Engineer field:department since:2026-11-01 "two words"`.

use chrono::{DateTime, Utc};

use super::fields::Field;
use crate::directory::filter::{Term, terms, value, wrong};

pub use crate::directory::filter::quoted;
use crate::directory::moment;
use crate::error::{Error, Result};

/// Who wrote an entry down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// This program, in its journal.
    Portaldesk,
    /// The portal, in `django_admin_log`.
    Portal,
}

impl Source {
    /// As in JSON and in filters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portaldesk => "portaldesk",
            Self::Portal => "portal",
        }
    }
}

/// Which entries to list: those that all of this holds for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// About this user: a username, one of former times too, or `#id`.
    pub about: Option<String>,
    /// About this group or who is in it: a name, or `#id`.
    pub group: Option<String>,
    /// About this department or who is in it: a name, or `#id`.
    pub department: Option<String>,
    /// By this portal account or Unix user; `unix:NAME` means only the latter, without an account.
    pub by: Option<String>,
    /// Changing each of these fields.
    pub fields: Vec<&'static Field>,
    /// This operation, or the operations of this run.
    pub operation: Option<String>,
    /// Made at or after this moment.
    pub since: Option<DateTime<Utc>>,
    /// Made before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Written down there.
    pub source: Option<Source>,
    /// With every one of these words in the title.
    pub words: Vec<String>,
}

const KEYS: &str = "about:, by:, group:, dept:, field:, op:, since:, until:, source:";

impl Filter {
    /// Reads a filter line.
    ///
    /// # Errors
    /// Usage, naming the part that can't be understood and what there is instead.
    pub fn read(line: &str) -> Result<Self> {
        match Self::typed(line) {
            (filter, None) => Ok(filter),
            (_, Some(error)) => Err(error),
        }
    }

    /// The same of a line that is still being typed: what can be understood of it, and what is wrong with the first part
    /// that can't.
    #[must_use]
    pub fn typed(line: &str) -> (Self, Option<Error>) {
        let (mut filter, mut wrong) = (Self::default(), None);
        for term in terms(line) {
            if let Err(error) = filter.add(&term) {
                wrong.get_or_insert(error);
            }
        }
        (filter, wrong)
    }

    fn add(&mut self, term: &Term) -> Result<()> {
        match term.key.as_deref() {
            None => self.words.push(term.value.clone()),
            Some("about") => once(&mut self.about, term, value(term)?)?,
            Some("group") => once(&mut self.group, term, value(term)?)?,
            Some("dept") => once(&mut self.department, term, value(term)?)?,
            Some("by") => once(&mut self.by, term, value(term)?)?,
            Some("op") => once(&mut self.operation, term, value(term)?)?,
            Some("field") => self.fields.push(named(&value(term)?).map_err(|why| wrong(term, &why))?),
            Some("since") => once(&mut self.since, term, time(term)?)?,
            Some("until") => once(&mut self.until, term, time(term)?)?,
            Some("source") => once(&mut self.source, term, source(term)?)?,
            Some(key) => {
                let why = format!(
                    "there is no '{key}:' here. There are {KEYS}; a text with a colon goes in quotes"
                );
                return Err(wrong(term, &why));
            }
        }
        Ok(())
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The field of this name.
///
/// # Errors
/// Which there are, in words.
pub fn named(name: &str) -> std::result::Result<&'static Field, String> {
    Field::named(name).ok_or_else(|| format!("there is no field '{name}'. There are {}", Field::names()))
}

fn once<T>(place: &mut Option<T>, term: &Term, value: T) -> Result<()> {
    if place.is_some() {
        return Err(wrong(term, "only one of these at a time"));
    }
    *place = Some(value);
    Ok(())
}

fn time(term: &Term) -> Result<DateTime<Utc>> {
    moment::read(&value(term)?).map_err(|why| wrong(term, &why))
}

fn source(term: &Term) -> Result<Source> {
    let word = value(term)?.to_lowercase();
    let found = [Source::Portaldesk, Source::Portal].into_iter().find(|source| source.name() == word);
    found.ok_or_else(|| -> Error { wrong(term, "the source is portaldesk or portal") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read() {
        let filter = Filter::read(
            "by:amir about:\"Bela N\" group:#3 dept:IT field:dept field:phone op:0f since:2026-11-01T00:00:00Z source:Portal Edit \"a: b\"",
        )
        .unwrap();
        assert_eq!(filter.by.as_deref(), Some("amir"));
        assert_eq!(filter.about.as_deref(), Some("Bela N"));
        assert_eq!((filter.group.as_deref(), filter.department.as_deref()), (Some("#3"), Some("IT")));
        assert_eq!(filter.fields.iter().map(|field| field.name).collect::<Vec<_>>(), ["department", "phone"]);
        assert_eq!(filter.operation.as_deref(), Some("0f"));
        assert_eq!(filter.since.unwrap().to_rfc3339(), "2026-11-01T00:00:00+00:00");
        assert_eq!(filter.source, Some(Source::Portal));
        assert_eq!(filter.words, ["Edit", "a: b"]);
        assert_eq!(Filter::read("by:unix:root").unwrap().by.as_deref(), Some("unix:root"));
        assert!(Filter::read("  ").unwrap().is_empty());
    }

    #[test]
    fn an_error_points_at_the_word_and_says_what_there_is() {
        for (line, part, says) in [
            ("edit whom:bela", "'whom:bela'", "about:, by:, group:"),
            ("field:shoes", "'field:shoes'", "username, first-name"),
            ("by:amir by:bela", "'by:bela'", "only one"),
            ("since:tomorrow", "'since:tomorrow'", "2026-01-31"),
            ("source:here", "'source:here'", "portaldesk or portal"),
            ("Undo: by:", "'Undo:'", "in quotes"),
            ("about:", "'about:'", "a value is missing"),
        ] {
            let error = Filter::read(line).unwrap_err();
            assert!(error.message.contains(part) && error.message.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        for name in ["bela", "Bela Novak", "#31"] {
            let filter = Filter::read(&format!("about:{}", quoted(name))).unwrap();
            assert_eq!(filter.about.as_deref(), Some(name));
        }
    }
}
