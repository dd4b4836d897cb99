//! SEQ-004: counters that come to the end of their type.

use crate::db::Dialect;

use crate::integrity::check::{About, Class, Severity, Stage};
use crate::integrity::counters::{CounterCheck, Fault, Kept};

/// The check.
pub static COUNTER_NEAR_END: CounterCheck = CounterCheck {
    about: &ABOUT,
    asks_references: false,
    judge: |counted| {
        if counted.kept == Kept::Lost || counted.next.is_some_and(|next| !counted.is_near_end(next)) {
            return Ok(None);
        }
        let most = counted.most;
        let tells = match counted.next {
            Some(next) => format!("the next id is {next} of at most {most} ({})", counted.sql_type),
            None => format!("no id is left of {most} ({})", counted.sql_type),
        };
        Ok(Some(Fault { class: Class::Manual, severity: None, tells, repair: None }))
    },
};

static ABOUT: About = About {
    id: "SEQ-004",
    severity: Severity::Warning,
    title: "counters near the end of their type",
    why: "When the last number is given out, no row can be added to the table any more.",
    cause: "A row was given a huge id by hand, or imports and failed inserts used up numbers. Steps of 3 on a Galera \
            cluster are normal.",
    remedy: "Give the key a wider type in the portal: DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField', then \
             'python manage.py makemigrations' and 'migrate'. Where a single row has the huge id, give it another one and \
             set the counter back by SQL, with the portal stopped.",
    choice: "",
    needs: &[],
    engines: &[Dialect::MySql, Dialect::Postgres],
    deep: false,
    stage: Stage::Counters,
    rows_each: 1,
};
