//! PWD-001: active superusers whose password is unusable.

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::accounts::{self, Draft};
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::windows;
use crate::portal::password::Health;

use super::people::{self, Person};

/// The check.
pub struct SuperuserLockedOut;

static ABOUT: About = About {
    id: "PWD-001",
    severity: Severity::Error,
    title: "superuser with an unusable password",
    why: "The account looks like somebody who can help, and can't sign in. On a portal with another way in, such as \
          single sign-on, it may be meant so: then accept it.",
    cause: "The account was made without a password, or its password was disabled and the superuser flag left.",
    remedy: "`portaldesk change-password NAME`, or `p` in Users, gives the account a new password. Where nobody is to \
             use it, deactivate it or take its flags.",
    choice: "Somebody has to say whether the account is still wanted.",
    needs: &[("auth_user", &["id", "username", "password", "is_active", "is_superuser", "is_staff"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

const QUESTION: &str = "account";
const DEACTIVATE: &str = "deactivate";
const DEMOTE: &str = "demote";

#[async_trait]
impl Check for SuperuserLockedOut {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let condition = Sql::new("t.is_superuser = ?")
            .bind(true)
            .push_bind(" AND t.is_active = ?", true)
            .push(" AND SUBSTR(t.password, 1, 1) = '!'");
        let users = windows::ids_where(scan, "auth_user", &condition).await?;
        let subjects = users.into_iter().map(Subject::of).collect();
        Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |person: &Person| {
            let text = format!("superuser {} has an unusable password", person.name());
            person.row(Subject::of(person.id), text)
        };
        Ok(still(portal, subjects).await?.iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let found = still(portal, &[subject]).await?.pop();
        Ok(found.map(|person| Decision {
            subject,
            title: format!(
                "Superuser {} can't sign in; to keep the account give it a password with `portaldesk change-password`",
                person.name()
            ),
            questions: vec![Question::new(
                QUESTION,
                "Otherwise the account",
                vec![
                    Choice::new(DEACTIVATE, "is deactivated; it keeps its flags and groups"),
                    Choice::new(DEMOTE, "stays active, but is neither superuser nor staff any more"),
                ],
            )],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

async fn still(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Person>> {
    let mut found = people::people(portal, &super::ids(subjects, 0)).await?;
    found.retain(|person| person.superuser && person.active && person.password == Health::Unusable);
    Ok(found)
}

async fn decided(
    check: &SuperuserLockedOut,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    if people::answer(answers, QUESTION) == DEACTIVATE {
        return Ok(vec![people::part(subject, accounts::set_active(portal, subject.id, false).await?)]);
    }
    let Some(person) = people::person(portal, subject.id).await? else { return Ok(Vec::new()) };
    let draft = Draft::default().with("is_staff", "false").with("is_superuser", "false");
    let plan = accounts::edit(portal, person.id, &draft).await?;
    Ok(people::parts(subject, format!("Take the flags of {}", super::quoted(&person.username)), plan))
}
