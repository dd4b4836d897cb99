//! PRF-003: profiles whose user does not exist.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Require, Step};
use crate::db::schema::ForeignKey;
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct OrphanProfile;

static ABOUT: About = About {
    id: "PRF-003",
    severity: Severity::Critical,
    title: "profiles without a user",
    why: "The next account that gets the same id can't be made (1062 … user_id), or takes over this profile.",
    cause: "The account was deleted by SQL or in a database without foreign keys, and its profile stayed.",
    remedy: "Removes the profile; the journal keeps it, and undo brings it back.",
    choice: "Other rows of the portal refer to the profile: what becomes of them has to be decided first.",
    needs: &[("auth_user", &["id"]), ("core_userprofile", &["id", "user_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::OrphanProfiles,
    rows_each: 1,
};

impl Check for OrphanProfile {
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

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let search = AntiJoin {
        table: "core_userprofile",
        column: "user_id",
        to_table: "auth_user",
        to_column: "id",
        also: "id",
        nulls: true,
    };
    let orphans: Vec<i64> = search.find(scan).await?.into_iter().map(|(id, _)| id).collect();
    let referred = referred_to(scan.portal, &orphans).await?;
    let of = |wanted: bool| -> Vec<Subject> {
        orphans.iter().filter(|id| referred.contains(id) == wanted).copied().map(Subject::of).collect()
    };
    let alone = Found::each(&ABOUT, Class::Automatic, of(false));
    Ok(alone.into_iter().chain(Found::each(&ABOUT, Class::Choose, of(true))).collect())
}

/// The foreign keys of the catalogue that point at profiles.
fn references(portal: &Portal) -> impl Iterator<Item = &ForeignKey> {
    portal.schema.references_to("core_userprofile").filter(|key| key.to_column == "id")
}

/// Which of these profiles rows of other tables refer to.
async fn referred_to(portal: &Portal, profiles: &[i64]) -> Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    for key in references(portal) {
        let Some(table) = portal.schema.table(&key.table) else { continue };
        let Some(column) = table.column(&key.column) else { continue };
        for part in profiles.chunks(super::AT_ONCE) {
            let sql = Sql::new("SELECT DISTINCT t.").ident(&column.name).push(" FROM ").ident(&table.name);
            let sql = sql.push(" t WHERE t.").ident(&column.name).among(part.iter().copied());
            for row in portal.db.all(sql).await? {
                found.insert(row.int(0)?);
            }
        }
    }
    Ok(found)
}

/// The profiles that are still there and still without a user.
async fn orphans(portal: &Portal, subjects: &[Subject]) -> Result<Vec<(i64, Image)>> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let keys = super::keys(&super::ids(subjects, 0));
    let profiles = images::by_keys(&mut portal.db.clone(), table, &keys, Lock::No).await?;
    let users = profiles.iter().filter_map(|image| image.int("user_id"));
    let there = super::there(portal, "auth_user", users).await?;
    Ok(profiles
        .into_iter()
        .filter(|image| image.int("user_id").is_none_or(|user| !there.contains(&user)))
        .filter_map(|image| Some((image.int("id")?, image)))
        .collect())
}

async fn rows(portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
    let row = |(id, image): (i64, Image)| FindingRow {
        subject: Subject::of(id),
        table: "core_userprofile".into(),
        key: Image::id(id),
        user_id: image.int("user_id"),
        username: None,
        text: format!("profile #{id} of {}: {}", super::whose(&image, None), super::contents(&image)),
    };
    Ok(orphans(portal, subjects).await?.into_iter().map(row).collect())
}

async fn parts(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
    let orphans = orphans(portal, subjects).await?;
    let ids: Vec<i64> = orphans.iter().map(|(id, _)| *id).collect();
    let referred = referred_to(portal, &ids).await?;
    let part = |(id, image): (i64, Image)| {
        let user = image.get("user_id").filter(|user| !user.is_null()).cloned();
        Part {
            subject: Subject::of(id),
            title: format!("Remove profile #{id} of {}", super::whose(&image, None)),
            steps: vec![Step::Delete {
                table: "core_userprofile".to_owned(),
                key: Image::id(id),
                before: image,
            }],
            require: user.into_iter().map(|value| no_row("auth_user", value)).collect(),
        }
    };
    Ok(orphans.into_iter().filter(|(id, _)| !referred.contains(id)).map(part).collect())
}

/// The parent that is missing has not come back.
fn no_row(table: &str, id: Cell) -> Require {
    Require::NoRow { table: table.to_owned(), column: "id".to_owned(), value: id }
}
