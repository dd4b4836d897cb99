//! `stats`

use chrono::Utc;
use serde_json::{Value, json};

use super::table::pairs;
use super::{Work, args, json};
use crate::directory::levels::{self, Access};
use crate::directory::stats::months::Months;
use crate::directory::stats::{self, Part, Stats};
use crate::error::Result;
use crate::integrity::{self, Report, SMALL, Severity, report};

/// `portaldesk stats`: findings too where a scan takes no time, or was asked for.
///
/// # Errors
/// What the engine says.
pub(super) async fn show(work: &mut Work, wanted: &args::Stats) -> Result<u8> {
    let stats = stats::read(&work.portal, Utc::now()).await?;
    let report = if wanted.scan || stats.counts.users <= SMALL {
        let meter = work.output.meter();
        let scanned = integrity::scan(&work.portal, &[], meter.tell().as_ref()).await;
        meter.end();
        Some(scanned?)
    } else {
        None
    };
    let item = item(&stats, report.as_ref());
    work.output.result(&json::one("stats", &item), || in_words(&stats, report.as_ref()))?;
    Ok(0)
}

fn item(stats: &Stats, report: Option<&Report>) -> Value {
    let parts = |parts: &[Part]| -> Vec<Value> {
        parts.iter().map(|part| json!({"id": part.id, "name": part.name, "members": part.users})).collect()
    };
    let access = |access: &Access| json!({"access": levels::name(access.role), "users": access.users});
    let months = |months: &Months| -> Vec<Value> {
        months
            .months
            .iter()
            .map(|(month, users)| json!({"month": month.to_string(), "users": users}))
            .collect()
    };
    let findings = |report: &Report| -> Vec<Value> {
        let of = |severity: Severity| json!({"severity": severity.name(), "findings": report.kinds(severity), "rows": report.count(severity)});
        Severity::ALL.into_iter().map(of).collect()
    };
    json!({
        "users": stats.counts.users,
        "active_users": stats.counts.active_users,
        "superusers": stats.counts.superusers,
        "staff": stats.counts.staff,
        "cannot_sign_in": stats.sign_in.cannot,
        "never_signed_in": stats.counts.never_signed_in,
        "profiles": stats.counts.profiles,
        "one_to_one": stats.counts.one_to_one,
        "roles": stats.counts.roles,
        "without_department": stats.departments.without,
        "groups": parts(&stats.groups),
        "departments": parts(&stats.departments.parts),
        "access": stats.access.iter().map(access).collect::<Vec<_>>(),
        "joined": {
            "months": months(&stats.joined),
            "before": stats.joined.before,
            "after": stats.joined.after,
        },
        "last_login": {
            "months": months(&stats.last_login),
            "before": stats.last_login.before,
            "after": stats.last_login.after,
            "never": stats.last_login.never,
        },
        "findings": report.map(findings),
    })
}

fn in_words(stats: &Stats, report: Option<&Report>) -> String {
    let counts = &stats.counts;
    let one_to_one = if counts.one_to_one { "one each" } else { "not one each" };
    let lines = [
        ("users", counts.users.to_string()),
        ("active", counts.active_users.to_string()),
        ("superusers", counts.superusers.to_string()),
        ("staff", counts.staff.to_string()),
        ("can't sign in", stats.sign_in.cannot.to_string()),
        ("never signed in", counts.never_signed_in.to_string()),
        ("profiles", format!("{}, {one_to_one}", counts.profiles)),
        ("without department", stats.departments.without.to_string()),
    ];
    let mut lines: Vec<(String, String)> =
        lines.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    let mut say =
        |what: &str, name: &str, users: i64| lines.push((format!("{what} {name}"), users.to_string()));
    for part in &stats.groups {
        say("group", &part.name, part.users);
    }
    for part in &stats.departments.parts {
        say("department", &part.name, part.users);
    }
    for access in &stats.access {
        say("access", &access.label(), access.users);
    }
    for (what, months) in [("joined", &stats.joined), ("last web login", &stats.last_login)] {
        for (month, users) in months.months.iter().filter(|(_, users)| *users > 0) {
            say(what, &month.to_string(), *users);
        }
        if let Some((first, _)) = months.months.last().filter(|_| months.before > 0) {
            say(what, &format!("before {first}"), months.before);
        }
        if months.after > 0 {
            say(what, "in the future", months.after);
        }
    }
    if let Some(report) = report {
        lines.push(("findings".to_owned(), report::verdict(report)));
    }
    pairs(lines)
}
