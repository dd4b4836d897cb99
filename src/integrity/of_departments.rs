//! What is wrong with departments, for their list: the checks that are about them alone, which read few rows at any size.

use std::collections::BTreeMap;

use crate::directory::Portal;
use crate::error::Result;

use super::check::{Class, Severity};
use super::scan::scan;

/// The checks whose subjects are departments.
const CHECKS: [&str; 2] = ["DEP-001", "DEP-002"];
/// Rows fetched together.
const PAGE: usize = 500;

/// What one check finds about a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AboutDepartment {
    /// The check's id.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Its title.
    pub title: &'static str,
    /// Who decides about it.
    pub class: Class,
}

/// What is found about each department, by its id; what was accepted is left out.
///
/// # Errors
/// What the engine says.
pub async fn of_departments(portal: &Portal) -> Result<BTreeMap<i64, Vec<AboutDepartment>>> {
    let report = scan(portal, &CHECKS.map(str::to_owned), None).await?;
    let mut found: BTreeMap<i64, Vec<AboutDepartment>> = BTreeMap::new();
    for finding in &report.findings {
        let about = AboutDepartment {
            id: finding.id(),
            severity: finding.severity(),
            title: finding.title(),
            class: finding.class(),
        };
        let mut note = |department: i64| {
            let all = found.entry(department).or_default();
            if !all.contains(&about) {
                all.push(about);
            }
        };
        if finding.id() == CHECKS[0] {
            // Its rows are the members.
            finding.found.subjects.iter().for_each(|subject| note(subject.id));
            continue;
        }
        for from in (0..finding.found.subjects.len()).step_by(PAGE) {
            for row in finding.rows(portal, from, PAGE).await? {
                row.key.int("id").into_iter().for_each(&mut note);
            }
        }
    }
    Ok(found)
}
