//! PWD-002: passwords that stand in the clear, or as good as that.

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
pub struct OpenPassword;

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

#[async_trait]
impl Check for OpenPassword {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        stored_passwords::find(scan, &ABOUT, Class::Choose, Health::Open).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let found = stored_passwords::still(portal, subjects, Health::Open).await?;
        let row = |person: &super::people::Person| {
            let text = format!("the password of {} is kept as: {}", person.name(), person.kept);
            person.row(Subject::of(person.id), text)
        };
        Ok(found.iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        stored_passwords::decision(portal, subject, Health::Open).await
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        stored_passwords::decided(self, portal, subject, answers).await
    }
}
