//! USR-005: active accounts that nobody has used for a long time.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::change::Image;
use crate::db::{Sql, own};
use crate::directory::{Portal, accounts};
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::windows;

use super::people;

/// The check.
pub struct UnusedAccount;

static ABOUT: About = About {
    id: "USR-005",
    severity: Severity::Info,
    title: "active account unused for 90 days",
    why: "An account that nobody misses is a door that nobody watches.",
    cause: "The person has left or changed jobs and was not off-boarded, or never began.",
    remedy: "Deactivates the account; it keeps its name, groups and history, and can be activated again.",
    choice: "Somebody has to know whether the person comes back.",
    needs: &[("auth_user", &["id", "username", "is_active", "last_login", "date_joined"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

/// After how many days an account counts as unused.
const DAYS: i64 = 90;

const QUESTION: &str = "account";
const INACTIVE: &str = "inactive";

#[async_trait]
impl Check for UnusedAccount {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let unused = unused("t.", since(scan.portal).await?);
        let users = windows::ids_where(scan, "auth_user", &unused).await?;
        let subjects = users.into_iter().map(Subject::of).collect();
        Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |account: Unused| FindingRow {
            subject: Subject::of(account.id),
            table: "auth_user".into(),
            key: Image::id(account.id),
            user_id: Some(account.id),
            text: account.words(),
            username: Some(account.username),
        };
        Ok(still(portal, subjects).await?.into_iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let found = still(portal, &[subject]).await?.pop();
        Ok(found.map(|account| {
            let choices = vec![Choice::new(INACTIVE, "is deactivated; it keeps its groups and its history")];
            Decision {
                subject,
                title: account.words(),
                questions: vec![Question::new(QUESTION, "The account", choices)],
            }
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// Accounts that were last used, or made and never used, before this; the alias ends with a dot.
fn unused(alias: &'static str, since: DateTime<Utc>) -> Sql {
    let sql = Sql::new(alias).push_bind("is_active = ?", true).push(" AND COALESCE(");
    sql.push(alias).push("last_login, ").push(alias).push_bind("date_joined) < ?", since)
}

/// By the database's clock.
async fn since(portal: &Portal) -> Result<DateTime<Utc>> {
    Ok(own::now(&mut portal.db.clone()).await? - TimeDelta::days(DAYS))
}

/// An account that is still unused, and the day it was last used, or else made.
struct Unused {
    id: i64,
    username: String,
    last_login: Option<DateTime<Utc>>,
    joined: Option<DateTime<Utc>>,
}

impl Unused {
    fn words(&self) -> String {
        let day = |time: DateTime<Utc>| time.format("%Y-%m-%d").to_string();
        let name = format!("{} (#{})", super::quoted(&self.username), self.id);
        match (self.last_login, self.joined) {
            (Some(time), _) => format!("{name} last signed in on {}", day(time)),
            (None, Some(time)) => format!("{name} never signed in, made on {}", day(time)),
            (None, None) => format!("{name} never signed in"),
        }
    }
}

async fn still(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Unused>> {
    let since = since(portal).await?;
    let mut found = Vec::new();
    for part in super::ids(subjects, 0).chunks(super::AT_ONCE) {
        let sql = Sql::new("SELECT u.id, u.username, ").time("u.last_login").push(", ").time("u.date_joined");
        let sql = sql.push(" FROM auth_user u WHERE u.id").among(part.iter().copied()).push(" AND ");
        for row in portal.db.all(sql.append(unused("u.", since)).push(" ORDER BY u.id")).await? {
            found.push(Unused {
                id: row.int(0)?,
                username: row.text(1)?,
                last_login: row.time(2)?,
                joined: row.time(3)?,
            });
        }
    }
    Ok(found)
}

async fn decided(
    check: &UnusedAccount,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    Ok(vec![people::part(subject, accounts::set_active(portal, subject.id, false).await?)])
}
