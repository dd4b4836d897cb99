//! PRF-002: users with more than one profile, and how several become one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, MOST_ROWS, Plan, Purpose, Require, Step, Value};
use crate::db::schema::{ColumnKind, Table};
use crate::db::{Cell, Sql, parse_time};
use crate::directory::Portal;
use crate::error::{Error, Result};

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct DuplicateProfiles;

static ABOUT: About = About {
    id: "PRF-002",
    severity: Severity::Error,
    title: "user has several profiles",
    why: "The portal expects one profile and fails for these accounts, or shows now one and now the other.",
    cause: "The profile inline of Django's add form inserts a second profile beside the signal's, where the unique \
            index on user_id is missing.",
    remedy: "Keeps the oldest profile and gives it what the others know; no value is lost, and the journal keeps the \
             others.",
    choice: "The profiles differ, or the portal id belongs to another user too: someone has to say which value stays.",
    needs: &[("auth_user", &["id", "username"]), ("core_userprofile", &["id", "user_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::DuplicateProfiles,
    rows_each: 2,
};

impl Check for DuplicateProfiles {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn find<'a>(&'a self, scan: &'a Scan<'a>) -> BoxFuture<'a, Result<Vec<Found>>> {
        Box::pin(find(scan))
    }

    fn rows<'a>(
        &'a self,
        portal: &'a Portal,
        subjects: &'a [Subject],
    ) -> BoxFuture<'a, Result<Vec<FindingRow>>> {
        Box::pin(rows(portal, subjects))
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    fn parts<'a>(&'a self, portal: &'a Portal, subjects: &'a [Subject]) -> BoxFuture<'a, Result<Vec<Part>>> {
        Box::pin(parts(portal, subjects))
    }
}

/// A column in which profiles of one user differ: each profile's id and value, those that are not blank.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The column.
    pub column: String,
    /// Profile id and value, the oldest profile first.
    pub values: Vec<(i64, Cell)>,
    /// The profile whose value stays where nobody says otherwise: the newest.
    pub newest: i64,
}

/// Which profile's value stays, by column.
pub type Choices = BTreeMap<String, i64>;

/// Who has several profiles is gathered once by the engine, whether or not `user_id` is indexed; the rows come by user.
const WITH_SEVERAL: &str = " JOIN (SELECT user_id AS several FROM core_userprofile GROUP BY user_id HAVING COUNT(*) > 1) d \
     ON d.several = core_userprofile.user_id \
     WHERE EXISTS (SELECT 1 FROM auth_user u WHERE u.id = core_userprofile.user_id) ORDER BY user_id, id";

/// The users with several profiles, sorted by what their merge would do.
#[derive(Default)]
struct Sorted {
    safe: Vec<Subject>,
    /// Safe, unless another user has the same portal id.
    with_portal_id: Vec<Subject>,
    portal_ids: Vec<String>,
    choose: Vec<Subject>,
}

impl Sorted {
    fn add(&mut self, table: &Table, profiles: &[Image]) {
        let Some(user) = profiles.first().and_then(user_of) else { return };
        let subjects = if !differing(table, profiles).is_empty() {
            &mut self.choose
        } else if let Some((_, cell)) = said(profiles, "main_portal_id").first() {
            self.portal_ids.extend(cell.as_text().map(str::to_owned));
            &mut self.with_portal_id
        } else {
            &mut self.safe
        };
        subjects.push(Subject::of(user));
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    scan.progress(0, 1);
    let portal = scan.portal;
    let table = images::table(&portal.schema, "core_userprofile")?;
    let mut sorted = Sorted::default();
    let mut profiles: Vec<Image> = Vec::new();
    let mut rows = portal.db.stream(images::select(portal.dialect(), table).push(WITH_SEVERAL));
    while let Some(row) = rows.recv().await {
        let image = images::image(portal.dialect(), table, &row?)?;
        if profiles.first().is_some_and(|first| user_of(first) != user_of(&image)) {
            sorted.add(table, &profiles);
            profiles.clear();
        }
        profiles.push(image);
    }
    sorted.add(table, &profiles);
    let Sorted { mut safe, with_portal_id, portal_ids, mut choose } = sorted;
    let contested = contested(portal, &portal_ids).await?;
    for subject in with_portal_id {
        if contested.contains(&subject.id) { choose.push(subject) } else { safe.push(subject) }
    }
    safe.sort_unstable();
    choose.sort_unstable();
    scan.progress(1, 1);
    let automatic = Found::each(&ABOUT, Class::Automatic, safe);
    Ok(automatic.into_iter().chain(Found::each(&ABOUT, Class::Choose, choose)).collect())
}

fn user_of(image: &Image) -> Option<i64> {
    image.int("user_id")
}

/// Portal ids in one statement, which goes through the table twice: since core 0004 the column has no index. Grouping the
/// whole table instead took MariaDB seven times as long, measured at a million profiles.
const PORTAL_IDS_AT_ONCE: usize = 10_000;

/// The users who have one of these portal ids that another user has too, by the engine's own equality.
async fn contested(portal: &Portal, portal_ids: &[String]) -> Result<BTreeSet<i64>> {
    let mut users = BTreeSet::new();
    for part in portal_ids.chunks(PORTAL_IDS_AT_ONCE) {
        let sql = Sql::new(
            "SELECT DISTINCT p.user_id FROM core_userprofile p JOIN \
             (SELECT main_portal_id AS shared FROM core_userprofile WHERE main_portal_id",
        );
        let sql = sql.among(part.iter().map(String::as_str)).push(
            " GROUP BY main_portal_id HAVING MIN(COALESCE(user_id, 0)) <> MAX(COALESCE(user_id, 0))) d \
             ON d.shared = p.main_portal_id WHERE p.user_id IS NOT NULL",
        );
        let mut rows = portal.db.stream(sql);
        while let Some(row) = rows.recv().await {
            users.extend(row?.int_opt(0).ok().flatten());
        }
    }
    Ok(users)
}

/// The columns that are compared: never keys, times, or what the engine computes.
fn compared(table: &Table) -> impl Iterator<Item = &str> {
    table
        .columns
        .iter()
        .filter(|column| column.kind != ColumnKind::Time && !column.generated)
        .map(|column| column.name.as_str())
        .filter(|name| *name != "user_id" && !table.primary_key.iter().any(|key| key == name))
}

/// When a profile was last saved, then its id: the greatest is the newest.
fn age(image: &Image) -> (Option<DateTime<Utc>>, i64) {
    (image.text("updated_at").and_then(parse_time), image.int("id").unwrap_or_default())
}

/// What the profiles say in this column, the blank ones left out.
fn said<'a>(profiles: &'a [Image], column: &str) -> Vec<(&'a Image, &'a Cell)> {
    let cells = profiles.iter().filter_map(|image| Some((image, image.get(column)?)));
    cells.filter(|(_, cell)| !super::is_blank(cell)).collect()
}

/// The columns in which at least two of the profiles say different things.
fn differing(table: &Table, profiles: &[Image]) -> Vec<Difference> {
    let mut found = Vec::new();
    for column in compared(table) {
        let said = said(profiles, column);
        if said.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            continue;
        }
        let values: Vec<(i64, Cell)> =
            said.iter().filter_map(|(image, cell)| Some((image.int("id")?, (*cell).clone()))).collect();
        let newest = said.iter().max_by_key(|(image, _)| age(image)).and_then(|(image, _)| image.int("id"));
        found.push(Difference { column: column.to_owned(), values, newest: newest.unwrap_or_default() });
    }
    found
}

/// The profiles of these users, by user, the oldest first.
async fn by_user(portal: &Portal, subjects: &[Subject]) -> Result<BTreeMap<i64, Vec<Image>>> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let users: Vec<Cell> = super::ids(subjects, 0).into_iter().map(Cell::Int).collect();
    let mut found: BTreeMap<i64, Vec<Image>> = BTreeMap::new();
    for image in images::by_column(&mut portal.db.clone(), table, "user_id", &users, Lock::No).await? {
        if let Some(user) = user_of(&image) {
            found.entry(user).or_default().push(image);
        }
    }
    found.retain(|_, profiles| profiles.len() > 1);
    Ok(found)
}

async fn rows(portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
    let profiles = by_user(portal, subjects).await?;
    let names = super::usernames(portal, &profiles.keys().copied().collect::<Vec<_>>()).await?;
    let mut rows = Vec::new();
    for (user, profiles) in profiles {
        let Some(name) = names.get(&user) else { continue };
        for image in profiles {
            let Some(id) = image.int("id") else { continue };
            rows.push(FindingRow {
                subject: Subject::of(user),
                table: "core_userprofile".into(),
                key: Image::id(id),
                user_id: Some(user),
                username: Some(name.clone()),
                text: format!("profile #{id} of {}: {}", super::quoted(name), super::contents(&image)),
            });
        }
    }
    Ok(rows)
}

async fn parts(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let profiles = by_user(portal, subjects).await?;
    let names = super::usernames(portal, &profiles.keys().copied().collect::<Vec<_>>()).await?;
    // That the merged portal id is nobody else's is seen to under lock, as for every portal id that is given out.
    let safe: Vec<(i64, &Vec<Image>)> = profiles
        .iter()
        .filter(|(user, profiles)| names.contains_key(user) && differing(table, profiles).is_empty())
        .map(|(user, profiles)| (*user, profiles))
        .collect();
    let referring = referring(portal, safe.iter().flat_map(|(_, profiles)| &profiles[1..])).await?;
    let mut parts = Vec::with_capacity(safe.len());
    for (user, profiles) in safe {
        let name = names.get(&user).map(|name| super::quoted(name)).unwrap_or_default();
        let steps = merge_steps(table, profiles, &Choices::new(), &referring);
        parts.push(Part {
            subject: Subject::of(user),
            title: format!("Merge {} profiles of {name}", profiles.len()),
            steps,
            require: vec![user_is_there(user)],
        });
    }
    Ok(parts)
}

fn user_is_there(user: i64) -> Require {
    Require::Row { table: "auth_user".to_owned(), key: Image::id(user) }
}

/// A row of another table that refers to a profile.
struct Referring {
    table: String,
    column: String,
    key: Image,
    before: Image,
    profile: i64,
}

/// The rows that refer to these profiles, by the foreign keys that the catalogue knows.
async fn referring(portal: &Portal, profiles: impl Iterator<Item = &Image>) -> Result<Vec<Referring>> {
    let ids: Vec<Cell> = profiles.filter_map(|image| image.get("id").cloned()).collect();
    let mut found = Vec::new();
    if ids.is_empty() {
        return Ok(found);
    }
    for key in portal.schema.references_to("core_userprofile").filter(|key| key.to_column == "id") {
        let table = images::table(&portal.schema, &key.table)?;
        for before in images::by_column(&mut portal.db.clone(), table, &key.column, &ids, Lock::No).await? {
            let Some(profile) = before.int(&key.column) else { continue };
            found.push(Referring {
                table: key.table.clone(),
                column: key.column.clone(),
                key: images::key_of(table, &before),
                before,
                profile,
            });
        }
    }
    Ok(found)
}

/// What refers to a loser is turned to the keeper; the losers go before the keeper takes over their values, because a
/// legacy portal's index keeps portal ids unique (core 0003).
fn merge_steps(table: &Table, profiles: &[Image], choices: &Choices, referring: &[Referring]) -> Vec<Step> {
    let Some((keeper, losers)) = profiles.split_first() else { return Vec::new() };
    let keeper_id = keeper.int("id").unwrap_or_default();
    let lost: BTreeSet<i64> = losers.iter().filter_map(|image| image.int("id")).collect();
    let mut plan = Plan::default();
    for row in referring.iter().filter(|row| lost.contains(&row.profile)) {
        let set = vec![(row.column.as_str(), Value::Cell(Cell::Int(keeper_id)))];
        plan.update(&row.table, row.key.clone(), row.before.clone(), set);
    }
    for loser in losers {
        plan.delete("core_userprofile", images::key_of(table, loser), loser.clone());
    }
    let mut set: Vec<(&str, Value)> = Vec::new();
    for column in compared(table) {
        if let Some(cell) = kept(profiles, column, choices)
            && keeper.get(column) != Some(cell)
        {
            set.push((column, Value::Cell(cell.clone())));
        }
    }
    if table.column("updated_at").is_some() {
        set.push(("updated_at", Value::Now));
    }
    plan.update("core_userprofile", images::key_of(table, keeper), keeper.clone(), set);
    plan.steps
}

/// The value that stays: the chosen profile's, else the newest that is not blank.
fn kept<'a>(profiles: &'a [Image], column: &str, choices: &Choices) -> Option<&'a Cell> {
    if let Some(chosen) = choices.get(column) {
        return profiles.iter().find(|image| image.int("id") == Some(*chosen))?.get(column);
    }
    said(profiles, column).into_iter().max_by_key(|(image, _)| age(image)).map(|(_, cell)| cell)
}

/// What has to be decided before this user's profiles can become one; nothing when they say the same.
///
/// # Errors
/// What the engine says.
pub async fn differences(portal: &Portal, user: i64) -> Result<Vec<Difference>> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let profiles = by_user(portal, &[Subject::of(user)]).await?.remove(&user).unwrap_or_default();
    Ok(differing(table, &profiles))
}

/// The plan that makes one profile of a user's several, with the values of the profiles chosen; where nothing is chosen
/// the newest value stays.
///
/// # Errors
/// A conflict, when the user has not several profiles or the plan would be too large; what the engine says.
pub async fn merge(portal: &Portal, user: i64, choices: &Choices) -> Result<Plan> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let names = super::usernames(portal, &[user]).await?;
    let profiles = by_user(portal, &[Subject::of(user)]).await?.remove(&user);
    let (Some(name), Some(profiles)) = (names.get(&user), profiles) else {
        return Err(Error::conflict(format!(
            "User #{user} does not have several profiles any more; nothing was written."
        )));
    };
    let referring = referring(portal, profiles[1..].iter()).await?;
    let mut plan =
        Plan::new(format!("{}: merge {} profiles of {}", ABOUT.id, profiles.len(), super::quoted(name)));
    plan.purpose = Purpose::Repair;
    plan.steps = merge_steps(table, &profiles, choices, &referring);
    plan.require = vec![user_is_there(user)];
    if plan.steps.len() > MOST_ROWS {
        return Err(Error::conflict(format!(
            "Merging the profiles of {} takes {} rows, and at most {MOST_ROWS} are written together; nothing was \
             written.",
            super::quoted(name),
            plan.steps.len()
        )));
    }
    Ok(plan)
}
