//! USR-004: usernames that Django itself would refuse.

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::windows;
use crate::portal::rules;

use super::people::{self, Person};

/// The check.
pub struct UsernamePattern;

static ABOUT: About = About {
    id: "USR-004",
    severity: Severity::Error,
    title: "username empty, or with forbidden characters",
    why: "The portal's forms refuse such a name whenever the account is edited, and its sign-in page strips and \
          normalises what is typed, so that often nobody can sign in with it.",
    cause: "The account was loaded by SQL or from another system, which knew nothing of Django's rule for usernames.",
    remedy: "Renames the account: letters, digits and @ . + - _ only.",
    choice: "Somebody has to say what the account is called, and to tell the person.",
    needs: &[("auth_user", &["id", "username"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

const QUESTION: &str = "username";

#[async_trait]
impl Check for UsernamePattern {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let mut users = Vec::new();
        windows::rows_where(scan, "auth_user", &["username"], &Sql::default(), &mut |row| {
            if !rules::matches_username_pattern(&row.text(1)?) {
                users.push(Subject::of(row.int(0)?));
            }
            Ok(())
        })
        .await?;
        users.sort_unstable();
        Ok(Found::each(&ABOUT, Class::Choose, users).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |person: &Person| {
            let text = if person.username.is_empty() {
                format!("account #{} has no username", person.id)
            } else {
                format!("the username {} is none that Django takes", person.name())
            };
            person.row(Subject::of(person.id), text)
        };
        Ok(still(portal, subjects).await?.iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some(person) = still(portal, &[subject]).await?.pop() else { return Ok(None) };
        let choice =
            |name: String| Choice::new(name.clone(), format!("{}, which is free", super::quoted(&name)));
        let choices = suggestion(portal, &person).await?.map(choice).into_iter().collect();
        Ok(Some(Decision {
            subject,
            title: format!("Django takes no username like that of {}", person.name()),
            questions: vec![
                Question::new(QUESTION, "New username", choices).or_typed(people::wrong_username),
            ],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

async fn still(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Person>> {
    let mut found = people::people(portal, &super::ids(subjects, 0)).await?;
    found.retain(|person| !rules::matches_username_pattern(&person.username));
    Ok(found)
}

/// The name with what Django refuses left out, where that leaves a name that nobody has.
async fn suggestion(portal: &Portal, person: &Person) -> Result<Option<String>> {
    let cleaned: String = rules::normal_username(&person.username)
        .chars()
        .filter(|c| rules::matches_username_pattern(c.encode_utf8(&mut [0; 4])))
        .collect();
    let Ok(name) = rules::username(&cleaned) else { return Ok(None) };
    Ok(people::is_free(portal, &name, person.id).await?.then_some(name))
}

async fn decided(
    check: &UsernamePattern,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let name = people::answer(answers, QUESTION);
    Ok(vec![people::part(subject, people::rename(portal, subject.id, name, QUESTION).await?)])
}
