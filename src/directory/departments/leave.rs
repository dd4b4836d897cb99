//! People leave a department: because it is deleted, because it becomes one with another, or because they are moved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::references;
use crate::change::{Image, MOST_ROWS, Plan, Value};
use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::leaving::{Fate, Leaving, Rows, Wanted, What};
use crate::directory::referring::{self, Referring};
use crate::error::{Error, Kind, Result};
use crate::portal::department::Department;
use crate::portal::forms;

use super::keep::{Keep, Side, left_in_words};
use super::members::{self, Members};
use super::{TABLE, by_id, edit};

const PROFILES: &str = "core_userprofile";
const PROFILE_COLUMN: &str = "department_id";

/// Where those go who were in a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum To {
    /// Into this one.
    Department(i64),
    /// Nowhere: they are left without one, as Django leaves them.
    Nowhere,
}

impl To {
    /// The department, where it is one.
    #[must_use]
    pub const fn id(self) -> Option<i64> {
        match self {
            Self::Department(id) => Some(id),
            Self::Nowhere => None,
        }
    }
}

/// Who is in a department, and where they go.
struct Going {
    from: Department,
    into: Option<Department>,
    to: To,
    /// Who is in it, where this portal says so.
    members: Members,
    /// Their profiles.
    profiles: Option<Rows>,
}

/// Plans to delete a department; `to` says where its members go, and need not be said of one without any.
///
/// # Errors
/// Invalid, on the field `members`, where nobody says where they go; conflict, when the department is gone or rows of
/// other tables refer to it; what the engine says.
pub async fn delete(portal: &Portal, id: i64, to: Option<To>) -> Result<Leaving> {
    let goes = edit::row(portal, id).await?;
    let going = Going::read(portal, id, to.unwrap_or(To::Nowhere)).await?;
    let (name, people) = (going.from.name.clone(), going.people());
    if to.is_none() && people > 0 {
        let message = format!(
            "{name} has {}: say where they go, or that they are left without a department. Nothing was written.",
            counted(people, "member")
        );
        return Err(Error::field(Kind::Invalid, "members", message));
    }
    let others = elsewhere(portal, id).await?;
    if !others.is_empty() {
        let held: Vec<String> = others.iter().map(Referring::in_words).collect();
        return Err(Error::conflict(format!(
            "{name} can't be deleted: {}, referring to it. Nothing was written. Merge it into another department, which \
             they follow, or deactivate it.",
            held.join(", ")
        )));
    }
    let mut last = Plan::default();
    last.delete(TABLE, Image::id(id), goes);
    let mut notes = going.orphans();
    notes.extend(going.inactive(going.into.as_ref().is_none_or(|into| into.is_active)));
    let what = What::DeleteDepartment { id, to: going.to };
    Ok(going.leaving(portal, format!("Delete department {name}"), what, notes, Vec::new(), last))
}

/// Plans to make a department one with another: its members and whatever else refers to it follow.
///
/// # Errors
/// Invalid, on the field `into`, for one and the same department; conflict, when one of them is gone, or where the
/// catalogue lets only one row refer to a department and both have one; what the engine says.
pub async fn merge(portal: &Portal, id: i64, into: i64, keep: &Keep) -> Result<Leaving> {
    let (goes, from) = (edit::row(portal, id).await?, department(portal, id).await?);
    if id == into {
        let message =
            format!("{} can't be merged into itself; nothing was written. Name two departments.", from.name);
        return Err(Error::field(Kind::Invalid, "into", message));
    }
    let (row, stays) = (edit::row(portal, into).await?, department(portal, into).await?);
    refuse_torn(portal, (&from, &stays)).await?;
    let going = Going::read(portal, id, To::Department(into)).await?;
    let mut notes = going.orphans();
    let mut others = Vec::new();
    for one in elsewhere(portal, id).await? {
        let follow = if one.rows == 1 { "follows" } else { "follow" };
        notes.push(format!("{}, which {follow}.", one.in_words()));
        others.push(Rows::of(portal, (&one.table, &one.column), id, Fate::Refer(Some(into))).await?);
    }
    let (mut set, mut is_active) = (Vec::new(), stays.is_active);
    for field in forms::DEPARTMENT.iter().filter(|field| portal.schema.has(TABLE, field.name)) {
        let (was, is) = (goes.get(field.name), row.get(field.name));
        if was == is {
            continue;
        }
        let side = keep.side(field.name, &from, &stays);
        if let (Side::Goes, Some(cell)) = (side, was) {
            set.push((field.name, Value::Cell(cell.clone())));
            is_active = if field.name == "is_active" { from.is_active } else { is_active };
        }
        let left = left_in_words(if side == Side::Goes { &stays } else { &from }, field.name);
        notes.extend(left.map(|left| format!("Left behind: {left}.")));
    }
    notes.extend(going.inactive(is_active));
    let title = format!("Merge department {} into {}", from.name, stays.name);
    let mut last = Plan::default();
    last.delete(TABLE, Image::id(id), goes);
    // Behind the delete: its name may be the one that stays.
    last.update(TABLE, Image::id(into), row, set);
    let what = What::MergeDepartment { id, into, keep: *keep };
    Ok(going.leaving(portal, title, what, notes, others, last))
}

/// Plans to move the members of a department, or only these accounts among them.
///
/// # Errors
/// Invalid, on the field `to`, for one and the same department; conflict, when one of them is gone; what the engine
/// says.
pub async fn move_members(portal: &Portal, id: i64, only: Option<&[i64]>, to: To) -> Result<Leaving> {
    let mut going = Going::read(portal, id, to).await?;
    if let (Some(users), Some(rows)) = (only, &mut going.profiles) {
        let mut profiles = profiles(portal, users).await?;
        rows.retain(|id| profiles.contains_key(&id));
        profiles.retain(|id, _| rows.has(*id));
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let active = profiles.values().filter(|is_active| **is_active).count();
        going.members = Members { all: count(profiles.len()), active: count(active) };
    }
    let who = counted(going.people(), "member");
    let target = going.into.as_ref().map_or("no department", |into| into.name.as_str());
    let title = format!("Move {who} of {} to {target}", going.from.name);
    let notes = going.inactive(going.into.as_ref().is_none_or(|into| into.is_active)).into_iter().collect();
    Ok(going.leaving(portal, title, What::MoveMembers { id, to }, notes, Vec::new(), Plan::default()))
}

impl Going {
    async fn read(portal: &Portal, id: i64, to: To) -> Result<Self> {
        let from = department(portal, id).await?;
        if to == To::Department(id) {
            let message =
                format!("They are in {} already; nothing was written. Name another department.", from.name);
            return Err(Error::field(Kind::Invalid, "to", message));
        }
        let into = match to {
            To::Department(id) => Some(department(portal, id).await?),
            To::Nowhere => None,
        };
        let profiles = if portal.schema.has(PROFILES, PROFILE_COLUMN) {
            Some(Rows::of(portal, (PROFILES, PROFILE_COLUMN), id, Fate::Refer(to.id())).await?)
        } else {
            None
        };
        let members = members::of(portal, id).await?.unwrap_or_default();
        Ok(Self { from, into, to, members, profiles })
    }

    /// How many profiles turn.
    fn people(&self) -> usize {
        self.profiles.as_ref().map_or(0, Rows::len)
    }

    /// Who goes where, in a sentence.
    fn where_to(&self) -> Option<String> {
        let people = self.people();
        let inactive = self.members.all - self.members.active;
        let inactive = if inactive > 0 { format!(", {inactive} of them inactive,") } else { String::new() };
        let target = match (&self.into, people) {
            (_, 0) => return None,
            (Some(into), 1) => format!("moves to {}", into.name),
            (Some(into), _) => format!("move to {}", into.name),
            (None, 1) => "is left without a department".to_owned(),
            (None, _) => "are left without a department".to_owned(),
        };
        Some(format!("{} of {}{inactive} {target}.", counted(people, "member"), self.from.name))
    }

    /// Says when profiles that belong to nobody are among them.
    fn orphans(&self) -> Vec<String> {
        match self.people().saturating_sub(usize::try_from(self.members.all).unwrap_or(0)) {
            0 => Vec::new(),
            orphans => {
                vec![format!("{} among them without an account (PRF-003).", counted(orphans, "profile"))]
            }
        }
    }

    /// Says when the department that they go to is inactive in the end.
    fn inactive(&self, is_active: bool) -> Option<String> {
        let into = self.into.as_ref().filter(|_| !is_active && self.people() > 0)?;
        Some(format!("{} is inactive: forms leave it out, and its members with it (DEP-001).", into.name))
    }

    fn leaving(
        self,
        portal: &Portal,
        title: String,
        what: What,
        notes: Vec<String>,
        others: Vec<Rows>,
        last: Plan,
    ) -> Leaving {
        let notes = self.where_to().into_iter().chain(notes).collect();
        let needs = std::iter::once(self.from.id).chain(self.to.id()).map(|id| (TABLE, id)).collect();
        let (name, people, last) = (self.from.name, self.profiles, last.steps);
        Leaving::new(portal, Wanted { title, name, notes, what, needs, people, others, last })
    }
}

async fn department(portal: &Portal, id: i64) -> Result<Department> {
    by_id(portal, id).await?.ok_or_else(|| {
        Error::conflict(format!("There is no department with id {id} any more; nothing was written."))
    })
}

/// What else than its members refers to a department, where there are rows.
///
/// # Errors
/// What the engine says.
pub(super) async fn elsewhere(portal: &Portal, id: i64) -> Result<Vec<Referring>> {
    referring::elsewhere(portal, TABLE, id, &[(PROFILES, PROFILE_COLUMN)]).await
}

/// Refuses to merge where something refers to both that only one of them may have: what each is worth nobody here knows.
async fn refuse_torn(portal: &Portal, (goes, stays): (&Department, &Department)) -> Result<()> {
    let own = elsewhere(portal, goes.id).await?.into_iter().find(|one| one.table == TABLE);
    if let Some(own) = own {
        return Err(Error::conflict(format!(
            "{} can't be merged: departments refer to it ({}). Nothing was written; change those first.",
            goes.name, own.column
        )));
    }
    for one in references::exclusive(&portal.schema, TABLE, &[PROFILES]) {
        let column = &one.table.column(one.column).map(|column| column.name.clone());
        let Some(column) = column else { continue };
        let mut sql =
            Sql::new("SELECT 1 FROM ").ident(&one.table.name).push(" g JOIN ").ident(&one.table.name);
        sql = sql.push(" s ON s.").ident(column).push_bind(" = ?", stays.id);
        for other in one.with.iter().filter_map(|name| one.table.column(name)) {
            // NULLs are never equal to the engine.
            sql = sql.push(" AND s.").ident(&other.name).push(" = g.").ident(&other.name);
        }
        sql = sql.push(" WHERE g.").ident(column).push_bind(" = ? LIMIT 1", goes.id);
        if portal.db.optional(sql).await?.is_some() {
            return Err(Error::conflict(format!(
                "{} and {} both have a row in {}, where only one of them can follow ({}). Nothing was written; decide \
                 about those rows in the portal first.",
                goes.name,
                stays.name,
                one.table.name.as_str(),
                one.column
            )));
        }
    }
    Ok(())
}

/// The ids of the profiles of these accounts, and whether each account is active.
async fn profiles(portal: &Portal, users: &[i64]) -> Result<BTreeMap<i64, bool>> {
    let mut found = BTreeMap::new();
    for part in users.chunks(MOST_ROWS) {
        let sql = Sql::new("SELECT p.id, u.is_active FROM core_userprofile p ")
            .push("JOIN auth_user u ON u.id = p.user_id WHERE p.user_id")
            .among(part.iter().copied());
        for row in portal.db.all(sql).await? {
            found.insert(row.int(0)?, row.bool(1)?);
        }
    }
    Ok(found)
}

/// `1 member`, `12 members`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
