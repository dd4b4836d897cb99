//! GRP-003: superusers who are not in the group of the role Admin.

use async_trait::async_trait;

use crate::change::{Image, Require, Step, Value};
use crate::db::{Cell, Dialect, Sql};
use crate::directory::Portal;
use crate::error::{Error, Result};

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

use super::people::{admin_names, members_of};

/// The check.
pub struct SuperuserOutside;

static ABOUT: About = About {
    id: "GRP-003",
    severity: Severity::Warning,
    title: "superuser outside Admin",
    why: "The portal decides by group names: outside Admin a superuser is refused on its own pages.",
    cause: "The account was made by createsuperuser, which knows nothing of the portal's groups.",
    remedy: "Adds the account to the group. Where the group itself is missing, GRP-001 comes first.",
    choice: "A column that portaldesk does not know must be given a value: the membership has to be made in the portal.",
    needs: &[
        ("auth_user", &["id", "username", "is_superuser"]),
        ("auth_group", &["id", "name"]),
        ("auth_user_groups", &["id", "user_id", "group_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

#[async_trait]
impl Check for SuperuserOutside {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        if admin_names(scan.portal).is_empty() {
            return Ok(Vec::new());
        }
        let mut users = Vec::new();
        let mut rows = scan.db().stream(outside(scan.portal, None));
        while let Some(row) = rows.recv().await {
            users.push(Subject::of(row?.int(0)?));
        }
        let lack = scan.schema().refuses_create("auth_user_groups");
        let class = if lack.is_some() { Class::Choose } else { Class::Automatic };
        let found = Found::each(&ABOUT, class, users);
        Ok(found
            .map(|found| Found { note: lack.map(|lack| lack.to_string()), ..found })
            .into_iter()
            .collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |(id, name): (i64, String)| FindingRow {
            subject: Subject::of(id),
            table: "auth_user".into(),
            key: Image::id(id),
            user_id: Some(id),
            text: format!(
                "superuser {} (#{id}) is not in {}",
                super::quoted(&name),
                admin_names(portal).join(" or ")
            ),
            username: Some(name),
        };
        Ok(still_outside(portal, subjects).await?.into_iter().map(row).collect())
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let Some((group, group_name)) = admin_group(portal).await? else {
            return Err(Error::conflict(format!(
                "The group {} is missing, so nobody can be put into it; nothing was written. Repair GRP-001 first.",
                admin_names(portal).join(" or ")
            )));
        };
        let part = |(id, name): (i64, String)| Part {
            subject: Subject::of(id),
            title: format!("Put {} into {}", super::quoted(&name), super::quoted(&group_name)),
            steps: vec![Step::Insert {
                table: "auth_user_groups".to_owned(),
                values: vec![
                    ("user_id".to_owned(), Value::Cell(Cell::Int(id))),
                    ("group_id".to_owned(), Value::Cell(Cell::Int(group))),
                ],
                adopt: None,
            }],
            require: vec![
                Require::Holds {
                    table: "auth_user".to_owned(),
                    key: Image::id(id),
                    column: "is_superuser".to_owned(),
                    value: Cell::Bool(true),
                },
                Require::Row { table: "auth_group".to_owned(), key: Image::id(group) },
            ],
        };
        Ok(still_outside(portal, subjects).await?.into_iter().map(part).collect())
    }
}

/// Superusers outside; `only` these, or all.
fn outside(portal: &Portal, only: Option<Vec<i64>>) -> Sql {
    let mut sql = Sql::new("SELECT u.id, u.username FROM auth_user u WHERE u.is_superuser = ?").bind(true);
    if let Some(ids) = only {
        sql = sql.push(" AND u.id IN (").list(ids).push(")");
    }
    let members = members_of(admin_names(portal));
    // The same choice as between the forms of an anti-join: each engine's own fast one.
    let sql = if portal.dialect() == Dialect::Postgres {
        sql.push(" AND NOT EXISTS (SELECT 1 FROM (").append(members).push(") m WHERE m.user_id = u.id)")
    } else {
        sql.push(" AND u.id NOT IN (").append(members).push(")")
    };
    sql.push(" ORDER BY u.id")
}

/// Those who are still superusers and still outside.
async fn still_outside(portal: &Portal, subjects: &[Subject]) -> Result<Vec<(i64, String)>> {
    let mut found = Vec::new();
    for part in super::ids(subjects, 0).chunks(super::AT_ONCE) {
        for row in portal.db.all(outside(portal, Some(part.to_vec()))).await? {
            found.push((row.int(0)?, row.text(1)?));
        }
    }
    Ok(found)
}

/// The group to put them into: the first that exists, in the configuration's order.
async fn admin_group(portal: &Portal) -> Result<Option<(i64, String)>> {
    for name in admin_names(portal) {
        let sql = Sql::new("SELECT id, name FROM auth_group WHERE name = ? ORDER BY id LIMIT 1").bind(name);
        if let Some(row) = portal.db.optional(sql).await? {
            return Ok(Some((row.int(0)?, row.text(1)?)));
        }
    }
    Ok(None)
}
