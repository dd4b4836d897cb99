//! IDX-001: nothing keeps a user from having two profiles.

use crate::db::blueprint::PROFILE_USER;

use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};
use crate::integrity::uniques::{UniqueCheck, Wanted};

/// The check.
pub static PROFILE_UNIQUE: UniqueCheck = UniqueCheck { about: &ABOUT, wanted: &WANTED };

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

static WANTED: [Wanted; 1] = [Wanted { unique: PROFILE_USER, first: "PRF-002" }];
