//! SCH-001: tables of the portal that know no transactions.

use crate::change::Image;
use crate::db::{Dialect, physical};
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use crate::integrity::check::{About, FindingRow, Severity, Stage, Subject, place_of};
use crate::integrity::constraints::portal_table;
use crate::integrity::listing::Listing;

/// The check.
pub static TABLE_ENGINES: Listing = Listing { about: &ABOUT, list: |portal| Box::pin(others(portal)) };

static ABOUT: About = About {
    id: "SCH-001",
    severity: Severity::Critical,
    title: "tables of the portal that are not InnoDB",
    why: "Nothing that is written there can be rolled back: a failure halfway leaves half of a change, and foreign keys are \
          accepted and ignored.",
    cause: "A server whose default engine was MyISAM when the table was made, or a dump from one.",
    remedy: "Stop the portal, make a backup, and run the ALTER TABLE of each row; it copies the table. Until then portaldesk \
             should repair nothing here. Afterwards look again: foreign keys will be missing (IDX-004).",
    choice: "",
    needs: &[],
    engines: &[Dialect::MySql],
    deep: false,
    stage: Stage::Schema,
    rows_each: 1,
};

async fn others(portal: &Portal) -> Result<Vec<FindingRow>> {
    let mut rows = Vec::new();
    for (name, engine) in physical::engines(&portal.db).await? {
        let Some(table) = portal_table(&name) else { continue };
        if engine.eq_ignore_ascii_case("InnoDB") {
            continue;
        }
        rows.push(FindingRow {
            subject: Subject { place: place_of(table), id: 0 },
            table: table.into(),
            key: Image::default(),
            user_id: None,
            username: None,
            text: format!("{table} is {}: ALTER TABLE `{table}` ENGINE=InnoDB", text::safe(&engine)),
        });
    }
    Ok(rows)
}
