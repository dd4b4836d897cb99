//! Who tried to sign in with wrong passwords how often, seen and cleared by an administrator.
//!
//! Tries are no rows of the portal's: clearing them is no operation of the history, and can't be taken back. The log
//! says who did it.

use chrono::{DateTime, Utc};

use super::blocking::blocking;
use super::{Portal, sign_in, tries};
use crate::change::rights;
use crate::db::own::{self, WrongTries};
use crate::db::{Failure, Reads, Sql};
use crate::error::{Error, Result};
use crate::portal::access::{Action, Roles, allowed};

/// The wrong tries of a Unix user to sign in to an account here, since the last right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockout {
    /// The account's username; none where it is a name that no account has, which is not kept.
    pub account: Option<String>,
    /// The Unix user.
    pub unix_user: String,
    /// How many tries.
    pub tries: i64,
    /// When the last one was.
    pub last: DateTime<Utc>,
    /// Until when no other is taken; none while one would be.
    pub locked_until: Option<DateTime<Utc>>,
}

impl Lockout {
    /// `7 from unix:bob, locked until 10:41`; `time` shows a time.
    #[must_use]
    pub fn in_words(&self, time: impl Fn(DateTime<Utc>) -> String) -> String {
        let Self { tries, unix_user, .. } = self;
        match self.locked_until {
            Some(until) => format!("{tries} from unix:{unix_user}, locked until {}", time(until)),
            None => format!("{tries} from unix:{unix_user}, the last one {}", time(self.last)),
        }
    }
}

impl From<WrongTries> for Lockout {
    fn from(tries: WrongTries) -> Self {
        Self {
            account: (!tries.account.starts_with(sign_in::NOBODY)).then_some(tries.account),
            unix_user: tries.login_user,
            tries: tries.failures,
            last: tries.last_failure,
            locked_until: tries.blocked_until,
        }
    }
}

/// Where tries are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the database: everyone's.
    Database,
    /// In the state folder of whoever runs this program, because the database takes no writes: only their own.
    StateFolder,
}

/// Where the tries of this portal are counted.
#[must_use]
pub fn place(portal: &Portal) -> Place {
    if portal.writer().is_ok() { Place::Database } else { Place::StateFolder }
}

/// All wrong tries that are counted, by account and Unix user.
///
/// # Errors
/// What the engine or the system says.
pub async fn all(portal: &Portal) -> Result<Vec<Lockout>> {
    read(portal, None).await
}

/// Those of one account.
///
/// # Errors
/// What the engine or the system says.
pub async fn of(portal: &Portal, username: &str) -> Result<Vec<Lockout>> {
    read(portal, Some(sign_in::key_of(username))).await
}

async fn read(portal: &Portal, account: Option<String>) -> Result<Vec<Lockout>> {
    let found = match (place(portal), &portal.settings.tries_file) {
        (Place::Database, _) => own::wrong_tries(&portal.db, account.as_deref()).await?,
        (Place::StateFolder, Some(file)) => {
            let (file, target) = (file.clone(), portal.db.target().clone());
            blocking(move || tries::wrong_tries(&file, &target, account.as_deref())).await??
        }
        (Place::StateFolder, None) => Vec::new(),
    };
    Ok(found.into_iter().map(Lockout::from).collect())
}

/// What [`clear`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// The account.
    pub username: String,
    /// How many tries were forgotten.
    pub tries: i64,
    /// Where they had been counted.
    pub place: Place,
}

impl std::fmt::Display for Cleared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.tries, self.place) {
            (0, _) => write!(f, "No wrong sign-in tries are counted for {}", self.username)?,
            (1, _) => write!(f, "Cleared 1 wrong sign-in try of {}", self.username)?,
            (tries, _) => write!(f, "Cleared {tries} wrong sign-in tries of {}", self.username)?,
        }
        match self.place {
            Place::Database => Ok(()),
            Place::StateFolder => f.write_str(" in your own state folder; read-only, the database's stay"),
        }
    }
}

/// Forgets the wrong tries of an account, whoever made them: the next one is taken at once. Whoever may set its
/// password may do this. `dry_run` only looks.
///
/// # Errors
/// Denied; invalid, when there is no such account; what the engine says.
pub async fn clear(portal: &Portal, id: i64, dry_run: bool) -> Result<Cleared> {
    let sql = Sql::new("SELECT username FROM auth_user WHERE id = ?").bind(id);
    let Some(row) = portal.db.optional(sql).await? else {
        return Err(Error::invalid(format!("There is no user with id {id} any more.")));
    };
    let username = row.text(0)?;
    let found = of(portal, &username).await?;
    let cleared = Cleared {
        tries: found.iter().map(|lockout| lockout.tries).sum(),
        place: place(portal),
        username: username.clone(),
    };
    let actor = portal.actor.account.as_ref().map(|account| account.id);
    let key = sign_in::key_of(&username);
    match (cleared.place, &portal.settings.tries_file) {
        _ if dry_run => may(&mut portal.db.clone(), &portal.roles, actor, id).await?,
        (Place::Database, _) => {
            let roles = portal.roles.clone();
            let forgetting = portal.db.transaction(move |tx| {
                let (roles, key) = (roles.clone(), key.clone());
                Box::pin(async move {
                    may(tx, &roles, actor, id).await?;
                    Ok(own::clear_tries(tx, &key).await?)
                })
            });
            forgetting.await?;
        }
        (Place::StateFolder, file) => {
            may(&mut portal.db.clone(), &portal.roles, actor, id).await?;
            if let Some(file) = file.clone() {
                let target = portal.db.target().clone();
                blocking(move || tries::clear(&file, &target, &key)).await??;
            }
        }
    }
    if !dry_run && cleared.tries > 0 {
        let (by, unix) = (portal.actor.name(), &portal.actor.unix_user);
        tracing::info!(id, user = username, by, unix, tries = cleared.tries, "wrong sign-in tries cleared");
    }
    Ok(cleared)
}

/// Refuses whom the account's password is none of their business. On the command line nobody is asked.
async fn may(
    reads: &mut dyn Reads,
    roles: &Roles,
    actor: Option<i64>,
    id: i64,
) -> std::result::Result<(), Failure> {
    let Some(actor) = actor else { return Ok(()) };
    let Some(facts) = rights::actor(reads, roles, actor).await? else {
        return Err(Error::denied("Your account does not exist any more; nothing was cleared.").into());
    };
    let Some(target) = rights::targets(reads, roles, &[id]).await?.remove(&id) else {
        return Err(Error::invalid(format!("There is no user with id {id} any more.")).into());
    };
    allowed(&facts, &Action::SetPassword(&target))
        .map_err(|why| Error::denied(format!("{why} Nothing was cleared.")).into())
}
