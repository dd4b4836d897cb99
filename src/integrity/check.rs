//! What a check is, what it finds, and what its repair is made of.

use std::borrow::Cow;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::change::{Image, Require, Step};
use crate::db::Dialect;
use crate::directory::Portal;
use crate::error::{Error, Result};

use super::decision::{Answers, Decision};
use super::scan::Scan;

/// How bad a finding is, from least to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be put right.
    Warning,
    /// Something fails because of it.
    Error,
    /// Rights leak, or everybody is affected.
    Critical,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Error, Self::Warning, Self::Info];

    /// The name in JSON and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// The severity of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(name))
    }
}

/// Who decides about a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Automatic and safe: nothing is lost, nobody has to be asked.
    Automatic,
    /// Someone must choose.
    Choose,
    /// Only reported; the remedy says what to do.
    Manual,
}

impl Class {
    /// The letter in the catalogue and in JSON.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Automatic => "A",
            Self::Choose => "C",
            Self::Manual => "M",
        }
    }

    /// The word that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Automatic => "safe",
            Self::Choose => "choose",
            Self::Manual => "manual",
        }
    }
}

/// A table and the columns of it that a check reads.
pub type Need = (&'static str, &'static [&'static str]);

/// For checks that make sense everywhere.
pub const EVERY_ENGINE: &[Dialect] = &[Dialect::Sqlite, Dialect::MySql, Dialect::Postgres];

/// When a repair comes in a full one: what others build on is repaired before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Damaged files, missing columns.
    Schema,
    /// Counters that would hand out a used id.
    Counters,
    /// Links that lead nowhere.
    Links,
    /// Profiles without a user.
    OrphanProfiles,
    /// Users with several profiles.
    DuplicateProfiles,
    /// Users without a profile.
    MissingProfiles,
    /// Texts, ids and times.
    Values,
    /// Groups and users.
    Groups,
    /// Indexes and foreign keys.
    Indexes,
}

/// What never changes about a check.
#[derive(Debug)]
pub struct About {
    /// Stable for ever: people put it into scripts.
    pub id: &'static str,
    /// How bad a finding is, unless the finding says otherwise.
    pub severity: Severity,
    /// What it finds: "users without a profile".
    pub title: &'static str,
    /// What is bad about it.
    pub why: &'static str,
    /// Where it usually comes from.
    pub cause: &'static str,
    /// What the repair does, or what a person has to do.
    pub remedy: &'static str,
    /// What has to be decided where the repair is not automatic.
    pub choice: &'static str,
    /// The tables and columns that it reads; it is skipped, by name, where one is missing.
    pub needs: &'static [Need],
    /// Where it makes sense; elsewhere there is nothing to find.
    pub engines: &'static [Dialect],
    /// It reads every page of the database, so it runs only when somebody asks for that.
    pub deep: bool,
    /// Its place in a full repair.
    pub stage: Stage,
    /// How many rows the repair of one subject usually writes.
    pub rows_each: usize,
}

/// What one decision is about, small enough to be kept a million times.
///
/// It means the same thing in every later scan, because people accept it: places in a list of ours only grow at its end,
/// and what only the catalogue names goes by [`place_of`]. Of several twins the one with the lowest id stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Which of several tables or columns of the check; 0 where there is only one.
    pub place: u32,
    /// The id of the row concerned.
    pub id: i64,
}

impl Subject {
    /// A row of the check's only table.
    #[must_use]
    pub const fn of(id: i64) -> Self {
        Self { place: 0, id }
    }
}

impl std::fmt::Display for Subject {
    /// `17`, or `1/17` where the check has several places: what people and the baseline call it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.place {
            0 => write!(f, "{}", self.id),
            place => write!(f, "{place}/{}", self.id),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = std::num::ParseIntError;

    /// Reads what is displayed, and `0/17` too.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((place, id)) => Ok(Self { place: place.parse()?, id: id.parse()? }),
            None => Ok(Self::of(text.parse()?)),
        }
    }
}

/// The place of a thing that only the catalogue names, such as `table.column`: always the same for the same name
/// (FNV-1a, 32 bits). Never 0, which is the check's only table.
#[must_use]
pub const fn place_of(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    if hash == 0 { 1 } else { hash }
}

/// What a check found, of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Who decides.
    pub class: Class,
    /// How bad it is.
    pub severity: Severity,
    /// How many decisions that is: one a user, a value, or a group of twins.
    pub count: usize,
    /// What to repair, one by one.
    pub subjects: Vec<Subject>,
    /// Why the repair is not automatic, where that is not always so, in words that name the column.
    pub note: Option<String>,
}

impl Found {
    /// One decision for each subject; nothing when there are none.
    #[must_use]
    pub fn each(about: &About, class: Class, subjects: Vec<Subject>) -> Option<Self> {
        let count = subjects.len();
        (count > 0).then_some(Self { class, severity: about.severity, count, subjects, note: None })
    }
}

/// A finding: a check, and what it found of one class. It holds no rows; [`Finding::rows`] fetches them.
#[derive(Clone)]
pub struct Finding {
    /// The check.
    pub check: &'static dyn Check,
    /// What it found.
    pub found: Found,
}

impl std::fmt::Debug for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finding")
            .field("check", &self.id())
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

impl Finding {
    /// The check's id.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.check.about().id
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.found.severity
    }

    /// Who decides about the repair.
    #[must_use]
    pub fn class(&self) -> Class {
        self.found.class
    }

    /// What was found: "users without a profile".
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.check.about().title
    }

    /// How many decisions it takes.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.count
    }

    /// The rows concerned, of at most `limit` subjects from the `from`th on, read now. A subject may have several rows,
    /// and one that was repaired meanwhile has none.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn rows(&self, portal: &Portal, from: usize, limit: usize) -> Result<Vec<FindingRow>> {
        let subjects: Vec<Subject> = self.found.subjects.iter().skip(from).take(limit).copied().collect();
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        self.check.rows(portal, &subjects).await
    }
}

/// One row that a finding is about.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRow {
    /// What it belongs to.
    pub subject: Subject,
    /// Its table; one that only the catalogue names is owned.
    pub table: Cow<'static, str>,
    /// Its primary key; empty for a row that is missing.
    pub key: Image,
    /// The user concerned, who need not exist.
    pub user_id: Option<i64>,
    /// Their name as the database has it: unsafe to print.
    pub username: Option<String>,
    /// What it is, in words that are safe to print.
    pub text: String,
}

impl FindingRow {
    /// As in the report's JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "row": self.subject.to_string(),
            "table": self.table,
            "key": self.key.shown(),
            "user_id": self.user_id,
            "username": self.username,
            "text": self.text,
        })
    }
}

/// The repair of one subject: all of it goes into one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The subject.
    pub subject: Subject,
    /// What it does, in words: "Give cho a profile".
    pub title: String,
    /// The rows to be written; [`crate::change::Value::NewId`] counts from the part's own first step.
    pub steps: Vec<Step>,
    /// What must still hold under lock.
    pub require: Vec<Require>,
}

/// One check of the catalogue, with its repair.
#[async_trait]
pub trait Check: Sync {
    /// What never changes about it.
    fn about(&self) -> &'static About;

    /// Looks for it: at most one result a class.
    ///
    /// # Errors
    /// What the engine says; that it was cancelled.
    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>>;

    /// The rows that these subjects are about, as they are now.
    ///
    /// # Errors
    /// What the engine says.
    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>>;

    /// How many decisions these subjects take, where that is not one each.
    ///
    /// # Errors
    /// What the engine says.
    async fn decisions(&self, _portal: &Portal, subjects: &[Subject]) -> Result<usize> {
        Ok(subjects.len())
    }

    /// The automatic repairs of these subjects, made from rows read now. One that needs none any more, or that someone
    /// has to decide about, has no part.
    ///
    /// # Errors
    /// What the engine says; a conflict, when something else has to be repaired first.
    async fn parts(&self, _portal: &Portal, _subjects: &[Subject]) -> Result<Vec<Part>> {
        Ok(Vec::new())
    }

    /// The subjects that could be about this user, who has these profiles: what their record asks [`Check::rows`] about.
    /// None for a check that is not about single accounts.
    fn of_user(&self, _user: i64, _profiles: &[i64]) -> Vec<Subject> {
        Vec::new()
    }

    /// What somebody has to decide about this subject, from rows read now; nothing where there is nothing to decide, or
    /// not any more. A check may also offer a decision beside its automatic repair.
    ///
    /// # Errors
    /// What the engine says.
    async fn decision(&self, _portal: &Portal, _subject: Subject) -> Result<Option<Decision>> {
        Ok(None)
    }

    /// Whether it offers a decision beside its automatic repair: another way out than the safe one.
    fn offers_decision(&self) -> bool {
        false
    }

    /// The repair that these answers ask for, made from rows read now: nothing where it is repaired already. Usually one
    /// part; several where one of them has to be alone in its plan.
    ///
    /// # Errors
    /// Invalid, naming the question, when an answer is missing or is none of the choices; what the engine says; a
    /// conflict, when something else has to be repaired first.
    async fn decided(&self, _portal: &Portal, _subject: Subject, _answers: &Answers) -> Result<Vec<Part>> {
        Err(Error::invalid(format!("{} leaves nothing to decide; nothing was written.", self.about().id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_is_shown() {
        for (subject, shown) in
            [(Subject::of(17), "17"), (Subject { place: 4_000_000_000, id: -1 }, "4000000000/-1")]
        {
            assert_eq!(subject.to_string(), shown);
            assert_eq!(shown.parse(), Ok(subject));
        }
        assert_eq!("0/17".parse(), Ok(Subject::of(17)));
        for text in ["", "/", "1/", "/1", "a", "1/2/3", "-1/2"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }
}
