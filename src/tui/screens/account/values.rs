//! The values of a form about an account as plain text, field by field, so that those of three moments can be compared,
//! kept in a file and put into a form again. A department is its id and groups are theirs: the choices of a form can
//! change between two readings. There is never a password among them.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::directory::accounts::Rows;
use crate::portal::form::{Field, FieldKind};
use crate::portal::forms;
use crate::tui::widgets::form::Form;

/// Text by field name: as typed, `true` or `false`, an id or nothing, ids with commas.
pub(in crate::tui::screens) type Values = BTreeMap<String, String>;

fn ids<'a>(ids: impl Iterator<Item = &'a i64>) -> String {
    let sorted: BTreeSet<i64> = ids.copied().collect();
    sorted.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// The ids in such a text.
pub(in crate::tui::screens) fn read_ids(text: &str) -> BTreeSet<i64> {
    text.split(',').filter_map(|id| id.parse().ok()).collect()
}

/// Such a text.
pub(in crate::tui::screens) fn write_ids(set: &BTreeSet<i64>) -> String {
    ids(set.iter())
}

fn fields(facts: &Facts) -> impl Iterator<Item = &'static Field> {
    forms::USER.iter().filter(|field| facts.has(field.name))
}

/// What the rows hold.
pub(in crate::tui::screens) fn of(facts: &Facts) -> Values {
    let value = |field: &Field| match field.kind {
        FieldKind::Bool => facts.flag(field.name).to_string(),
        FieldKind::Choice(_) => facts.department_id().map(|id| id.to_string()).unwrap_or_default(),
        FieldKind::Choices(_) => ids(facts.rows.iter().flat_map(Rows::group_ids).collect::<Vec<_>>().iter()),
        _ => facts.text(field.name),
    };
    fields(facts).map(|field| (field.name.to_owned(), value(field))).collect()
}

/// What stands in the form. A text that the field's rule makes the same as another one is that one.
pub(in crate::tui::screens) fn shown(form: &Form, facts: &Facts) -> Values {
    let value = |field: &Field| match field.kind {
        FieldKind::Bool => form.flag(field.name).to_string(),
        FieldKind::Choice(_) => {
            let chosen = form.choice(field.name).and_then(|at| facts.departments.get(at));
            chosen.map(|department| department.id.to_string()).unwrap_or_default()
        }
        FieldKind::Choices(_) => {
            let chosen = form.choices(field.name);
            ids(chosen.iter().filter_map(|at| facts.groups.get(*at)).map(|group| &group.id))
        }
        _ => {
            let text = form.text(field.name);
            (field.check)(text).map_or_else(|_| text.to_owned(), Option::unwrap_or_default)
        }
    };
    fields(facts).map(|field| (field.name.to_owned(), value(field))).collect()
}

/// What somebody changed in the form.
pub(in crate::tui::screens) fn changed(form: &Form, facts: &Facts) -> Values {
    let names = form.changed();
    shown(form, facts).into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
}

/// Puts values into a form over these facts, as if by hand; what is no choice any more is left out.
pub(in crate::tui::screens) fn put(form: &mut Form, facts: &Facts, values: &Values) {
    for (name, text) in values {
        let Some(field) = forms::find(&forms::USER, name) else { continue };
        match field.kind {
            FieldKind::Bool => form.set_flag(name, text == "true"),
            FieldKind::Choice(_) => {
                let id: Option<i64> = text.parse().ok();
                form.set_choice(name, facts.departments.iter().position(|choice| Some(choice.id) == id));
            }
            FieldKind::Choices(_) => {
                let wanted = read_ids(text);
                let places = facts.groups.iter().enumerate().filter(|(_, group)| wanted.contains(&group.id));
                form.set_choices(name, places.map(|(at, _)| at).collect());
            }
            _ => form.set_text(name, text),
        }
    }
}

/// A value for people.
pub(in crate::tui::screens) fn words(field: &str, text: &str, facts: &Facts) -> String {
    let kind = forms::find(&forms::USER, field).map(|field| field.kind);
    let or_id = |name: Option<String>, id: i64| name.unwrap_or_else(|| format!("#{id}, gone"));
    match kind {
        Some(FieldKind::Bool) => if text == "true" { "yes" } else { "no" }.to_owned(),
        Some(FieldKind::Choice(_)) => text.parse().map_or_else(
            |_| "none".to_owned(),
            |id| {
                let known = facts.departments.iter().find(|choice| choice.id == id);
                or_id(known.map(|choice| choice.name.clone()), id)
            },
        ),
        Some(FieldKind::Choices(_)) if text.is_empty() => "none".to_owned(),
        Some(FieldKind::Choices(_)) => {
            let name = |id: i64| {
                let known = facts.groups.iter().find(|choice| choice.id == id);
                or_id(known.map(|choice| choice.name.clone()), id)
            };
            read_ids(text).into_iter().map(name).collect::<Vec<_>>().join(", ")
        }
        _ if text.is_empty() => "empty".to_owned(),
        _ => text.to_owned(),
    }
}

/// The short label of a field.
pub(in crate::tui::screens) fn label(field: &str) -> &str {
    match forms::find(&forms::USER, field) {
        Some(known) => known.short,
        None if field == "password" => "Password",
        None => field,
    }
}
