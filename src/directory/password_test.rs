//! Trying a password on an account's stored hash: whether it is right, and whether the account can sign in with it.
//! Nothing is stored and no sign-in is counted; whoever may not set this account's password may not try one either, so
//! that nobody learns by guessing what they could not have set.

use crate::change::rights;
use crate::db::Sql;
use crate::error::{Error, Result};
use crate::portal::access::{self, Action};
use crate::portal::password::Verdict;
use crate::text;

use super::why::Why;
use super::{Portal, passwords, record};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Whether the password is the right one.
    pub verdict: Verdict,
    /// Whether the account can sign in at all.
    pub why: Why,
}

impl Tested {
    /// Whether the password opens the portal now.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.verdict == Verdict::Right && self.why.can_sign_in()
    }

    /// The verdict for programs: `right`, `wrong`, `cannot-verify`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.verdict {
            Verdict::Right => "right",
            Verdict::Wrong => "wrong",
            Verdict::CannotVerify => "cannot-verify",
        }
    }

    /// The verdict as a sentence.
    #[must_use]
    pub const fn in_words(&self) -> &'static str {
        match self.verdict {
            Verdict::Right => "The password is right.",
            Verdict::Wrong => "The password is wrong.",
            Verdict::CannotVerify => "No password can be checked against what is stored.",
        }
    }
}

/// Tries a password, off the event loop.
///
/// # Errors
/// Denied, for whom may not set this account's password; invalid, when the account is gone; what the engine says.
pub async fn test(portal: &Portal, id: i64, password: &str) -> Result<Tested> {
    check_right(portal, id).await?;
    let sql = Sql::new("SELECT password FROM auth_user WHERE id = ?").bind(id);
    let encoded = match portal.db.optional(sql).await? {
        Some(row) => row.text(0)?,
        None => return Err(Error::invalid(format!("There is no user with id {id} any more."))),
    };
    let verdict = passwords::verify(portal, password, Some(&encoded)).await?;
    let tested = Tested { verdict, why: record::read(portal, id).await?.sign_in };
    tracing::info!(id, by = %text::safe(&portal.actor.name()), verdict = tested.name(), "a password was tested");
    Ok(tested)
}

async fn check_right(portal: &Portal, id: i64) -> Result<()> {
    let Some(account) = &portal.actor.account else { return Ok(()) };
    let mut db = portal.db.clone();
    let actor = rights::actor(&mut db, &portal.roles, account.id).await?;
    let target = rights::targets(&mut db, &portal.roles, &[id]).await?.into_values().next();
    let (Some(actor), Some(target)) = (actor, target) else {
        return Err(Error::denied("The account is gone; nothing was tested."));
    };
    access::allowed(&actor, &Action::SetPassword(&target))
        .map_err(|why| Error::denied(format!("{why} Nothing was tested.")))
}
