//! `user list` and `user show`.

use serde_json::{Value, json};

use super::args::{Chosen, Order, UserList};
use super::lines::Lines;
use super::table::pairs;
use super::{Work, json, lockouts, time};
use crate::config::TimeZone;
use crate::directory::Portal;
use crate::directory::filter::{self, Filter};
use crate::directory::listed::{self, Listed, item};
use crate::directory::permissions::{self, Catalogue, Holding, Moved, Path};
use crate::directory::record::{self, Record};
use crate::directory::referring::Referring;
use crate::directory::saved_filters;
use crate::directory::users::{self, Column, Query};
use crate::error::Result;

/// How many accounts are read at once.
const PAGE: usize = 500;

const HEADINGS: [&str; 7] = ["username", "name", "e-mail", "department", "access", "last web login", "state"];

/// Prints accounts as they are read, so that a million of them take no more memory than a page.
///
/// # Errors
/// What the engine says.
pub(super) async fn list(work: &mut Work, list: &UserList) -> Result<u8> {
    let query = query(&work.portal, list).await?;
    let total = users::count(&work.portal, &query).await?;
    let mut left = list.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut lines = Lines::begin(&mut work.output, "users", &HEADINGS)?;
    let mut after = None;
    while left > 0 {
        let places = users::places_after(&work.portal, &query, after, left.min(PAGE)).await?;
        let ids: Vec<i64> = places.iter().map(users::Place::id).collect();
        let accounts = listed::read(&work.portal, &ids).await?;
        lines.add(&mut work.output, &accounts, item, |account| row(&work.portal, work.zone, account))?;
        left -= places.len();
        after = places.into_iter().next_back();
        if after.is_none() {
            break;
        }
    }
    lines.end(&mut work.output, total)
}

async fn query(portal: &Portal, list: &UserList) -> Result<Query> {
    let mut filter = chosen_filter(portal, &list.chosen).await?;
    for word in &list.words {
        filter = filter.and(filter::read(portal, &filter::shell_word(word)).await?);
    }
    Ok(Query { filter, sort: column(list.sort), descending: list.descending })
}

/// The accounts that a command is about.
///
/// # Errors
/// Usage, with the part of the filter that is wrong, or the saved filters that there are; what the engine says.
pub(super) async fn chosen_filter(portal: &Portal, chosen: &Chosen) -> Result<Filter> {
    match &chosen.saved {
        Some(name) => saved_filters::named(portal, name).await,
        None => filter::read(portal, chosen.filter.as_deref().unwrap_or_default()).await,
    }
}

pub(super) const fn column(order: Order) -> Column {
    match order {
        Order::Username => Column::Username,
        Order::Name => Column::Name,
        Order::Email => Column::Email,
        Order::Department => Column::Department,
        Order::Access => Column::Access,
        Order::LastLogin => Column::LastLogin,
        Order::Joined => Column::Joined,
        Order::State => Column::State,
    }
}

fn row(portal: &Portal, zone: TimeZone, account: &Listed) -> [String; 7] {
    let user = &account.user;
    let department = account.profile.as_ref().and_then(|(_, department)| department.clone());
    let mut state = Vec::new();
    if !user.is_active {
        state.push("inactive");
    }
    if account.profile.is_none() && portal.has_table("core_userprofile") {
        state.push("no profile");
    }
    if account.password_algorithm.as_deref() == Some("unusable") {
        state.push("no password");
    }
    [
        user.username.clone(),
        user.full_name(),
        user.email.clone(),
        department.unwrap_or_default(),
        account.access().unwrap_or_default().to_owned(),
        user.last_login.map(|login| time::shown(login, zone)).unwrap_or_default(),
        state.join(", "),
    ]
}

/// Prints one account.
///
/// # Errors
/// Invalid, when there is no such account; what the engine says.
pub(super) async fn show(work: &mut Work, name: &str) -> Result<u8> {
    let id = users::find(&work.portal, name).await?;
    let record = record::read(&work.portal, id).await?;
    let catalogue = Catalogue::read(&work.portal).await?;
    let holding = permissions::holding(&work.portal, id).await?;
    let text = in_words(work, &record, &catalogue.direct(&holding));
    let refers = |it: &Referring| json!({"table": it.table, "column": it.column, "rows": it.rows});
    let referring: Value = record.referring.iter().map(refers).collect();
    let lockouts: Vec<Value> = record.lockouts.iter().map(lockouts::of_account).collect();
    let mut whole = item(&Listed::from(record));
    whole["permissions"] = json!(catalogue.direct(&holding));
    whole["effective_permissions"] = effective(&catalogue, &holding);
    whole["referring"] = referring;
    whole["lockouts"] = json!(lockouts);
    work.output.result(&json::one("user", &whole), || text)?;
    Ok(0)
}

/// `[{"permission", "through": ["direct", "group:Engineer", "superuser"]}]`
fn effective(catalogue: &Catalogue, holding: &Holding) -> Value {
    let told = |(permission, paths): &Moved<'_>| {
        let through: Vec<String> = paths.iter().map(Path::name).collect();
        json!({"permission": permission.label(), "through": through})
    };
    catalogue.effective(holding).iter().map(told).collect()
}

fn in_words(work: &Work, record: &Record, direct: &[String]) -> String {
    let user = &record.user;
    let when = |time: Option<_>, never: &str| {
        time.map_or_else(|| never.to_owned(), |time| time::shown(time, work.zone))
    };
    let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    let groups: Vec<&str> = record.groups.iter().map(|group| group.name.as_str()).collect();
    let sign_in = match &record.sign_in {
        why if why.can_sign_in() => "yes".to_owned(),
        why => format!("no: {}", why.in_words()),
    };
    let permissions = match record.permissions {
        _ if user.is_superuser => "every permission, as superuser".to_owned(),
        count => count.to_string(),
    };
    let mut lines = vec![
        ("username", format!("{} (#{})", user.username, user.id)),
        ("name", user.full_name()),
        ("e-mail", user.email.clone()),
        ("access", record.access().unwrap_or("none").to_owned()),
        ("groups", groups.join(", ")),
        ("permissions", permissions),
        ("direct permissions", direct.join(", ")),
        ("staff", yes(user.is_staff)),
        ("can sign in", sign_in),
        ("password", record.password.clone()),
        ("joined", when(user.date_joined, "unknown")),
        ("last web login", when(user.last_login, "never")),
    ];
    for lockout in &record.lockouts {
        lines.push(("wrong tries here", lockout.in_words(|at| time::shown(at, work.zone))));
    }
    lines.extend(record.sign_in.cautions.iter().map(|caution| ("but", caution.message.clone())));
    lines.extend(record.referring_in_words().into_iter().map(|words| ("elsewhere", words)));
    if record.profiles.is_empty() && work.portal.has_table("core_userprofile") {
        lines.push(("profile", "none (PRF-001)".to_owned()));
    }
    for (profile, department) in &record.profiles {
        lines.push(("department", department.clone().unwrap_or_default()));
        lines.push(("phone number", profile.phone_number.clone().unwrap_or_default()));
        lines.push(("main portal id", profile.main_portal_id.clone().unwrap_or_default()));
        lines.push(("e-mail notifications", yes(profile.email_notifications)));
    }
    pairs(lines)
}
