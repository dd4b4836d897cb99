//! SEQ-002: MySQL's `AUTO_INCREMENT` that is lost, or would hand out an id that is taken.

use crate::change::{Alter, Ddl, Key, Step};
use crate::db::Dialect;

use crate::integrity::check::{About, Class, Severity, Stage};
use crate::integrity::counters::{CounterCheck, Fault, Kept, behind};

/// The check.
pub static AUTO_INCREMENT_BEHIND: CounterCheck = CounterCheck {
    about: &ABOUT,
    asks_references: false,
    judge: |counted| {
        if counted.kept != Kept::Lost {
            return Ok(behind(counted));
        }
        let key = Key { column: counted.column.as_str().to_owned(), sql_type: counted.sql_type.clone() };
        let ddl = Ddl::new(counted.dialect, counted.table.as_str(), Alter::AddCounter(key))?;
        let tells =
            format!("{} has lost its AUTO_INCREMENT, so a new row gets no id", counted.column.as_str());
        Ok(Some(Fault { class: Class::Choose, severity: None, tells, repair: Some(Step::Ddl(ddl)) }))
    },
};

static ABOUT: About = About {
    id: "SEQ-002",
    severity: Severity::Error,
    title: "AUTO_INCREMENT behind its table, or lost",
    why: "The next new row fails: with a duplicate entry for key PRIMARY, or because id has no default value. On a server \
          that is not strict it gets the id 0.",
    cause: "The table was copied or restored without it, or a row was given the greatest id that there is.",
    remedy: "Raises it past the greatest id; where it is lost, gives it back to the column.",
    choice: "Giving it back alters the table: MySQL commits that by itself, and it can't be tried beforehand.",
    needs: &[],
    engines: &[Dialect::MySql],
    deep: false,
    stage: Stage::Counters,
    rows_each: 1,
};
