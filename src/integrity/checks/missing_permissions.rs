//! PRM-001: content types without the permissions that Django makes for every model.

use async_trait::async_trait;

use crate::change::Image;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

use super::content_types::{self, ContentType};

/// The check.
pub struct MissingPermissions;

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

#[async_trait]
impl Check for MissingPermissions {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let found = lacking(scan.portal).await?;
        let subjects = found.iter().map(|found| Subject::of(found.id)).collect();
        Ok(Found::each(&ABOUT, Class::Manual, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut found = lacking(portal).await?;
        found.retain(|found| subjects.contains(&Subject::of(found.id)));
        Ok(found.iter().map(row).collect())
    }
}

async fn lacking(portal: &Portal) -> Result<Vec<ContentType>> {
    let mut types = content_types::read(portal).await?;
    types.retain(|found| found.lacks_permissions() && found.is_of_the_portal(&portal.schema));
    Ok(types)
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
