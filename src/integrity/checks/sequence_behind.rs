//! SEQ-001: sequences of PostgreSQL that would hand out an id that is taken.

use crate::db::Dialect;

use crate::integrity::check::{About, Class, Severity, Stage};
use crate::integrity::counters::{CounterCheck, Fault, Kept, behind};

/// The check.
pub static SEQUENCE_BEHIND: CounterCheck = CounterCheck {
    about: &ABOUT,
    asks_references: false,
    judge: |counted| {
        Ok(if counted.kept == Kept::Lost {
            let (table, column) = (counted.table.as_str(), counted.column.as_str());
            let sequence = format!("{table}_{column}_seq");
            let tells = format!(
                "{column} has no default, so a new row gets no id. As the table's owner: ALTER TABLE {table} ALTER COLUMN \
                 {column} SET DEFAULT nextval('{sequence}')"
            );
            Some(Fault { class: Class::Manual, severity: None, tells, repair: None })
        } else {
            behind(counted)
        })
    },
};

static ABOUT: About = About {
    id: "SEQ-001",
    severity: Severity::Error,
    title: "sequences behind their tables",
    why: "The next new row fails with a duplicate key. Every failed try uses up one number, so the error goes away by \
          itself after a while and comes back later.",
    cause: "Rows were loaded with their ids, by a restore or by SQL, and the sequence was not told.",
    remedy: "Raises the sequence past the greatest id.",
    choice: "",
    needs: &[],
    engines: &[Dialect::Postgres],
    deep: false,
    stage: Stage::Counters,
    rows_each: 1,
};
