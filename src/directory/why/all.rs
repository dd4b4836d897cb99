//! Who of all accounts can't sign in: the same answer that the parent gives of one.
//!
//! The engine knows who is inactive, whose password no hasher of Django's has made, and which names are equal. Whether a hash
//! is whole and what the login form makes of a name it can't tell: those are read, once for each question, and judged as
//! one account's are.

use super::{Names, about_hash, typed};
use crate::db::{Dialect, Sql, like_text};
use crate::directory::Portal;
use crate::directory::search::Found;
use crate::error::Result;
use crate::portal::password::{self, Algorithm};

/// Active accounts with a hash of Django's that can't sign in all the same, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::directory) struct Barred(Found);

impl Barred {
    /// Finds them.
    pub(in crate::directory) async fn find(portal: &Portal) -> Result<Self> {
        let (mut barred, mut named) = (Vec::new(), Vec::new());
        let mut rows = portal.db.stream(to_be_judged(portal));
        while let Some(row) = rows.recv().await {
            let row = row?;
            let (id, username) = (row.int(0)?, row.text(1)?);
            if about_hash(&password::read(&row.text(2)?)).is_some() {
                barred.push(id);
            } else if row.int(3)? == 1 || typed(&username).as_deref() != Some(&*username) {
                named.push((id, username));
            }
        }
        for (id, username) in named {
            if Names::read(portal, id, &username).await?.reasons().is_some() {
                barred.push(id);
            }
        }
        barred.sort_unstable();
        Ok(Self(Found(barred)))
    }

    /// Appends whether the user `u` can sign in, as 1 or 0.
    pub(in crate::directory) fn and_case(&self, sql: Sql, dialect: Dialect) -> Sql {
        let sql = hashed_and_active(sql.push("CASE WHEN ")).push(" AND u.id NOT IN (");
        let sql = match (dialect, self.0.0.split_first()) {
            (_, None) => sql.push("0"),
            // One value, however many ids; elsewhere a statement has room for more numbers than for values.
            (Dialect::Sqlite, _) => sql.push_bind("SELECT value FROM json_each(?)", self.0.as_json()),
            (_, Some((first, others))) => {
                others.iter().fold(sql.number(*first), |sql, id| sql.push(", ").number(*id))
            }
        };
        sql.push(") THEN 1 ELSE 0 END")
    }
}

fn hashed_and_active(sql: Sql) -> Sql {
    let sql = sql.push_bind("u.is_active = ? AND (1 = 0", true);
    let begins = |algorithm: Algorithm| format!("{}$%", like_text(algorithm.name()));
    let or_begins =
        |sql: Sql, algorithm| sql.push_bind(" OR u.password LIKE ? ESCAPE '!'", begins(algorithm));
    Algorithm::ALL.into_iter().fold(sql, or_begins).push(")")
}

/// Selects the accounts whose hash and name have to be looked at, and whether another one has the same name.
fn to_be_judged(portal: &Portal) -> Sql {
    let is_unique = portal.schema.table("auth_user").is_some_and(|table| table.is_unique(&["username"]));
    let has_twin = if is_unique {
        "0"
    } else {
        "CASE WHEN u.username IN (SELECT t.username FROM auth_user t GROUP BY t.username HAVING COUNT(*) > 1) \
         THEN 1 ELSE 0 END"
    };
    let sql = Sql::new("SELECT u.id, u.username, u.password, ").push(has_twin);
    hashed_and_active(sql.push(" FROM auth_user u WHERE "))
}
