//! REL-002: permissions of groups whose group or permission does not exist.

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
pub struct GroupGhosts;

static ABOUT: About = About {
    id: "REL-002",
    severity: Severity::Critical,
    title: "permissions of groups that do not exist, or that do not exist themselves",
    why: "The next group that gets the same id gives its members the old one's permissions.",
    cause: "The group or permission was deleted by SQL or in a database without foreign keys.",
    remedy: "Removes the rows; the journal keeps them, and undo brings them back.",
    choice: "",
    needs: &[
        ("auth_group", &["id"]),
        ("auth_permission", &["id"]),
        ("auth_group_permissions", &["id", "group_id", "permission_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

static LINKS: [&Link; 1] = [&links::GROUP_PERMISSIONS];

#[async_trait]
impl Check for GroupGhosts {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let subjects: BTreeSet<Subject> =
            links::find(scan, &LINKS).await?.into_iter().map(|(subject, _)| subject).collect();
        let found = Found::each(&ABOUT, Class::Automatic, subjects.into_iter().collect());
        Ok(found.into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        links::rows(portal, &LINKS, subjects).await
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        links::parts(portal, &LINKS, subjects).await
    }
}
