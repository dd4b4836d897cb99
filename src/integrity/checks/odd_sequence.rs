//! SEQ-005: rows of SQLite's `sqlite_sequence` that are not as SQLite writes them.

use crate::db::Dialect;

use crate::integrity::check::{About, Class, Severity, Stage};
use crate::integrity::counters::{CounterCheck, Fault, Kept};

/// The check.
pub static ODD_SEQUENCE: CounterCheck = CounterCheck {
    about: &ABOUT,
    asks_references: true,
    judge: |counted| {
        let Kept::Counter(counter) = &counted.kept else { return Ok(None) };
        let greatest = counted.greatest.unwrap_or(0).max(0);
        let (severity, tells) = if counted.next.is_none() {
            (Severity::Error, "sqlite_sequence is at its end: no row can be added (database or disk is full)")
        } else if counted.greatest.is_none() {
            // Before the first row SQLite writes nothing.
            return Ok(None);
        } else if counter.odd {
            (Severity::Info, "sqlite_sequence doesn't hold exactly one number for it; SQLite copes")
        } else if counter.next.is_some_and(|next| next <= greatest) {
            (Severity::Info, "sqlite_sequence is lower than the greatest id; SQLite copes")
        } else {
            return Ok(None);
        };
        let referred = counted.referred.as_ref().map_or(0, |(referred, _)| *referred);
        let written = counter.next.unwrap_or(1);
        let to = greatest.max(referred).checked_add(1).map(|to| to.max(written));
        let repair = counted.raised(to);
        let class = if repair.is_some() { Class::Automatic } else { Class::Manual };
        Ok(Some(Fault { class, severity: Some(severity), tells: tells.to_owned(), repair }))
    },
};

static ABOUT: About = About {
    id: "SEQ-005",
    severity: Severity::Info,
    title: "odd rows in sqlite_sequence",
    why: "At its end, 9223372036854775807, no row can be added any more. Everything else is harmless: SQLite goes on from \
          the greatest id.",
    cause: "Somebody wrote to sqlite_sequence, or the database was put together from a dump.",
    remedy: "Writes one row that goes on from the greatest id, and from whatever refers to one.",
    choice: "",
    needs: &[],
    engines: &[Dialect::Sqlite],
    deep: false,
    stage: Stage::Counters,
    rows_each: 1,
};
