//! PWD-002: passwords that stand in the clear, or as good as that.

use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};
use crate::portal::password::Health;

use super::stored_passwords::Worthless;

/// The check.
pub static OPEN_PASSWORD: Worthless = Worthless {
    about: &ABOUT,
    worth: Health::Open,
    words: |person| format!("the password of {} is kept as: {}", person.name(), person.kept),
};

static ABOUT: About = About {
    id: "PWD-002",
    severity: Severity::Critical,
    title: "password empty, in the clear, or of a broken hasher",
    why: "Whoever reads the table has the password, and people use one in many places. Django takes no password for \
          most of these values, so the account can't sign in either.",
    cause: "Accounts were loaded by SQL or from another system without hashing, or kept since MD5 and SHA-1 were in use.",
    remedy: "Makes the password unusable, then `portaldesk change-password NAME` gives a new one. Tell the person that \
             the old one is known; change it wherever else it is used.",
    choice: "The account can't sign in until it has a new password: somebody has to say that this may be.",
    needs: &[("auth_user", &["id", "username", "password"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};
