//! Times as people read them: how long ago, and the date in the local zone.

use chrono::{DateTime, Local, NaiveDateTime, Utc};

/// What time it is, and where. The system's own, unless a test needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    now: fn() -> DateTime<Utc>,
    local: fn(DateTime<Utc>) -> NaiveDateTime,
}

impl Default for Clock {
    fn default() -> Self {
        Self { now: Utc::now, local: |time| time.with_timezone(&Local).naive_local() }
    }
}

impl Clock {
    /// A clock that always shows the same time, in UTC.
    #[must_use]
    pub fn stopped(now: fn() -> DateTime<Utc>) -> Self {
        Self { now, local: |time| time.naive_utc() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// How long ago, in one unit: `5 min`, `2 h`, `41 d`, `12 y`. A time that is yet to come is given as a date.
    #[must_use]
    pub fn ago(&self, time: DateTime<Utc>) -> String {
        let minutes = ((self.now)() - time).num_minutes();
        let (hours, days) = (minutes / 60, minutes / (60 * 24));
        match (minutes, hours, days) {
            // Two clocks are never quite the same.
            (-2..=0, ..) => "now".to_owned(),
            (..=-3, ..) => self.date(time),
            (_, 0, _) => format!("{minutes} min"),
            (_, ..48, _) => format!("{hours} h"),
            (_, _, ..1_000) => format!("{days} d"),
            _ => format!("{} y", days / 365),
        }
    }

    /// As [`Self::ago`], in a sentence: `41 d ago`.
    #[must_use]
    pub fn ago_in_words(&self, time: DateTime<Utc>) -> String {
        let ago = self.ago(time);
        if ago.contains(' ') { format!("{ago} ago") } else { ago }
    }

    /// The local date, as in ISO 8601.
    #[must_use]
    pub fn date(&self, time: DateTime<Utc>) -> String {
        (self.local)(time).format("%Y-%m-%d").to_string()
    }

    /// The local time of a day to the minute; with the date where that is not today.
    #[must_use]
    pub fn time(&self, time: DateTime<Utc>) -> String {
        if self.date(time) == self.date((self.now)()) {
            (self.local)(time).format("%H:%M").to_string()
        } else {
            self.date_and_time(time)
        }
    }

    /// The local date and time to the minute.
    #[must_use]
    pub fn date_and_time(&self, time: DateTime<Utc>) -> String {
        (self.local)(time).format("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn one_unit_is_enough() {
        let clock = Clock::stopped(|| DateTime::from_timestamp(1_760_000_000, 0).expect("a time"));
        let ago = |delta: TimeDelta| clock.ago((clock.now)() - delta);
        for (delta, shown) in [
            (TimeDelta::seconds(-30), "now"),
            (TimeDelta::seconds(59), "now"),
            (TimeDelta::minutes(59), "59 min"),
            (TimeDelta::minutes(60), "1 h"),
            (TimeDelta::hours(47), "47 h"),
            (TimeDelta::hours(48), "2 d"),
            (TimeDelta::days(999), "999 d"),
            (TimeDelta::days(1_100), "3 y"),
        ] {
            assert_eq!(ago(delta), shown);
        }
        assert_eq!(ago(TimeDelta::days(-400)).len(), "2026-01-01".len());
        assert_eq!(clock.date_and_time((clock.now)()), "2025-10-09 08:53");
        assert_eq!(clock.time((clock.now)()), "08:53");
        assert_eq!(clock.time((clock.now)() - TimeDelta::days(1)), "2025-10-08 08:53");
        assert_eq!(clock.ago_in_words((clock.now)() - TimeDelta::hours(3)), "3 h ago");
    }
}
