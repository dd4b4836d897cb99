//! The tables that only link two others, and the rows of them that link to nothing: what REL-001, REL-002 and REL-007
//! share.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Step};
use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::check::{FindingRow, Part, Subject};
use crate::integrity::scan::Scan;

use super::reference::Reference;

/// A table that links the rows of two others.
#[derive(Debug)]
pub(super) struct Link {
    /// The table, whose key is `id`.
    pub(super) table: &'static str,
    /// Who is given something, and what is given.
    pub(super) ends: [Reference; 2],
}

const fn link(
    table: &'static str,
    (column, to_table, what): (&'static str, &'static str, &'static str),
    (to_column, given_table, given): (&'static str, &'static str, &'static str),
) -> Link {
    let ends = [
        Reference { table, column, to_table, what },
        Reference { table, column: to_column, to_table: given_table, what: given },
    ];
    Link { table, ends }
}

const USER: (&str, &str, &str) = ("user_id", "auth_user", "user");
const GROUP: (&str, &str, &str) = ("group_id", "auth_group", "group");
const PERMISSION: (&str, &str, &str) = ("permission_id", "auth_permission", "permission");

/// Who is in which group.
pub(super) static MEMBERSHIPS: Link = link("auth_user_groups", USER, GROUP);
/// Who has which permission without a group.
pub(super) static USER_PERMISSIONS: Link = link("auth_user_user_permissions", USER, PERMISSION);
/// Which group gives which permission.
pub(super) static GROUP_PERMISSIONS: Link = link("auth_group_permissions", GROUP, PERMISSION);

/// The rows of these tables of which an end leads nowhere, each with the id at its first end; a table's number is the
/// subject's place. A row of which both ends are missing may come twice.
pub(super) async fn find(scan: &Scan<'_>, links: &[&'static Link]) -> Result<Vec<(Subject, Option<i64>)>> {
    let mut found = Vec::new();
    for (place, link) in (0_u32..).zip(links) {
        for end in &link.ends {
            let search = AntiJoin { also: link.ends[0].column, nulls: true, ..end.search() };
            let rows = search.find(scan).await?.into_iter();
            found.extend(rows.map(|(id, first)| (Subject { place, id }, first)));
        }
    }
    Ok(found)
}

/// A row of which an end leads nowhere.
struct Dangling {
    subject: Subject,
    link: &'static Link,
    image: Image,
    /// The end that is missing: the first one where both are.
    missing: &'static Reference,
    /// What is given, with its name where it is there: "group 'Admin' (#1)".
    given: String,
}

impl Dangling {
    fn describe(&self) -> String {
        let [first, second] = &self.link.ends;
        let first_id = first.shown(&self.image);
        if self.missing.column == first.column {
            format!("{} of missing {} #{first_id}", self.given, first.what)
        } else {
            format!("missing {} #{} of {} #{first_id}", second.what, second.shown(&self.image), first.what)
        }
    }
}

/// The names of groups or permissions: which right it is that a ghost has.
async fn names(portal: &Portal, end: &Reference, ids: &BTreeSet<i64>) -> Result<BTreeMap<i64, String>> {
    let column = if end.to_table == "auth_permission" { "codename" } else { "name" };
    let mut names = BTreeMap::new();
    let Some(table) = portal.schema.table(end.to_table) else { return Ok(names) };
    let Some(column) = table.column(column) else { return Ok(names) };
    for part in ids.iter().copied().collect::<Vec<_>>().chunks(super::AT_ONCE) {
        let sql = Sql::new("SELECT id, ").ident(&column.name).push(" FROM ").ident(&table.name);
        for row in portal.db.all(sql.push(" WHERE id").among(part.iter().copied())).await? {
            names.insert(row.int(0)?, row.text(1)?);
        }
    }
    Ok(names)
}

/// The rows that are still there and still dangle.
async fn dangling(portal: &Portal, links: &[&'static Link], subjects: &[Subject]) -> Result<Vec<Dangling>> {
    let mut found = Vec::new();
    for (place, link) in (0_u32..).zip(links) {
        let ids = super::ids(subjects, place);
        if ids.is_empty() {
            continue;
        }
        let table = images::table(&portal.schema, link.table)?;
        let rows = images::by_keys(&mut portal.db.clone(), table, &super::keys(&ids), Lock::No).await?;
        let [first, second] = &link.ends;
        let of = |end: &'static Reference| rows.iter().filter_map(move |image| image.int(end.column));
        let there = [
            super::there(portal, first.to_table, of(first)).await?,
            super::there(portal, second.to_table, of(second)).await?,
        ];
        let names = names(portal, second, &there[1]).await?;
        for image in rows {
            let leads = |end: &Reference, there: &BTreeSet<i64>| {
                image.int(end.column).is_some_and(|id| there.contains(&id))
            };
            let missing = link.ends.iter().zip(&there).find(|(end, there)| !leads(end, there));
            let missing = missing.map(|(end, _)| end);
            let (Some(missing), Some(id)) = (missing, image.int("id")) else { continue };
            let name = image.int(second.column).and_then(|id| names.get(&id));
            let given = match name {
                Some(name) => format!("{} {} (#{})", second.what, super::quoted(name), second.shown(&image)),
                None => format!("{} #{}", second.what, second.shown(&image)),
            };
            found.push(Dangling { subject: Subject { place, id }, link, image, missing, given });
        }
    }
    Ok(found)
}

/// These rows in words.
pub(super) async fn rows(
    portal: &Portal,
    links: &[&'static Link],
    subjects: &[Subject],
) -> Result<Vec<FindingRow>> {
    let dangling = dangling(portal, links, subjects).await?;
    let user_of = |row: &Dangling| row.image.int("user_id");
    let names = super::usernames(portal, &dangling.iter().filter_map(user_of).collect::<Vec<_>>()).await?;
    let row = |row: &Dangling| FindingRow {
        subject: row.subject,
        table: row.link.table.into(),
        key: Image::id(row.subject.id),
        user_id: user_of(row),
        username: user_of(row).and_then(|id| names.get(&id).cloned()),
        text: row.describe(),
    };
    Ok(dangling.iter().map(row).collect())
}

/// Removes these rows, unless what they lack has come back.
pub(super) async fn parts(
    portal: &Portal,
    links: &[&'static Link],
    subjects: &[Subject],
) -> Result<Vec<Part>> {
    let part = |row: Dangling| Part {
        subject: row.subject,
        title: format!("Remove {}", row.describe()),
        require: row.missing.still_missing(&row.image).into_iter().collect(),
        steps: vec![Step::Delete {
            table: row.link.table.to_owned(),
            key: Image::id(row.subject.id),
            before: row.image,
        }],
    };
    Ok(dangling(portal, links, subjects).await?.into_iter().map(part).collect())
}
