//! What a unique violation is about, in the words of the form that asked for it.

use crate::db::{Cell, Db, DbError, Failure, Sql, Tx};
use crate::error::{Error, Kind};

use super::plan::{Plan, Step};

/// The error for people; nothing where it is about none of what is known here.
pub(super) async fn explain(db: &Db, error: &DbError, plan: &Plan) -> Option<Error> {
    let name = error.constraint.as_deref().unwrap_or_default();
    let text = |table: &str, column: &str| {
        let mut steps = plan.steps.iter().filter(|step| step.table() == table);
        steps.find_map(|step| step.cell(column).and_then(Cell::as_text).map(str::to_owned))
    };
    if name.contains("username")
        && let Some(username) = text("auth_user", "username")
    {
        return Some(named(&username));
    }
    if name.contains("main_portal_id")
        && let Some(id) = text("core_userprofile", "main_portal_id")
    {
        return Some(portal_id(&id, None));
    }
    for (table, noun) in [("auth_group", "group"), ("core_department", "department")] {
        if name.contains("name")
            && let Some(taken) = text(table, "name")
        {
            let message = format!("A {noun} named '{taken}' exists already; nothing was written.");
            return Some(Error::field(Kind::Duplicate, "name", message));
        }
    }
    // Whatever the constraint is called here.
    let (user, group) = membership(db, plan).await?;
    Some(Error::new(
        Kind::Duplicate,
        format!("{user} is already a member of {group}, given meanwhile; nothing was written. Look again."),
    ))
}

fn named(username: &str) -> Error {
    let message = format!("A user named '{username}' exists already; nothing was written.");
    Error::field(Kind::Duplicate, "username", message)
}

/// Refuses usernames that somebody has who came after this account, in whatever case.
pub(super) async fn refuse_twins(tx: &mut Tx, usernames: &[String], after: i64) -> Result<(), Failure> {
    let mut sql = Sql::new("SELECT username FROM auth_user WHERE id > ?").bind(after);
    for (at, name) in usernames.iter().enumerate() {
        let before = if at == 0 { " AND LOWER(username) IN (LOWER(?)" } else { ", LOWER(?)" };
        sql = sql.push_bind(before, name.as_str());
    }
    if usernames.is_empty() {
        return Ok(());
    }
    match tx.optional(sql.push(") ORDER BY id LIMIT 1")).await? {
        Some(row) => Err(named(&row.text(0)?).into()),
        None => Ok(()),
    }
}

/// The refusal of a portal id, and whose it is if that is known.
pub(super) fn portal_id(id: &str, owner: Option<&str>) -> Error {
    let whose = owner.map_or_else(|| "another profile".to_owned(), |owner| format!("'{owner}'"));
    let message = format!("The portal id '{id}' belongs to {whose} already; nothing was written.");
    Error::field(Kind::Duplicate, "main_portal_id", message)
}

/// The first membership that the plan gives and that is there: the names of the user and of the group. Nothing when it
/// is gone again, or can't be read.
async fn membership(db: &Db, plan: &Plan) -> Option<(String, String)> {
    for step in &plan.steps {
        let Step::Insert { table, .. } = step else { continue };
        let id = |column| step.cell(column).and_then(Cell::as_int);
        if table != "auth_user_groups" {
            continue;
        }
        let (Some(user), Some(group)) = (id("user_id"), id("group_id")) else { continue };
        let sql = Sql::new(
            "SELECT u.username, g.name FROM auth_user_groups m JOIN auth_user u ON u.id = m.user_id \
             JOIN auth_group g ON g.id = m.group_id WHERE m.user_id = ? AND m.group_id = ?",
        );
        if let Some(row) = db.optional(sql.bind(user).bind(group)).await.ok()? {
            return Some((row.text(0).ok()?, row.text(1).ok()?));
        }
    }
    None
}
