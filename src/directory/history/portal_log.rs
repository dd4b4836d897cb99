//! The portal's own history, `django_admin_log`: what people did in Django's admin. It says which fields changed, not from
//! what to what.
//!
//! The table has no index on its times, so it is read by its ids, which Django gives in the order in which things
//! happen, a stretch at a time.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::fields::Field;
use crate::change::admin_log;
use crate::db::own;
use crate::db::{Row, Sql, like_text};
use crate::directory::Portal;
use crate::error::Result;

/// An entry of the portal's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its id in `django_admin_log`.
    pub id: i64,
    /// When; nothing where what stands there is no time.
    pub time: Option<DateTime<Utc>>,
    /// The username, by now, of who did it.
    pub user: Option<String>,
    /// What kind of object it was about, such as `auth.user`.
    pub model: Option<String>,
    /// The object's id as the log has it.
    pub object_id: Option<String>,
    /// What the object was called.
    pub object: String,
    /// 1 added, 2 changed, 3 deleted.
    flag: i64,
    message: String,
}

impl Logged {
    /// The entry in Django's own words.
    #[must_use]
    pub fn title(&self) -> String {
        let object = &self.object;
        match self.flag {
            1 => format!("Added “{object}”."),
            2 => format!("Changed “{object}” — {}", self.changes()),
            3 => format!("Deleted “{object}.”"),
            _ => format!("{object}: {}", self.changes()),
        }
    }

    /// What was changed, as Django's history page says it. A text that is no list of changes is shown as it is.
    #[must_use]
    pub fn changes(&self) -> String {
        let Ok(Json::Array(parts)) = serde_json::from_str(&self.message) else {
            return self.message.clone();
        };
        let sentences: Vec<String> = parts.iter().filter_map(sentence).collect();
        if sentences.is_empty() { "No fields changed.".to_owned() } else { sentences.join(" ") }
    }
}

/// One part of a message; nothing for one that is none.
fn sentence(part: &Json) -> Option<String> {
    let text = |inner: &Json, key: &str| inner.get(key).and_then(Json::as_str).map(str::to_owned);
    let of = |inner: &Json| Some(format!("{} “{}”", text(inner, "name")?, text(inner, "object")?));
    if let Some(added) = part.get("added") {
        return Some(of(added).map_or_else(|| "Added.".to_owned(), |of| format!("Added {of}.")));
    }
    if let Some(changed) = part.get("changed") {
        let fields: Vec<&str> = changed.get("fields")?.as_array()?.iter().filter_map(Json::as_str).collect();
        let fields = listed(&fields)?;
        return Some(match of(changed) {
            Some(of) => format!("Changed {fields} for {of}."),
            None => format!("Changed {fields}."),
        });
    }
    of(part.get("deleted")?).map(|of| format!("Deleted {of}."))
}

/// `A, B and C`
fn listed(words: &[&str]) -> Option<String> {
    let (last, before) = words.split_last()?;
    Some(if before.is_empty() { (*last).to_owned() } else { format!("{} and {last}", before.join(", ")) })
}

/// Which entries to read.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// By one of these users.
    pub(super) by: Option<Vec<i64>>,
    pub(super) about: Option<About>,
    pub(super) fields: Vec<&'static Field>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) words: Vec<String>,
}

/// What entries are about: how the log names a user and their profiles, a group or a department. There is no index on these names, so that they
/// are told by the log's own columns: a join for each entry that is passed over would cost more than the entry.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// A kind of object, and ids of that kind.
    objects: Vec<(i64, Vec<String>)>,
}

impl About {
    /// The object of this kind, such as `auth.group`, with this id.
    pub(super) async fn object(portal: &Portal, (app, model): (&str, &str), id: i64) -> Result<Self> {
        let sql = Sql::new("SELECT id FROM django_content_type WHERE app_label = ?")
            .bind(app)
            .push_bind(" AND model = ?", model);
        let kinds = portal.db.all(sql).await?;
        let objects = kinds.iter().map(|row| Ok((row.int(0)?, vec![id.to_string()])));
        Ok(Self { objects: objects.collect::<Result<_>>()? })
    }

    /// The user with this id, and their profiles with those.
    pub(super) async fn read(portal: &Portal, user: i64, profiles: &[i64]) -> Result<Self> {
        let sql = "SELECT id, app_label, model FROM django_content_type WHERE app_label IN ('auth', 'core') \
                   AND model IN ('user', 'userprofile')";
        let mut objects = Vec::new();
        for row in portal.db.all(Sql::new(sql)).await? {
            let ids: &[i64] = match (row.text(1)?.as_str(), row.text(2)?.as_str()) {
                ("auth", "user") => &[user],
                ("core", "userprofile") => profiles,
                _ => continue,
            };
            objects.push((row.int(0)?, ids.iter().map(i64::to_string).collect()));
        }
        Ok(Self { objects })
    }
}

/// Which way to read, and from where on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    /// The newest first, from this id on.
    Older(i64),
    /// The oldest first, above this id.
    Newer(i64),
}

/// The columns that reading needs.
const COLUMNS: [&str; 8] = [
    "id",
    "action_time",
    "user_id",
    "content_type_id",
    "object_id",
    "object_repr",
    "action_flag",
    "change_message",
];

/// Whether this portal has such a log.
pub(super) fn is_there(portal: &Portal) -> bool {
    COLUMNS.iter().all(|column| portal.schema.has("django_admin_log", column))
        && portal.has_table("django_content_type")
}

const FROM: &str = " FROM django_admin_log l LEFT JOIN auth_user u ON u.id = l.user_id \
                    LEFT JOIN django_content_type t ON t.id = l.content_type_id WHERE 1 = 1";

/// How many entries are gone through at first, and at most, in one statement.
const STRETCH: (i64, i64) = (1_000, 64_000);

/// At most `count` entries. Reading ends at a stretch that lies wholly beyond `stop`: whoever asks has enough others that
/// come before.
pub(super) async fn read(
    portal: &Portal,
    wanted: &Wanted,
    direction: Direction,
    stop: Option<DateTime<Utc>>,
    count: usize,
) -> Result<Vec<Logged>> {
    let (mut direction, mut size, mut found) = (direction, STRETCH.0, Vec::new());
    loop {
        // What one person did stands together in an index.
        let edge = if wanted.by.is_some() { None } else { edge(portal, direction, size).await? };
        let sql = Sql::new("SELECT l.id, l.object_id, l.object_repr, l.action_flag, l.change_message, ")
            .push("u.username, t.app_label, t.model, ")
            .time("l.action_time")
            .push(FROM);
        let sql = matching(portal, between(sql, direction, edge.map(|(id, _)| id)), wanted);
        let missing = i64::try_from(count - found.len()).unwrap_or(i64::MAX);
        let sql = ordered(sql, direction).push_bind(" LIMIT ?", missing);
        for row in portal.db.all(sql).await? {
            found.push(logged(&row)?);
        }
        let Some((id, time)) = edge else { return Ok(found) };
        let beyond = match (direction, stop, time) {
            (Direction::Older(_), Some(stop), Some(time)) => time < stop,
            (Direction::Newer(_), Some(stop), Some(time)) => time > stop,
            _ => false,
        };
        if found.len() >= count || beyond {
            return Ok(found);
        }
        direction = match direction {
            Direction::Older(_) => Direction::Older(id - 1),
            Direction::Newer(_) => Direction::Newer(id),
        };
        size = (size * 4).min(STRETCH.1);
    }
}

/// How many entries are wanted.
pub(super) async fn count(portal: &Portal, wanted: &Wanted) -> Result<i64> {
    portal.count(matching(portal, Sql::new("SELECT COUNT(*)").push(FROM), wanted)).await
}

/// Where a stretch of so many entries ends: the last one's id and time. Nothing when the log ends before.
async fn edge(
    portal: &Portal,
    direction: Direction,
    size: i64,
) -> Result<Option<(i64, Option<DateTime<Utc>>)>> {
    let sql = Sql::new("SELECT l.id, ").time("l.action_time").push(" FROM django_admin_log l WHERE 1 = 1");
    let sql = ordered(between(sql, direction, None), direction).push_bind(" LIMIT 1 OFFSET ?", size - 1);
    let row = portal.db.optional(sql).await?;
    row.map(|row| Ok((row.int(0)?, row.time(1)?))).transpose()
}

fn between(sql: Sql, direction: Direction, edge: Option<i64>) -> Sql {
    let (from, to, at) = match direction {
        Direction::Older(newest) => (" AND l.id <= ?", " AND l.id >= ?", newest),
        Direction::Newer(above) => (" AND l.id > ?", " AND l.id <= ?", above),
    };
    let sql = sql.push_bind(from, at);
    edge.into_iter().fold(sql, |sql, edge| sql.push_bind(to, edge))
}

fn ordered(sql: Sql, direction: Direction) -> Sql {
    sql.push(match direction {
        Direction::Older(_) => " ORDER BY l.id DESC",
        Direction::Newer(_) => " ORDER BY l.id",
    })
}

fn logged(row: &Row) -> Result<Logged> {
    let model = match (row.text_opt(6)?, row.text_opt(7)?) {
        (Some(app), Some(model)) => Some(format!("{app}.{model}")),
        _ => None,
    };
    Ok(Logged {
        id: row.int(0)?,
        time: row.time(8)?,
        user: row.text_opt(5)?,
        model,
        object_id: row.text_opt(1)?,
        object: row.text(2)?,
        flag: row.int_opt(3).unwrap_or(None).unwrap_or(0),
        message: row.text(4)?,
    })
}

fn matching(portal: &Portal, mut sql: Sql, wanted: &Wanted) -> Sql {
    if let Some(by) = &wanted.by {
        sql = sql.push(" AND l.user_id IN (").list(by.iter().copied()).push(")");
    }
    if let Some(about) = &wanted.about {
        let ids = about.objects.iter().flat_map(|(_, ids)| ids.iter().cloned());
        sql = sql.push(" AND l.object_id IN (").list(ids).push(") AND (1 = 0");
        for (kind, ids) in &about.objects {
            sql = sql.push_bind(" OR (l.content_type_id = ?", *kind).push(" AND l.object_id IN (");
            sql = sql.list(ids.iter().cloned()).push("))");
        }
        sql = sql.push(")");
    }
    if let Some(since) = wanted.since {
        sql = sql.push_bind(" AND l.action_time >= ?", since);
    }
    if let Some(until) = wanted.until {
        sql = sql.push_bind(" AND l.action_time < ?", until);
    }
    for field in &wanted.fields {
        sql = sql.push(" AND (1 = 0");
        for label in field.labels {
            // Unlike LIKE, this tells capitals apart on every engine.
            sql = sql.push_bind(" OR REPLACE(l.change_message, ?, '') <> l.change_message", *label);
        }
        sql = sql.push(")");
    }
    for word in &wanted.words {
        sql = with_word(sql, word);
    }
    if portal.schema.has_own_tables() { own::and_not_logged_by_us(sql) } else { sql }
}

/// Entries with a word in their title. The words that Django puts between names and labels are not looked through.
fn with_word(sql: Sql, word: &str) -> Sql {
    let lower = word.to_lowercase();
    let verbs = [(1_i64, "added"), (2, "changed"), (3, "deleted")];
    let verbs = verbs.into_iter().filter(|(_, verb)| verb.contains(&lower)).map(|(flag, _)| flag);
    sql.push(" AND (l.action_flag IN (")
        .list(verbs)
        .push_bind(") OR LOWER(l.object_repr) LIKE LOWER(?) ESCAPE '!'", pattern(word))
        .push(" OR (l.action_flag = 2 AND LOWER(REPLACE(REPLACE(REPLACE(l.change_message, ")
        .push("'\"fields\": ', ''), '\"name\": ', ''), '\"object\": ', ''))")
        .push_bind(" LIKE LOWER(?) ESCAPE '!'))", pattern(&admin_log::escaped(word)))
}

fn pattern(word: &str) -> String {
    format!("%{}%", like_text(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(flag: i64, message: &str) -> Logged {
        Logged {
            id: 1,
            time: None,
            user: None,
            model: None,
            object_id: None,
            object: "log1".to_owned(),
            flag,
            message: message.to_owned(),
        }
    }

    #[test]
    fn titles_are_djangos() {
        // As Django 4.2 shows them.
        for (flag, message, title) in [
            (1, r#"[{"added": {}}]"#, "Added “log1”."),
            (2, "[]", "Changed “log1” — No fields changed."),
            (
                2,
                r#"[{"changed": {"fields": ["First name", "Last name", "Email address"]}}]"#,
                "Changed “log1” — Changed First name, Last name and Email address.",
            ),
            (
                2,
                r#"[{"changed": {"name": "user profile", "object": "log1's Profile", "fields": ["Department", "Phone number"]}}]"#,
                "Changed “log1” — Changed Department and Phone number for user profile “log1's Profile”.",
            ),
            (
                2,
                r#"[{"changed": {"fields": ["First name"]}}, {"changed": {"name": "user profile", "object": "log1's Profile", "fields": ["Main portal id"]}}]"#,
                "Changed “log1” — Changed First name. Changed Main portal id for user profile “log1's Profile”.",
            ),
            (
                2,
                r#"[{"added": {"name": "user profile", "object": "log1b's Profile"}}]"#,
                "Changed “log1” — Added user profile “log1b's Profile”.",
            ),
            (3, "", "Deleted “log1.”"),
        ] {
            assert_eq!(entry(flag, message).title(), title);
        }
    }

    #[test]
    fn rubbish_is_shown_and_harms_nobody() {
        for (message, shown) in [
            ("Geändert Vorname.", "Geändert Vorname."),
            ("[not json", "[not json"),
            ("{\"changed\": 1}", "{\"changed\": 1}"),
            ("", ""),
            // Each of these makes Django's own page fail.
            ("[{\"changed\": {}}, 7, null, {\"added\": 3}]", "Added."),
            ("[{\"changed\": {\"fields\": [1, {}]}}]", "No fields changed."),
            ("[{\"deleted\": {}}]", "No fields changed."),
            ("[{\"changed\": {\"fields\": [\"Active\"]}, \"portaldesk\": \"x\"}]", "Changed Active."),
        ] {
            assert_eq!(entry(2, message).changes(), shown);
        }
    }
}
