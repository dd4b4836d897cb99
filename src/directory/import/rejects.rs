//! The rows that were not taken, in a new file of the same columns with the reasons behind them: to be corrected and
//! imported again.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::directory::private_file;
use crate::error::{Error, Result};
use crate::text;

use super::header::{Header, REASON};
use super::row::Wrong;
use super::source::Row;

/// The file. It goes with this value, unless it is [kept](Self::keep).
pub struct Rejects {
    path: PathBuf,
    lines: Option<csv::Writer<BufWriter<File>>>,
    /// Where the reason stands among the columns, if the file itself came from here.
    reason: Option<usize>,
    count: u64,
    kept: bool,
}

impl Rejects {
    /// Makes the file.
    ///
    /// # Errors
    /// Invalid, when it is there already or can't be made.
    pub fn create(path: &Path) -> Result<Self> {
        drop(private_file::create(path, "a file of refused rows")?);
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, lines: None, reason: None, count: 0, kept: false })
    }

    /// The name beside a file that is usual: `staff.csv` and `staff.rejected.csv`.
    #[must_use]
    pub fn beside(path: &Path) -> PathBuf {
        path.with_extension("rejected.csv")
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows are in it.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Writes the names of the columns.
    pub(super) fn begin(&mut self, header: &Header) -> Result<()> {
        let opened = fs::OpenOptions::new().append(true).open(&self.path);
        let file = opened.map_err(|why| self.failed(&why))?;
        let mut lines = csv::WriterBuilder::new()
            .flexible(true)
            .delimiter(header.delimiter.byte())
            .from_writer(BufWriter::new(file));
        self.reason = header.columns.iter().position(|(name, _)| name == REASON);
        let names = header.columns.iter().map(|(name, _)| name.as_str());
        let last = self.reason.is_none().then_some(REASON);
        lines.write_record(names.chain(last)).map_err(|why| self.failed(&why))?;
        self.lines = Some(lines);
        Ok(())
    }

    /// Adds a row as it stands in the file, and what is wrong with it.
    pub(super) fn add(&mut self, row: &Row, wrong: &[Wrong]) -> Result<()> {
        let words: Vec<String> = wrong
            .iter()
            .map(|(column, message)| match column.as_str() {
                "" => message.clone(),
                column => format!("{column}: {message}"),
            })
            .collect();
        let words = text::safe(&words.join(" ")).into_owned();
        let reason = text::spreadsheet(&words).into_owned().into_bytes();
        let mut cells: Vec<&[u8]> = row.cells().collect();
        match self.reason {
            Some(at) if at < cells.len() => cells[at] = &reason,
            Some(_) => {}
            None => cells.push(&reason),
        }
        let Some(lines) = &mut self.lines else {
            return Err(Error::bug("refused rows come before their columns"));
        };
        let written = lines.write_record(cells);
        written.map_err(|why| self.failed(&why))?;
        self.count += 1;
        Ok(())
    }

    /// Keeps the file, if there is a row in it.
    ///
    /// # Errors
    /// Invalid, when the disk refuses.
    pub fn keep(&mut self) -> Result<()> {
        let flushed = match &mut self.lines {
            Some(lines) => lines.flush().and_then(|()| lines.get_ref().get_ref().sync_all()),
            None => Ok(()),
        };
        flushed.map_err(|why| self.failed(&why))?;
        self.kept = self.count > 0;
        Ok(())
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Error {
        Error::invalid(format!("The refused rows could not be written to {}: {why}.", self.path.display()))
    }
}

impl Drop for Rejects {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}
