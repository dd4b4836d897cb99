//! What the ids in a plan stand for, so that a person can read it.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{MOST_ROWS, Plan, Step, Value};
use crate::db::{Cell, Sql};
use crate::error::Result;
use crate::portal::access::Level;

use super::{Portal, departments, groups, permissions};

/// Names by id. An id that is absent belongs to no row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Usernames.
    pub users: BTreeMap<i64, String>,
    /// Names of groups.
    pub groups: BTreeMap<i64, String>,
    /// The roles that groups give.
    pub levels: BTreeMap<i64, Level>,
    /// Names of departments.
    pub departments: BTreeMap<i64, String>,
    /// Permissions as `core.add_userprofile`.
    pub permissions: BTreeMap<i64, String>,
}

/// The names of everything that these plans refer to.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal, plans: &[Plan]) -> Result<Names> {
    let mut names = Names {
        users: listed(portal, "SELECT id, username FROM auth_user WHERE id IN (", ids(plans, "user_id"))
            .await?,
        permissions: permissions::labels(portal, ids(plans, "permission_id")).await?,
        ..Names::default()
    };
    if !ids(plans, "group_id").is_empty() {
        for group in groups::choices(portal).await? {
            names.levels.extend(group.level.map(|level| (group.id, level)));
            names.groups.insert(group.id, group.name);
        }
    }
    if !ids(plans, "department_id").is_empty() {
        names.departments = departments::choices(portal)
            .await?
            .into_iter()
            .map(|department| (department.id, department.name))
            .collect();
    }
    // What a plan brings back has no row that could be asked.
    names.users.extend(brought(plans, "auth_user", "username"));
    names.groups.extend(brought(plans, "auth_group", "name"));
    names.departments.extend(brought(plans, "core_department", "name"));
    Ok(names)
}

/// The names of the rows that these plans insert with an id that is known already.
fn brought(plans: &[Plan], table: &str, column: &str) -> impl Iterator<Item = (i64, String)> {
    let inserts = plans.iter().flat_map(|plan| &plan.steps);
    let inserts = inserts.filter(move |step| matches!(step, Step::Insert { .. }) && step.table() == table);
    inserts.filter_map(move |step| match (step.cell("id").and_then(Cell::as_int), step.cell(column)) {
        (Some(id), Some(Cell::Text(name))) => Some((id, name.clone())),
        _ => None,
    })
}

async fn listed(portal: &Portal, select: &'static str, ids: BTreeSet<i64>) -> Result<BTreeMap<i64, String>> {
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut names = BTreeMap::new();
    for part in ids.chunks(MOST_ROWS) {
        for row in portal.db.all(Sql::new(select).list(part.iter().copied()).push(")")).await? {
            names.insert(row.int(0)?, row.text(1)?);
        }
    }
    Ok(names)
}

/// The ids that a column has in these plans, before or after.
fn ids(plans: &[Plan], column: &str) -> BTreeSet<i64> {
    plans
        .iter()
        .flat_map(|plan| &plan.steps)
        .flat_map(|step| {
            let before = step.before().and_then(|image| image.int(column));
            let after = match step.value(column) {
                Some(Value::Cell(cell)) => Cell::as_int(cell),
                _ => None,
            };
            before.into_iter().chain(after)
        })
        .collect()
}
