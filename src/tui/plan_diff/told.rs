//! One step of a plan in words: whose row, which field, old → new; and what that means.

use super::{ADMIN_LOG, GROUP_PERMISSION, MEMBERSHIP, USER_PERMISSION};
use crate::change::{Ddl, Image, Plan, Step, Value, undo};
use crate::db::Cell;
use crate::directory::names::Names;
use crate::portal::access::Level;
use crate::portal::form::Field;
use crate::portal::{forms, password};
use crate::text;
use crate::tui::widgets::diff::{DiffLine, Sign};

/// Columns that Django and we write in passing; they say nothing about what somebody wanted.
const IN_PASSING: [&str; 4] = ["created_at", "updated_at", "date_joined", "last_login"];

/// A step with what it refers to.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) plan: &'a Plan,
    pub(super) step: &'a Step,
    pub(super) names: &'a Names,
    /// It is told from the group's side: who comes and goes, not of whom.
    pub(super) of_group: bool,
}

impl Told<'_> {
    /// What the row is about, as a heading.
    pub(super) fn subject(&self) -> String {
        match self.step.table() {
            table if !self.step.writes_a_row() => format!("table {}", text::safe(table)),
            MEMBERSHIP | "auth_group" | GROUP_PERMISSION if self.of_group => String::new(),
            "auth_user" | "core_userprofile" | MEMBERSHIP | USER_PERMISSION | ADMIN_LOG => self.name(),
            "auth_group" | GROUP_PERMISSION => format!("group {}", self.name()),
            "core_department" => format!("department {}", self.name()),
            table => format!("{table} {}", self.name()),
        }
    }

    /// The name alone: of the account, the group, the department; else the row's key.
    pub(super) fn name(&self) -> String {
        let named = |column: &str| self.value(column).map(|value| self.show(column, &value));
        let name = match self.step.table() {
            "auth_user" => self.before_or_after("username"),
            "auth_group" | "core_department" => self.before_or_after("name"),
            "core_userprofile" | MEMBERSHIP | USER_PERMISSION | ADMIN_LOG => named("user_id"),
            GROUP_PERMISSION => named("group_id"),
            _ => None,
        };
        name.unwrap_or_else(|| match self.step {
            Step::Insert { .. } => "(new)".to_owned(),
            Step::Update { key, .. } | Step::Delete { key, .. } => {
                key.0.iter().map(|(_, cell)| cell.show()).collect::<Vec<_>>().join(" ")
            }
            Step::Counter { .. } | Step::Ddl(_) => text::safe(self.step.table()).into_owned(),
        })
    }

    fn before_or_after(&self, column: &str) -> Option<String> {
        let before = self.step.before().and_then(|image| image.get(column));
        before.or_else(|| self.step.cell(column)).map(Cell::show)
    }

    /// What the step gives a column, or what the row had.
    fn value(&self, column: &str) -> Option<Value> {
        let before = || self.step.before().and_then(|image| image.get(column)).cloned().map(Value::Cell);
        self.step.value(column).cloned().or_else(before)
    }

    pub(super) fn lines(&self) -> Vec<DiffLine> {
        match (self.step.table(), self.step) {
            (_, Step::Counter { column, from, to, .. }) => {
                let from = from.map_or_else(|| "none".to_owned(), |from| from.to_string());
                let label = format!("next {} of {}", text::safe(column), self.name());
                vec![DiffLine::changed(&label, &from, &to.to_string())]
            }
            (_, Step::Ddl(ddl)) => {
                vec![DiffLine::new(Sign::Changed, text::safe(&ddl.statement()).into_owned())]
            }
            (MEMBERSHIP, _) if self.of_group => self.joining("member", "user_id"),
            (MEMBERSHIP, _) => self.joining("group", "group_id"),
            (USER_PERMISSION | GROUP_PERMISSION, _) => self.joining("permission", "permission_id"),
            (ADMIN_LOG, Step::Insert { .. } | Step::Delete { .. }) => vec![self.log_entry()],
            (_, Step::Update { before, set, .. }) => set
                .iter()
                .filter(|(column, value)| {
                    !IN_PASSING.contains(&column.as_str())
                        && Some(value) != before.get(column).map(cell).as_ref()
                })
                .map(|(column, value)| self.changed(before, column, value))
                .collect(),
            ("auth_user" | "core_department", Step::Insert { values, .. }) => values
                .iter()
                .filter(|(column, value)| !IN_PASSING.contains(&column.as_str()) && says_something(value))
                .map(|(column, value)| {
                    DiffLine::added(format!("{}  {}", self.label(column), self.show(column, value)))
                })
                .collect(),
            (_, Step::Insert { values, .. }) => {
                vec![DiffLine::added(format!("{}  {}", self.kind(), self.summary(values)))]
            }
            (_, Step::Delete { before, .. }) => {
                let values: Vec<(String, Value)> =
                    before.0.iter().map(|(column, value)| (column.clone(), cell(value))).collect();
                vec![DiffLine::removed(format!("{}  {}", self.kind(), self.summary(&values)))]
            }
        }
    }

    /// A row that joins two others, said by the name of the second.
    fn joining(&self, kind: &str, column: &str) -> Vec<DiffLine> {
        let words = self.value(column).map(|value| self.show(column, &value)).unwrap_or_default();
        let words = format!("{kind}  {words}");
        vec![match self.step {
            Step::Insert { .. } => DiffLine::added(words),
            Step::Delete { .. } => DiffLine::removed(words),
            _ => DiffLine::new(Sign::Changed, words),
        }]
    }

    /// An entry of the portal's own history: when, and about what.
    fn log_entry(&self) -> DiffLine {
        let shown = |column: &str| self.value(column).map(|value| value.show(column)).unwrap_or_default();
        let done = match self.value("action_flag").as_ref().and_then(value_id) {
            Some(1) => "added ",
            Some(3) => "deleted ",
            _ => "changed ",
        };
        let time: String = shown("action_time").chars().take("2026-01-02 03:04".len()).collect();
        self.coming_or_going(format!("admin log  {time}  {done}{}", shown("object_repr")))
    }

    pub(super) fn more_of_the_log(&self, count: usize) -> DiffLine {
        self.coming_or_going(format!("admin log  and {count} more of what {} did", self.name()))
    }

    fn coming_or_going(&self, words: String) -> DiffLine {
        if matches!(self.step, Step::Delete { .. }) {
            DiffLine::removed(words)
        } else {
            DiffLine::added(words)
        }
    }

    fn changed(&self, before: &Image, column: &str, value: &Value) -> DiffLine {
        let old = before.get(column).map(cell).map_or_else(String::new, |old| self.show(column, &old));
        let new = self.show(column, value);
        if column == "password" && old == new {
            return DiffLine::new(Sign::Changed, format!("{}  replaced ({new})", self.label(column)));
        }
        DiffLine::changed(&self.label(column), &old, &new)
    }

    /// What kind of row it is, in a word.
    fn kind(&self) -> &str {
        match self.step.table() {
            "auth_user" => "account",
            "core_userprofile" => "profile",
            "auth_group" => "group",
            "core_department" => "department",
            table => table,
        }
    }

    /// The values of a row that comes or goes, on one line.
    fn summary(&self, values: &[(String, Value)]) -> String {
        let hidden = |column: &str| IN_PASSING.contains(&column) || column == "id" || column == "password";
        let words: Vec<String> = values
            .iter()
            // Whose profile it is stands in the title or the heading.
            .filter(|(column, value)| !hidden(column) && column != "user_id" && says_something(value))
            .map(|(column, value)| match column.as_str() {
                "username" | "name" => self.show(column, value),
                _ => format!("{} {}", self.label(column), self.show(column, value)),
            })
            .collect();
        if words.is_empty() { "without values".to_owned() } else { words.join(", ") }
    }

    /// A column as the forms call it.
    fn label(&self, column: &str) -> String {
        let form: &[Field] = match self.step.table() {
            "auth_user" | "core_userprofile" => &forms::USER,
            "auth_group" => &forms::GROUP,
            "core_department" => &forms::DEPARTMENT,
            _ => &[],
        };
        match column {
            "password" => "Password".to_owned(),
            "department_id" => "Department".to_owned(),
            _ => forms::find(form, column).map_or(column, |field| field.short).to_owned(),
        }
    }

    /// A value with names for ids. A password is described, never shown.
    fn show(&self, column: &str, value: &Value) -> String {
        let names = match column {
            "user_id" => &self.names.users,
            "group_id" => &self.names.groups,
            "department_id" => &self.names.departments,
            "permission_id" => &self.names.permissions,
            _ => return show_plain(column, value),
        };
        match value {
            Value::NewId(step) => self.created(*step),
            Value::Cell(Cell::Null) => Cell::Null.show(),
            _ => {
                let id = value_id(value);
                let name = id.and_then(|id| names.get(&id)).map(|name| text::safe(name).into_owned());
                name.or_else(|| id.map(|id| format!("#{id}"))).unwrap_or_else(|| value.show(column))
            }
        }
    }

    /// What the step of this index creates.
    fn created(&self, step: usize) -> String {
        let created = self.plan.steps.get(step);
        let name = created.and_then(|step| step.cell("username").or_else(|| step.cell("name")));
        name.map_or_else(|| "(new)".to_owned(), Cell::show)
    }

    /// What the step means beyond its row, in sentences.
    pub(super) fn notes(&self) -> Vec<String> {
        match self.step {
            Step::Ddl(ddl) => return altering(ddl),
            Step::Counter { .. } => {
                return vec!["A counter only goes up; undo leaves it where it is.".to_owned()];
            }
            _ if self.step.table() != "auth_user" => return Vec::new(),
            _ => {}
        }
        let name = self.name();
        let mut notes = Vec::new();
        if matches!(self.step, Step::Delete { .. }) {
            notes.push(format!(
                "The portal sessions of {name} end. What others did to the account stays in the portal's history; what \
                 {name} did goes with it."
            ));
        }
        notes.extend(undo::revives(self.step, &name));
        if matches!(self.step, Step::Update { .. }) {
            self.note_edit(&name, &mut notes);
        }
        notes
    }

    /// What the edit of an account means.
    fn note_edit(&self, name: &str, notes: &mut Vec<String>) {
        if let Some(new) = self.step.cell("username") {
            notes.push(format!(
                "{name} signs in as {} from now on and has to be told; portal sessions go on.",
                new.show()
            ));
        }
        notes.extend(self.sessions(name));
        for (column, what) in [("is_superuser", "superuser"), ("is_staff", "staff")] {
            match self.step.cell(column).and_then(Cell::as_bool) {
                Some(true) => notes.push(format!("{name} becomes {what}.")),
                Some(false) => notes.push(format!("{name} is no longer {what}.")),
                None => {}
            }
        }
    }

    /// What becomes of somebody's sessions in the portal.
    fn sessions(&self, name: &str) -> Option<String> {
        let is_active = self.step.cell("is_active").and_then(Cell::as_bool);
        let replaced = self.step.cell("password").is_some();
        Some(match is_active {
            Some(false) if replaced => format!(
                "The portal sessions of {name} end for good: activating the account again does not wake them."
            ),
            _ if replaced => format!("The portal sessions of {name} end."),
            Some(false) => format!(
                "{name} is out of the portal at once. Their sessions there are only asleep: activating the account \
                 again wakes them, unless the password is changed first."
            ),
            Some(true) if self.has_usable_password() => format!(
                "Activating alone also revives the portal sessions that {name} still had, unless the password was \
                 changed meanwhile; a new one ends them."
            ),
            Some(true) => format!("{name} has no usable password: without a new one they can't sign in."),
            None => return None,
        })
    }

    fn has_usable_password(&self) -> bool {
        let encoded = self.step.before().and_then(|before| before.text("password")).unwrap_or_default();
        matches!(password::read(encoded), password::Stored::Usable(_))
    }

    /// Whether it deletes something, or changes who has power over the portal.
    pub(super) fn is_grave(&self) -> bool {
        let table = self.step.table();
        let gives = |column: &str| self.step.cell(column).and_then(Cell::as_bool);
        match self.step {
            // It changes what the portal's tables are like.
            Step::Ddl(_) => true,
            Step::Counter { .. } => false,
            _ if table == MEMBERSHIP => {
                let group = self.value("group_id").as_ref().and_then(value_id);
                group
                    .and_then(|group| self.names.levels.get(&group))
                    .is_some_and(|level| *level >= Level::Admin)
            }
            Step::Delete { .. } => table != USER_PERMISSION && table != GROUP_PERMISSION,
            Step::Update { .. } => gives("is_superuser").is_some() || gives("is_staff").is_some(),
            Step::Insert { .. } => gives("is_superuser") == Some(true) || gives("is_staff") == Some(true),
        }
    }
}

/// What a statement that alters a table needs, and how it goes back.
fn altering(ddl: &Ddl) -> Vec<String> {
    let mut notes = vec![format!("It needs {}.", text::safe(&ddl.needs()))];
    if ddl.commits_by_itself() {
        notes.push(
            "MySQL commits it by itself: it can't be rehearsed, and stands as soon as it ran.".to_owned(),
        );
    }
    notes.push(match ddl.inverse() {
        Some(inverse) => format!("Undo sends: {}", text::safe(&inverse.statement())),
        None => "Nothing takes it back.".to_owned(),
    });
    notes
}

fn cell(value: &Cell) -> Value {
    Value::Cell(value.clone())
}

pub(super) fn value_id(value: &Value) -> Option<i64> {
    match value {
        Value::Cell(cell) => cell.as_int(),
        _ => None,
    }
}

/// Whether a new row's value is worth a line: not what is empty, and no flag that is off.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Cell(Cell::Null | Cell::Bool(false)) => false,
        Value::Cell(Cell::Text(words)) => !words.is_empty(),
        _ => true,
    }
}

fn show_plain(column: &str, value: &Value) -> String {
    match value {
        Value::Cell(Cell::Text(encoded)) if column == "password" => password::describe(encoded),
        // SQLite and MySQL keep truth as a number.
        Value::Cell(cell) if is_flag(column) => {
            cell.as_bool().map_or_else(|| cell.show(), |on| Cell::Bool(on).show())
        }
        Value::Cell(Cell::Text(words)) if words.is_empty() => Cell::Null.show(),
        _ => value.show(column),
    }
}

fn is_flag(column: &str) -> bool {
    column.starts_with("is_") || column == "email_notifications"
}
