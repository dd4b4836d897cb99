//! What the list of users shows only where somebody wants it: read for a page of rows, and only the columns asked for.

use std::collections::BTreeMap;

use crate::db::Sql;
use crate::error::Result;
use crate::portal::password;

use super::Portal;

/// What is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Phone, portal id and notifications, all from the profile.
    pub profile: bool,
    /// How the password is hashed.
    pub password: bool,
}

/// What was read about one user; what this database does not have, or was not asked for, is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// The phone number.
    pub phone: Option<String>,
    /// The id in the main portal.
    pub portal_id: Option<String>,
    /// Whether the portal sends them e-mail.
    pub notify: Option<bool>,
    /// Django's name of the password's algorithm, `unusable`, or `malformed`.
    pub password: Option<String>,
}

impl Wanted {
    /// Whether anything is.
    #[must_use]
    pub fn anything(self) -> bool {
        self.profile || self.password
    }
}

/// What is wanted about these users, by id.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal, ids: &[i64], wanted: Wanted) -> Result<BTreeMap<i64, Extra>> {
    let mut found: BTreeMap<i64, Extra> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    if wanted.password {
        let sql = Sql::new("SELECT id, password FROM auth_user WHERE id").among(ids.iter().copied());
        for row in portal.db.all(sql).await? {
            let name = password::algorithm_name(&row.text(1)?).unwrap_or_else(|| "malformed".to_owned());
            found.entry(row.int(0)?).or_default().password = Some(name);
        }
    }
    if wanted.profile && portal.has_table("core_userprofile") {
        // Of several profiles the oldest, as everywhere.
        for row in portal.db.all(profiles(portal, ids)).await?.into_iter().rev() {
            let extra = found.entry(row.int(0)?).or_default();
            extra.phone = row.text_opt(1)?;
            extra.portal_id = row.text_opt(2)?;
            let is_there = portal.schema.has("core_userprofile", "email_notifications");
            extra.notify = if is_there { Some(row.bool(3)?) } else { None };
        }
    }
    Ok(found)
}

fn profiles(portal: &Portal, ids: &[i64]) -> Sql {
    let mut sql = Sql::new("SELECT p.user_id");
    for (name, column) in [
        ("phone_number", ", p.phone_number"),
        ("main_portal_id", ", p.main_portal_id"),
        ("email_notifications", ", p.email_notifications"),
    ] {
        let is_there = portal.schema.has("core_userprofile", name);
        sql = sql.push(if is_there { column } else { ", NULL" });
    }
    sql.push(" FROM core_userprofile p WHERE p.user_id").among(ids.iter().copied()).push(" ORDER BY p.id")
}
