//! Signing in to portaldesk with a portal account. Writes nothing to `auth_user`: no `last_login`, no rehash.
//!
//! Every kind of failure gives the same words and costs one hash: unknown name, wrong password, inactive account, no
//! role, unusable or malformed hash. Only a try that comes too early is told to wait, and costs none: nothing is
//! looked at then, so nothing is given away, and many at once can't keep the machine busy. Names that no account has
//! are held up in the same way.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::change::{Account, rights};
use crate::db::own::{self, Try};
use crate::db::{Db, Dialect, Sql, hex};
use crate::error::{Error, Result};
use crate::portal::access::{self, Action};
use crate::portal::password::{self, Verdict};
use crate::portal::rules;

use super::blocking::blocking;
use super::tries::Tries;
use super::{Portal, passwords};

/// How often a wrong password is taken before tries are delayed.
const FREE_TRIES: i64 = 5;

/// The longest delay between two tries.
const LONGEST_DELAY: TimeDelta = TimeDelta::minutes(15);

/// The characters of a Unix user that the counter's column holds.
const LOGIN_USER_MAX: usize = 100;

/// The same words for every failure.
const REFUSED: &str = "That name and password don't open this portal here. Either is wrong, or the account may not work with portaldesk.";

/// Signs in; who it is.
///
/// # Errors
/// Denied, always with the same words; or how long to wait after too many tries; what the engine says.
pub async fn sign_in(portal: &Portal, name: &str, password: &str) -> Result<Account> {
    let name = typed(name);
    let found = stored(portal, &name).await?;
    // Where `ROOT` is `root` to the engine, both are one account: tries are counted by the name as it is stored.
    let account = match &found {
        Some(found) => key_of(&found.account.username),
        None => key_of_nobody(portal.dialect(), &name),
    };
    let login_user = login_user(portal);
    let counter = Counter::of(portal, account.clone(), login_user.clone());
    if let Try::Blocked(wait) = counter.count().await? {
        let seconds = wait.num_seconds().max(1);
        tracing::warn!(account, unix = login_user, seconds, "too many wrong tries to sign in");
        let unit = if seconds == 1 { "second" } else { "seconds" };
        return Err(Error::denied(format!("Too many wrong tries. Wait {seconds} {unit}, then try again.")));
    }
    let Some(signed_in) = try_password(portal, found, password).await? else {
        return Err(Error::denied(REFUSED));
    };
    counter.forget().await?;
    Ok(signed_in)
}

/// Where the tries of an account by a Unix user are counted.
enum Counter {
    Database {
        db: Db,
        account: String,
        login_user: String,
    },
    File(Tries),
    /// Nobody said where.
    Nowhere,
}

impl Counter {
    fn of(portal: &Portal, account: String, login_user: String) -> Self {
        if portal.writer().is_ok() {
            return Self::Database { db: portal.db.clone(), account, login_user };
        }
        match &portal.settings.tries_file {
            Some(file) => Self::File(Tries::of(file, portal.db.target(), &account, &login_user)),
            None => Self::Nowhere,
        }
    }

    async fn count(&self) -> Result<Try> {
        match self {
            Self::Database { db, account, login_user } => {
                Ok(own::count_try(db, account, login_user, delay).await?)
            }
            Self::File(tries) => {
                let tries = tries.clone();
                blocking(move || tries.count(delay)).await?
            }
            Self::Nowhere => Ok(Try::Counted),
        }
    }

    async fn forget(&self) -> Result<()> {
        match self {
            Self::Database { db, account, login_user } => {
                Ok(own::forget_tries(db, account, login_user).await?)
            }
            Self::File(tries) => {
                let tries = tries.clone();
                blocking(move || tries.forget()).await?
            }
            Self::Nowhere => Ok(()),
        }
    }
}

/// What the tries of an account are counted by: its name as it is stored.
pub(super) fn key_of(username: &str) -> String {
    username.chars().take(rules::USERNAME_MAX).collect()
}

/// The Unix user that tries are counted for.
pub(super) fn login_user(portal: &Portal) -> String {
    portal.actor.unix_user.chars().take(LOGIN_USER_MAX).collect()
}

/// What stands before the digest of a name that no account has; in no username that Django takes.
pub(super) const NOBODY: char = '?';

/// What the tries of a name are counted by that no account has. The name itself is not kept, because people type their
/// password there; a short digest tells enough of them apart, and bounds how many are remembered. Names that the engine
/// takes for one share their tries, as those of an account do: else the difference would tell which accounts there are.
fn key_of_nobody(dialect: Dialect, name: &str) -> String {
    let name = if dialect == Dialect::MySql { fold(name) } else { name.to_owned() };
    format!("{NOBODY}{}", hex(&Sha256::digest(name)[..2]))
}

/// A name without case and accents, as MySQL's usual collations compare it.
fn fold(name: &str) -> String {
    name.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The name as Django's login form takes it: stripped and normalised. NUL, which the form refuses and PostgreSQL can't
/// be asked for, becomes a character that no username has. Of an endless name only enough is kept to see that it is.
fn typed(name: &str) -> String {
    let normal = rules::strip(name).nfkc().map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c });
    normal.take(rules::USERNAME_MAX + 1).collect()
}

/// None for the first tries, then 1 second, doubling up to 15 minutes.
fn delay(failures: i64) -> Option<TimeDelta> {
    let over = failures - FREE_TRIES;
    (over >= 0).then(|| TimeDelta::seconds(1_i64 << over.min(20)).min(LONGEST_DELAY))
}

/// An account of that name, and its password as it is stored.
struct Stored {
    account: Account,
    encoded: String,
}

async fn stored(portal: &Portal, name: &str) -> Result<Option<Stored>> {
    if name.chars().count() > rules::USERNAME_MAX {
        return Ok(None);
    }
    let sql = Sql::new("SELECT id, username, password FROM auth_user WHERE username = ?").bind(name);
    let Some(row) = portal.db.optional(sql).await? else { return Ok(None) };
    let account = Account { id: row.int(0)?, username: row.text(1)? };
    Ok(Some(Stored { account, encoded: row.text(2)? }))
}

async fn try_password(portal: &Portal, found: Option<Stored>, password: &str) -> Result<Option<Account>> {
    let short_enough = password.len() <= password::LONGEST;
    let typed = if short_enough { password } else { "" };
    let encoded = found.as_ref().map(|found| found.encoded.as_str());
    let right = passwords::verify(portal, typed, encoded).await? == Verdict::Right && short_enough;
    let Some(Stored { account, .. }) = found.filter(|_| right) else { return Ok(None) };
    let actor = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?;
    Ok(actor.is_some_and(|actor| access::allowed(&actor, &Action::SignIn).is_ok()).then_some(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        assert_eq!(delay(4), None);
        assert_eq!(delay(5), Some(TimeDelta::seconds(1)));
        assert_eq!(delay(8), Some(TimeDelta::seconds(8)));
        assert_eq!(delay(500), Some(LONGEST_DELAY));
    }
}
