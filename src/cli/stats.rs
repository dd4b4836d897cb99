//! `stats`

use serde_json::{Value, json};

use super::table::pairs;
use super::{Work, json};
use crate::directory::stats::{self, Stats};
use crate::error::Result;

/// `portaldesk stats`
///
/// # Errors
/// What the engine says.
pub(super) async fn show(work: &mut Work) -> Result<u8> {
    let stats = stats::read(&work.portal).await?;
    work.output.result(&json::one("stats", &item(&stats)), || in_words(&stats))?;
    Ok(0)
}

fn item(stats: &Stats) -> Value {
    let named = |counts: &[(String, i64)]| -> Vec<Value> {
        counts.iter().map(|(name, members)| json!({"name": name, "members": members})).collect()
    };
    json!({
        "users": stats.users,
        "active_users": stats.active_users,
        "superusers": stats.superusers,
        "staff": stats.staff,
        "never_signed_in": stats.never_signed_in,
        "profiles": stats.profiles,
        "without_department": stats.without_department,
        "groups": named(&stats.groups),
        "departments": named(&stats.departments),
    })
}

fn in_words(stats: &Stats) -> String {
    let counts = [
        ("users", stats.users),
        ("active", stats.active_users),
        ("superusers", stats.superusers),
        ("staff", stats.staff),
        ("never signed in", stats.never_signed_in),
        ("profiles", stats.profiles),
        ("without department", stats.without_department),
    ];
    let mut lines: Vec<(String, String)> =
        counts.into_iter().map(|(name, count)| (name.to_owned(), count.to_string())).collect();
    let named = |what: &str, (name, members): &(String, i64)| (format!("{what} {name}"), members.to_string());
    lines.extend(stats.groups.iter().map(|count| named("group", count)));
    lines.extend(stats.departments.iter().map(|count| named("department", count)));
    pairs(lines)
}
