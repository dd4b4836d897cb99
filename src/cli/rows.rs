//! The rows of a finding, as people name them: `17`, `1/17`, or by username.

use std::collections::BTreeSet;

use super::Work;
use crate::directory::Portal;
use crate::error::{Error, Result};
use crate::integrity::{self, Check, Finding, Subject};

/// How many names an error lists.
const LISTED: usize = 20;

/// Rows fetched together when a username is looked for.
const PAGE: usize = 500;

/// A check, and what it finds now, accepted or not.
pub(super) struct Found {
    pub(super) check: &'static dyn Check,
    pub(super) findings: Vec<Finding>,
}

/// Runs the check of this id.
///
/// # Errors
/// Usage, when there is none; denied, when it can't run here; what the engine says.
pub(super) async fn of_check(work: &mut Work, id: &str) -> Result<Found> {
    let only = [id.to_owned()];
    let checks = integrity::named(&only, true)?;
    let check = integrity::check(id).or_else(|| checks.first().copied());
    let Some(check) = check else { return Err(Error::usage(format!("There is no check '{id}'."))) };
    let meter = work.output.meter();
    let report = integrity::scan(&work.portal, &only, meter.tell().as_ref()).await?;
    meter.end();
    if let Some(skipped) = report.skipped.iter().find(|skipped| skipped.id == check.about().id) {
        let why = format!("{} can't run here: {}; nothing was written.", skipped.id, skipped.why);
        return Err(Error::denied(why));
    }
    let accepted = report.accepted.into_iter().map(|accepted| accepted.finding);
    Ok(Found { check, findings: report.findings.into_iter().chain(accepted).collect() })
}

impl Found {
    /// Everything that it finds.
    pub(super) fn subjects(&self) -> BTreeSet<Subject> {
        self.findings.iter().flat_map(|finding| finding.found.subjects.iter().copied()).collect()
    }

    /// The subjects of these names, each once.
    ///
    /// # Errors
    /// Invalid, when the check finds no such thing; what the engine says.
    pub(super) async fn named(&self, portal: &Portal, names: &[String]) -> Result<Vec<Subject>> {
        let all = self.subjects();
        let mut found = BTreeSet::new();
        for name in names {
            match name.parse::<Subject>() {
                Ok(subject) if all.contains(&subject) => {
                    found.insert(subject);
                }
                _ => {
                    let by_name = self.of_user(portal, name).await?;
                    if by_name.is_empty() {
                        return Err(self.unknown(name, &all));
                    }
                    found.extend(by_name);
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn of_user(&self, portal: &Portal, name: &str) -> Result<Vec<Subject>> {
        let mut found = Vec::new();
        for finding in &self.findings {
            for from in (0..finding.found.subjects.len()).step_by(PAGE) {
                let rows = finding.rows(portal, from, PAGE).await?;
                let of_name = rows.iter().filter(|row| row.username.as_deref() == Some(name));
                found.extend(of_name.map(|row| row.subject));
            }
        }
        Ok(found)
    }

    fn unknown(&self, name: &str, all: &BTreeSet<Subject>) -> Error {
        let id = self.check.about().id;
        let mut names: Vec<String> = all.iter().take(LISTED).map(Subject::to_string).collect();
        if all.len() > LISTED {
            names.push("…".to_owned());
        }
        let finds = if names.is_empty() {
            "It finds nothing.".to_owned()
        } else {
            format!("It finds: {}.", names.join(", "))
        };
        Error::invalid(format!("{id} does not find '{name}', or not any more. {finds} Nothing was written."))
    }
}
