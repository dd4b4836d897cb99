//! Creating and editing accounts: intentions that become plans.
//!
//! A [`Draft`] holds what someone gave, field by field, as text; rules apply only to fields that were given, because
//! rows of the portal may break them. Every problem is reported at once, by field.

mod rows;

use std::collections::BTreeMap;

use crate::change::{Adopt, Image, Plan, Step, Value};
use crate::db::{Cell, Dialect, Sql, like_text};
use crate::error::{Error, Kind, Result};
use crate::portal::forms;
use crate::portal::password;

use super::given::{self, Checked};
use super::{Portal, portal_ids};
use rows::{GROUPS, PERMISSIONS};

pub use rows::Rows;

/// What happens to a user's groups, or to the permissions given to the account itself; both by ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Groups {
    /// Nothing.
    #[default]
    Keep,
    /// They become exactly these.
    Set(Vec<i64>),
    /// Some are added and some taken away.
    Change {
        /// Those given.
        add: Vec<i64>,
        /// Those taken.
        remove: Vec<i64>,
    },
}

impl Groups {
    /// What comes of it, each id once.
    pub(super) fn apply(&self, now: &[i64]) -> Vec<i64> {
        let mut groups = match self {
            Self::Keep => now.to_vec(),
            Self::Set(groups) => groups.clone(),
            Self::Change { add, remove } => {
                now.iter().chain(add).copied().filter(|group| !remove.contains(group)).collect()
            }
        };
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

/// What someone gave in a form or on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Text by field name (see [`forms::USER`]); `true` and `false` for switches. Departments and groups stand apart.
    pub fields: BTreeMap<&'static str, String>,
    /// The department's id, or none, where it is given.
    pub department: Option<Option<i64>>,
    /// The groups.
    pub groups: Groups,
    /// The permissions given to the account itself.
    pub permissions: Groups,
    /// The password as Django encodes it, where one is set.
    pub encoded_password: Option<String>,
    /// The portal id that is given is taken away from whoever else has it.
    pub takes_portal_id: bool,
}

impl Draft {
    /// The same draft with one field more.
    #[must_use]
    pub fn with(mut self, field: &'static str, text: impl Into<String>) -> Self {
        self.fields.insert(field, text.into());
        self
    }
}

/// The columns of the account, in the order of the form.
const ACCOUNT: [&str; 7] =
    ["username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser"];

/// The columns of the profile that a draft's text fields set.
const PROFILE: [&str; 3] = ["phone_number", "main_portal_id", "email_notifications"];

fn check(draft: &Draft) -> Result<Checked> {
    given::check(&forms::USER, &draft.fields)
}

fn label(name: &str) -> &str {
    given::label(&forms::USER, name)
}

/// The account that stands in the way of a username, where one other than `except` does: id and username.
///
/// Like Django's own form for new users (4.2 and later), a new name must also differ in more than case; a rename need
/// not.
///
/// # Errors
/// What the engine says.
pub async fn username_owner(
    portal: &Portal,
    name: &str,
    except: Option<i64>,
) -> Result<Option<(i64, String)>> {
    let sql = match (except, portal.dialect()) {
        (None, dialect @ (Dialect::Sqlite | Dialect::Postgres)) => spelled_alike(dialect, name),
        _ => Sql::new("SELECT id, username FROM auth_user WHERE username = ?").bind(name),
    };
    for row in portal.db.all(sql).await? {
        let id = row.int(0)?;
        if Some(id) != except {
            return Ok(Some((id, row.text(1)?)));
        }
    }
    Ok(None)
}

/// Refuses a username that another account has.
async fn check_username(portal: &Portal, name: &str, except: Option<i64>) -> Result<()> {
    let Some((_, owner)) = username_owner(portal, name, except).await? else { return Ok(()) };
    let message = format!("A user named '{owner}' exists already; nothing was written.");
    Err(Error::field(Kind::Duplicate, "username", message))
}

/// How many letters of a name are tried in both cases, so that an index finds the names that begin like it.
const FOLDED_LETTERS: usize = 4;

/// The usernames that differ from this one in case at most. A comparison that ignores case can't use the index, so it is
/// only made for names that begin alike, and each spelling of that beginning is looked up.
pub(super) fn spelled_alike(dialect: Dialect, name: &str) -> Sql {
    let mut sql = Sql::default();
    for (index, beginning) in spellings(name).into_iter().enumerate() {
        sql = sql
            .push(if index == 0 { "" } else { " UNION ALL " })
            .push("SELECT id, username FROM auth_user WHERE ");
        sql = if dialect == Dialect::Sqlite {
            let end = format!("{beginning}{}", char::MAX);
            sql.push_bind("username >= ?", beginning).push_bind(" AND username <= ?", end)
        } else {
            sql.push_bind("username LIKE ? ESCAPE '!'", format!("{}%", like_text(&beginning)))
        };
        sql = sql.push(" AND username").push_bind(dialect.like(), like_text(name));
    }
    sql
}

/// The beginning of a name, up to its fifth ASCII letter, in every mixture of cases.
fn spellings(name: &str) -> Vec<String> {
    let mut spellings = vec![String::new()];
    let mut letters = 0;
    for c in name.chars() {
        if c.is_ascii_alphabetic() {
            letters += 1;
            if letters > FOLDED_LETTERS {
                break;
            }
            let upper: Vec<String> =
                spellings.iter().map(|start| format!("{start}{}", c.to_ascii_uppercase())).collect();
            for start in &mut spellings {
                start.push(c.to_ascii_lowercase());
            }
            spellings.extend(upper);
        } else if c.is_ascii() {
            for start in &mut spellings {
                start.push(c);
            }
        } else {
            // Letters beyond ASCII have cases that only the database knows.
            break;
        }
    }
    spellings
}

/// Refuses a value that this database has no place for, by name of what is missing. Blank values and the model's default
/// need no place.
fn check_places(portal: &Portal, draft: &Draft, values: &Checked) -> Result<()> {
    let given =
        |name: &str| values.get(name).is_some_and(|cell| !cell.is_null() && *cell != Cell::Bool(true));
    let mut wanted: Vec<(&str, &str)> =
        PROFILE.into_iter().filter(|name| given(name)).map(|name| (name, name)).collect();
    if draft.department.flatten().is_some() {
        wanted.push(("department", "department_id"));
    }
    for (field, column) in wanted {
        if let Some(lack) = portal.schema.lacks_column("core_userprofile", column) {
            let message = format!("{} can't be kept here: {lack}. Nothing was written.", label(field));
            return Err(Error::field(Kind::Conflict, field, message));
        }
    }
    Ok(())
}

/// Refuses a draft whose portal id another user has and which doesn't take it over. The write itself sees to that, under lock; this is for previews, and
/// goes through the whole table where the column has no index.
///
/// # Errors
/// Duplicate, on the field `main_portal_id`; what the engine says.
pub async fn check_portal_id(portal: &Portal, draft: &Draft, except: Option<i64>) -> Result<()> {
    let values = check(draft)?;
    let Some(id) = values.get("main_portal_id").and_then(Cell::as_text) else { return Ok(()) };
    if draft.takes_portal_id {
        return Ok(());
    }
    if let Some((_, owner)) = portal_ids::owner(portal, id, except).await? {
        let whose = if owner.is_empty() {
            "a profile without a user (PRF-003)".to_owned()
        } else {
            format!("'{owner}'")
        };
        let message = format!("The portal id '{id}' belongs to {whose} already; nothing was written.");
        return Err(Error::field(Kind::Duplicate, "main_portal_id", message));
    }
    Ok(())
}

/// Takes the draft's portal id away from others, where that is wished for.
async fn take_portal_id(
    portal: &Portal,
    plan: &mut Plan,
    draft: &Draft,
    values: &Checked,
    except: Option<i64>,
) -> Result<()> {
    match values.get("main_portal_id").and_then(Cell::as_text) {
        Some(id) if draft.takes_portal_id => portal_ids::take_over(portal, plan, id, except).await,
        _ => Ok(()),
    }
}

/// Plans a new account: user, profile and groups in one transaction.
///
/// # Errors
/// Invalid with all problems by field; duplicate; that this database can't take new accounts.
pub async fn create(portal: &Portal, draft: &Draft) -> Result<Plan> {
    let (username, values) = check_new(portal, draft)?;
    check_username(portal, &username, None).await?;
    let mut plan = Plan::new(format!("Create {username}"));
    take_portal_id(portal, &mut plan, draft, &values, None).await?;
    plan_account_of(portal, &mut plan, draft, &values, username)?;
    Ok(plan)
}

/// As [`create`], where it is known that nobody has the username, for those who ask about many at once. A portal id is
/// not taken from anybody.
///
/// # Errors
/// As [`create`].
pub fn plan_new(portal: &Portal, draft: &Draft) -> Result<Plan> {
    let (username, values) = check_new(portal, draft)?;
    let mut plan = Plan::new(format!("Create {username}"));
    plan_account_of(portal, &mut plan, draft, &values, username)?;
    Ok(plan)
}

/// The username of a draft for a new account, and its values.
fn check_new(portal: &Portal, draft: &Draft) -> Result<(String, Checked)> {
    let values = check(draft)?;
    let Some(username) = values.get("username").and_then(Cell::as_text).map(str::to_owned) else {
        return Err(Error::field(
            Kind::Invalid,
            "username",
            "A new account needs a username; nothing was written.",
        ));
    };
    for table in ["auth_user", "core_userprofile"] {
        given::check_takes_rows(portal, table, "Accounts")?;
    }
    check_places(portal, draft, &values)?;
    Ok((username, values))
}

/// Appends the rows of a new account.
fn plan_account_of(
    portal: &Portal,
    plan: &mut Plan,
    draft: &Draft,
    values: &Checked,
    username: String,
) -> Result<()> {
    let text = |name| values.get(name).cloned().unwrap_or(Cell::Text(String::new()));
    let flag = |name, default| values.get(name).cloned().unwrap_or(Cell::Bool(default));
    let encoded = match &draft.encoded_password {
        Some(encoded) => encoded.clone(),
        None => password::unusable()?,
    };
    let user = plan.insert(
        "auth_user",
        vec![
            ("password", Value::Cell(Cell::Text(encoded))),
            ("last_login", Value::Cell(Cell::Null)),
            ("is_superuser", Value::Cell(flag("is_superuser", false))),
            ("username", Value::Cell(Cell::Text(username))),
            ("first_name", Value::Cell(text("first_name"))),
            ("last_name", Value::Cell(text("last_name"))),
            ("email", Value::Cell(text("email"))),
            ("is_staff", Value::Cell(flag("is_staff", false))),
            ("is_active", Value::Cell(flag("is_active", true))),
            ("date_joined", Value::Now),
        ],
    );
    if portal.has_table("core_userprofile") {
        plan.push(new_profile(portal, Value::NewId(user), draft, values));
    }
    GROUPS.plan(plan, &Value::NewId(user), &[], &draft.groups);
    PERMISSIONS.plan(plan, &Value::NewId(user), &[], &draft.permissions);
    Ok(())
}

/// A profile with the model's defaults: no department, phone or portal id, notifications on. One that the portal has made
/// meanwhile is adopted.
#[must_use]
pub fn default_profile(portal: &Portal, user: Value) -> Step {
    new_profile(portal, user, &Draft::default(), &Checked::new())
}

/// A profile with the draft's values and, for the rest, the model's defaults.
fn new_profile(portal: &Portal, user: Value, draft: &Draft, values: &Checked) -> Step {
    let given = |name| values.get(name).cloned().unwrap_or(Cell::Null);
    let notifications = values.get("email_notifications").cloned().unwrap_or(Cell::Bool(true));
    let mut wanted: Vec<String> =
        PROFILE.iter().filter(|name| values.contains_key(*name)).map(|name| (*name).to_owned()).collect();
    if draft.department.is_some() {
        wanted.push("department_id".to_owned());
    }
    let columns = [
        ("user_id", user),
        ("department_id", Value::Cell(Cell::int(draft.department.flatten()))),
        ("phone_number", Value::Cell(given("phone_number"))),
        ("main_portal_id", Value::Cell(given("main_portal_id"))),
        ("email_notifications", Value::Cell(notifications)),
        ("created_at", Value::Now),
        ("updated_at", Value::Now),
    ];
    Step::Insert {
        table: "core_userprofile".to_owned(),
        values: columns
            .into_iter()
            .filter(|(name, _)| portal.schema.has("core_userprofile", name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        adopt: Some(Adopt { by: "user_id".to_owned(), columns: wanted }),
    }
}

/// Plans the change of an account. Fields that the draft does not give stay as they are; a plan without steps means
/// that nothing would change.
///
/// # Errors
/// Invalid with all problems by field; duplicate; conflict where the profile is doubled.
pub async fn edit(portal: &Portal, id: i64, draft: &Draft) -> Result<Plan> {
    edit_rows(portal, id, &Rows::read(portal, id).await?, draft).await
}

/// As [`edit`], from rows that were read before and perhaps shown: where somebody has changed them since, the plan is
/// refused when it is applied.
///
/// # Errors
/// As [`edit`].
pub async fn edit_rows(portal: &Portal, id: i64, rows: &Rows, draft: &Draft) -> Result<Plan> {
    let values = check(draft)?;
    check_places(portal, draft, &values)?;
    if let Some(name) = values.get("username").and_then(Cell::as_text)
        && rows.user.text("username") != Some(name)
    {
        check_username(portal, name, Some(id)).await?;
    }
    let mut plan = Plan::new(title(rows, draft, &values));
    take_portal_id(portal, &mut plan, draft, &values, Some(id)).await?;
    plan_account(&mut plan, id, rows, draft, &values);
    plan_profile(portal, &mut plan, id, rows, draft, &values)?;
    let user = Value::Cell(Cell::Int(id));
    GROUPS.plan(&mut plan, &user, &rows.groups, &draft.groups);
    PERMISSIONS.plan(&mut plan, &user, &rows.permissions, &draft.permissions);
    Ok(plan)
}

/// What one-field edits are called; others are "Edit bela".
fn title(rows: &Rows, draft: &Draft, values: &Checked) -> String {
    let name = rows.username();
    let kept = |links: &Groups| *links == Groups::Keep;
    let only = draft.department.is_none() && kept(&draft.groups) && kept(&draft.permissions);
    if only && draft.encoded_password.is_none() && values.len() == 1 {
        match values.get("is_active").and_then(Cell::as_bool) {
            Some(true) => return format!("Activate {name}"),
            Some(false) => return format!("Deactivate {name}"),
            None => {}
        }
    }
    if let Some(encoded) = &draft.encoded_password
        && only
        && values.is_empty()
    {
        return if encoded.starts_with('!') {
            format!("Disable the password of {name}")
        } else {
            format!("Set the password of {name}")
        };
    }
    if let Some(new) = values.get("username").and_then(Cell::as_text)
        && only
        && values.len() == 1
        && new != name
    {
        return format!("Rename {name} to {new}");
    }
    format!("Edit {name}")
}

fn plan_account(plan: &mut Plan, id: i64, rows: &Rows, draft: &Draft, values: &Checked) {
    let mut set: Vec<(&str, Value)> = ACCOUNT
        .into_iter()
        .filter_map(|name| values.get(name).map(|cell| (name, cell)))
        .filter(|(name, cell)| rows.user.get(name) != Some(cell))
        .map(|(name, cell)| (name, Value::Cell(cell.clone())))
        .collect();
    if let Some(encoded) = &draft.encoded_password {
        set.push(("password", Value::Cell(Cell::Text(encoded.clone()))));
    }
    plan.update("auth_user", Image::id(id), rows.user.clone(), set);
}

fn plan_profile(
    portal: &Portal,
    plan: &mut Plan,
    id: i64,
    rows: &Rows,
    draft: &Draft,
    values: &Checked,
) -> Result<()> {
    let mut wanted: Vec<(&str, Cell)> =
        PROFILE.into_iter().filter_map(|name| values.get(name).map(|cell| (name, cell.clone()))).collect();
    if let Some(department) = draft.department {
        wanted.push(("department_id", Cell::int(department)));
    }
    wanted.retain(|(name, _)| portal.schema.has("core_userprofile", name));
    let before = match rows.profiles.as_slice() {
        [only] => only,
        [] if wanted.is_empty() || !portal.has_table("core_userprofile") => return Ok(()),
        [] => {
            let defaults = |(name, cell): &(&str, Cell)| match *name {
                "email_notifications" => *cell == Cell::Bool(true),
                _ => cell.is_null(),
            };
            if !wanted.iter().all(defaults) {
                given::check_takes_rows(portal, "core_userprofile", "A profile")?;
                plan.require
                    .push(crate::change::Require::Row { table: "auth_user".to_owned(), key: Image::id(id) });
                plan.push(new_profile(portal, Value::Cell(Cell::Int(id)), draft, values));
            }
            return Ok(());
        }
        several => {
            let same = |row: &Image| wanted.iter().all(|(name, cell)| row.get(name) == Some(cell));
            if several.iter().all(same) {
                return Ok(());
            }
            return Err(Error::conflict(format!(
                "{} has {} profiles, so it is not clear which one to change. Nothing was written; repair PRF-002 first.",
                rows.username(),
                several.len()
            )));
        }
    };
    wanted.retain(|(name, cell)| before.get(name) != Some(cell));
    if wanted.is_empty() {
        return Ok(());
    }
    let key = Image::of("id", before.get("id").cloned().unwrap_or(Cell::Null));
    let mut set: Vec<(&str, Value)> =
        wanted.into_iter().map(|(name, cell)| (name, Value::Cell(cell))).collect();
    if portal.schema.has("core_userprofile", "updated_at") {
        // As Django's auto_now does.
        set.push(("updated_at", Value::Now));
    }
    plan.update("core_userprofile", key, before.clone(), set);
    Ok(())
}

/// Plans to let a user sign in, or not. Re-activating alone also revives the portal sessions that were open.
///
/// # Errors
/// As [`edit`].
pub async fn set_active(portal: &Portal, id: i64, active: bool) -> Result<Plan> {
    edit(portal, id, &Draft::default().with("is_active", active.to_string())).await
}

/// Plans a new password, given as Django encodes it. It ends the user's portal sessions.
///
/// # Errors
/// As [`edit`].
pub async fn set_password(portal: &Portal, id: i64, encoded: String) -> Result<Plan> {
    edit(portal, id, &Draft { encoded_password: Some(encoded), ..Draft::default() }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_spelled_in_every_mixture_of_cases() {
        let mut both = spellings("a1B");
        both.sort();
        assert_eq!(both, ["A1B", "A1b", "a1B", "a1b"]);
        assert_eq!(spellings("émil"), [""], "the whole table is looked through");
        assert_eq!(spellings("user000123").len(), 16);
        assert!(spellings("user000123").contains(&"user000123".to_owned()));
        assert!(spellings("amir.rahimi").iter().all(|start| start.ends_with('.')));
    }
}
