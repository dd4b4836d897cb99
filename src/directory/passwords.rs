//! Passwords at work: hashed off the event loop, a few at a time, with the algorithm that the portal can read.

use std::sync::LazyLock;

use tokio::sync::Semaphore;

use crate::db::Sql;
use crate::error::{Error, Kind, Result};
use crate::portal::password::{self, About, Recipe, Verdict};

use super::{Hasher, Portal};

/// How many hashes are computed at once: Django's argon2 takes 100 MiB each.
static HASHING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// How many of the newest accounts are looked at to learn how the portal hashes.
const NEWEST: i64 = 20;

/// How new passwords of this portal are hashed.
///
/// # Errors
/// What the engine says.
pub async fn recipe(portal: &Portal) -> Result<Recipe> {
    Ok(match portal.settings.hasher {
        Hasher::Pbkdf2Sha256 => Recipe::pbkdf2_sha256(Recipe::DJANGO_4_2_ITERATIONS),
        Hasher::Argon2 => Recipe::argon2(),
        Hasher::Auto => password::choose(&newest(portal).await?, portal.owned),
    })
}

async fn newest(portal: &Portal) -> Result<Vec<String>> {
    let sql = Sql::new("SELECT password FROM auth_user WHERE password NOT LIKE '!%' ORDER BY id DESC")
        .push_bind(" LIMIT ?", NEWEST);
    portal.db.all(sql).await?.iter().map(|row| Ok(row.text(0)?)).collect()
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _permit = HASHING.acquire().await.map_err(|_| Error::bug("hashing has ended"))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::bug(format!("hashing ended early: {error}")))
}

/// Hashes a password for the portal, never cheaper than the hash it replaces.
///
/// # Errors
/// What the engine says; that there is no randomness.
pub async fn hash(portal: &Portal, password: &str, replaces: Option<&str>) -> Result<String> {
    let mut recipe = recipe(portal).await?;
    if let Some(old) = replaces {
        recipe = recipe.not_cheaper_than(old);
    }
    let password = password.to_owned();
    blocking(move || recipe.hash(&password)).await?
}

/// Compares a password with an encoded one. One that can't be verified costs as much time as one that can.
///
/// # Errors
/// A bug in the hashing task.
pub async fn verify(portal: &Portal, password: &str, encoded: Option<&str>) -> Result<Verdict> {
    let recipe = recipe(portal).await?;
    let (password, encoded) = (password.to_owned(), encoded.map(str::to_owned));
    blocking(move || {
        let usable = encoded.filter(|encoded| matches!(password::read(encoded), password::Stored::Usable(_)));
        let verdict = usable.map_or(Verdict::CannotVerify, |encoded| password::verify(&password, &encoded));
        if verdict == Verdict::CannotVerify {
            password::burn(&recipe);
        }
        verdict
    })
    .await
}

/// Refuses a password that Django's validators would refuse, with all their messages.
///
/// # Errors
/// Invalid, on the field `password`.
pub fn check(portal: &Portal, password: &str, about: &About<'_>) -> Result<()> {
    let problems = password::problems(password, about, portal.settings.minimum_password_length);
    if problems.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
    let mut error = Error::new(Kind::Invalid, format!("{} Nothing was written.", messages.join(" ")));
    for message in messages {
        error = error.and_field("password", message);
    }
    Err(error)
}
