//! SCH-004: triggers on the portal's tables.

use crate::change::Image;
use crate::db::physical;
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use crate::integrity::check::{About, EVERY_ENGINE, FindingRow, Severity, Stage, Subject, place_of};
use crate::integrity::constraints::portal_table;
use crate::integrity::listing::Listing;

/// The check.
pub static TRIGGERS: Listing = Listing { about: &ABOUT, list: |portal| Box::pin(triggers(portal)) };

static ABOUT: About = About {
    id: "SCH-004",
    severity: Severity::Warning,
    title: "triggers on the portal's tables",
    why: "They write when portaldesk writes: what a plan shows is then not all that happens, and undo takes back only what \
          the plan wrote.",
    cause: "Somebody added them by hand or for another program. Django makes none.",
    remedy: "Read what each of them does. If it may stay, accept the finding; if not, DROP TRIGGER. Before a large repair \
             make a backup, and look at the tables it writes afterwards.",
    choice: "",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Schema,
    rows_each: 1,
};

async fn triggers(portal: &Portal) -> Result<Vec<FindingRow>> {
    let mut rows = Vec::new();
    for trigger in physical::triggers(&portal.db).await? {
        let Some(table) = portal_table(&trigger.table) else { continue };
        let name = text::safe(&trigger.name);
        let when = if trigger.event.is_empty() { String::new() } else { format!(", {}", trigger.event) };
        rows.push(FindingRow {
            subject: Subject { place: place_of(&format!("{table}.{}", trigger.name)), id: 0 },
            table: table.into(),
            key: Image::default(),
            user_id: None,
            username: None,
            text: format!("trigger {name} on {table}{when}"),
        });
    }
    Ok(rows)
}
