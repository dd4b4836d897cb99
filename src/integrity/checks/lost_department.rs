//! REL-003: profiles whose department does not exist.

use async_trait::async_trait;

use crate::change::Image;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

use super::reference::Reference;

/// The check.
pub struct LostDepartment;

static ABOUT: About = About {
    id: "REL-003",
    severity: Severity::Error,
    title: "profiles whose department does not exist",
    why: "The portal fails where it shows the department, and the next department with the same id gets these people.",
    cause: "The department was deleted by SQL or in a database without foreign keys. Django empties the column then.",
    remedy: "Empties the department of the profile, as Django does when a department is deleted; the journal keeps the \
             old id.",
    choice: "",
    needs: &[("core_userprofile", &["id", "user_id", "department_id"]), ("core_department", &["id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

static DEPARTMENT: Reference = Reference {
    table: "core_userprofile",
    column: "department_id",
    to_table: "core_department",
    what: "department",
};

#[async_trait]
impl Check for LostDepartment {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let profiles = DEPARTMENT.still(portal, &super::ids(subjects, 0)).await?;
        let users: Vec<i64> = profiles.iter().filter_map(|(_, image)| image.int("user_id")).collect();
        let names = super::usernames(portal, &users).await?;
        let row = |(id, image): (i64, Image)| {
            let user_id = image.int("user_id");
            let username = user_id.and_then(|user| names.get(&user).cloned());
            FindingRow {
                subject: Subject::of(id),
                table: DEPARTMENT.table.into(),
                key: Image::id(id),
                user_id,
                text: format!(
                    "profile #{id} of {}: department #{} does not exist",
                    super::whose(&image, username.as_deref()),
                    DEPARTMENT.shown(&image)
                ),
                username,
            }
        };
        Ok(profiles.into_iter().map(row).collect())
    }

    fn of_user(&self, _user: i64, profiles: &[i64]) -> Vec<Subject> {
        profiles.iter().copied().map(Subject::of).collect()
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        if !takes_null(portal) {
            return Ok(Vec::new());
        }
        let part = |(id, image): (i64, Image)| Part {
            subject: Subject::of(id),
            title: format!("Empty the department of profile #{id}, #{}", DEPARTMENT.shown(&image)),
            require: DEPARTMENT.still_missing(&image).into_iter().collect(),
            steps: vec![DEPARTMENT.cleared(id, image)],
        };
        Ok(DEPARTMENT.still(portal, &super::ids(subjects, 0)).await?.into_iter().map(part).collect())
    }
}

/// Whether the column can be emptied; Django's own always can.
fn takes_null(portal: &Portal) -> bool {
    let column = portal.schema.table(DEPARTMENT.table).and_then(|table| table.column(DEPARTMENT.column));
    column.is_some_and(|column| column.nullable)
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let profiles = DEPARTMENT.find(scan).await?.into_iter().map(Subject::of).collect();
    if takes_null(scan.portal) {
        return Ok(Found::each(&ABOUT, Class::Automatic, profiles).into_iter().collect());
    }
    let note = "core_userprofile.department_id takes no NULL here: give these users a department, under Users or \
                with 'portaldesk user edit NAME --department NAME'";
    let found = Found::each(&ABOUT, Class::Manual, profiles);
    Ok(found.map(|found| Found { note: Some(note.to_owned()), ..found }).into_iter().collect())
}
