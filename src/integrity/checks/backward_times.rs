//! TIM-003: changed before it was made, signed in before joining.

use async_trait::async_trait;

use chrono::{DateTime, TimeDelta, Utc};

use crate::change::Image;
use crate::change::rows::{self as images, Lock};
use crate::db::{Cell, Dialect, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;
use crate::integrity::windows::{name, rows_where, table};

use super::odd_time::readable;

/// The check.
pub struct BackwardTimes;

static ABOUT: About = About {
    id: "TIM-003",
    severity: Severity::Info,
    title: "times in the wrong order",
    why: "One of the two is wrong, so neither can be trusted; nothing fails because of it.",
    cause: "An import kept one of the two and set the other to its own time, or a clock was set back.",
    remedy: "Nothing has to be done. Where the right time is known, set it in the portal's admin or by SQL.",
    choice: "",
    needs: &[("auth_user", &["id", "last_login", "date_joined"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

/// Two times of a row, the earlier first, and how it is told that they are not.
struct Pair {
    table: &'static str,
    earlier: &'static str,
    later: &'static str,
    words: &'static str,
}

/// The place of a subject is that of its pair.
static PAIRS: [Pair; 2] = [
    Pair {
        table: "auth_user",
        earlier: "date_joined",
        later: "last_login",
        words: "last login before joining",
    },
    Pair {
        table: "core_userprofile",
        earlier: "created_at",
        later: "updated_at",
        words: "profile updated before it was created",
    },
];

#[async_trait]
impl Check for BackwardTimes {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let mut subjects = Vec::new();
        for (place, pair) in pairs(scan.portal) {
            let catalogued = table(scan.schema(), pair.table)?;
            let (earlier, later) = (name(catalogued, pair.earlier)?, name(catalogued, pair.later)?);
            let mut condition = Sql::default().ident(later).push(" < ").ident(earlier);
            if scan.db().dialect() == Dialect::Sqlite {
                // Anything else is no time and another check's to tell.
                condition = condition.push(" AND typeof(").ident(later).push(") = 'text'");
            }
            rows_where(scan, pair.table, &[pair.earlier, pair.later], &condition, &mut |row| {
                let time = |index: usize| -> Result<_> { Ok(row.cell(index)?.as_text().and_then(readable)) };
                if is_backward(time(1)?, time(2)?) {
                    subjects.push(Subject { place, id: row.int(0)? });
                }
                Ok(())
            })
            .await?;
        }
        subjects.sort_unstable();
        Ok(Found::each(&ABOUT, Class::Manual, subjects).into_iter().collect())
    }

    fn of_user(&self, user: i64, profiles: &[i64]) -> Vec<Subject> {
        let of = |place: u32, ids: &[i64]| {
            ids.iter().map(move |id| Subject { place, id: *id }).collect::<Vec<_>>()
        };
        [of(0, &[user]), of(1, profiles)].concat()
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut found = Vec::new();
        for (place, pair) in pairs(portal) {
            let keys = super::keys(&super::ids(subjects, place));
            let catalogued = images::table(&portal.schema, pair.table)?;
            let whose = |image: &Image| image.int(if pair.table == "auth_user" { "id" } else { "user_id" });
            let images = images::by_keys(&mut portal.db.clone(), catalogued, &keys, Lock::No).await?;
            let users: Vec<i64> = images.iter().filter_map(whose).collect();
            let names = super::usernames(portal, &users).await?;
            for image in images {
                let time = |column: &str| image.text(column).and_then(readable);
                let Some(id) = image.int("id") else { continue };
                if !is_backward(time(pair.earlier), time(pair.later)) {
                    continue;
                }
                let shown = |column: &str| image.get(column).map(Cell::show).unwrap_or_default();
                let user_id = whose(&image);
                let username = user_id.and_then(|id| names.get(&id).cloned());
                let of = username.as_deref().map_or_else(|| format!("#{id}"), super::quoted);
                found.push(FindingRow {
                    subject: Subject { place, id },
                    table: pair.table.into(),
                    key: Image::id(id),
                    user_id,
                    text: format!("{of}: {} ({} < {})", pair.words, shown(pair.later), shown(pair.earlier)),
                    username,
                });
            }
        }
        Ok(found)
    }
}

/// The pairs that this database has, with their places.
fn pairs(portal: &Portal) -> impl Iterator<Item = (u32, &'static Pair)> {
    let schema = &portal.schema;
    (0_u32..).zip(&PAIRS).filter(|(_, pair)| {
        schema.has(pair.table, "id")
            && schema.has(pair.table, pair.earlier)
            && schema.has(pair.table, pair.later)
    })
}

/// Django's admin cuts both to whole seconds when it saves an account, one after the other.
fn is_backward(earlier: Option<DateTime<Utc>>, later: Option<DateTime<Utc>>) -> bool {
    earlier.zip(later).is_some_and(|(earlier, later)| later + TimeDelta::seconds(1) < earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_second_is_no_fault() {
        let time = |text: &str| readable(text);
        assert!(!is_backward(time("2026-11-21 08:00:00.900000"), time("2026-11-21 08:00:00")));
        assert!(is_backward(time("2026-11-21 08:00:03"), time("2026-11-21 08:00:00")));
        assert!(!is_backward(time("2026-11-21 08:00:03"), None));
    }
}
