//! Moments as people write them, in filters and on the command line, and as scripts read them.

use std::fmt;

use chrono::{
    DateTime, Datelike as _, Local, Months, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta,
    TimeZone as _, Utc,
};

/// `2026-01-31`, `2026-01-31T08:00`, RFC 3339 with a zone, or `90m`, `24h`, `7d` back from now; without a zone, in
/// this machine's.
///
/// # Errors
/// Which shapes there are, in words.
pub fn read(text: &str) -> Result<DateTime<Utc>, String> {
    const SHAPES: &str = "expected 2026-01-31, 2026-01-31T08:00, or 90m, 24h, 7d back from now";
    if let Some(back) = span(text) {
        return Utc::now().checked_sub_signed(back).ok_or_else(|| SHAPES.to_owned());
    }
    exact(text, SHAPES)
}

/// As [`read`], for what is to come: `30d` is in thirty days.
///
/// # Errors
/// As [`read`].
pub fn ahead(text: &str) -> Result<DateTime<Utc>, String> {
    const SHAPES: &str = "expected 2026-01-31, 2026-01-31T08:00, or 90m, 24h, 30d from now";
    if let Some(ahead) = span(text) {
        return Utc::now().checked_add_signed(ahead).ok_or_else(|| SHAPES.to_owned());
    }
    exact(text, SHAPES)
}

/// A time for a script: RFC 3339, UTC.
#[must_use]
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn exact(text: &str, shapes: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
        .ok_or(shapes)?;
    // Where the clocks went back an hour happens twice: the earlier one shows more.
    Local
        .from_local_datetime(&local)
        .earliest()
        .map(|time| time.with_timezone(&Utc))
        .ok_or_else(|| "the clocks were put forward past this time".to_owned())
}

/// A month in this machine's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    first: NaiveDate,
    /// Its first moment.
    pub start: DateTime<Utc>,
    /// The first moment after it.
    pub end: DateTime<Utc>,
}

impl Month {
    /// The month of a time; none at the ends of the calendar.
    #[must_use]
    pub fn of(time: DateTime<Utc>) -> Option<Self> {
        Self::from(time.with_timezone(&Local).date_naive().with_day(1)?)
    }

    /// The month before.
    #[must_use]
    pub fn previous(&self) -> Option<Self> {
        Self::from(self.first.checked_sub_months(Months::new(1))?)
    }

    fn from(first: NaiveDate) -> Option<Self> {
        let next = first.checked_add_months(Months::new(1))?;
        Some(Self { first, start: beginning(first)?, end: beginning(next)? })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.format("%Y-%m"))
    }
}

/// When a day begins: at midnight, or as soon after it as the clocks that were put forward let it.
fn beginning(day: NaiveDate) -> Option<DateTime<Utc>> {
    (0..3).find_map(|hour| {
        let time = Local.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest()?;
        Some(time.with_timezone(&Utc))
    })
}

/// A number and its unit.
fn span(text: &str) -> Option<TimeDelta> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: i64 = digits.parse().ok().filter(|count| *count >= 0)?;
    match unit {
        "m" => TimeDelta::try_minutes(count),
        "h" => TimeDelta::try_hours(count),
        "d" => TimeDelta::try_days(count),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shapes_are_read() {
        let exact = read("2026-01-31T08:00:00Z").unwrap();
        assert_eq!(exact.to_rfc3339_opts(SecondsFormat::AutoSi, true), "2026-01-31T08:00:00Z");
        assert_eq!(read("2026-01-31T10:00:00+02:00").unwrap(), exact);
        let midnight = read("2026-01-31").unwrap();
        assert_eq!(read("2026-01-31T08:00").unwrap() - midnight, TimeDelta::hours(8));
        for (text, back) in
            [("90m", TimeDelta::minutes(90)), ("24h", TimeDelta::days(1)), ("7d", TimeDelta::weeks(1))]
        {
            let before = Utc::now() - back;
            let moment = read(text).unwrap();
            assert!(before <= moment && moment <= Utc::now() - back, "{text}");
        }
        let before = Utc::now() + TimeDelta::days(30);
        let moment = ahead("30d").unwrap();
        assert!(before <= moment && moment <= Utc::now() + TimeDelta::days(30));
        assert_eq!(ahead("2026-01-31"), read("2026-01-31"));
        for text in ["", "d", "7w", "-3d", "yesterday", "2026-13-01", "9999999999999999999d", "é"] {
            assert!(read(text).is_err() && ahead(text).is_err(), "{text}");
        }
    }

    #[test]
    fn months_follow_each_other() {
        let march = Month::of(read("2026-03-31T23:59").unwrap()).unwrap();
        let february = march.previous().unwrap();
        assert_eq!((march.to_string(), february.to_string()), ("2026-03".to_owned(), "2026-02".to_owned()));
        assert_eq!((february.end, Month::of(february.end)), (march.start, Some(march)));
        assert_eq!(Month::of(march.start - TimeDelta::seconds(1)), Some(february));
        assert_eq!((march.start, march.end), (read("2026-03-01").unwrap(), read("2026-04-01").unwrap()));
        let january = february.previous().unwrap();
        assert_eq!(january.previous().unwrap().to_string(), "2025-12");
    }
}
