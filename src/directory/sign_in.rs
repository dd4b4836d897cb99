//! Signing in to portaldesk with a portal account. Writes nothing to `auth_user`: no `last_login`, no rehash.
//!
//! Every kind of failure gives the same words and costs one hash: unknown name, wrong password, inactive account, no
//! role, unusable or malformed hash.

use chrono::{DateTime, TimeDelta, Utc};
use unicode_normalization::UnicodeNormalization;

use crate::change::{Account, rights};
use crate::db::{Sql, own};
use crate::error::{Error, Result};
use crate::portal::access::{self, Action};
use crate::portal::password::{self, Verdict};
use crate::portal::rules;

use super::{Portal, passwords};

/// How often a wrong password is taken before tries are delayed.
const FREE_TRIES: i64 = 5;

/// The longest delay between two tries.
const LONGEST_DELAY: TimeDelta = TimeDelta::minutes(15);

/// The same words for every failure.
const REFUSED: &str = "That name and password don't open this portal here. Either is wrong, or the account may not work with portaldesk.";

/// Signs in; who it is.
///
/// # Errors
/// Denied, always with the same words; or how long to wait after too many tries; what the engine says.
pub async fn sign_in(portal: &Portal, name: &str, password: &str) -> Result<Account> {
    // As Django's login form does: stripped and normalised.
    let name: String = rules::strip(name).nfkc().take(rules::USERNAME_MAX).collect();
    let counted = portal.writer().is_ok();
    let login_user = portal.actor.unix_user.clone();
    let now = own::now(&mut portal.db.clone()).await?;
    let count = if counted {
        own::sign_in_count(&portal.db, &name, &login_user).await?
    } else {
        own::SignInCount::default()
    };
    if let Some(until) = count.blocked_until.filter(|until| *until > now) {
        return Err(wait(until, now));
    }
    match try_account(portal, &name, password).await? {
        Some(account) => {
            if count.failures > 0 {
                own::set_sign_in_count(&portal.db, &name, &login_user, own::SignInCount::default(), now)
                    .await?;
            }
            Ok(account)
        }
        None => {
            if counted {
                let failures = count.failures + 1;
                let blocked_until = delay(failures).map(|delay| now + delay);
                let count = own::SignInCount { failures, blocked_until };
                own::set_sign_in_count(&portal.db, &name, &login_user, count, now).await?;
            }
            Err(Error::denied(REFUSED))
        }
    }
}

fn wait(until: DateTime<Utc>, now: DateTime<Utc>) -> Error {
    let seconds = (until - now).num_seconds().max(1);
    Error::denied(format!("Too many wrong tries. Wait {seconds} seconds, then try again."))
}

/// None for the first tries, then 1 second, doubling up to 15 minutes.
fn delay(failures: i64) -> Option<TimeDelta> {
    let over = failures - FREE_TRIES;
    (over >= 0).then(|| TimeDelta::seconds(1_i64 << over.min(20)).min(LONGEST_DELAY))
}

async fn try_account(portal: &Portal, name: &str, password: &str) -> Result<Option<Account>> {
    let sql = Sql::new("SELECT id, username, password FROM auth_user WHERE username = ?").bind(name);
    let row = portal.db.optional(sql).await?;
    let encoded = row.as_ref().map(|row| row.text(2)).transpose()?;
    let short_enough = password.len() <= password::LONGEST;
    let typed = if short_enough { password } else { "" };
    let verdict = passwords::verify(portal, typed, encoded.as_deref()).await?;
    let Some(row) = row.filter(|_| verdict == Verdict::Right && short_enough) else { return Ok(None) };
    let account = Account { id: row.int(0)?, username: row.text(1)? };
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
