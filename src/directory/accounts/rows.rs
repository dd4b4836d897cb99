//! The rows of an account as they are, and those that join it with groups and permissions.

use std::collections::BTreeMap;

use super::Groups;
use crate::change::rows::{self, Lock};
use crate::change::{Image, Plan, Value};
use crate::db::Cell;
use crate::directory::Portal;
use crate::error::{Error, Result};

/// A user's rows as they are: what an edit is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The row of `auth_user`.
    pub user: Image,
    /// The profiles; one is right.
    pub profiles: Vec<Image>,
    /// The memberships.
    pub groups: Vec<Image>,
    /// The permissions given to the account itself.
    pub permissions: Vec<Image>,
}

impl Rows {
    /// Reads them.
    ///
    /// # Errors
    /// Conflict, when the user is gone; what the engine says.
    pub async fn read(portal: &Portal, id: i64) -> Result<Self> {
        Self::read_many(portal, &[id]).await?.remove(&id).ok_or_else(|| {
            Error::conflict(format!("There is no user with id {id} any more; nothing was written."))
        })
    }

    /// Reads those of many users, by their ids; users who are gone are absent.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn read_many(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, Self>> {
        let mut db = portal.db.clone();
        let users = rows::table(&portal.schema, "auth_user")?;
        let keys: Vec<Image> = ids.iter().copied().map(Image::id).collect();
        let mut found = BTreeMap::new();
        for user in rows::by_keys(&mut db, users, &keys, Lock::No).await? {
            if let Some(id) = user.int("id") {
                let none = Vec::new;
                found.insert(id, Self { user, profiles: none(), groups: none(), permissions: none() });
            }
        }
        for table in ["core_userprofile", GROUPS.table, PERMISSIONS.table] {
            for row in of_users(portal, table, ids).await? {
                let Some(rows) = row.int("user_id").and_then(|id| found.get_mut(&id)) else { continue };
                match table {
                    "core_userprofile" => rows.profiles.push(row),
                    table if table == GROUPS.table => rows.groups.push(row),
                    _ => rows.permissions.push(row),
                }
            }
        }
        Ok(found)
    }

    /// The username.
    #[must_use]
    pub fn username(&self) -> String {
        self.user.get("username").map_or_else(String::new, |cell| match cell {
            Cell::Text(name) => name.clone(),
            other => other.show(),
        })
    }

    /// The ids of the groups.
    #[must_use]
    pub fn group_ids(&self) -> Vec<i64> {
        GROUPS.ids(&self.groups)
    }
}

/// The rows of a table that belong to these users; none where this portal lacks the table.
async fn of_users(portal: &Portal, table: &str, ids: &[i64]) -> Result<Vec<Image>> {
    let Some(table) = portal.schema.table(table) else { return Ok(Vec::new()) };
    let ids: Vec<Cell> = ids.iter().copied().map(Cell::Int).collect();
    Ok(rows::by_column(&mut portal.db.clone(), table, "user_id", &ids, Lock::No).await?)
}

/// A table whose rows join users with something else.
pub(super) struct Links {
    table: &'static str,
    column: &'static str,
}

pub(super) const GROUPS: Links = Links { table: "auth_user_groups", column: "group_id" };
pub(super) const PERMISSIONS: Links = Links { table: "auth_user_user_permissions", column: "permission_id" };

impl Links {
    /// Plans the rows that a wish asks for.
    pub(super) fn plan(&self, plan: &mut Plan, user: &Value, rows: &[Image], wish: &Groups) {
        let now = self.ids(rows);
        let wanted = wish.apply(&now);
        for row in rows {
            if row.int(self.column).is_some_and(|id| !wanted.contains(&id)) {
                let key = Image::of("id", row.get("id").cloned().unwrap_or(Cell::Null));
                plan.delete(self.table, key, row.clone());
            }
        }
        for id in wanted.into_iter().filter(|id| !now.contains(id)) {
            let row = vec![("user_id", user.clone()), (self.column, Value::Cell(Cell::Int(id)))];
            plan.insert(self.table, row);
        }
    }

    fn ids(&self, rows: &[Image]) -> Vec<i64> {
        rows.iter().filter_map(|row| row.int(self.column)).collect()
    }
}
