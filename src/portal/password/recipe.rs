//! How a new password is hashed: the algorithm and its costs, chosen so that the portal can read the result.

use argon2::{Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::Sha256;

use super::LONGEST;
use super::encoding::{Cost, Stored, UNUSABLE, parse, read};
use super::generate::random_text;
use super::verify::{MOST_ITERATIONS, MOST_MEMORY, MOST_PASSES, is_affordable};
use crate::error::{Error, Result};

/// Length of a salt: Django's, 22 of 62 characters, above 128 bits. Django rehashes at login what has less.
const SALT_LENGTH: usize = 22;
/// Length of the noise behind the `!` of an unusable password (Django's `UNUSABLE_PASSWORD_SUFFIX_LENGTH`).
const NOISE_LENGTH: usize = 40;
/// The alphabet of both (Django's `RANDOM_STRING_CHARS`).
const ALPHANUMERIC: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Length of a hash in bytes, for both algorithms.
const HASH_LENGTH: usize = 32;

/// An algorithm with its costs, ready to hash new passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe(Method);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Argon2 { memory: u32, passes: u32, lanes: u32 },
    Pbkdf2Sha256 { iterations: u32 },
}

impl Recipe {
    /// PBKDF2 iterations of Django 4.2, which OWASP's password storage cheat sheet asks for too.
    pub const DJANGO_4_2_ITERATIONS: u32 = 600_000;

    /// Argon2id at the costs of every Django since 3.2: 100 MiB, 2 passes, 8 lanes.
    #[must_use]
    pub const fn argon2() -> Self {
        Self(Method::Argon2 { memory: 102_400, passes: 2, lanes: 8 })
    }

    /// `pbkdf2_sha256` with this many iterations: at least 1, at most ten million.
    #[must_use]
    pub fn pbkdf2_sha256(iterations: u32) -> Self {
        Self(Method::Pbkdf2Sha256 { iterations: iterations.clamp(1, MOST_ITERATIONS) })
    }

    /// The recipe by which a stored value was made; none where it is not one that we write, or too costly.
    #[must_use]
    pub fn of(encoded: &str) -> Option<Self> {
        match parse(encoded).filter(is_affordable)?.cost() {
            Cost::Argon2 { memory, passes, lanes } => Some(Self(Method::Argon2 { memory, passes, lanes })),
            Cost::Pbkdf2Sha256 { iterations } => Some(Self::pbkdf2_sha256(iterations)),
            _ => None,
        }
    }

    /// The recipe with its costs raised to those of the value that it replaces.
    ///
    /// Within one algorithm each cost is the higher of the two. Across algorithms costs can't be compared: the
    /// recipe keeps its algorithm, the one that this portal surely reads, at Django's default cost or above.
    #[must_use]
    pub fn not_cheaper_than(self, old_encoded: &str) -> Self {
        let Stored::Usable(old) = read(old_encoded) else {
            return self;
        };
        match (self.0, old) {
            (Method::Argon2 { memory, passes, lanes }, Cost::Argon2 { memory: m, passes: t, .. }) => {
                Self(Method::Argon2 {
                    memory: memory.max(m.min(MOST_MEMORY)),
                    passes: passes.max(t.min(MOST_PASSES)),
                    lanes,
                })
            }
            (Method::Pbkdf2Sha256 { iterations }, Cost::Pbkdf2Sha256 { iterations: old }) => {
                Self::pbkdf2_sha256(iterations.max(old))
            }
            (Method::Argon2 { memory, passes, lanes }, _) => {
                Self(Method::Argon2 { memory: memory.max(102_400), passes: passes.max(2), lanes })
            }
            (Method::Pbkdf2Sha256 { iterations }, _) => {
                Self::pbkdf2_sha256(iterations.max(Self::DJANGO_4_2_ITERATIONS))
            }
        }
    }

    /// The encoded password for the column, with a new random salt.
    ///
    /// # Errors
    /// The password is longer than [`LONGEST`] bytes, or the system gives no random bytes; nothing is stored then.
    pub fn hash(&self, password: &str) -> Result<String> {
        if password.len() > LONGEST {
            let message = format!("This password is too long. It must contain at most {LONGEST} bytes.");
            return Err(Error::invalid(message));
        }
        self.encode(password, &random_text(ALPHANUMERIC, SALT_LENGTH)?)
    }

    /// What one hash costs.
    #[must_use]
    pub const fn cost(self) -> Cost {
        match self.0 {
            Method::Argon2 { memory, passes, lanes } => Cost::Argon2 { memory, passes, lanes },
            Method::Pbkdf2Sha256 { iterations } => Cost::Pbkdf2Sha256 { iterations },
        }
    }

    fn encode(self, password: &str, salt: &str) -> Result<String> {
        super::count_hash(self.cost());
        let mut hash = [0; HASH_LENGTH];
        match self.0 {
            Method::Argon2 { memory, passes, lanes } => {
                Params::new(memory, passes, lanes, Some(HASH_LENGTH))
                    .map(|params| Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params))
                    .and_then(|argon2| {
                        argon2.hash_password_into(password.as_bytes(), salt.as_bytes(), &mut hash)
                    })
                    .map_err(|error| {
                        Error::bug(format!("Argon2 refused its costs: {error}. Nothing was written."))
                    })?;
                let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
                Ok(format!("argon2$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"))
            }
            Method::Pbkdf2Sha256 { iterations } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt.as_bytes(), iterations, &mut hash);
                Ok(format!("pbkdf2_sha256${iterations}${salt}${}", STANDARD.encode(hash)))
            }
        }
    }
}

/// The recipe for a database, from its newest encoded passwords, newest first (values that are no use are skipped).
///
/// One that is the portal's own gets the algorithm and costs of the newest password that we could have written:
/// whatever else the portal lacks, it has the library for those. Without any it gets Django 4.2's default. One that
/// we created (`owned`) gets Argon2id.
#[must_use]
pub fn choose(newest_encoded: &[String], owned: bool) -> Recipe {
    if owned {
        return Recipe::argon2();
    }
    newest_encoded
        .iter()
        .find_map(|encoded| Recipe::of(encoded))
        .unwrap_or_else(|| Recipe::pbkdf2_sha256(Recipe::DJANGO_4_2_ITERATIONS))
}

/// A value that no password is right for: `!` and 40 random characters, so that no two are alike.
///
/// # Errors
/// The system gives no random bytes.
pub fn unusable() -> Result<String> {
    Ok(format!("{UNUSABLE}{}", random_text(ALPHANUMERIC, NOISE_LENGTH)?))
}

/// Spends the time of one verification by this recipe, so that an unknown name takes as long as a wrong password.
pub fn burn(recipe: &Recipe) {
    let salt = &ALPHANUMERIC[..SALT_LENGTH];
    let _spent = std::hint::black_box(recipe.encode(std::hint::black_box("burn"), salt));
}

#[cfg(test)]
mod tests {
    use super::super::verify::{Verdict, verify};
    use super::*;

    fn argon2(memory: u32, passes: u32, lanes: u32) -> Recipe {
        Recipe(Method::Argon2 { memory, passes, lanes })
    }

    #[test]
    fn what_is_hashed_verifies_and_fits_the_column() {
        for recipe in [argon2(64, 1, 1), Recipe::pbkdf2_sha256(10)] {
            let encoded = recipe.hash("Pässwörd ").unwrap();
            assert!(encoded.len() <= crate::portal::rules::PASSWORD_COLUMN_MAX);
            assert_eq!(verify("Pässwörd ", &encoded), Verdict::Right);
            assert_eq!(verify("Pässwörd", &encoded), Verdict::Wrong);
            assert_eq!(Recipe::of(&encoded), Some(recipe));
            assert_ne!(recipe.hash("Pässwörd ").unwrap(), encoded, "salted");
        }
    }

    #[test]
    fn an_endless_password_is_refused() {
        assert!(Recipe::pbkdf2_sha256(1).hash(&"x".repeat(LONGEST)).is_ok());
        assert!(Recipe::pbkdf2_sha256(1).hash(&"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn an_adopted_database_gets_what_it_has() {
        let weak = Recipe::pbkdf2_sha256(10).hash("a").unwrap();
        let strong = argon2(64, 1, 1).hash("a").unwrap();
        let noise = [unusable().unwrap(), String::new(), "md5$a$b".to_owned()];
        let newest =
            |first: &String, second: &String| [&noise[..], &[first.clone(), second.clone()]].concat();
        assert_eq!(choose(&newest(&weak, &strong), false), Recipe::pbkdf2_sha256(10));
        assert_eq!(choose(&newest(&strong, &weak), false), argon2(64, 1, 1));
        assert_eq!(choose(&noise, false), Recipe::pbkdf2_sha256(Recipe::DJANGO_4_2_ITERATIONS));
        assert_eq!(choose(&newest(&weak, &weak), true), Recipe::argon2());
    }

    #[test]
    fn a_replacement_is_never_cheaper() {
        let old_pbkdf2 = Recipe::pbkdf2_sha256(20).hash("a").unwrap();
        let old_argon2 = argon2(128, 1, 2).hash("a").unwrap();
        assert_eq!(Recipe::pbkdf2_sha256(10).not_cheaper_than(&old_pbkdf2), Recipe::pbkdf2_sha256(20));
        assert_eq!(Recipe::pbkdf2_sha256(30).not_cheaper_than(&old_pbkdf2), Recipe::pbkdf2_sha256(30));
        assert_eq!(argon2(64, 3, 1).not_cheaper_than(&old_argon2), argon2(128, 3, 1));
        assert_eq!(
            Recipe::pbkdf2_sha256(10).not_cheaper_than(&old_argon2),
            Recipe::pbkdf2_sha256(Recipe::DJANGO_4_2_ITERATIONS)
        );
        assert_eq!(argon2(64, 1, 8).not_cheaper_than(&old_pbkdf2), Recipe::argon2());
        assert_eq!(argon2(64, 1, 1).not_cheaper_than("!x"), argon2(64, 1, 1));
    }

    #[test]
    fn unusable_values_are_djangos() {
        let value = unusable().unwrap();
        assert!(value.strip_prefix(UNUSABLE).is_some_and(|noise| {
            noise.len() == NOISE_LENGTH && noise.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }));
        assert_ne!(value, unusable().unwrap());
        assert_eq!(verify("", &value), Verdict::Wrong);
    }

    #[test]
    fn salts_are_djangos() {
        let encoded = Recipe::pbkdf2_sha256(1).hash("a").unwrap();
        let salt = encoded.split('$').nth(2).unwrap();
        assert!(salt.len() == SALT_LENGTH && salt.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
