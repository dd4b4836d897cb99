//! LOG-001: entries of the portal's log about users who do not exist any more.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::change::Image;
use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;

use super::log_names;

/// The check.
pub struct LogObjects;

static ABOUT: About = About {
    id: "LOG-001",
    severity: Severity::Info,
    title: "the portal's log speaks of users who are gone",
    why: "Nothing fails: the log keeps what was done with an account after it is deleted. Its links lead nowhere.",
    cause: "The account was deleted, in the portal or by SQL.",
    remedy: "Nothing has to be done. The log is the only place where such a name is left, so it is better kept.",
    choice: "",
    needs: &[
        ("auth_user", &["id"]),
        ("django_content_type", &["id", "app_label", "model"]),
        ("django_admin_log", &["id", "object_id", "object_repr", "action_flag", "content_type_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

/// Ids in one statement: names are not fetched, so it may be many.
const IDS_AT_ONCE: usize = 10_000;

#[async_trait]
impl Check for LogObjects {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        // One decision a user. The ids are text in the log, so they are compared as numbers here and not by the engine, which
        // would have to convert every one of them.
        scan.progress(0, 2);
        let mut ids = BTreeSet::new();
        let mut rows = scan.db().stream(spoken_of("SELECT DISTINCT l.object_id"));
        while let Some(row) = rows.recv().await {
            let text = row?.text(0)?;
            ids.extend(text.parse().ok().filter(|id: &i64| id.to_string() == text));
        }
        scan.progress(1, 2);
        let spoken: Vec<i64> = ids.iter().copied().collect();
        for part in spoken.chunks(IDS_AT_ONCE) {
            let sql = Sql::new("SELECT id FROM auth_user WHERE id").among(part.iter().copied());
            let mut there = scan.db().stream(sql);
            while let Some(row) = there.recv().await {
                ids.remove(&row?.int(0)?);
            }
        }
        scan.progress(2, 2);
        Ok(Found::each(&ABOUT, Class::Manual, ids.into_iter().map(Subject::of).collect())
            .into_iter()
            .collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let ids = super::ids(subjects, 0);
        let there = super::there(portal, "auth_user", ids.iter().copied()).await?;
        let gone: Vec<i64> = ids.into_iter().filter(|id| !there.contains(id)).collect();
        let names = log_names::of_users(portal, &gone).await?;
        let mut found = Vec::new();
        for part in gone.chunks(super::AT_ONCE) {
            let sql = spoken_of("SELECT l.object_id, COUNT(*)").push(" AND l.object_id");
            let sql = sql.among(part.iter().map(i64::to_string)).push(" GROUP BY l.object_id");
            for row in portal.db.all(sql).await? {
                let (Ok(id), count) = (row.text(0)?.parse::<i64>(), row.int(1)?) else { continue };
                let name = names.get(&id).map(|name| super::quoted(name)).unwrap_or_default();
                let entries = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
                found.push(FindingRow {
                    subject: Subject::of(id),
                    table: "django_admin_log".into(),
                    key: Image::default(),
                    user_id: Some(id),
                    username: None,
                    text: format!("{entries} about {name} (#{id}), who does not exist any more"),
                });
            }
        }
        Ok(found)
    }
}

/// What the log says of users; that one was deleted (flag 3) is no fault.
fn spoken_of(select: &'static str) -> Sql {
    Sql::new(select).push(
        " FROM django_admin_log l JOIN django_content_type c ON c.id = l.content_type_id \
         WHERE c.app_label = 'auth' AND c.model = 'user' AND l.action_flag <> 3",
    )
}
