//! Groups: as choices in forms, as a list, changed, with who is in them; and the two management commands of the portal
//! that are about them.

mod delete;
mod edit;
mod list;
mod members;

pub use delete::delete;
pub use edit::{Draft, Intent, create, edit, name_owner};
pub use list::{Counts, Group, Record, counts, list, record};
pub use members::{add, remove};

use crate::change::{Image, Plan, Require, Value};
use crate::db::{Cell, Row, Sql};
use crate::error::{Error, Kind, Result};
use crate::portal::access::{Level, RoleGroup, Roles};

use super::{Portal, departments};

/// The table.
const TABLE: &str = "auth_group";

/// A group that can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The role that it gives.
    pub level: Option<Level>,
    /// What the role means, from the configuration.
    pub description: String,
}

/// All groups, the roles first, from the least to the highest.
///
/// # Errors
/// What the engine says.
pub async fn choices(portal: &Portal) -> Result<Vec<Choice>> {
    let mut choices = named(portal).await?;
    choices.sort_by_key(|choice| (choice.level.is_none(), choice.level));
    Ok(choices)
}

/// All groups by name, in the engine's order.
///
/// # Errors
/// What the engine says.
pub async fn named(portal: &Portal) -> Result<Vec<Choice>> {
    let rows = portal.db.all(select(portal).push(" ORDER BY g.name, g.id")).await?;
    rows.iter().map(|row| choice(portal, row)).collect()
}

/// Selects what [`choice`] reads.
fn select(portal: &Portal) -> Sql {
    role_case(Sql::new("SELECT g.id, g.name, "), "g.name", &portal.roles).push(" FROM auth_group g")
}

fn choice(portal: &Portal, row: &Row) -> Result<Choice> {
    let role = role_of(&portal.roles, row.int(2)?);
    Ok(Choice {
        id: row.int(0)?,
        name: row.text(1)?,
        level: role.map(|role| role.level),
        description: role.map(|role| role.description.clone()).unwrap_or_default(),
    })
}

/// Appends the place, counted from 1, that the role of this name has in the configuration, or 0: names are compared by
/// the engine's own equality.
fn role_case(mut sql: Sql, column: &'static str, roles: &Roles) -> Sql {
    // There may be no role at all.
    sql = sql.push("CASE WHEN 1 = 0 THEN 0");
    for (role, place) in roles.iter().zip(1_i64..) {
        sql = sql.push(" WHEN ").push(column).push_bind(" = ?", role.group.as_str());
        sql = sql.push(" THEN ").number(place);
    }
    sql.push(" ELSE 0 END")
}

fn role_of(roles: &Roles, place: i64) -> Option<&RoleGroup> {
    roles.0.get(usize::try_from(place).ok()?.checked_sub(1)?)
}

/// The group of this name, by the engine's own equality; else of this `#id`.
///
/// # Errors
/// Invalid, on the field `groups`, with the nearest name.
pub async fn find(portal: &Portal, name: &str) -> Result<i64> {
    let sql = Sql::new("SELECT id FROM auth_group WHERE name = ?").bind(name);
    if let Some(row) = portal.db.optional(sql).await? {
        return Ok(row.int(0)?);
    }
    let all = choices(portal).await?;
    let id = name.strip_prefix('#').and_then(|id| id.parse().ok());
    if let Some(group) = all.iter().find(|group| Some(group.id) == id) {
        return Ok(group.id);
    }
    let names = all.into_iter().map(|choice| choice.name);
    Err(Error::field(Kind::Invalid, "groups", departments::unknown("group", name, names)))
}

/// The plan that makes the role groups that are missing, by the engine's own equality. They get no permissions: the
/// portal goes by their names.
///
/// # Errors
/// What the engine says.
pub async fn setup(portal: &Portal) -> Result<Plan> {
    let mut plan = Plan::new("Set up the portal's groups");
    for role in portal.roles.iter() {
        let sql = Sql::new("SELECT id FROM auth_group WHERE name = ?").bind(role.group.as_str());
        if portal.db.optional(sql).await?.is_none() {
            plan.insert("auth_group", vec![("name", Value::Cell(Cell::Text(role.group.clone())))]);
        }
    }
    Ok(plan)
}

/// The plans that put every superuser into the group of the role Admin, at most 500 at a time.
///
/// # Errors
/// Invalid, when there is no such group yet; what the engine says.
pub async fn assign_superusers(portal: &Portal) -> Result<Vec<Plan>> {
    let Some(admin) = choices(portal).await?.into_iter().find(|choice| choice.level == Some(Level::Admin))
    else {
        return Err(Error::invalid(
            "There is no Admin group to put superusers into; nothing was written. `portaldesk setup-groups` makes it.",
        ));
    };
    let sql = Sql::new("SELECT u.id FROM auth_user u WHERE u.is_superuser = ")
        .push_bind("?", true)
        .push(" AND NOT EXISTS (SELECT 1 FROM auth_user_groups ug WHERE ug.user_id = u.id AND ug.group_id = ")
        .push_bind("?", admin.id)
        .push(") ORDER BY u.id");
    let mut users = Vec::new();
    for row in portal.db.all(sql).await? {
        users.push(row.int(0)?);
    }
    Ok(users
        .chunks(crate::change::MOST_ROWS)
        .map(|part| {
            let mut plan = Plan::new(format!("Put superusers into {}", admin.name));
            for user in part {
                plan.require.push(Require::Row { table: "auth_user".to_owned(), key: Image::id(*user) });
                plan.insert(
                    "auth_user_groups",
                    vec![
                        ("user_id", Value::Cell(Cell::Int(*user))),
                        ("group_id", Value::Cell(Cell::Int(admin.id))),
                    ],
                );
            }
            plan
        })
        .collect())
}
