//! GRP-004: members of Admin who are neither superuser nor staff.

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;
use crate::integrity::windows;

use super::people::{self, Person};

/// The check.
pub struct AdminWithoutFlags;

static ABOUT: About = About {
    id: "GRP-004",
    severity: Severity::Warning,
    title: "Admin who is neither superuser nor staff",
    why: "The portal's own pages take the account for an administrator, and Django's admin refuses it at the door. Either \
          somebody can't do their work, or somebody has more than they were meant to have.",
    cause: "The account was put into the group without the staff flag, or lost its flags and stayed in the group.",
    remedy: "Ask what the person is to do: `portaldesk user edit NAME --staff` lets them into Django's admin, \
             `portaldesk user edit NAME --remove-group Admin` ends the role. Where nobody uses Django's admin, accept it.",
    choice: "",
    needs: &[
        ("auth_user", &["id", "username", "is_active", "is_superuser", "is_staff"]),
        ("auth_group", &["id", "name"]),
        ("auth_user_groups", &["id", "user_id", "group_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

#[async_trait]
impl Check for AdminWithoutFlags {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let users = windows::ids_where(scan, "auth_user", &without_flags(scan.portal, "t.")).await?;
        let subjects = users.into_iter().map(Subject::of).collect();
        Ok(Found::each(&ABOUT, Class::Manual, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |person: &Person| {
            let text = format!("{} is in Admin and neither superuser nor staff", person.name());
            person.row(Subject::of(person.id), text)
        };
        let mut rows = Vec::new();
        for part in super::ids(subjects, 0).chunks(super::AT_ONCE) {
            let condition = Sql::new("u.id").among(part.iter().copied()).push(" AND ");
            let found = people::people_where(portal, condition.append(without_flags(portal, "u."))).await?;
            rows.extend(found.iter().map(row));
        }
        Ok(rows)
    }
}

/// Active ones only: nobody else gets anywhere. The alias ends with a dot.
fn without_flags(portal: &Portal, alias: &'static str) -> Sql {
    Sql::new(alias)
        .push_bind("is_superuser = ? AND ", false)
        .push(alias)
        .push_bind("is_staff = ? AND ", false)
        .push(alias)
        .push_bind("is_active = ? AND ", true)
        .push(alias)
        .push("id IN (")
        .append(people::members_of(people::admin_names(portal)))
        .push(")")
}
