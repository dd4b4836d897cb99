//! What somebody gave for the fields of a form, judged by the fields' own rules.

use std::collections::BTreeMap;

use crate::db::Cell;
use crate::error::{Error, Result};
use crate::portal::form::{Field, FieldKind};
use crate::portal::forms;

use super::Portal;

/// The values after the rules: field and cell.
pub(super) type Checked = BTreeMap<&'static str, Cell>;

/// Applies the rule of every field that is given.
///
/// # Errors
/// Invalid, with all problems by field.
pub(super) fn check(form: &[Field], given: &BTreeMap<&'static str, String>) -> Result<Checked> {
    let mut values = Checked::new();
    let mut wrong = Error::invalid("");
    for (name, text) in given {
        let Some(field) = forms::find(form, name) else {
            return Err(Error::bug(format!("there is no field {name}")));
        };
        match (field.check)(text) {
            Ok(value) => {
                let cell = match (field.kind, value) {
                    (FieldKind::Bool, Some(value)) => Cell::Bool(value == "true"),
                    (_, value) => Cell::text(value.as_deref()),
                };
                values.insert(field.name, cell);
            }
            Err(messages) => {
                for message in messages {
                    wrong = wrong.and_field(name, message);
                }
            }
        }
    }
    if wrong.fields.is_empty() { Ok(values) } else { Err(summed_up(form, wrong)) }
}

/// Gives an error about fields a message that names them all.
fn summed_up(form: &[Field], mut error: Error) -> Error {
    let parts: Vec<String> = error
        .fields
        .iter()
        .map(|(name, messages)| format!("{}: {}", label(form, name), messages.join(" ")))
        .collect();
    error.message = format!("{} Nothing was written.", parts.join(" "));
    error
}

/// What Django calls a field.
pub(super) fn label<'a>(form: &'a [Field], name: &'a str) -> &'a str {
    forms::find(form, name).map_or(name, |field| field.label)
}

/// Refuses new rows of a table that can't take any, by name.
pub(super) fn check_takes_rows(portal: &Portal, table: &str, what: &str) -> Result<()> {
    match portal.schema.refuses_create(table) {
        Some(lack) => {
            Err(Error::conflict(format!("{what} can't be created here: {lack}. Nothing was written.")))
        }
        None => Ok(()),
    }
}
