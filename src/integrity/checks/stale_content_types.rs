//! PRM-002: content types of models that are no longer there.

use crate::change::Image;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{About, EVERY_ENGINE, FindingRow, Severity, Stage, Subject};
use crate::integrity::listing::Listing;

use super::content_types::{self, ContentType};

/// The check.
pub static STALE_CONTENT_TYPES: Listing = Listing { about: &ABOUT, list: |portal| Box::pin(stale(portal)) };

static ABOUT: About = About {
    id: "PRM-002",
    severity: Severity::Info,
    title: "content types whose table is not there",
    why: "Their permissions are still offered in the admin and mean nothing.",
    cause: "A model or a whole application was taken out of the portal. A proxy model, or one with a table of another name, \
            looks the same from here.",
    remedy: "`python manage.py remove_stale_contenttypes` knows the models, and asks before it removes anything.",
    choice: "",
    needs: &[
        ("django_content_type", &["id", "app_label", "model"]),
        ("auth_permission", &["id", "content_type_id", "codename"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

async fn stale(portal: &Portal) -> Result<Vec<FindingRow>> {
    let mut types = content_types::read(portal).await?;
    types.retain(|found| !found.has_table(&portal.schema) && !found.is_essential());
    Ok(types.iter().map(row).collect())
}

fn row(found: &ContentType) -> FindingRow {
    FindingRow {
        subject: Subject::of(found.id),
        table: "django_content_type".into(),
        key: Image::id(found.id),
        user_id: None,
        username: None,
        text: format!("{} has no table; {} permissions belong to it", found.show(), found.permissions),
    }
}
