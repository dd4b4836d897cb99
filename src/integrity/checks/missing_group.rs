//! GRP-001: groups of the portal's roles that do not exist.

use futures_util::future::BoxFuture;

use crate::change::{Adopt, Image, Step, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct MissingGroup;

static ABOUT: About = About {
    id: "GRP-001",
    severity: Severity::Error,
    title: "groups that the portal goes by are missing",
    why: "The portal decides by these names who may do what; without the group nobody can be given the role.",
    cause: "The portal's setup_groups was never run here, or someone deleted or renamed the group.",
    remedy: "Adds the group, without permissions: the portal goes by its name.",
    choice: "A group differs from it only by case or spaces: renaming that one may be what is wanted.",
    needs: &[("auth_group", &["id", "name"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

impl Check for MissingGroup {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn find<'a>(&'a self, scan: &'a Scan<'a>) -> BoxFuture<'a, Result<Vec<Found>>> {
        Box::pin(find(scan))
    }

    fn rows<'a>(
        &'a self,
        portal: &'a Portal,
        subjects: &'a [Subject],
    ) -> BoxFuture<'a, Result<Vec<FindingRow>>> {
        Box::pin(rows(portal, subjects))
    }

    fn parts<'a>(&'a self, portal: &'a Portal, subjects: &'a [Subject]) -> BoxFuture<'a, Result<Vec<Part>>> {
        Box::pin(parts(portal, subjects))
    }
}

/// A role's group that is not there. The subject is the role's number in the configuration.
struct Missing {
    subject: Subject,
    name: String,
    /// The name of a group that differs only by case or spaces.
    twin: Option<String>,
}

async fn missing(portal: &Portal) -> Result<Vec<Missing>> {
    let mut found = Vec::new();
    for (number, role) in (0_i64..).zip(portal.roles.iter()) {
        // The engine's own equality: on MySQL `admin` is Admin.
        let same = Sql::new("SELECT id FROM auth_group WHERE name = ? LIMIT 1").bind(role.group.as_str());
        if portal.db.optional(same).await?.is_some() {
            continue;
        }
        let bare = role.group.to_lowercase().replace(' ', "");
        let alike = Sql::new(
            "SELECT name FROM auth_group WHERE LOWER(REPLACE(name, ' ', '')) = ? ORDER BY id LIMIT 1",
        );
        let twin = portal.db.optional(alike.bind(bare)).await?.map(|row| row.text(0)).transpose()?;
        found.push(Missing { subject: Subject::of(number), name: role.group.clone(), twin });
    }
    Ok(found)
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let missing = missing(scan.portal).await?;
    let lack = scan.schema().refuses_create("auth_group");
    let of = |twins: bool| -> Vec<Subject> {
        missing.iter().filter(|group| group.twin.is_some() == twins).map(|group| group.subject).collect()
    };
    if let Some(lack) = lack {
        let all = Found::each(&ABOUT, Class::Choose, missing.iter().map(|group| group.subject).collect());
        return Ok(all.map(|found| Found { note: Some(lack.to_string()), ..found }).into_iter().collect());
    }
    let alone = Found::each(&ABOUT, Class::Automatic, of(false));
    Ok(alone.into_iter().chain(Found::each(&ABOUT, Class::Choose, of(true))).collect())
}

async fn wanted(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Missing>> {
    Ok(missing(portal).await?.into_iter().filter(|group| subjects.contains(&group.subject)).collect())
}

async fn rows(portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
    let row = |group: Missing| FindingRow {
        subject: group.subject,
        table: "auth_group".into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text: match &group.twin {
            None => format!("group {} is missing", super::quoted(&group.name)),
            Some(twin) => {
                format!("group {} is missing; there is {}", super::quoted(&group.name), super::quoted(twin))
            }
        },
    };
    Ok(wanted(portal, subjects).await?.into_iter().map(row).collect())
}

async fn parts(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
    let part = |group: Missing| Part {
        subject: group.subject,
        title: format!("Add group {}", super::quoted(&group.name)),
        steps: vec![Step::Insert {
            table: "auth_group".to_owned(),
            values: vec![("name".to_owned(), Value::Cell(Cell::Text(group.name)))],
            adopt: Some(Adopt { by: "name".to_owned(), columns: Vec::new() }),
        }],
        require: Vec::new(),
    };
    let groups = wanted(portal, subjects).await?;
    Ok(groups.into_iter().filter(|group| group.twin.is_none()).map(part).collect())
}
