//! SEQ-003: counters that would hand out an id that other rows refer to already.

use crate::integrity::check::{About, Class, EVERY_ENGINE, Severity, Stage};
use crate::integrity::counters::{CounterCheck, Fault, Kept};

/// The check.
pub static INHERITED_ID: CounterCheck = CounterCheck {
    about: &ABOUT,
    asks_references: true,
    judge: |counted| {
        let Some((next, (referred, by))) = counted.next.zip(counted.referred.as_ref()) else {
            return Ok(None);
        };
        if *referred < next {
            return Ok(None);
        }
        let tells = format!("would hand out #{next} next, and {by} refers to #{referred}");
        let to = referred.checked_add(1).map(|to| to.max(next));
        // One wrong number must not use up all the ids that are left.
        let repair = counted.raised(to.filter(|to| !counted.is_near_end(*to)));
        let repair = repair.filter(|_| matches!(counted.kept, Kept::Counter(_)));
        Ok(Some(match repair {
            Some(_) => Fault { class: Class::Automatic, severity: None, tells, repair },
            None => Fault {
                class: Class::Manual,
                severity: None,
                tells: format!(
                    "{tells}; the counter can't be raised past it, so that row of {by} has to go first"
                ),
                repair: None,
            },
        }))
    },
};

static ABOUT: About = About {
    id: "SEQ-003",
    severity: Severity::Critical,
    title: "ids about to be given out that rows refer to already",
    why: "The next account, group or department with that id inherits what was left behind for another one: its groups, \
          its permissions, its profile. Where the profile stands in the way, adding the account fails with 1062 … user_id.",
    cause: "Rows were deleted by SQL or without foreign keys, what referred to them stayed, and the counter is lower than \
            that: a restore, or a server that counts anew after a restart.",
    remedy: "Raises the counter past every id that is referred to. The rows left behind are for PRF-003 and REL-001 to 007.",
    choice: "",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Counters,
    rows_each: 1,
};
