//! PWD-005: accounts with the very same password hash.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use crate::change::Plan;
use crate::db::hex;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::twins::Twins;
use crate::portal::password;

use super::people::{self, Person};
use super::stored_passwords;

/// The check.
pub struct SharedPassword;

static ABOUT: About = About {
    id: "PWD-005",
    severity: Severity::Warning,
    title: "accounts share one password hash",
    why: "Every password has its own salt, so equal hashes are one password: who knows one account's gets into the others.",
    cause: "A row was copied by SQL to make an account, or a password was reset by pasting somebody else's hash.",
    remedy: "Makes the password unusable on all of them, or on all but its owner; `portaldesk change-password NAME` then \
             gives each a new one.",
    choice: "Somebody has to say whose password it is, if anybody's.",
    needs: &[("auth_user", &["id", "username", "password"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 2,
};

/// The question, and the answer that is no account.
const QUESTION: &str = "keep";
const NOBODY: &str = "none";

/// What is compared is a digest of 64 bits, so that no hash is kept. Passwords that nobody can sign in with are other
/// checks' business.
const HASHES: Twins = Twins {
    table: "auth_user",
    column: "password",
    fold: |encoded| {
        password::health(encoded).may_sign_in().then(|| hex(&Sha256::digest(encoded).as_slice()[..8]))
    },
};

#[async_trait]
impl Check for SharedPassword {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut rows = Vec::new();
        for (lowest, group) in HASHES.of(portal, &super::ids(subjects, 0)).await? {
            for person in people::people(portal, &group).await? {
                let others = group.len() - 1;
                let text = format!(
                    "{} has the same password hash as {others} other{}",
                    person.name(),
                    if others == 1 { "" } else { "s" }
                );
                rows.push(person.row(Subject::of(lowest), text));
            }
        }
        Ok(rows)
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let sharing = sharing(portal, subject).await?;
        if sharing.len() < 2 {
            return Ok(None);
        }
        let nobody =
            Choice::new(NOBODY, "nobody: all of them get an unusable one until they are given a new one");
        let owner = |person: &Person| {
            Choice::new(person.id.to_string(), format!("{}: the others get an unusable one", person.name()))
        };
        let choices = std::iter::once(nobody).chain(sharing.iter().map(owner)).collect();
        Ok(Some(Decision {
            subject,
            title: format!(
                "{} accounts share one password, {} is one of them",
                sharing.len(),
                sharing[0].name()
            ),
            questions: vec![Question::new(QUESTION, "Whose password is it", choices)],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let groups = HASHES.find(scan, &stored_passwords::that_may_be_usable()).await?;
    let lowest = groups.iter().filter_map(|group| group.first().copied().map(Subject::of)).collect();
    Ok(Found::each(&ABOUT, Class::Choose, lowest).into_iter().collect())
}

/// The accounts that share a password with the subject's.
async fn sharing(portal: &Portal, subject: Subject) -> Result<Vec<Person>> {
    let group = HASHES.of(portal, &[subject.id]).await?.remove(&subject.id).unwrap_or_default();
    people::people(portal, &group).await
}

async fn decided(
    check: &SharedPassword,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let keeper = people::answered_id(answers, QUESTION);
    let mut plan = Plan::default();
    let mut names = Vec::new();
    for person in sharing(portal, subject).await? {
        if Some(person.id) != keeper {
            plan = plan.followed_by(stored_passwords::make_unusable(portal, person.id).await?);
            names.push(super::quoted(&person.username));
        }
    }
    let title = format!("Disable the shared password of {}", people::some_of(&names));
    Ok(people::parts(subject, title, plan))
}
