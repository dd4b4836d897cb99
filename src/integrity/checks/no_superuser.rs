//! ADM-001: no superuser can sign in.

use async_trait::async_trait;

use crate::change::Image;
use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::accounts::{self, Draft};
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::people::{self, Person};

/// The check.
pub struct NoSuperuser;

static ABOUT: About = About {
    id: "ADM-001",
    severity: Severity::Critical,
    title: "no superuser can sign in",
    why: "Nobody can give rights, edit administrators or repair anything in the portal or in these screens, and an Admin \
          may not make a superuser.",
    cause: "The last superuser was deactivated or demoted by SQL, or the password was lost, spoilt or made unusable.",
    remedy: "The command line asks for no sign-in; whoever may read the database's password helps there. \
             `portaldesk change-password NAME` gives a superuser of the list a new password, `portaldesk user edit NAME \
             --active` lets one in again, `portaldesk create-superuser` makes a new one.",
    choice: "Somebody has to say who is to be trusted with everything. On these screens only a superuser may apply it, so \
             it is the command line that helps.",
    needs: &[("auth_user", &["id", "username", "password", "is_active", "is_superuser", "is_staff"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

/// The finding is about the portal as a whole.
const SUBJECT: Subject = Subject::of(0);

const QUESTION: &str = "account";

/// At most this many Admins are offered; the portal's own list has the others.
const MOST_ADMINS: i64 = 20;

#[async_trait]
impl Check for NoSuperuser {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan.portal).await
    }

    async fn rows(&self, portal: &Portal, _subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let Some(superusers) = locked_out(portal).await? else { return Ok(Vec::new()) };
        if superusers.is_empty() {
            return Ok(vec![FindingRow {
                subject: SUBJECT,
                table: "auth_user".into(),
                key: Image::default(),
                user_id: None,
                username: None,
                text: "there is no superuser: `portaldesk create-superuser` makes one".to_owned(),
            }]);
        }
        let row = |person: &Person| {
            let hindrance = person.hindrance().unwrap_or_default();
            person.row(SUBJECT, format!("superuser {} can't sign in: {hindrance}", person.name()))
        };
        Ok(superusers.iter().map(row).collect())
    }

    async fn decision(&self, portal: &Portal, _subject: Subject) -> Result<Option<Decision>> {
        let Some(superusers) = locked_out(portal).await? else { return Ok(None) };
        let candidates = candidates(portal, superusers).await?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let choice = |person: &Person| {
            let what = if person.superuser { "is activated again" } else { "an Admin, becomes a superuser" };
            Choice::new(person.id.to_string(), format!("{}, {what}", person.name()))
        };
        Ok(Some(Decision {
            subject: SUBJECT,
            title: "No superuser can sign in: who shall be the one".to_owned(),
            questions: vec![Question::new(
                QUESTION,
                "The superuser",
                candidates.iter().map(choice).collect(),
            )],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// The superusers, where none of them can sign in.
async fn locked_out(portal: &Portal) -> Result<Option<Vec<Person>>> {
    let superusers = people::superusers(portal).await?;
    Ok((!superusers.iter().any(Person::runs_the_portal)).then_some(superusers))
}

/// Whom a change of flags would make a superuser who can sign in: inactive superusers with a usable password, then
/// active Admins with one.
async fn candidates(portal: &Portal, superusers: Vec<Person>) -> Result<Vec<Person>> {
    let mut found: Vec<Person> =
        superusers.into_iter().filter(|person| person.password.may_sign_in()).collect();
    let admins = people::admin_names(portal);
    if !admins.is_empty() && portal.has_table("auth_user_groups") && portal.has_table("auth_group") {
        let condition = Sql::new("u.is_superuser = ?")
            .bind(false)
            .push_bind(" AND u.is_active = ?", true)
            .push(" AND SUBSTR(u.password, 1, 1) <> '!' AND u.id IN (")
            .append(people::members_of(admins))
            .push_bind(") ORDER BY u.id LIMIT ?", MOST_ADMINS);
        let admins = people::people_where(portal, condition).await?;
        found.extend(admins.into_iter().filter(|person| person.password.may_sign_in()));
    }
    Ok(found)
}

async fn find(portal: &Portal) -> Result<Vec<Found>> {
    let Some(superusers) = locked_out(portal).await? else { return Ok(Vec::new()) };
    let is_choice = !candidates(portal, superusers).await?.is_empty();
    let class = if is_choice { Class::Choose } else { Class::Manual };
    Ok(Found::each(&ABOUT, class, vec![SUBJECT]).into_iter().collect())
}

async fn decided(
    check: &NoSuperuser,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let Some(id) = people::answered_id(answers, QUESTION) else { return Ok(Vec::new()) };
    let Some(person) = people::person(portal, id).await? else { return Ok(Vec::new()) };
    if person.superuser {
        return Ok(vec![people::part(subject, accounts::set_active(portal, id, true).await?)]);
    }
    let draft = Draft::default().with("is_staff", "true").with("is_superuser", "true");
    let plan = accounts::edit(portal, id, &draft).await?;
    Ok(people::parts(subject, format!("Make {} a superuser", super::quoted(&person.username)), plan))
}
