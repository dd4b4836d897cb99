//! IDX-002: names and links that nothing keeps unique.

use async_trait::async_trait;

use crate::db::blueprint::UNIQUES;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Decision};
use crate::integrity::scan::Scan;
use crate::integrity::uniques::{self, Wanted};

/// The check.
pub struct NamesUnique;

static ABOUT: About = About {
    id: "IDX-002",
    severity: Severity::Error,
    title: "names or links that nothing keeps unique",
    why: "Two accounts, groups or departments of one name can come about, and the portal takes either of them or fails.",
    cause: "The table was made by hand, or copied or restored without its constraints.",
    remedy: "Makes the columns unique under Django's own name, once nothing stands there twice.",
    choice: "The statement alters the portal's table; others may have to wait meanwhile.",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Indexes,
    rows_each: 1,
};

/// Places are the subjects', so this only grows at its end. Two rows of one content type nobody but Django can merge.
static WANTED: [Wanted; 7] = [
    Wanted { unique: UNIQUES[0], first: "USR-001" },
    Wanted { unique: UNIQUES[1], first: "GRP-002" },
    Wanted { unique: UNIQUES[2], first: "DEP-002" },
    Wanted { unique: UNIQUES[3], first: "REL-007" },
    Wanted { unique: UNIQUES[4], first: "REL-007" },
    Wanted { unique: UNIQUES[5], first: "REL-007" },
    Wanted { unique: UNIQUES[6], first: "the content types by hand" },
];

#[async_trait]
impl Check for NamesUnique {
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
