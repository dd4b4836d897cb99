//! ADM-002: exactly one superuser can sign in.

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

use super::people::{self, Person};

/// The check.
pub struct SingleSuperuser;

static ABOUT: About = About {
    id: "ADM-002",
    severity: Severity::Info,
    title: "only one superuser can sign in",
    why: "If that person leaves or forgets the password, nobody can run the portal but by the command line.",
    cause: "Usual on a small portal; after departures on others.",
    remedy: "`portaldesk create-superuser` makes a second one. It may stay with a deputy, or sealed in an envelope.",
    choice: "",
    needs: &[("auth_user", &["id", "username", "password", "is_active", "is_superuser"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

#[async_trait]
impl Check for SingleSuperuser {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan.portal).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |person: Person| {
            let subject = Subject::of(person.id);
            let text = format!("{} is the only superuser who can sign in", person.name());
            subjects.contains(&subject).then(|| person.row(subject, text))
        };
        Ok(only_one(portal).await?.and_then(row).into_iter().collect())
    }
}

/// The only superuser who can sign in, unless there is no other account at all: a portal begins that way.
async fn only_one(portal: &Portal) -> Result<Option<Person>> {
    let mut able = people::superusers(portal).await?;
    able.retain(Person::runs_the_portal);
    if able.len() != 1 {
        return Ok(None);
    }
    let is_alone = portal.db.all(Sql::new("SELECT id FROM auth_user LIMIT 2")).await?.len() < 2;
    Ok(able.pop().filter(|_| !is_alone))
}

async fn find(portal: &Portal) -> Result<Vec<Found>> {
    let only = only_one(portal).await?.map(|person| Subject::of(person.id));
    Ok(Found::each(&ABOUT, Class::Manual, only.into_iter().collect()).into_iter().collect())
}
