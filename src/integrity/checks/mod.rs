//! The checks, one a file, each with its repair; and the few look-ups that they share.

pub mod admin_without_flags;
mod answered;
pub mod auto_increment_behind;
pub mod backward_times;
pub mod blank_value;
pub mod broken_password;
pub mod cheap_password;
pub mod collations;
mod content_types;
pub mod counter_near_end;
pub mod damage;
pub mod department_names;
pub mod double_links;
pub mod duplicate_profiles;
pub mod email_addresses;
pub mod foreign_keys;
pub mod foreign_rows;
pub mod future_time;
pub mod ghost_rights;
pub mod group_ghosts;
pub mod group_without_permissions;
pub mod inactive_department;
pub mod inherited_id;
pub mod legacy_unique;
mod links;
pub mod log_entries;
mod log_names;
pub mod log_objects;
pub mod long_text;
pub mod lost_department;
pub mod lost_permission;
mod merged_profile;
pub mod migration_records;
pub mod missing_group;
pub mod missing_permissions;
pub mod missing_profile;
pub mod names_unique;
pub mod no_role;
pub mod no_superuser;
pub mod odd_bool;
pub mod odd_id;
pub mod odd_sequence;
pub mod odd_storage;
pub mod odd_time;
pub mod open_password;
pub mod orphan_profile;
mod people;
pub mod portal_id_twins;
pub mod profile_unique;
mod reference;
pub mod renamed_role;
pub mod schema_drift;
pub mod sequence_behind;
pub mod shared_password;
pub mod single_superuser;
pub mod stale_content_types;
mod stored_passwords;
pub mod superuser_locked_out;
pub mod superuser_not_staff;
pub mod superuser_outside;
pub mod table_engines;
pub mod triggers;
pub mod unclean_text;
pub mod unused_account;
pub mod username_pattern;
pub mod username_twins;

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Image;
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use super::check::Subject;

/// Values in one IN list.
pub(super) const AT_ONCE: usize = 500;

/// The ids of subjects of this place.
fn ids(subjects: &[Subject], place: u32) -> Vec<i64> {
    subjects.iter().filter(|subject| subject.place == place).map(|subject| subject.id).collect()
}

/// The keys of rows with these ids.
fn keys(ids: &[i64]) -> Vec<Image> {
    ids.iter().copied().map(Image::id).collect()
}

/// The usernames of these accounts; those that do not exist are left out.
pub(super) async fn usernames(portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
    let mut names = BTreeMap::new();
    for part in ids.chunks(AT_ONCE) {
        let sql =
            Sql::new("SELECT id, username FROM auth_user WHERE id IN (").list(part.iter().copied()).push(")");
        for row in portal.db.all(sql).await? {
            names.insert(row.int(0)?, row.text(1)?);
        }
    }
    Ok(names)
}

/// Which of these ids a query finds; it ends with the column that is to have one of them.
async fn existing(
    portal: &Portal,
    query: &'static str,
    ids: impl IntoIterator<Item = i64>,
) -> Result<BTreeSet<i64>> {
    let ids: Vec<i64> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = BTreeSet::new();
    for part in ids.chunks(AT_ONCE) {
        for row in portal.db.all(Sql::new(query).among(part.iter().copied())).await? {
            found.insert(row.int(0)?);
        }
    }
    Ok(found)
}

/// Which of these ids a table has. A table that is not there has none.
async fn there(portal: &Portal, table: &str, ids: impl IntoIterator<Item = i64>) -> Result<BTreeSet<i64>> {
    let ids: Vec<i64> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = BTreeSet::new();
    let Some(table) = portal.schema.table(table) else { return Ok(found) };
    for part in ids.chunks(AT_ONCE) {
        let sql = Sql::new("SELECT id FROM ").ident(&table.name).push(" WHERE id");
        for row in portal.db.all(sql.among(part.iter().copied())).await? {
            found.insert(row.int(0)?);
        }
    }
    Ok(found)
}

/// A name that is safe to print, in quotes so that its ends can be seen.
pub(super) fn quoted(name: &str) -> String {
    format!("'{}'", text::safe(name))
}

/// What a profile holds, for people: everything but its ids and times that is not empty.
fn contents(image: &Image) -> String {
    let labels = [
        ("phone_number", "phone"),
        ("main_portal_id", "portal id"),
        ("department_id", "department"),
        ("email_notifications", "notifications"),
    ];
    let parts: Vec<String> = labels
        .into_iter()
        .filter_map(|(column, label)| Some((label, image.get(column)?)))
        .filter(|(_, cell)| !is_blank(cell))
        .map(|(label, cell)| match cell {
            Cell::Bool(on) => format!("{label} {}", if *on { "on" } else { "off" }),
            Cell::Int(id) if label == "department" => format!("{label} #{id}"),
            cell => format!("{label} {}", cell.show()),
        })
        .collect();
    if parts.is_empty() { "nothing in it".to_owned() } else { parts.join(", ") }
}

/// Whose a profile is: the name of the account in quotes, or which one is missing.
fn whose(profile: &Image, username: Option<&str>) -> String {
    match (username, profile.get("user_id")) {
        (Some(name), _) => quoted(name),
        (None, None | Some(Cell::Null)) => "no user".to_owned(),
        (None, Some(user)) => format!("missing user #{}", user.show()),
    }
}

/// NULL, the empty text, or Unicode white space only.
fn is_blank(cell: &Cell) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}
