//! USR-003: active accounts that are in none of the groups that the portal goes by.

use async_trait::async_trait;

use crate::db::{Dialect, Sql};
use crate::directory::Portal;
use crate::directory::accounts::{self, Draft, Groups};
use crate::directory::groups;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::windows;
use crate::text;

use super::people::{self, Person};

/// The check.
pub struct NoRole;

static ABOUT: About = About {
    id: "USR-003",
    severity: Severity::Warning,
    title: "active user without a role",
    why: "The portal decides by group names who may do what: the person can sign in and is refused on every page.",
    cause: "The account was made in Django's admin or by SQL and never put into a group, or its group was deleted.",
    remedy: "Puts the account into one of the groups. Who is not to work with the portal is better deactivated.",
    choice: "Somebody has to say what the person may do.",
    needs: &[
        ("auth_user", &["id", "username", "is_active", "is_superuser"]),
        ("auth_group", &["id", "name"]),
        ("auth_user_groups", &["id", "user_id", "group_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

const QUESTION: &str = "group";

#[async_trait]
impl Check for NoRole {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let users = windows::ids_where(scan, "auth_user", &without_role(scan.portal, "t.", false)).await?;
        let subjects = users.into_iter().map(Subject::of).collect();
        Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |person: &Person| {
            let text = format!("{} is in none of the portal's groups", person.name());
            person.row(Subject::of(person.id), text)
        };
        Ok(still(portal, subjects).await?.iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some(person) = still(portal, &[subject]).await?.pop() else { return Ok(None) };
        let roles = groups::choices(portal).await?.into_iter().filter(|group| group.level.is_some());
        let choice = |group: groups::Choice| {
            Choice::new(group.id.to_string(), text::safe(&format!("{}: {}", group.name, group.description)))
        };
        Ok(Some(Decision {
            subject,
            title: format!("{} is in none of the portal's groups", person.name()),
            questions: vec![Question::new(QUESTION, "The group", roles.map(choice).collect())],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// Superusers are left to GRP-003. The table is called by the alias given, which ends with a dot. Where only some users
/// are asked about, memberships are looked up by user if they can be.
fn without_role(portal: &Portal, alias: &'static str, some: bool) -> Sql {
    let members = people::members_of(portal.roles.names().collect());
    let sql = Sql::new(alias)
        .push_bind("is_active = ? AND ", true)
        .push(alias)
        .push_bind("is_superuser = ? AND ", false);
    // The same choice as between the forms of an anti-join: each engine's own fast one.
    let memberships = portal.schema.table("auth_user_groups");
    let by_user = some && memberships.is_some_and(|table| table.is_indexed("user_id"));
    if portal.dialect() == Dialect::Postgres || by_user {
        let sql = sql.push("NOT EXISTS (SELECT 1 FROM (").append(members).push(") m WHERE m.user_id = ");
        return sql.push(alias).push("id)");
    }
    sql.push(alias).push("id NOT IN (").append(members).push(")")
}

async fn still(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Person>> {
    let mut found = Vec::new();
    for part in super::ids(subjects, 0).chunks(super::AT_ONCE) {
        let condition = Sql::new("u.id").among(part.iter().copied()).push(" AND ");
        found.extend(people::people_where(portal, condition.append(without_role(portal, "u.", true))).await?);
    }
    Ok(found)
}

async fn decided(check: &NoRole, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let Some(group) = people::answered_id(answers, QUESTION) else { return Ok(Vec::new()) };
    let Some(person) = people::person(portal, subject.id).await? else { return Ok(Vec::new()) };
    let draft = Draft { groups: Groups::Change { add: vec![group], remove: Vec::new() }, ..Draft::default() };
    let plan = accounts::edit(portal, person.id, &draft).await?;
    Ok(people::parts(subject, format!("Give {} a role", super::quoted(&person.username)), plan))
}
