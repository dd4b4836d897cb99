//! Times as people and scripts read them.

use chrono::{DateTime, Local, SecondsFormat, Utc};

use crate::config::TimeZone;

/// A time for a person, to the minute, in the zone of the settings.
#[must_use]
pub fn shown(time: DateTime<Utc>, zone: TimeZone) -> String {
    match zone {
        TimeZone::Local => time.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string(),
        TimeZone::Utc => time.format("%Y-%m-%d %H:%M UTC").to_string(),
    }
}

/// A time for a script: RFC 3339, UTC.
#[must_use]
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
