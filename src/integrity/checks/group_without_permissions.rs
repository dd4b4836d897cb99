//! GRP-005: role groups without permissions where others have some.

use async_trait::async_trait;

use crate::change::Image;
use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct GroupWithoutPermissions;

static ABOUT: About = About {
    id: "GRP-005",
    severity: Severity::Info,
    title: "group without permissions, unlike the others",
    why: "The portal's own pages go by the group's name, but in Django's admin its members may do nothing, while those of \
          the other groups may do something.",
    cause: "The group was made by name only, as the portal's setup_groups and GRP-001 do, after permissions had been given to \
            the others.",
    remedy: "If its members are to work in Django's admin, give the group its permissions there; else leave it.",
    choice: "",
    needs: &[("auth_group", &["id", "name"]), ("auth_group_permissions", &["id", "group_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

#[async_trait]
impl Check for GroupWithoutPermissions {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let groups = without(scan.portal).await?.into_iter().map(|(id, _)| Subject::of(id)).collect();
        Ok(Found::each(&ABOUT, Class::Manual, groups).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |(id, name): (i64, String)| FindingRow {
            subject: Subject::of(id),
            table: "auth_group".into(),
            key: Image::id(id),
            user_id: None,
            username: None,
            text: format!(
                "group {} (#{id}) has no permissions, and others of the portal have",
                super::quoted(&name)
            ),
        };
        let still = without(portal).await?.into_iter();
        Ok(still.filter(|(id, _)| subjects.contains(&Subject::of(*id))).map(row).collect())
    }
}

/// The role groups without permissions, id and name, where another one has some.
async fn without(portal: &Portal) -> Result<Vec<(i64, String)>> {
    let sql = Sql::new(
        "SELECT g.id, g.name, (SELECT COUNT(*) FROM auth_group_permissions gp WHERE gp.group_id = g.id) \
         FROM auth_group g WHERE g.name IN (",
    );
    let mut groups = Vec::new();
    for row in portal.db.all(sql.list(portal.roles.names()).push(") ORDER BY g.id")).await? {
        groups.push((row.int(0)?, row.text(1)?, row.int(2)?));
    }
    if groups.iter().all(|(.., permissions)| *permissions == 0) {
        return Ok(Vec::new());
    }
    let bare = groups.into_iter().filter(|(.., permissions)| *permissions == 0);
    Ok(bare.map(|(id, name, _)| (id, name)).collect())
}
