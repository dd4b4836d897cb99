//! The portal in numbers.

use crate::db::Sql;
use crate::error::Result;

use super::Portal;

/// Counts of what is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
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
    /// Groups with their members, by name.
    pub groups: Vec<(String, i64)>,
    /// Departments with their members, by name.
    pub departments: Vec<(String, i64)>,
    /// Users whose profile has no department, or who have no profile.
    pub without_department: i64,
}

/// Counts.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal) -> Result<Stats> {
    let count = |sql| portal.count(sql);
    let mut stats = Stats {
        users: count(Sql::new("SELECT COUNT(*) FROM auth_user")).await?,
        active_users: count(Sql::new("SELECT COUNT(*) FROM auth_user WHERE is_active = ?").bind(true))
            .await?,
        superusers: count(Sql::new("SELECT COUNT(*) FROM auth_user WHERE is_superuser = ?").bind(true))
            .await?,
        staff: count(Sql::new("SELECT COUNT(*) FROM auth_user WHERE is_staff = ?").bind(true)).await?,
        never_signed_in: count(Sql::new("SELECT COUNT(*) FROM auth_user WHERE last_login IS NULL")).await?,
        ..Stats::default()
    };
    let groups = Sql::new(
        "SELECT g.name, (SELECT COUNT(*) FROM auth_user_groups ug WHERE ug.group_id = g.id) FROM auth_group g \
         ORDER BY g.name",
    );
    stats.groups = named(portal, groups).await?;
    if portal.has_table("core_userprofile") {
        stats.profiles = count(Sql::new("SELECT COUNT(*) FROM core_userprofile")).await?;
    }
    if portal.has_table("core_department") && portal.schema.has("core_userprofile", "department_id") {
        let departments = Sql::new(
            "SELECT d.name, (SELECT COUNT(*) FROM core_userprofile p WHERE p.department_id = d.id) \
             FROM core_department d ORDER BY d.name",
        );
        stats.departments = named(portal, departments).await?;
        let with =
            Sql::new("SELECT COUNT(DISTINCT user_id) FROM core_userprofile WHERE department_id IS NOT NULL");
        stats.without_department = (stats.users - count(with).await?).max(0);
    }
    Ok(stats)
}

async fn named(portal: &Portal, sql: Sql) -> Result<Vec<(String, i64)>> {
    portal.db.all(sql).await?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}
