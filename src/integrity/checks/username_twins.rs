//! USR-001: usernames that differ only by case, by white space around, or by the form of their letters.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::accounts;
use crate::error::{Error, Kind, Result};
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::twins::{self, Twins};

use super::people::{self, Person};

/// The check.
pub struct UsernameTwins;

static ABOUT: About = About {
    id: "USR-001",
    severity: Severity::Error,
    title: "usernames that look the same",
    why: "People sign in to the wrong account, or are told that their password is wrong; mail and rights go to whom they \
          were not meant for. A name that is not in normal form can't be signed in with at all.",
    cause: "Accounts were loaded by SQL, or renamed: Django compares names without case only when an account is made.",
    remedy: "Renames one of the accounts, or deactivates it. Merging two accounts is done by hand: give the rights to one, \
             off-board the other.",
    choice: "Somebody has to say which account gives way.",
    needs: &[("auth_user", &["id", "username", "is_active"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

/// The questions, and the answer that is no name.
const ACCOUNT: &str = "account";
const BECOMES: &str = "becomes";
const INACTIVE: &str = "inactive";

/// How many groups of twins are looked at together.
const GROUPS_AT_ONCE: usize = 200;

const NAMES: Twins = Twins { table: "auth_user", column: "username", fold: twins::folded };

#[async_trait]
impl Check for UsernameTwins {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut rows = Vec::new();
        for (lowest, group) in NAMES.of(portal, &super::ids(subjects, 0)).await? {
            let group = people::people(portal, &group).await?;
            if !clash(&group) {
                continue;
            }
            for person in &group {
                let others: Vec<String> = group
                    .iter()
                    .filter(|other| other.id != person.id)
                    .map(|other| super::quoted(&other.username))
                    .collect();
                let inactive = if person.active { "" } else { ", inactive," };
                let text = format!("{}{inactive} looks like {}", person.name(), people::some_of(&others));
                rows.push(person.row(Subject::of(lowest), text));
            }
        }
        Ok(rows)
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let group = twins_of(portal, subject).await?;
        let Some(first) = group.first() else { return Ok(None) };
        let choice = |person: &Person| {
            let inactive = if person.active { "" } else { ", inactive" };
            Choice::new(person.id.to_string(), format!("{}{inactive}", person.name()))
        };
        let which = Question::new(ACCOUNT, "The account that gives way", group.iter().map(choice).collect());
        let inactive = Choice::new(INACTIVE, "is deactivated and keeps its name");
        let becomes =
            Question::new(BECOMES, "Its new username", vec![inactive]).or_typed(people::wrong_username);
        Ok(Some(Decision {
            subject,
            title: format!("{} accounts are named like {}", group.len(), first.name()),
            questions: vec![which, becomes],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// Whether these twins get into each other's way: at least two are active, or two have the very same name, of which the
/// portal can't find either.
fn clash(group: &[Person]) -> bool {
    let mut names: Vec<&str> = group.iter().map(|person| person.username.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1]) || group.iter().filter(|person| person.active).count() > 1
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let groups = NAMES.find(scan, &Sql::default()).await?;
    let mut lowest = Vec::new();
    for some in groups.chunks(GROUPS_AT_ONCE) {
        let accounts = people::people(scan.portal, &some.concat()).await?;
        let mut by_id: BTreeMap<i64, Person> =
            accounts.into_iter().map(|person| (person.id, person)).collect();
        for group in some {
            let accounts: Vec<Person> = group.iter().filter_map(|id| by_id.remove(id)).collect();
            if clash(&accounts) {
                lowest.extend(group.first().copied().map(Subject::of));
            }
        }
    }
    Ok(Found::each(&ABOUT, Class::Choose, lowest).into_iter().collect())
}

/// The accounts of a group, as far as they still get into each other's way.
async fn twins_of(portal: &Portal, subject: Subject) -> Result<Vec<Person>> {
    let group = NAMES.of(portal, &[subject.id]).await?.remove(&subject.id).unwrap_or_default();
    let group = people::people(portal, &group).await?;
    Ok(if clash(&group) { group } else { Vec::new() })
}

async fn decided(
    check: &UsernameTwins,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let Some(id) = people::answered_id(answers, ACCOUNT) else { return Ok(Vec::new()) };
    let becomes = people::answer(answers, BECOMES);
    if becomes == INACTIVE {
        return Ok(vec![people::part(subject, accounts::set_active(portal, id, false).await?)]);
    }
    let group = twins_of(portal, subject).await?;
    let is_twin = group.first().is_some_and(|one| twins::folded(&one.username) == twins::folded(becomes));
    if is_twin && group.iter().any(|person| person.id != id) {
        let message = "This name still looks like the others; nothing was written.";
        return Err(Error::field(Kind::Invalid, BECOMES, message));
    }
    Ok(vec![people::part(subject, people::rename(portal, id, becomes, BECOMES).await?)])
}
