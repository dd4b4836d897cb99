//! Times as people and scripts read them.

use chrono::{DateTime, Local, Utc};

use crate::config::TimeZone;
pub use crate::directory::moment::rfc3339;

/// A time for a person, to the minute, in the zone of the settings.
#[must_use]
pub fn shown(time: DateTime<Utc>, zone: TimeZone) -> String {
    match zone {
        TimeZone::Local => time.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string(),
        TimeZone::Utc => time.format("%Y-%m-%d %H:%M UTC").to_string(),
    }
}
