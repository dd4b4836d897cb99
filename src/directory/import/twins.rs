//! Values that must be unique and stand twice: within the file, and in the portal already.
//!
//! Of a hundred thousand names only hashes are kept, eight bytes each; the texts of the few whose hashes meet are then
//! compared properly. What is equal is the engine's to say; new names must differ in more than case, as in Django's own
//! form.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::portal::rules;

use super::names::same;
use super::row::Given;

/// How many texts of the portal are read at once.
const PAGE: i64 = 10_000;

/// A value that must be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// The username.
    Username,
    /// The main portal id.
    PortalId,
}

impl Value {
    /// The field.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::PortalId => "main_portal_id",
        }
    }

    /// What a row gives, as it would be stored.
    pub(super) fn of(self, given: &Given) -> Option<String> {
        let text = given.text(self.field())?;
        let text = match self {
            Self::Username => rules::normal_username(text),
            Self::PortalId => rules::strip(text).to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }

    fn column(self) -> Sql {
        Sql::new(match self {
            Self::Username => "SELECT username AS text FROM auth_user WHERE 1 = 0",
            Self::PortalId => "SELECT main_portal_id AS text FROM core_userprofile WHERE 1 = 0",
        })
    }
}

/// Up to this many texts each is asked about by itself, which an index answers, and the portal's are not all read.
const FEW: usize = 500;

/// Another row has the same hash.
const REPEATED: u8 = 1;
/// A text of the portal has the same hash.
const TAKEN: u8 = 2;

/// The texts of a file in one column: first gathered, then asked about.
pub(super) struct Twins {
    value: Value,
    hasher: RandomState,
    /// Of all texts; once they are compared in order, each once.
    hashes: Vec<u64>,
    /// What is known of each hash.
    marks: Vec<u8>,
    /// The texts of repeated hashes met so far, with their lines.
    seen: BTreeMap<u64, Vec<(u64, String)>>,
}

impl Twins {
    /// Nothing gathered yet.
    #[must_use]
    pub(super) fn new(value: Value) -> Self {
        Self {
            value,
            hasher: RandomState::new(),
            hashes: Vec::new(),
            marks: Vec::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Takes a row's text to what is known of the file.
    pub(super) fn gather(&mut self, given: &Given) {
        if let Some(text) = self.value.of(given) {
            self.hashes.push(self.hash(&text));
        }
    }

    /// All rows were gathered: finds which texts may stand twice, in the file or in the portal.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn compare(&mut self, portal: &Portal) -> Result<()> {
        self.hashes.sort_unstable();
        let mut marks: Vec<u8> = Vec::with_capacity(self.hashes.len());
        let mut last = None;
        self.hashes.retain(|hash| {
            let is_new = last != Some(*hash);
            last = Some(*hash);
            match marks.last_mut() {
                Some(mark) if !is_new => *mark = REPEATED,
                _ => marks.push(0),
            }
            is_new
        });
        self.marks = marks;
        let readable =
            self.value == Value::Username || portal.schema.has("core_userprofile", "main_portal_id");
        if !readable {
            return Ok(());
        }
        if self.hashes.len() > FEW {
            return self.read(portal).await;
        }
        self.marks.iter_mut().for_each(|mark| *mark |= TAKEN);
        Ok(())
    }

    /// Goes through the portal's texts once.
    async fn read(&mut self, portal: &Portal) -> Result<()> {
        let mut after = 0;
        loop {
            let sql = Sql::new(match self.value {
                Value::Username => "SELECT id, username FROM auth_user WHERE id > ? ORDER BY id LIMIT ?",
                Value::PortalId => {
                    "SELECT id, main_portal_id FROM core_userprofile WHERE id > ? ORDER BY id LIMIT ?"
                }
            });
            let rows = portal.db.all(sql.bind(after).bind(PAGE)).await?;
            for row in &rows {
                if let Ok(at) = self.hashes.binary_search(&self.hash(&row.text(1)?)) {
                    self.marks[at] |= TAKEN;
                }
            }
            match rows.last() {
                Some(last) if i64::try_from(rows.len()) == Ok(PAGE) => after = last.int(0)?,
                _ => return Ok(()),
            }
        }
    }

    fn mark(&self, hash: u64) -> u8 {
        self.hashes.binary_search(&hash).map_or(0, |at| self.marks[at])
    }

    /// Whether the portal may have a row's text already.
    #[must_use]
    pub(super) fn may_be_taken(&self, given: &Given) -> bool {
        self.value.of(given).is_some_and(|text| self.mark(self.hash(&text)) & TAKEN != 0)
    }

    /// The line of an earlier row that has the same text.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn earlier(&mut self, portal: &Portal, given: &Given) -> Result<Option<u64>> {
        let Some(text) = self.value.of(given) else { return Ok(None) };
        let hash = self.hash(&text);
        if self.mark(hash) & REPEATED == 0 {
            return Ok(None);
        }
        let seen = self.seen.entry(hash).or_default();
        let but_for_case =
            |other: &str| self.value == Value::Username && other.to_lowercase() == text.to_lowercase();
        if let Some((line, _)) = seen.iter().find(|(_, other)| but_for_case(other)) {
            return Ok(Some(*line));
        }
        let others: Vec<String> = seen.iter().map(|(_, other)| other.clone()).collect();
        let at = same(portal, self.value.column(), &text, &others).await?;
        let line = at.and_then(|at| seen.get(at)).map(|(line, _)| *line);
        if line.is_none() {
            seen.push((given.line, text));
        }
        Ok(line)
    }

    fn hash(&self, text: &str) -> u64 {
        self.hasher.hash_one(folded(text))
    }
}

/// Equal for all texts that some engine may take for the same.
pub(super) fn folded(text: &str) -> String {
    text.trim_end().nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}
