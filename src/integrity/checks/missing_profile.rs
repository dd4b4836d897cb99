//! PRF-001: users without a profile.

use async_trait::async_trait;

use crate::change::{Image, Require, Value};
use crate::db::Cell;
use crate::directory::{Portal, accounts};
use crate::error::Result;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct MissingProfile;

static ABOUT: About = About {
    id: "PRF-001",
    severity: Severity::Error,
    title: "users without a profile",
    why: "The portal reads user.profile on every page and fails for these accounts.",
    cause: "The account was made by an import or by SQL, which send no signal, or the signal that makes the profile \
            swallowed its error.",
    remedy: "Adds an empty profile with the portal's own defaults: no department, notifications on.",
    choice: "A column that portaldesk does not know must be given a value: the profile has to be made in the portal.",
    needs: &[("auth_user", &["id", "username"]), ("core_userprofile", &["id", "user_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::MissingProfiles,
    rows_each: 1,
};

#[async_trait]
impl Check for MissingProfile {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let users = without_profile(portal, subjects).await?;
        let row = |(id, name): (i64, String)| FindingRow {
            subject: Subject::of(id),
            table: "auth_user".into(),
            key: Image::id(id),
            user_id: Some(id),
            text: format!("user {} (#{id}) has no profile", super::quoted(&name)),
            username: Some(name),
        };
        Ok(users.into_iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let users = without_profile(portal, subjects).await?;
        let part = |(id, name): (i64, String)| Part {
            subject: Subject::of(id),
            title: format!("Give {} a profile", super::quoted(&name)),
            // A profile that the portal makes meanwhile is adopted.
            steps: vec![accounts::default_profile(portal, Value::Cell(Cell::Int(id)))],
            require: vec![Require::Row { table: "auth_user".to_owned(), key: Image::id(id) }],
        };
        Ok(users.into_iter().map(part).collect())
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let search = AntiJoin {
        table: "auth_user",
        column: "id",
        to_table: "core_userprofile",
        to_column: "user_id",
        also: "id",
        nulls: false,
    };
    let users = search.find(scan).await?.into_iter().map(|(id, _)| Subject::of(id)).collect();
    let lack = scan.schema().refuses_create("core_userprofile");
    let class = if lack.is_some() { Class::Choose } else { Class::Automatic };
    let found = Found::each(&ABOUT, class, users);
    Ok(found.map(|found| Found { note: lack.map(|lack| lack.to_string()), ..found }).into_iter().collect())
}

/// Those that are still there and still have no profile.
async fn without_profile(portal: &Portal, subjects: &[Subject]) -> Result<Vec<(i64, String)>> {
    let names = super::usernames(portal, &super::ids(subjects, 0)).await?;
    let query = "SELECT user_id FROM core_userprofile WHERE user_id";
    let with = super::existing(portal, query, names.keys().copied()).await?;
    Ok(names.into_iter().filter(|(id, _)| !with.contains(id)).collect())
}
