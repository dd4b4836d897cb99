//! A group of users: a row of `auth_group`. The portal gives access by a group's name.

/// A row of `auth_group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The primary key.
    pub id: i64,
    /// Its name, at most 150 characters, unique.
    pub name: String,
}
