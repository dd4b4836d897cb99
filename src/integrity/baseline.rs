//! The baseline: findings that someone accepted, with the reason, for everyone and until a day.
//!
//! What is accepted is a subject of a check. It stays in the database, so that every program and every administrator
//! sees the same; a scan shows it apart, doesn't count it and nothing repairs it until it is taken back or expires.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::change::rights;
use crate::db::own::{self, BaselineRow, NewBaseline};
use crate::db::{Db, DbError, DbErrorKind, Failure, Tx};
use crate::directory::Portal;
use crate::error::{Error, Result};
use crate::portal::access::{Action, Roles, allowed};

use super::check::{Finding, Found, Subject};
use super::scan::{Report, Skipped};

/// The most characters that a reason may have.
pub const LONGEST_REASON: usize = 1000;

/// A finding that someone accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its number, by which it is taken back.
    pub id: i64,
    /// The check; one of a newer version may not be known here.
    pub check: String,
    /// What was found; nothing where a newer version names it in another way.
    pub subject: Option<Subject>,
    /// Why it was accepted: unsafe to print.
    pub reason: String,
    /// Who accepted it: unsafe to print.
    pub by: String,
    /// When, by the database's clock.
    pub made: DateTime<Utc>,
    /// Until when; for good where there is none.
    pub until: Option<DateTime<Utc>>,
    /// It no longer holds: what it was about counts again.
    pub expired: bool,
}

impl Accepted {
    fn read(row: BaselineRow, now: DateTime<Utc>) -> Self {
        Self {
            id: row.id,
            check: row.check_id,
            subject: row.finding.parse().ok(),
            reason: row.reason,
            by: row.actor,
            made: row.made,
            until: row.until,
            expired: row.until.is_some_and(|until| until <= now),
        }
    }
}

/// The part of a finding that was accepted at once.
#[derive(Debug, Clone)]
pub struct AcceptedFinding {
    /// What was found.
    pub finding: Finding,
    /// The numbers by which it is taken back, one a subject.
    pub ids: Vec<i64>,
    /// As in [`Accepted`].
    pub reason: String,
    /// As in [`Accepted`].
    pub by: String,
    /// As in [`Accepted`].
    pub made: DateTime<Utc>,
    /// As in [`Accepted`].
    pub until: Option<DateTime<Utc>>,
}

/// Everything that was accepted, the oldest first, expired or not; nothing where our tables are not there.
///
/// # Errors
/// What the engine says.
pub async fn list(portal: &Portal) -> Result<Vec<Accepted>> {
    if !portal.schema.has_own_tables() {
        return Ok(Vec::new());
    }
    let now = own::now(&mut portal.db.clone()).await?;
    let rows = own::baseline(&portal.db).await?;
    Ok(rows.into_iter().map(|row| Accepted::read(row, now)).collect())
}

/// Accepts what a check found of these subjects; what was said of them before no longer holds. It takes the right to
/// repair. Gives what stands in the baseline now.
///
/// # Errors
/// Invalid, when there is no such check, nothing to accept, no reason, or the day is over; denied; what the engine says.
pub async fn accept(
    portal: &Portal,
    check: &str,
    subjects: &[Subject],
    reason: &str,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<Accepted>> {
    let Some(check) = super::check(check) else {
        return Err(Error::invalid(format!("There is no check '{check}'; nothing was accepted.")));
    };
    let (id, reason) = (check.about().id, reason_of(reason)?);
    if subjects.is_empty() {
        return Err(Error::invalid(format!("Nothing of {id} was named; nothing was accepted.")));
    }
    writable(portal)?;
    let findings: Vec<String> = subjects.iter().map(Subject::to_string).collect();
    let (by, count, why) = (portal.actor.name(), findings.len(), reason.clone());
    let actor = by.clone();
    write(portal, move |tx| {
        let (findings, reason, actor) = (findings.clone(), reason.clone(), actor.clone());
        Box::pin(async move {
            let now = own::now(tx).await?;
            if until.is_some_and(|until| until <= now) {
                let why = "The day until which it is to be accepted is over already; nothing was accepted.";
                return Err(Error::invalid(why).and_field("until", why).into());
            }
            let (findings, reason, actor) = (findings.as_slice(), reason.as_str(), actor.as_str());
            let new = NewBaseline { check_id: id, findings, reason, actor, made: now, until };
            Ok(own::accept(tx, &new).await?)
        })
    })
    .await?;
    let (unix, reason) = (&portal.actor.unix_user, why);
    tracing::info!(check = id, count, by, unix, reason, ?until, "findings accepted");
    let mut now = list(portal).await?;
    now.retain(|accepted| accepted.check == id && accepted.subject.is_some_and(|it| subjects.contains(&it)));
    Ok(now)
}

/// Takes back what was accepted under these numbers, so that it counts again; what that was. It takes the right to
/// repair.
///
/// # Errors
/// Invalid, when one of them is not there: then nothing was taken back; denied; what the engine says.
pub async fn take_back(portal: &Portal, ids: &[i64]) -> Result<Vec<Accepted>> {
    writable(portal)?;
    let mut all: BTreeMap<i64, Accepted> =
        list(portal).await?.into_iter().map(|accepted| (accepted.id, accepted)).collect();
    let mut found = Vec::new();
    for id in ids {
        match all.remove(id) {
            Some(accepted) => found.push(accepted),
            None if found.iter().any(|accepted: &Accepted| accepted.id == *id) => {}
            None => {
                return Err(Error::invalid(format!(
                    "Nothing was accepted under number {id}; nothing was taken back."
                )));
            }
        }
    }
    let gone: Vec<i64> = found.iter().map(|accepted| accepted.id).collect();
    write(portal, move |tx| {
        let gone = gone.clone();
        Box::pin(async move { Ok(own::take_back(tx, &gone).await.map(drop)?) })
    })
    .await?;
    let (by, unix) = (portal.actor.name(), &portal.actor.unix_user);
    for accepted in &found {
        let subject = accepted.subject.map(|subject| subject.to_string());
        tracing::info!(check = accepted.check, subject, by, unix, "an accepted finding counts again");
    }
    Ok(found)
}

fn reason_of(reason: &str) -> Result<String> {
    let reason = reason.trim();
    let why = match reason.chars().count() {
        0 => "Say why it is accepted, for those who come after; nothing was accepted.".to_owned(),
        n if n > LONGEST_REASON => {
            format!("The reason has {n} characters, {LONGEST_REASON} at most; nothing was accepted.")
        }
        _ => return Ok(reason.to_owned()),
    };
    Err(Error::invalid(why.clone()).and_field("reason", why))
}

fn writable(portal: &Portal) -> Result<()> {
    portal.writer().map(drop)
}

/// Writes our own table for someone who may repair, whose rights are read in the same transaction.
async fn write<F>(portal: &Portal, work: F) -> Result<()>
where
    F: for<'a> Fn(&'a mut Tx) -> futures_util::future::BoxFuture<'a, std::result::Result<(), Failure>>
        + Send
        + Sync
        + 'static,
{
    let db: &Db = &portal.db;
    let (roles, actor) = (portal.roles.clone(), portal.actor.account.as_ref().map(|account| account.id));
    let work = std::sync::Arc::new(work);
    db.transaction(move |tx| {
        let (roles, work) = (roles.clone(), work.clone());
        Box::pin(async move {
            may(tx, &roles, actor).await?;
            work(tx).await
        })
    })
    .await?;
    Ok(())
}

/// On the command line, where nobody is signed in, nobody is asked.
async fn may(tx: &mut Tx, roles: &Roles, actor: Option<i64>) -> std::result::Result<(), Failure> {
    let Some(actor) = actor else { return Ok(()) };
    rights::hold(tx, actor).await?;
    let Some(facts) = rights::actor(tx, roles, actor).await? else {
        return Err(Error::denied("Your account does not exist any more; nothing was written.").into());
    };
    allowed(&facts, &Action::Repair)
        .map_err(|why| Error::denied(format!("{why} Nothing was written.")).into())
}

/// Takes what was accepted, and still is, out of the findings of a report and puts it beside them.
///
/// # Errors
/// What the engine says. A baseline that may not be read is named among what was skipped, and everything counts.
pub(super) async fn split(portal: &Portal, report: &mut Report) -> Result<()> {
    if report.findings.is_empty() || !portal.schema.has_own_tables() {
        return Ok(());
    }
    let rows = match own::baseline(&portal.db).await {
        Ok(rows) => rows,
        Err(DbError { kind: DbErrorKind::Denied, message, .. }) => {
            report.skipped.push(Skipped { id: "baseline", why: message });
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let in_force: Vec<Accepted> = rows
        .into_iter()
        .map(|row| Accepted::read(row, report.at))
        .filter(|accepted| !accepted.expired)
        .collect();
    let mut by_finding: HashMap<(&str, Subject), &Accepted> = HashMap::new();
    for accepted in &in_force {
        if let Some(subject) = accepted.subject {
            by_finding.insert((accepted.check.as_str(), subject), accepted);
        }
    }
    if by_finding.is_empty() {
        return Ok(());
    }
    for finding in std::mem::take(&mut report.findings) {
        let (kept, accepted) = parted(portal, finding, &by_finding).await?;
        report.findings.extend(kept);
        report.accepted.extend(accepted);
    }
    Ok(())
}

/// What of a finding still counts, and what of it was accepted, by what was said of it.
async fn parted(
    portal: &Portal,
    finding: Finding,
    by_finding: &HashMap<(&str, Subject), &Accepted>,
) -> Result<(Option<Finding>, Vec<AcceptedFinding>)> {
    type Said<'a> = (DateTime<Utc>, &'a str, &'a str, Option<DateTime<Utc>>);
    let mut kept = Vec::new();
    let mut groups: BTreeMap<Said<'_>, (Vec<Subject>, Vec<i64>)> = BTreeMap::new();
    for subject in &finding.found.subjects {
        match by_finding.get(&(finding.id(), *subject)) {
            Some(said) => {
                let group = groups.entry((said.made, &said.by, &said.reason, said.until)).or_default();
                group.0.push(*subject);
                group.1.push(said.id);
            }
            None => kept.push(*subject),
        }
    }
    if groups.is_empty() {
        return Ok((Some(finding), Vec::new()));
    }
    let mut accepted = Vec::with_capacity(groups.len());
    for ((made, by, reason, until), (subjects, ids)) in groups {
        accepted.push(AcceptedFinding {
            finding: part_of(portal, &finding, subjects).await?,
            ids,
            reason: reason.to_owned(),
            by: by.to_owned(),
            made,
            until,
        });
    }
    let kept = if kept.is_empty() { None } else { Some(part_of(portal, &finding, kept).await?) };
    Ok((kept, accepted))
}

async fn part_of(portal: &Portal, finding: &Finding, subjects: Vec<Subject>) -> Result<Finding> {
    let count = if subjects.len() == finding.found.subjects.len() {
        finding.count()
    } else {
        finding.check.decisions(portal, &subjects).await?
    };
    Ok(Finding { check: finding.check, found: Found { count, subjects, ..finding.found.clone() } })
}
