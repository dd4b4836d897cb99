//! Filters with a name: the reports that are always there.

use super::Portal;
use super::filter::{self, Filter};
use crate::error::{Error, Result};

/// A filter that everybody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// The filter.
    pub line: &'static str,
}

const fn report(name: &'static str, title: &'static str, line: &'static str) -> Report {
    Report { name, title, line }
}

/// The reports, in the order in which a list offers them.
pub const REPORTS: [Report; 8] = [
    report("unused", "Active, not signed in for 90 days", "active:yes login>90d"),
    report("never-signed-in", "Never signed in", "login:never"),
    report("privileged", "Superusers, and staff who may change accounts", "privileged:yes"),
    report("without-group", "In no group", "group:none"),
    report("without-department", "In no department", "dept:none"),
    report("without-profile", "Without a profile", "profile:none"),
    report("without-password", "Active, with a password that nobody can use", "active:yes pw:unusable"),
    report("inactive", "Inactive", "active:no"),
];

/// The filter of this name.
///
/// # Errors
/// Usage, with the names that there are; as [`filter::read`].
pub async fn named(portal: &Portal, name: &str) -> Result<Filter> {
    if let Some(report) = REPORTS.iter().find(|report| report.name == name) {
        return filter::read(portal, report.line).await;
    }
    let names: Vec<&str> = REPORTS.iter().map(|report| report.name).collect();
    Err(Error::usage(format!("There is no saved filter '{name}'. There are {}.", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_can_be_read() {
        for report in REPORTS {
            let parts = filter::terms(report.line).len();
            assert!(parts > 0 && !Filter::of(report.line).is_open(), "{}", report.name);
            assert!(filter::at_once(report.line).is_none_or(|read| read.is_ok()), "{}", report.name);
        }
    }
}
