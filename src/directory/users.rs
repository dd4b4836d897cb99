//! The list of users: pages by keyset at any size, sorted by any column, filtered by words.
//!
//! A page is found in two steps: first the ids in order, then the rows for those ids. Sorting after the joins takes
//! fifty times as long on a million users. Order and equality are always the database's.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::change::rights;
use crate::db::{Cell, Row, Sql};
use crate::error::{Error, Result};
use crate::portal::access::Level;

use super::Portal;
use super::filter::{Filter, LONGEST_WORD, Shape};
use super::narrow::Narrowed;
use super::order::{self, beyond, has_departments, joined, selected};

/// The columns that the list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Column {
    /// Username.
    #[default]
    Username,
    /// First and last name.
    Name,
    /// E-mail address.
    Email,
    /// The department's name; users without one come last.
    Department,
    /// The highest portal group.
    Access,
    /// Django's `last_login`; those who never signed in come last.
    LastLogin,
    /// Django's `date_joined`.
    Joined,
    /// Active or not.
    State,
}

impl Column {
    /// All of them, in the order in which a picker offers them.
    pub const ALL: [Self; 8] = [
        Self::Username,
        Self::Name,
        Self::Email,
        Self::Department,
        Self::Access,
        Self::LastLogin,
        Self::Joined,
        Self::State,
    ];

    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Name => "name",
            Self::Email => "e-mail",
            Self::Department => "department",
            Self::Access => "access",
            Self::LastLogin => "last web login",
            Self::Joined => "joined",
            Self::State => "state",
        }
    }

    /// Whether the expression can be NULL; then it needs more care, and no index can serve.
    pub(super) const fn nullable(self) -> bool {
        matches!(self, Self::Department | Self::Access | Self::LastLogin)
    }

    pub(super) const fn postgres_type(self) -> &'static str {
        match self {
            Self::Username | Self::Name | Self::Email | Self::Department => "text",
            Self::LastLogin | Self::Joined => "timestamp with time zone",
            Self::Access => "bigint",
            Self::State => "boolean",
        }
    }
}

/// Which users, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Whom the list shows.
    pub filter: Filter,
    /// The order.
    pub sort: Column,
    /// The other way round.
    pub descending: bool,
}

impl Query {
    /// The same order with what a filter line lets through.
    #[must_use]
    pub fn filtered(&self, line: &str) -> Self {
        Self { filter: Filter::of(line), ..self.clone() }
    }

    /// Whether every user is let through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.filter.is_open()
    }
}

/// A place in the order: the sorted value and the id of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub(super) key: Cell,
    pub(super) id: i64,
}

impl Place {
    /// The user's id.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.id
    }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum From {
    /// At the first row.
    #[default]
    Start,
    /// So that the last row is on it.
    End,
    /// Behind a row.
    After(Place),
    /// So that it ends before a row.
    Before(Place),
    /// At a row.
    At(Place),
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRow {
    /// The id in `auth_user`.
    pub id: i64,
    /// Username.
    pub username: String,
    /// First and last name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The department's name.
    pub department: Option<String>,
    /// The highest portal group, then the others.
    pub access: Vec<String>,
    /// Django's `last_login`.
    pub last_login: Option<DateTime<Utc>>,
    /// Django's `date_joined`.
    pub date_joined: Option<DateTime<Utc>>,
    /// Whether the account is active.
    pub is_active: bool,
    /// Django's staff flag.
    pub is_staff: bool,
    /// Django's superuser flag.
    pub is_superuser: bool,
    /// How many profiles there are; one is right.
    pub profiles: usize,
    /// The row's place in the order.
    pub place: Place,
}

impl UserRow {
    /// What is not as it should be, in a few words; nothing for a healthy active account.
    #[must_use]
    pub fn state(&self) -> String {
        let mut words = Vec::new();
        if !self.is_active {
            words.push("inactive");
        }
        match self.profiles {
            0 => words.push("no profile"),
            1 => {}
            _ => words.push("several profiles"),
        }
        words.join(", ")
    }
}

/// Some rows of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The rows, in order.
    pub rows: Vec<UserRow>,
    /// No row comes before them.
    pub at_start: bool,
    /// No row comes after them.
    pub at_end: bool,
}

/// As [`page`] from the start or behind a place, but only where its rows are, for those who read them in their own
/// way.
///
/// # Errors
/// What the engine says.
pub async fn places_after(
    portal: &Portal,
    query: &Query,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<Place>> {
    let from = after.map_or(From::Start, From::After);
    order::places(portal, query, &from, false, i64::try_from(limit).unwrap_or(i64::MAX)).await
}

/// One page of at most `limit` rows.
///
/// # Errors
/// What the engine says.
pub async fn page(portal: &Portal, query: &Query, from: &From, limit: usize) -> Result<Page> {
    let backwards = matches!(from, From::End | From::Before(_));
    let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut places = order::places(portal, query, from, backwards, wanted).await?;
    let more = places.len() > limit;
    places.truncate(limit);
    if backwards {
        places.reverse();
    }
    let (at_start, at_end) = match from {
        From::Start => (true, !more),
        From::End => (!more, true),
        From::After(_) | From::At(_) => (false, !more),
        From::Before(_) => (!more, false),
    };
    Ok(Page { rows: details(portal, places).await?, at_start, at_end })
}

/// How many users the filter lets through.
///
/// # Errors
/// What the engine says.
pub async fn count(portal: &Portal, query: &Query) -> Result<i64> {
    if query.is_open() {
        // Even a condition that is always true makes SQLite look at every row.
        return portal.count(Sql::new("SELECT COUNT(*) FROM auth_user")).await;
    }
    let narrowed = Narrowed::of(portal, query).await?;
    if let Some(count) = narrowed.count() {
        return Ok(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let sql = Sql::new("SELECT COUNT(*) FROM auth_user u WHERE 1 = 1");
    portal.count(narrowed.and(portal, sql, query)).await
}

/// How many places one walk along the order takes at once.
const STRETCH: usize = 10_000;

/// Every user whom the filter lets through, in order.
///
/// # Errors
/// What the engine says.
pub async fn ids(portal: &Portal, query: &Query) -> Result<Vec<i64>> {
    if !order::is_indexed(query.sort) {
        // Each stretch would sort all of them again.
        return order::all(portal, query).await;
    }
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let places = places_after(portal, query, after, STRETCH).await?;
        ids.extend(places.iter().map(Place::id));
        match places.last() {
            Some(last) if places.len() == STRETCH => after = Some(last.clone()),
            _ => return Ok(ids),
        }
    }
}

/// How many users come before this one in the order, so that its number can be told.
///
/// # Errors
/// What the engine says.
pub async fn position(portal: &Portal, query: &Query, place: &Place) -> Result<i64> {
    let narrowed = Narrowed::of(portal, query).await?;
    let sql = joined(portal, Sql::new("SELECT COUNT(*) FROM auth_user u"), query).push(" WHERE 1 = 1");
    let sql = narrowed.and(portal, sql, query);
    portal.count(beyond(portal, sql, query, place, true, false)).await
}

/// This user's place in the order; none where the filter leaves them out or they are gone.
///
/// # Errors
/// What the engine says.
pub async fn place(portal: &Portal, query: &Query, id: i64) -> Result<Option<Place>> {
    let narrowed = Narrowed::of(portal, query).await?;
    if narrowed.found().is_some_and(|found| !found.has(id)) {
        return Ok(None);
    }
    let sql = selected(portal, query, false).push_bind(" AND u.id = ?", id);
    let sql = narrowed.and_rest(portal, sql, query, Shape::Each);
    let row = portal.db.optional(sql).await?;
    row.map(|row| Ok(Place { id: row.int(0)?, key: row.cell(1)? })).transpose()
}

/// The rows of these users, in the order given; those that are gone are left out.
///
/// # Errors
/// What the engine says.
pub async fn by_ids(portal: &Portal, ids: &[i64]) -> Result<Vec<UserRow>> {
    let places = ids.iter().map(|id| Place { key: Cell::Null, id: *id }).collect();
    details(portal, places).await
}

async fn details(portal: &Portal, places: Vec<Place>) -> Result<Vec<UserRow>> {
    let ids: Vec<i64> = places.iter().map(|place| place.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        Sql::new("SELECT id, username, first_name, last_name, email, is_active, is_staff, is_superuser, ")
            .time("last_login")
            .push(", ")
            .time("date_joined")
            .push(" FROM auth_user WHERE id IN (")
            .list(ids.iter().copied())
            .push(")");
    let mut users: BTreeMap<i64, Row> = BTreeMap::new();
    for row in portal.db.all(sql).await? {
        users.insert(row.int(0)?, row);
    }
    let profiles = profiles(portal, &ids).await?;
    let mut access = access(portal, &ids).await?;
    places
        .into_iter()
        .filter_map(|place| users.get(&place.id).map(|row| (place, row)))
        .map(|(place, row)| {
            let (first, last) = (row.text(2)?, row.text(3)?);
            let departments = profiles.get(&place.id);
            Ok(UserRow {
                id: place.id,
                username: row.text(1)?,
                name: format!("{first} {last}").trim().to_owned(),
                email: row.text(4)?,
                department: departments.and_then(|found| found.iter().flatten().next().cloned()),
                access: access.remove(&place.id).unwrap_or_default(),
                last_login: row.time(8)?,
                date_joined: row.time(9)?,
                is_active: row.bool(5)?,
                is_staff: row.bool(6)?,
                is_superuser: row.bool(7)?,
                profiles: if portal.has_table("core_userprofile") {
                    departments.map_or(0, Vec::len)
                } else {
                    1
                },
                place,
            })
        })
        .collect()
}

/// For each user the departments of their profiles.
async fn profiles(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, Vec<Option<String>>>> {
    let mut found: BTreeMap<i64, Vec<Option<String>>> = BTreeMap::new();
    if !portal.has_table("core_userprofile") {
        return Ok(found);
    }
    let sql = if has_departments(portal) {
        Sql::new(
            "SELECT p.user_id, d.name FROM core_userprofile p LEFT JOIN core_department d ON d.id = p.department_id",
        )
    } else {
        Sql::new("SELECT p.user_id, NULL FROM core_userprofile p")
    };
    let sql = sql.push(" WHERE p.user_id IN (").list(ids.iter().copied()).push(") ORDER BY p.id");
    for row in portal.db.all(sql).await? {
        found.entry(row.int(0)?).or_default().push(row.text_opt(1)?);
    }
    Ok(found)
}

/// For each user the names of their groups, the highest portal group first.
async fn access(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, Vec<String>>> {
    let mut found: BTreeMap<i64, Vec<(Option<Level>, String)>> = BTreeMap::new();
    let sql = Sql::new("SELECT ug.user_id, g.name, ");
    let sql = rights::level_case(sql, "g.name", &portal.roles)
        .push(" FROM auth_user_groups ug JOIN auth_group g ON g.id = ug.group_id WHERE ug.user_id IN (")
        .list(ids.iter().copied())
        .push(") ORDER BY g.name");
    for row in portal.db.all(sql).await? {
        found.entry(row.int(0)?).or_default().push((rights::level(row.int(2)?), row.text(1)?));
    }
    Ok(found
        .into_iter()
        .map(|(id, mut groups)| {
            groups.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
            (id, groups.into_iter().map(|(_, name)| name).collect())
        })
        .collect())
}

/// The user whom a name on the command line or in a link means: a username by the engine's own equality, or `#31`.
///
/// # Errors
/// Invalid, when there is none.
pub async fn find(portal: &Portal, name: &str) -> Result<i64> {
    let by_id = name.strip_prefix('#').and_then(|id| id.parse::<i64>().ok());
    let sql = match by_id {
        Some(id) => Sql::new("SELECT id FROM auth_user WHERE id = ?").bind(id),
        None => Sql::new("SELECT id FROM auth_user WHERE username = ?").bind(name),
    };
    if let Some(row) = portal.db.optional(sql).await? {
        return Ok(row.int(0)?);
    }
    // A portal tells capitals apart; people don't always.
    let similar = match name.len() {
        0..=LONGEST_WORD => super::accounts::username_owner(portal, name, None).await?,
        _ => None,
    };
    let hint = similar.map_or_else(String::new, |(_, found)| format!(" Did you mean '{found}'?"));
    Err(Error::invalid(format!("There is no user '{name}'.{hint} Nothing was written.")))
}

#[cfg(test)]
impl UserRow {
    /// Somebody for the tests of a list.
    pub(crate) fn sample(id: i64) -> Self {
        Self {
            id,
            username: format!("user{id}"),
            name: String::new(),
            email: String::new(),
            department: None,
            access: Vec::new(),
            last_login: None,
            date_joined: None,
            is_active: true,
            is_staff: false,
            is_superuser: false,
            profiles: 1,
            place: Place { key: Cell::Int(id), id },
        }
    }
}
