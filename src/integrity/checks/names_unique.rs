//! IDX-002: names and links that nothing keeps unique.

use futures_util::future::BoxFuture;

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

impl Check for NamesUnique {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn find<'a>(&'a self, scan: &'a Scan<'a>) -> BoxFuture<'a, Result<Vec<Found>>> {
        Box::pin(uniques::find(scan, &ABOUT, &WANTED))
    }

    fn rows<'a>(
        &'a self,
        portal: &'a Portal,
        subjects: &'a [Subject],
    ) -> BoxFuture<'a, Result<Vec<FindingRow>>> {
        Box::pin(uniques::rows(portal, &WANTED, subjects))
    }

    fn decision<'a>(
        &'a self,
        portal: &'a Portal,
        subject: Subject,
    ) -> BoxFuture<'a, Result<Option<Decision>>> {
        Box::pin(uniques::decision(portal, &WANTED, subject))
    }

    fn decided<'a>(
        &'a self,
        portal: &'a Portal,
        subject: Subject,
        answers: &'a Answers,
    ) -> BoxFuture<'a, Result<Vec<Part>>> {
        Box::pin(uniques::decided(portal, &WANTED, subject, answers))
    }
}
