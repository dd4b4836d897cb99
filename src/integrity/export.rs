//! A report, or what is shown of one, in a new file: CSV for a spreadsheet, JSON for a script.
//!
//! Personal data are in it, so the file is its owner's alone, and one that is there already is never written over. The
//! name must say which of the two it is: whoever works behind a service account can then make no other file with it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::directory::Portal;
use crate::error::{Error, Result};
use crate::text;

use super::check::{Class, Finding};
use super::report;
use super::scan::Report;

/// Decisions whose rows are fetched together.
const PAGE: usize = 500;

/// What goes into a CSV file. JSON is always the whole report with its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// A line for each finding.
    Findings,
    /// A line for each row of each finding.
    Rows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Csv,
    Json,
}

/// Writes a report into a new file, whose name ends in `.csv` or `.json`; gives its whole path.
///
/// # Errors
/// Invalid, when the name says nothing of its kind, the file is there already or can't be written; what the engine says
/// while rows are read. Then there is no file.
pub async fn write(portal: &Portal, report: &Report, lines: Lines, path: &Path) -> Result<PathBuf> {
    let shape = shape(path)?;
    let failed = |why: &dyn std::fmt::Display| {
        let shown = path.display().to_string();
        Error::invalid(format!("{} could not be written: {why}.", text::safe(&shown)))
    };
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|why| {
            match why.kind() {
                std::io::ErrorKind::AlreadyExists => failed(&"it is there already; nothing was written over"),
                _ => failed(&why),
            }
        })?;
    let written = match shape {
        Shape::Csv => write_csv(portal, report, lines, file, &failed).await,
        Shape::Json => write_json(portal, report, file, &failed).await,
    };
    match written {
        Ok(()) => Ok(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())),
        Err(error) => {
            // Half a report is worse than none.
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

/// What the end of a name says.
fn shape(path: &Path) -> Result<Shape> {
    match path.extension().and_then(|end| end.to_str()) {
        Some(end) if end.eq_ignore_ascii_case("csv") => Ok(Shape::Csv),
        Some(end) if end.eq_ignore_ascii_case("json") => Ok(Shape::Json),
        _ => Err(Error::invalid("The name has to end in .csv or .json, which says what is written.")),
    }
}

/// Why a file could not be written.
type Failed<'a> = &'a (dyn Fn(&dyn std::fmt::Display) -> Error + Sync);

async fn write_csv(
    portal: &Portal,
    report: &Report,
    lines: Lines,
    file: File,
    failed: Failed<'_>,
) -> Result<()> {
    let mut csv = csv::Writer::from_writer(BufWriter::new(file));
    match lines {
        Lines::Findings => {
            record(&mut csv, &FINDING, failed)?;
            for finding in &report.findings {
                record(&mut csv, &finding_cells(finding), failed)?;
            }
        }
        Lines::Rows => {
            record(&mut csv, &ROW, failed)?;
            for finding in &report.findings {
                for from in (0..finding.found.subjects.len()).step_by(PAGE) {
                    for row in finding.rows(portal, from, PAGE).await? {
                        let key =
                            row.key.0.iter().map(|(_, cell)| cell.show()).collect::<Vec<_>>().join(", ");
                        let user = row.user_id.map_or_else(String::new, |id| id.to_string());
                        let name = row.username.unwrap_or_default();
                        let cells = [
                            finding.id(),
                            finding.severity().name(),
                            &row.table,
                            &key,
                            &user,
                            &name,
                            &row.text,
                        ];
                        record(&mut csv, &cells, failed)?;
                    }
                }
            }
        }
    }
    let buffered = csv.into_inner().map_err(|why| failed(&why.error()))?;
    finish(buffered, failed)
}

const FINDING: [&str; 8] = ["id", "severity", "repair", "count", "title", "why", "cause", "remedy"];
const ROW: [&str; 7] = ["id", "severity", "table", "key", "user_id", "username", "text"];

fn finding_cells(finding: &Finding) -> [String; 8] {
    let about = finding.check.about();
    let remedy = if finding.class() == Class::Choose { about.choice } else { about.remedy };
    [
        about.id.to_owned(),
        finding.severity().name().to_owned(),
        finding.class().label().to_owned(),
        finding.count().to_string(),
        about.title.to_owned(),
        about.why.to_owned(),
        about.cause.to_owned(),
        remedy.to_owned(),
    ]
}

/// One line. What is in it goes to a person and a spreadsheet, so it neither acts on a terminal nor runs as a formula.
fn record(
    csv: &mut csv::Writer<BufWriter<File>>,
    cells: &[impl AsRef<str>],
    failed: Failed<'_>,
) -> Result<()> {
    let cells = cells.iter().map(|cell| text::spreadsheet(&text::safe(cell.as_ref())).into_owned());
    csv.write_record(cells).map_err(|why| failed(&why))
}

async fn write_json(portal: &Portal, report: &Report, file: File, failed: Failed<'_>) -> Result<()> {
    let mut out = BufWriter::new(file);
    report::write_json(portal, report, &mut |piece| {
        out.write_all(piece.as_bytes()).map_err(|why| failed(&why))
    })
    .await?;
    out.write_all(b"\n").map_err(|why| failed(&why))?;
    finish(out, failed)
}

/// Brings everything to the disk.
fn finish(out: BufWriter<File>, failed: Failed<'_>) -> Result<()> {
    let file = out.into_inner().map_err(|why| failed(&why.error()))?;
    file.sync_all().map_err(|why| failed(&why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_says_what_it_is_is_taken() {
        for (name, expected) in [
            ("report.csv", Some(Shape::Csv)),
            ("../REPORT.JSON", Some(Shape::Json)),
            (".bashrc", None),
            ("report", None),
            (".csv", None),
            ("report.csv.sh", None),
        ] {
            assert_eq!(shape(Path::new(name)).ok(), expected, "{name}");
        }
    }
}
