//! Accounts that others make while a file is imported. A new name differs from every other in more than case, also from
//! those that came after the file was looked through; no index sees to that on most engines.

use std::collections::BTreeSet;

use crate::change::Require;
use crate::db::Sql;
use crate::directory::{Portal, accounts};
use crate::error::Result;

use super::judge::{Verdict, taken};
use super::twins::folded;

/// How many are read at once.
const PAGE: i64 = 10_000;

/// Who came since.
#[derive(Debug)]
pub(super) struct Newcomers {
    /// The newest account that is known.
    newest: i64,
    /// The names of those that are not ours, folded: a name that is not among them is nobody's twin.
    names: BTreeSet<String>,
}

/// The id of the newest account.
///
/// # Errors
/// What the engine says.
pub(super) async fn newest(portal: &Portal) -> Result<i64> {
    let row = portal.db.one(Sql::new("SELECT MAX(id) FROM auth_user")).await?;
    Ok(row.int_opt(0)?.unwrap_or(0))
}

impl Newcomers {
    /// Looks at whoever comes after this account.
    pub(super) const fn after(newest: i64) -> Self {
        Self { newest, names: BTreeSet::new() }
    }

    /// Looks who came since the last time; `is_ours` knows by id and name those that the import itself has made.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn look(&mut self, portal: &Portal, is_ours: impl Fn(i64, &str) -> bool) -> Result<()> {
        loop {
            let sql = Sql::new("SELECT id, username FROM auth_user WHERE id > ? ORDER BY id LIMIT ?");
            let rows = portal.db.all(sql.bind(self.newest).bind(PAGE)).await?;
            for row in &rows {
                let (id, name) = (row.int(0)?, row.text(1)?);
                self.newest = id;
                if !is_ours(id, &name) {
                    self.names.insert(folded(&name));
                }
            }
            if i64::try_from(rows.len()) != Ok(PAGE) {
                return Ok(());
            }
        }
    }

    /// Refuses a new name that one of them has.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn judge(&self, portal: &Portal, name: &str, verdict: Verdict) -> Result<Verdict> {
        if !self.names.contains(&folded(name)) {
            return Ok(verdict);
        }
        let owner = accounts::username_owner(portal, name, None).await?;
        Ok(owner.map_or(verdict, |(_, owner)| Err(vec![taken(&owner)])))
    }

    /// What must hold of new names when they are written.
    pub(super) fn none_has(&self, usernames: Vec<String>) -> Require {
        Require::NoTwin { usernames, after: self.newest }
    }
}
