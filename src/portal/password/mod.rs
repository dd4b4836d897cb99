//! Passwords as Django 4.2 stores and judges them (`django.contrib.auth.hashers`, `.password_validation`).
//!
//! `auth_user.password` holds one text of at most 128 characters: the algorithm's name, its costs, a salt and the
//! hash, separated by `$`; or `!` and noise, for an account whose password can never be right. Five algorithms are
//! verified, two are written. Passwords are neither stripped nor normalised; their UTF-8 bytes are hashed.
//!
//! Hashing takes a tenth of a second and up to 100 MiB at Django's costs: do it off the event loop, at most two at
//! once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

mod digits;
mod encoding;
mod generate;
mod health;
mod recipe;
mod strength;
mod validate;
mod verify;

pub use encoding::{Algorithm, Cost, Stored, algorithm_name, describe, read};
pub use generate::{generate, spell};
pub use health::{Health, health};
pub use recipe::{Recipe, burn, choose, unusable};
pub use strength::{Strength, strength};
pub use validate::{About, Problem, problems};
pub use verify::{Verdict, can_verify, verify};

/// How many hashes this process has computed.
static HASHES: AtomicU64 = AtomicU64::new(0);

/// What the last of them cost.
static LAST: Mutex<Option<Cost>> = Mutex::new(None);

/// How many hashes this process has computed, so that a test can tell that every refusal at sign-in costs one.
#[doc(hidden)]
#[must_use]
pub fn hashes_made() -> u64 {
    HASHES.load(Ordering::SeqCst)
}

/// What the last hash that this process computed cost, for the same test.
#[doc(hidden)]
#[must_use]
pub fn last_hash() -> Option<Cost> {
    LAST.lock().ok().and_then(|last| *last)
}

fn count_hash(cost: Cost) {
    HASHES.fetch_add(1, Ordering::SeqCst);
    if let Ok(mut last) = LAST.lock() {
        *last = Some(cost);
    }
}

/// Longest password in bytes that is ever hashed; OWASP asks for a limit, against denial of service.
pub const LONGEST: usize = 1024;

/// Longest stored value in bytes that is looked into. Django's column holds 128 characters; SQLite holds it to nothing.
pub(crate) const LONGEST_ENCODED: usize = 1024;

/// Shortest password in characters that Django accepts by default.
pub const MINIMUM_LENGTH: usize = 8;
