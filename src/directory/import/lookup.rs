//! Whom rows are about: accounts that are there, read many at once, or new ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::MOST_ROWS;
use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::accounts::Rows;
use crate::directory::listed::{self, Listed};
use crate::error::Result;

use super::row::Given;

/// Whom a row is about.
pub(super) enum Target {
    /// Nobody yet.
    New,
    /// An id that nobody has.
    Nobody,
    /// An account.
    Account(Box<Account>),
}

/// An account as it is.
pub(super) struct Account {
    /// Its texts, as an export shows them.
    pub(super) listed: Listed,
    /// Its rows, from which a change is planned.
    pub(super) rows: Rows,
}

/// The id of the account that each of these rows is about; none for a new one.
///
/// # Errors
/// What the engine says.
pub(super) async fn ids(portal: &Portal, rows: &[Given]) -> Result<Vec<Option<i64>>> {
    let by_name = named(portal, rows).await?;
    let id_of = |given: &Given| match given.id {
        Some(id) => Some(id),
        None => given.username().and_then(|name| by_name.get(&name).copied()),
    };
    Ok(rows.iter().map(id_of).collect())
}

/// Accounts by id; those that are not there are absent.
pub(super) struct Accounts(BTreeMap<i64, Account>);

impl Accounts {
    /// Reads them.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn read(portal: &Portal, ids: impl Iterator<Item = i64>) -> Result<Self> {
        let ids: Vec<i64> = ids.collect();
        let mut accounts = BTreeMap::new();
        for part in ids.chunks(MOST_ROWS) {
            let mut images = Rows::read_many(portal, part).await?;
            for listed in listed::read(portal, part).await? {
                if let Some(rows) = images.remove(&listed.user.id) {
                    accounts.insert(listed.user.id, Account { listed, rows });
                }
            }
        }
        Ok(Self(accounts))
    }

    /// Whom a row is about; every account is given once.
    pub(super) fn target(&mut self, id: Option<i64>) -> Target {
        match id {
            None => Target::New,
            Some(id) => {
                self.0.remove(&id).map_or(Target::Nobody, |account| Target::Account(Box::new(account)))
            }
        }
    }
}

/// The ids of the accounts that rows name by username, by the name given and the engine's own equality.
async fn named(portal: &Portal, rows: &[Given]) -> Result<BTreeMap<String, i64>> {
    // PostgreSQL takes no text with a null character; nobody's name has one, and the rules say so of the row.
    let names: BTreeSet<String> = rows
        .iter()
        .filter(|given| given.id.is_none())
        .filter_map(Given::username)
        .filter(|name| !name.contains('\0'))
        .collect();
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    for part in names.iter().collect::<Vec<_>>().chunks(MOST_ROWS) {
        let sql = Sql::new("SELECT id, username FROM auth_user WHERE username IN (")
            .list(part.iter().map(|name| name.as_str()))
            .push(")");
        let mut others = false;
        for row in portal.db.all(sql).await? {
            let (id, name) = (row.int(0)?, row.text(1)?);
            if names.contains(&name) {
                found.insert(name, id);
            } else {
                others = true;
            }
        }
        if !others {
            continue;
        }
        // Equal to the engine and not byte by byte: which is which, it alone can say.
        for name in part.iter().filter(|name| !found.contains_key(**name)).copied().collect::<Vec<_>>() {
            let sql = Sql::new("SELECT id FROM auth_user WHERE username = ?").bind(name.as_str());
            if let Some(row) = portal.db.optional(sql).await? {
                found.insert(name.clone(), row.int(0)?);
            }
        }
    }
    Ok(found)
}
