//! PWD-003: passwords that are hashed more cheaply than they should be.

use async_trait::async_trait;

use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;
use crate::portal::password::Health;

use super::stored_passwords;

/// The check.
pub struct CheapPassword;

static ABOUT: About = About {
    id: "PWD-003",
    severity: Severity::Warning,
    title: "password cheap to guess",
    why: "Should the table ever leak, these passwords fall first: PBKDF2 with fewer iterations than Django 4.2's 600,000, \
          or Argon2 with less memory or fewer passes than OWASP asks for.",
    cause: "The password was set under an older Django, and the person has not signed in since the portal moved on.",
    remedy: "Nothing has to be written: Django hashes the password anew when the person next signs in to the portal. For \
             those who don't come back, `portaldesk user edit NAME --inactive`; for those who should, ask them to sign in, or \
             give a new password with `portaldesk change-password NAME`.",
    choice: "",
    needs: &[("auth_user", &["id", "username", "password"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

#[async_trait]
impl Check for CheapPassword {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        stored_passwords::find(scan, &ABOUT, Class::Manual, Health::Cheap).await
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let found = stored_passwords::still(portal, subjects, Health::Cheap).await?;
        let row = |person: &super::people::Person| {
            let text = format!("the password of {} is kept as: {}", person.name(), person.kept);
            person.row(Subject::of(person.id), text)
        };
        Ok(found.iter().map(row).collect())
    }
}
