//! REL-006: rows of the portal's other tables that refer to accounts, groups or profiles which do not exist, by the
//! foreign keys that the catalogue knows.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::change::Image;
use crate::db::Sql;
use crate::db::schema::{ForeignKey, OWN_TABLES, PORTAL_TABLES, Schema};
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject, place_of,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct ForeignRows;

static ABOUT: About = About {
    id: "REL-006",
    severity: Severity::Warning,
    title: "rows of other tables that refer to nothing",
    why: "The portal fails where it follows such a reference, and the next account, group or profile with the same id gets \
          these rows.",
    cause: "What they belonged to was deleted by SQL, or while foreign keys were switched off.",
    remedy: "portaldesk can't know what these rows are worth, so it leaves them alone. Look at them with the SQL beside \
             each one, then delete them or give them to somebody else, in the portal or by SQL.",
    choice: "",
    needs: &[("auth_user", &["id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

/// The columns that other checks look after.
const ELSEWHERE: [(&str, &str); 11] = [
    ("core_userprofile", "user_id"),
    ("core_userprofile", "department_id"),
    ("auth_user_groups", "user_id"),
    ("auth_user_groups", "group_id"),
    ("auth_user_user_permissions", "user_id"),
    ("auth_user_user_permissions", "permission_id"),
    ("auth_group_permissions", "group_id"),
    ("auth_group_permissions", "permission_id"),
    ("auth_permission", "content_type_id"),
    ("django_admin_log", "user_id"),
    ("django_admin_log", "content_type_id"),
];

#[async_trait]
impl Check for ForeignRows {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        // One decision for each id that is referred to and missing.
        let mut subjects = Vec::new();
        for key in keys(scan.schema()) {
            let search = AntiJoin {
                table: &key.table,
                column: &key.column,
                to_table: &key.to_table,
                to_column: &key.to_column,
                also: &key.column,
                nulls: false,
            };
            let missing = search.values(scan).await?.into_keys();
            subjects.extend(missing.map(|id| Subject { place: place(key), id }));
        }
        Ok(Found::each(&ABOUT, Class::Manual, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut found = Vec::new();
        for key in keys(&portal.schema) {
            let ids = super::ids(subjects, place(key));
            if ids.is_empty() {
                continue;
            }
            let there = super::there(portal, &key.to_table, ids.iter().copied()).await?;
            let ids: Vec<i64> = ids.into_iter().filter(|id| !there.contains(id)).collect();
            for (id, count) in counts(portal, key, &ids).await? {
                let refer =
                    if count == 1 { "1 row refers".to_owned() } else { format!("{count} rows refer") };
                found.push(FindingRow {
                    subject: Subject { place: place(key), id },
                    table: key.table.clone().into(),
                    key: Image::default(),
                    user_id: (key.to_table == "auth_user").then_some(id),
                    username: None,
                    text: format!(
                        "{}.{}: {refer} to {} #{id}, which does not exist: {}",
                        text::safe(&key.table),
                        text::safe(&key.column),
                        text::safe(&key.to_table),
                        to_look(portal, key, id).unwrap_or_default()
                    ),
                });
            }
        }
        Ok(found)
    }
}

/// The place of a column's subjects.
fn place(key: &ForeignKey) -> u32 {
    place_of(&format!("{}.{}", key.table, key.column))
}

/// The foreign keys to look at, each column once.
fn keys(schema: &Schema) -> impl Iterator<Item = &ForeignKey> {
    let mut seen = BTreeSet::new();
    schema.foreign_keys.iter().filter(move |key| {
        let is_ours = OWN_TABLES.contains(&key.table.as_str());
        let leads_to_accounts = key.to_table.starts_with("core_")
            || PORTAL_TABLES.iter().any(|(table, _)| *table == key.to_table);
        let is_readable = schema.has(&key.table, &key.column) && schema.has(&key.to_table, &key.to_column);
        !is_ours
            && leads_to_accounts
            && is_readable
            && key.to_column == "id"
            && !ELSEWHERE.contains(&(key.table.as_str(), key.column.as_str()))
            && seen.insert((&key.table, &key.column))
    })
}

/// How many rows refer to each of these ids.
async fn counts(portal: &Portal, key: &ForeignKey, ids: &[i64]) -> Result<BTreeMap<i64, i64>> {
    let mut counts = BTreeMap::new();
    let Some(table) = portal.schema.table(&key.table) else { return Ok(counts) };
    let Some(column) = table.column(&key.column) else { return Ok(counts) };
    for part in ids.chunks(super::AT_ONCE) {
        let sql = Sql::new("SELECT ").ident(&column.name).push(", COUNT(*) FROM ").ident(&table.name);
        let sql = sql.push(" WHERE ").ident(&column.name).among(part.iter().copied());
        for row in portal.db.all(sql.push(" GROUP BY ").ident(&column.name)).await? {
            counts.insert(row.int(0)?, row.int(1)?);
        }
    }
    Ok(counts)
}

/// The SQL with which a person looks at the rows.
fn to_look(portal: &Portal, key: &ForeignKey, id: i64) -> Option<String> {
    let table = portal.schema.table(&key.table)?;
    let sql = Sql::new("SELECT * FROM ").ident(&table.name).push(" WHERE ");
    let sql = sql.ident(&table.column(&key.column)?.name).render(portal.dialect());
    Some(format!("{} = {id};", text::safe(&sql)))
}
