//! One user's whole record.

use crate::change::rights;
use crate::db::own::{ListedChange, Wanted, changes};
use crate::db::{Row, Sql};
use crate::error::{Error, Result};
use crate::portal::access::Level;
use crate::portal::password;
use crate::portal::profile::Profile;
use crate::portal::user::User;

use super::lockouts::{self, Lockout};
use super::referring::{self, Referring};
use super::why::{self, Beside, Why};
use super::{Portal, history, permissions};

/// How many of the newest changes a record shows.
const CHANGES: i64 = 5;

/// A group that a user is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group's id.
    pub group: i64,
    /// Its name.
    pub name: String,
    /// The role that it gives.
    pub level: Option<Level>,
}

/// Everything about one user but the password.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The account.
    pub user: User,
    /// The password in words: algorithm and cost, never a character of the hash.
    pub password: String,
    /// Django's name of the password's algorithm, or `unusable`; nothing when it can't be told.
    pub password_algorithm: Option<String>,
    /// Whether the account can sign in to the portal, and why not.
    pub sign_in: Why,
    /// The profiles with the names of their departments; one is right.
    pub profiles: Vec<(Profile, Option<String>)>,
    /// The groups, the highest portal group first.
    pub groups: Vec<Membership>,
    /// How many permissions come with the groups and directly, each counted once.
    pub permissions: i64,
    /// What refers to the account from tables other than the accounts' own, column by column; columns without a row too.
    pub referring: Vec<Referring>,
    /// The newest changes made here; none where whoever works now may not see them.
    pub history: Option<Vec<ListedChange>>,
    /// The wrong tries to sign in here, where whoever works now may see them.
    pub lockouts: Vec<Lockout>,
}

impl Record {
    /// What refers to the account, in words: `core_complaint 12`; with the column where a table has several. Nothing where
    /// nothing does.
    #[must_use]
    pub fn referring_in_words(&self) -> Vec<String> {
        let several = |table: &str| self.referring.iter().filter(|it| it.table == table).count() > 1;
        let words = |it: &Referring| {
            if several(&it.table) {
                format!("{}.{} {}", it.table, it.column, it.rows)
            } else {
                format!("{} {}", it.table, it.rows)
            }
        };
        self.referring.iter().filter(|it| it.rows > 0).map(words).collect()
    }

    /// The access level in a word or two: the flag, or the highest portal group.
    #[must_use]
    pub fn access(&self) -> Option<&str> {
        if self.user.is_superuser {
            return Some("superuser");
        }
        self.groups.iter().find(|group| group.level.is_some()).map(|group| group.name.as_str())
    }
}

/// Reads a record.
///
/// # Errors
/// Invalid, when there is no such user; what the engine says.
pub async fn read(portal: &Portal, id: i64) -> Result<Record> {
    let sql = Sql::new(
        "SELECT username, first_name, last_name, email, is_active, is_staff, is_superuser, password, ",
    )
    .time("date_joined")
    .push(", ")
    .time("last_login")
    .push_bind(" FROM auth_user WHERE id = ?", id);
    let Some(row) = portal.db.optional(sql).await? else {
        return Err(Error::invalid(format!("There is no user with id {id} any more.")));
    };
    let user = User {
        id,
        username: row.text(0)?,
        first_name: row.text(1)?,
        last_name: row.text(2)?,
        email: row.text(3)?,
        is_active: row.bool(4)?,
        is_staff: row.bool(5)?,
        is_superuser: row.bool(6)?,
        date_joined: row.time(8)?,
        last_login: row.time(9)?,
    };
    let encoded = row.text(7)?;
    let done = if portal.schema.has_own_tables() {
        changes(&portal.db, &Wanted { about_user: Some(id), limit: Some(CHANGES), ..Wanted::default() })
            .await?
    } else {
        Vec::new()
    };
    let tries = lockouts::of(portal, &user.username).await?;
    // Nobody below the AMC Admin sees who did what, or who tried to sign in.
    let seen = done.is_empty() && tries.is_empty() || history::may_be_seen(portal).await?.is_ok();
    let (history, lockouts) = if seen { (Some(done), tries) } else { (None, Vec::new()) };
    let mut referring = referring::count(portal, id).await?;
    referring.retain(|it| !it.goes_along);
    let (profiles, groups) = (profiles(portal, id).await?, groups(portal, id).await?);
    let beside =
        Beside { profiles: portal.has_table("core_userprofile").then_some(profiles.len()), groups: &groups };
    Ok(Record {
        password: password::describe(&encoded),
        password_algorithm: password::algorithm_name(&encoded),
        sign_in: why::find(portal, &user, &encoded, beside).await?,
        profiles,
        groups,
        permissions: permissions::count(portal, id).await?,
        referring,
        history,
        lockouts,
        user,
    })
}

async fn profiles(portal: &Portal, user: i64) -> Result<Vec<(Profile, Option<String>)>> {
    if !portal.has_table("core_userprofile") {
        return Ok(Vec::new());
    }
    let sql = profile_columns(portal).push_bind(" WHERE p.user_id = ? ORDER BY p.id", user);
    portal.db.all(sql).await?.iter().map(profile).collect()
}

/// Selects what [`profile`] reads; NULL for what this database does not have.
pub(super) fn profile_columns(portal: &Portal) -> Sql {
    let has = |column| portal.schema.has("core_userprofile", column);
    let departments = has("department_id") && portal.schema.has("core_department", "name");
    let mut sql = Sql::new("SELECT p.id");
    for (there, column) in [
        (has("department_id"), ", p.department_id"),
        (has("phone_number"), ", p.phone_number"),
        (has("main_portal_id"), ", p.main_portal_id"),
        (has("email_notifications"), ", p.email_notifications"),
        (departments, ", d.name"),
    ] {
        sql = sql.push(if there { column } else { ", NULL" });
    }
    for (there, column) in [(has("created_at"), "p.created_at"), (has("updated_at"), "p.updated_at")] {
        sql = if there { sql.push(", ").time(column) } else { sql.push(", NULL") };
    }
    let sql = sql.push(", p.user_id FROM core_userprofile p");
    if departments { sql.push(" LEFT JOIN core_department d ON d.id = p.department_id") } else { sql }
}

/// A profile with the name of its department.
pub(super) fn profile(row: &Row) -> Result<(Profile, Option<String>)> {
    let profile = Profile {
        id: row.int(0)?,
        user_id: row.int(8)?,
        // SQLite can hold anything there; what is no number is no department.
        department_id: row.int_opt(1).unwrap_or(None),
        phone_number: row.text_opt(2)?,
        main_portal_id: row.text_opt(3)?,
        email_notifications: row.bool(4)?,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    };
    Ok((profile, row.text_opt(5)?))
}

async fn groups(portal: &Portal, user: i64) -> Result<Vec<Membership>> {
    let sql = rights::level_case(Sql::new("SELECT g.id, g.name, "), "g.name", &portal.roles)
        .push(" FROM auth_user_groups ug JOIN auth_group g ON g.id = ug.group_id")
        .push_bind(" WHERE ug.user_id = ? ORDER BY g.name", user);
    let mut groups = Vec::new();
    for row in portal.db.all(sql).await? {
        groups.push(Membership { group: row.int(0)?, name: row.text(1)?, level: rights::level(row.int(2)?) });
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.level));
    Ok(groups)
}
