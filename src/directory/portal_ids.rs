//! The main portal id of a profile: whose it is, and how it passes from one account to another.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::rows::{self, Lock};
use crate::change::{Image, MOST_ROWS, Plan, Value};
use crate::db::schema::Table;
use crate::db::{Cell, Sql};
use crate::error::{Error, Kind, Result};

use super::Portal;

const PROFILES: &str = "core_userprofile";

/// The user who has a portal id, where someone else than `except` does: id and username, which is empty for a profile
/// without a user.
///
/// # Errors
/// What the engine says.
pub async fn owner(portal: &Portal, id: &str, except: Option<i64>) -> Result<Option<(i64, String)>> {
    let sql = Sql::new(
        "SELECT p.user_id, u.username FROM core_userprofile p LEFT JOIN auth_user u ON u.id = p.user_id \
         WHERE p.main_portal_id = ?",
    )
    .bind(id);
    for row in portal.db.all(sql).await? {
        let user = row.int_opt(0)?.unwrap_or_default();
        if Some(user) != except {
            return Ok(Some((user, row.text(1)?)));
        }
    }
    Ok(None)
}

/// Who has which of many portal ids.
#[derive(Debug, Default)]
pub struct Owners {
    by_id: BTreeMap<String, Vec<(i64, String)>>,
    others: bool,
}

impl Owners {
    /// Who other than `except` has exactly this id; empty for a profile without a user.
    #[must_use]
    pub fn exact(&self, id: &str, except: Option<i64>) -> Option<String> {
        let owners = self.by_id.get(id)?;
        owners.iter().find(|(user, _)| Some(*user) != except).map(|(_, name)| name.clone())
    }

    /// Whether somebody has an id that the engine takes for one of those asked about although it is spelled otherwise.
    #[must_use]
    pub const fn has_others(&self) -> bool {
        self.others
    }
}

/// Who has any of these portal ids: one look through the table for all of them.
///
/// # Errors
/// What the engine says.
pub async fn owners(portal: &Portal, ids: &[&str]) -> Result<Owners> {
    let mut owners = Owners::default();
    for part in ids.chunks(MOST_ROWS) {
        let sql = Sql::new(
            "SELECT p.main_portal_id, p.user_id, u.username FROM core_userprofile p \
             LEFT JOIN auth_user u ON u.id = p.user_id WHERE p.main_portal_id",
        )
        .among(part.iter().copied());
        for row in portal.db.all(sql).await? {
            let (id, user, name) = (row.text(0)?, row.int_opt(1)?.unwrap_or_default(), row.text(2)?);
            owners.others |= !part.contains(&id.as_str());
            owners.by_id.entry(id).or_default().push((user, name));
        }
    }
    Ok(owners)
}

/// Plans to take a portal id away from everybody but `except`. The plan that gives it to somebody does this first: where
/// the column has a unique index, it looks at every single statement.
///
/// # Errors
/// Duplicate, on the field `main_portal_id`, where a profile without a user has it: that one is to be repaired, and
/// nobody could say whose rights are asked for. What the engine says.
pub async fn take_over(portal: &Portal, plan: &mut Plan, id: &str, except: Option<i64>) -> Result<()> {
    let table = rows::table(&portal.schema, PROFILES)?;
    let id = Cell::Text(id.to_owned());
    let mut db = portal.db.clone();
    let holders =
        rows::by_column(&mut db, table, "main_portal_id", std::slice::from_ref(&id), Lock::No).await?;
    let holders: Vec<Image> =
        holders.into_iter().filter(|row| except.is_none() || row.int("user_id") != except).collect();
    refuse_orphans(portal, &id, &holders).await?;
    for before in holders {
        give_up(portal, plan, table, before);
    }
    Ok(())
}

/// Plans that a profile, as it was read, has no portal id any more.
pub fn give_up(portal: &Portal, plan: &mut Plan, table: &Table, before: Image) {
    let mut set = vec![("main_portal_id", Value::Cell(Cell::Null))];
    if portal.schema.has(PROFILES, "updated_at") {
        set.push(("updated_at", Value::Now));
    }
    plan.update(PROFILES, rows::key_of(table, &before), before, set);
}

async fn refuse_orphans(portal: &Portal, id: &Cell, holders: &[Image]) -> Result<()> {
    let users: BTreeSet<i64> = holders.iter().filter_map(|row| row.int("user_id")).collect();
    let mut known = 0;
    if !users.is_empty() {
        let sql =
            Sql::new("SELECT COUNT(*) FROM auth_user WHERE id IN (").list(users.iter().copied()).push(")");
        known = portal.count(sql).await?;
    }
    if holders.iter().all(|row| row.int("user_id").is_some()) && i64::try_from(users.len()) == Ok(known) {
        return Ok(());
    }
    let message = format!(
        "The portal id '{}' belongs to a profile without a user; nothing was written. Repair PRF-003 first.",
        id.show()
    );
    Err(Error::field(Kind::Duplicate, "main_portal_id", message))
}
