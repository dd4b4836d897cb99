//! REL-007: the same membership or permission given twice.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Require, Step};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;
use crate::integrity::windows::{name, table};

use super::links::{self, Link};

/// The check.
pub struct DoubleLinks;

static ABOUT: About = About {
    id: "REL-007",
    severity: Severity::Warning,
    title: "the same membership or permission twice",
    why: "Taking it away once leaves the other one: the right stays. Pages that join the table show the account twice.",
    cause: "The unique index of the table is missing, and an import or a second program wrote the row again.",
    remedy: "Keeps the row with the lowest id and removes the others; the journal keeps them, and undo brings them back.",
    choice: "",
    needs: &[
        ("auth_user_groups", &["id", "user_id", "group_id"]),
        ("auth_user_user_permissions", &["id", "user_id", "permission_id"]),
        ("auth_group_permissions", &["id", "group_id", "permission_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

/// Where to look; a table's number is the subject's place.
static LINKS: [&Link; 3] = [&links::MEMBERSHIPS, &links::USER_PERMISSIONS, &links::GROUP_PERMISSIONS];

#[async_trait]
impl Check for DoubleLinks {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let mut subjects = Vec::new();
        for (place, link) in (0_u32..).zip(LINKS) {
            scan.progress(u64::from(place), LINKS.len() as u64);
            let table = table(scan.schema(), link.table)?;
            let [first, second] = &link.ends;
            if table.is_unique(&[first.column, second.column]) {
                continue;
            }
            let (first, second) = (name(table, first.column)?, name(table, second.column)?);
            let sql = Sql::new("SELECT MIN(id) FROM ").ident(&table.name).push(" WHERE ").ident(first);
            let sql = sql.push(" IS NOT NULL AND ").ident(second).push(" IS NOT NULL GROUP BY ").ident(first);
            let mut rows = scan.db().stream(sql.push(", ").ident(second).push(" HAVING COUNT(*) > 1"));
            while let Some(row) = rows.recv().await {
                subjects.push(Subject { place, id: row?.int(0)? });
            }
        }
        subjects.sort_unstable();
        Ok(Found::each(&ABOUT, Class::Automatic, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let twins = twins(portal, subjects).await?;
        let user_of = |row: &Image| row.int("user_id");
        let users: Vec<i64> = twins.iter().filter_map(|twins| user_of(twins.rows.first()?)).collect();
        let names = super::usernames(portal, &users).await?;
        let mut rows = Vec::new();
        for twins in &twins {
            for (number, row) in twins.rows.iter().enumerate() {
                let Some(id) = row.int("id") else { continue };
                let what = if number == 0 { "stays" } else { "the same again" };
                rows.push(FindingRow {
                    subject: twins.subject,
                    table: twins.link.table.into(),
                    key: Image::id(id),
                    user_id: user_of(row),
                    username: user_of(row).and_then(|user| names.get(&user).cloned()),
                    text: format!("row #{id}: {} ({what})", twins.describe()),
                });
            }
        }
        Ok(rows)
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let part = |twins: Twins| {
            let title = format!("Keep one of {} rows: {}", twins.rows.len(), twins.describe());
            let table = twins.link.table.to_owned();
            let mut rows = twins.rows.into_iter();
            let kept = rows.next().unwrap_or_default();
            let holds = |column: &str| Require::Holds {
                table: table.clone(),
                key: Image::id(twins.subject.id),
                column: column.to_owned(),
                value: kept.get(column).cloned().unwrap_or(Cell::Null),
            };
            Part {
                subject: twins.subject,
                title,
                require: twins.link.ends.iter().map(|end| holds(end.column)).collect(),
                steps: rows
                    .filter_map(|before| {
                        let key = Image::id(before.int("id")?);
                        Some(Step::Delete { table: table.clone(), key, before })
                    })
                    .collect(),
            }
        };
        Ok(twins(portal, subjects).await?.into_iter().map(part).collect())
    }
}

/// Rows that link the same two, the one with the lowest id first.
struct Twins {
    subject: Subject,
    link: &'static Link,
    rows: Vec<Image>,
}

impl Twins {
    fn describe(&self) -> String {
        let Some(row) = self.rows.first() else { return String::new() };
        let [first, second] = &self.link.ends;
        format!("{} #{} of {} #{}", second.what, second.shown(row), first.what, first.shown(row))
    }
}

/// The groups of twins that are still there.
async fn twins(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Twins>> {
    let mut found = Vec::new();
    for (place, link) in (0_u32..).zip(LINKS) {
        let ids = super::ids(subjects, place);
        if ids.is_empty() {
            continue;
        }
        let mut db = portal.db.clone();
        let table = images::table(&portal.schema, link.table)?;
        let [first, second] = &link.ends;
        let lowest = images::by_keys(&mut db, table, &super::keys(&ids), Lock::No).await?;
        let owners: Vec<Cell> = lowest.iter().filter_map(|row| row.get(first.column).cloned()).collect();
        let linked = |row: &Image| Some((row.int(first.column)?, row.int(second.column)?));
        // All that these owners have, once: it says which rows are twins, and whether the lowest still is the lowest.
        let mut by_both: BTreeMap<(i64, i64), Vec<Image>> = BTreeMap::new();
        for row in images::by_column(&mut db, table, first.column, &owners, Lock::No).await? {
            if let Some(both) = linked(&row) {
                by_both.entry(both).or_default().push(row);
            }
        }
        for rows in by_both.into_values().filter(|rows| rows.len() > 1) {
            let Some(id) = rows.first().and_then(|row| row.int("id")) else { continue };
            let subject = Subject { place, id };
            if subjects.contains(&subject) {
                found.push(Twins { subject, link, rows });
            }
        }
    }
    found.sort_by_key(|twins| twins.subject);
    Ok(found)
}
