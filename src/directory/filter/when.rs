//! Times in a filter: `90d` is an age, `2025`, `2025-03` and `2025-03-01` are a year, a month and a day.

use chrono::{DateTime, Local, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};

use crate::directory::moment;

/// A stretch of time that a moment lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// So long ago, or longer.
    Older(TimeDelta),
    /// Not so long ago.
    Younger(TimeDelta),
    /// Before this moment.
    Before(DateTime<Utc>),
    /// At this moment or later.
    From(DateTime<Utc>),
    /// At the first moment or later, and before the second one.
    Within(DateTime<Utc>, DateTime<Utc>),
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// `:`
    Is,
    /// `<`
    Below,
    /// `<=`
    UpTo,
    /// `>`
    Above,
    /// `>=`
    FromOn,
}

impl Sign {
    /// As it is written.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Is => ":",
            Self::Below => "<",
            Self::UpTo => "<=",
            Self::Above => ">",
            Self::FromOn => ">=",
        }
    }
}

const SHAPES: &str =
    "expected 2025, 2025-03, 2025-03-01, 2025-03-01T08:00, or an age behind < or >: 12h, 90d, 8w, 1y";

/// An age of more years than these is a slip of the finger, and a year that is not among these too.
const OLDEST: i64 = 500;
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2999;

impl When {
    /// Reads a time behind a sign. An older age is the greater one; days, months and years are whole: `>2025` begins
    /// with 2026.
    pub(super) fn read(sign: Sign, text: &str) -> Result<Self, String> {
        if let Some(age) = age(text)? {
            return match sign {
                Sign::Above | Sign::FromOn => Ok(Self::Older(age)),
                Sign::Below | Sign::UpTo => Ok(Self::Younger(age)),
                Sign::Is => Err(format!("an age goes behind < or >: '>{text}' is longer ago")),
            };
        }
        let (start, end) = period(text).ok_or(SHAPES)?;
        Ok(match sign {
            Sign::Is => Self::Within(start, end),
            Sign::Below => Self::Before(start),
            Sign::UpTo => Self::Before(end),
            Sign::Above => Self::From(end),
            Sign::FromOn => Self::From(start),
        })
    }
}

/// A number and its unit; nothing, where it is no age at all.
fn age(text: &str) -> Result<Option<TimeDelta>, String> {
    let Some(at) = text.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0) else { return Ok(None) };
    let (digits, unit) = text.split_at(at);
    let days = match unit.to_lowercase().as_str() {
        "h" | "d" => 1,
        "w" => 7,
        "y" => 365,
        "m" | "mo" | "min" => {
            return Err("months and minutes are alike: write days or hours, 90d or 2h".to_owned());
        }
        _ => return Ok(None),
    };
    let count = digits.parse::<i64>().ok().and_then(|count| count.checked_mul(days));
    let age = if unit.eq_ignore_ascii_case("h") {
        count.and_then(TimeDelta::try_hours)
    } else {
        count.and_then(TimeDelta::try_days)
    };
    match age.filter(|age| age.num_days() <= OLDEST * 365) {
        Some(age) => Ok(Some(age)),
        None => Err(format!("that is more than {OLDEST} years")),
    }
}

/// The first moment of a year, month, day, minute or second, and the first one after it, in this machine's zone.
fn period(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let months = |date: NaiveDate, count| {
        Some((midnight(date)?, midnight(date.checked_add_months(Months::new(count))?)?))
    };
    let date = |text: &str| {
        let shaped = text.len() == 10 && text.is_ascii();
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        (shaped && YEARS.contains(&chrono::Datelike::year(&date))).then_some(date)
    };
    match text.len() {
        4 => months(date(&format!("{text}-01-01"))?, 12),
        7 => months(date(&format!("{text}-01"))?, 1),
        10 => {
            let date = date(text)?;
            Some((midnight(date)?, midnight(date.succ_opt()?)?))
        }
        _ => {
            date(text.get(..10)?)?;
            let start = moment::read(text).ok()?;
            let to_the_minute = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").is_ok();
            let length = if to_the_minute { TimeDelta::minutes(1) } else { TimeDelta::seconds(1) };
            Some((start, start.checked_add_signed(length)?))
        }
    }
}

/// When a day begins. Where the clocks are put forward at midnight it begins later.
fn midnight(date: NaiveDate) -> Option<DateTime<Utc>> {
    (0..3)
        .filter_map(|hour| Local.from_local_datetime(&date.and_hms_opt(hour, 0, 0)?).earliest())
        .map(|time| time.with_timezone(&Utc))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(year: i32, month: u32, day: u32) -> DateTime<Utc> {
        midnight(NaiveDate::from_ymd_opt(year, month, day).unwrap()).unwrap()
    }

    #[test]
    fn an_age_is_older_or_younger() {
        assert_eq!(When::read(Sign::Above, "90d"), Ok(When::Older(TimeDelta::days(90))));
        assert_eq!(When::read(Sign::FromOn, "2W"), Ok(When::Older(TimeDelta::days(14))));
        assert_eq!(When::read(Sign::Below, "12h"), Ok(When::Younger(TimeDelta::hours(12))));
        assert_eq!(When::read(Sign::UpTo, "1y"), Ok(When::Younger(TimeDelta::days(365))));
        for (text, says) in
            [("3m", "write days"), ("999999d", "500 years"), ("99999999999999999999y", "500 years")]
        {
            let why = When::read(Sign::Above, text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
        assert!(When::read(Sign::Is, "90d").unwrap_err().contains("'>90d'"));
    }

    #[test]
    fn a_year_a_month_and_a_day_are_whole() {
        for (text, start, end) in [
            ("2025", local(2025, 1, 1), local(2026, 1, 1)),
            ("2025-12", local(2025, 12, 1), local(2026, 1, 1)),
            ("2024-02-29", local(2024, 2, 29), local(2024, 3, 1)),
        ] {
            assert_eq!(When::read(Sign::Is, text), Ok(When::Within(start, end)));
            assert_eq!(When::read(Sign::Below, text), Ok(When::Before(start)));
            assert_eq!(When::read(Sign::UpTo, text), Ok(When::Before(end)));
            assert_eq!(When::read(Sign::Above, text), Ok(When::From(end)));
            assert_eq!(When::read(Sign::FromOn, text), Ok(When::From(start)));
        }
        let eight = local(2025, 3, 1) + TimeDelta::hours(8);
        assert_eq!(When::read(Sign::Below, "2025-03-01T08:00"), Ok(When::Before(eight)));
        assert_eq!(
            When::read(Sign::Is, "2025-03-01T08:00"),
            Ok(When::Within(eight, eight + TimeDelta::minutes(1)))
        );
        let exact = "2025-03-01T08:00:00Z".parse().unwrap();
        assert_eq!(When::read(Sign::FromOn, "2025-03-01T08:00:00Z"), Ok(When::From(exact)));
    }

    #[test]
    fn anything_else_is_refused_in_words() {
        for text in [
            "",
            "d",
            "-3d",
            "yesterday",
            "2025-13",
            "2025-02-30",
            "0000",
            "9999",
            "2025-3",
            "é",
            "2025-03-01é",
            "12345",
        ] {
            let why = When::read(Sign::Above, text).unwrap_err();
            assert!(why.contains("2025-03-01"), "{text}: {why}");
        }
    }
}
