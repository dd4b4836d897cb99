//! Users in a file: CSV for a spreadsheet and for [import](super::import), JSON for a script. They are written as they are
//! read, a few hundred at a time, so that a million of them take no more memory than a page. Never passwords.

pub mod columns;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use columns::Column;

use super::Portal;
use super::listed::{self, Listed};
use super::private_file::Reserved;
use super::selection::Selection;
use super::users::{self, Place};
use crate::error::{Error, Result};
use crate::text;

/// How many accounts are read at once.
const PAGE: usize = 500;

/// What is written.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A line for each user, with these columns. A cell that a spreadsheet would run begins with `'`.
    Csv(Vec<&'static Column>),
    /// The list of users as `user list --json` prints it.
    Json,
}

impl Shape {
    /// What the end of a file's name says.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension().and_then(|end| end.to_str()) {
            Some(end) if end.eq_ignore_ascii_case("csv") => Some(Self::Csv(columns::usual())),
            Some(end) if end.eq_ignore_ascii_case("json") => Some(Self::Json),
            _ => None,
        }
    }
}

/// Where pieces of the output go.
pub type Sink<'a> = &'a mut (dyn FnMut(&[u8]) -> Result<()> + Send);

/// Writes users piece by piece; how many there were.
///
/// # Errors
/// What the engine says; what the sink says.
pub async fn write(portal: &Portal, whom: &Selection, shape: &Shape, sink: Sink<'_>) -> Result<u64> {
    match shape {
        Shape::Csv(columns) => sink(&lines([columns.iter().map(|column| column.name.into()).collect()])?)?,
        Shape::Json => sink(b"{\"portaldesk\":1,\"kind\":\"users\",\"items\":[")?,
    }
    // Of several parts nobody is to come twice, which takes all ids.
    let together = match whom {
        Selection::Any(_) => Some(Selection::Ids(whom.ids(portal).await?)),
        Selection::Ids(_) | Selection::Matching { .. } => None,
    };
    let mut pages = Pages::new(together.as_ref().unwrap_or(whom));
    let mut count = 0;
    while let Some(ids) = pages.next(portal).await? {
        let accounts = listed::read(portal, &ids).await?;
        match shape {
            Shape::Csv(columns) => sink(&lines(accounts.iter().map(|account| row(columns, account)))?)?,
            Shape::Json => sink(items(&accounts, count == 0).as_bytes())?,
        }
        count += accounts.len() as u64;
    }
    if matches!(shape, Shape::Json) {
        sink(format!("\n],\"total\":{count}}}\n").as_bytes())?;
    }
    Ok(count)
}

fn row(columns: &[&'static Column], account: &Listed) -> Vec<String> {
    columns.iter().map(|column| text::spreadsheet(&(column.cell)(account)).into_owned()).collect()
}

/// Lines of CSV.
pub(super) fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let failed = |why: &dyn std::fmt::Display| Error::bug(format!("a line of CSV could not be made: {why}"));
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row).map_err(|why| failed(&why))?;
    }
    csv.into_inner().map_err(|why| failed(&why.error()))
}

fn items(accounts: &[Listed], first: bool) -> String {
    let mut items = String::new();
    for (index, account) in accounts.iter().enumerate() {
        items.push_str(if first && index == 0 { "\n" } else { ",\n" });
        items.push_str(&text::json(&listed::item(account)));
    }
    items
}

/// The users of a selection, a page at a time.
struct Pages<'a> {
    whom: &'a Selection,
    /// How many of those that are named were given.
    given: usize,
    /// The last one of those that match.
    after: Option<Place>,
}

impl<'a> Pages<'a> {
    const fn new(whom: &'a Selection) -> Self {
        Self { whom, given: 0, after: None }
    }

    async fn next(&mut self, portal: &Portal) -> Result<Option<Vec<i64>>> {
        match self.whom {
            Selection::Ids(ids) => {
                let page: Vec<i64> = ids.iter().skip(self.given).take(PAGE).copied().collect();
                self.given += page.len();
                Ok((!page.is_empty()).then_some(page))
            }
            Selection::Matching { query, except } => {
                let places = users::places_after(portal, query, self.after.take(), PAGE).await?;
                let mut page: Vec<i64> = places.iter().map(Place::id).collect();
                page.retain(|id| !except.contains(id));
                self.after = places.into_iter().next_back();
                Ok(self.after.is_some().then_some(page))
            }
            Selection::Any(_) => Ok(None),
        }
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Its whole path.
    pub path: PathBuf,
    /// How many users are in it.
    pub users: u64,
}

/// Writes users into a file that only its owner can read. It gets its name when it is whole; one that is there is
/// written over only with `force`.
///
/// # Errors
/// Invalid, when the file is there already or can't be written; as [`write`]. Then no file is left.
pub async fn write_file(
    portal: &Portal,
    whom: &Selection,
    shape: &Shape,
    path: &Path,
    force: bool,
) -> Result<Exported> {
    let what = "an export";
    let reserved = if force { Reserved::replacing(path, what)? } else { Reserved::new(path, what)? };
    let mut file = reserved.open()?;
    let mut sink = |piece: &[u8]| file.write_all(piece).map_err(|why| reserved.failed(&why));
    let users = write(portal, whom, shape, &mut sink).await?;
    reserved.keep()?;
    Ok(Exported { path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), users })
}
