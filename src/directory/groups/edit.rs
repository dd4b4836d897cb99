//! Making and changing groups: what somebody gave becomes plans, and sentences about what they mean.

use std::collections::BTreeSet;

use crate::change::rights::{self, POWERFUL};
use crate::change::rows::{self, Lock};
use crate::change::{Image, MOST_ROWS, Plan, Require, Value};
use crate::db::{Cell, Sql};
use crate::directory::accounts::Groups;
use crate::directory::given;
use crate::directory::{Portal, permissions};
use crate::error::{Error, Kind, Result};
use crate::portal::access::Level;
use crate::portal::rules;

use super::TABLE;
use super::list::{self, gone};

const PERMISSIONS: &str = "auth_group_permissions";

/// What somebody gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// A new name.
    pub name: Option<String>,
    /// The permissions.
    pub permissions: Groups,
}

/// What is to be written, and what that means beyond its rows, in sentences.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intent {
    /// The plans, which only make sense together. None, or one without steps, where nothing would change.
    pub plans: Vec<Plan>,
    /// The sentences.
    pub notes: Vec<String>,
    /// Power over the portal changes hands: the name of the group, to be typed before.
    pub grave: Option<String>,
}

impl Intent {
    /// What it is called as a whole.
    #[must_use]
    pub fn title(&self) -> String {
        Plan::title_of_pieces(&self.plans)
    }
}

/// The group other than `except` that has this name, by the engine's own equality: id and name.
///
/// # Errors
/// What the engine says.
pub async fn name_owner(portal: &Portal, name: &str, except: Option<i64>) -> Result<Option<(i64, String)>> {
    let sql = Sql::new("SELECT id, name FROM auth_group WHERE name = ? ORDER BY id").bind(name);
    for row in portal.db.all(sql).await? {
        let id = row.int(0)?;
        if Some(id) != except {
            return Ok(Some((id, row.text(1)?)));
        }
    }
    Ok(None)
}

/// The name after Django's rules, if no other group has it.
async fn checked_name(portal: &Portal, name: &str, except: Option<i64>) -> Result<String> {
    let name = rules::group_name(name).map_err(|messages| {
        let message = format!("Name: {} Nothing was written.", messages.join(" "));
        let error = Error::invalid(message);
        messages.iter().fold(error, |error, message| error.and_field("name", message))
    })?;
    if let Some((_, owner)) = name_owner(portal, &name, except).await? {
        let message = format!("A group named '{owner}' exists already; nothing was written.");
        return Err(Error::field(Kind::Duplicate, "name", message));
    }
    Ok(name)
}

/// The role that a group of this name gives, by the equality of the column that holds the names.
async fn role_of_name(portal: &Portal, name: &str) -> Result<Option<Level>> {
    if portal.roles.0.is_empty() {
        return Ok(None);
    }
    let sql = rights::level_case(Sql::new("SELECT "), "n.name", &portal.roles)
        .push(" FROM (SELECT g.name FROM auth_group g WHERE 1 = 0 UNION ALL SELECT ?) n")
        .bind(name);
    Ok(rights::level(portal.db.one(sql).await?.int(0)?))
}

/// Plans a new group with these permissions.
///
/// # Errors
/// Invalid or duplicate, on the field `name`; that this database can't take new groups.
pub async fn create(portal: &Portal, name: &str, permissions: &[i64]) -> Result<Intent> {
    let name = checked_name(portal, name, None).await?;
    given::check_takes_rows(portal, TABLE, "Groups")?;
    if permissions.len() >= MOST_ROWS {
        return Err(Error::usage(format!(
            "A new group gets at most {} permissions at once; nothing was written.",
            MOST_ROWS - 1
        )));
    }
    let mut plan = Plan::new(format!("Create the group {name}"));
    let group = plan.insert(TABLE, vec![("name", text(&name))]);
    for permission in permissions.iter().collect::<BTreeSet<_>>() {
        let row = vec![("group_id", Value::NewId(group)), ("permission_id", id_cell(*permission))];
        plan.insert(PERMISSIONS, row);
    }
    let role = role_of_name(portal, &name).await?;
    let notes = role.map(|level| format!("By its name it gives the role {level} to whoever is put into it."));
    Ok(Intent { plans: vec![plan], notes: notes.into_iter().collect(), grave: None })
}

/// Plans a new name, other permissions, or both. A plan without steps means that nothing would change.
///
/// # Errors
/// Invalid or duplicate, on the field `name`; conflict, when the group is gone.
pub async fn edit(portal: &Portal, id: i64, draft: &Draft) -> Result<Intent> {
    let row = row(portal, id).await?;
    let old = name_in(&row);
    let mut plan = Plan::new(String::new());
    let mut notes = Vec::new();
    let mut renamed = None;
    if let Some(name) = &draft.name
        && *name != old
    {
        let name = checked_name(portal, name, Some(id)).await?;
        notes.extend(renaming(portal, id, &old, &name).await?);
        plan.update(TABLE, Image::id(id), row, vec![("name", text(&name))]);
        renamed = Some(name).filter(|_| !plan.steps.is_empty());
    }
    let given = plan_permissions(portal, &mut plan, id, &draft.permissions).await?;
    if plan.steps.iter().all(|step| step.table() != TABLE) {
        plan.require.push(Require::Row { table: TABLE.to_owned(), key: Image::id(id) });
    }
    notes.extend(empowering(portal, id, &given).await?);
    plan.title = match (&renamed, draft.permissions == Groups::Keep) {
        (Some(name), true) => format!("Rename the group {old} to {name}"),
        (Some(_), false) => format!("Edit the group {old}"),
        (None, _) => format!("Change the permissions of {old}"),
    };
    let grave = (!notes.is_empty()).then_some(old);
    Ok(Intent { plans: plan.in_pieces(), notes, grave })
}

/// What a new name means for the role that a group gives by its name.
async fn renaming(portal: &Portal, id: i64, old: &str, new: &str) -> Result<Vec<String>> {
    let group = list::read(portal, id).await?;
    let will_be = role_of_name(portal, new).await?;
    let members = (group.members > 0).then(|| counted(group.members, "member"));
    let mut notes = Vec::new();
    if group.level == will_be {
        return Ok(notes);
    }
    if let Some(level) = group.level {
        let lose = members.as_ref().map(|them| format!(": its {them} lose it, here and in the portal"));
        notes.push(format!(
            "{old} is the portal's role {level} by its name. With another name it is no role{}.",
            lose.unwrap_or_default()
        ));
    }
    if let Some(level) = will_be {
        let have = members.map(|them| format!(": its {them} have that from then on")).unwrap_or_default();
        notes.push(format!("Named {new} it gives the role {level}{have}."));
    }
    Ok(notes)
}

/// Gives and takes permissions; those that come.
async fn plan_permissions(portal: &Portal, plan: &mut Plan, id: i64, wish: &Groups) -> Result<Vec<i64>> {
    if *wish == Groups::Keep {
        return Ok(Vec::new());
    }
    if let Some(lacking) = permissions::lacking(portal) {
        return Err(Error::conflict(format!("{lacking} Nothing was written.")));
    }
    let rows = permissions_of(portal, id).await?;
    let now: Vec<i64> = rows.iter().filter_map(|row| row.int("permission_id")).collect();
    let wanted = wish.apply(&now);
    let table = rows::table(&portal.schema, PERMISSIONS)?;
    for row in &rows {
        if row.int("permission_id").is_some_and(|permission| !wanted.contains(&permission)) {
            plan.delete(PERMISSIONS, rows::key_of(table, row), row.clone());
        }
    }
    let given: Vec<i64> = wanted.into_iter().filter(|permission| !now.contains(permission)).collect();
    for permission in &given {
        plan.insert(PERMISSIONS, vec![("group_id", id_cell(id)), ("permission_id", id_cell(*permission))]);
    }
    Ok(given)
}

/// Says when permissions let members change accounts in the portal's own admin.
async fn empowering(portal: &Portal, id: i64, given: &[i64]) -> Result<Option<String>> {
    let labels = permissions::labels(portal, given.iter().copied().collect()).await?;
    let powerful = labels
        .values()
        .any(|label| label.strip_prefix("auth.").is_some_and(|codename| POWERFUL.contains(&codename)));
    if !powerful {
        return Ok(None);
    }
    let staff = list::members(portal, id, |sql| {
        sql.push_bind(" AND u.is_staff = ?", true).push_bind(" AND u.is_superuser = ?", false)
    });
    Ok(match staff.await? {
        0 => None,
        count => Some(format!(
            "This lets {count} of its members who are staff change accounts in the portal's admin: they become \
             privileged."
        )),
    })
}

/// The row of a group.
pub(super) async fn row(portal: &Portal, id: i64) -> Result<Image> {
    let table = rows::table(&portal.schema, TABLE)?;
    let found = rows::by_keys(&mut portal.db.clone(), table, &[Image::id(id)], Lock::No).await?;
    found.into_iter().next().ok_or_else(|| gone(id))
}

fn name_in(row: &Image) -> String {
    row.get("name").map_or_else(String::new, |cell| match cell {
        Cell::Text(name) => name.clone(),
        other => other.show(),
    })
}

/// The rows of a group's permissions; none where this portal lacks the table.
pub(super) async fn permissions_of(portal: &Portal, id: i64) -> Result<Vec<Image>> {
    let Some(table) = portal.schema.table(PERMISSIONS) else { return Ok(Vec::new()) };
    Ok(rows::by_column(&mut portal.db.clone(), table, "group_id", &[Cell::Int(id)], Lock::No).await?)
}

fn text(text: &str) -> Value {
    Value::Cell(Cell::Text(text.to_owned()))
}

pub(super) fn id_cell(id: i64) -> Value {
    Value::Cell(Cell::Int(id))
}

/// `1 member`, `3 members`
pub(super) fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
