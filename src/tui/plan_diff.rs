//! A plan as lines that a person can judge: whose row, which field, old → new; and what that means.

mod one_group;

use std::collections::BTreeMap;

use crate::change::{Ddl, Image, Plan, Step, Value, undo};
use crate::db::Cell;
use crate::directory::names::Names;
use crate::portal::access::Level;
use crate::portal::form::Field;
use crate::portal::{forms, password};
use crate::text;

use super::widgets::diff::{DiffLine, Sign};

/// Columns that Django and we write in passing; they say nothing about what somebody wanted.
const IN_PASSING: [&str; 4] = ["created_at", "updated_at", "date_joined", "last_login"];

/// The tables whose rows only join two others.
const MEMBERSHIP: &str = "auth_user_groups";
const USER_PERMISSION: &str = "auth_user_user_permissions";
const GROUP_PERMISSION: &str = "auth_group_permissions";

/// The portal's own history, and how many of its rows are shown one by one.
const ADMIN_LOG: &str = "django_admin_log";
const MOST_LOG_LINES: usize = 5;

/// A step with what it refers to.
#[derive(Clone, Copy)]
struct Told<'a> {
    plan: &'a Plan,
    step: &'a Step,
    names: &'a Names,
    /// It is told from the group's side: who comes and goes, not of whom.
    of_group: bool,
}

/// Every step as lines. Where the plans are about several accounts, each has a heading.
#[must_use]
pub fn lines(plans: &[Plan], names: &Names) -> Vec<DiffLine> {
    let of_group = one_group::is_all(plans);
    let steps = |plans, names| steps(plans, names).map(move |told| Told { of_group, ..told });
    let told: Vec<(String, Vec<DiffLine>)> =
        steps(plans, names).map(|told| (told.subject(), told.lines())).collect();
    let several = told.iter().any(|(subject, _)| *subject != told[0].0);
    let mut shown = Vec::new();
    let mut under: Option<&str> = None;
    let mut log = steps(plans, names).filter(|told| told.step.table() == ADMIN_LOG).count();
    let logged = log;
    for ((subject, lines), told) in told.iter().zip(steps(plans, names)) {
        if several && under != Some(subject) && !lines.is_empty() {
            shown.push(DiffLine::new(Sign::Heading, subject.clone()));
            under = Some(subject);
        }
        if told.step.table() == ADMIN_LOG {
            log -= 1;
            if logged - log > MOST_LOG_LINES {
                if log == 0 {
                    shown.push(told.more_of_the_log(logged - MOST_LOG_LINES));
                }
                continue;
            }
        }
        shown.extend(lines.iter().cloned());
    }
    shown
}

/// What else the plans touch, and who loses what, in sentences.
#[must_use]
pub fn notes(plans: &[Plan], names: &Names) -> Vec<String> {
    let mut notes = roles_lost(plans, names);
    for told in steps(plans, names) {
        for note in told.notes() {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    if plans.iter().any(|plan| plan.without_foreign_keys) {
        notes.push("A row comes back whose parent is gone: it will be an orphan.".to_owned());
    }
    notes
}

/// The name of what is deleted or gets or loses power over the portal, where the plans do such a thing.
#[must_use]
pub fn grave(plans: &[Plan], names: &Names) -> Option<String> {
    // A group that is deleted is what somebody means, and not the first of its members.
    let group = |told: &Told<'_>| told.step.table() == "auth_group";
    let grave = || steps(plans, names).filter(Told::is_grave);
    grave().find(group).or_else(|| grave().next()).map(|told| told.name())
}

/// Above so many users who lose a role they are counted and not named.
const MOST_NAMED: usize = 3;

/// Who loses which role, in sentences.
fn roles_lost(plans: &[Plan], names: &Names) -> Vec<String> {
    let mut lost: BTreeMap<Level, Vec<String>> = BTreeMap::new();
    for told in steps(plans, names).filter(|told| told.step.table() == MEMBERSHIP) {
        if let Step::Delete { before, .. } = told.step
            && let Some(level) = before.int("group_id").and_then(|group| names.levels.get(&group))
        {
            lost.entry(*level).or_default().push(told.name());
        }
    }
    let sentences = lost.iter().rev().flat_map(|(level, who)| {
        if who.len() > MOST_NAMED {
            return vec![format!("{} accounts lose the role {level}.", who.len())];
        }
        who.iter().map(|name| format!("{name} loses the role {level}.")).collect()
    });
    sentences.collect()
}

fn steps<'a>(plans: &'a [Plan], names: &'a Names) -> impl Iterator<Item = Told<'a>> {
    plans
        .iter()
        .flat_map(move |plan| plan.steps.iter().map(move |step| Told { plan, step, names, of_group: false }))
}

impl Told<'_> {
    /// What the row is about, as a heading.
    fn subject(&self) -> String {
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
    fn name(&self) -> String {
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

    fn lines(&self) -> Vec<DiffLine> {
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

    fn more_of_the_log(&self, count: usize) -> DiffLine {
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
                let name =
                    name.or_else(|| id.filter(|_| column == "user_id").and_then(|id| self.comes_back(id)));
                name.or_else(|| id.map(|id| format!("#{id}"))).unwrap_or_else(|| value.show(column))
            }
        }
    }

    /// The name of an account that the plan brings back with its id.
    fn comes_back(&self, id: i64) -> Option<String> {
        let is_it = |step: &&Step| step.table() == "auth_user" && step.cell("id") == Some(&Cell::Int(id));
        self.plan.steps.iter().find(is_it)?.cell("username").map(Cell::show)
    }

    /// What the step of this index creates.
    fn created(&self, step: usize) -> String {
        let created = self.plan.steps.get(step);
        let name = created.and_then(|step| step.cell("username").or_else(|| step.cell("name")));
        name.map_or_else(|| "(new)".to_owned(), Cell::show)
    }

    fn notes(&self) -> Vec<String> {
        let name = self.name();
        let mut notes = Vec::new();
        match self.step {
            Step::Ddl(ddl) => return altering(ddl),
            Step::Counter { .. } => {
                return vec!["A counter only goes up; undo leaves it where it is.".to_owned()];
            }
            _ => {}
        }
        if self.step.table() != "auth_user" {
            return notes;
        }
        if matches!(self.step, Step::Delete { .. }) {
            notes.push(format!(
                "The portal sessions of {name} end. What others did to the account stays in the portal's history; what \
                 {name} did goes with it."
            ));
        }
        notes.extend(undo::revives(self.step, &name));
        if !matches!(self.step, Step::Update { .. }) {
            return notes;
        }
        if let Some(new) = self.step.cell("username") {
            notes.push(format!(
                "{name} signs in as {} from now on and has to be told; portal sessions go on.",
                new.show()
            ));
        }
        let replaced = self.step.cell("password").is_some();
        match self.step.cell("is_active").and_then(Cell::as_bool) {
            Some(false) if !replaced => notes.push(format!(
                "{name} is out of the portal at once. Their sessions there are only asleep: activating the account \
                 again wakes them, unless the password is changed first."
            )),
            Some(true) if !replaced && self.has_usable_password() => notes.push(format!(
                "Activating alone also revives the portal sessions that {name} still had, unless the password was \
                 changed meanwhile; a new one ends them."
            )),
            Some(true) if !replaced => {
                notes.push(format!("{name} has no usable password: without a new one they can't sign in."));
            }
            _ => {}
        }
        if replaced {
            let for_good = if self.step.cell("is_active").and_then(Cell::as_bool) == Some(false) {
                " for good: activating the account again does not wake them"
            } else {
                ""
            };
            notes.push(format!("The portal sessions of {name} end{for_good}."));
        }
        for (column, what) in [("is_superuser", "superuser"), ("is_staff", "staff")] {
            match self.step.cell(column).and_then(Cell::as_bool) {
                Some(true) => notes.push(format!("{name} becomes {what}.")),
                Some(false) => notes.push(format!("{name} is no longer {what}.")),
                None => {}
            }
        }
        notes
    }

    fn has_usable_password(&self) -> bool {
        let encoded = self.step.before().and_then(|before| before.text("password")).unwrap_or_default();
        matches!(password::read(encoded), password::Stored::Usable(_))
    }

    /// Whether it deletes something, or changes who has power over the portal.
    fn is_grave(&self) -> bool {
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

fn value_id(value: &Value) -> Option<i64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            users: [(3, "bela".to_owned())].into(),
            groups: [(1, "Admin".to_owned()), (2, "Engineer".to_owned())].into(),
            levels: [(1, Level::Admin), (2, Level::Engineer)].into(),
            departments: [(5, "Sales".to_owned()), (6, "IT\u{202e}".to_owned())].into(),
            ..Names::default()
        }
    }

    fn row(cells: &[(&str, Cell)]) -> Image {
        Image(cells.iter().map(|(column, cell)| ((*column).to_owned(), cell.clone())).collect())
    }

    fn bela() -> Image {
        row(&[
            ("id", Cell::Int(3)),
            ("username", Cell::Text("bela".into())),
            ("password", Cell::Text("pbkdf2_sha256$canary$canary$canary".into())),
            ("is_active", Cell::Int(1)),
        ])
    }

    fn said(lines: &[DiffLine]) -> Vec<String> {
        lines.iter().map(|line| format!("{:?} {}", line.sign, line.words)).collect()
    }

    #[test]
    fn an_edit_is_said_field_by_field_with_names_for_ids() {
        let mut plan = Plan::new("Edit bela");
        plan.update("auth_user", Image::id(3), bela(), vec![("is_active", Value::Cell(Cell::Bool(false)))]);
        let profile =
            row(&[("id", Cell::Int(9)), ("user_id", Cell::Int(3)), ("department_id", Cell::Int(5))]);
        plan.update(
            "core_userprofile",
            Image::id(9),
            profile,
            vec![("department_id", Value::Cell(Cell::Int(6))), ("updated_at", Value::Now)],
        );
        plan.insert(
            MEMBERSHIP,
            vec![("user_id", Value::Cell(Cell::Int(3))), ("group_id", Value::Cell(Cell::Int(2)))],
        );
        let plans = [plan];
        assert_eq!(
            said(&lines(&plans, &names())),
            [
                "Changed Can log in  yes → no",
                "Changed Department  Sales → IT\\u{202e}",
                "Added group  Engineer"
            ]
        );
        assert!(notes(&plans, &names())[0].contains("only asleep"));
        assert_eq!(grave(&plans, &names()), None);
    }

    #[test]
    fn several_accounts_have_headings() {
        let mut plan = Plan::new("Leave");
        for (user, group) in [(3, 1), (4, 2)] {
            let before =
                row(&[("id", Cell::Int(user)), ("user_id", Cell::Int(user)), ("group_id", Cell::Int(group))]);
            plan.delete(MEMBERSHIP, Image::id(user), before);
        }
        let plans = [plan];
        assert_eq!(
            said(&lines(&plans, &names())),
            ["Heading bela", "Removed group  Admin", "Heading #4", "Removed group  Engineer"]
        );
        assert_eq!(notes(&plans, &names())[0], "bela loses the role Admin.");
        assert_eq!(grave(&plans, &names()).as_deref(), Some("bela"));
    }

    #[test]
    fn what_one_group_loses_is_told_from_its_side() {
        let mut plan = Plan::new("Delete the group Admin");
        for user in 3..8 {
            let before =
                row(&[("id", Cell::Int(user)), ("user_id", Cell::Int(user)), ("group_id", Cell::Int(1))]);
            plan.delete(MEMBERSHIP, Image::id(user), before);
        }
        let group = row(&[("id", Cell::Int(1)), ("name", Cell::Text("Admin".into()))]);
        plan.delete("auth_group", Image::id(1), group);
        let plans = [plan];
        let shown = said(&lines(&plans, &names()));
        assert_eq!(shown[..2], ["Removed member  bela", "Removed member  #4"]);
        assert_eq!(shown.last().unwrap(), "Removed group  Admin");
        assert_eq!(notes(&plans, &names()), ["5 accounts lose the role Admin."]);
        assert_eq!(grave(&plans, &names()).as_deref(), Some("Admin"), "not the name of a member");
    }

    #[test]
    fn a_new_account_names_its_own_rows() {
        let mut plan = Plan::new("Create cho");
        let user = plan.insert(
            "auth_user",
            vec![
                ("password", Value::Cell(Cell::Text("!canary".into()))),
                ("username", Value::Cell(Cell::Text("cho".into()))),
                ("last_name", Value::Cell(Cell::Text(String::new()))),
                ("is_staff", Value::Cell(Cell::Bool(false))),
            ],
        );
        plan.insert(
            "core_userprofile",
            vec![
                ("user_id", Value::NewId(user)),
                ("department_id", Value::Cell(Cell::Int(5))),
                ("email_notifications", Value::Cell(Cell::Bool(true))),
                ("created_at", Value::Now),
            ],
        );
        assert_eq!(
            said(&lines(&[plan], &names())),
            [
                "Added Password  unusable",
                "Added Username  cho",
                "Added profile  Department Sales, Notify yes"
            ]
        );
    }

    #[test]
    fn a_delete_names_a_few_entries_of_the_log_and_counts_the_rest() {
        let mut plan = Plan::new("Delete bela");
        for id in 0..8 {
            let entry = row(&[
                ("id", Cell::Int(id)),
                ("action_time", Cell::Text("2026-01-02 03:04:05.678".into())),
                ("object_repr", Cell::Text(format!("cho{id}"))),
                ("action_flag", Cell::Int(2)),
                ("user_id", Cell::Int(3)),
            ]);
            plan.delete(ADMIN_LOG, Image::id(id), entry);
        }
        plan.delete("auth_user", Image::id(3), bela());
        let plans = [plan];
        let shown = said(&lines(&plans, &names()));
        assert_eq!(shown.len(), 7, "{shown:?}");
        assert_eq!(shown[0], "Removed admin log  2026-01-02 03:04  changed cho0");
        assert_eq!(shown[5], "Removed admin log  and 3 more of what bela did");
        assert!(notes(&plans, &names())[0].contains("sessions of bela end"));
    }

    #[test]
    fn who_comes_back_is_named_before_they_are_there() {
        let mut plan = Plan::new("Undo: Delete cho");
        plan.insert(
            "auth_user",
            vec![("id", Value::Cell(Cell::Int(9))), ("username", Value::Cell(Cell::Text("cho".into())))],
        );
        plan.insert("core_userprofile", vec![("user_id", Value::Cell(Cell::Int(9)))]);
        let shown = said(&lines(&[plan], &names()));
        assert!(shown.iter().all(|line| !line.starts_with("Heading")), "one account, one subject: {shown:?}");
    }

    #[test]
    fn what_activating_and_renaming_mean_is_said() {
        let usable = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
        for (password, words) in [(usable, "revives the portal sessions"), ("!x", "no usable password")] {
            let mut before = bela();
            before.set("is_active", Cell::Bool(false));
            before.set("password", Cell::Text(password.to_owned()));
            let mut plan = Plan::new("Activate bela");
            plan.update(
                "auth_user",
                Image::id(3),
                before,
                vec![("is_active", Value::Cell(Cell::Bool(true)))],
            );
            assert!(notes(&[plan], &names())[0].contains(words));
        }
        let mut plan = Plan::new("Rename bela to Bela");
        plan.update(
            "auth_user",
            Image::id(3),
            bela(),
            vec![("username", Value::Cell(Cell::Text("Bela".into())))],
        );
        assert!(notes(&[plan], &names())[0].contains("bela signs in as Bela from now on and has to be told"));
    }

    #[test]
    fn no_character_of_a_hash_is_shown() {
        let mut plan = Plan::new("Set the password of bela");
        let new = Value::Cell(Cell::Text("!canary".into()));
        plan.update("auth_user", Image::id(3), bela(), vec![("password", new)]);
        plan.delete("auth_user", Image::id(3), bela());
        let plans = [plan];
        let shown = said(&lines(&plans, &names())).join("\n");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("Changed Password  malformed → unusable"), "{shown}");
        assert!(notes(&plans, &names())[0].contains("sessions of bela end"));
        assert_eq!(grave(&plans, &names()).as_deref(), Some("bela"));
    }
}
