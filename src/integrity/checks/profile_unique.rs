//! IDX-001: nothing keeps a user from having two profiles.

use async_trait::async_trait;

use crate::db::blueprint::PROFILE_USER;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Decision};
use crate::integrity::scan::Scan;
use crate::integrity::uniques::{self, Wanted};

/// The check.
pub struct ProfileUnique;

static ABOUT: About = About {
    id: "IDX-001",
    severity: Severity::Critical,
    title: "nothing keeps a user from having several profiles",
    why: "The portal reads one profile of a user and fails with several; without the constraint its next mistake makes \
          another.",
    cause: "The table was made by hand, or copied or restored without its constraints.",
    remedy: "Makes core_userprofile.user_id unique under Django's own name, once PRF-002 finds nothing more.",
    choice: "The statement alters the portal's table; others may have to wait meanwhile.",
    needs: &[("core_userprofile", &["user_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Indexes,
    rows_each: 1,
};

/// Its place is the subject's.
static WANTED: [Wanted; 1] = [Wanted { unique: PROFILE_USER, first: "PRF-002" }];

#[async_trait]
impl Check for ProfileUnique {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        uniques::find(scan, &ABOUT, &WANTED).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        uniques::rows(portal, &WANTED, subjects).await
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        uniques::decision(portal, &WANTED, subject).await
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        uniques::decided(portal, &WANTED, subject, answers).await
    }
}
