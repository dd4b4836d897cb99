//! ADM-003: superusers who are not staff.

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

use super::people::{self, Person};

/// The check.
pub struct SuperuserNotStaff;

static ABOUT: About = About {
    id: "ADM-003",
    severity: Severity::Warning,
    title: "superuser is not staff",
    why: "The account may do everything, but Django's admin refuses it at the door: only staff get in.",
    cause: "The superuser flag was set by SQL or in a form, without the staff flag that createsuperuser sets with it.",
    remedy: "Sets the staff flag. Where the account was never to be a superuser, take that flag in Users instead.",
    choice: "Somebody has to say that the account is to be a superuser at all.",
    needs: &[("auth_user", &["id", "username", "is_superuser", "is_staff"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

const QUESTION: &str = "staff";
const SET: &str = "set";

#[async_trait]
impl Check for SuperuserNotStaff {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let condition = Sql::new("t.is_superuser = ?").bind(true).push_bind(" AND t.is_staff = ?", false);
        let users = windows::ids_where(scan, "auth_user", &condition).await?;
        let subjects = users.into_iter().map(Subject::of).collect();
        Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |person: &Person| {
            person.row(Subject::of(person.id), format!("superuser {} is not staff", person.name()))
        };
        Ok(still(portal, subjects).await?.iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let found = still(portal, &[subject]).await?.pop();
        Ok(found.map(|person| {
            let choices = vec![Choice::new(SET, "is set: the account gets into Django's admin")];
            Decision {
                subject,
                title: format!("Superuser {} is not staff", person.name()),
                questions: vec![Question::new(QUESTION, "The staff flag", choices).proposing(SET)],
            }
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

async fn still(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Person>> {
    let mut found = people::people(portal, &super::ids(subjects, 0)).await?;
    found.retain(|person| person.superuser && !person.staff);
    Ok(found)
}

async fn decided(
    check: &SuperuserNotStaff,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let Some(person) = people::person(portal, subject.id).await? else { return Ok(Vec::new()) };
    let plan = accounts::edit(portal, person.id, &Draft::default().with("is_staff", "true")).await?;
    Ok(people::parts(subject, format!("Make {} staff", super::quoted(&person.username)), plan))
}
