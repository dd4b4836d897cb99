//! IDX-002: names and links that nothing keeps unique.

use crate::db::blueprint::UNIQUES;

use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};
use crate::integrity::uniques::{UniqueCheck, Wanted};

/// The check.
pub static NAMES_UNIQUE: UniqueCheck = UniqueCheck { about: &ABOUT, wanted: &WANTED };

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

/// Two rows of one content type nobody but Django can merge.
static WANTED: [Wanted; 7] = [
    Wanted { unique: UNIQUES[0], first: "USR-001" },
    Wanted { unique: UNIQUES[1], first: "GRP-002" },
    Wanted { unique: UNIQUES[2], first: "DEP-002" },
    Wanted { unique: UNIQUES[3], first: "REL-007" },
    Wanted { unique: UNIQUES[4], first: "REL-007" },
    Wanted { unique: UNIQUES[5], first: "REL-007" },
    Wanted { unique: UNIQUES[6], first: "the content types by hand" },
];
