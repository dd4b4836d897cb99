//! `user lockouts` and `user unlock`: wrong tries to sign in here, seen and cleared.

use serde_json::{Value, json};

use super::table::Table;
use super::{Work, json, time};
use crate::directory::lockouts::{self, Cleared, Lockout, Place};
use crate::directory::users;
use crate::error::Result;
use crate::text;

/// Said where the database's counts are not the ones in force.
const OWN_ONLY: &str =
    "read-only: tries are counted in the state folder of each Unix user, and these are your own";

/// The tries of an account for scripts.
#[must_use]
pub fn of_account(lockout: &Lockout) -> Value {
    json!({
        "unix": lockout.unix_user,
        "tries": lockout.tries,
        "locked_until": lockout.locked_until.map(time::rfc3339),
    })
}

/// Prints all wrong tries that are counted.
///
/// # Errors
/// What the engine says.
pub(super) async fn list(work: &mut Work) -> Result<u8> {
    let found = lockouts::all(&work.portal).await?;
    let mut table = Table::new(&["username", "unix user", "tries", "last", "locked until"]);
    let mut items = Vec::new();
    for lockout in &found {
        let until = lockout.locked_until.map(|until| time::shown(until, work.zone));
        table.row([
            lockout.account.as_deref().unwrap_or("(no such account)"),
            &lockout.unix_user,
            &lockout.tries.to_string(),
            &time::shown(lockout.last, work.zone),
            until.as_deref().unwrap_or_default(),
        ]);
        let mut item = of_account(lockout);
        item["username"] = json!(lockout.account);
        item["last"] = json!(time::rfc3339(lockout.last));
        items.push(item);
    }
    if lockouts::place(&work.portal) == Place::StateFolder {
        work.output.talk(OWN_ONLY);
    }
    let total = items.len() as u64;
    work.output.result(&json::list("lockouts", &items, total), || {
        if found.is_empty() { "No wrong tries are counted.\n".to_owned() } else { table.take() }
    })?;
    Ok(0)
}

/// Forgets the wrong tries of an account, or says how many they are.
///
/// # Errors
/// Invalid, when there is no such account; what the engine says.
pub(super) async fn clear(work: &mut Work, name: &str, dry_run: bool) -> Result<u8> {
    let id = users::find(&work.portal, name).await?;
    let cleared = lockouts::clear(&work.portal, id, dry_run).await?;
    let Cleared { username, tries, place } = &cleared;
    let place = if *place == Place::Database { "database" } else { "state-folder" };
    let item =
        json!({"id": id, "username": username, "tries": tries, "counted_in": place, "dry_run": dry_run});
    work.output.result(&json::one("unlock", &item), || {
        let words =
            if dry_run { format!("{tries} would be cleared for {username}") } else { cleared.to_string() };
        format!("{}\n", text::safe(&words))
    })?;
    Ok(0)
}
