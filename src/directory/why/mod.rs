//! Whether an account can sign in to the portal, and if not, every reason.
//!
//! A *reason* is a hard no, measured on Django 4.2: `authenticate()` refuses whatever password is typed, or fails, or the
//! login form can't send this name. A *caution* is said of an account that can sign in and is not well all the same.

use unicode_normalization::UnicodeNormalization as _;

use crate::db::{Dialect, Sql};
use crate::error::Result;
use crate::portal::password::{self, Algorithm, Cost, Stored};
use crate::portal::rules;
use crate::portal::user::User;
use crate::text;

use super::record::Membership;
use super::{Portal, accounts};

mod all;

pub(super) use all::Barred;

/// The memory that OpenSSL, and so Python's scrypt, gives a hash; Django does not ask for more and fails above it.
const SCRYPT_MEMORY: u128 = 32 * 1024 * 1024;

/// Among how many of the newest accounts a sign-in with the same algorithm is looked for.
const NEWEST: i64 = 200;

/// One thing that stands in the way, or deserves a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its stable name for programs, such as `inactive`.
    pub kind: &'static str,
    /// What it is, in words that begin small and end without a full stop.
    pub message: String,
}

impl Reason {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    /// Why the account can't sign in; empty when it can.
    pub reasons: Vec<Reason>,
    /// What is to be known all the same.
    pub cautions: Vec<Reason>,
    /// Whether it may open the portal's own admin pages, once it is signed in.
    pub opens_admin: bool,
}

impl Why {
    /// Whether Django lets the account in with the right password.
    #[must_use]
    pub fn can_sign_in(&self) -> bool {
        self.reasons.is_empty()
    }

    /// The reasons in one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        self.reasons.iter().map(|reason| reason.message.as_str()).collect::<Vec<_>>().join("; ")
    }
}

/// What the account has beside its own row.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// How many profiles; none where this portal has no profiles.
    pub profiles: Option<usize>,
    /// Its groups.
    pub groups: &'a [Membership],
}

/// Finds out.
///
/// # Errors
/// What the engine says.
pub async fn find(portal: &Portal, user: &User, encoded: &str, beside: Beside<'_>) -> Result<Why> {
    let mut why = Why { opens_admin: user.is_active && user.is_staff, ..Why::default() };
    if !user.is_active {
        why.reasons.push(Reason::new("inactive", "the account is inactive"));
    }
    let stored = password::read(encoded);
    why.reasons.extend(about_hash(&stored));
    let names = Names::read(portal, user.id, &user.username).await?.with_alike(portal, user).await?;
    why.reasons.extend(names.reasons());
    why.cautions.extend(names.cautions(&user.username));
    if let Some(library) = library(&stored)
        && !has_signed_in(portal, &stored).await?
    {
        let words = format!(
            "the portal needs {library} for this password; without it a sign-in ends in an error 500"
        );
        why.cautions.push(Reason::new("library", words));
    }
    why.cautions.extend(about_profiles(beside.profiles));
    if !beside.groups.iter().any(|group| group.level.is_some()) {
        let words = "no portal group: the portal gives no access to what is in it";
        why.cautions.push(Reason::new("no-portal-group", words));
    }
    Ok(why)
}

/// What Django makes of the stored password.
fn about_hash(stored: &Stored) -> Option<Reason> {
    match stored {
        Stored::Unusable => Some(Reason::new("unusable-password", "the password is unusable")),
        Stored::Malformed => Some(Reason::new("malformed-hash", "the password hash is malformed")),
        Stored::Unsupported(name) => {
            let words = format!("Django has the password's algorithm {name} switched off");
            Some(Reason::new("unsupported-hash", words))
        }
        Stored::Usable(cost) if !fits_openssl(*cost) => {
            let words = "the password's scrypt takes more memory than Python allows (32 MiB)";
            Some(Reason::new("costly-hash", words))
        }
        Stored::Usable(_) => None,
    }
}

/// OpenSSL's own sum: `N + 2` blocks of r, and p more.
fn fits_openssl(cost: Cost) -> bool {
    match cost {
        Cost::Scrypt { n, r, p } => {
            let block = 128 * u128::from(r);
            block * (u128::from(n) + 2) + block * u128::from(p) <= SCRYPT_MEMORY
        }
        _ => true,
    }
}

/// The Python package without which Django can't verify it.
fn library(stored: &Stored) -> Option<&'static str> {
    match stored {
        Stored::Usable(cost) => match cost.algorithm() {
            Algorithm::Argon2 => Some("argon2-cffi"),
            Algorithm::BcryptSha256 => Some("bcrypt"),
            Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 | Algorithm::Scrypt => None,
        },
        _ => None,
    }
}

/// Whether somebody with such a password has signed in to the portal: then it has the library.
async fn has_signed_in(portal: &Portal, stored: &Stored) -> Result<bool> {
    let Stored::Usable(cost) = stored else { return Ok(false) };
    let sql = Sql::new("SELECT COUNT(*) FROM (SELECT password, last_login FROM auth_user ORDER BY id DESC")
        .push_bind(" LIMIT ?", NEWEST)
        .push(") newest WHERE newest.last_login IS NOT NULL")
        .push_bind(" AND newest.password LIKE ?", format!("{}$%", cost.algorithm().name()));
    Ok(portal.count(sql).await? > 0)
}

fn about_profiles(profiles: Option<usize>) -> Option<Reason> {
    match profiles {
        Some(0) => {
            let words = "no profile: the portal's pages fail until a sign-in or a repair makes one (PRF-001)";
            Some(Reason::new("no-profile", words))
        }
        Some(2..) => Some(Reason::new(
            "several-profiles",
            "several profiles: the portal's pages fail until one is left (PRF-002)",
        )),
        Some(1) | None => None,
    }
}

/// Who is found under the name that the login form sends when this account's is typed.
#[derive(Debug, Default)]
struct Names {
    /// What the form makes of the name, where it sends anything.
    typed: Option<String>,
    /// The account itself is found.
    finds_itself: bool,
    /// The ids and names of others that are found too: to the engine they are equal.
    twins: Vec<(i64, String)>,
    /// Names that differ in case alone, where the engine tells case apart.
    alike: Vec<String>,
}

impl Names {
    async fn read(portal: &Portal, id: i64, username: &str) -> Result<Self> {
        let mut names = Self { typed: typed(username), ..Self::default() };
        let Some(typed) = names.typed.as_deref() else { return Ok(names) };
        let sql = Sql::new("SELECT id, username FROM auth_user WHERE username = ? ORDER BY id").bind(typed);
        for row in portal.db.all(sql).await? {
            if row.int(0)? == id {
                names.finds_itself = true;
            } else {
                names.twins.push((row.int(0)?, row.text(1)?));
            }
        }
        Ok(names)
    }

    async fn with_alike(mut self, portal: &Portal, user: &User) -> Result<Self> {
        let is_asked = self.typed.is_some() && portal.dialect() != Dialect::MySql;
        if is_asked && user.username.chars().count() <= rules::USERNAME_MAX {
            for row in portal.db.all(accounts::spelled_alike(portal.dialect(), &user.username)).await? {
                let id = row.int(0)?;
                if id != user.id && self.twins.iter().all(|(twin, _)| *twin != id) {
                    self.alike.push(row.text(1)?);
                }
            }
        }
        Ok(self)
    }

    fn reasons(&self) -> Option<Reason> {
        if self.finds_itself {
            return (!self.twins.is_empty()).then(|| {
                let words = format!(
                    "the database takes the name for that of {}, and the portal fails when two are found",
                    quoted(self.twins.iter().map(|(_, name)| name))
                );
                Reason::new("twin", words)
            });
        }
        let words = match (&self.typed, self.twins.first()) {
            (None, _) => "the login form refuses the name: it is blank or has a NUL in it".to_owned(),
            (Some(typed), Some((_, other))) => format!(
                "the login form strips and normalises the name to '{typed}', which is another account, '{other}'"
            ),
            (Some(typed), None) => format!(
                "the login form strips and normalises the name to '{typed}', which is no account: rename it"
            ),
        };
        Some(Reason::new("name", words))
    }

    fn cautions(&self, username: &str) -> Vec<Reason> {
        let mut cautions = Vec::new();
        if !self.alike.is_empty() {
            let words = format!("{} differs from the name in capitals alone", quoted(&self.alike));
            cautions.push(Reason::new("twin", words));
        }
        if username.chars().count() > rules::USERNAME_MAX {
            let words = format!(
                "the name is longer than {} characters: no browser lets one type it",
                rules::USERNAME_MAX
            );
            cautions.push(Reason::new("long-name", words));
        }
        if text::safe(username) != username {
            let words = "the name has characters that nobody sees, and hardly anybody can type";
            cautions.push(Reason::new("hidden-characters", words));
        }
        cautions
    }
}

/// What Django's login form makes of a name (`CharField` strips, then `UsernameField` normalises, but not what is too
/// long anyway); nothing where it refuses it.
fn typed(name: &str) -> Option<String> {
    let stripped = rules::strip(name);
    let is_long = stripped.chars().count() > rules::USERNAME_MAX;
    let typed: String = if is_long { stripped.to_owned() } else { stripped.nfkc().collect() };
    (!typed.is_empty() && !typed.contains('\0')).then_some(typed)
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_strips_before_it_normalises_and_leaves_long_names_alone() {
        assert_eq!(typed(" \u{3000}ﬁnance\u{a0}").as_deref(), Some("finance"));
        assert_eq!(typed("e\u{301}mil").as_deref(), Some("émil"));
        assert_eq!((typed("\u{1c} "), typed("a\0da")), (None, None));
        let long = "ﬀ".repeat(rules::USERNAME_MAX + 1);
        assert_eq!(typed(&long), Some(long));
    }

    #[test]
    fn scrypt_has_the_memory_that_openssl_gives_it() {
        // Measured with Python 3.11: `memory limit exceeded` for the last two.
        for (n, r, p, fits) in [
            (16_384, 8, 1, true),
            (16_384, 8, 5, true),
            (32_768, 7, 1, true),
            (16_384, 15, 68, true),
            (32_768, 8, 1, false),
            (16_384, 16, 1, false),
        ] {
            assert_eq!(fits_openssl(Cost::Scrypt { n, r, p }), fits, "{n} {r} {p}");
        }
        assert!(!fits_openssl(Cost::Scrypt { n: u64::MAX, r: u32::MAX, p: u32::MAX }), "no overflow");
    }

    #[test]
    fn a_name_that_the_form_sends_to_somebody_else_says_to_whom() {
        let mut names = Names { typed: Some("finance".into()), ..Names::default() };
        assert!(names.reasons().unwrap().message.ends_with("which is no account: rename it"));
        names.twins.push((7, "Finance".into()));
        assert!(names.reasons().unwrap().message.ends_with("which is another account, 'Finance'"));
        names.finds_itself = true;
        assert_eq!(names.reasons().unwrap().kind, "twin");
        assert_eq!(Names { finds_itself: true, ..Names::default() }.reasons(), None);
    }
}
