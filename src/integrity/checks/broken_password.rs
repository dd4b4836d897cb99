//! PWD-004: passwords of a known algorithm that nothing can be compared with.

use async_trait::async_trait;

use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Decision};
use crate::integrity::scan::Scan;
use crate::portal::password::Health;

use super::stored_passwords;

/// The check.
pub struct BrokenPassword;

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

#[async_trait]
impl Check for BrokenPassword {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        stored_passwords::find(scan, &ABOUT, Class::Choose, Health::Broken).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let found = stored_passwords::still(portal, subjects, Health::Broken).await?;
        let row = |person: &super::people::Person| {
            let text = format!("the password of {} can never be right: {}", person.name(), person.kept);
            person.row(Subject::of(person.id), text)
        };
        Ok(found.iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        stored_passwords::decision(portal, subject, Health::Broken).await
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        stored_passwords::decided(self, portal, subject, answers).await
    }
}
