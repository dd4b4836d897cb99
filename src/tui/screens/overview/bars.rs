//! What the numbers of the portal are as bars, and which list each bar opens.

use crate::directory::levels::{self, Access};
use crate::directory::stats::months::{Months, Time};
use crate::directory::stats::{Departments, SignIn};
use crate::integrity::{Report, Severity};
use crate::tui::screens::integrity::line::tone;
use crate::tui::theme::Tone;
use crate::tui::widgets::chart::Bar;

/// What a bar counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    /// The users that this filter lets through.
    Users(String),
    /// The findings of this severity.
    Findings(Severity),
}

fn users(label: impl Into<String>, count: i64, filter: impl Into<String>) -> Bar<Opens> {
    Bar {
        label: label.into(),
        count: u64::try_from(count).unwrap_or(0),
        tone: Tone::Accent,
        target: Opens::Users(filter.into()),
    }
}

/// The largest department first; those who are in none last.
#[must_use]
pub fn departments(found: &Departments) -> Vec<Bar<Opens>> {
    let mut bars: Vec<_> = found
        .parts
        .iter()
        .map(|part| users(part.name.as_str(), part.users, format!("dept:#{}", part.id)))
        .collect();
    // Those of one size stay in the order of their names.
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.count));
    bars.push(users("no department", found.without, "dept:none"));
    bars
}

/// The highest role first.
#[must_use]
pub fn access(found: &[Access]) -> Vec<Bar<Opens>> {
    found
        .iter()
        .map(|access| users(access.label(), access.users, format!("access:{}", levels::name(access.role))))
        .collect()
}

/// Those who can sign in first.
#[must_use]
pub fn sign_in(found: &SignIn) -> Vec<Bar<Opens>> {
    vec![users("can", found.can, "signin:yes"), users("can't", found.cannot, "signin:no")]
}

/// This month first, then those before it; at the end what lies outside of them.
#[must_use]
pub fn months(time: Time, found: &Months) -> Vec<Bar<Opens>> {
    // To a filter, who never signed in did so when they joined.
    let (key, signed_in) = match time {
        Time::Joined => ("joined", ""),
        Time::LastLogin => ("login", " -login:never"),
    };
    let mut bars = Vec::with_capacity(found.months.len() + 3);
    if let Some((this, _)) = found.months.first().filter(|_| found.after > 0) {
        bars.push(users("in the future", found.after, format!("{key}>{this}{signed_in}")));
    }
    bars.extend(
        found
            .months
            .iter()
            .map(|(month, count)| users(month.to_string(), *count, format!("{key}:{month}{signed_in}"))),
    );
    if let Some((first, _)) = found.months.last() {
        bars.push(users(format!("before {first}"), found.before, format!("{key}<{first}{signed_in}")));
    }
    if time == Time::LastLogin {
        bars.push(users("never", found.never, "login:never"));
    }
    bars
}

/// The worst first.
#[must_use]
pub fn findings(report: &Report) -> Vec<Bar<Opens>> {
    Severity::ALL
        .into_iter()
        .map(|severity| Bar {
            label: severity.name().to_owned(),
            count: report.kinds(severity) as u64,
            tone: tone(severity),
            target: Opens::Findings(severity),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::directory::moment::Month;
    use crate::directory::stats::Part;

    fn told(bars: Vec<Bar<Opens>>) -> Vec<(String, u64, String)> {
        let filter = |opens| match opens {
            Opens::Users(filter) => filter,
            Opens::Findings(severity) => severity.name().to_owned(),
        };
        bars.into_iter().map(|bar| (bar.label, bar.count, filter(bar.target))).collect()
    }

    fn expected(bars: &[(&str, u64, &str)]) -> Vec<(String, u64, String)> {
        bars.iter()
            .map(|(label, count, filter)| ((*label).to_owned(), *count, (*filter).to_owned()))
            .collect()
    }

    #[test]
    fn departments_are_by_size_and_known_by_their_ids() {
        let part = |id, name: &str, users| Part { id, name: name.to_owned(), users };
        let found =
            Departments { parts: vec![part(3, "HR", 2), part(1, "IT", 5), part(2, "Law", 2)], without: 9 };
        assert_eq!(
            told(departments(&found)),
            expected(&[
                ("IT", 5, "dept:#1"),
                ("HR", 2, "dept:#3"),
                ("Law", 2, "dept:#2"),
                ("no department", 9, "dept:none"),
            ])
        );
    }

    #[test]
    fn months_tell_who_signed_in_from_who_never_did() {
        let now = DateTime::from_timestamp(1_760_000_000, 0).unwrap();
        let this = Month::of(now).unwrap();
        let found =
            Months { months: vec![(this, 4), (this.previous().unwrap(), 0)], before: 7, after: 1, never: 3 };
        assert_eq!(
            told(months(Time::LastLogin, &found)),
            expected(&[
                ("in the future", 1, "login>2025-10 -login:never"),
                ("2025-10", 4, "login:2025-10 -login:never"),
                ("2025-09", 0, "login:2025-09 -login:never"),
                ("before 2025-09", 7, "login<2025-09 -login:never"),
                ("never", 3, "login:never"),
            ])
        );
        assert_eq!(told(months(Time::Joined, &Months { after: 0, ..found })).len(), 3);
    }
}
