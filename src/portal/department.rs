//! A department: a row of `core_department`.

use chrono::{DateTime, Utc};

/// A row of `core_department`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// The primary key.
    pub id: i64,
    /// Its name, at most 100 characters, unique.
    pub name: String,
    /// What it does, of any length and on several lines; may be empty.
    pub description: String,
    /// Whether the portal offers it.
    pub is_active: bool,
    /// When it was made; none where the column holds something that is no time.
    pub created_at: Option<DateTime<Utc>>,
}
