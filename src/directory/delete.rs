//! Deleting an account as Django's admin does, with everything that goes along.

use std::collections::BTreeMap;

use crate::change::Plan;
use crate::change::rows::{self, Lock};
use crate::db::Cell;
use crate::error::{Error, Result};

use super::Portal;
use super::accounts::Rows;
use super::referring::{self, GOES_ALONG, Referring};

/// What deleting an account would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The username.
    pub username: String,
    /// What refers to the account, where there are rows.
    pub rows: Vec<Referring>,
}

impl Ahead {
    /// Looks at what refers to an account.
    ///
    /// # Errors
    /// Conflict, when the account is gone; what the engine says.
    pub async fn read(portal: &Portal, user: i64) -> Result<Self> {
        let username = Rows::read(portal, user).await?.username();
        Ok(Self::of(username, referring::count(portal, user).await?))
    }

    /// From what was [counted](referring::count) before.
    #[must_use]
    pub fn of(username: String, mut rows: Vec<Referring>) -> Self {
        rows.retain(|found| found.rows > 0);
        Self { username, rows }
    }

    /// How many rows go in all, the account's own too.
    #[must_use]
    pub fn row_count(&self) -> i64 {
        1 + self.rows.iter().filter(|found| found.goes_along).map(|found| found.rows).sum::<i64>()
    }

    /// How many rows of this table go along.
    #[must_use]
    pub fn along(&self, table: &str) -> i64 {
        self.rows
            .iter()
            .filter(|found| found.goes_along && found.table == table)
            .map(|found| found.rows)
            .sum()
    }

    /// What goes along, in words: "214 entries of the admin log, 2 groups, 1 profile"; nothing where there is nothing.
    #[must_use]
    pub fn along_in_words(&self) -> String {
        let words = [
            ("django_admin_log", "entry of the admin log", "entries of the admin log"),
            ("auth_user_groups", "group", "groups"),
            ("auth_user_user_permissions", "direct permission", "direct permissions"),
            ("core_userprofile", "profile", "profiles"),
        ];
        let counted = words.iter().filter_map(|(table, one, many)| match self.along(table) {
            0 => None,
            1 => Some(format!("1 {one}")),
            more => Some(format!("{more} {many}")),
        });
        counted.collect::<Vec<_>>().join(", ")
    }

    /// Why the account can't be deleted, if so: the rows of other tables that refer to it.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        let held = self.rows.iter().filter(|found| !found.goes_along).map(|found| {
            let rows = if found.rows == 1 { "row" } else { "rows" };
            format!("{} holds {} {rows} ({})", found.table, found.rows, found.column)
        });
        let held: Vec<String> = held.collect();
        (!held.is_empty()).then(|| format!("{} that refer to {}", held.join(", "), self.username))
    }
}

/// Plans to delete an account: the log of what the person did, memberships, direct permissions, profile, account, in
/// Django's order. More than one transaction takes are several plans, which only make sense together.
///
/// # Errors
/// Conflict, when rows of other tables refer to the account, or it is gone; what the engine says.
pub async fn plan(portal: &Portal, user: i64) -> Result<Vec<Plan>> {
    let ahead = Ahead::read(portal, user).await?;
    let mut plans = plan_many(portal, &[(user, &ahead)]).await?;
    let plan = plans.pop().unwrap_or_else(|| Ok(Plan::default()))?;
    Ok(plan.in_pieces())
}

/// For each of these accounts, in this order, the plan to delete it, however long it is.
///
/// # Errors
/// What the engine says; inside, why a single account can't be deleted.
pub async fn plan_many(portal: &Portal, accounts: &[(i64, &Ahead)]) -> Result<Vec<Result<Plan>>> {
    let mut plans: BTreeMap<i64, Plan> = BTreeMap::new();
    for (user, ahead) in accounts {
        if ahead.obstacle().is_none() {
            plans.insert(*user, Plan::new(format!("Delete {}", ahead.username)));
        }
    }
    let users: Vec<Cell> = plans.keys().copied().map(Cell::Int).collect();
    for (name, column) in GOES_ALONG.map(|table| (table, "user_id")).into_iter().chain([("auth_user", "id")])
    {
        if !portal.schema.has(name, column) {
            continue;
        }
        let table = rows::table(&portal.schema, name)?;
        let mut db = portal.db.clone();
        for row in rows::by_column(&mut db, table, column, &users, Lock::No).await? {
            if let Some(plan) = row.int(column).and_then(|user| plans.get_mut(&user)) {
                plan.delete(name, rows::key_of(table, &row), row);
            }
        }
    }
    let given = accounts.iter().map(|(user, ahead)| plans.remove(user).ok_or_else(|| refusal(ahead)));
    Ok(given.collect())
}

/// Why an account that others refer to is not deleted.
fn refusal(ahead: &Ahead) -> Error {
    let obstacle = ahead.obstacle().unwrap_or_default();
    Error::conflict(format!(
        "{} can't be deleted: {obstacle}. Nothing was written. Off-board the account instead.",
        ahead.username
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, rows: i64, goes_along: bool) -> Referring {
        Referring { table: table.to_owned(), column: "user_id".to_owned(), rows, goes_along }
    }

    #[test]
    fn what_goes_and_what_stands_in_the_way_is_said_apart() {
        let mut ahead = Ahead {
            username: "bela".to_owned(),
            rows: vec![row("django_admin_log", 214, true), row("core_userprofile", 1, true)],
        };
        assert_eq!(ahead.along_in_words(), "214 entries of the admin log, 1 profile");
        assert_eq!(ahead.obstacle(), None);
        ahead.rows.push(row("core_complaint", 12, false));
        ahead.rows.push(row("core_note", 1, false));
        assert_eq!(
            ahead.obstacle().unwrap(),
            "core_complaint holds 12 rows (user_id), core_note holds 1 row (user_id) that refer to bela"
        );
    }
}
