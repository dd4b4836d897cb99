//! Repairs as plans: packed from the parts that the checks give, at most 500 rows each and whole subjects together, and
//! made one at a time from rows read then, so that memory doesn't grow with their number.

use std::collections::{BTreeSet, VecDeque};

use futures_util::future::BoxFuture;

use crate::change::{MOST_ROWS, Plan, Plans, Purpose, Step, Value};
use crate::db::Dialect;
use crate::directory::Portal;
use crate::error::{Error, Result};

use super::check::{About, Check, Class, Finding, Part, Subject};
use super::decision::Answers;

/// What to repair of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Everything that is automatic.
    All,
    /// Of these checks, by id.
    Ids(Vec<String>),
    /// These subjects of one check: the marked ones.
    Subjects(&'static str, BTreeSet<Subject>),
}

impl Selection {
    /// The subjects of a finding that are selected and can be repaired without a choice.
    fn of(&self, finding: &Finding) -> Vec<Subject> {
        if finding.class() != Class::Automatic {
            return Vec::new();
        }
        let subjects = &finding.found.subjects;
        match self {
            Self::All => subjects.clone(),
            Self::Ids(ids) if ids.iter().any(|id| id.eq_ignore_ascii_case(finding.id())) => subjects.clone(),
            Self::Subjects(id, marked) if *id == finding.id() => {
                subjects.iter().filter(|subject| marked.contains(subject)).copied().collect()
            }
            Self::Ids(_) | Self::Subjects(..) => Vec::new(),
        }
    }
}

/// Subjects whose repair is still to be planned.
struct Batch {
    check: &'static dyn Check,
    subjects: Vec<Subject>,
}

/// The plans of a repair, to be given to [`crate::change::Writer::run`].
///
/// A plan that is refused comes again in halves, so that in the end only what really can't be repaired is refused.
pub struct Repairs {
    portal: Portal,
    batches: VecDeque<Batch>,
    /// How many subjects there are.
    planned: u64,
    /// What the last plan was made for.
    last: Option<Batch>,
    /// Subjects too large for one plan, in words, and why.
    too_large: Vec<(String, Error)>,
    done: usize,
}

/// The automatic repairs of what is selected among these findings, in the order of a full repair. Nothing is read before
/// the first plan is asked for.
#[must_use]
pub fn repairs(portal: &Portal, findings: &[Finding], selection: &Selection) -> Repairs {
    let mut chosen: Vec<(&'static dyn Check, Vec<Subject>)> = findings
        .iter()
        .map(|finding| (finding.check, selection.of(finding)))
        .filter(|(_, subjects)| !subjects.is_empty())
        .collect();
    chosen.sort_by_key(|(check, _)| (check.about().stage, check.about().id));
    let mut batches = VecDeque::new();
    for (check, subjects) in chosen {
        let at_once = (MOST_ROWS / check.about().rows_each.max(1)).max(1);
        let parts = subjects.chunks(at_once);
        batches.extend(parts.map(|part| Batch { check, subjects: part.to_vec() }));
    }
    let planned = batches.iter().map(|batch| batch.subjects.len() as u64).sum();
    Repairs { portal: portal.clone(), batches, planned, last: None, too_large: Vec::new(), done: 0 }
}

impl Repairs {
    /// How many subjects were repaired, once no more plans come.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Plans a batch. What doesn't fit any more goes back to the front of the queue and is read again.
    async fn plan(&mut self, batch: Batch) -> Result<Option<Plan>> {
        let about = batch.check.about();
        let mut plan = Plan { purpose: Purpose::Repair, ..Plan::default() };
        let dialect = self.portal.db.dialect();
        let mut titles = Vec::new();
        let (mut planned, mut rest) = (Vec::new(), Vec::new());
        for part in batch.check.parts(&self.portal, &batch.subjects).await? {
            if part.steps.len() > MOST_ROWS {
                self.too_large.push(too_large(about, &part));
            } else if plan.steps.len() + part.steps.len() > MOST_ROWS || !go_together(&plan, &part, dialect) {
                rest.push(part.subject);
            } else if !part.steps.is_empty() {
                planned.push(part.subject);
                if titles.is_empty() {
                    titles.push(part.title.clone());
                }
                append(&mut plan, part);
            }
        }
        if !rest.is_empty() {
            self.batches.push_front(Batch { check: batch.check, subjects: rest });
        }
        if planned.is_empty() {
            return Ok(None);
        }
        plan.title = match (planned.len(), titles.pop()) {
            (1, Some(title)) => format!("{}: {title}", about.id),
            (count, _) => format!("{}: repair {count} × {}", about.id, about.title),
        };
        self.last = Some(Batch { check: batch.check, subjects: planned });
        Ok(Some(plan))
    }
}

impl Plans for Repairs {
    fn planned(&self) -> Option<u64> {
        Some(self.planned)
    }

    fn weight(&self) -> u64 {
        self.last.as_ref().map_or(1, |batch| batch.subjects.len() as u64)
    }

    fn left_out(&mut self) -> Vec<(String, Error)> {
        std::mem::take(&mut self.too_large)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move {
            self.done += self.last.take().map_or(0, |batch| batch.subjects.len());
            while let Some(batch) = self.batches.pop_front() {
                if let Some(plan) = self.plan(batch).await? {
                    return Ok(Some(plan));
                }
            }
            Ok(None)
        })
    }

    fn comes_again(&mut self) -> bool {
        let Some(Batch { check, mut subjects }) = self.last.take() else { return false };
        if subjects.len() < 2 {
            return false;
        }
        let second = subjects.split_off(subjects.len() / 2);
        self.batches.push_front(Batch { check, subjects: second });
        self.batches.push_front(Batch { check, subjects });
        true
    }
}

fn too_large(about: &About, part: &Part) -> (String, Error) {
    let title = format!("{}: {}", about.id, part.title);
    let why = format!(
        "This takes {} rows, and at most {MOST_ROWS} are written together; nothing was written.",
        part.steps.len()
    );
    (title, Error::conflict(why))
}

/// Whether a part can follow what is in the plan: what must stand alone does.
fn go_together(plan: &Plan, part: &Part, dialect: Dialect) -> bool {
    plan.steps.is_empty() || !plan.steps.iter().chain(&part.steps).any(|step| step.stands_alone(dialect))
}

/// Appends a part, whose references to new ids count from its own first step.
fn append(plan: &mut Plan, part: Part) {
    let offset = plan.steps.len();
    for mut step in part.steps {
        if let Step::Insert { values: pairs, .. } | Step::Update { set: pairs, .. } = &mut step {
            for (_, value) in pairs {
                if let Value::NewId(index) = value {
                    *index += offset;
                }
            }
        }
        plan.push(step);
    }
    for requirement in part.require {
        if !plan.require.contains(&requirement) {
            plan.require.push(requirement);
        }
    }
}

/// The plans that repairing what is selected would begin with, of at most about `limit` subjects. Nothing is written.
///
/// # Errors
/// What the engine says; a conflict, when something else has to be repaired first.
pub async fn preview(
    portal: &Portal,
    findings: &[Finding],
    selection: &Selection,
    limit: usize,
) -> Result<Vec<Plan>> {
    let mut repairs = repairs(portal, findings, selection);
    let (mut plans, mut seen) = (Vec::new(), 0);
    while seen < limit {
        if let Some(batch) = repairs.batches.front_mut() {
            let rest = batch.subjects.split_off(batch.subjects.len().min(limit - seen));
            let check = batch.check;
            if !rest.is_empty() {
                repairs.batches.insert(1, Batch { check, subjects: rest });
            }
        }
        let Some(plan) = repairs.next().await? else { break };
        seen += repairs.last.as_ref().map_or(1, |batch| batch.subjects.len());
        plans.push(plan);
    }
    Ok(plans)
}

/// The plans of what somebody decided about one subject; nothing where it is repaired already. Each is applied by itself,
/// in this order.
///
/// # Errors
/// Invalid, naming the questions, when an answer is missing or none of the choices; a conflict, when something else has
/// to be repaired first or it takes too many rows; what the engine says.
pub async fn decide(
    portal: &Portal,
    check: &'static dyn Check,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Plan>> {
    let Some(decision) = check.decision(portal, subject).await? else { return Ok(Vec::new()) };
    decision.check(answers)?;
    let about = check.about();
    let mut plans = Vec::new();
    for part in check.decided(portal, subject, answers).await? {
        if part.steps.len() > MOST_ROWS {
            return Err(too_large(about, &part).1);
        }
        let title = format!("{}: {}", about.id, part.title);
        let mut plan = Plan { purpose: Purpose::Repair, title, ..Plan::default() };
        append(&mut plan, part);
        plans.push(plan);
    }
    Ok(plans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Cell;

    #[test]
    fn new_ids_count_from_the_first_step_of_their_part() {
        let mut plan = Plan::default();
        let part = || Part {
            subject: Subject::of(1),
            title: String::new(),
            steps: vec![
                Step::Insert { table: "auth_group".into(), values: Vec::new(), adopt: None },
                Step::Insert {
                    table: "auth_user_groups".into(),
                    values: vec![
                        ("group_id".into(), Value::NewId(0)),
                        ("user_id".into(), Value::Cell(Cell::Int(1))),
                    ],
                    adopt: None,
                },
            ],
            require: Vec::new(),
        };
        append(&mut plan, part());
        append(&mut plan, part());
        assert_eq!(plan.steps[1].value("group_id"), Some(&Value::NewId(0)));
        assert_eq!(plan.steps[3].value("group_id"), Some(&Value::NewId(2)));
    }
}
