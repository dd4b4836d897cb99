//! Users from a CSV file: new ones, and changes of those that are there.
//!
//! The file is read three times, a few hundred rows at a time, so that memory doesn't grow with it. First the values that
//! must be unique are gathered; then [`check`] judges every row as a form would, and finds everything that is wrong with
//! it; last [`apply`] writes what was found good, as one run that one undo takes back, each part planned from rows read
//! then. By default one bad row refuses the whole file.

mod check;
mod header;
mod judge;
mod kept;
mod lookup;
mod names;
mod newcomers;
mod plans;
mod rejects;
mod row;
mod source;
mod twins;

use crate::change::{Hold, Opening, Outcome, Plan, Plans, Purpose, Watch};
use crate::error::{Error, Result};
use crate::text;

use super::Portal;
use super::password_file::PasswordFile;

pub use check::check;
pub use header::REASON;
pub use rejects::Rejects;
pub use source::{Delimiter, Source};

use header::Header;
use kept::Kept;
use plans::Import;

/// Most problems that are kept to be shown; all are counted.
pub const MOST_PROBLEMS: usize = 1_000;

/// How a file is taken.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the form and of the command line")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// A row with the username of an account that is there changes that account.
    pub update: bool,
    /// A row with the id of an account may give it another username.
    pub rename: bool,
    /// Groups and departments that are not there are made.
    pub create_missing: bool,
    /// Rows that can't be taken are left out, and the others written.
    pub skip_invalid: bool,
    /// New accounts without a password of their own get one that is made up.
    pub generate: bool,
    /// What stands between cells; without, what the header looks like.
    pub delimiter: Option<Delimiter>,
}

/// Something that is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line that the row begins in.
    pub line: u64,
    /// The column; empty where it is about the row.
    pub column: String,
    /// What is wrong, in words.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message = text::safe(&self.message);
        match self.column.as_str() {
            "" => write!(f, "line {}: {message}", self.line),
            column => write!(f, "line {}, {}: {message}", self.line, text::safe(column)),
        }
    }
}

/// What was found in a file.
#[derive(Debug, Clone)]
pub struct Checked {
    header: Header,
    digest: String,
    /// Numbers of rows that are left out, ascending.
    bad: Vec<u64>,
    /// The newest account that the rows were compared with.
    newest: i64,
    /// How many rows it has, the header aside.
    pub rows: u64,
    /// Accounts that would be made.
    pub new: u64,
    /// Accounts that would be changed.
    pub changed: u64,
    /// Rows that would change nothing.
    pub unchanged: u64,
    /// Rows that can't be taken.
    pub refused: u64,
    /// What is wrong with them: the first [`MOST_PROBLEMS`], by line.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
    /// Groups that would be made.
    pub groups: Vec<String>,
    /// Departments that would be made.
    pub departments: Vec<String>,
    /// The plans of the first rows that would write something.
    pub first: Vec<Plan>,
}

impl Checked {
    /// What stands between its cells.
    #[must_use]
    pub const fn delimiter(&self) -> Delimiter {
        self.header.delimiter
    }

    /// How many accounts would be written.
    #[must_use]
    pub const fn to_write(&self) -> u64 {
        self.new + self.changed
    }

    /// `12 new, 3 changed, 285 unchanged, 1 refused`, without what there is none of.
    #[must_use]
    pub fn counts(&self) -> String {
        let counted = [
            (self.new, "new"),
            (self.changed, "changed"),
            (self.unchanged, "unchanged"),
            (self.refused, "refused"),
        ];
        let words: Vec<String> = counted
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", text::grouped(count)))
            .collect();
        if words.is_empty() { "no rows".to_owned() } else { words.join(", ") }
    }

    /// The refusal of the whole file, where a row can't be taken and none may be left out.
    ///
    /// # Errors
    /// Invalid, with every problem that is kept by its line.
    pub fn whole(&self, options: &Options) -> Result<()> {
        if self.refused == 0 || options.skip_invalid {
            return Ok(());
        }
        let rows = match self.refused {
            1 => "1 row".to_owned(),
            rows => format!("{} rows", text::grouped(rows)),
        };
        let error = Error::invalid(format!(
            "{rows} of {} can't be taken, so nothing was written. Correct the file, or leave those rows out \
             (--skip-invalid).",
            text::grouped(self.rows)
        ));
        Err(self.problems.iter().fold(error, |error, problem| {
            let place = match problem.column.as_str() {
                "" => format!("line {}", problem.line),
                column => format!("line {}, {column}", problem.line),
            };
            error.and_field(&place, problem.message.clone())
        }))
    }
}

/// What an import is called.
#[must_use]
pub fn title(source: &Source) -> String {
    format!("Import {}", source.name())
}

/// Writes what was found good in a file, as one run.
///
/// # Errors
/// Denied, when the portal is read-only; conflict, when the file is not what was looked at any more; what stops
/// everything. What a single row is refused for is in [`Outcome::refused`], and stands in the file of refused rows.
pub async fn apply(
    portal: &Portal,
    source: Source,
    options: &Options,
    checked: &Checked,
    passwords: Option<PasswordFile>,
    rejects: Option<&mut Rejects>,
    watch: &Watch,
) -> Result<Outcome> {
    checked.whole(options)?;
    let writer = portal.writer()?;
    if checked.to_write() == 0 && checked.groups.is_empty() && checked.departments.is_empty() {
        return Ok(Outcome::default());
    }
    let kept = Kept::of(&source, options, checked, passwords.as_ref());
    let opening = Opening {
        title: title(&source),
        purpose: Purpose::Import,
        planned: Some(checked.to_write()),
        resume_from: kept.as_ref().and_then(Kept::to_json),
    };
    same_file(&source, &checked.digest)?;
    let portal = portal.cancellable(&watch.cancel);
    let mut plans = Import::new(&portal, &source, options, checked, passwords)?;
    let hold = writer.open(&opening).await?;
    let outcome = portal.writer()?.run_held(hold, &mut plans, watch).await;
    if let Some(rejects) = rejects {
        plans.tell_refused(rejects, outcome.as_ref().map_or(&[], |outcome| &outcome.refused))?;
    }
    outcome
}

/// The plans that are left of an import that was stopped.
///
/// # Errors
/// Conflict, when the file is gone or another one; what the engine says.
pub async fn plans_left(portal: &Portal, hold: &Hold) -> Result<Box<dyn Plans>> {
    let kept = Kept::read(hold.resume_from())?;
    let source = Source::open(&kept.file)?;
    same_file(&source, &kept.digest)?;
    let header = Header::read(&source, kept.options.delimiter)?;
    let passwords = kept.passwords.as_deref().map(PasswordFile::go_on).transpose()?;
    let plans = Import::go_on(portal, source, header, kept, passwords, hold.run()).await?;
    Ok(Box::new(plans))
}

fn same_file(source: &Source, digest: &str) -> Result<()> {
    if source.digest()? == digest {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "{} is not what it was when it was looked through. Nothing was written; begin again.",
        source.name()
    )))
}
