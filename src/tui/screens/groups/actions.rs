//! What can be done to a group from the list and from its record: who may, and what each key starts.

use super::members::Members;
use super::name::NameForm;
use super::permissions::PermissionEditor;
use crate::directory::Portal;
use crate::directory::groups::{self, Group, Intent};
use crate::error::Result;
use crate::portal::access::{self, Level};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::key;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, Prepared};
use crate::tui::screens::history::History;
use crate::tui::screens::leaving::Reviewed;
use crate::tui::screens::menu::{Entry, Menu};
use crate::tui::screens::undo::Undo;
use crate::tui::screens::user_actions::Sitting;

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

const PLAN: Slot<Reviewed> = Slot::latest("groups.plan");

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

impl From<&Group> for Which {
    fn from(group: &Group) -> Self {
        Self { id: group.id, name: group.name.clone(), level: group.level }
    }
}

/// Whether an action can be done now, to this group; if not, why.
///
/// # Errors
/// The sentence.
pub fn may(sitting: &Sitting, action: Action, which: Option<&Which>) -> std::result::Result<(), String> {
    let is_write = matches!(
        action,
        Action::GroupsNew | Action::GroupsEdit | Action::GroupsDelete | Action::GroupsPermissions
    );
    if let (true, Some(why)) = (is_write, &sitting.read_only) {
        return Err(why.clone());
    }
    let about_one = is_write && action != Action::GroupsNew
        || matches!(action, Action::GroupsMembers | Action::RecordHistory | Action::Menu | Action::Open);
    let which = match which {
        None if about_one => return Err("There is no group under the cursor.".to_owned()),
        which => which,
    };
    let is_role = which.is_some_and(|which| which.level.is_some());
    match action {
        Action::GroupsEdit | Action::GroupsDelete if is_role => {
            sitting.allows(&access::Action::EditRoleGroups).map_err(|why| {
                format!("{why} The portal goes by the name of this group: it is one of its roles.")
            })
        }
        Action::GroupsNew | Action::GroupsEdit | Action::GroupsDelete => {
            sitting.allows(&access::Action::EditGroups)
        }
        Action::GroupsPermissions => sitting.allows(&access::Action::EditGroupPermissions),
        Action::GroupsMembers => sitting.allows(&access::Action::SeeUsers),
        Action::RecordHistory => sitting.allows(&access::Action::SeeHistory),
        Action::Undo | Action::Redo => sitting.may(action, None),
        _ => Ok(()),
    }
}

/// What can be done to this group now, for the menu.
#[must_use]
pub fn entries(sitting: &Sitting, which: &Which) -> Vec<Entry> {
    let all = [
        Entry { letter: 'm', label: "members: see, add and remove them", action: Action::GroupsMembers },
        Entry { letter: 'e', label: "rename", action: Action::GroupsEdit },
        Entry { letter: 'p', label: "permissions", action: Action::GroupsPermissions },
        Entry { letter: 'h', label: "history of this group", action: Action::RecordHistory },
        Entry { letter: 'n', label: "new group", action: Action::GroupsNew },
        Entry { letter: 'x', label: "delete, with who is in it listed", action: Action::GroupsDelete },
        Entry { letter: 'u', label: "undo what I did last", action: Action::Undo },
        Entry { letter: 'r', label: "redo what I took back last", action: Action::Redo },
    ];
    let can = |entry: &Entry| match entry.action {
        // Unlike a key, a menu has the time to know.
        Action::Undo if sitting.can_undo != Some(true) => false,
        Action::Redo if sitting.can_redo != Some(true) => false,
        action => may(sitting, action, Some(which)).is_ok(),
    };
    all.into_iter().filter(can).collect()
}

/// Does an action of [`KEYS`] that may be done.
pub fn act(action: Action, which: Option<&Which>, sitting: &Sitting, cx: &mut Cx) {
    match (action, which) {
        (Action::Undo, _) => cx.push(Undo::newest()),
        (Action::Redo, _) => cx.push(Undo::redo()),
        (Action::GroupsNew, _) => cx.push(NameForm::new()),
        (Action::GroupsEdit, Some(which)) => cx.push(NameForm::rename(which)),
        (Action::GroupsPermissions, Some(which)) => cx.push(PermissionEditor::new(which)),
        (Action::GroupsMembers, Some(which)) => cx.push(Members::new(which, Clock::default())),
        (Action::RecordHistory, Some(which)) => {
            cx.push(History::about_group(which.id, &which.name, Clock::default()));
        }
        (Action::GroupsDelete, Some(which)) => {
            let id = which.id;
            cx.start(&PLAN, "planning", move |portal| async move {
                Reviewed::prepare(&portal, groups::delete(&portal, id).await?).await
            });
        }
        (Action::Menu, Some(which)) => cx.push(Menu::new(which.name.clone(), entries(sitting, which))),
        _ => {}
    }
}

/// Takes the reply to what [`act`] started; says whether it was one.
pub fn reply(reply: &mut Reply, cx: &mut Cx) -> bool {
    match PLAN.take(reply) {
        Some(Ok(reviewed)) => cx.push(reviewed.review()),
        Some(Err(error)) => cx.fail(&error),
        None => return false,
    }
    true
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
