//! What the record of a group says.

use std::collections::BTreeMap;

use crate::directory::groups::Record;
use crate::portal::access::Level;
use crate::tui::theme::Tone;
use crate::tui::widgets::counted;
use crate::tui::widgets::labelled::Lines;

pub(super) fn describe(record: &Record, lines: &mut Lines) {
    let group = &record.group;
    match group.level {
        Some(level) => {
            lines.add("Role", &level.to_string(), Tone::Strong);
            if !group.description.is_empty() {
                lines.add("In portal", &group.description, Tone::Plain);
            }
            lines.add("Here", meaning(level), Tone::Plain);
        }
        None => lines.add("Role", "none: being in it gives no access here", Tone::Plain),
    }
    let mut members = vec![counted(group.members), format!("{} active", counted(record.active_members))];
    if record.staff_members > 0 {
        members.push(format!("{} with a way into the portal's admin", counted(record.staff_members)));
    }
    lines.add("Members", &members.join(" · "), Tone::Plain);
    add_permissions(lines, record);
}

/// What a role means here. What it means in the portal is the configuration's to say.
const fn meaning(level: Level) -> &'static str {
    match level {
        Level::Superuser => "everything, here and in the portal",
        Level::Admin => "everything but privileged accounts, the roles' own groups and permissions of groups",
        Level::AmcAdmin => {
            "sees everything; creates and edits accounts below its own role; gives and takes Engineer"
        }
        Level::Engineer => {
            "sees users, groups and departments; edits the own phone, notifications and password"
        }
    }
}

/// By application and model, in Django's order.
fn add_permissions(lines: &mut Lines, record: &Record) {
    if let Some(lacking) = &record.lacking {
        return lines.add("Permissions", lacking, Tone::Quiet);
    }
    let count = record.permissions.len();
    lines.add("Permissions", &if count == 0 { "none".to_owned() } else { count.to_string() }, Tone::Plain);
    let mut models: Vec<(String, Vec<&str>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for permission in &record.permissions {
        let model = match (permission.app.as_str(), permission.model.as_str()) {
            ("", "") => "of a model that is gone".to_owned(),
            (app, model) => format!("{app} · {model}"),
        };
        let place = *places.entry(model.clone()).or_insert_with(|| {
            models.push((model, Vec::new()));
            models.len() - 1
        });
        models[place].1.push(&permission.codename);
    }
    for (model, codenames) in models {
        lines.add("", &format!("{model}: {}", codenames.join(", ")), Tone::Plain);
    }
}
