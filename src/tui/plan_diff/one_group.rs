//! Plans that are all about one group and its members.

use crate::change::{Plan, Step, Value};
use crate::db::Cell;

use super::{GROUP_PERMISSION, MEMBERSHIP, value_id};

/// A group by its id, or the one that the plan creates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Id(i64),
    New,
}

/// Whether all of it is about one group: then it is told from the group's side. One membership alone may as well be told
/// from the member's.
pub(super) fn is_all(plans: &[Plan]) -> bool {
    let steps = || plans.iter().flat_map(|plan| &plan.steps);
    let mut groups = steps().map(group);
    let Some(Some(first)) = groups.next() else { return false };
    let several = steps().filter(|step| step.table() == MEMBERSHIP).nth(1).is_some();
    let itself = steps().any(|step| step.table() == "auth_group");
    groups.all(|group| group == Some(first)) && (several || itself)
}

/// The group that a step is about; nothing for one that is about something else.
fn group(step: &Step) -> Option<Group> {
    match (step.table(), step) {
        ("auth_group", Step::Update { key, .. } | Step::Delete { key, .. }) => key.int("id").map(Group::Id),
        // One that comes back has its old id.
        ("auth_group", _) => Some(step.cell("id").and_then(Cell::as_int).map_or(Group::New, Group::Id)),
        (MEMBERSHIP | GROUP_PERMISSION, _) => match step.value("group_id") {
            Some(Value::NewId(_)) => Some(Group::New),
            Some(value) => value_id(value).map(Group::Id),
            None => step.before().and_then(|before| before.int("group_id")).map(Group::Id),
        },
        _ => None,
    }
}
