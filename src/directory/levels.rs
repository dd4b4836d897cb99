//! Who has which role, asked of all users at once: the highest of a user's groups, or superuser.
//!
//! Which group is a role is the engine's to say, as everywhere (see [`crate::change::rights`]).

use crate::change::rights;
use crate::db::Sql;
use crate::error::Result;
use crate::portal::access::Level;

use super::Portal;

/// The word for a role in filters and JSON; `none` for whoever has none.
#[must_use]
pub const fn name(role: Option<Level>) -> &'static str {
    match role {
        Some(level) => level.name(),
        None => "none",
    }
}

/// How many users have a role and no higher one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The role; none for those who have none.
    pub role: Option<Level>,
    /// The groups that give it, by their configured names; the superuser flag is not among them.
    pub groups: Vec<String>,
    /// How many users.
    pub users: i64,
}

impl Access {
    /// What people call it: the names of its groups.
    #[must_use]
    pub fn label(&self) -> String {
        match self.role {
            None => "no role".to_owned(),
            Some(level @ Level::Superuser) => {
                let names = std::iter::once(level.to_string()).chain(self.groups.iter().cloned());
                names.collect::<Vec<_>>().join(", ")
            }
            Some(_) => self.groups.join(", "),
        }
    }
}

/// How many users have each role and no higher one, from the highest to none at all. Roles that no group gives are left
/// out.
///
/// # Errors
/// What the engine says.
pub async fn counts(portal: &Portal) -> Result<Vec<Access>> {
    let sql = Sql::new("SELECT COUNT(*), COUNT(CASE WHEN is_superuser = ")
        .push_bind("?", true)
        .push(" THEN 1 END) FROM auth_user");
    let row = portal.db.one(sql).await?;
    let (users, superusers) = (row.int(0)?, row.int(1)?);
    let by_groups = by_groups(portal).await?;
    let of = |level: Level| {
        let names = portal.roles.iter().filter(|role| role.level == level).map(|role| role.group.clone());
        let found: i64 =
            by_groups.iter().filter(|(found, _)| *found == Some(level)).map(|(_, count)| *count).sum();
        let flagged = if level == Level::Superuser { superusers } else { 0 };
        Access { role: Some(level), groups: names.collect(), users: flagged + found }
    };
    let mut counts: Vec<Access> = Level::ALL.into_iter().rev().map(of).collect();
    counts.retain(|access| access.role == Some(Level::Superuser) || !access.groups.is_empty());
    let with: i64 = counts.iter().map(|access| access.users).sum();
    counts.push(Access { role: None, groups: Vec::new(), users: (users - with).max(0) });
    Ok(counts)
}

/// How many users that are no superusers have each role as the highest of their groups.
async fn by_groups(portal: &Portal) -> Result<Vec<(Option<Level>, i64)>> {
    // The names are compared once a group, not once a membership.
    let sql =
        rights::level_case(Sql::new("SELECT g.id, "), "g.name", &portal.roles).push(" FROM auth_group g");
    let mut groups = Vec::new();
    for row in portal.db.all(sql).await? {
        groups.push((row.int(0)?, row.int(1)?));
    }
    groups.retain(|(_, rank)| *rank > 0);
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("SELECT x.level, COUNT(*) FROM (SELECT ug.user_id, MAX(CASE");
    for (group, rank) in &groups {
        sql = sql.push(" WHEN ug.group_id = ").push_bind("?", *group).push(" THEN ").number(*rank);
    }
    let sql = sql
        .push(" ELSE 0 END) AS level FROM auth_user_groups ug WHERE ug.group_id IN (")
        .list(groups.iter().map(|(group, _)| *group))
        .push(") GROUP BY ug.user_id) x JOIN auth_user u ON u.id = x.user_id WHERE u.is_superuser = ")
        .push_bind("?", false)
        .push(" GROUP BY x.level");
    portal.db.all(sql).await?.iter().map(|row| Ok((rights::level(row.int(0)?), row.int(1)?))).collect()
}
