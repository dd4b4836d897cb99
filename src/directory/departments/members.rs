//! Who is in a department: counted, and the first of them by name.

use std::collections::BTreeMap;

use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::order::unique_profiles;
use crate::error::Result;

/// How many accounts are in a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Members {
    /// All of them.
    pub all: i64,
    /// Those that are active.
    pub active: i64,
}

/// An account in a department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: i64,
    /// Its username.
    pub username: String,
    /// Whether it is active.
    pub is_active: bool,
}

/// Whether this portal says who is in which department.
#[must_use]
pub fn are_known(portal: &Portal) -> bool {
    ["user_id", "department_id"].iter().all(|column| portal.schema.has("core_userprofile", column))
}

/// Appends how many accounts there are, and how many active ones. Somebody with two profiles counts once.
fn counted(portal: &Portal, sql: Sql) -> Sql {
    let (all, active, end) = if unique_profiles(portal) {
        ("COUNT(*)", ", COUNT(CASE WHEN u.is_active = ?", " THEN 1 END)")
    } else {
        ("COUNT(DISTINCT u.id)", ", COUNT(DISTINCT CASE WHEN u.is_active = ?", " THEN u.id END)")
    };
    sql.push(all)
        .push_bind(active, true)
        .push(end)
        .push(" FROM core_userprofile p JOIN auth_user u ON u.id = p.user_id")
}

/// The members of every department that has some, by its id; nothing where this portal doesn't say who is in which. On a
/// large portal it takes longer than a page of a list.
///
/// # Errors
/// What the engine says.
pub async fn all(portal: &Portal) -> Result<Option<BTreeMap<i64, Members>>> {
    if !are_known(portal) {
        return Ok(None);
    }
    let sql = counted(portal, Sql::new("SELECT p.department_id, "));
    let sql = sql.push(" WHERE p.department_id IS NOT NULL GROUP BY p.department_id");
    let rows = portal.db.all(sql).await?;
    // SQLite can hold anything there; what is no number is no department.
    let counted = rows.iter().filter_map(|row| {
        let id = row.int(0).ok()?;
        Some(row.int(1).and_then(|all| Ok((id, Members { all, active: row.int(2)? }))))
    });
    Ok(Some(counted.collect::<std::result::Result<_, _>>()?))
}

/// The members of one department; nothing where this portal doesn't say who they are.
///
/// # Errors
/// What the engine says.
pub async fn of(portal: &Portal, department: i64) -> Result<Option<Members>> {
    if !are_known(portal) {
        return Ok(None);
    }
    let sql = counted(portal, Sql::new("SELECT ")).push_bind(" WHERE p.department_id = ?", department);
    let row = portal.db.one(sql).await?;
    Ok(Some(Members { all: row.int(0)?, active: row.int(1)? }))
}

/// The first members by username, at most so many; of the active ones alone where that is asked for.
///
/// # Errors
/// What the engine says.
pub async fn first(portal: &Portal, department: i64, active: bool, most: i64) -> Result<Vec<Member>> {
    if !are_known(portal) {
        return Ok(Vec::new());
    }
    // Somebody with two profiles is named once.
    let mut sql = Sql::new("SELECT u.id, u.username, u.is_active FROM auth_user u WHERE u.id IN ")
        .push("(SELECT p.user_id FROM core_userprofile p")
        .push_bind(" WHERE p.department_id = ?)", department);
    if active {
        sql = sql.push_bind(" AND u.is_active = ?", true);
    }
    let rows = portal.db.all(sql.push_bind(" ORDER BY u.username, u.id LIMIT ?", most)).await?;
    rows.iter()
        .map(|row| Ok(Member { id: row.int(0)?, username: row.text(1)?, is_active: row.bool(2)? }))
        .collect()
}
