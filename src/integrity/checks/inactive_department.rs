//! DEP-001: inactive departments that active users belong to.

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Plan, Require, Value};
use crate::db::{Cell, Sql};
use crate::directory::{Portal, departments};
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::text;

use super::people;

/// The check.
pub struct InactiveDepartment;

static ABOUT: About = About {
    id: "DEP-001",
    severity: Severity::Warning,
    title: "inactive department with active members",
    why: "Forms and statistics leave the department out, and its members with it.",
    cause: "The department was closed, and nobody moved the people.",
    remedy: "Moves the active members to another department, or to none; or activates the department again.",
    choice: "Somebody has to know where the people are now.",
    needs: &[
        ("auth_user", &["id", "username", "is_active"]),
        ("core_userprofile", &["id", "user_id", "department_id"]),
        ("core_department", &["id", "name", "is_active"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 10,
};

/// The question, and the answers that are no department.
const QUESTION: &str = "department";
const ACTIVATE: &str = "activate";
const NONE: &str = "none";

#[async_trait]
impl Check for InactiveDepartment {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let sql = Sql::new(
            "SELECT DISTINCT p.department_id FROM core_userprofile p JOIN core_department d ON d.id = p.department_id \
             JOIN auth_user u ON u.id = p.user_id WHERE d.is_active = ",
        );
        let sql = sql.push_bind("?", false).push_bind(" AND u.is_active = ?", true);
        let mut found = Vec::new();
        for row in scan.db().all(sql).await? {
            found.push(Subject::of(row.int(0)?));
        }
        found.sort_unstable();
        Ok(Found::each(&ABOUT, Class::Choose, found).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |member: Member| FindingRow {
            subject: Subject::of(member.department),
            table: "core_userprofile".into(),
            key: Image::id(member.profile),
            user_id: Some(member.user),
            text: format!(
                "{} is in the inactive department {} (#{})",
                super::quoted(&member.username),
                super::quoted(&member.department_name),
                member.department
            ),
            username: Some(member.username),
        };
        Ok(members(portal, &super::ids(subjects, 0)).await?.into_iter().map(row).collect())
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let members = members(portal, &[subject.id]).await?;
        let Some(first) = members.first() else { return Ok(None) };
        let mut choices = vec![
            Choice::new(ACTIVATE, "stay: the department becomes active again"),
            Choice::new(NONE, "are in no department then"),
        ];
        let others =
            departments::choices(portal).await?.into_iter().filter(|department| department.is_active);
        choices.extend(
            others.map(|to| Choice::new(to.id.to_string(), format!("move to {}", text::safe(&to.name)))),
        );
        let plural = if members.len() == 1 { "" } else { "s" };
        let title = format!(
            "Inactive department {} has {} active member{plural}",
            super::quoted(&first.department_name),
            members.len()
        );
        let question = Question::new(QUESTION, "Its active members", choices);
        Ok(Some(Decision { subject, title, questions: vec![question] }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// An active member of an inactive department.
struct Member {
    department: i64,
    department_name: String,
    profile: i64,
    user: i64,
    username: String,
}

async fn members(portal: &Portal, departments: &[i64]) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    for part in departments.chunks(super::AT_ONCE) {
        let sql = Sql::new(
            "SELECT d.id, d.name, p.id, u.id, u.username FROM core_userprofile p \
             JOIN core_department d ON d.id = p.department_id JOIN auth_user u ON u.id = p.user_id WHERE d.is_active = ",
        );
        let sql = sql
            .push_bind("?", false)
            .push_bind(" AND u.is_active = ?", true)
            .push(" AND p.department_id")
            .among(part.iter().copied())
            .push(" ORDER BY d.id, p.id");
        for row in portal.db.all(sql).await? {
            found.push(Member {
                department: row.int(0)?,
                department_name: row.text(1)?,
                profile: row.int(2)?,
                user: row.int(3)?,
                username: row.text(4)?,
            });
        }
    }
    Ok(found)
}

async fn decided(
    check: &InactiveDepartment,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let members = members(portal, &[subject.id]).await?;
    let name = members.first().map(|member| super::quoted(&member.department_name)).unwrap_or_default();
    let answer = people::answer(answers, QUESTION);
    let mut plan = Plan::default();
    let mut db = portal.db.clone();
    if answer == ACTIVATE {
        let table = images::table(&portal.schema, "core_department")?;
        let key = Image::id(subject.id);
        for before in images::by_keys(&mut db, table, std::slice::from_ref(&key), Lock::No).await? {
            plan.update(
                "core_department",
                key.clone(),
                before,
                vec![("is_active", Value::Cell(Cell::Bool(true)))],
            );
        }
        return Ok(people::parts(subject, format!("Activate department {name}"), plan));
    }
    let to = people::answered_id(answers, QUESTION);
    plan.require.push(is_active(subject.id, false));
    plan.require.extend(to.map(|id| is_active(id, true)));
    let table = images::table(&portal.schema, "core_userprofile")?;
    let ids: Vec<i64> = members.iter().map(|member| member.profile).collect();
    for before in images::by_keys(&mut db, table, &super::keys(&ids), Lock::No).await? {
        people::move_profile(portal, &mut plan, before, to);
    }
    let who = if ids.len() == 1 { "1 member".to_owned() } else { format!("{} members", ids.len()) };
    Ok(people::parts(subject, format!("Move {who} out of department {name}"), plan))
}

fn is_active(department: i64, active: bool) -> Require {
    Require::Holds {
        table: "core_department".to_owned(),
        key: Image::id(department),
        column: "is_active".to_owned(),
        value: Cell::Bool(active),
    }
}
