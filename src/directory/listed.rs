//! Many accounts with everything that a script asks for, in three queries for each few hundred of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::change::rights;
use crate::db::{Row, Sql};
use crate::error::Result;
use crate::portal::password;
use crate::portal::profile::Profile;
use crate::portal::user::User;

use super::Portal;
use super::moment::rfc3339;
use super::record::{Membership, Record};

/// An account with its profile and groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The account.
    pub user: User,
    /// Django's name of the password's algorithm, or `unusable`; nothing when it can't be told.
    pub password_algorithm: Option<String>,
    /// The oldest profile, with the name of its department.
    pub profile: Option<(Profile, Option<String>)>,
    /// The groups, the highest portal group first.
    pub groups: Vec<Membership>,
}

impl Listed {
    /// The access level in a word or two: the flag, or the highest portal group.
    #[must_use]
    pub fn access(&self) -> Option<&str> {
        if self.user.is_superuser {
            return Some("superuser");
        }
        self.groups.iter().find(|group| group.level.is_some()).map(|group| group.name.as_str())
    }
}

impl From<Record> for Listed {
    fn from(record: Record) -> Self {
        Self {
            user: record.user,
            password_algorithm: record.password_algorithm,
            profile: record.profiles.into_iter().next(),
            groups: record.groups,
        }
    }
}

/// An account for scripts, by Django's own column names.
#[must_use]
pub fn item(account: &Listed) -> Value {
    let user = &account.user;
    let groups: Vec<&str> = account.groups.iter().map(|group| group.name.as_str()).collect();
    let profile = account.profile.as_ref().map(|(profile, department)| {
        json!({
            "id": profile.id,
            "department": department,
            "phone_number": profile.phone_number,
            "main_portal_id": profile.main_portal_id,
            "email_notifications": profile.email_notifications,
            "created_at": profile.created_at.map(rfc3339),
            "updated_at": profile.updated_at.map(rfc3339),
        })
    });
    json!({
        "id": user.id,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": user.is_superuser,
        "date_joined": user.date_joined.map(rfc3339),
        "last_login": user.last_login.map(rfc3339),
        "groups": groups,
        "access": account.access(),
        "password_algorithm": account.password_algorithm,
        "profile": profile,
    })
}

/// These accounts in the order given; those that are gone are left out.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal, ids: &[i64]) -> Result<Vec<Listed>> {
    let sql = Sql::new(
        "SELECT id, username, first_name, last_name, email, is_active, is_staff, is_superuser, password, ",
    )
    .time("date_joined")
    .push(", ")
    .time("last_login")
    .push(" FROM auth_user WHERE id IN (")
    .list(ids.iter().copied())
    .push(")");
    let mut found = BTreeMap::new();
    for row in portal.db.all(sql).await? {
        found.insert(row.int(0)?, account(&row)?);
    }
    add_profiles(portal, ids, &mut found).await?;
    add_groups(portal, ids, &mut found).await?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn account(row: &Row) -> Result<Listed> {
    let user = User {
        id: row.int(0)?,
        username: row.text(1)?,
        first_name: row.text(2)?,
        last_name: row.text(3)?,
        email: row.text(4)?,
        is_active: row.bool(5)?,
        is_staff: row.bool(6)?,
        is_superuser: row.bool(7)?,
        date_joined: row.time(9)?,
        last_login: row.time(10)?,
    };
    let password_algorithm = password::algorithm_name(&row.text(8)?);
    Ok(Listed { user, password_algorithm, profile: None, groups: Vec::new() })
}

async fn add_profiles(portal: &Portal, ids: &[i64], found: &mut BTreeMap<i64, Listed>) -> Result<()> {
    if !portal.has_table("core_userprofile") {
        return Ok(());
    }
    let sql = super::record::profile_columns(portal)
        .push(" WHERE p.user_id IN (")
        .list(ids.iter().copied())
        .push(") ORDER BY p.id");
    for row in portal.db.all(sql).await? {
        let (profile, department) = super::record::profile(&row)?;
        if let Some(listed) = found.get_mut(&profile.user_id) {
            listed.profile.get_or_insert((profile, department));
        }
    }
    Ok(())
}

async fn add_groups(portal: &Portal, ids: &[i64], found: &mut BTreeMap<i64, Listed>) -> Result<()> {
    let sql = rights::level_case(Sql::new("SELECT g.id, g.name, "), "g.name", &portal.roles)
        .push(", ug.user_id FROM auth_user_groups ug JOIN auth_group g ON g.id = ug.group_id")
        .push(" WHERE ug.user_id IN (")
        .list(ids.iter().copied())
        .push(") ORDER BY g.name");
    for row in portal.db.all(sql).await? {
        let membership =
            Membership { group: row.int(0)?, name: row.text(1)?, level: rights::level(row.int(2)?) };
        if let Some(listed) = found.get_mut(&row.int(3)?) {
            listed.groups.push(membership);
        }
    }
    for listed in found.values_mut() {
        listed.groups.sort_by_key(|group| std::cmp::Reverse(group.level));
    }
    Ok(())
}
