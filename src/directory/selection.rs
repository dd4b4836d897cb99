//! Which users are marked: some, or all that match a filter but for some.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::db::Sql;
use crate::error::Result;

use super::Portal;
use super::filter::Shape;
use super::narrow::Narrowed;
use super::users::{self, Query};

/// More than this many are not chosen one by one: a statement has room for so many values on every engine.
pub const MOST_IDS: usize = 20_000;

/// Users somebody has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These, by id.
    Ids(Vec<i64>),
    /// All that match, whether anybody has seen them or not.
    Matching {
        /// What they match.
        query: Query,
        /// Those that are left out.
        except: BTreeSet<i64>,
    },
    /// All that one of these means, each user once.
    Any(Vec<Self>),
}

/// How many users are chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// In all.
    pub chosen: u64,
    /// Those of them whom a list doesn't show.
    pub hidden: u64,
}

impl Selection {
    /// The users meant now, in the order of the list, as far as there is one.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn ids(&self, portal: &Portal) -> Result<Vec<i64>> {
        let mut all = Vec::new();
        let mut known = HashSet::new();
        for part in self.parts() {
            let ids = match part {
                Self::Ids(ids) => ids.clone(),
                Self::Matching { query, except } => {
                    let mut ids = users::ids(portal, query).await?;
                    ids.retain(|id| !except.contains(id));
                    ids
                }
                // A part is never several.
                Self::Any(_) => Vec::new(),
            };
            all.extend(ids.into_iter().filter(|id| known.insert(*id)));
        }
        Ok(all)
    }

    /// How many users are meant now, and how many of them are not in a list of `shown`.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn count(&self, portal: &Portal, shown: &Query) -> Result<Counted> {
        let everyone = Sql::new("SELECT COUNT(*) FROM auth_user u WHERE 1 = 1");
        let count = async |sql: Sql| -> Result<u64> {
            Ok(u64::try_from(portal.count(self.restrict(portal, sql).await?).await?).unwrap_or(0))
        };
        let chosen = count(everyone.clone()).await?;
        if shown.is_open() || chosen == 0 {
            return Ok(Counted { chosen, hidden: 0 });
        }
        let narrowed = Narrowed::of(portal, shown).await?;
        let seen = count(narrowed.and(portal, everyone, shown)).await?;
        Ok(Counted { chosen, hidden: chosen.saturating_sub(seen) })
    }

    /// Appends the condition that a user is meant.
    async fn restrict(&self, portal: &Portal, mut sql: Sql) -> Result<Sql> {
        sql = sql.push(" AND (1 = 0");
        for part in self.parts() {
            sql = sql.push(" OR ");
            sql = match part {
                Self::Ids(ids) => sql.push("u.id").among(ids.iter().copied()),
                Self::Matching { query, except } => {
                    let narrowed = Narrowed::of(portal, query).await?;
                    let sql = narrowed.and(portal, sql.push("(1 = 1"), query);
                    let sql = if except.is_empty() {
                        sql
                    } else {
                        sql.push(" AND u.id NOT").among(except.iter().copied())
                    };
                    sql.push(")")
                }
                Self::Any(_) => sql.push("1 = 0"),
            };
        }
        Ok(sql.push(")"))
    }

    /// What it is made of: ids and questions.
    fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Any(parts) => parts.iter().flat_map(Self::parts).collect(),
            one => vec![one],
        }
    }
}

/// Those of these users whom the filter lets through; with an open one, those who are still there.
///
/// # Errors
/// What the engine says.
pub async fn matching(portal: &Portal, query: &Query, ids: &[i64]) -> Result<BTreeSet<i64>> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let narrowed = Narrowed::of(portal, query).await?;
    let is_found = |id: &i64| narrowed.found().is_none_or(|found| found.has(*id));
    let ids: Vec<i64> = ids.iter().copied().filter(is_found).collect();
    let sql = Sql::new("SELECT u.id FROM auth_user u WHERE u.id").among(ids);
    let sql = narrowed.and_rest(portal, sql, query, Shape::Each);
    portal.db.all(sql).await?.iter().map(|row| Ok(row.int(0)?)).collect()
}

/// The ids and usernames of these users, in the order given; those that are gone are left out.
///
/// # Errors
/// What the engine says.
pub async fn usernames(portal: &Portal, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let mut names = BTreeMap::new();
    for part in ids.chunks(1_000) {
        let sql = Sql::new("SELECT id, username FROM auth_user WHERE id").among(part.iter().copied());
        for row in portal.db.all(sql).await? {
            names.insert(row.int(0)?, row.text(1)?);
        }
    }
    Ok(ids.iter().filter_map(|id| names.remove_entry(id)).collect())
}
