//! Filters with a name: what somebody has saved, and the reports that are always there.
//!
//! They are kept in the state folder, one file a portal, with ids in the place of names, so that a filter goes on to mean
//! the same departments and groups when they are renamed; what they were called is kept beside for the day when one is gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Portal;
use super::blocking::blocking;
use super::filter::{self, Filter, InNames};
use super::state_file::{Kind, StateFile};
use crate::error::{Error, Result};

/// More than these are not kept for one portal.
const MOST: usize = 500;
/// A name is at most so many characters long.
pub const LONGEST_NAME: usize = 60;

const KIND: Kind = Kind { what: "saved filters", version: 1, most: 4 << 20 };

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
pub const REPORTS: [Report; 9] = [
    report("unused", "Active, not signed in for 90 days", "active:yes login>90d"),
    report("never-signed-in", "Never signed in", "login:never"),
    report("privileged", "Superusers, and staff who may change accounts", "privileged:yes"),
    report("without-group", "In no group", "group:none"),
    report("without-department", "In no department", "dept:none"),
    report("without-profile", "Without a profile", "profile:none"),
    report("without-password", "Active, with a password that nobody can use", "active:yes pw:unusable"),
    report("cannot-sign-in", "Active, and can't sign in to the portal", "active:yes signin:no"),
    report("inactive", "Inactive", "active:no"),
];

/// A filter as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Whose it is: the account's id, or the Unix user.
    account: String,
    /// Who that is, for messages.
    by: String,
    name: String,
    /// With ids.
    line: String,
    /// What was meant by each part with ids.
    names: BTreeMap<String, String>,
}

#[derive(Default, Serialize, Deserialize)]
struct Content {
    filters: Vec<Kept>,
}

/// A saved filter as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// The line, with the present names of departments and groups.
    pub line: String,
    /// What it is about and is not there any more, by name.
    pub gone: Vec<String>,
}

fn file(portal: &Portal) -> Option<StateFile> {
    let folder = portal.settings.filters_folder.as_ref()?;
    // One for all accounts: the command line finds what was saved on the screen.
    Some(StateFile::new(folder, portal.db.target().to_string(), String::new(), KIND))
}

fn account(portal: &Portal) -> String {
    portal.actor.account.as_ref().map_or_else(|| portal.actor.name(), |account| account.id.to_string())
}

async fn kept(portal: &Portal) -> Result<Vec<Kept>> {
    let Some(file) = file(portal) else { return Ok(Vec::new()) };
    let read = blocking(move || file.read::<Content>().map_err(|why| failed(&file, "can't be read", &why)));
    let (content, set_aside) = read.await??;
    match set_aside {
        Some(words) => Err(Error::invalid(words)),
        None => Ok(content.unwrap_or_default().filters),
    }
}

fn failed(file: &StateFile, what: &str, why: &std::io::Error) -> Error {
    Error::denied(format!("The saved filters in {} {what}: {why}.", file.path().display()))
}

async fn change(portal: &Portal, change: impl FnOnce(&mut Vec<Kept>) + Send + 'static) -> Result<()> {
    let Some(file) = file(portal) else {
        return Err(Error::denied("There is no folder to keep filters in; nothing was saved."));
    };
    let changed = blocking(move || {
        file.change(|content: Option<Content>| {
            let mut content = content.unwrap_or_default();
            change(&mut content.filters);
            (!content.filters.is_empty()).then_some(content)
        })
        .map_err(|why| failed(&file, "can't be changed", &why))
    });
    changed.await?
}

/// What whoever uses the portal has saved, by name.
///
/// # Errors
/// Denied, when it can't be read; what the engine says.
pub async fn list(portal: &Portal) -> Result<Vec<Saved>> {
    let mine = account(portal);
    let mut list = Vec::new();
    for kept in kept(portal).await?.into_iter().filter(|kept| kept.account == mine) {
        let InNames { line, gone } = filter::in_names(portal, &kept.line).await?;
        let gone = gone.into_iter().map(|part| called(&kept, &part)).collect();
        list.push(Saved { name: kept.name, line, gone });
    }
    list.sort_by_key(|saved| saved.name.to_lowercase());
    Ok(list)
}

/// A part whose department or group is gone, as it was called.
fn called(kept: &Kept, part: &str) -> String {
    let what = if part.starts_with("dept") { "department" } else { "group" };
    kept.names.get(part).map_or_else(|| part.to_owned(), |name| format!("the {what} '{name}'"))
}

/// Saves a filter under a name, in the place of what had it.
///
/// # Errors
/// Usage, with the part that is wrong; invalid, for a name that can't be one; denied, when it can't be written.
pub async fn save(portal: &Portal, name: &str, line: &str) -> Result<()> {
    let name = checked(name)?;
    let filter = filter::read(portal, line).await?;
    if filter.is_open() {
        return Err(Error::invalid("The filter is empty; nothing was saved."));
    }
    let line = filter.by_id();
    let names = filter::meant(portal, &line).await?;
    let mine = account(portal);
    if kept(portal).await?.len() >= MOST {
        return Err(Error::invalid(format!("More than {MOST} filters are not kept; delete one first.")));
    }
    let by = portal.actor.name();
    change(portal, move |all| {
        all.retain(|kept| kept.account != mine || kept.name != name);
        all.push(Kept { account: mine, by, name, line, names });
    })
    .await
}

fn checked(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let words =
            format!("The name of a filter is one line of 1 to {LONGEST_NAME} characters; nothing was saved.");
        return Err(Error::invalid(words));
    }
    Ok(name.to_owned())
}

/// Gives a saved filter another name; what had that name before is gone.
///
/// # Errors
/// As [`save`].
pub async fn rename(portal: &Portal, from: String, to: &str) -> Result<()> {
    let to = checked(to)?;
    let mine = account(portal);
    change(portal, move |all| {
        all.retain(|kept| kept.account != mine || kept.name != to || kept.name == from);
        for kept in all.iter_mut().filter(|kept| kept.account == mine && kept.name == from) {
            kept.name.clone_from(&to);
        }
    })
    .await
}

/// Forgets a saved filter.
///
/// # Errors
/// Denied, when it can't be written.
pub async fn remove(portal: &Portal, name: String) -> Result<()> {
    let mine = account(portal);
    change(portal, move |all| all.retain(|kept| kept.account != mine || kept.name != name)).await
}

/// The filter of this name: one's own, a report, or else somebody else's in the same state folder: a portal account's on
/// the command line.
///
/// # Errors
/// Usage, with the names that there are, or where two accounts use the same; as [`filter::read`].
pub async fn named(portal: &Portal, name: &str) -> Result<Filter> {
    let all = kept(portal).await?;
    let called_so: Vec<&Kept> = all.iter().filter(|kept| kept.name == name).collect();
    let mine = account(portal);
    let found = called_so.iter().find(|kept| kept.account == mine).or_else(|| called_so.first());
    let report = REPORTS.iter().find(|report| report.name == name);
    match (found, report) {
        (Some(kept), _) if kept.account == mine => open(portal, kept).await,
        (_, Some(report)) => filter::read(portal, report.line).await,
        (Some(kept), None) if called_so.len() == 1 => open(portal, kept).await,
        (Some(_), None) => {
            let whose: Vec<&str> = called_so.iter().map(|kept| kept.by.as_str()).collect();
            let words = format!(
                "Several accounts have saved a filter '{name}': {}. Give --filter.",
                whose.join(", ")
            );
            Err(Error::usage(words))
        }
        (None, None) => {
            let mut names: Vec<&str> = all.iter().map(|kept| kept.name.as_str()).collect();
            names.extend(REPORTS.iter().map(|report| report.name));
            Err(Error::usage(format!("There is no saved filter '{name}'. There are {}.", names.join(", "))))
        }
    }
}

async fn open(portal: &Portal, kept: &Kept) -> Result<Filter> {
    let InNames { gone, .. } = filter::in_names(portal, &kept.line).await?;
    let gone: Vec<String> = gone.iter().map(|part| called(kept, part)).collect();
    if !gone.is_empty() {
        return Err(Error::usage(format!(
            "The saved filter '{}' is about what is not there any more: {}.",
            kept.name,
            gone.join(", ")
        )));
    }
    filter::read(portal, &kept.line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_can_be_read() {
        for report in REPORTS {
            assert!(!Filter::of(report.line).is_open(), "{}", report.name);
            assert!(filter::at_once(report.line).is_none_or(|read| read.is_ok()), "{}", report.name);
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(checked("  Leavers, IT "), Ok("Leavers, IT".to_owned()));
        for name in ["", "  ", "a\nb", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(checked(name).is_err(), "{name}");
        }
    }
}
