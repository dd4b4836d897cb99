//! The portal in numbers: what the Overview and `stats` show.
//!
//! Every number is how many users a list has, as long as rows of users who are gone or have two profiles lie about too:
//! users are counted, never the rows about them. Each function is one read of its own, set-based at any size, so that
//! what is ready can be shown first.

pub mod months;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::change::rights;
use crate::db::Sql;
use crate::error::Result;

use self::months::{Months, Time};
use super::Portal;
use super::levels::{self, Access};
use super::order::has_departments;
use super::users;

/// Counts of what is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accounts.
    pub users: i64,
    /// Those that are active.
    pub active_users: i64,
    /// Superusers, active or not.
    pub superusers: i64,
    /// Staff, active or not.
    pub staff: i64,
    /// Accounts that never signed in to the portal.
    pub never_signed_in: i64,
    /// Profiles; as many as users is right.
    pub profiles: i64,
    /// Whether every user has exactly one profile and every profile a user.
    pub one_to_one: bool,
    /// Groups.
    pub groups: i64,
    /// Those of them that are roles.
    pub roles: i64,
    /// Departments.
    pub departments: i64,
}

/// A group or department and how many users are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many users are in it.
    pub users: i64,
}

/// Users by department.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Departments {
    /// The departments, by name.
    pub parts: Vec<Part>,
    /// Users whose profile has no department, or who have no profile.
    pub without: i64,
}

/// Users by whether they can sign in to the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignIn {
    /// Those who can, with the right password.
    pub can: i64,
    /// Those who can't, whatever they type.
    pub cannot: i64,
}

/// All numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Counts of what is there.
    pub counts: Counts,
    /// Users by group, by name.
    pub groups: Vec<Part>,
    /// Users by department; empty where the portal has none.
    pub departments: Departments,
    /// Users by role, from the highest to none at all.
    pub access: Vec<Access>,
    /// Users by whether they can sign in.
    pub sign_in: SignIn,
    /// Users by the month they joined.
    pub joined: Months,
    /// Users by the month of their last web login.
    pub last_login: Months,
}

/// Everything.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal, now: DateTime<Utc>) -> Result<Stats> {
    Ok(Stats {
        counts: counts(portal).await?,
        groups: groups(portal).await?,
        departments: departments(portal).await?,
        access: levels::counts(portal).await?,
        sign_in: sign_in(portal).await?,
        joined: months::read(portal, Time::Joined, now).await?,
        last_login: months::read(portal, Time::LastLogin, now).await?,
    })
}

/// Counts of what is there.
///
/// # Errors
/// What the engine says.
pub async fn counts(portal: &Portal) -> Result<Counts> {
    let sql = Sql::new("SELECT COUNT(*), COUNT(CASE WHEN is_active = ")
        .push_bind("?", true)
        .push(" THEN 1 END), COUNT(CASE WHEN is_superuser = ")
        .push_bind("?", true)
        .push(" THEN 1 END), COUNT(CASE WHEN is_staff = ")
        .push_bind("?", true)
        .push(" THEN 1 END), COUNT(last_login) FROM auth_user");
    let row = portal.db.one(sql).await?;
    let mut counts = Counts {
        users: row.int(0)?,
        active_users: row.int(1)?,
        superusers: row.int(2)?,
        staff: row.int(3)?,
        never_signed_in: row.int(0)? - row.int(4)?,
        ..Counts::default()
    };
    let sql = rights::level_case(Sql::new("SELECT COUNT(*), COUNT(CASE WHEN "), "g.name", &portal.roles)
        .push(" > 0 THEN 1 END) FROM auth_group g");
    let row = portal.db.one(sql).await?;
    (counts.groups, counts.roles) = (row.int(0)?, row.int(1)?);
    if portal.has_table("core_userprofile") {
        counts.profiles = portal.count(Sql::new("SELECT COUNT(*) FROM core_userprofile")).await?;
        // Two for one user and none for another make as many as there are users.
        let with = Sql::new(
            "SELECT COUNT(DISTINCT p.user_id) FROM core_userprofile p JOIN auth_user u ON u.id = p.user_id",
        );
        counts.one_to_one = counts.profiles == counts.users && portal.count(with).await? == counts.users;
    }
    if portal.has_table("core_department") {
        counts.departments = portal.count(Sql::new("SELECT COUNT(*) FROM core_department")).await?;
    }
    Ok(counts)
}

/// Users by group, by name.
///
/// # Errors
/// What the engine says.
pub async fn groups(portal: &Portal) -> Result<Vec<Part>> {
    let members = Sql::new(
        "SELECT x.id, COUNT(*) FROM (SELECT DISTINCT ug.group_id AS id, ug.user_id FROM auth_user_groups ug \
         JOIN auth_user u ON u.id = ug.user_id) x GROUP BY x.id",
    );
    parts(portal, Sql::new("SELECT id, name FROM auth_group ORDER BY name, id"), members).await
}

/// Users by department. Of a user with several profiles every department counts.
///
/// # Errors
/// What the engine says.
pub async fn departments(portal: &Portal) -> Result<Departments> {
    if !has_departments(portal) {
        return Ok(Departments::default());
    }
    // The sign keeps SQLite from walking along the index of the departments, which jumps from row to row.
    let members = Sql::new(
        "SELECT x.id, COUNT(*) FROM (SELECT DISTINCT +p.department_id AS id, p.user_id FROM core_userprofile p \
         JOIN auth_user u ON u.id = p.user_id WHERE p.department_id IS NOT NULL) x GROUP BY x.id",
    );
    let parts =
        parts(portal, Sql::new("SELECT id, name FROM core_department ORDER BY name, id"), members).await?;
    let with = Sql::new(
        "SELECT COUNT(DISTINCT p.user_id) FROM core_userprofile p JOIN auth_user u ON u.id = p.user_id \
         JOIN core_department d ON d.id = +p.department_id",
    );
    let users = portal.count(Sql::new("SELECT COUNT(*) FROM auth_user")).await?;
    Ok(Departments { parts, without: (users - portal.count(with).await?).max(0) })
}

/// Users by whether they can sign in.
///
/// # Errors
/// What the engine says.
pub async fn sign_in(portal: &Portal) -> Result<SignIn> {
    let everybody = users::Query::default();
    let cannot = users::count(portal, &everybody.filtered("signin:no")).await?;
    Ok(SignIn { can: (users::count(portal, &everybody).await? - cannot).max(0), cannot })
}

/// What is named, in its order, with what is counted.
async fn parts(portal: &Portal, named: Sql, counted: Sql) -> Result<Vec<Part>> {
    let mut counts = BTreeMap::new();
    for row in portal.db.all(counted).await? {
        counts.insert(row.int(0)?, row.int(1)?);
    }
    let part = |row: &crate::db::Row| {
        let id = row.int(0)?;
        Ok(Part { id, name: row.text(1)?, users: counts.get(&id).copied().unwrap_or(0) })
    };
    portal.db.all(named).await?.iter().map(part).collect()
}
