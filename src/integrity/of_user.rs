//! What is wrong with one account: only the checks that are about single accounts, and only this one's rows. It takes as
//! long with a million accounts as with ten.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::db::{Sql, own};
use crate::directory::Portal;
use crate::error::{Kind, Result};

use super::baseline;
use super::check::{Check, Class, Finding, Found, Subject};
use super::scan::{Report, lack};

/// A report about this account alone. A check that lacks a table or a right says nothing here; a scan names it.
///
/// # Errors
/// What the engine says.
pub async fn of_user(portal: &Portal, user: i64) -> Result<Report> {
    let started = Instant::now();
    let at = own::now(&mut portal.db.clone()).await?;
    let profiles = profiles(portal, user).await?;
    let mut report = Report {
        findings: Vec::new(),
        accepted: Vec::new(),
        skipped: Vec::new(),
        checked: Vec::new(),
        users: 1,
        elapsed: Duration::ZERO,
        at,
    };
    for check in super::CHECKS {
        let about = check.about();
        let candidates = check.of_user(user, &profiles);
        let runs = about.engines.contains(&portal.dialect()) && lack(&portal.schema, about).is_none();
        if candidates.is_empty() || !runs {
            continue;
        }
        let rows = match check.rows(portal, &candidates).await {
            Ok(rows) => rows,
            Err(error) if error.kind == Kind::Denied => continue,
            Err(error) => return Err(error),
        };
        report.checked.push(about.id);
        let found: BTreeSet<Subject> = rows.into_iter().map(|row| row.subject).collect();
        for subject in found.into_iter().filter(|subject| candidates.contains(subject)) {
            let class = class_of(portal, *check, subject).await?;
            let known = report
                .findings
                .iter_mut()
                .find(|finding| (finding.id(), finding.class()) == (about.id, class));
            if let Some(finding) = known {
                finding.found.subjects.push(subject);
                finding.found.count += 1;
            } else if let Some(found) = Found::each(about, class, vec![subject]) {
                report.findings.push(Finding { check: *check, found });
            }
        }
    }
    baseline::split(portal, &mut report).await?;
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    report.elapsed = started.elapsed();
    Ok(report)
}

/// The ids of a user's profiles; none where the portal has no such table.
async fn profiles(portal: &Portal, user: i64) -> Result<Vec<i64>> {
    if !portal.schema.has("core_userprofile", "user_id") || !portal.schema.has("core_userprofile", "id") {
        return Ok(Vec::new());
    }
    let sql = Sql::new("SELECT id FROM core_userprofile WHERE user_id = ? ORDER BY id").bind(user);
    let rows = portal.db.all(sql).await?;
    Ok(rows.iter().map(|row| row.int(0)).collect::<std::result::Result<_, _>>()?)
}

/// Who decides about this subject: asked of its repair, because nothing was scanned.
async fn class_of(portal: &Portal, check: &dyn Check, subject: Subject) -> Result<Class> {
    match check.parts(portal, &[subject]).await {
        Ok(parts) if parts.is_empty() => {}
        // Something else has to be repaired first.
        Ok(_) => return Ok(Class::Automatic),
        Err(error) if error.kind == Kind::Conflict => return Ok(Class::Automatic),
        Err(error) => return Err(error),
    }
    let decision = check.decision(portal, subject).await?;
    Ok(if decision.is_some() { Class::Choose } else { Class::Manual })
}
