//! What the portal knows of a user beyond Django's account: a row of `core_userprofile`.

use chrono::{DateTime, Utc};

/// A row of `core_userprofile`; every user should have exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The primary key.
    pub id: i64,
    /// The `auth_user` it belongs to.
    pub user_id: i64,
    /// The department, if any.
    pub department_id: Option<i64>,
    /// Telephone number, at most 15 characters.
    pub phone_number: Option<String>,
    /// The id in the main portal, at most 100 characters; unique among those that are not blank.
    pub main_portal_id: Option<String>,
    /// Whether the portal sends them e-mail.
    pub email_notifications: bool,
    /// When it was made; none where the column holds something that is no time.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last saved; none where the column holds something that is no time.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Profile {
    /// How the portal names it in its own log: "bela's Profile".
    #[must_use]
    pub fn title(username: &str) -> String {
        format!("{username}'s Profile")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_is_the_portals() {
        assert_eq!(Profile::title("log1"), "log1's Profile");
    }
}
