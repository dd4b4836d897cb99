//! An account: a row of `auth_user`, without its password.

use chrono::{DateTime, Utc};

/// A row of `auth_user`. The password hash is left out: who needs it reads it on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The primary key.
    pub id: i64,
    /// The name they sign in with, at most 150 characters.
    pub username: String,
    /// Given name; may be empty.
    pub first_name: String,
    /// Family name; may be empty.
    pub last_name: String,
    /// E-mail address; may be empty, need not be unique.
    pub email: String,
    /// Whether Django lets them sign in.
    pub is_active: bool,
    /// Whether Django lets them into the portal's admin pages.
    pub is_staff: bool,
    /// Whether they have every right without it being given.
    pub is_superuser: bool,
    /// When the account was made; none where the column holds something that is no time.
    pub date_joined: Option<DateTime<Utc>>,
    /// When they last signed in to the portal; none for never, or where the column holds something that is no time.
    pub last_login: Option<DateTime<Utc>>,
}

impl User {
    /// First and last name with a space between, as Django's `get_full_name`; empty where both are.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    /// The full name, or the username where there is none.
    #[must_use]
    pub fn display_name(&self) -> String {
        let name = self.full_name();
        if name.is_empty() { self.username.clone() } else { name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(first_name: &str, last_name: &str) -> User {
        User {
            id: 31,
            username: "bela".to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            email: String::new(),
            is_active: true,
            is_staff: false,
            is_superuser: false,
            date_joined: None,
            last_login: None,
        }
    }

    #[test]
    fn full_name_is_djangos() {
        assert_eq!(user("Bela", "Novak").full_name(), "Bela Novak");
        assert_eq!(user("", "Novak").full_name(), "Novak");
        assert_eq!(user("Bela", "").full_name(), "Bela");
        assert_eq!(user("", "").full_name(), "");
        assert_eq!(user("", "").display_name(), "bela");
    }
}
