//! PWD-004: passwords of a known algorithm that nothing can be compared with.

use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};
use crate::portal::password::Health;

use super::stored_passwords::Worthless;

/// The check.
pub static BROKEN_PASSWORD: Worthless = Worthless {
    about: &ABOUT,
    worth: Health::Broken,
    words: |person| format!("the password of {} can never be right: {}", person.name(), person.kept),
};

static ABOUT: About = About {
    id: "PWD-004",
    severity: Severity::Error,
    title: "password damaged",
    why: "No password is right for it, and for some of these values the portal's sign-in page fails with an error \
          (HTTP 500) instead of saying so.",
    cause: "The value was cut at the column's 128 characters, or edited, or spoilt when it was copied between systems.",
    remedy: "Makes the password unusable, so that the sign-in page says no; then `portaldesk change-password NAME` gives \
             a new one.",
    choice: "A backup may still hold the whole value: somebody has to say that it is given up.",
    needs: &[("auth_user", &["id", "username", "password"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};
