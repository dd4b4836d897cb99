//! PWD-002: passwords that stand in the clear, or as good as that.

use futures_util::future::BoxFuture;

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

impl Check for OpenPassword {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn find<'a>(&'a self, scan: &'a Scan<'a>) -> BoxFuture<'a, Result<Vec<Found>>> {
        Box::pin(stored_passwords::find(scan, &ABOUT, Class::Choose, Health::Open))
    }

    fn rows<'a>(
        &'a self,
        portal: &'a Portal,
        subjects: &'a [Subject],
    ) -> BoxFuture<'a, Result<Vec<FindingRow>>> {
        Box::pin(rows(portal, subjects))
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    fn decision<'a>(
        &'a self,
        portal: &'a Portal,
        subject: Subject,
    ) -> BoxFuture<'a, Result<Option<Decision>>> {
        Box::pin(stored_passwords::decision(portal, subject, Health::Open))
    }

    fn decided<'a>(
        &'a self,
        portal: &'a Portal,
        subject: Subject,
        answers: &'a Answers,
    ) -> BoxFuture<'a, Result<Vec<Part>>> {
        Box::pin(stored_passwords::decided(self, portal, subject, answers))
    }
}

async fn rows(portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
    let found = stored_passwords::still(portal, subjects, Health::Open).await?;
    let row = |person: &super::people::Person| {
        let text = format!("the password of {} is kept as: {}", person.name(), person.kept);
        person.row(Subject::of(person.id), text)
    };
    Ok(found.iter().map(row).collect())
}
