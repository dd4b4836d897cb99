//! Off-boarding: nobody gets in with the account any more and it has no rights left, but everything that refers to it
//! stays whole.

use crate::change::rows;
use crate::change::{Image, Plan, Value};
use crate::db::Cell;
use crate::error::Result;
use crate::portal::password;

use super::Portal;
use super::accounts::Rows;

/// Plans to off-board an account: inactive, with an unusable password, no flags, no groups, no direct permissions, no
/// e-mail from the portal. A plan without steps means that all of this is so already.
///
/// # Errors
/// Conflict, when the account is gone; what the engine says.
pub async fn plan(portal: &Portal, user: i64) -> Result<Vec<Plan>> {
    Ok(of_rows(portal, Rows::read(portal, user).await?)?.in_pieces())
}

/// As [`plan`], from rows that were read before and as one plan, however long it is.
///
/// # Errors
/// That there is no randomness; that a table has no primary key.
pub fn of_rows(portal: &Portal, found: Rows) -> Result<Plan> {
    let mut plan = Plan::new(format!("Off-board {}", found.username()));
    let is_on = |column: &str| found.user.bool(column) != Some(false);
    let mut set: Vec<(&str, Value)> = ["is_active", "is_staff", "is_superuser"]
        .into_iter()
        .filter(|column| is_on(column))
        .map(|column| (column, Value::Cell(Cell::Bool(false))))
        .collect();
    let encoded = found.user.text("password").unwrap_or_default();
    if !matches!(password::read(encoded), password::Stored::Unusable) {
        set.push(("password", Value::Cell(Cell::Text(password::unusable()?))));
    }
    let key = Image::of("id", found.user.get("id").cloned().unwrap_or(Cell::Null));
    plan.update("auth_user", key, found.user.clone(), set);
    for (name, links) in
        [("auth_user_groups", &found.groups), ("auth_user_user_permissions", &found.permissions)]
    {
        if !links.is_empty() {
            let table = rows::table(&portal.schema, name)?;
            for row in links {
                plan.delete(name, rows::key_of(table, row), row.clone());
            }
        }
    }
    if portal.schema.has("core_userprofile", "email_notifications") {
        let table = rows::table(&portal.schema, "core_userprofile")?;
        for row in found.profiles {
            if row.bool("email_notifications") == Some(false) {
                continue;
            }
            let mut set = vec![("email_notifications", Value::Cell(Cell::Bool(false)))];
            if portal.schema.has("core_userprofile", "updated_at") {
                // As Django's auto_now does.
                set.push(("updated_at", Value::Now));
            }
            plan.update("core_userprofile", rows::key_of(table, &row), row, set);
        }
    }
    Ok(plan)
}
