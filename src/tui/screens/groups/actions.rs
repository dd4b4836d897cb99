//! What can be done to a group and to who is in it: who may, and what each key starts.

use super::name::NameForm;
use super::permissions::PermissionEditor;
use crate::directory::Portal;
use crate::directory::groups::{self, Intent};
use crate::error::Result;
use crate::portal::access::{self, Level};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::keymap::Binding;
use crate::tui::leaving_review;
use crate::tui::plan_review::{self, PLAN, Prepared};
use crate::tui::screens::bulk::ANYBODY;
use crate::tui::screens::menu::Entry;
use crate::tui::screens::short_list::may_to_chosen;
use crate::tui::screens::user_actions::Sitting;
use crate::tui::screens::users::Users;

/// The keys about one group, for every screen that has one under the cursor.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('M')], Action::GroupsMembers, "members"),
    Binding::new(&[key('e')], Action::GroupsEdit, "rename"),
    Binding::new(&[key('p')], Action::GroupsPermissions, "permissions"),
    Binding::new(&[key('a')], Action::Menu, "actions"),
    Binding::new(&[key('u')], Action::Undo, "undo"),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
    Binding::new(&[key('H')], Action::RecordHistory, "history of this group").quiet(),
    Binding::new(&[key('D')], Action::GroupsDelete, "delete").quiet().dangerous(),
];

/// The keys of the list of members.
pub(super) const MEMBER_KEYS: &[Binding] = &[
    Binding::new(&[key('+'), code(Key::Insert)], Action::GroupsAddMember, "add a member"),
    Binding::new(&[key('-'), code(Key::Delete)], Action::GroupsRemoveMember, "remove from the group"),
];

/// The lines of a group's menu.
pub(super) const ENTRIES: [Entry; 6] = [
    Entry { letter: 'm', label: "members: see, add and remove them", action: Action::GroupsMembers },
    Entry { letter: 'e', label: "rename", action: Action::GroupsEdit },
    Entry { letter: 'p', label: "permissions", action: Action::GroupsPermissions },
    Entry { letter: 'h', label: "history of this group", action: Action::RecordHistory },
    Entry { letter: 'n', label: "new group", action: Action::GroupsNew },
    Entry { letter: 'x', label: "delete, with who is in it listed", action: Action::GroupsDelete },
];

/// The group that a key is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The role that it gives.
    pub level: Option<Level>,
}

pub(super) fn may(
    action: Action,
    which: Option<&Which>,
    sitting: &Sitting,
) -> std::result::Result<(), String> {
    let is_role = which.is_some_and(|which| which.level.is_some());
    match action {
        Action::GroupsEdit | Action::GroupsDelete if is_role => {
            sitting.allows(&access::Action::EditRoleGroups).map_err(|why| {
                format!("{why} The portal goes by the name of this group: it is one of its roles.")
            })
        }
        Action::GroupsPermissions => sitting.allows(&access::Action::EditGroupPermissions),
        _ => sitting.allows(&access::Action::EditGroups),
    }
}

pub(super) fn act(action: Action, which: Option<&Which>, cx: &mut Cx) {
    match (action, which) {
        (Action::GroupsNew, _) => cx.push(NameForm::new()),
        (Action::GroupsEdit, Some(which)) => cx.push(NameForm::rename(which)),
        (Action::GroupsPermissions, Some(which)) => cx.push(PermissionEditor::new(which)),
        (Action::GroupsDelete, Some(which)) => {
            let id = which.id;
            cx.start(&PLAN, "planning", move |portal| async move {
                leaving_review::prepare(&portal, groups::delete(&portal, id).await?).await
            });
        }
        _ => {}
    }
}

/// Whether somebody can be put into the group, and whether the user under the cursor can be taken out.
pub(super) fn may_to_members(
    which: &Which,
    action: Action,
    users: &Users,
) -> std::result::Result<(), String> {
    let level = which.level;
    if action == Action::GroupsAddMember {
        return users.sitting().allows(&access::Action::GiveGroup { target: &ANYBODY, level });
    }
    may_to_chosen(users, |target| access::Action::TakeGroup { target, level })
}

/// Takes out those who are marked, else the user under the cursor.
pub(super) fn remove(which: &Which, users: &Users, cx: &mut Cx) {
    let Some((selection, words)) = users.chosen() else { return };
    let group = which.id;
    cx.start(&PLAN, "planning", move |portal| async move {
        let ids = selection.ids(&portal).await?;
        let mut prepared = prepare(&portal, groups::remove(&portal, group, &ids).await?).await?;
        prepared.text.notes.extend((!words.is_empty()).then(|| format!("{words}.")));
        Ok(prepared)
    });
}

/// The review of what somebody wants of groups, with what it means beyond its rows.
///
/// # Errors
/// Denied, when the guards refuse it; what the engine says.
pub async fn prepare(portal: &Portal, intent: Intent) -> Result<Prepared> {
    let mut prepared = plan_review::prepare_together(portal, intent.plans).await?;
    prepared.text.notes.extend(intent.notes);
    match intent.grave {
        Some(name) => Ok(prepared.asking_for(&name)),
        None => Ok(prepared),
    }
}
