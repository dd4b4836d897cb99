//! The departments and groups that a filter names, and what a portal must have for its questions to be asked.

use std::collections::BTreeMap;

use super::grammar::{self, Part, Place, Test};
use super::wrong::Wrong;
use crate::db::Sql;
use crate::directory::order::has_departments;
use crate::directory::{Portal, departments, groups};
use crate::error::Result;

/// Whether the portal has to be asked about this part.
pub(super) fn is_asked(part: &Part) -> bool {
    matches!(part.test, Test::Department(_) | Test::Group(_) | Test::Profiles(_) | Test::Notified(_))
}

/// The part with the ids that its name stands for.
pub(super) async fn known(
    portal: &Portal,
    line: &str,
    part: Part,
) -> Result<std::result::Result<Part, Wrong>> {
    if let Some(missing) = missing(portal, &part.test) {
        return Ok(Err(Wrong::new(line, part.start, &part.written, missing)));
    }
    let found = match &part.test {
        Test::Department(place) => department(portal, place).await?.map(Test::Department),
        Test::Group(place) => group(portal, place).await?.map(Test::Group),
        _ => return Ok(Ok(part)),
    };
    Ok(match found {
        Ok(test) => Ok(Part { test, ..part }),
        Err(why) => Err(Wrong::new(line, part.start, &part.written, why)),
    })
}

/// What the portal lacks to answer this, in words.
fn missing(portal: &Portal, test: &Test) -> Option<String> {
    let lacks = |what: &str, name: &str| Some(format!("this portal has no {what}: {name} is missing"));
    match test {
        Test::Department(_) if !portal.has_table("core_department") => {
            lacks("departments", "table core_department")
        }
        Test::Department(_) if !has_departments(portal) => {
            lacks("departments of users", "column core_userprofile.department_id")
        }
        Test::Profiles(_) if !portal.has_table("core_userprofile") => {
            lacks("profiles", "table core_userprofile")
        }
        Test::Notified(_) if !portal.schema.has("core_userprofile", "email_notifications") => {
            lacks("e-mail notifications", "column core_userprofile.email_notifications")
        }
        _ => None,
    }
}

async fn department(portal: &Portal, place: &Place) -> Result<std::result::Result<Place, String>> {
    let sql = match place {
        Place::Nowhere => return Ok(Ok(Place::Nowhere)),
        Place::Ids(ids) => {
            Sql::new("SELECT id FROM core_department WHERE id IN (").list(ids.iter().copied()).push(")")
        }
        Place::Named(name) => Sql::new("SELECT id FROM core_department WHERE name = ?").bind(name.as_str()),
    };
    found(portal, sql, place, "department", async || {
        Ok(departments::choices(portal).await?.into_iter().map(|choice| choice.name).collect())
    })
    .await
}

async fn group(portal: &Portal, place: &Place) -> Result<std::result::Result<Place, String>> {
    let sql = match place {
        Place::Nowhere => return Ok(Ok(Place::Nowhere)),
        Place::Ids(ids) => {
            Sql::new("SELECT id FROM auth_group WHERE id IN (").list(ids.iter().copied()).push(")")
        }
        Place::Named(name) => Sql::new("SELECT id FROM auth_group WHERE name = ?").bind(name.as_str()),
    };
    found(portal, sql, place, "group", async || {
        Ok(groups::choices(portal).await?.into_iter().map(|choice| choice.name).collect())
    })
    .await
}

/// The ids that there are; where there is none, what is said of it.
async fn found(
    portal: &Portal,
    sql: Sql,
    place: &Place,
    what: &str,
    known: impl AsyncFnOnce() -> Result<Vec<String>>,
) -> Result<std::result::Result<Place, String>> {
    let rows = portal.db.all(sql.push(" ORDER BY id")).await?;
    let ids = rows.iter().map(|row| Ok(row.int(0)?)).collect::<Result<Vec<i64>>>()?;
    if !ids.is_empty() {
        return Ok(Ok(Place::Ids(ids)));
    }
    Ok(Err(match place {
        Place::Named(name) => match departments::nearest(name, known().await?.into_iter()) {
            Some(near) => format!("there is no {what} '{name}'; did you mean '{near}'?"),
            None => format!("there is no {what} '{name}'"),
        },
        _ => format!("there is no {what} of this id"),
    }))
}

/// A filter that was kept by ids, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InNames {
    /// The line with the present names.
    pub line: String,
    /// The parts of which a department or group is gone, as they were kept, without a minus.
    pub gone: Vec<String>,
}

/// Puts the present names in the place of ids.
///
/// # Errors
/// What the engine says.
pub async fn in_names(portal: &Portal, line: &str) -> Result<InNames> {
    let mut shown = InNames::default();
    let mut written = Vec::new();
    for part in grammar::read(line).into_iter().flatten() {
        let Some((key, ids)) = part.ids() else {
            written.push(part.written);
            continue;
        };
        let names = called(portal, key, ids).await?;
        if names.is_empty() {
            shown.gone.push(format!("{key}:{}", grammar::numbered(ids)));
        }
        written.push(match names.as_slice() {
            [name] => format!("{}{key}:{}", if part.negated { "-" } else { "" }, grammar::name(name)),
            _ => part.written,
        });
    }
    shown.line = written.join(" ");
    Ok(shown)
}

/// What the parts with ids mean now, by the part without a minus.
///
/// # Errors
/// What the engine says.
pub async fn meant(portal: &Portal, line: &str) -> Result<BTreeMap<String, String>> {
    let mut meant = BTreeMap::new();
    for part in grammar::read(line).into_iter().flatten() {
        if let Some((key, ids)) = part.ids() {
            let names = called(portal, key, ids).await?;
            meant.insert(format!("{key}:{}", grammar::numbered(ids)), names.join(", "));
        }
    }
    Ok(meant)
}

/// The names of these departments or groups, as far as they are there.
async fn called(portal: &Portal, key: &str, ids: &[i64]) -> Result<Vec<String>> {
    let select = match key {
        "dept" if !portal.has_table("core_department") => return Ok(Vec::new()),
        "dept" => "SELECT name FROM core_department WHERE id IN (",
        _ => "SELECT name FROM auth_group WHERE id IN (",
    };
    let sql = Sql::new(select).list(ids.iter().copied()).push(") ORDER BY id");
    portal.db.all(sql).await?.iter().map(|row| Ok(row.text(0)?)).collect()
}
