//! MIG-001: what Django holds to be applied does not match the database.

use crate::change::Image;
use crate::db::blueprint::LEGACY_PORTAL_ID;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{About, EVERY_ENGINE, FindingRow, Severity, Stage, Subject, place_of};
use crate::integrity::constraints::Constraints;
use crate::integrity::listing::Listing;
use crate::integrity::migrations::{Migrations, PORTAL};

/// The check.
pub static MIGRATION_RECORDS: Listing =
    Listing { about: &ABOUT, list: |portal| Box::pin(mismatches(portal)) };

static ABOUT: About = About {
    id: "MIG-001",
    severity: Severity::Warning,
    title: "recorded migrations that do not match the database",
    why: "The portal's next `migrate` skips what it takes for done and fails at what is there already.",
    cause: "An upgrade that was never finished, a migration applied by hand or with --fake, a database that was copied or \
            restored in parts.",
    remedy: "Each row says which of the portal's own commands puts it right. Make a backup first; nothing here is done by \
             portaldesk, because only the portal has its migrations.",
    choice: "",
    needs: &[("django_migrations", &["id", "app", "name"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Schema,
    rows_each: 1,
};

const TABLE: &str = "django_migrations";

/// The kinds of mismatch, in the order of their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mismatch {
    /// Core 0004 is still to be applied.
    NotApplied,
    /// What core 0004 does is done, and not recorded.
    NotRecorded,
    /// Core 0004 is recorded, and what it does is not done.
    NoEffect,
    /// A migration stands there more than once; the subject's id is its lowest.
    Twice,
    /// An application has a later migration without an earlier one; the id is the application's place.
    Gap,
    /// The portal's own tables are there and none of its migrations is.
    NothingRecorded,
}

/// The applications of every portal. Others may number their migrations as they like.
const APPS: [&str; 5] = ["contenttypes", "auth", "admin", "sessions", PORTAL];

async fn mismatches(portal: &Portal) -> Result<Vec<FindingRow>> {
    let migrations = Migrations::read(&portal.db).await?;
    let mut rows: Vec<FindingRow> = legacy(portal, &migrations).await?.into_iter().collect();
    for twice in migrations.twice() {
        let (first, others) = twice.ids.split_first().unwrap_or((&0, &[]));
        let others: Vec<String> = others.iter().map(i64::to_string).collect();
        let name = super::quoted(&format!("{} {}", twice.app, twice.name));
        let text = format!(
            "{name} is recorded {} times. One row is enough: DELETE FROM {TABLE} WHERE id IN ({})",
            twice.ids.len(),
            others.join(", ")
        );
        let row = row(Mismatch::Twice, *first, text);
        rows.push(FindingRow { key: Image::id(*first), ..row });
    }
    for app in APPS {
        let gaps: Vec<String> = migrations.gaps(app).iter().map(|number| format!("{number:04}")).collect();
        if !gaps.is_empty() {
            let text = format!(
                "{app} has later migrations and not {}: `python manage.py showmigrations {app}` shows them; `python \
                 manage.py migrate {app}` applies what is missing, with --fake where its work is done already",
                gaps.join(", ")
            );
            rows.push(row(Mismatch::Gap, i64::from(place_of(app)), text));
        }
    }
    Ok(rows)
}

/// Core 0004 and the index that it takes away.
async fn legacy(portal: &Portal, migrations: &Migrations) -> Result<Option<FindingRow>> {
    if !portal.schema.has("core_userprofile", "main_portal_id") {
        return Ok(None);
    }
    if !migrations.knows(PORTAL) {
        let text = "core has its tables and no migration is recorded: `python manage.py migrate` would try to make them \
                    again and fail; `python manage.py migrate --fake core` records what is there";
        return Ok(Some(row(Mismatch::NothingRecorded, 0, text.to_owned())));
    }
    let constraints = Constraints::read(portal).await?;
    let is_unique = constraints.has(&LEGACY_PORTAL_ID);
    Ok(match (migrations.has_0004(), is_unique) {
        (true, false) => None,
        (true, true) => Some(row(
            Mismatch::NoEffect,
            0,
            "core 0004_remove_main_portal_id_unique is recorded, and main_portal_id is still unique: see IDX-003"
                .to_owned(),
        )),
        (false, true) => Some(row(
            Mismatch::NotApplied,
            0,
            "core 0004_remove_main_portal_id_unique is not applied: `python manage.py migrate core` does it".to_owned(),
        )),
        (false, false) => Some(row(
            Mismatch::NotRecorded,
            0,
            "core 0004_remove_main_portal_id_unique is not recorded, and what it does is done: `python manage.py migrate \
             --fake core 0004_remove_main_portal_id_unique` records it"
                .to_owned(),
        )),
    })
}

fn row(mismatch: Mismatch, id: i64, text: String) -> FindingRow {
    FindingRow {
        subject: Subject { place: mismatch as u32, id },
        table: TABLE.into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text,
    }
}
