//! The list of groups, and one group with all that is known of it.

use std::collections::BTreeMap;

use crate::db::Sql;
use crate::db::own::{self, ListedChange};
use crate::directory::permissions::{self, Permission};
use crate::directory::{Portal, history};
use crate::error::{Error, Result};
use crate::portal::access::Level;

use super::{Choice, choice, named, select};

/// How many changes a record shows.
const CHANGES: i64 = 5;

/// A group with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The role that it gives.
    pub level: Option<Level>,
    /// What the role means, from the configuration.
    pub description: String,
    /// How many memberships it has. Those of accounts that do not exist count too; REL-001 finds them.
    pub members: i64,
    /// How many permissions it carries.
    pub permissions: i64,
}

/// One group with everything that its record shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The group and its numbers.
    pub group: Group,
    /// How many of its members are active.
    pub active_members: i64,
    /// How many of its members are superusers, or staff and so let into the portal's admin.
    pub staff_members: i64,
    /// Its permissions in Django's order: application, model, code name.
    pub permissions: Vec<Permission>,
    /// Why no permissions can be read here, if so.
    pub lacking: Option<String>,
    /// Its newest changes; nothing for whom they are not to see.
    pub history: Option<Vec<ListedChange>>,
}

/// The numbers of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How many memberships it has.
    pub members: i64,
    /// How many permissions it carries.
    pub permissions: i64,
}

impl Group {
    fn new(choice: Choice, counts: Counts) -> Self {
        let Choice { id, name, level, description } = choice;
        let Counts { members, permissions } = counts;
        Self { id, name, level, description, members, permissions }
    }
}

/// All groups by name, in the engine's order. One pass over the memberships, whatever their number.
///
/// # Errors
/// What the engine says.
pub async fn list(portal: &Portal) -> Result<Vec<Group>> {
    let counts = counts(portal, None).await?;
    let group = |choice: Choice| {
        let counts = counts.get(&choice.id).copied().unwrap_or_default();
        Group::new(choice, counts)
    };
    Ok(named(portal).await?.into_iter().map(group).collect())
}

/// The numbers of every group that has some, by its id; or of one. On a large portal they take longer than the names.
///
/// # Errors
/// What the engine says.
pub async fn counts(portal: &Portal, only: Option<i64>) -> Result<BTreeMap<i64, Counts>> {
    let mut found: BTreeMap<i64, Counts> = BTreeMap::new();
    for (group, members) in rows_in(portal, "auth_user_groups", only).await? {
        found.entry(group).or_default().members = members;
    }
    for (group, permissions) in rows_in(portal, "auth_group_permissions", only).await? {
        found.entry(group).or_default().permissions = permissions;
    }
    Ok(found)
}

/// One group with its numbers.
///
/// # Errors
/// Conflict, when it is gone; what the engine says.
pub(super) async fn read(portal: &Portal, id: i64) -> Result<Group> {
    let Some(row) = portal.db.optional(select(portal).push_bind(" WHERE g.id = ?", id)).await? else {
        return Err(gone(id));
    };
    let counts = counts(portal, Some(id)).await?.remove(&id).unwrap_or_default();
    Ok(Group::new(choice(portal, &row)?, counts))
}

/// That a group vanished.
pub(super) fn gone(id: i64) -> Error {
    Error::conflict(format!("There is no group with id {id} any more; nothing was written."))
}

/// How many rows of a table each group has, or one of them.
async fn rows_in(portal: &Portal, table: &str, only: Option<i64>) -> Result<BTreeMap<i64, i64>> {
    let Some(table) = portal.schema.table(table) else { return Ok(BTreeMap::new()) };
    let mut sql = Sql::new("SELECT group_id, COUNT(*) FROM ").ident(&table.name);
    if let Some(id) = only {
        sql = sql.push_bind(" WHERE group_id = ?", id);
    }
    let rows = portal.db.all(sql.push(" GROUP BY group_id")).await?;
    // A ghost's id may be no number.
    rows.iter().filter_map(|row| Some(Ok((row.int(0).ok()?, row.int(1).ok()?)))).collect()
}

/// One group with all that its record shows.
///
/// # Errors
/// Conflict, when it is gone; what the engine says.
pub async fn record(portal: &Portal, id: i64) -> Result<Record> {
    let group = read(portal, id).await?;
    let lacking = permissions::lacking(portal);
    let permissions = if lacking.is_some() { Vec::new() } else { permissions::of_group(portal, id).await? };
    Ok(Record {
        active_members: members(portal, id, |sql| sql.push_bind(" AND u.is_active = ?", true)).await?,
        staff_members: members(portal, id, |sql| {
            sql.push_bind(" AND (u.is_staff = ?", true).push_bind(" OR u.is_superuser = ?)", true)
        })
        .await?,
        history: newest(portal, id).await?,
        group,
        permissions,
        lacking,
    })
}

/// How many accounts in a group something holds for.
pub(super) async fn members(portal: &Portal, group: i64, and: impl Fn(Sql) -> Sql) -> Result<i64> {
    if !portal.has_table("auth_user_groups") {
        return Ok(0);
    }
    let sql = Sql::new("SELECT COUNT(*) FROM auth_user_groups ug JOIN auth_user u ON u.id = ug.user_id")
        .push_bind(" WHERE ug.group_id = ?", group);
    portal.count(and(sql)).await
}

/// The newest changes of a group; nothing for whom they are not to see.
async fn newest(portal: &Portal, id: i64) -> Result<Option<Vec<ListedChange>>> {
    if !portal.schema.has_own_tables() {
        return Ok(Some(Vec::new()));
    }
    if history::may_be_seen(portal).await?.is_err() {
        return Ok(None);
    }
    let wanted = own::Wanted {
        about_row: Some(history::about_group(id)),
        limit: Some(CHANGES),
        ..own::Wanted::default()
    };
    Ok(Some(own::changes(&portal.db, &wanted).await?))
}
