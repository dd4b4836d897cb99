//! Whom a filter can let through at all, where SQLite can tell that sooner than by looking at every user: those that the
//! index of words finds, and those of a small department or group. Servers have planners that know how many there are.

use crate::db::{Dialect, Sql};
use crate::error::{Error, Result};

use super::Portal;
use super::filter::{Condition, Shape};
use super::history;
use super::search::{self, FEW, Found};
use super::users::Query;
use super::why::Barred;

/// As many members are read to be compared with what the index of words has found.
const MOST_COMPARED: usize = 5 * FEW;

/// What is known of a filter, and what of it has still to be asked.
pub(super) struct Narrowed {
    found: Option<Found>,
    has_words: bool,
    /// The part that holds for all of those found.
    but: Option<usize>,
    /// How many parts are left.
    left: usize,
    barred: Option<Barred>,
}

impl Narrowed {
    /// Reads it.
    pub(super) async fn of(portal: &Portal, query: &Query) -> Result<Self> {
        let filter = &query.filter;
        if filter.asks_history() {
            // Whom an operation touched is history.
            history::may_be_seen(portal).await?.map_err(Error::denied)?;
        }
        let found = search::find(portal, &filter.words).await?;
        let has_words = found.is_some() || filter.words.is_empty();
        let barred = if filter.asks_sign_in() { Some(Barred::find(portal).await?) } else { None };
        let mut narrowed = Self { found, has_words, but: None, left: filter.conditions(), barred };
        if portal.dialect() == Dialect::Sqlite && !narrowed.found.as_ref().is_some_and(Found::are_few) {
            narrowed.add_smallest(portal, query).await?;
        }
        Ok(narrowed)
    }

    /// Takes the members of the smallest department or group that is asked for, if they are few.
    async fn add_smallest(&mut self, portal: &Portal, query: &Query) -> Result<()> {
        let most = if self.found.is_some() { MOST_COMPARED } else { FEW };
        let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let mut smallest: Option<(i64, (usize, Sql, bool))> = None;
        for set in query.filter.sets(portal) {
            let sql = Sql::new("SELECT COUNT(*) FROM (").append(set.1.clone()).push_bind(" LIMIT ?)", limit);
            let count = portal.count(sql).await?;
            if count < smallest.as_ref().map_or(limit, |(least, _)| *least) {
                smallest = Some((count, set));
            }
        }
        let Some((_, (index, sql, is_whole))) = smallest else { return Ok(()) };
        let members = ids(portal, sql).await?;
        self.found = Some(match self.found.take() {
            Some(found) => Found(found.0.into_iter().filter(|id| members.has(*id)).collect()),
            None => members,
        });
        if is_whole {
            self.but = Some(index);
            self.left -= 1;
        }
        Ok(())
    }

    /// Those that can be let through; nothing, where nobody is left out yet.
    pub(super) fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// How many are let through, where that needn't be asked any more. Members of a group need not exist as users.
    pub(super) fn count(&self) -> Option<usize> {
        let is_settled = self.has_words && self.left == 0 && self.but.is_none();
        self.found.as_ref().filter(|_| is_settled).map(|found| found.0.len())
    }

    /// Whether everything that is asked beside words is settled.
    pub(super) fn is_words_only(&self) -> bool {
        self.left == 0
    }

    /// Appends what is known and what is still to be asked.
    pub(super) fn and(&self, portal: &Portal, sql: Sql, query: &Query) -> Sql {
        let Some(found) = &self.found else { return self.and_rest(portal, sql, query, Shape::Set) };
        // One value, however many ids.
        let sql = sql.push_bind(" AND u.id IN (SELECT value FROM json_each(?))", found.as_json());
        self.and_rest(portal, sql, query, if found.are_few() { Shape::Each } else { Shape::Set })
    }

    /// Appends what is still to be asked about those that are known.
    pub(super) fn and_rest(&self, portal: &Portal, sql: Sql, query: &Query, shape: Shape) -> Sql {
        let asked = Condition { portal, shape, barred: self.barred.as_ref() };
        let sql = if self.has_words { sql } else { query.filter.and_words(sql, asked) };
        query.filter.and_conditions(sql, asked, self.but)
    }
}

/// The ids that a statement selects as `user_id`, in ascending order. One long value travels far faster than as many rows.
async fn ids(portal: &Portal, sql: Sql) -> Result<Found> {
    let sql = Sql::new("SELECT group_concat(user_id) FROM (").append(sql).push(")");
    let text = portal.db.one(sql).await?.text_opt(0)?.unwrap_or_default();
    let mut ids: Vec<i64> = text.split(',').filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(Found(ids))
}
