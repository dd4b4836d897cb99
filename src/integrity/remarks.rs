//! What is wrong with groups and departments, for their lists and records: the checks that are about them alone, which read
//! few rows at any size.

use std::collections::BTreeMap;

use crate::directory::Portal;
use crate::error::Result;

use super::check::{Class, Severity};
use super::scan::scan;

/// The checks whose rows are groups.
const OF_GROUPS: [&str; 2] = ["GRP-002", "GRP-005"];
/// The checks whose subjects are departments.
const OF_DEPARTMENTS: [&str; 2] = ["DEP-001", "DEP-002"];
/// The rows of this one are the members of its subjects.
const BY_SUBJECT: &str = "DEP-001";
/// Rows fetched together.
const PAGE: usize = 500;

/// What one check finds about a group or a department.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remark {
    /// The check's id.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Its title.
    pub title: &'static str,
    /// Who decides about it.
    pub class: Class,
}

/// Remarks by the id of what they are about.
pub type Remarks = BTreeMap<i64, Vec<Remark>>;

/// What is found about each group; what was accepted is left out.
///
/// # Errors
/// What the engine says.
pub async fn of_groups(portal: &Portal) -> Result<Remarks> {
    remarks(portal, OF_GROUPS).await
}

/// What is found about each department; what was accepted is left out.
///
/// # Errors
/// What the engine says.
pub async fn of_departments(portal: &Portal) -> Result<Remarks> {
    remarks(portal, OF_DEPARTMENTS).await
}

async fn remarks(portal: &Portal, checks: [&str; 2]) -> Result<Remarks> {
    let report = scan(portal, &checks.map(str::to_owned), None).await?;
    let mut found = Remarks::new();
    for finding in &report.findings {
        let remark = Remark {
            id: finding.id(),
            severity: finding.severity(),
            title: finding.title(),
            class: finding.class(),
        };
        let mut note = |id: i64| {
            let all = found.entry(id).or_default();
            if !all.contains(&remark) {
                all.push(remark);
            }
        };
        if finding.id() == BY_SUBJECT {
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
