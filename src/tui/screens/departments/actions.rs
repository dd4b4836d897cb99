//! What can be done to a department from the list and from the record: who may, and what each key starts.

use super::form::DepartmentForm;
use super::members::Members;
use super::merge::MergeDepartment;
use super::where_to::WhereTo;
use crate::directory::departments;
use crate::error::Result;
use crate::portal::access;
use crate::portal::department::Department;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::key;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, Prepared};
use crate::tui::screens::history::History;
use crate::tui::screens::menu::{Entry, Menu};
use crate::tui::screens::undo::Undo;
use crate::tui::screens::user_actions::Sitting;

/// The keys about one department, for every screen that has one under the cursor.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('e')], Action::DepartmentsEdit, "edit"),
    Binding::new(&[key('M')], Action::DepartmentsMembers, "members"),
    Binding::new(&[key('J')], Action::DepartmentsMerge, "merge").dangerous(),
    Binding::new(&[key('a')], Action::Menu, "actions"),
    Binding::new(&[key('u')], Action::Undo, "undo"),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
    Binding::new(&[key('H')], Action::RecordHistory, "history of this department").quiet(),
    Binding::new(&[key('D')], Action::DepartmentsDelete, "delete").quiet().dangerous(),
    // Without a key: from the menu and the palette.
    Binding::new(&[], Action::DepartmentsActive, "activate or deactivate").quiet(),
];

const PLAN: Slot<Prepared> = Slot::latest("departments.plan");

/// The department that a key is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it is active.
    pub is_active: bool,
}

impl Which {
    /// This one.
    #[must_use]
    pub fn of(department: &Department) -> Self {
        Self { id: department.id, name: department.name.clone(), is_active: department.is_active }
    }
}

/// Whether an action can be done now, to this department; if not, why.
///
/// # Errors
/// The sentence.
pub fn may(action: Action, which: Option<&Which>, sitting: &Sitting) -> std::result::Result<(), String> {
    let is_about_one =
        KEYS.iter().any(|binding| binding.action == action) && !matches!(action, Action::Undo | Action::Redo);
    if is_about_one && which.is_none() {
        return Err("There is no department under the cursor.".to_owned());
    }
    match action {
        Action::DepartmentsNew
        | Action::DepartmentsEdit
        | Action::DepartmentsDelete
        | Action::DepartmentsMerge
        | Action::DepartmentsActive => match &sitting.read_only {
            Some(why) => Err(why.clone()),
            None => sitting.allows(&access::Action::EditDepartments),
        },
        Action::DepartmentsMembers => sitting.allows(&access::Action::SeeUsers),
        Action::RecordHistory => sitting.allows(&access::Action::SeeHistory),
        Action::Undo | Action::Redo => sitting.may(action, None),
        _ => Ok(()),
    }
}

/// What can be done to this department now, for the menu.
#[must_use]
pub fn entries(which: &Which, sitting: &Sitting) -> Vec<Entry> {
    let active = if which.is_active {
        Entry {
            letter: 'd',
            label: "deactivate: no longer offered in forms",
            action: Action::DepartmentsActive,
        }
    } else {
        Entry { letter: 'a', label: "activate: offered in forms again", action: Action::DepartmentsActive }
    };
    let all = [
        Entry { letter: 'e', label: "edit name, description and state", action: Action::DepartmentsEdit },
        Entry { letter: 'm', label: "members", action: Action::DepartmentsMembers },
        active,
        Entry { letter: 'j', label: "merge into another department", action: Action::DepartmentsMerge },
        Entry { letter: 'h', label: "history of this department", action: Action::RecordHistory },
        Entry { letter: 'x', label: "delete; asks where its members go", action: Action::DepartmentsDelete },
        Entry { letter: 'u', label: "undo what I did last", action: Action::Undo },
        Entry { letter: 'r', label: "redo what I took back last", action: Action::Redo },
    ];
    let can = |entry: &Entry| match entry.action {
        // Unlike a key, a menu has the time to know.
        Action::Undo if sitting.can_undo != Some(true) => false,
        Action::Redo if sitting.can_redo != Some(true) => false,
        action => may(action, Some(which), sitting).is_ok(),
    };
    all.into_iter().filter(can).collect()
}

/// Does an action of [`KEYS`] that `may` be done.
pub fn act(action: Action, which: Option<&Which>, sitting: &Sitting, cx: &mut Cx) {
    match (action, which) {
        (Action::Undo, _) => cx.push(Undo::newest()),
        (Action::Redo, _) => cx.push(Undo::redo()),
        (Action::RecordHistory, Some(which)) => {
            cx.push(History::about_department(which.id, &which.name, Clock::default()));
        }
        (Action::DepartmentsEdit, Some(which)) => {
            cx.push(DepartmentForm::edit(which.id, which.name.clone()));
        }
        (Action::DepartmentsMembers, Some(which)) => {
            cx.push(Members::new(which, Clock::default()));
        }
        (Action::DepartmentsMerge, Some(which)) => cx.push(MergeDepartment::new(which.clone())),
        (Action::DepartmentsDelete, Some(which)) => cx.push(WhereTo::delete(which.clone())),
        (Action::DepartmentsActive, Some(which)) => {
            let (id, active) = (which.id, !which.is_active);
            cx.start(&PLAN, "planning", move |portal| async move {
                let plan = departments::set_active(&portal, id, active).await?;
                let inside = departments::left_inside(&portal, &plan).await?;
                let mut prepared = plan_review::prepare(&portal, plan).await?;
                prepared.text.notes.extend(inside.and_then(|inside| inside.in_words()));
                Ok(prepared)
            });
        }
        (Action::Menu, Some(which)) => cx.push(Menu::new(which.name.clone(), entries(which, sitting))),
        _ => {}
    }
}

/// Takes the reply to what [`act`] started; says whether it was one.
pub fn reply(reply: &mut Reply, cx: &mut Cx) -> bool {
    let planned: Option<Result<Prepared>> = PLAN.take(reply);
    match planned {
        Some(Ok(prepared)) => prepared.open(cx),
        Some(Err(error)) => cx.fail(&error),
        None => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::portal::access::{ActorFacts, Level};

    fn which(is_active: bool) -> Which {
        Which { id: 5, name: "Sales".to_owned(), is_active }
    }

    fn letters(level: Level, is_active: bool) -> String {
        let superuser = level == Level::Superuser;
        let actor =
            ActorFacts { id: 1, username: "amir".to_owned(), active: true, superuser, level: Some(level) };
        let sitting = Sitting { actor: Some(actor), ..Sitting::default() };
        entries(&which(is_active), &sitting).iter().map(|entry| entry.letter).collect()
    }

    #[test]
    fn only_an_admin_changes_departments() {
        assert_eq!(letters(Level::Admin, true), "emdjhx");
        assert_eq!(letters(Level::Superuser, false), "emajhx");
        assert_eq!(letters(Level::AmcAdmin, true), "mh");
        assert_eq!(letters(Level::Engineer, true), "m");
    }

    #[test]
    fn every_entry_of_the_menu_is_an_action_of_the_table() {
        let sitting = Sitting { can_undo: Some(true), can_redo: Some(true), ..Sitting::default() };
        for entry in entries(&which(true), &sitting) {
            assert!(KEYS.iter().any(|binding| binding.action == entry.action), "{entry:?}");
        }
    }

    #[test]
    fn a_portal_opened_read_only_says_so_for_every_write() {
        let why = "It is read-only.".to_owned();
        let sitting = Sitting { read_only: Some(why.clone()), ..Sitting::default() };
        for action in [Action::DepartmentsNew, Action::DepartmentsDelete, Action::DepartmentsMerge] {
            assert_eq!(may(action, Some(&which(true)), &sitting), Err(why.clone()));
        }
        assert!(may(Action::DepartmentsMembers, Some(&which(true)), &sitting).is_ok());
        assert!(may(Action::DepartmentsEdit, None, &Sitting::default()).is_err());
    }

    #[test]
    fn keys_start_what_they_say() {
        let mut cx = Cx::new(Size::new(80, 24));
        for (action, effects) in [
            (Action::DepartmentsActive, "[Start(departments.plan: planning)]"),
            (Action::DepartmentsEdit, "[Push(Edit Sales)]"),
            (Action::DepartmentsMerge, "[Push(Merge Sales)]"),
            (Action::DepartmentsDelete, "[Push(Delete Sales)]"),
            (Action::DepartmentsMembers, "[Push(Members of Sales)]"),
            (Action::RecordHistory, "[Push(History of Sales)]"),
            (Action::Menu, "[Push(Sales)]"),
        ] {
            act(action, Some(&which(true)), &Sitting::default(), &mut cx);
            assert_eq!(format!("{:?}", cx.take()), effects);
        }
    }
}
