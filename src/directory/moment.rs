//! Moments as people write them, in filters and on the command line, and as scripts read them.

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone as _, Utc};

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
}
