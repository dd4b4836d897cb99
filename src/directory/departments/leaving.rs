//! People leave a department: because it is deleted, because it becomes one with another, or because they are moved. What
//! is more than one transaction takes is several plans, made one after the other from rows read then; the department
//! itself goes with the last one.
//!
//! Who joins the department meanwhile was shown to nobody: then it stays, and what was moved before is taken back.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use crate::change::references;
use crate::change::{Image, MOST_ROWS, Outcome, Plan, Plans, Require, Step, Value, Watch, Writer};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::directory::referring::Referring;
use crate::error::{Error, Kind, Result};
use crate::portal::department::Department;
use crate::portal::forms;

use super::members::{self, Member, Members};
use super::turning::{self, To, Turning};
use super::{TABLE, by_id, edit};

const PROFILES: &str = "core_userprofile";
const PROFILE_COLUMN: &str = "department_id";
/// How many of those who joined meanwhile are named.
const NAMED: i64 = 5;

/// Whose value of a field stays when two departments become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// That of the department that stays.
    #[default]
    Stays,
    /// That of the department that goes.
    Goes,
}

/// Which values stay when two departments become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Whose name.
    pub name: Side,
    /// Whose description; where nobody says, the one that there is.
    pub description: Option<Side>,
    /// Whose state.
    pub is_active: Side,
}

impl Keep {
    /// Whose value of this field stays, of these two departments.
    #[must_use]
    pub fn side(&self, field: &str, goes: &Department, stays: &Department) -> Side {
        match field {
            "name" => self.name,
            "is_active" => self.is_active,
            _ if stays.description.trim().is_empty() && !goes.description.trim().is_empty() => {
                self.description.unwrap_or(Side::Goes)
            }
            _ => self.description.unwrap_or_default(),
        }
    }
}

/// A field's value in words.
#[must_use]
pub fn value_in_words(department: &Department, field: &str) -> String {
    match field {
        "name" => department.name.clone(),
        "is_active" if department.is_active => "active".to_owned(),
        "is_active" => "inactive".to_owned(),
        _ if department.description.trim().is_empty() => "none".to_owned(),
        _ => department.description.clone(),
    }
}

/// What is left behind with a field's value; nothing where there is none.
#[must_use]
pub fn left_in_words(department: &Department, field: &str) -> Option<String> {
    match field {
        "name" => Some(format!("the name '{}'", department.name)),
        "is_active" => Some(format!("that it was {}", value_in_words(department, field))),
        _ if department.description.trim().is_empty() => None,
        _ => Some(format!("the description '{}'", department.description.trim())),
    }
}

/// What a department leaves behind, and what becomes of it.
#[derive(Clone)]
pub struct Leaving {
    portal: Portal,
    /// What is done, in words.
    title: String,
    /// The department that people leave.
    pub from: Department,
    /// The department that they go to; none where they are left without.
    pub into: Option<Department>,
    /// Who is in it, where this portal says so.
    pub members: Members,
    /// What nobody keeps of two departments that become one, in words.
    pub left_behind: Vec<String>,
    to: To,
    turning: Vec<Turning>,
    end: Option<End>,
    plans: usize,
    made: usize,
}

/// What happens to the departments themselves.
#[derive(Clone)]
struct End {
    goes: Image,
    stays: Option<(Image, Vec<(&'static str, Cell)>)>,
}

impl End {
    /// How many rows of departments are written.
    fn rows(&self) -> usize {
        1 + usize::from(self.stays.as_ref().is_some_and(|(_, set)| !set.is_empty()))
    }
}

impl Leaving {
    /// A department is deleted; `to` says where its members go, and need not be said of one without any.
    ///
    /// # Errors
    /// Invalid, on the field `members`, where nobody says where they go; conflict, when the department is gone or rows of
    /// other tables refer to it; what the engine says.
    pub async fn delete(portal: &Portal, id: i64, to: Option<To>) -> Result<Self> {
        let goes = edit::row(portal, id).await?;
        let from = department(portal, id).await?;
        let title = format!("Delete department {}", from.name);
        let mut leaving = Self::new(portal, title, from, to.unwrap_or(To::Nowhere)).await?;
        if let (None, people) = (to, leaving.people())
            && people > 0
        {
            let message = format!(
                "{} has {}: say where they go, or that they are left without a department. Nothing was written.",
                leaving.from.name,
                counted(people, "member")
            );
            return Err(Error::field(Kind::Invalid, "members", message));
        }
        let others = others(portal, id).await?;
        if !others.is_empty() {
            let held: Vec<String> = others.iter().map(in_words).collect();
            return Err(Error::conflict(format!(
                "{} can't be deleted: {}, referring to it. Nothing was written. Merge it into another department, which \
                 they follow, or deactivate it.",
                leaving.from.name,
                held.join(", ")
            )));
        }
        leaving.end = Some(End { goes, stays: None });
        Ok(leaving.numbered())
    }

    /// A department becomes one with another: its members and whatever else refers to it follow.
    ///
    /// # Errors
    /// Invalid, on the field `into`, for one and the same department; conflict, when one of them is gone, or where the
    /// catalogue lets only one row refer to a department and both have one; what the engine says.
    pub async fn merge(portal: &Portal, id: i64, into: i64, keep: &Keep) -> Result<Self> {
        let (goes, from) = (edit::row(portal, id).await?, department(portal, id).await?);
        if id == into {
            let message = format!(
                "{} can't be merged into itself; nothing was written. Name two departments.",
                from.name
            );
            return Err(Error::field(Kind::Invalid, "into", message));
        }
        let (row, stays) = (edit::row(portal, into).await?, department(portal, into).await?);
        let title = format!("Merge department {} into {}", from.name, stays.name);
        let (mut set, mut left_behind) = (Vec::new(), Vec::new());
        for field in forms::DEPARTMENT.iter().filter(|field| portal.schema.has(TABLE, field.name)) {
            let (was, is) = (goes.get(field.name), row.get(field.name));
            if was == is {
                continue;
            }
            let side = keep.side(field.name, &from, &stays);
            if let (Side::Goes, Some(cell)) = (side, was) {
                set.push((field.name, cell.clone()));
            }
            left_behind.extend(left_in_words(if side == Side::Goes { &stays } else { &from }, field.name));
        }
        refuse_torn(portal, (&from, &stays)).await?;
        let mut leaving = Self::new(portal, title, from, To::Department(into)).await?;
        leaving.turning.extend(others(portal, id).await?);
        leaving.left_behind = left_behind;
        leaving.end = Some(End { goes, stays: Some((row, set)) });
        Ok(leaving.numbered())
    }

    /// The members of a department are moved, or only these accounts among them.
    ///
    /// # Errors
    /// Invalid, on the field `to`, for one and the same department; conflict, when one of them is gone; what the engine
    /// says.
    pub async fn members(portal: &Portal, id: i64, only: Option<&[i64]>, to: To) -> Result<Self> {
        let from = department(portal, id).await?;
        let mut leaving = Self::new(portal, String::new(), from, to).await?;
        if let (Some(users), Some(turning)) = (only, leaving.turning.first_mut()) {
            let mut profiles = profiles(portal, users).await?;
            turning.retain(|id| profiles.contains_key(&id));
            profiles.retain(|id, _| turning.has(*id));
            let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            let active = profiles.values().filter(|is_active| **is_active).count();
            leaving.members = Members { all: count(profiles.len()), active: count(active) };
        }
        let who = counted(leaving.people(), "member");
        let target = leaving.into.as_ref().map_or("no department", |into| into.name.as_str());
        leaving.title = format!("Move {who} of {} to {target}", leaving.from.name);
        Ok(leaving.numbered())
    }

    async fn new(portal: &Portal, title: String, from: Department, to: To) -> Result<Self> {
        if to == To::Department(from.id) {
            let message =
                format!("They are in {} already; nothing was written. Name another department.", from.name);
            return Err(Error::field(Kind::Invalid, "to", message));
        }
        let into = match to {
            To::Department(id) => Some(department(portal, id).await?),
            To::Nowhere => None,
        };
        let turning = if portal.schema.has(PROFILES, PROFILE_COLUMN) {
            vec![Turning::of(portal, PROFILES, PROFILE_COLUMN, from.id).await?]
        } else {
            Vec::new()
        };
        let members = members::of(portal, from.id).await?.unwrap_or_default();
        let (portal, left_behind) = (portal.clone(), Vec::new());
        Ok(Self {
            portal,
            title,
            from,
            into,
            members,
            left_behind,
            to,
            turning,
            end: None,
            plans: 0,
            made: 0,
        })
    }

    /// The same, now that it is known how many plans it takes.
    fn numbered(mut self) -> Self {
        let rows: usize = self.turning.iter().map(Turning::len).sum();
        let end = self.end.as_ref().map_or(0, End::rows);
        let (full, rest) = (rows / MOST_ROWS, rows % MOST_ROWS);
        self.plans = match rest + end {
            0 => full,
            more if more <= MOST_ROWS => full + 1,
            _ => full + 2,
        };
        self
    }

    /// The same with another handle of the portal, such as one that can be cancelled.
    #[must_use]
    pub fn over(self, portal: &Portal) -> Self {
        Self { portal: portal.clone(), ..self }
    }

    /// What is done, in words: `Merge department Sales into IT`.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// How many rows would be written.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.turning.iter().map(Turning::len).sum::<usize>() + self.end.as_ref().map_or(0, End::rows)
    }

    /// How many profiles turn.
    #[must_use]
    pub fn people(&self) -> usize {
        self.turning.first().filter(|turning| turning.table == PROFILES).map_or(0, Turning::len)
    }

    /// Whether it all goes together: where a department goes, all of its people have to be somewhere else.
    #[must_use]
    pub const fn is_together(&self) -> bool {
        self.end.is_some()
    }

    /// What it means beyond its rows, in sentences.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let people = self.people();
        let orphans = people.saturating_sub(usize::try_from(self.members.all).unwrap_or(0));
        if people > 0 {
            let inactive = self.members.all - self.members.active;
            let inactive =
                if inactive > 0 { format!(", {inactive} of them inactive,") } else { String::new() };
            let target = match (&self.into, people) {
                (Some(into), 1) => format!("moves to {}", into.name),
                (Some(into), _) => format!("move to {}", into.name),
                (None, 1) => "is left without a department".to_owned(),
                (None, _) => "are left without a department".to_owned(),
            };
            notes.push(format!("{} of {}{inactive} {target}.", counted(people, "member"), self.from.name));
        }
        if orphans > 0 && self.is_together() {
            notes.push(format!("{} among them without an account (PRF-003).", counted(orphans, "profile")));
        }
        for turning in self.turning.iter().filter(|turning| turning.table != PROFILES && turning.len() > 0) {
            let follow = if turning.len() == 1 { "follows" } else { "follow" };
            notes.push(format!("{}, which {follow}.", in_words(turning)));
        }
        notes.extend(self.left_behind.iter().map(|left| format!("Left behind: {left}.")));
        if let Some(into) = self.into.as_ref().filter(|into| !self.becomes_active(into) && people > 0) {
            notes.push(format!(
                "{} is inactive: forms leave it out, and its members with it (DEP-001).",
                into.name
            ));
        }
        notes
    }

    /// Whether the department they go to is active in the end.
    fn becomes_active(&self, into: &Department) -> bool {
        let set = self.end.as_ref().and_then(|end| end.stays.as_ref()).map(|(_, set)| set);
        let given = set.and_then(|set| set.iter().find(|(name, _)| *name == "is_active"));
        given.map_or(into.is_active, |(_, cell)| cell.as_bool() == Some(true))
    }

    /// The first plan, to be shown: what comes behind it is more of the same.
    ///
    /// # Errors
    /// As applying it.
    pub async fn first_plan(&self) -> Result<Plan> {
        Ok(self.clone().plan().await?.unwrap_or_else(|| Plan::new(self.title.clone())))
    }

    /// All plans, as they would be made now: for a dry run.
    ///
    /// # Errors
    /// As applying it.
    pub async fn all_plans(&self) -> Result<Vec<Plan>> {
        let (mut again, mut plans) = (self.clone(), Vec::new());
        while let Some(plan) = again.plan().await? {
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Asks the guards about all of it, a plan at a time, so that a person learns of a refusal before the review.
    ///
    /// # Errors
    /// Denied, with the reason; what the engine says.
    pub async fn check(&self) -> Result<()> {
        let portal = &self.portal;
        if portal.read_only.is_some() {
            // It is said before anybody gets here.
            return Ok(());
        }
        let (writer, mut again) = (portal.writer()?, self.clone());
        while let Some(plan) = again.plan().await? {
            writer.check(&[plan]).await?;
        }
        Ok(())
    }

    /// Does it, as one run. Where a department goes, it is all of it or nothing.
    ///
    /// # Errors
    /// Why it was refused; then everything is as before. [`Kind::Interrupted`], naming the run, when a part stands.
    pub async fn apply(mut self, writer: &Writer, watch: &Watch) -> Result<Outcome> {
        let title = self.title.clone();
        if self.plans < 2 {
            let plan = self.plan().await?.unwrap_or_else(|| Plan::new(title));
            return writer.apply(plan).await;
        }
        if self.is_together() {
            writer.all_or_nothing_of(&title, &mut self, watch).await
        } else {
            writer.run(&title, &mut self, watch).await
        }
    }

    async fn plan(&mut self) -> Result<Option<Plan>> {
        if self.made == self.plans {
            return Ok(None);
        }
        let portal = self.portal.clone();
        self.made += 1;
        // Between the first plan and the last one nothing is gained by looking.
        if self.is_together() && [1, self.plans].contains(&self.made) {
            self.refuse_joined(&portal).await?;
        }
        let number =
            if self.plans > 1 { format!(" ({} of {})", self.made, self.plans) } else { String::new() };
        let mut plan = Plan::new(format!("{}{number}", self.title));
        for department in std::iter::once(self.from.id).chain(self.to.id()) {
            let (table, key) = (TABLE.to_owned(), Image::id(department));
            plan.require.push(Require::Row { table, key });
        }
        let mut room = MOST_ROWS;
        for turning in &mut self.turning {
            turning.next(&portal, (self.from.id, self.to), &mut room, &mut plan).await?;
        }
        if self.made == self.plans {
            plan.steps.extend(self.last_steps());
        }
        Ok(Some(plan))
    }

    /// What happens to the departments themselves, after everything else.
    #[must_use]
    pub fn last_steps(&self) -> Vec<Step> {
        let mut plan = Plan::default();
        let Some(end) = &self.end else { return plan.steps };
        plan.delete(TABLE, Image::id(self.from.id), end.goes.clone());
        if let Some((before, set)) = &end.stays {
            let key = Image::id(before.int("id").unwrap_or_default());
            let set = set.iter().map(|(name, cell)| (*name, Value::Cell(cell.clone()))).collect();
            // Behind the delete: its name may be the one that stays.
            plan.update(TABLE, key, before.clone(), set);
        }
        plan.steps
    }

    /// Refuses when somebody is in the department who was not when this was begun. Applying the last plan looks once
    /// more, under lock.
    async fn refuse_joined(&self, portal: &Portal) -> Result<()> {
        let Some(turning) = self.turning.first().filter(|turning| turning.table == PROFILES) else {
            return Ok(());
        };
        let now = turning::keys(portal, PROFILES, PROFILE_COLUMN, self.from.id).await?;
        let joined: Vec<i64> =
            now.iter().filter_map(|key| key.int("id")).filter(|id| !turning.has(*id)).collect();
        if joined.is_empty() {
            return Ok(());
        }
        let who = names_of(portal, &joined).await?;
        let names: Vec<&str> = who.iter().map(|member| member.username.as_str()).collect();
        let who = match joined.len().saturating_sub(names.len()) {
            0 => names.join(", "),
            more if names.is_empty() => counted(more, "profile"),
            more => format!("{} and {more} more", names.join(", ")),
        };
        Err(Error::conflict(format!(
            "{who} joined {} meanwhile, and nobody was asked about that; nothing was written. Look again.",
            self.from.name
        )))
    }
}

impl Plans for Leaving {
    fn planned(&self) -> Option<u64> {
        Some(self.plans as u64)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(self.plan())
    }
}

async fn department(portal: &Portal, id: i64) -> Result<Department> {
    by_id(portal, id).await?.ok_or_else(|| {
        Error::conflict(format!("There is no department with id {id} any more; nothing was written."))
    })
}

/// What other tables than the profiles' hold that refers to a department, by the catalogue; nothing of what is empty.
async fn others(portal: &Portal, id: i64) -> Result<Vec<Turning>> {
    let mut found: Vec<Turning> = Vec::new();
    for key in portal.schema.references_to(TABLE).filter(|key| key.to_column == "id") {
        let known = found.iter().any(|it| (&it.table, &it.column) == (&key.table, &key.column));
        if known || (key.table.as_str(), key.column.as_str()) == (PROFILES, PROFILE_COLUMN) {
            continue;
        }
        let turning = Turning::of(portal, &key.table, &key.column, id).await?;
        if turning.len() > 0 {
            found.push(turning);
        }
    }
    Ok(found)
}

/// `core_complaint holds 12 rows (department_id)`
fn in_words(turning: &Turning) -> String {
    format!("{} holds {} ({})", turning.table, counted(turning.len(), "row"), turning.column)
}

/// What else than its members refers to a department, where there are rows.
///
/// # Errors
/// What the engine says.
pub(super) async fn elsewhere(portal: &Portal, id: i64) -> Result<Vec<Referring>> {
    let found = others(portal, id).await?.into_iter().map(|turning| Referring {
        rows: i64::try_from(turning.len()).unwrap_or(i64::MAX),
        table: turning.table,
        column: turning.column,
        goes_along: false,
    });
    Ok(found.collect())
}

/// Refuses to merge where something refers to both that only one of them may have: what each is worth nobody here knows.
async fn refuse_torn(portal: &Portal, (goes, stays): (&Department, &Department)) -> Result<()> {
    let own = others(portal, goes.id).await?.into_iter().find(|turning| turning.table == TABLE);
    if let Some(turning) = own {
        return Err(Error::conflict(format!(
            "{} can't be merged: departments refer to it ({}). Nothing was written; change those first.",
            goes.name, turning.column
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

/// Whose some of these profiles are.
async fn names_of(portal: &Portal, profiles: &[i64]) -> Result<Vec<Member>> {
    let some = profiles.iter().take(usize::try_from(NAMED).unwrap_or(0)).copied();
    let sql = Sql::new("SELECT u.id, u.username, u.is_active FROM core_userprofile p ")
        .push("JOIN auth_user u ON u.id = p.user_id WHERE p.id")
        .among(some)
        .push(" ORDER BY u.username, u.id");
    let rows = portal.db.all(sql).await?;
    rows.iter()
        .map(|row| Ok(Member { id: row.int(0)?, username: row.text(1)?, is_active: row.bool(2)? }))
        .collect()
}

/// `1 member`, `12 members`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
