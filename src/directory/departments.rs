//! Departments, as choices in forms.

use crate::db::Sql;
use crate::error::{Error, Kind, Result};

use super::Portal;

/// A department that can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it is active.
    pub is_active: bool,
}

/// All departments by name.
///
/// # Errors
/// What the engine says.
pub async fn choices(portal: &Portal) -> Result<Vec<Choice>> {
    if !portal.has_table("core_department") {
        return Ok(Vec::new());
    }
    let sql = Sql::new("SELECT id, name, is_active FROM core_department ORDER BY name");
    portal
        .db
        .all(sql)
        .await?
        .iter()
        .map(|row| Ok(Choice { id: row.int(0)?, name: row.text(1)?, is_active: row.bool(2)? }))
        .collect()
}

/// A department as it is kept, and who is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Its name.
    pub name: String,
    /// Whether it is active.
    pub is_active: bool,
    /// What it is for; often empty.
    pub description: String,
    /// How many accounts are in it.
    pub members: i64,
    /// How many of them are active.
    pub active_members: i64,
}

/// The department of this id; nothing where there is none.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal, id: i64) -> Result<Option<Department>> {
    let sql = Sql::new("SELECT name, is_active, description FROM core_department WHERE id = ?").bind(id);
    let Some(row) = portal.db.optional(sql).await? else { return Ok(None) };
    let members = |active: Option<bool>| {
        let sql = Sql::new(
            "SELECT COUNT(*) FROM core_userprofile p JOIN auth_user u ON u.id = p.user_id WHERE p.department_id = ?",
        )
        .bind(id);
        match active {
            Some(active) => sql.push_bind(" AND u.is_active = ?", active),
            None => sql,
        }
    };
    Ok(Some(Department {
        name: row.text(0)?,
        is_active: row.bool(1)?,
        description: row.text_opt(2)?.unwrap_or_default(),
        members: portal.count(members(None)).await?,
        active_members: portal.count(members(Some(true))).await?,
    }))
}

/// The department of this name, by the engine's own equality.
///
/// # Errors
/// Invalid, on the field `department`, with the nearest name.
pub async fn find(portal: &Portal, name: &str) -> Result<i64> {
    let sql = Sql::new("SELECT id FROM core_department WHERE name = ?").bind(name);
    if let Some(row) = portal.db.optional(sql).await? {
        return Ok(row.int(0)?);
    }
    let names = choices(portal).await?.into_iter().map(|choice| choice.name);
    Err(Error::field(Kind::Invalid, "department", unknown("department", name, names)))
}

/// "There is no department 'It'. Did you mean 'IT'?"
pub(super) fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    match nearest(name, known) {
        Some(known) => {
            format!("There is no {what} '{name}'. Did you mean '{known}'? Nothing was written.")
        }
        None => format!("There is no {what} '{name}'; nothing was written."),
    }
}

/// The name that is most like this one, if it is like it at all.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let lower = name.to_lowercase();
    known
        .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &lower), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
