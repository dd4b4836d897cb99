//! Our journal and the portal's log as one list, the newest first, a page at a time.
//!
//! Each of the two is read by its ids and only as far as a page needs; the pages are merged by time, ours first where
//! times are equal. A [`Place`] says how far both were read, so nothing is lost or shown twice, whatever their clocks
//! say.

use chrono::{DateTime, Utc};

use super::filter::{Filter, Source};
use super::portal_log::{self, Direction, Logged};
use super::{needs_journal, who};
use crate::db::Sql;
use crate::db::own::{self, ListedChange};
use crate::directory::{Portal, departments, groups};
use crate::error::{Error, Kind, Result};

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was done.
    pub what: What,
    /// Where in the list it stands.
    pub place: Place,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A change by portaldesk.
    Change(Box<ListedChange>),
    /// Something that was done in the portal's admin.
    Logged(Logged),
}

/// A place in the list: what comes behind it is, of either source, up to these ids; the entry itself is the last of its
/// source before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    source: Source,
    change: i64,
    logged: i64,
}

impl Entry {
    /// The source and the id there: what names the entry among all others.
    #[must_use]
    pub fn key(&self) -> (Source, i64) {
        match &self.what {
            What::Change(listed) => (Source::Portaldesk, listed.id),
            What::Logged(logged) => (Source::Portal, logged.id),
        }
    }

    /// When, by the clock of whoever wrote it down.
    #[must_use]
    pub fn time(&self) -> Option<DateTime<Utc>> {
        match &self.what {
            What::Change(listed) => Some(listed.change.made),
            What::Logged(logged) => logged.time,
        }
    }

    /// Who, for people: a portal account, or `unix:root` where nobody was signed in.
    #[must_use]
    pub fn by(&self) -> String {
        match &self.what {
            What::Change(listed) => listed.change.by(),
            What::Logged(logged) => logged.user.clone().unwrap_or_else(|| "somebody who is gone".to_owned()),
        }
    }

    /// From where, for people: the address over SSH, `here` for this machine, `portal` for the portal's admin.
    #[must_use]
    pub fn from(&self) -> String {
        match &self.what {
            What::Change(listed) => listed.change.ssh_from.clone().unwrap_or_else(|| "here".to_owned()),
            What::Logged(_) => "portal".to_owned(),
        }
    }

    /// What was done, in a line.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.what {
            What::Change(listed) => listed.change.title.clone(),
            What::Logged(logged) => logged.title(),
        }
    }

    /// The change, where it is one of ours.
    #[must_use]
    pub fn change(&self) -> Option<&ListedChange> {
        match &self.what {
            What::Change(listed) => Some(listed),
            What::Logged(_) => None,
        }
    }
}

/// A row that entries can be about, beside a user's.
#[derive(Debug, Clone, Copy)]
struct Object {
    /// The model, as the portal's log knows it.
    model: (&'static str, &'static str),
    table: &'static str,
    links: &'static [(&'static str, &'static str)],
}

impl Object {
    /// The one with this id.
    const fn row(self, id: i64) -> own::AboutRow {
        own::AboutRow { table: self.table, id, links: self.links }
    }
}

/// A group, for the journal's changes of it and of who is in it.
#[must_use]
pub const fn about_group(id: i64) -> own::AboutRow {
    GROUP.row(id)
}

/// A department, for the journal's changes of it and of who is in it.
#[must_use]
pub const fn about_department(id: i64) -> own::AboutRow {
    DEPARTMENT.row(id)
}

const GROUP: Object = Object {
    model: ("auth", "group"),
    table: "auth_group",
    links: &[("auth_user_groups", "group_id"), ("auth_group_permissions", "group_id")],
};
const DEPARTMENT: Object = Object {
    model: ("core", "department"),
    table: "core_department",
    links: &[("core_userprofile", "department_id")],
};

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum From {
    /// At the newest entry.
    #[default]
    Start,
    /// So that the oldest entry is on it.
    End,
    /// Behind an entry, at older ones.
    After(Place),
    /// So that it ends before an entry, at newer ones.
    Before(Place),
    /// At an entry.
    At(Place),
}

/// Some entries, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether there are more in the direction in which it was read.
    pub more: bool,
}

/// What is wanted of either source; nothing where the filter, or the database, has none of it.
pub(super) struct Wanted {
    pub(super) changes: Option<own::Wanted>,
    logged: Option<portal_log::Wanted>,
}

/// One page of at most `limit` entries.
///
/// # Errors
/// Invalid, when the user asked about does not exist; conflict, when this database has neither a journal nor a log.
pub async fn page(portal: &Portal, filter: &Filter, from: From, limit: usize) -> Result<Page> {
    let wanted = wanted(portal, filter).await?;
    let (direction, ids): (fn(i64) -> Direction, _) = match from {
        From::Start => (Direction::Older, (i64::MAX, i64::MAX)),
        From::At(place) => (Direction::Older, (place.change, place.logged)),
        From::After(place) => (Direction::Older, place.behind()),
        From::End => (Direction::Newer, (i64::MIN, i64::MIN)),
        From::Before(place) => (Direction::Newer, (place.change, place.logged)),
    };
    read(portal, &wanted, direction, ids, limit).await
}

/// How many entries the filter lets through.
///
/// # Errors
/// As [`page`].
pub async fn count(portal: &Portal, filter: &Filter) -> Result<i64> {
    let wanted = wanted(portal, filter).await?;
    let changes = match &wanted.changes {
        Some(wanted) => own::count_changes(&portal.db, wanted).await?,
        None => 0,
    };
    let logged = match &wanted.logged {
        Some(wanted) => portal_log::count(portal, wanted).await?,
        None => 0,
    };
    Ok(changes + logged)
}

impl Place {
    /// The newest ids that come behind the entry itself.
    const fn behind(self) -> (i64, i64) {
        match self.source {
            Source::Portaldesk => (self.change - 1, self.logged),
            Source::Portal => (self.change, self.logged - 1),
        }
    }
}

pub(super) async fn wanted(portal: &Portal, filter: &Filter) -> Result<Wanted> {
    let has_log = portal_log::is_there(portal);
    if !has_log {
        needs_journal(portal)?;
    }
    let about = match &filter.about {
        Some(name) => Some(who(portal, name).await?),
        None => None,
    };
    let object = object(portal, filter).await?;
    let changes = portal.schema.has_own_tables() && filter.source != Some(Source::Portal);
    let by_unix = filter.by.as_ref().is_some_and(|by| by.starts_with("unix:"));
    let logged =
        has_log && filter.source != Some(Source::Portaldesk) && filter.operation.is_none() && !by_unix;
    Ok(Wanted {
        changes: changes.then(|| own::Wanted {
            about_user: about,
            about_row: object.map(|(object, id)| own::AboutRow {
                table: object.table,
                id,
                links: object.links,
            }),
            by: filter.by.clone(),
            since: filter.since,
            until: filter.until,
            id: filter.operation.clone(),
            words: filter.words.clone(),
            fields: filter.fields.iter().map(|field| field.columns).collect(),
            ..own::Wanted::default()
        }),
        logged: if logged { Some(logged_wanted(portal, filter, about, object).await?) } else { None },
    })
}

/// The group or the department that the filter names. One that is gone is known by its id alone.
async fn object(portal: &Portal, filter: &Filter) -> Result<Option<(Object, i64)>> {
    let by_id = |name: &str| name.strip_prefix('#').and_then(|id| id.parse().ok());
    let nobody = |error: Error| match error.kind {
        // "Nothing was written" is no news about a filter.
        Kind::Invalid => Error::invalid(
            error.message.replace(" Nothing was written.", "").replace("; nothing was written", ""),
        ),
        _ => error,
    };
    Ok(match (&filter.group, &filter.department) {
        (Some(_), Some(_)) => {
            return Err(Error::usage(
                "In the filter, group: and dept: can't both be what entries are about.",
            ));
        }
        (Some(name), None) => Some((
            GROUP,
            match by_id(name) {
                Some(id) => id,
                None => groups::find(portal, name).await.map_err(nobody)?,
            },
        )),
        (None, Some(name)) => Some((
            DEPARTMENT,
            match by_id(name) {
                Some(id) => id,
                None => departments::find(portal, name).await.map_err(nobody)?,
            },
        )),
        (None, None) => None,
    })
}

async fn logged_wanted(
    portal: &Portal,
    filter: &Filter,
    about: Option<i64>,
    object: Option<(Object, i64)>,
) -> Result<portal_log::Wanted> {
    let about = match (about, object) {
        (Some(user), _) => {
            let profiles = profiles(portal, user).await?;
            Some(portal_log::About::read(portal, user, &profiles).await?)
        }
        (None, Some((object, id))) => Some(portal_log::About::object(portal, object.model, id).await?),
        (None, None) => None,
    };
    let by = match &filter.by {
        Some(name) => Some(
            ids(portal, Sql::new("SELECT id FROM auth_user WHERE username = ?").bind(name.as_str())).await?,
        ),
        None => None,
    };
    Ok(portal_log::Wanted {
        by,
        about,
        fields: filter.fields.clone(),
        since: filter.since,
        until: filter.until,
        words: filter.words.clone(),
    })
}

async fn profiles(portal: &Portal, user: i64) -> Result<Vec<i64>> {
    if !portal.has_table("core_userprofile") {
        return Ok(Vec::new());
    }
    ids(portal, Sql::new("SELECT id FROM core_userprofile WHERE user_id = ?").bind(user)).await
}

async fn ids(portal: &Portal, sql: Sql) -> Result<Vec<i64>> {
    portal.db.all(sql).await?.iter().map(|row| Ok(row.int(0)?)).collect()
}

async fn changes(
    portal: &Portal,
    wanted: Option<&own::Wanted>,
    direction: Direction,
    count: usize,
) -> Result<Vec<ListedChange>> {
    let Some(wanted) = wanted else { return Ok(Vec::new()) };
    let mut wanted = own::Wanted { limit: i64::try_from(count).ok(), ..wanted.clone() };
    match direction {
        Direction::Older(newest) => wanted.newest = Some(newest),
        Direction::Newer(above) => (wanted.above, wanted.oldest_first) = (Some(above), true),
    }
    Ok(own::changes(&portal.db, &wanted).await?)
}

async fn logged(
    portal: &Portal,
    wanted: Option<&portal_log::Wanted>,
    direction: Direction,
    changes: &[ListedChange],
    count: usize,
) -> Result<Vec<Logged>> {
    let Some(wanted) = wanted else { return Ok(Vec::new()) };
    // With a full page of changes only what is among them in time is needed.
    let stop = changes.get(count - 1).map(|last| last.change.made);
    portal_log::read(portal, wanted, direction, stop, count).await
}

/// At most `limit` entries from these ids of changes and of the log on, in the order of the list.
async fn read(
    portal: &Portal,
    wanted: &Wanted,
    direction: fn(i64) -> Direction,
    (mut change, mut entry): (i64, i64),
    limit: usize,
) -> Result<Page> {
    let is_older = matches!(direction(0), Direction::Older(_));
    let changes = changes(portal, wanted.changes.as_ref(), direction(change), limit + 1).await?;
    let logged = logged(portal, wanted.logged.as_ref(), direction(entry), &changes, limit + 1).await?;
    let (mut changes, mut logged) = (changes.into_iter().peekable(), logged.into_iter().peekable());
    let mut entries = Vec::with_capacity(limit);
    while entries.len() < limit {
        let change_is_next = match (changes.peek(), logged.peek()) {
            (None, None) => break,
            // What has no time counts as newer than all others.
            (Some(change), Some(entry)) => {
                entry.time.map_or(!is_older, |time| (change.change.made >= time) == is_older)
            }
            (next, None | Some(_)) => next.is_some(),
        };
        let (source, what) = if change_is_next {
            let Some(next) = changes.next() else { break };
            change = next.id;
            (Source::Portaldesk, What::Change(Box::new(next)))
        } else {
            let Some(next) = logged.next() else { break };
            entry = next.id;
            (Source::Portal, What::Logged(next))
        };
        let place = Place { source, change, logged: entry };
        if is_older {
            (change, entry) = place.behind();
        }
        entries.push(Entry { what, place });
    }
    if !is_older {
        entries.reverse();
    }
    Ok(Page { entries, more: changes.peek().is_some() || logged.peek().is_some() })
}
