//! IDX-001: nothing keeps a user from having two profiles.

use futures_util::future::BoxFuture;

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

impl Check for ProfileUnique {
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
