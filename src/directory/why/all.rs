//! Who of all accounts can't sign in: the same answer that the parent gives of one, found by the engine as far as it can
//! tell.
//!
//! The engine knows who is inactive, whose password no hasher of Django's has made, and which names and hashes are beyond
//! doubt: as Django writes them with its own settings. The others, mostly none, are read and judged one by one.

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
        let is_unique = portal.schema.table("auth_user").is_some_and(|table| table.is_unique(&["username"]));
        let mut barred = Vec::new();
        let mut named = Vec::new();
        let mut rows = portal.db.stream(doubtful(portal.dialect(), is_unique));
        while let Some(row) = rows.recv().await {
            let row = row?;
            let (id, username, encoded) = (row.int(0)?, row.text(1)?, row.text(2)?);
            if about_hash(&password::read(&encoded)).is_some() {
                barred.push(id);
            } else if !is_unique || typed(&username).as_deref() != Some(&*username) {
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
    Algorithm::ALL
        .into_iter()
        .fold(sql, |sql, algorithm| sql.push_bind(" OR u.password LIKE ? ESCAPE '!'", begins(algorithm)))
        .push(")")
}

/// Selects the accounts whose hash or name has to be looked at.
fn doubtful(dialect: Dialect, is_unique: bool) -> Sql {
    let sql = Sql::new("SELECT u.id, u.username, u.password FROM auth_user u WHERE ");
    let sql = hashed_and_active(sql).push(" AND (NOT (1 = 0");
    let sql = hashes().into_iter().fold(sql, |sql, shape| {
        sql.push(" OR u.password").push_bind(dialect.is_like_shape(), dialect.whole_shape(&shape))
    });
    // What is printable ASCII is to the login form what it is.
    let sql = sql
        .push(") OR COALESCE(u.username, '') = '' OR u.username")
        .push_bind(dialect.is_like_shape(), dialect.shape_within("[^!-~]"));
    let sql = if dialect == Dialect::Sqlite {
        // Its patterns end where there is a NUL.
        sql.push(" OR instr(u.username, char(0)) > 0 OR instr(u.password, char(0)) > 0")
    } else {
        sql
    };
    if is_unique {
        return sql.push(")");
    }
    sql.push(
        " OR u.username IN (SELECT t.username FROM auth_user t GROUP BY t.username HAVING COUNT(*) > 1))",
    )
}

/// Hashes as Django writes them, as shapes: classes of characters and characters, one for each place. They needn't be all
/// that it can read, but every text that has such a shape has to be sound.
fn hashes() -> Vec<String> {
    let (salt, base64) = (|length| "[0-9A-Za-z]".repeat(length), |length| "[0-9A-Za-z+/]".repeat(length));
    // The last character has bits to spare, which are none.
    let (two_spare, four_spare) = ("[AEIMQUYcgkosw048]", "[AQgw]");
    let mut shapes = Vec::new();
    for (digits, length) in [(6, 22), (7, 22), (6, 12)] {
        let (more, salt, hash) = ("[0-9]".repeat(digits - 1), salt(length), base64(42));
        shapes.push(format!("pbkdf2_sha256[$][1-9]{more}[$]{salt}[$]{hash}{two_spare}="));
    }
    let (key, hash) = (base64(29), base64(42));
    let costs = "argon2[$]argon2id[$]v=19[$]m=102400,t=2,p=8";
    shapes.push(format!("{costs}[$]{key}{four_spare}[$]{hash}{two_spare}"));
    shapes.push(format!("bcrypt_sha256[$][$]2b[$]12[$]{}", "[./0-9A-Za-z]".repeat(53)));
    shapes.push(format!("scrypt[$]16384[$]{}[$]8[$][15][$]{}{four_spare}==", salt(22), base64(85)));
    shapes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_has_the_shape_of_a_hash_is_one(
            encoded in hashes().into_iter().map(|shape| prop::string::string_regex(&shape).unwrap().boxed())
                .reduce(|one, other| one.prop_union(other.boxed()).boxed()).unwrap()
        ) {
            prop_assert_eq!(about_hash(&password::read(&encoded)), None, "{}", encoded);
        }
    }
}
