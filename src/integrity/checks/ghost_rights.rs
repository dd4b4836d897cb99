//! REL-001: memberships and direct permissions whose user, group or permission does not exist.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

use super::links::{self, Link};

/// The check.
pub struct GhostRights;

static ABOUT: About = About {
    id: "REL-001",
    severity: Severity::Critical,
    title: "ghost rights: memberships or permissions of nobody",
    why: "The next account that gets the same id inherits the old one's groups and permissions.",
    cause: "The account, group or permission was deleted by SQL or in a database without foreign keys.",
    remedy: "Removes the rows; the journal keeps them, and undo brings them back.",
    choice: "",
    needs: &[
        ("auth_user", &["id"]),
        ("auth_group", &["id"]),
        ("auth_permission", &["id"]),
        ("auth_user_groups", &["id", "user_id", "group_id"]),
        ("auth_user_user_permissions", &["id", "user_id", "permission_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

/// What may be a ghost's; a table's number is the subject's place.
static LINKS: [&Link; 2] = [&links::MEMBERSHIPS, &links::USER_PERMISSIONS];

#[async_trait]
impl Check for GhostRights {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        links::rows(portal, &LINKS, subjects).await
    }

    /// One a user, however many rows.
    async fn decisions(&self, portal: &Portal, subjects: &[Subject]) -> Result<usize> {
        let rows = links::rows(portal, &LINKS, subjects).await?;
        Ok(rows.iter().map(|row| row.user_id).collect::<BTreeSet<_>>().len())
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        links::parts(portal, &LINKS, subjects).await
    }
}

/// Every row can be repaired alone; what is counted is the users concerned, missing or not.
async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let (mut subjects, mut users) = (BTreeSet::new(), BTreeSet::new());
    for (subject, user) in links::find(scan, &LINKS).await? {
        subjects.insert(subject);
        users.insert(user);
    }
    let found = Found::each(&ABOUT, Class::Automatic, subjects.into_iter().collect());
    Ok(found.map(|found| Found { count: users.len(), ..found }).into_iter().collect())
}
