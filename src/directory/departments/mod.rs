//! Departments: which there are, who is in them, and what people want of them.

mod edit;
mod keep;
mod leave;
pub mod members;
mod record;

use std::collections::BTreeMap;

use crate::db::schema::Lack;
use crate::db::{Row, Sql, like_text};
use crate::error::{Error, Kind, Result};
use crate::portal::department::Department;
use crate::text;

use super::Portal;

pub use edit::{Draft, Inside, create, edit, edit_row, left_inside, name_owner, row, set_active};
pub use keep::{Keep, Side, left_in_words, value_in_words};
pub use leave::{To, delete, merge, move_members};
pub use members::{Member, Members};
pub use record::{Record, read};

/// The table.
pub(super) const TABLE: &str = "core_department";

/// Why this portal has no departments to work with, if so: the table or a column that nothing can be done without.
#[must_use]
pub fn lack(portal: &Portal) -> Option<Lack> {
    ["id", "name"].into_iter().find_map(|column| portal.schema.lacks_column(TABLE, column))
}

/// Refuses where there are no departments, by name of what is missing.
///
/// # Errors
/// Conflict.
pub fn needs_departments(portal: &Portal) -> Result<()> {
    match lack(portal) {
        Some(lack) => {
            Err(Error::conflict(format!("This portal has no departments: {lack}. Nothing was written.")))
        }
        None => Ok(()),
    }
}

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
    let found = list(portal, &[]).await?.into_iter();
    Ok(found.map(|it| Choice { id: it.id, name: it.name, is_active: it.is_active }).collect())
}

/// Selects what [`department`] reads: a column that this database lacks is read as the model's default.
fn select(portal: &Portal) -> Sql {
    let has = |column| portal.schema.has(TABLE, column);
    let sql = Sql::new("SELECT id, name")
        .push(if has("is_active") { ", is_active" } else { ", NULL" })
        .push(if has("description") { ", description" } else { ", NULL" });
    let sql = if has("created_at") { sql.push(", ").time("created_at") } else { sql.push(", NULL") };
    sql.push(" FROM core_department")
}

fn department(portal: &Portal, row: &Row) -> Result<Department> {
    let has = |column| portal.schema.has(TABLE, column);
    Ok(Department {
        id: row.int(0)?,
        name: row.text(1)?,
        is_active: if has("is_active") { row.bool(2)? } else { true },
        description: if has("description") { row.text_opt(3)?.unwrap_or_default() } else { String::new() },
        created_at: if has("created_at") { row.time(4)? } else { None },
    })
}

/// The departments in whose name or description every word is found, by name.
///
/// # Errors
/// What the engine says.
pub async fn list(portal: &Portal, words: &[String]) -> Result<Vec<Department>> {
    if lack(portal).is_some() {
        return Ok(Vec::new());
    }
    let mut sql = select(portal).push(" WHERE 1 = 1");
    let like = portal.dialect().like();
    for word in words {
        let pattern = format!("%{}%", like_text(word));
        sql = sql.push(" AND (name").push_bind(like, pattern.as_str());
        if portal.schema.has(TABLE, "description") {
            sql = sql.push(" OR description").push_bind(like, pattern);
        }
        sql = sql.push(")");
    }
    let rows = portal.db.all(sql.push(" ORDER BY name, id")).await?;
    rows.iter().map(|row| department(portal, row)).collect()
}

/// The department of this id; nothing where there is none.
///
/// # Errors
/// What the engine says.
pub async fn by_id(portal: &Portal, id: i64) -> Result<Option<Department>> {
    if lack(portal).is_some() {
        return Ok(None);
    }
    let row = portal.db.optional(select(portal).push_bind(" WHERE id = ?", id)).await?;
    row.map(|row| department(portal, &row)).transpose()
}

/// The department of this name, by the engine's own equality; else of this `#id`.
///
/// # Errors
/// Invalid, on the field `department`, with the nearest name.
pub async fn find(portal: &Portal, name: &str) -> Result<i64> {
    needs_departments(portal)?;
    let sql = Sql::new("SELECT id FROM core_department WHERE name = ?").bind(name);
    if let Some(row) = portal.db.optional(sql).await? {
        return Ok(row.int(0)?);
    }
    if let Some(id) = name.strip_prefix('#').and_then(|id| id.parse().ok())
        && let Some(department) = by_id(portal, id).await?
    {
        return Ok(department.id);
    }
    let names = choices(portal).await?.into_iter().map(|choice| choice.name);
    Err(Error::field(Kind::Invalid, "department", unknown("department", name, names)))
}

/// The names of these departments, by id.
///
/// # Errors
/// What the engine says.
pub async fn names(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    if lack(portal).is_some() {
        return Ok(BTreeMap::new());
    }
    let sql = Sql::new("SELECT id, name FROM core_department WHERE id").among(ids.iter().copied());
    portal.db.all(sql).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// "There is no department 'It'. Did you mean 'IT'?"
pub(super) fn unknown(what: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    // A cell of a file may hold anything.
    let name = &*text::truncate(name, 200);
    match nearest(name, known) {
        Some(known) => {
            format!("There is no {what} '{name}'. Did you mean '{known}'? Nothing was written.")
        }
        None => format!("There is no {what} '{name}'; nothing was written."),
    }
}

/// The name that is most like this one, whatever its capitals, if it is like it at all.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let lower = name.to_lowercase();
    known
        .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &lower), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
