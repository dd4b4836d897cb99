//! Whether a password is the right one for a stored value.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::LONGEST;
use super::encoding::{Algorithm, Argon2Parts, Argon2Variant, Parts, parse};

/// Most PBKDF2 iterations that are run.
pub(super) const MOST_ITERATIONS: u32 = 10_000_000;
/// Most Argon2 memory that is taken, in KiB: 1 GiB.
pub(super) const MOST_MEMORY: u32 = 1024 * 1024;
/// Most Argon2 passes that are run.
pub(super) const MOST_PASSES: u32 = 20;
/// Most Argon2 work that is done, in KiB times passes: 4 GiB, twenty times Django's.
const MOST_ARGON2_WORK: u64 = 4 * 1024 * 1024;
/// Highest bcrypt cost that is run.
const MOST_LOG_ROUNDS: u32 = 16;
/// Most scrypt memory that is taken, in units of 128 bytes (n times r): 256 MiB.
const MOST_SCRYPT_BLOCKS: u64 = 2 * 1024 * 1024;
/// Most scrypt work that is done, in the same units (n times r times p).
const MOST_SCRYPT_WORK: u64 = 16 * 1024 * 1024;
/// Longest salt in bytes that Argon2 is given; the column can hold no longer one.
const LONGEST_SALT: usize = 128;

/// The answer of [`verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is the right one.
    Right,
    /// It is not, or the stored value is unusable.
    Wrong,
    /// The stored value is malformed, of an unknown hasher, or asks for more work than anybody may ask for.
    CannotVerify,
}

/// Whether [`verify`] computes a hash for this stored value: it is one of the five, and within the limits of cost.
#[must_use]
pub fn can_verify(encoded: &str) -> bool {
    parse(encoded).is_some_and(|parts| is_affordable(&parts))
}

/// Whether this is the right password for the stored value, as Django's `check_password` decides it.
///
/// Costs what the stored value says, within limits: a value planted in the database can't stop the machine. A
/// password above [`LONGEST`] bytes is wrong without being hashed. `Wrong` for an unusable value and `CannotVerify`
/// come at once: who must hide that spends the time with [`super::burn`].
#[must_use]
pub fn verify(password: &str, encoded: &str) -> Verdict {
    if encoded.starts_with(super::encoding::UNUSABLE) {
        return Verdict::Wrong;
    }
    let Some(parts) = parse(encoded).filter(is_affordable) else {
        return Verdict::CannotVerify;
    };
    if password.len() > LONGEST {
        return Verdict::Wrong;
    }
    match compute(password.as_bytes(), &parts) {
        None => Verdict::CannotVerify,
        Some(computed) if computed.ct_eq(stored_hash(&parts)).into() => Verdict::Right,
        Some(_) => Verdict::Wrong,
    }
}

/// Whether the declared costs are within our limits.
pub(super) fn is_affordable(parts: &Parts<'_>) -> bool {
    match parts {
        Parts::Pbkdf2 { iterations, .. } => *iterations <= MOST_ITERATIONS,
        Parts::Argon2(argon2) => {
            let work = u64::from(argon2.memory).saturating_mul(argon2.passes.into());
            argon2.memory <= MOST_MEMORY
                && argon2.passes <= MOST_PASSES
                && work <= MOST_ARGON2_WORK
                && argon2.salt.len() <= LONGEST_SALT
        }
        Parts::Bcrypt { log_rounds, .. } => *log_rounds <= MOST_LOG_ROUNDS,
        Parts::Scrypt { n, r, p, .. } => {
            let blocks = n.saturating_mul(u64::from(*r));
            // p blocks of r each are kept beside the n, so p alone is bounded as well.
            let lanes = u64::from(*r).saturating_mul(u64::from(*p));
            blocks <= MOST_SCRYPT_BLOCKS
                && lanes <= MOST_SCRYPT_BLOCKS
                && blocks.saturating_mul(u64::from(*p)) <= MOST_SCRYPT_WORK
        }
    }
}

fn stored_hash<'a>(parts: &'a Parts<'_>) -> &'a [u8] {
    match parts {
        Parts::Pbkdf2 { hash, .. } | Parts::Bcrypt { hash, .. } | Parts::Scrypt { hash, .. } => hash,
        Parts::Argon2(argon2) => &argon2.hash,
    }
}

/// The hash of this password with the salt and costs of the stored value; none where the algorithm refuses them.
fn compute(password: &[u8], parts: &Parts<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let mut computed = Zeroizing::new(vec![0; stored_hash(parts).len()]);
    match parts {
        Parts::Pbkdf2 { algorithm: Algorithm::Pbkdf2Sha1, iterations, salt, .. } => {
            super::count_hash(parts.cost());
            pbkdf2::pbkdf2_hmac::<Sha1>(password, salt.as_bytes(), *iterations, &mut computed);
        }
        Parts::Pbkdf2 { iterations, salt, .. } => {
            super::count_hash(parts.cost());
            pbkdf2::pbkdf2_hmac::<Sha256>(password, salt.as_bytes(), *iterations, &mut computed);
        }
        Parts::Argon2(argon2) => {
            let (hasher, salt) = (argon2_of(argon2, computed.len())?, &argon2.salt);
            super::count_hash(parts.cost());
            hasher.hash_password_into(password, salt, &mut computed).ok()?;
        }
        Parts::Bcrypt { log_rounds, salt, .. } => {
            let hex = hex_sha256(password);
            super::count_hash(parts.cost());
            let all = Zeroizing::new(bcrypt::bcrypt(*log_rounds, *salt, hex.as_slice()));
            let used = all.get(..computed.len())?;
            computed.copy_from_slice(used);
        }
        Parts::Scrypt { n, r, p, salt, .. } => {
            let log_n = u8::try_from(n.ilog2()).ok()?;
            let params = scrypt::Params::new(log_n, *r, *p).ok()?;
            super::count_hash(parts.cost());
            scrypt::scrypt(password, salt.as_bytes(), &params, &mut computed).ok()?;
        }
    }
    Some(computed)
}

fn argon2_of(parts: &Argon2Parts, length: usize) -> Option<argon2::Argon2<'static>> {
    let algorithm = match parts.variant {
        Argon2Variant::D => argon2::Algorithm::Argon2d,
        Argon2Variant::I => argon2::Algorithm::Argon2i,
        Argon2Variant::Id => argon2::Algorithm::Argon2id,
    };
    let version = if parts.current { argon2::Version::V0x13 } else { argon2::Version::V0x10 };
    let params = argon2::Params::new(parts.memory, parts.passes, parts.lanes, Some(length)).ok()?;
    Some(argon2::Argon2::new(algorithm, version, params))
}

/// What Django gives to bcrypt, which sees only 72 bytes: the hex SHA-256, with bcrypt's closing NUL.
fn hex_sha256(password: &[u8]) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password)));
    let mut hex = Zeroizing::new(Vec::with_capacity(2 * digest.len() + 1));
    for byte in digest.iter() {
        hex.push(DIGITS[usize::from(byte >> 4)]);
        hex.push(DIGITS[usize::from(byte & 15)]);
    }
    hex.push(0);
    hex
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Cost;
    use super::*;

    const PASSWORD: &str = "Alpha-Lab-2025!";
    // Written by Django 4.2.30 with argon2-cffi 25.1 at the smallest costs.
    const ARGON2D: &str = "argon2$argon2d$v=19$m=64,t=1,p=2$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$Y2mYe+1NsSL7NLE888EzvurrKAj5JBXSEInM8iDeTzY";
    const ARGON2_OLD: &str = "argon2$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$pRcxGrO89mJ+P1bSMCUgVC4b2AX/HyMM+U1td/mD/zA";
    const SCRYPT: &str = "scrypt$16$seasalt$1$3$KQyr/Ua9kJxnj50p8s3m4Oyngr+9QLfDm9yhf79N+F8e/eLp29G7n/V64/K9k6VxI/RPCkb7C+x1ceh8BXvRCQ==";

    #[test]
    fn rare_but_valid_encodings_verify() {
        for encoded in [ARGON2D, ARGON2_OLD, &ARGON2_OLD.replace("v=16$", ""), SCRYPT] {
            assert_eq!(verify(PASSWORD, encoded), Verdict::Right, "{encoded}");
            assert_eq!(verify("Alpha-Lab-2025", encoded), Verdict::Wrong, "{encoded}");
        }
    }

    #[test]
    fn nobody_can_ask_for_more_work_than_the_limits() {
        for encoded in [
            format!(
                "pbkdf2_sha256${}$salt$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=",
                MOST_ITERATIONS + 1
            ),
            ARGON2D.replace("m=64", &format!("m={}", MOST_MEMORY + 1)),
            ARGON2D.replace("t=1", &format!("t={}", MOST_PASSES + 1)),
            ARGON2D.replace("m=64,t=1", &format!("m={MOST_MEMORY},t=5")),
            ARGON2D.replace("p=2", "p=4294967295"),
            format!(
                "bcrypt_sha256$$2b${}$abcdefghijklmnopqrstuuMkHVPuODNuiLLOUkNVv/bVYWR0bXLaq",
                MOST_LOG_ROUNDS + 1
            ),
            SCRYPT.replace("$16$", "$4194304$"),
            SCRYPT.replace("$1$3$", "$1$4294967295$"),
            SCRYPT.replace("$1$3$", "$4294967295$1$"),
        ] {
            assert_eq!(verify(PASSWORD, &encoded), Verdict::CannotVerify, "{encoded}");
        }
    }

    #[test]
    fn an_endless_password_is_wrong_without_being_hashed() {
        assert_eq!(verify(&"x".repeat(LONGEST + 1), SCRYPT), Verdict::Wrong);
    }

    #[test]
    fn what_can_be_verified_costs_one_hash_and_nothing_else_does() {
        let endless =
            format!("pbkdf2_sha256$1${}$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=", "s".repeat(2_000));
        for (encoded, can) in [
            (ARGON2D, true),
            (ARGON2_OLD, true),
            (SCRYPT, true),
            ("", false),
            ("!", false),
            (PASSWORD, false),
            ("md5$salt$0123456789abcdef0123456789abcdef", false),
            (endless.as_str(), false),
            ("pbkdf2_sha256$4294967295$salt$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=", false),
        ] {
            assert_eq!(can_verify(encoded), can, "{encoded}");
            assert_eq!(compute_of(encoded), can, "{encoded}");
        }
    }

    fn compute_of(encoded: &str) -> bool {
        parse(encoded).filter(is_affordable).and_then(|parts| compute(PASSWORD.as_bytes(), &parts)).is_some()
    }

    /// Cuts, doubles, deletes, inserts or replaces something of an encoding.
    fn damaged(encoded: &str, how: u8, at: usize, length: usize, with: &str) -> String {
        let at = encoded.char_indices().map(|(at, _)| at).nth(at).unwrap_or(encoded.len());
        let end =
            encoded[at..].char_indices().map(|(at, _)| at).nth(length).map_or(encoded.len(), |to| at + to);
        let (before, piece, after) = (&encoded[..at], &encoded[at..end], &encoded[end..]);
        match how {
            0 => before.to_owned(),
            1 => [before, piece, piece, after].concat(),
            2 => [before, after].concat(),
            3 => [before, with, piece, after].concat(),
            _ => [before, with, after].concat(),
        }
    }

    proptest! {
        #[test]
        fn no_damage_of_any_kind_panics_or_verifies(
            which in 0_usize..5,
            damages in proptest::collection::vec((0_u8..5, 0_usize..120, 0_usize..30, "[$=,!A-Za-z0-9+/é\\x00\u{202e}]{0,6}"), 1..4),
        ) {
            let pbkdf2 = "pbkdf2_sha256$1$seasalt$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
            let bcrypt = "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuMkHVPuODNuiLLOUkNVv/bVYWR0bXLaq";
            let encoded = [ARGON2D, ARGON2_OLD, SCRYPT, pbkdf2, bcrypt][which];
            let value = damages.iter().fold(encoded.to_owned(), |value, (how, at, length, with)| {
                damaged(&value, *how, *at, *length, with)
            });
            let parts = parse(&value).filter(is_affordable);
            // What is well formed all the same may be costly; those costs are looked at elsewhere.
            let is_cheap = parts.as_ref().is_none_or(|parts| match parts.cost() {
                Cost::Pbkdf2Sha256 { iterations } | Cost::Pbkdf2Sha1 { iterations } => {
                    iterations <= 1_000
                }
                Cost::Argon2 { memory, passes, .. } => memory <= 1_000 && passes <= 3,
                Cost::BcryptSha256 { log_rounds } => log_rounds <= 4,
                Cost::Scrypt { n, r, p } => n <= 64 && r <= 8 && p <= 8,
            });
            prop_assert_eq!(parts.is_some(), can_verify(&value));
            if is_cheap {
                prop_assert!(verify("Alpha-Lab-2025", &value) != Verdict::Right, "{}", value);
            }
        }

        #[test]
        fn damage_never_panics_and_never_verifies(at in 0_usize..110, c in "[$=,A-Za-z0-9+/é]", which in 0_usize..3) {
            let encoded = [ARGON2D, ARGON2_OLD, SCRYPT][which];
            let damaged: String = encoded.chars().enumerate()
                .map(|(i, old)| if i == at { c.chars().next().unwrap_or(old) } else { old }).collect();
            // A digit changed in the costs may still be cheap enough to run, but never the right hash.
            prop_assume!(damaged != encoded && !damaged.contains("m=9") && !damaged.contains("t=9"));
            prop_assert_ne!(verify(PASSWORD, &damaged), Verdict::Right);
        }
    }
}
