//! REL-001: memberships and direct permissions whose user, group or permission does not exist.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Require, Step};
use crate::db::Cell;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct GhostRights;

static ABOUT: About = About {
    id: "REL-001",
    severity: Severity::Critical,
    title: "ghost rights: memberships or permissions of nobody",
    why: "The next account that gets the same id inherits the old one's groups and permissions.",
    cause: "The account, group or permission was deleted by SQL or in a database without foreign keys.",
    remedy: "Removes the rows; the journal keeps them, and undo brings them back.",
    choice: "",
    needs: &[
        ("auth_user", &["id"]),
        ("auth_group", &["id"]),
        ("auth_permission", &["id"]),
        ("auth_user_groups", &["id", "user_id", "group_id"]),
        ("auth_user_user_permissions", &["id", "user_id", "permission_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

/// A table that links users to something; its number is the subject's place.
struct Link {
    table: &'static str,
    what: &'static str,
    column: &'static str,
    to_table: &'static str,
    targets: &'static str,
}

const LINKS: [Link; 2] = [
    Link {
        table: "auth_user_groups",
        what: "group",
        column: "group_id",
        to_table: "auth_group",
        targets: "SELECT id FROM auth_group WHERE id",
    },
    Link {
        table: "auth_user_user_permissions",
        what: "permission",
        column: "permission_id",
        to_table: "auth_permission",
        targets: "SELECT id FROM auth_permission WHERE id",
    },
];

impl Check for GhostRights {
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

/// Every row can be repaired alone; what is counted is the users concerned, missing or not.
async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let mut subjects = BTreeSet::new();
    let mut users = BTreeSet::new();
    for (place, link) in (0_u32..).zip(&LINKS) {
        for (column, to_table) in [("user_id", "auth_user"), (link.column, link.to_table)] {
            let search = AntiJoin {
                table: link.table,
                column,
                to_table,
                to_column: "id",
                also: "user_id",
                nulls: true,
            };
            for (id, user) in search.find(scan).await? {
                subjects.insert(Subject { place, id });
                users.insert(user);
            }
        }
    }
    let found = Found::each(&ABOUT, Class::Automatic, subjects.into_iter().collect());
    Ok(found.map(|found| Found { count: users.len(), ..found }).into_iter().collect())
}

/// A dangling row, and the end of it that leads nowhere.
struct Ghost {
    subject: Subject,
    image: Image,
    /// The column and table of the missing end: the user where that is missing.
    missing: (&'static str, &'static str),
}

/// The rows that are still there and still dangle.
async fn ghosts(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Ghost>> {
    let mut found = Vec::new();
    for (place, link) in (0_u32..).zip(&LINKS) {
        let ids = super::ids(subjects, place);
        if ids.is_empty() {
            continue;
        }
        let table = images::table(&portal.schema, link.table)?;
        let rows = images::by_keys(&mut portal.db.clone(), table, &super::keys(&ids), Lock::No).await?;
        let of = |column: &'static str| rows.iter().filter_map(move |image| image.int(column));
        let users = super::existing(portal, "SELECT id FROM auth_user WHERE id", of("user_id")).await?;
        let targets = super::existing(portal, link.targets, of(link.column)).await?;
        let dangles = |image: &Image, column: &str, there: &BTreeSet<i64>| {
            image.int(column).is_none_or(|id| !there.contains(&id))
        };
        for image in rows {
            let missing = if dangles(&image, "user_id", &users) {
                ("user_id", "auth_user")
            } else if dangles(&image, link.column, &targets) {
                (link.column, link.to_table)
            } else {
                continue;
            };
            let Some(id) = image.int("id") else { continue };
            found.push(Ghost { subject: Subject { place, id }, image, missing });
        }
    }
    Ok(found)
}

fn link(subject: Subject) -> &'static Link {
    &LINKS[usize::from(subject.place == 1)]
}

fn describe(ghost: &Ghost) -> String {
    let link = link(ghost.subject);
    let id = |column| ghost.image.get(column).map_or_else(|| Cell::Null.show(), Cell::show);
    let (user, target) = (id("user_id"), id(link.column));
    if ghost.missing.0 == "user_id" {
        format!("{} #{target} of missing user #{user}", link.what)
    } else {
        format!("missing {} #{target} of user #{user}", link.what)
    }
}

async fn rows(portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
    let ghosts = ghosts(portal, subjects).await?;
    let users: Vec<i64> = ghosts.iter().filter_map(|ghost| ghost.image.int("user_id")).collect();
    let names = super::usernames(portal, &users).await?;
    let row = |ghost: &Ghost| {
        let user_id = ghost.image.int("user_id");
        FindingRow {
            subject: ghost.subject,
            table: link(ghost.subject).table.into(),
            key: Image::id(ghost.subject.id),
            user_id,
            username: user_id.and_then(|id| names.get(&id).cloned()),
            text: describe(ghost),
        }
    };
    Ok(ghosts.iter().map(row).collect())
}

async fn parts(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
    let part = |ghost: Ghost| {
        let (column, parent) = ghost.missing;
        let value = ghost.image.get(column).filter(|value| !value.is_null()).cloned();
        Part {
            subject: ghost.subject,
            title: format!("Remove {}", describe(&ghost)),
            require: value
                .into_iter()
                .map(|value| Require::NoRow { table: parent.to_owned(), column: "id".to_owned(), value })
                .collect(),
            steps: vec![Step::Delete {
                table: link(ghost.subject).table.to_owned(),
                key: Image::id(ghost.subject.id),
                before: ghost.image,
            }],
        }
    };
    Ok(ghosts(portal, subjects).await?.into_iter().map(part).collect())
}
