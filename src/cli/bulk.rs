//! Many accounts at once: `--filter` of the commands that change accounts.

use std::path::Path;

use serde_json::{Value, json};

use super::args::{Chosen, UserEdit};
use super::change::{Whole, complete};
use super::setup::agreed;
use super::users::chosen_filter;
use super::{Work, prompt, runs};
use crate::change::Outcome;
use crate::directory::bulk::{self, Ahead, Change, Extent};
use crate::directory::users::{self, Query};
use crate::directory::{departments, groups};
use crate::error::{Error, Result};

/// Above so many rows the count has to be typed.
const MOST_BY_YES: u64 = 10;

/// Does one thing to all accounts that a filter lets through: shows what that would mean, asks, and does it as one run.
///
/// # Errors
/// Usage, when the filter is wrong or there is nobody to ask and no `--yes`; denied, when the answer is no; the refusal,
/// when nothing was written; interrupted, naming the run, when some were refused or it was stopped.
pub(super) async fn run(work: &mut Work, chosen: &Chosen, change: &Change, dry_run: bool) -> Result<u8> {
    let ids = ids(work, chosen).await?;
    let mut ahead = bulk::look_ahead(&work.portal, change, &ids).await?;
    if dry_run {
        ahead.rehearse(&work.portal).await?;
        return show(work, &ahead, &Outcome::default(), true);
    }
    if !ahead.ids.is_empty() {
        work.portal.writer()?;
        for line in ahead.words() {
            work.output.talk(&line);
        }
        if !work.global.yes {
            confirm(work, &ahead)?;
        }
    }
    let meter = work.output.meter();
    let outcome = bulk::begin(&work.portal, &ahead, Extent::All, &meter.watch(&work.cancel)).await;
    meter.end();
    let outcome = outcome?;
    if outcome.stopped {
        return Err(runs::stopped(work, outcome.run.as_deref().unwrap_or_default()).await);
    }
    if let (true, Some((title, error))) = (outcome.operations.is_empty(), outcome.refused.first()) {
        let more = match outcome.refused.len() - 1 {
            0 => String::new(),
            more => format!(" {more} more are refused too."),
        };
        return Err(Error {
            message: format!("{title}: {error}{more} Nothing was written."),
            ..error.clone()
        });
    }
    show(work, &ahead, &outcome, false)?;
    complete(&outcome).map(|()| 0)
}

/// The accounts that are chosen.
async fn ids(work: &Work, chosen: &Chosen) -> Result<Vec<i64>> {
    let filter = chosen_filter(&work.portal, chosen).await?;
    if filter.is_open() {
        return Err(Error::usage("the filter is empty, which is everybody; nothing was written"));
    }
    let query = Query { filter, ..Query::default() };
    users::ids(&work.portal, &query).await
}

/// Asks for a yes; for the count to be typed where many rows or something grave are at stake.
fn confirm(work: &Work, ahead: &Ahead) -> Result<()> {
    let count = ahead.count();
    if ahead.rows <= MOST_BY_YES && !ahead.change.is_grave() {
        return agreed(&format!("{}?", ahead.title), &work.global);
    }
    let question = format!("{}: type the number of users to do it", ahead.title);
    if prompt::line(&question, "--yes")?.trim().replace(' ', "") == count.to_string() {
        return Ok(());
    }
    Err(Error::denied("That is not their number; nothing was written."))
}

/// Says what was done, or would be.
fn show(work: &mut Work, ahead: &Ahead, outcome: &Outcome, dry_run: bool) -> Result<u8> {
    let whole = Whole {
        title: ahead.title.clone(),
        rows: ahead.rows,
        is_nothing: ahead.ids.is_empty(),
        facts: facts(ahead),
        words: ahead.words(),
        first: &ahead.first,
    };
    work.report_whole(&whole, outcome, dry_run)
}

/// What a look ahead found, for scripts.
fn facts(ahead: &Ahead) -> Value {
    let counts = |counts: Option<(i64, i64)>| counts.map(|(before, after)| json!([before, after]));
    let refused: Vec<Value> = ahead
        .refused
        .iter()
        .map(|(title, why)| json!({"title": title, "kind": why.kind.name(), "message": why.message}))
        .collect();
    let effects = &ahead.effects;
    json!({
        "title": ahead.title,
        "asked": ahead.asked,
        "change": ahead.count(),
        "already": ahead.already,
        "gone": ahead.gone,
        "refused": refused,
        "lose_sign_in": effects.lose_sign_in,
        "empty_departments": effects.emptied,
        "superusers": counts(effects.superusers),
        "admins": counts(effects.admins),
    })
}

/// The change that the options of `user edit` ask for.
///
/// # Errors
/// Usage, when that is none, or one that is not for many accounts; invalid, when a name is unknown.
pub(super) async fn change_of(work: &Work, edit: &UserEdit) -> Result<Change> {
    let fields = &edit.fields;
    let one_only = [
        (edit.username.is_some(), "--username"),
        (fields.first_name.is_some(), "--first-name"),
        (fields.last_name.is_some(), "--last-name"),
        (fields.email.is_some(), "--email"),
        (fields.phone_number.is_some(), "--phone-number"),
        (fields.main_portal_id.is_some(), "--main-portal-id"),
        (edit.set_groups.is_some(), "--set-groups"),
        (edit.set_permissions.is_some(), "--set-permissions"),
        (!edit.permission.is_empty(), "--permission"),
        (!edit.remove_permission.is_empty(), "--remove-permission"),
        (fields.superuser || edit.no_superuser, "--superuser"),
    ];
    if let Some((_, option)) = one_only.iter().find(|(given, _)| *given) {
        return Err(Error::usage(format!(
            "{option} is for one account, not for all that a filter lets through"
        )));
    }
    let mut changes = Vec::new();
    for name in &fields.group {
        changes.push(Change::AddGroup(groups::find(&work.portal, name).await?));
    }
    for name in &edit.remove_group {
        changes.push(Change::RemoveGroup(groups::find(&work.portal, name).await?));
    }
    match fields.department.as_deref().map(str::trim) {
        None => {}
        Some("") => changes.push(Change::SetDepartment(None)),
        Some(name) => {
            let id = departments::find(&work.portal, name).await?;
            changes.push(Change::SetDepartment(Some(id)));
        }
    }
    for (given, change) in [
        (edit.no_department, Change::SetDepartment(None)),
        (fields.staff, Change::Staff(true)),
        (edit.no_staff, Change::Staff(false)),
        (fields.inactive, Change::Deactivate),
        (edit.active, Change::Activate),
        (fields.no_email_notifications, Change::Notifications(false)),
        (edit.email_notifications, Change::Notifications(true)),
    ] {
        changes.extend(given.then_some(change));
    }
    match changes.len() {
        0 => Err(Error::usage(
            "nothing to change: give --group, --remove-group, --department, --no-department, --staff, --no-staff, --active, \
             --inactive, --email-notifications or --no-email-notifications",
        )),
        1 => Ok(changes.remove(0)),
        _ => Ok(Change::Several(changes)),
    }
}

/// New passwords for all that a filter lets through.
///
/// # Errors
/// Usage, when they are not to be generated, or into no file.
pub(super) fn passwords(generate: bool, to: Option<&Path>) -> Result<Change> {
    match to {
        Some(to) if generate => Ok(Change::GeneratePasswords { to: to.to_owned() }),
        _ => Err(Error::usage("with --filter give --password-generate and --passwords-to FILE")),
    }
}
