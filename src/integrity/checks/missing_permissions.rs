//! PRM-001: content types without the permissions that Django makes for every model.

use crate::change::Image;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{About, EVERY_ENGINE, FindingRow, Severity, Stage, Subject};
use crate::integrity::listing::Listing;

use super::content_types::{self, ContentType};

/// The check.
pub static MISSING_PERMISSIONS: Listing = Listing { about: &ABOUT, list: |portal| Box::pin(lacking(portal)) };

static ABOUT: About = About {
    id: "PRM-001",
    severity: Severity::Warning,
    title: "models without the permissions that Django makes",
    why: "Nobody but superusers can be allowed to do it: in the admin there is nothing to tick.",
    cause: "A `migrate` that was stopped after its tables and before its permissions, or rows removed by hand.",
    remedy: "`python manage.py migrate` makes what is missing, also when no migration is left to apply. A model that is \
             meant to have fewer (`default_permissions`) can be accepted.",
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

async fn lacking(portal: &Portal) -> Result<Vec<FindingRow>> {
    let mut types = content_types::read(portal).await?;
    types.retain(|found| found.lacks_permissions() && found.is_of_the_portal(&portal.schema));
    Ok(types.iter().map(row).collect())
}

fn row(found: &ContentType) -> FindingRow {
    FindingRow {
        subject: Subject::of(found.id),
        table: "django_content_type".into(),
        key: Image::id(found.id),
        user_id: None,
        username: None,
        text: format!("{} has no permission {}", found.show(), crate::text::safe(&found.missing.join(", "))),
    }
}
