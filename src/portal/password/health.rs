//! What is wrong with a value of `auth_user.password`, without trying a password on it.

use super::encoding::{Algorithm, Cost, Parts, Stored, parse, read};
use super::recipe::Recipe;
use crate::portal::rules::PASSWORD_COLUMN_MAX;

/// Least Argon2 memory in KiB, whatever the passes: the smallest that OWASP's password storage cheat sheet allows.
const LEAST_MEMORY: u32 = 7 * 1024;

/// Least Argon2 work in KiB times passes: that memory at the five passes asked for with it.
const LEAST_ARGON2_WORK: u64 = 5 * 7 * 1024;

/// Length in bytes of the hash that Django's Argon2 writes.
const ARGON2_HASH_LENGTH: usize = 32;

/// What a stored password is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// No password can ever be right.
    Unusable,
    /// Well formed, at a cost that protects it.
    Sound,
    /// Well formed, and cheaper to guess than it should be. Django makes it anew at the next sign-in.
    Cheap,
    /// Of a slow hasher that is not verified here; only the portal knows more.
    Foreign,
    /// Of a known algorithm, but not as that one is written, or cut at the column's end: nobody can sign in with it.
    Broken,
    /// Empty, perhaps the password itself, or of a hasher that protects nothing.
    Open,
}

impl Health {
    /// Whether a person may be able to sign in with it.
    #[must_use]
    pub const fn may_sign_in(self) -> bool {
        matches!(self, Self::Sound | Self::Cheap | Self::Foreign)
    }
}

/// What the value is worth. Reads anything.
#[must_use]
pub fn health(encoded: &str) -> Health {
    match read(encoded) {
        Stored::Unusable => Health::Unusable,
        Stored::Usable(_) if is_cut(encoded) => Health::Broken,
        Stored::Usable(cost) if is_cheap(cost) => Health::Cheap,
        Stored::Usable(_) => Health::Sound,
        Stored::Unsupported(name) if is_slow(&name) => Health::Foreign,
        Stored::Malformed if has_known_prefix(encoded) => Health::Broken,
        Stored::Unsupported(_) | Stored::Malformed => Health::Open,
    }
}

/// Whether the column's end cut the value off. The other algorithms' hashes have one length only, so that what is left
/// of them does not parse.
fn is_cut(encoded: &str) -> bool {
    let fills_the_column = encoded.chars().count() == PASSWORD_COLUMN_MAX;
    fills_the_column
        && matches!(parse(encoded), Some(Parts::Argon2(parts)) if parts.hash.len() != ARGON2_HASH_LENGTH)
}

fn is_cheap(cost: Cost) -> bool {
    match cost {
        Cost::Pbkdf2Sha256 { iterations } | Cost::Pbkdf2Sha1 { iterations } => {
            iterations < Recipe::DJANGO_4_2_ITERATIONS
        }
        Cost::Argon2 { memory, passes, .. } => {
            memory < LEAST_MEMORY || u64::from(memory) * u64::from(passes) < LEAST_ARGON2_WORK
        }
        Cost::BcryptSha256 { .. } | Cost::Scrypt { .. } => false,
    }
}

/// Whether a hasher of this name, which is none of the five, runs its hash many times over.
fn is_slow(name: &str) -> bool {
    name.split('_').any(|word| matches!(word, "pbkdf2" | "argon2" | "bcrypt" | "scrypt" | "phpass"))
}

fn has_known_prefix(encoded: &str) -> bool {
    encoded.split_once('$').is_some_and(|(name, _)| Algorithm::from_name(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2: &str = "argon2$argon2id$v=19$m=102400,t=2,p=8$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$BgMuGGqiJv6os9j2lYoaocgTDCDAE+LXAj+LcPY6qNY";

    fn pbkdf2(iterations: u32) -> String {
        Recipe::pbkdf2_sha256(1).hash("a").unwrap().replacen("$1$", &format!("${iterations}$"), 1)
    }

    #[test]
    fn a_cost_below_djangos_is_cheap() {
        assert_eq!(health(&pbkdf2(600_000)), Health::Sound);
        assert_eq!(health(&pbkdf2(599_999)), Health::Cheap);
        assert_eq!(health(ARGON2), Health::Sound);
        for (costs, expected) in [
            ("m=19456,t=2,p=1", Health::Sound),
            ("m=7168,t=5,p=1", Health::Sound),
            ("m=7168,t=4,p=1", Health::Cheap),
            ("m=512,t=99,p=2", Health::Cheap),
        ] {
            assert_eq!(health(&ARGON2.replace("m=102400,t=2,p=8", costs)), expected, "{costs}");
        }
    }

    #[test]
    fn what_protects_nothing_is_open() {
        for value in [
            "",
            " ",
            "correct horse",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
            "sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
            "crypt$$ab1234567890.",
            "sha256$salt$00",
            "my$secret$is",
            "PBKDF2_SHA256$600000$a$b",
        ] {
            assert_eq!(health(value), Health::Open, "{value}");
        }
    }

    #[test]
    fn what_only_the_portal_knows_is_not_judged() {
        for value in ["bcrypt$$2b$12$abcdefghijklmnopqrstuu", "pbkdf2_sha512$1$a$b", "phpass$x"] {
            assert_eq!(health(value), Health::Foreign, "{value}");
        }
        assert!(Health::Foreign.may_sign_in() && !Health::Broken.may_sign_in());
    }

    #[test]
    fn what_does_not_parse_or_was_cut_is_broken() {
        let whole = pbkdf2(600_000);
        let cut = &whole[..whole.len() - 5];
        // A hash of 64 bytes, of which the column has room for a part that still is one.
        let long = format!("{}{}", &ARGON2[..ARGON2.len() - 43], "A".repeat(86));
        let at_the_end: String = long.chars().take(PASSWORD_COLUMN_MAX).collect();
        for value in [cut, "argon2$", "scrypt$16384$salt$8$1$", &at_the_end] {
            assert_eq!(health(value), Health::Broken, "{value}");
        }
        assert_eq!(health(&long), Health::Sound, "whole where there is room");
        assert_eq!(health("!"), Health::Unusable);
    }
}
