//! What is wrong with groups, for their records: the checks that are about them alone, which read few rows at any size.

use std::collections::BTreeMap;

use crate::directory::Portal;
use crate::error::Result;

use super::check::Finding;
use super::scan::scan;

/// The checks whose rows are groups.
const CHECKS: [&str; 2] = ["GRP-002", "GRP-005"];
/// How many subjects of a check are looked at: there are no more roles than that.
const MOST: usize = 500;

/// What is found about each group, by its id; what was accepted is left out.
///
/// # Errors
/// What the engine says.
pub async fn of_groups(portal: &Portal) -> Result<BTreeMap<i64, Vec<Finding>>> {
    let report = scan(portal, &CHECKS.map(str::to_owned), None).await?;
    let mut found: BTreeMap<i64, Vec<Finding>> = BTreeMap::new();
    for finding in &report.findings {
        for row in finding.rows(portal, 0, MOST).await? {
            let Some(id) = row.key.int("id") else { continue };
            let all = found.entry(id).or_default();
            if all.iter().all(|known| known.id() != finding.id()) {
                all.push(finding.clone());
            }
        }
    }
    Ok(found)
}
