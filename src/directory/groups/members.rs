//! Who is in a group, changed from the group's side.

use std::collections::BTreeSet;

use crate::change::rows::{self, Lock};
use crate::change::{Image, MOST_ROWS, Plan, Require};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::{Error, Result};

use super::edit::{Intent, counted, id_cell};
use super::list;

const TABLE: &str = "auth_user_groups";

/// The most accounts that come or go at once: all of it is one thing that is done or not done.
const MOST_ACCOUNTS: usize = 20_000;

fn refuse_too_many(users: &[i64]) -> Result<()> {
    if users.len() <= MOST_ACCOUNTS {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "{} accounts are more than come or go at once ({MOST_ACCOUNTS}). Nothing was written; take fewer.",
        users.len()
    )))
}

/// Plans to put accounts into a group. Who is in it already is left out.
///
/// # Errors
/// Conflict, when the group is gone; what the engine says.
pub async fn add(portal: &Portal, group: i64, users: &[i64]) -> Result<Intent> {
    refuse_too_many(users)?;
    let into = list::read(portal, group).await?;
    let inside: BTreeSet<i64> = rows_of(portal, group, users).await?.iter().filter_map(user_in).collect();
    let wanted: BTreeSet<i64> = users.iter().copied().filter(|user| !inside.contains(user)).collect();
    let wanted: Vec<i64> = wanted.into_iter().collect();
    let title = format!("Add {} to {}", who(portal, &wanted).await?, into.name);
    let plans = wanted.chunks(MOST_ROWS).map(|part| {
        let mut plan = Plan::new(String::new());
        plan.require.push(Require::Row { table: "auth_group".to_owned(), key: Image::id(group) });
        for user in part {
            plan.require.push(Require::Row { table: "auth_user".to_owned(), key: Image::id(*user) });
            plan.insert(TABLE, vec![("user_id", id_cell(*user)), ("group_id", id_cell(group))]);
        }
        plan
    });
    let mut notes = Vec::new();
    if let (Some(level), false) = (into.level, wanted.is_empty()) {
        notes.push(format!("Who is in {} has the role {level}.", into.name));
    }
    if let (count, false) = (inside.len(), inside.is_empty()) {
        let are = if count == 1 { "is in it" } else { "are in it" };
        notes.push(format!("{count} of {} {are} already.", users.len()));
    }
    Ok(Intent { plans: titled(plans.collect(), &title), notes, grave: None })
}

/// Plans to take accounts out of a group. Who is not in it is left out.
///
/// # Errors
/// Conflict, when the group is gone; what the engine says.
pub async fn remove(portal: &Portal, group: i64, users: &[i64]) -> Result<Intent> {
    refuse_too_many(users)?;
    let from = list::read(portal, group).await?;
    let rows = rows_of(portal, group, users).await?;
    let inside: BTreeSet<i64> = rows.iter().filter_map(user_in).collect();
    let inside: Vec<i64> = inside.into_iter().collect();
    let title = format!("Remove {} from {}", who(portal, &inside).await?, from.name);
    let table = rows::table(&portal.schema, TABLE)?;
    let plans = rows.chunks(MOST_ROWS).map(|part| {
        let mut plan = Plan::new(String::new());
        for row in part {
            plan.delete(TABLE, rows::key_of(table, row), row.clone());
        }
        plan
    });
    Ok(Intent { plans: titled(plans.collect(), &title), ..Intent::default() })
}

/// The memberships of these accounts in a group; a doubled one twice.
async fn rows_of(portal: &Portal, group: i64, users: &[i64]) -> Result<Vec<Image>> {
    let table = rows::table(&portal.schema, TABLE)?;
    let mut db = portal.db.clone();
    let users: Vec<Cell> = users.iter().copied().map(Cell::Int).collect();
    let mut found = rows::by_column(&mut db, table, "user_id", &users, Lock::No).await?;
    found.retain(|row| row.int("group_id") == Some(group));
    Ok(found)
}

fn user_in(row: &Image) -> Option<i64> {
    row.int("user_id")
}

/// `bela`, or `12 accounts`.
async fn who(portal: &Portal, users: &[i64]) -> Result<String> {
    if let [only] = users {
        let sql = Sql::new("SELECT username FROM auth_user WHERE id = ?").bind(*only);
        if let Some(row) = portal.db.optional(sql).await? {
            return Ok(row.text(0)?);
        }
        return Ok(format!("#{only}"));
    }
    Ok(counted(i64::try_from(users.len()).unwrap_or(i64::MAX), "account"))
}

/// Gives plans of one intent their titles, with their number where there are several.
fn titled(mut plans: Vec<Plan>, title: &str) -> Vec<Plan> {
    let count = plans.len();
    for (plan, number) in plans.iter_mut().zip(1..) {
        plan.title = if count == 1 { title.to_owned() } else { format!("{title} ({number} of {count})") };
    }
    if plans.is_empty() {
        plans.push(Plan::new(title));
    }
    plans
}
