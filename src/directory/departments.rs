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
    let lower = name.to_lowercase();
    let nearest = known
        .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &lower), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, known)) => {
            format!("There is no {what} '{name}'. Did you mean '{known}'? Nothing was written.")
        }
        None => format!("There is no {what} '{name}'; nothing was written."),
    }
}
