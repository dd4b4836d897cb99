//! What a value of `auth_user.password` says, without trying a password on it.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};

/// What every unusable password starts with (Django's `UNUSABLE_PASSWORD_PREFIX`).
pub(super) const UNUSABLE: char = '!';

/// bcrypt's own base64. Real hashes leave the spare bits of the last character in any state.
const BCRYPT_BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// The algorithms of Django's hashers that can be verified here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// PBKDF2 with HMAC-SHA-256, Django's default.
    Pbkdf2Sha256,
    /// PBKDF2 with HMAC-SHA-1.
    Pbkdf2Sha1,
    /// Argon2, in any of its three variants.
    Argon2,
    /// bcrypt of the hex SHA-256 of the password.
    BcryptSha256,
    /// scrypt.
    Scrypt,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pbkdf2Sha256, Self::Pbkdf2Sha1, Self::Argon2, Self::BcryptSha256, Self::Scrypt];

    /// Django's name, which starts every encoded password.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2Sha256 => "pbkdf2_sha256",
            Self::Pbkdf2Sha1 => "pbkdf2_sha1",
            Self::Argon2 => "argon2",
            Self::BcryptSha256 => "bcrypt_sha256",
            Self::Scrypt => "scrypt",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// What one verification of a stored password costs, as the value itself declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// `pbkdf2_sha256`: iterations.
    Pbkdf2Sha256 {
        /// Iterations of the HMAC.
        iterations: u32,
    },
    /// `pbkdf2_sha1`: iterations.
    Pbkdf2Sha1 {
        /// Iterations of the HMAC.
        iterations: u32,
    },
    /// `argon2`: memory in KiB, passes, lanes.
    Argon2 {
        /// Memory in KiB (`m`).
        memory: u32,
        /// Passes over it (`t`).
        passes: u32,
        /// Lanes (`p`).
        lanes: u32,
    },
    /// `bcrypt_sha256`: the binary logarithm of its rounds.
    BcryptSha256 {
        /// 2 to the power of this many rounds.
        log_rounds: u32,
    },
    /// `scrypt`: N, a power of two; block size; parallelism.
    Scrypt {
        /// The work factor N.
        n: u64,
        /// The block size r.
        r: u32,
        /// The parallelism p.
        p: u32,
    },
}

impl Cost {
    /// Which algorithm it is the cost of.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Pbkdf2Sha256 { .. } => Algorithm::Pbkdf2Sha256,
            Self::Pbkdf2Sha1 { .. } => Algorithm::Pbkdf2Sha1,
            Self::Argon2 { .. } => Algorithm::Argon2,
            Self::BcryptSha256 { .. } => Algorithm::BcryptSha256,
            Self::Scrypt { .. } => Algorithm::Scrypt,
        }
    }
}

impl fmt::Display for Cost {
    /// `pbkdf2_sha256, 600 000`; `argon2, 102 400 KiB, 2 passes, 8 lanes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.algorithm().name())?;
        match *self {
            Self::Pbkdf2Sha256 { iterations } | Self::Pbkdf2Sha1 { iterations } => {
                f.write_str(&grouped(iterations.into()))
            }
            Self::Argon2 { memory, passes, lanes } => {
                write!(f, "{} KiB, {passes} passes, {lanes} lanes", grouped(memory.into()))
            }
            Self::BcryptSha256 { log_rounds } => write!(f, "2^{log_rounds}"),
            Self::Scrypt { n, r, p } => write!(f, "n {}, r {r}, p {p}", grouped(n)),
        }
    }
}

/// What a value of the password column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// No password can ever be right: the value starts with `!`.
    Unusable,
    /// One of the five, well formed.
    Usable(Cost),
    /// Of a hasher that is not verified here; its name.
    Unsupported(String),
    /// Not an encoded password: Django refuses every password for it, or fails with an error.
    Malformed,
}

/// What the value is. Reads anything; an encoded password that Django could not have written is malformed.
#[must_use]
pub fn read(encoded: &str) -> Stored {
    if encoded.starts_with(UNUSABLE) {
        return Stored::Unusable;
    }
    if let Some(parts) = parse(encoded) {
        return Stored::Usable(parts.cost());
    }
    unsupported(encoded).map_or(Stored::Malformed, Stored::Unsupported)
}

/// The value in words for a person: `pbkdf2_sha256, 600 000`, `unusable`, `malformed`, `unsupported: md5`. Never any
/// part of salt or hash.
#[must_use]
pub fn describe(encoded: &str) -> String {
    match read(encoded) {
        Stored::Unusable => "unusable".to_owned(),
        Stored::Usable(cost) => cost.to_string(),
        Stored::Unsupported(name) => format!("unsupported: {name}"),
        Stored::Malformed => "malformed".to_owned(),
    }
}

/// The value in a word for programs: the hasher's name, `unusable`, or none where the value is malformed.
#[must_use]
pub fn algorithm_name(encoded: &str) -> Option<String> {
    match read(encoded) {
        Stored::Unusable => Some("unusable".to_owned()),
        Stored::Usable(cost) => Some(cost.algorithm().name().to_owned()),
        Stored::Unsupported(name) => Some(name),
        Stored::Malformed => None,
    }
}

/// The variants of Argon2, as its encodings name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argon2Variant {
    D,
    I,
    Id,
}

/// A well-formed encoded password, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parts<'a> {
    Pbkdf2 { algorithm: Algorithm, iterations: u32, salt: &'a str, hash: Vec<u8> },
    Argon2(Argon2Parts),
    Bcrypt { log_rounds: u32, salt: [u8; 16], hash: Vec<u8> },
    Scrypt { n: u64, r: u32, p: u32, salt: &'a str, hash: Vec<u8> },
}

/// The parts of an Argon2 encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argon2Parts {
    pub(super) variant: Argon2Variant,
    /// Version 1.3 (`v=19`) or, when false, 1.0 (`v=16` or none).
    pub(super) current: bool,
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Parts<'_> {
    pub(super) fn cost(&self) -> Cost {
        match *self {
            Self::Pbkdf2 { algorithm: Algorithm::Pbkdf2Sha1, iterations, .. } => {
                Cost::Pbkdf2Sha1 { iterations }
            }
            Self::Pbkdf2 { iterations, .. } => Cost::Pbkdf2Sha256 { iterations },
            Self::Argon2(Argon2Parts { memory, passes, lanes, .. }) => Cost::Argon2 { memory, passes, lanes },
            Self::Bcrypt { log_rounds, .. } => Cost::BcryptSha256 { log_rounds },
            Self::Scrypt { n, r, p, .. } => Cost::Scrypt { n, r, p },
        }
    }
}

/// Takes an encoded password of one of the five algorithms apart; none where it is not exactly as Django writes it.
pub(super) fn parse(encoded: &str) -> Option<Parts<'_>> {
    if encoded.len() > super::LONGEST_ENCODED {
        return None;
    }
    let (name, rest) = encoded.split_once('$')?;
    match Algorithm::from_name(name)? {
        Algorithm::Pbkdf2Sha256 => parse_pbkdf2(Algorithm::Pbkdf2Sha256, 32, rest),
        Algorithm::Pbkdf2Sha1 => parse_pbkdf2(Algorithm::Pbkdf2Sha1, 20, rest),
        Algorithm::Argon2 => parse_argon2(rest).map(Parts::Argon2),
        Algorithm::BcryptSha256 => parse_bcrypt(rest),
        Algorithm::Scrypt => parse_scrypt(rest),
    }
}

/// `iterations$salt$hash`
fn parse_pbkdf2(algorithm: Algorithm, hash_length: usize, rest: &str) -> Option<Parts<'_>> {
    let [iterations, salt, hash] = exactly(rest)?;
    let iterations = number(iterations).filter(|iterations| *iterations > 0)?;
    let hash = STANDARD.decode(hash).ok().filter(|hash| hash.len() == hash_length)?;
    (!salt.is_empty()).then_some(Parts::Pbkdf2 { algorithm, iterations, salt, hash })
}

/// `argon2id$v=19$m=102400,t=2,p=8$salt$hash`, where `v` may be missing (version 1.0).
fn parse_argon2(rest: &str) -> Option<Argon2Parts> {
    let (variant, rest) = rest.split_once('$')?;
    let variant = match variant {
        "argon2d" => Argon2Variant::D,
        "argon2i" => Argon2Variant::I,
        "argon2id" => Argon2Variant::Id,
        _ => return None,
    };
    let (current, rest) = match rest.strip_prefix("v=19$") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("v=16$").unwrap_or(rest)),
    };
    let [costs, salt, hash] = exactly(rest)?;
    let mut costs = costs.split(',');
    let mut cost = |key: &str| costs.next()?.strip_prefix(key).and_then(number::<u32>);
    let (memory, passes, lanes) = (cost("m=")?, cost("t=")?, cost("p=")?);
    let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| salt.len() >= argon2::MIN_SALT_LEN)?;
    let hash =
        STANDARD_NO_PAD.decode(hash).ok().filter(|hash| hash.len() >= argon2::Params::MIN_OUTPUT_LEN)?;
    let fits = passes > 0 && lanes > 0 && memory >= lanes.checked_mul(8)? && costs.next().is_none();
    fits.then_some(Argon2Parts { variant, current, memory, passes, lanes, salt, hash })
}

/// `$2b$12$` and 22 characters of salt and 31 of hash. `2a`, `2x` and `2y` differ only for bytes above 127, and hex
/// digits have none.
fn parse_bcrypt(rest: &str) -> Option<Parts<'_>> {
    let ["", version, log_rounds, data] = exactly(rest)? else {
        return None;
    };
    let log_rounds_text = log_rounds.strip_prefix('0').unwrap_or(log_rounds);
    let log_rounds = number(log_rounds_text).filter(|_| log_rounds.len() == 2)?;
    let known = matches!(version, "2a" | "2b" | "2x" | "2y") && (4..=31).contains(&log_rounds);
    let (salt, hash) = data.split_at_checked(22).filter(|(_, hash)| hash.len() == 31)?;
    let salt = BCRYPT_BASE64.decode(salt).ok()?.try_into().ok()?;
    let hash = BCRYPT_BASE64.decode(hash).ok()?;
    known.then_some(Parts::Bcrypt { log_rounds, salt, hash })
}

/// `n$salt$r$p$hash`
fn parse_scrypt(rest: &str) -> Option<Parts<'_>> {
    let [n, salt, r, p, hash] = exactly(rest)?;
    let n = number::<u64>(n).filter(|n| *n > 1 && n.is_power_of_two())?;
    let (r, p) = (number::<u32>(r)?, number::<u32>(p)?);
    let hash = STANDARD.decode(hash).ok().filter(|hash| hash.len() == 64)?;
    (!salt.is_empty() && r > 0 && p > 0).then_some(Parts::Scrypt { n, r, p, salt, hash })
}

/// The text split at `$` into exactly this many parts.
fn exactly<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split('$').collect::<Vec<_>>().try_into().ok()
}

/// A number as Django would print it. Others (`+1`, `01`) don't compare equal after its round trip.
fn number<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

/// The name of a hasher that is not among the five.
///
/// Only a name that is plainly a hasher's is given: what stands before the first `$` may as well be the beginning
/// of a password that somebody stored in the clear.
fn unsupported(encoded: &str) -> Option<String> {
    const FAMILIES: [&str; 9] =
        ["pbkdf2", "argon2", "bcrypt", "scrypt", "sha1", "sha256", "sha512", "md5", "phpass"];
    const LONGEST: usize = 32;
    let Some((name, _)) = encoded.split_once('$') else {
        let is_md5 = encoded.len() == 32 && encoded.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_md5.then(|| "unsalted_md5".to_owned());
    };
    let is_name = name.len() <= LONGEST
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && (name == "crypt" || FAMILIES.iter().any(|family| name.split('_').any(|word| word == *family)));
    (is_name && Algorithm::from_name(name).is_none()).then(|| name.to_owned())
}

/// `600 000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PBKDF2: &str =
        "pbkdf2_sha256$600000$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
    const ARGON2: &str = "argon2$argon2id$v=19$m=102400,t=2,p=8$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$BgMuGGqiJv6os9j2lYoaocgTDCDAE+LXAj+LcPY6qNY";
    const BCRYPT: &str = "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuuMkHVPuODNuiLLOUkNVv/bVYWR0bXLaq";
    const SCRYPT: &str = "scrypt$16384$0123456789abcdefABCDEF$8$1$Yl8wAYTOZuCLRXJpUrcbSJmfoi/uiwN2R88o+p/8ROGJ4o7MPOerDUhS3N30RLkO+yj/Vbx+qZ1j3IrtzhP0zA==";

    #[test]
    fn what_django_writes_is_described_without_its_hash() {
        for (encoded, words, name) in [
            (PBKDF2, "pbkdf2_sha256, 600 000", Some("pbkdf2_sha256")),
            (ARGON2, "argon2, 102 400 KiB, 2 passes, 8 lanes", Some("argon2")),
            (BCRYPT, "bcrypt_sha256, 2^12", Some("bcrypt_sha256")),
            (SCRYPT, "scrypt, n 16 384, r 8, p 1", Some("scrypt")),
            ("!kwq73WhmV3AJ7BXqxJPtzTZXh2qKFL8SfM1g5bLy", "unusable", Some("unusable")),
            ("md5$salt$dd6a105d5645055eee0c0240efc60706", "unsupported: md5", Some("md5")),
            ("sha1$$dd6a105d5645055eee0c0240efc60706abcdefab", "unsupported: sha1", Some("sha1")),
            ("our_pbkdf2_sha512$1$a$b", "unsupported: our_pbkdf2_sha512", Some("our_pbkdf2_sha512")),
            ("dd6a105d5645055eee0c0240efc60706", "unsupported: unsalted_md5", Some("unsalted_md5")),
            ("", "malformed", None),
            ("hunter2", "malformed", None),
            ("hunter2$secret", "malformed", None),
            ("argon2$", "malformed", None),
        ] {
            assert_eq!(describe(encoded), words, "{encoded}");
            assert_eq!(algorithm_name(encoded).as_deref(), name, "{encoded}");
        }
    }

    #[test]
    fn what_django_would_not_match_is_malformed() {
        for (encoded, from, to) in [
            (PBKDF2, "600000", "x"),
            (PBKDF2, "600000", "0"),
            (PBKDF2, "600000", "+600000"),
            (PBKDF2, "600000", "0600000"),
            (PBKDF2, "600000", "99999999999"),
            (PBKDF2, "0123456789abcdefABCDEF", ""),
            (PBKDF2, "MQI0=", "MQI0"),
            (PBKDF2, "MQI0=", "MQI0=\n"),
            (PBKDF2, "$600000", ""),
            (ARGON2, "argon2id", "argon2x"),
            (ARGON2, "v=19", "v=20"),
            (ARGON2, "m=102400", "m=63"),
            (ARGON2, "p=8", "p=8,x=1"),
            (ARGON2, "t=2", "t=0"),
            (ARGON2, "p=8", "p=4294967295"),
            (BCRYPT, "$2b$", "$2c$"),
            (BCRYPT, "$12$", "$3$"),
            (BCRYPT, "$12$", "$32$"),
            (BCRYPT, "abcdefg", "äbcdef"),
            (SCRYPT, "16384", "16383"),
            (SCRYPT, "$8$", "$0$"),
            (SCRYPT, "0123456789abcdefABCDEF", &"s".repeat(1024)),
        ] {
            let changed = encoded.replacen(from, to, 1);
            assert_ne!(changed, encoded);
            assert_eq!(read(&changed), Stored::Malformed, "{changed}");
        }
    }

    proptest! {
        #[test]
        fn anything_can_be_read(encoded in "(pbkdf2_sha256|pbkdf2_sha1|argon2|bcrypt_sha256|scrypt|md5|!)?[$a-z0-9=,/+é]{0,60}") {
            let words = describe(&encoded);
            prop_assert!(words.len() < 60);
            prop_assert_eq!(algorithm_name(&encoded).is_none(), words == "malformed");
        }

        #[test]
        fn a_damaged_encoding_can_be_read(at in 0_usize..112, c in any::<char>(), which in 0_usize..4) {
            let encoded = [PBKDF2, ARGON2, BCRYPT, SCRYPT][which];
            let damaged: String = encoded.chars().enumerate().map(|(i, old)| if i == at { c } else { old }).collect();
            let cut: String = damaged.chars().take(at).collect();
            let _ = (read(&damaged), read(&cut));
        }
    }
}
