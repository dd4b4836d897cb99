//! What the checks of stored passwords have in common. A hash is looked at and forgotten; it is never shown.

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::{Portal, accounts};
use crate::error::Result;
use crate::integrity::check::{About, Check, Class, FindingRow, Found, Part, Subject};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::windows;
use crate::portal::password::{self, Health};

use super::people::{self, Person};

/// The question, and its only answer: no other way ends well for the account.
const QUESTION: &str = "password";
const UNUSABLE: &str = "unusable";

/// The condition that leaves out unusable passwords; the table is `t`.
pub(super) fn that_may_be_usable() -> Sql {
    Sql::new("SUBSTR(t.password, 1, 1) <> '!'")
}

/// The accounts whose password is worth this.
pub(super) async fn find(scan: &Scan<'_>, about: &About, class: Class, worth: Health) -> Result<Vec<Found>> {
    let mut users = Vec::new();
    windows::rows_where(scan, "auth_user", &["password"], &that_may_be_usable(), &mut |row| {
        if password::health(&row.text(1)?) == worth {
            users.push(Subject::of(row.int(0)?));
        }
        Ok(())
    })
    .await?;
    users.sort_unstable();
    Ok(Found::each(about, class, users).into_iter().collect())
}

/// The accounts of which that is still so.
pub(super) async fn still(portal: &Portal, subjects: &[Subject], worth: Health) -> Result<Vec<Person>> {
    let mut found = people::people(portal, &super::ids(subjects, 0)).await?;
    found.retain(|person| person.password == worth);
    Ok(found)
}

/// A check for passwords that are worth nothing, which somebody may have made unusable.
pub struct Worthless {
    /// What never changes about it.
    pub(super) about: &'static About,
    /// What the passwords are worth.
    pub(super) worth: Health,
    /// What is said of one.
    pub(super) words: fn(&Person) -> String,
}

#[async_trait]
impl Check for Worthless {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan, self.about, Class::Choose, self.worth).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let found = still(portal, subjects, self.worth).await?;
        Ok(found.iter().map(|person| person.row(Subject::of(person.id), (self.words)(person))).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        decision(portal, subject, self.worth).await
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// Whether the password is made unusable.
async fn decision(portal: &Portal, subject: Subject, worth: Health) -> Result<Option<Decision>> {
    let found = still(portal, &[subject], worth).await?.pop();
    Ok(found.map(|person| Decision {
        subject,
        title: format!("The password of {} is worth nothing ({})", person.name(), person.kept),
        questions: vec![Question::new(
            QUESTION,
            "The password",
            vec![Choice::new(UNUSABLE, consequence(&person))],
        )],
    }))
}

fn consequence(person: &Person) -> String {
    let name = super::quoted(&person.username);
    format!(
        "is made unusable; {name} signs in again once `portaldesk change-password` or `p` in Users gave a new one"
    )
}

/// Makes the password unusable.
async fn decided(
    check: &dyn Check,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    Ok(vec![people::part(subject, make_unusable(portal, subject.id).await?)])
}

/// The plan that does so, which ends the account's sessions in the portal too.
pub(super) async fn make_unusable(portal: &Portal, user: i64) -> Result<crate::change::Plan> {
    accounts::set_password(portal, user, password::unusable()?).await
}
