//! What can be done to a department, and what each key starts.

use super::form::DepartmentForm;
use super::merge::MergeDepartment;
use super::where_to::WhereTo;
use crate::directory::departments;
use crate::portal::department::Department;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::key;
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, PLAN};
use crate::tui::screens::menu::Entry;

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

/// The keys of the list of members.
pub(super) const MEMBER_KEYS: &[Binding] =
    &[Binding::new(&[key('>')], Action::DepartmentsMove, "move to another department")];

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

/// The lines of its menu.
pub(super) fn entries(which: &Which) -> Vec<Entry> {
    let active = if which.is_active {
        Entry {
            letter: 'd',
            label: "deactivate: no longer offered in forms",
            action: Action::DepartmentsActive,
        }
    } else {
        Entry { letter: 'a', label: "activate: offered in forms again", action: Action::DepartmentsActive }
    };
    vec![
        Entry { letter: 'e', label: "edit name, description and state", action: Action::DepartmentsEdit },
        Entry { letter: 'm', label: "members", action: Action::DepartmentsMembers },
        active,
        Entry { letter: 'j', label: "merge into another department", action: Action::DepartmentsMerge },
        Entry { letter: 'h', label: "history of this department", action: Action::RecordHistory },
        Entry { letter: 'n', label: "new department", action: Action::DepartmentsNew },
        Entry { letter: 'x', label: "delete; asks where its members go", action: Action::DepartmentsDelete },
    ]
}

pub(super) fn act(action: Action, which: Option<&Which>, cx: &mut Cx) {
    match (action, which) {
        (Action::DepartmentsNew, _) => cx.push(DepartmentForm::new()),
        (Action::DepartmentsEdit, Some(which)) => {
            cx.push(DepartmentForm::edit(which.id, which.name.clone()));
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
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::portal::access::{ActorFacts, Level};
    use crate::tui::screens::short_list::{Thing, act, entries, may};
    use crate::tui::screens::user_actions::Sitting;

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
        assert_eq!(letters(Level::Admin, true), "emdjhnx");
        assert_eq!(letters(Level::Superuser, false), "emajhnx");
        assert_eq!(letters(Level::AmcAdmin, true), "mh");
        assert_eq!(letters(Level::Engineer, true), "m");
    }

    #[test]
    fn every_entry_of_the_menu_is_an_action_of_the_table() {
        let sitting = Sitting { can_undo: Some(true), can_redo: Some(true), ..Sitting::default() };
        for entry in entries(&which(true), &sitting) {
            for tables in [Which::LIST_TABLES, Which::RECORD_TABLES] {
                let mut bindings = tables.iter().copied().flatten();
                assert!(bindings.any(|binding| binding.action == entry.action), "{entry:?}");
            }
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
        assert!(may::<Which>(Action::DepartmentsEdit, None, &Sitting::default()).is_err());
    }

    #[test]
    fn keys_start_what_they_say() {
        let mut cx = Cx::new(Size::new(80, 24));
        for (action, effects) in [
            (Action::DepartmentsActive, "[Start(change.plan: planning)]"),
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
