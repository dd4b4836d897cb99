//! Rows of `django_admin_log`, as Django's own admin writes them, so that the portal's history pages stay whole.
//!
//! Measured on Django 4.2: an added object is `[{"added": {}}]` with flag 1; a changed one lists the labels of its
//! fields in form order with flag 2, changes of the profile follow in the same list; a set password is an entry of
//! its own; a deleted object has flag 3 and an empty message.
//!
//! Django skips keys that it doesn't know, so each message ends in our own, `"portaldesk": "OPERATION"`: an entry can be
//! told from the portal's for as long as the journal has the operation.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use crate::db::schema::Schema;
use crate::db::{DbError, Sql, Tx};

use super::plan::Image;

/// Django's ADDITION, CHANGE and DELETION.
const ADDED: i64 = 1;
const CHANGED: i64 = 2;
const DELETED: i64 = 3;

/// The key that names the operation in a message.
const MARK: &str = "portaldesk";

const USER_LABELS: [(&str, &str); 9] = [
    ("username", "Username"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("email", "Email address"),
    ("is_active", "Active"),
    ("is_staff", "Staff status"),
    ("is_superuser", "Superuser status"),
    // The two many-to-many fields stand here in the form's order; last_login and date_joined follow them, and a
    // change of either is not one of ours to report.
    ("groups", "Groups"),
    ("user_permissions", "User permissions"),
];
const PROFILE_LABELS: [(&str, &str); 4] = [
    ("department_id", "Department"),
    ("phone_number", "Phone number"),
    ("main_portal_id", "Main portal id"),
    ("email_notifications", "Email notifications"),
];
const DEPARTMENT_LABELS: [(&str, &str); 3] =
    [("name", "Name"), ("description", "Description"), ("is_active", "Is active")];
const GROUP_LABELS: [(&str, &str); 2] = [("name", "Name"), ("permissions", "Permissions")];

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrote {
    /// A row.
    #[default]
    Row,
    /// A counter; the key names its column, the images hold the id that comes `next`.
    Counter,
    /// What a table is like; the images hold the statement that was sent, and the one that takes it back.
    Ddl,
}

/// A row that was written, as the journal has it; or what else was.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What it is.
    pub what: Wrote,
    /// The table.
    pub table: String,
    /// The primary key.
    pub key: Image,
    /// The row before.
    pub before: Option<Image>,
    /// The row after.
    pub after: Option<Image>,
}

impl Written {
    /// The integer that the row holds, or held, in a column.
    #[must_use]
    pub fn int(&self, column: &str) -> Option<i64> {
        self.after.as_ref().or(self.before.as_ref()).and_then(|image| image.int(column))
    }

    /// The portal user whom the row concerns.
    #[must_use]
    pub fn user(&self) -> Option<i64> {
        match (self.what, self.table.as_str()) {
            (Wrote::Counter | Wrote::Ddl, _) => None,
            (Wrote::Row, "auth_user") => self.key.int("id"),
            (Wrote::Row, _) => self.int("user_id"),
        }
    }

    fn changed(&self) -> BTreeSet<&str> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => after
                .0
                .iter()
                .filter(|(column, cell)| before.get(column) != Some(cell))
                .map(|(column, _)| column.as_str())
                .collect(),
            _ => BTreeSet::new(),
        }
    }
}

/// What happened to one object of the admin.
#[derive(Debug, Default)]
struct Object {
    repr: Option<String>,
    own_row: Fate,
    fields: BTreeSet<String>,
    password: bool,
    profile: Fate,
    profile_fields: BTreeSet<String>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fate {
    #[default]
    Stayed,
    Added,
    Deleted,
}

impl Fate {
    /// Several rows of one object: what is deleted is gone, whatever was added before.
    fn note(&mut self, row: &Written) {
        match (&row.before, &row.after) {
            (_, None) => *self = Self::Deleted,
            (None, Some(_)) if *self != Self::Deleted => *self = Self::Added,
            _ => {}
        }
    }
}

/// One row to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The content type's app label and model.
    pub model: (&'static str, &'static str),
    /// The object's id.
    pub object_id: i64,
    /// What Django calls it, at most 200 characters.
    pub repr: String,
    /// 1 added, 2 changed, 3 deleted.
    pub flag: i64,
    /// Django's change message.
    pub message: String,
}

/// What objects are called whose own row was not written, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Usernames.
    pub users: BTreeMap<i64, String>,
    /// Names of groups.
    pub groups: BTreeMap<i64, String>,
}

/// The entries for what was written.
#[must_use]
pub fn entries(written: &[Written], names: &Names) -> Vec<Entry> {
    let mut users: BTreeMap<i64, Object> = BTreeMap::new();
    let mut groups: BTreeMap<i64, Object> = BTreeMap::new();
    let mut departments: BTreeMap<i64, Object> = BTreeMap::new();
    let gone = deleted(written, "auth_group");
    for row in written.iter().filter(|row| row.what == Wrote::Row) {
        match row.table.as_str() {
            "auth_user" => note_own_row(&mut users, row, "username"),
            "auth_group" => note_own_row(&mut groups, row, "name"),
            "core_department" => note_own_row(&mut departments, row, "name"),
            "core_userprofile" => note_profile(&mut users, row),
            // Who was in a group that is deleted is not mentioned by Django.
            "auth_user_groups" if row.int("group_id").is_some_and(|id| gone.contains(&id)) => {}
            "auth_user_groups" => note_link(&mut users, row.int("user_id"), "groups"),
            "auth_user_user_permissions" => note_link(&mut users, row.int("user_id"), "user_permissions"),
            "auth_group_permissions" => note_link(&mut groups, row.int("group_id"), "permissions"),
            _ => {}
        }
    }
    for (objects, names) in [(&mut users, &names.users), (&mut groups, &names.groups)] {
        for (id, object) in objects {
            if object.repr.is_none() {
                object.repr = names.get(id).cloned();
            }
        }
    }
    let mut entries = Vec::new();
    for (model, labels, objects) in [
        (("auth", "user"), USER_LABELS.as_slice(), users),
        (("auth", "group"), GROUP_LABELS.as_slice(), groups),
        (("core", "department"), DEPARTMENT_LABELS.as_slice(), departments),
    ] {
        for (id, object) in objects {
            push_entries(&mut entries, model, labels, id, &object);
        }
    }
    entries
}

/// The ids of the rows of a table that were deleted.
fn deleted(written: &[Written], table: &str) -> BTreeSet<i64> {
    let rows = written.iter().filter(|row| row.what == Wrote::Row && row.table == table);
    rows.filter(|row| row.after.is_none()).filter_map(|row| row.key.int("id")).collect()
}

fn note_own_row(objects: &mut BTreeMap<i64, Object>, row: &Written, name: &str) {
    let Some(id) = row.key.int("id") else { return };
    let object = objects.entry(id).or_default();
    let image = row.after.as_ref().or(row.before.as_ref());
    object.repr = image.and_then(|image| image.text(name)).map(str::to_owned);
    object.own_row.note(row);
    for column in row.changed() {
        if column == "password" {
            object.password = true;
        } else {
            object.fields.insert(column.to_owned());
        }
    }
}

fn note_profile(users: &mut BTreeMap<i64, Object>, row: &Written) {
    let Some(user) = row.int("user_id") else { return };
    let object = users.entry(user).or_default();
    object.profile.note(row);
    object.profile_fields.extend(row.changed().into_iter().map(str::to_owned));
}

fn note_link(objects: &mut BTreeMap<i64, Object>, id: Option<i64>, field: &str) {
    if let Some(id) = id {
        objects.entry(id).or_default().fields.insert(field.to_owned());
    }
}

fn named(labels: &[(&str, &str)], fields: &BTreeSet<String>) -> Vec<String> {
    labels
        .iter()
        .filter(|(column, _)| fields.contains(*column))
        .map(|(_, label)| (*label).to_owned())
        .collect()
}

fn push_entries(
    entries: &mut Vec<Entry>,
    model: (&'static str, &'static str),
    labels: &[(&str, &str)],
    object_id: i64,
    object: &Object,
) {
    // A membership or profile of a user who is not there has no object in the admin.
    let Some(repr) = &object.repr else { return };
    let mut push = |flag, message: String| {
        let repr = repr.chars().take(200).collect();
        entries.push(Entry { model, object_id, repr, flag, message });
    };
    match object.own_row {
        Fate::Deleted => return push(DELETED, String::new()),
        Fate::Added => return push(ADDED, message(&[json!({ "added": {} })])),
        Fate::Stayed => {}
    }
    let mut parts = Vec::new();
    let fields = named(labels, &object.fields);
    if !fields.is_empty() {
        parts.push(json!({ "changed": { "fields": fields } }));
    }
    parts.extend(profile_part(repr, object));
    if !parts.is_empty() {
        push(CHANGED, message(&parts));
    }
    if object.password {
        push(CHANGED, message(&[json!({ "changed": { "fields": ["password"] } })]));
    }
}

fn profile_part(username: &str, object: &Object) -> Option<Json> {
    let of = format!("{username}'s Profile");
    if object.profile == Fate::Added {
        return Some(json!({ "added": { "name": "user profile", "object": of } }));
    }
    let fields = named(&PROFILE_LABELS, &object.profile_fields);
    if !fields.is_empty() {
        return Some(json!({ "changed": { "name": "user profile", "object": of, "fields": fields } }));
    }
    (object.profile == Fate::Deleted).then(|| json!({ "deleted": { "name": "user profile", "object": of } }))
}

/// As Python's `json.dumps` writes it: a space after each comma and colon, everything beyond ASCII escaped.
fn message(parts: &[Json]) -> String {
    let mut out = String::new();
    write_json(&mut out, &Json::Array(parts.to_vec()));
    out
}

fn write_json(out: &mut String, value: &Json) {
    match value {
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json(out, item);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_json(out, &Json::String(key.clone()));
                out.push_str(": ");
                write_json(out, item);
            }
            out.push('}');
        }
        Json::String(text) => write_string(out, text),
        other => out.push_str(&other.to_string()),
    }
}

/// A text as it stands within a message.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out[1..out.len() - 1].to_owned()
}

/// Python escapes everything beyond ASCII as UTF-16 code units.
fn write_string(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// A message with the operation that it belongs to, in the last object of its list. An empty one stays empty.
fn marked(message: &str, operation: &str) -> String {
    message.strip_suffix("}]").map_or_else(
        || message.to_owned(),
        |open| format!("{open}, {}: {}}}]", Json::from(MARK), Json::from(operation)),
    )
}

/// Writes the entries of an operation in the name of a portal account. A content type that is not registered is NULL; a portal
/// without the admin's table has no log.
///
/// # Errors
/// What the engine says.
pub async fn write(
    tx: &mut Tx,
    schema: &Schema,
    account: i64,
    (operation, now): (&str, DateTime<Utc>),
    entries: &[Entry],
) -> Result<(), DbError> {
    if entries.is_empty() || !schema.tables.contains_key("django_admin_log") {
        return Ok(());
    }
    let mut types = BTreeMap::new();
    for row in tx.all(Sql::new("SELECT app_label, model, id FROM django_content_type")).await? {
        types.insert((row.text(0)?, row.text(1)?), row.int(2)?);
    }
    for entry in entries {
        let content_type = types.get(&(entry.model.0.to_owned(), entry.model.1.to_owned())).copied();
        let sql = Sql::new(
            "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, \
             content_type_id, user_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(now)
        .bind(entry.object_id.to_string())
        .bind(entry.repr.as_str())
        .bind(entry.flag)
        .bind(marked(&entry.message, operation))
        .bind(content_type)
        .bind(account);
        tx.execute(sql).await?;
    }
    Ok(())
}
