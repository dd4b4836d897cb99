//! PHY-001: pages or indexes of the database are damaged. It reads everything, so it runs only when somebody asks for it.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::change::Image;
use crate::db::Ident;
use crate::db::damage::{self, Damage};
use crate::db::schema::PORTAL_TABLES;
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject, place_of,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct DamagedPages;

static ABOUT: About = About {
    id: "PHY-001",
    severity: Severity::Critical,
    title: "damaged pages or indexes",
    why: "Queries give wrong answers or fail, and every further write may destroy more.",
    cause: "A failing disk, a file copied while it was written to, a crash with writes that the disk had only promised.",
    remedy: "Stop the portal now and repair nothing here. Copy the database as it is, restore the newest backup that is \
             whole, and only then look at what the copy still gives (SQLite: `.recover`; MySQL: innodb_force_recovery; \
             PostgreSQL: REINDEX where only indexes are named).",
    choice: "",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: true,
    stage: Stage::Schema,
    rows_each: 1,
};

/// Where the engine names no table.
const FILE: &str = "(the file)";

#[async_trait]
impl Check for DamagedPages {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let tables = tables(scan.portal);
        let mut subjects = BTreeMap::new();
        // Table by table where the engine can do that, to say how far it is.
        let at_once = if scan.portal.dialect() == crate::db::Dialect::Sqlite { tables.len() } else { 1 };
        for (done, some) in tables.chunks(at_once.max(1)).enumerate() {
            scan.progress((done * at_once) as u64, tables.len() as u64);
            for found in damage::look(scan.db(), some).await? {
                subjects.insert(subject(&found), ());
            }
        }
        Ok(Found::each(&ABOUT, Class::Manual, subjects.into_keys().collect()).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut tables = tables(portal);
        // Only those tables again; a file as a whole.
        let is_asked = |name: &str| subjects.contains(&Subject { place: place_of(name), id: 0 });
        if !is_asked(FILE) {
            tables.retain(|table| is_asked(table.as_str()));
        }
        let found = damage::look(&portal.db, &tables).await?;
        Ok(found.iter().filter(|found| subjects.contains(&subject(found))).map(row).collect())
    }
}

fn tables(portal: &Portal) -> Vec<Ident> {
    let there = PORTAL_TABLES.iter().filter_map(|(name, _)| portal.schema.table(name));
    there.map(|table| table.name.clone()).collect()
}

fn name(found: &Damage) -> &str {
    found.table.as_deref().unwrap_or(FILE)
}

fn subject(found: &Damage) -> Subject {
    Subject { place: place_of(name(found)), id: 0 }
}

fn row(found: &Damage) -> FindingRow {
    FindingRow {
        subject: subject(found),
        table: name(found).to_owned().into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text: text::safe(&found.what).into_owned(),
    }
}
