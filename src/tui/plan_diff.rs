//! A plan as lines that a person can judge: whose row, which field, old → new; and what that means.

mod one_group;
mod told;

use std::collections::BTreeMap;

use crate::change::{Plan, Step};
use crate::directory::names::Names;
use crate::portal::access::Level;

use super::widgets::diff::{DiffLine, Sign};
use told::{Told, value_id};

/// The tables whose rows only join two others.
const MEMBERSHIP: &str = "auth_user_groups";
const USER_PERMISSION: &str = "auth_user_user_permissions";
const GROUP_PERMISSION: &str = "auth_group_permissions";

/// The portal's own history, and how many of its rows are shown one by one.
const ADMIN_LOG: &str = "django_admin_log";
const MOST_LOG_LINES: usize = 5;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Image, Value};
    use crate::db::Cell;

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
