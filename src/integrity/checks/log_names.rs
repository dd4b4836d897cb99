//! What the portal's own log calls accounts, also those that are gone: the only place where their names are left.

use std::collections::BTreeMap;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;

/// The ending of a profile's name in Django's log, behind the username.
const OF_PROFILE: &str = "'s Profile";

/// The name that the log gave each of these users last; those that it knows nothing of are left out.
pub(super) async fn of_users(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    names(portal, "auth", "user", ids).await
}

/// The name of the user that the log gave each of these profiles last.
pub(super) async fn of_profiles(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let names = names(portal, "core", "userprofile", ids).await?;
    let user = |name: String| name.strip_suffix(OF_PROFILE).map(str::to_owned);
    Ok(names.into_iter().filter_map(|(id, name)| Some((id, user(name)?))).collect())
}

async fn names(portal: &Portal, app: &str, model: &str, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut names = BTreeMap::new();
    if !is_there(portal) {
        return Ok(names);
    }
    for part in ids.chunks(super::AT_ONCE) {
        let sql = Sql::new(
            "SELECT l.object_id, l.object_repr FROM django_admin_log l \
             JOIN django_content_type c ON c.id = l.content_type_id WHERE c.app_label = ? AND c.model = ?",
        );
        let sql = sql.bind(app).bind(model).push(" AND l.object_id");
        let sql = sql.among(part.iter().map(i64::to_string)).push(" ORDER BY l.id");
        for row in portal.db.all(sql).await? {
            if let Ok(id) = row.text(0)?.parse() {
                names.insert(id, row.text(1)?);
            }
        }
    }
    Ok(names)
}

fn is_there(portal: &Portal) -> bool {
    let log = ["id", "content_type_id", "object_id", "object_repr"];
    let types = ["id", "app_label", "model"];
    log.iter().all(|column| portal.schema.has("django_admin_log", column))
        && types.iter().all(|column| portal.schema.has("django_content_type", column))
}
