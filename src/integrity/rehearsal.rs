//! Tries a repair before it is applied: what it writes, what is left of the finding, and what other checks would find
//! because of it. Everything is rolled back.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

use crate::change::{Plan, Step, Written, Wrote};
use crate::db::schema::Schema;
use crate::db::{Db, Sql};
use crate::directory::Portal;
use crate::error::{Kind, Result};

use super::CHECKS;
use super::check::{Check, Finding};
use super::scan::{Report, scan_checks};

/// How many rows of a table a plan writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rows {
    /// New ones.
    pub added: usize,
    /// Those with other values.
    pub changed: usize,
    /// Those that go.
    pub removed: usize,
}

/// What another check finds because of the plan, or more of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The check.
    pub id: &'static str,
    /// What it finds.
    pub title: &'static str,
    /// How many more than before.
    pub more: usize,
}

/// What a plan did when it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rehearsal {
    /// Why it couldn't be tried, or what refused it, in words; then nothing else is known.
    pub refused: Option<String>,
    /// Of how many parts, each a transaction of its own, it was the first.
    pub parts: usize,
    /// The rows it writes, by table.
    pub rows: BTreeMap<String, Rows>,
    /// How many counters it raises.
    pub counters: usize,
    /// How many statements alter a table.
    pub altered: usize,
    /// How many decisions the checks concerned found before.
    pub before: usize,
    /// How many they find afterwards.
    pub after: usize,
    /// What others find because of it.
    pub brought: Vec<Brought>,
}

/// Above so many users only the checks concerned are asked: all that read a table take too long while its rows are locked.
const MOST_USERS: i64 = 50_000;

/// Tries the first of the plans of a repair, where anything can be written; nothing where there is none. That it is refused
/// is an answer like another.
///
/// # Errors
/// That the database is away, or that it was cancelled.
pub async fn rehearse_first(
    portal: &Portal,
    plans: &[Plan],
    checks: &[&'static dyn Check],
) -> Result<Option<Rehearsal>> {
    let (Some(plan), true) = (plans.first(), portal.read_only.is_none()) else { return Ok(None) };
    match rehearse(portal, plan, checks).await {
        Ok(rehearsal) => Ok(Some(Rehearsal { parts: plans.len(), ..rehearsal })),
        Err(error) if matches!(error.kind, Kind::Unreachable | Kind::Interrupted | Kind::Unknown) => {
            Err(error)
        }
        Err(error) => Ok(Some(Rehearsal::refused(format!("Rehearsed, and refused: {error}")))),
    }
}

/// Tries a plan and says what these checks, the ones that it repairs, find afterwards. The others that read the tables it
/// writes are asked too, on a portal that is not too large. It takes as long as these checks do, twice; rows stay locked meanwhile, and on SQLite nobody else
/// writes. Nothing of it remains, except that ids which were handed out on a server are not handed out again.
///
/// # Errors
/// Why applying the plan would be refused; what the engine says; that it was cancelled.
pub async fn rehearse(portal: &Portal, plan: &Plan, checks: &[&'static dyn Check]) -> Result<Rehearsal> {
    let writer = portal.writer()?;
    if !writer.can_rehearse(plan) {
        let why = "This can't be rehearsed: on MySQL it commits by itself.";
        return Ok(Rehearsal::refused(why.to_owned()));
    }
    let mut asked = checks.to_vec();
    if portal.count(Sql::new("SELECT COUNT(*) FROM auth_user")).await? <= MOST_USERS {
        asked.extend(others(plan, checks));
    }
    let before = scan_checks(portal, &asked, None).await?;
    let altered = !plan.steps.iter().all(Step::writes_a_row);
    let of = portal.clone();
    let look = move |db: Db| -> BoxFuture<'static, Result<Report>> {
        let (portal, asked) = (of.clone(), asked.clone());
        Box::pin(async move {
            let db = db.stopping_with(&portal.db);
            let schema =
                if altered { Arc::new(Schema::read(&db).await?) } else { Arc::clone(&portal.schema) };
            scan_checks(&Portal { db, schema, ..portal }, &asked, None).await
        })
    };
    let (written, after) = writer.rehearse(plan.clone(), look).await?;
    let ids: Vec<&str> = checks.iter().map(|check| check.about().id).collect();
    let mut rehearsal = Rehearsal {
        before: count(&before.findings, |id| ids.contains(&id)),
        after: count(&after.findings, |id| ids.contains(&id)),
        brought: brought(&before, &after, &ids),
        parts: 1,
        ..Rehearsal::default()
    };
    for written in &written {
        rehearsal.note(written);
    }
    Ok(rehearsal)
}

/// The checks that read a table which the plan writes, these aside.
fn others(plan: &Plan, checks: &[&'static dyn Check]) -> Vec<&'static dyn Check> {
    let concerned = |check: &&'static dyn Check| {
        let about = check.about();
        !about.deep
            && !checks.iter().any(|own| own.about().id == about.id)
            && about.needs.iter().any(|(table, _)| plan.steps.iter().any(|step| step.table() == *table))
    };
    CHECKS.iter().copied().filter(concerned).collect()
}

fn count(findings: &[Finding], is_it: impl Fn(&str) -> bool) -> usize {
    findings.iter().filter(|finding| is_it(finding.id())).map(Finding::count).sum()
}

fn brought(before: &Report, after: &Report, own: &[&str]) -> Vec<Brought> {
    let mut brought: Vec<Brought> = Vec::new();
    for finding in &after.findings {
        let id = finding.id();
        if own.contains(&id) || brought.iter().any(|known| known.id == id) {
            continue;
        }
        let of = |report: &Report| count(&report.findings, |found| found == id);
        let more = of(after).saturating_sub(of(before));
        if more > 0 {
            brought.push(Brought { id, title: finding.title(), more });
        }
    }
    brought
}

impl Rehearsal {
    fn refused(why: String) -> Self {
        Self { refused: Some(why), parts: 1, ..Self::default() }
    }

    fn note(&mut self, written: &Written) {
        match written.what {
            Wrote::Counter => self.counters += 1,
            Wrote::Ddl => self.altered += 1,
            Wrote::Row => {
                let rows = self.rows.entry(written.table.clone()).or_default();
                match (&written.before, &written.after) {
                    (None, _) => rows.added += 1,
                    (Some(_), Some(_)) => rows.changed += 1,
                    (Some(_), None) => rows.removed += 1,
                }
            }
        }
    }

    /// For people, in a sentence or two: "Rehearsed: 2 rows added, nothing else changes, 0 findings of this kind remain."
    #[must_use]
    pub fn words(&self) -> String {
        if let Some(refused) = &self.refused {
            return refused.clone();
        }
        let sum = |of: fn(&Rows) -> usize| self.rows.values().map(of).sum::<usize>();
        let mut parts = Vec::new();
        for (count, one, many) in [
            (sum(|rows| rows.added), "row added", "rows added"),
            (sum(|rows| rows.changed), "row changed", "rows changed"),
            (sum(|rows| rows.removed), "row removed", "rows removed"),
            (self.counters, "counter raised", "counters raised"),
            (self.altered, "table altered", "tables altered"),
        ] {
            match count {
                0 => {}
                1 => parts.push(format!("1 {one}")),
                _ => parts.push(format!("{count} {many}")),
            }
        }
        parts.push(if parts.is_empty() { "nothing changes" } else { "nothing else changes" }.to_owned());
        parts.push(match self.after {
            1 => "1 finding of this kind remains".to_owned(),
            after => format!("{after} findings of this kind remain"),
        });
        let brought: Vec<String> = self
            .brought
            .iter()
            .map(|brought| format!(" {} then finds {} more: {}.", brought.id, brought.more, brought.title))
            .collect();
        let of = if self.parts > 1 { format!(" (the first of {} parts)", self.parts) } else { String::new() };
        format!("Rehearsed{of}: {}.{}", parts.join(", "), brought.concat())
    }

    /// As in the JSON of a dry run.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let rows = self.rows.iter().map(|(table, rows)| {
            json!({ "table": table, "added": rows.added, "changed": rows.changed, "removed": rows.removed })
        });
        let brought = self.brought.iter().map(|brought| json!({ "id": brought.id, "count": brought.more }));
        json!({
            "rehearsed": self.refused.is_none(),
            "words": self.words(),
            "rows": rows.collect::<Vec<_>>(),
            "counters": self.counters,
            "altered": self.altered,
            "before": self.before,
            "after": self.after,
            "brought": brought.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_in_a_sentence() {
        let rows = |added, changed, removed| Rows { added, changed, removed };
        let mut rehearsal = Rehearsal { before: 3, ..Rehearsal::default() };
        assert_eq!(rehearsal.words(), "Rehearsed: nothing changes, 0 findings of this kind remain.");
        rehearsal.rows.insert("core_userprofile".to_owned(), rows(2, 0, 0));
        assert_eq!(
            rehearsal.words(),
            "Rehearsed: 2 rows added, nothing else changes, 0 findings of this kind remain."
        );
        rehearsal.rows.insert("auth_user".to_owned(), rows(0, 1, 2));
        rehearsal.after = 1;
        rehearsal.brought = vec![Brought { id: "GRP-005", title: "groups without permissions", more: 1 }];
        assert_eq!(
            rehearsal.words(),
            "Rehearsed: 2 rows added, 1 row changed, 2 rows removed, nothing else changes, 1 finding of this kind \
             remains. GRP-005 then finds 1 more: groups without permissions."
        );
        rehearsal.parts = 3;
        assert!(rehearsal.words().starts_with("Rehearsed (the first of 3 parts): 2 rows added, "));
        let rehearsal = Rehearsal::refused("This can't be rehearsed.".to_owned());
        assert_eq!(rehearsal.words(), "This can't be rehearsed.");
        assert_eq!(rehearsal.to_json()["rehearsed"], false);
    }
}
