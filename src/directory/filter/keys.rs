//! The words that can stand before a colon in a filter, and what each takes behind it.

use super::grammar::{Flag, HASHERS, Password, Place, Profiles, Test};
use super::when::{Sign, When};
use crate::portal::access::Level;

/// A word that can stand before a colon.
pub(super) struct Key {
    /// As it is told.
    pub(super) name: &'static str,
    /// What may be written instead.
    aliases: &'static [&'static str],
    /// The values that can be told beforehand.
    pub(super) values: &'static [&'static str],
    pub(super) read: fn(&Value<'_>) -> Result<Test, Why>,
}

/// What stands behind a key.
pub(super) struct Value<'a> {
    pub(super) sign: Sign,
    pub(super) text: &'a str,
    /// It is in quotes, so it is a name whatever it says.
    pub(super) is_literal: bool,
}

/// What is wrong with a value.
pub(super) enum Why {
    /// There is none yet.
    Missing,
    /// In words.
    Is(String),
}

impl From<String> for Why {
    fn from(words: String) -> Self {
        Self::Is(words)
    }
}

const YES_NO: &[&str] = &["yes", "no"];

/// Every key there is.
pub(super) const KEYS: [Key; 15] = [
    Key {
        name: "dept",
        aliases: &["department"],
        values: &["none"],
        read: |value| Ok(Test::Department(value.place()?)),
    },
    Key { name: "group", aliases: &[], values: &["none"], read: |value| Ok(Test::Group(value.place()?)) },
    Key {
        name: "active",
        aliases: &[],
        values: YES_NO,
        read: |value| Ok(Test::Flag(Flag::Active, value.yes()?)),
    },
    Key {
        name: "staff",
        aliases: &[],
        values: YES_NO,
        read: |value| Ok(Test::Flag(Flag::Staff, value.yes()?)),
    },
    Key {
        name: "super",
        aliases: &["superuser"],
        values: YES_NO,
        read: |value| Ok(Test::Flag(Flag::Superuser, value.yes()?)),
    },
    Key {
        name: "access",
        aliases: &["role"],
        values: &["engineer", "amc-admin", "admin", "superuser", "none"],
        read: |value| value.access(),
    },
    Key {
        name: "privileged",
        aliases: &[],
        values: YES_NO,
        read: |value| Ok(Test::Privileged(value.yes()?)),
    },
    Key { name: "signin", aliases: &[], values: YES_NO, read: |value| Ok(Test::SignIn(value.yes()?)) },
    Key { name: "login", aliases: &[], values: &["never"], read: |value| value.login() },
    Key { name: "joined", aliases: &[], values: &[], read: |value| Ok(Test::Joined(value.when()?)) },
    Key {
        name: "profile",
        aliases: &[],
        values: &["none", "one", "several"],
        read: |value| value.profiles(),
    },
    Key {
        name: "pw",
        aliases: &["password"],
        values: &["unusable", "other", "pbkdf2_sha256", "argon2", "bcrypt_sha256", "scrypt"],
        read: |value| value.password(),
    },
    Key { name: "email", aliases: &["mail"], values: &["none"], read: |value| value.email() },
    Key { name: "notify", aliases: &[], values: YES_NO, read: |value| Ok(Test::Notified(value.yes()?)) },
    Key {
        name: "op",
        aliases: &[],
        values: &[],
        read: |value| Ok(Test::Operation(value.colon()?.to_owned())),
    },
];

impl Key {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// The key of this name, whatever its capitals.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase();
        KEYS.iter().find(|key| key.is_called(&name))
    }
}

impl Value<'_> {
    /// The value, which stands behind a colon.
    fn colon(&self) -> Result<&str, Why> {
        if self.sign != Sign::Is {
            return Err(Why::Is("there is nothing to compare here; write a colon".to_owned()));
        }
        if self.text.is_empty() { Err(Why::Missing) } else { Ok(self.text) }
    }

    /// A value in lower case that is one of a few.
    fn one_of(&self) -> Result<String, Why> {
        Ok(self.colon()?.to_lowercase())
    }

    fn yes(&self) -> Result<bool, Why> {
        match self.one_of()?.as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(Why::Is("expected yes or no".to_owned())),
        }
    }

    fn place(&self) -> Result<Place, Why> {
        let name = self.colon()?;
        if self.is_literal {
            return Ok(Place::Named(name.to_owned()));
        }
        if name.eq_ignore_ascii_case("none") {
            return Ok(Place::Nowhere);
        }
        if !name.starts_with('#') {
            return Ok(Place::Named(name.to_owned()));
        }
        let ids = name.split(',').map(|id| id.strip_prefix('#')?.parse().ok()).collect::<Option<Vec<i64>>>();
        ids.map(Place::Ids).ok_or_else(|| {
            Why::Is("an id is a number behind #; a name that begins so goes in quotes".to_owned())
        })
    }

    fn when(&self) -> Result<When, Why> {
        if self.text.is_empty() {
            return Err(Why::Missing);
        }
        Ok(When::read(self.sign, self.text)?)
    }

    fn login(&self) -> Result<Test, Why> {
        if self.sign == Sign::Is && self.text.eq_ignore_ascii_case("never") {
            return Ok(Test::NeverSignedIn);
        }
        Ok(Test::Login(self.when()?))
    }

    fn access(&self) -> Result<Test, Why> {
        let name = self.one_of()?.replace([' ', '_'], "-");
        match Level::from_name(&name) {
            Some(level) => Ok(Test::Access(Some(level))),
            None if name == "none" => Ok(Test::Access(None)),
            None => Err(Why::Is("expected engineer, amc-admin, admin, superuser or none".to_owned())),
        }
    }

    fn profiles(&self) -> Result<Test, Why> {
        match self.one_of()?.as_str() {
            "none" | "no" => Ok(Test::Profiles(Profiles::None)),
            "one" | "yes" => Ok(Test::Profiles(Profiles::One)),
            "several" => Ok(Test::Profiles(Profiles::Several)),
            _ => Err(Why::Is("expected none, one or several".to_owned())),
        }
    }

    fn password(&self) -> Result<Test, Why> {
        let name = self.one_of()?;
        let hasher = HASHERS.into_iter().find(|hasher| *hasher == name);
        match (name.as_str(), hasher) {
            ("unusable", _) => Ok(Test::Password(Password::Unusable)),
            ("other", _) => Ok(Test::Password(Password::Other)),
            (_, Some(hasher)) => Ok(Test::Password(Password::Hasher(hasher))),
            _ => Err(Why::Is(format!("expected unusable, other, or a hasher: {}", HASHERS.join(", ")))),
        }
    }

    fn email(&self) -> Result<Test, Why> {
        let text = self.colon()?;
        let is_none = !self.is_literal && text.eq_ignore_ascii_case("none");
        Ok(Test::Email((!is_none).then(|| text.to_owned())))
    }
}
