//! Passwords at work: hashed off the event loop, a few at a time, with the algorithm that the portal can read.

use std::sync::LazyLock;

use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::db::Sql;
use crate::error::{Error, Kind, Result};
use crate::portal::password::{self, About, Recipe, Verdict};

use super::blocking::blocking;
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

/// The newest values of the column that are not unusable, newest first.
async fn newest(portal: &Portal) -> Result<Vec<String>> {
    let sql = Sql::new("SELECT password FROM auth_user WHERE password NOT LIKE '!%' ORDER BY id DESC")
        .push_bind(" LIMIT ?", NEWEST);
    portal.db.all(sql).await?.iter().map(|row| Ok(row.text(0)?)).collect()
}

/// Hashes, as many at once as all of this program may.
async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _permit = HASHING.acquire().await.map_err(|_| Error::bug("hashing has ended"))?;
    blocking(work).await
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
    hash_by(recipe, password).await
}

/// Hashes a password by a recipe that was chosen before, as many at once as all of this program may.
///
/// # Errors
/// That there is no randomness.
pub async fn hash_by(recipe: Recipe, password: &str) -> Result<String> {
    let password = Zeroizing::new(password.to_owned());
    hashing(move || recipe.hash(&password)).await?
}

/// What is hashed where there is nothing to compare with, so that it takes as long as for the portal's accounts.
enum Decoy {
    /// The newest stored value that can be verified: its algorithm, its costs.
    Like(Zeroizing<String>),
    /// There is none: as new passwords are hashed.
    Recipe(Recipe),
}

async fn decoy(portal: &Portal) -> Result<Decoy> {
    let newest = newest(portal).await?.into_iter().find(|encoded| password::can_verify(encoded));
    Ok(match newest {
        Some(encoded) => Decoy::Like(encoded.into()),
        None => Decoy::Recipe(recipe(portal).await?),
    })
}

impl Decoy {
    fn spend(&self, password: &str) {
        match self {
            Self::Like(encoded) => {
                std::hint::black_box(password::verify(password, encoded));
            }
            Self::Recipe(recipe) => password::burn(recipe),
        }
    }
}

/// Compares a password with an encoded one: exactly one hash, whatever the value is. Where there is none, or one that
/// can't be verified (unusable, malformed, of another hasher, too costly), it is that of a decoy.
///
/// # Errors
/// A bug in the hashing task.
pub async fn verify(portal: &Portal, password: &str, encoded: Option<&str>) -> Result<Verdict> {
    let decoy = decoy(portal).await?;
    let password = Zeroizing::new(password.to_owned());
    let encoded = encoded.map(|encoded| Zeroizing::new(encoded.to_owned()));
    hashing(move || {
        if let Some(encoded) = encoded.filter(|encoded| password::can_verify(encoded)) {
            return password::verify(&password, &encoded);
        }
        decoy.spend(&password);
        Verdict::CannotVerify
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
