//! TXT-001: phones and portal ids that hold nothing but white space.

use crate::change::Value;
use crate::db::{Cell, patterns};
use crate::portal::rules;

use crate::integrity::cells::{CellCheck, Repair, Spot, any};
use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};

/// The check.
pub static BLANK_VALUE: CellCheck = CellCheck {
    about: &ABOUT,
    spots: &SPOTS,
    suspect: |context, columns| {
        any(columns, |column| Some(patterns::only_of(context.dialect, &column.name, rules::SPACE_CLASS)))
    },
    // A column that takes no NULL, as no portal of Django's has it, says "none" by the empty text.
    is_wrong: |_, _, column, cell| match cell {
        Cell::Text(text) => rules::is_blank(text) && (column.nullable || !text.is_empty()),
        _ => false,
    },
    tells: |held| {
        if held.cell().as_text().is_some_and(str::is_empty) {
            "empty text instead of NULL".to_owned()
        } else {
            format!("nothing but white space: '{}'", held.cell().show())
        }
    },
    repair: Repair::Set(|held| {
        Value::Cell(if held.column.nullable { Cell::Null } else { Cell::Text(String::new()) })
    }),
};

static ABOUT: About = About {
    id: "TXT-001",
    severity: Severity::Warning,
    title: "blank phones and portal ids",
    why: "They look empty and are not: two blank portal ids count as the same one, and filters for accounts without a \
          phone pass them over.",
    cause: "An import or a hand-written UPDATE; Django stores NULL for an empty one.",
    remedy: "Writes NULL.",
    choice: "",
    needs: &[("core_userprofile", &["id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

static SPOTS: [Spot; 2] =
    [Spot::of("core_userprofile", "phone_number"), Spot::of("core_userprofile", "main_portal_id")];
