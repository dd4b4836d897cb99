//! A run: plans under one id, one after the other. One plan and ten thousand go the same way, and memory doesn't grow
//! with their number.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::db::schema::Schema;
use crate::db::{Cancel, Db, own};
use crate::error::{Error, Kind, Result};
use crate::portal::access::Roles;

use super::actor::Actor;
use super::admin_log::Written;
use super::apply::{self, Order, Place};
use super::plan::{Plan, Purpose};
use super::undo::{self, OldPassword};
use super::unsettled::Unsettled;
use super::{guard, superusers};

/// Where plans come from, one at a time.
pub trait Plans: Send {
    /// How many there will be, where that is known.
    fn planned(&self) -> Option<u64>;
    /// The next one, made from rows read now; nothing when there are no more.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>>;
    /// Told that the plan just given was refused. True when it comes again in smaller pieces, so that one row that
    /// can't be written doesn't hold up the others; then the refusal is not reported.
    fn comes_again(&mut self) -> bool {
        false
    }
    /// The plans that are made already. Guards look at all of them before the first is applied.
    fn made(&self) -> &[Plan] {
        &[]
    }
}

/// Plans that are all made already.
pub struct Ready(std::vec::IntoIter<Plan>);

impl Ready {
    /// These, in this order.
    #[must_use]
    pub fn new(plans: Vec<Plan>) -> Self {
        Self(plans.into_iter())
    }
}

impl Plans for Ready {
    fn planned(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move { Ok(self.0.next()) })
    }

    fn made(&self) -> &[Plan] {
        self.0.as_slice()
    }
}

/// Plans of which none is given after one was refused.
struct UntilRefused {
    plans: Ready,
    refused: bool,
}

impl Plans for UntilRefused {
    fn planned(&self) -> Option<u64> {
        self.plans.planned()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        if self.refused { Box::pin(async { Ok(None) }) } else { self.plans.next() }
    }

    fn made(&self) -> &[Plan] {
        self.plans.made()
    }

    fn comes_again(&mut self) -> bool {
        self.refused = true;
        false
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Plans applied.
    pub done: u64,
    /// Plans refused.
    pub refused: u64,
    /// Plans in all, where that is known.
    pub planned: Option<u64>,
}

/// Who watches a run and may stop it between two plans.
#[derive(Clone, Default)]
pub struct Watch {
    /// Stops the run after the plan under way.
    pub cancel: Cancel,
    /// Told after every plan.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The run's id; nothing when nothing was written.
    pub run: Option<String>,
    /// The operations, oldest first.
    pub operations: Vec<String>,
    /// How many rows of portal tables were written.
    pub rows: u64,
    /// The plans that were refused, by title, and why.
    pub refused: Vec<(String, Error)>,
    /// It was stopped before its end.
    pub stopped: bool,
    /// The rows of the last plan: what a single action wrote.
    pub written: Vec<Written>,
    /// What became of earlier operations whose outcome was unknown until now, a sentence each.
    pub settled: Vec<String>,
}

impl Outcome {
    /// The operation's id of a single action, the run's id otherwise: what `undo` takes.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        match self.operations.as_slice() {
            [only] => Some(only),
            _ => self.run.as_deref(),
        }
    }
}

/// Writes to the portal's tables: the only way to do so.
#[derive(Clone)]
pub struct Writer {
    /// The database.
    pub db: Db,
    /// Its catalogue.
    pub schema: Arc<Schema>,
    /// The role groups.
    pub roles: Arc<Roles>,
    /// Who writes.
    pub actor: Arc<Actor>,
    /// What has to be known before anything is written.
    pub unsettled: Arc<Unsettled>,
}

impl Writer {
    /// Applies one plan as a run of its own. A plan without steps writes nothing.
    ///
    /// # Errors
    /// Why it was refused; then nothing was written. [`Kind::Unknown`] when that can't be told.
    pub async fn apply(&self, plan: Plan) -> Result<Outcome> {
        let title = plan.title.clone();
        let outcome = self.run(&title, &mut Ready::new(vec![plan]), &Watch::default()).await?;
        match outcome.refused.into_iter().next() {
            Some((_, error)) => Err(after(&outcome.settled, error)),
            None => Ok(Outcome { refused: Vec::new(), ..outcome }),
        }
    }

    /// Applies plan after plan. One that is refused is reported and left out; the others go on. Where an earlier
    /// operation's outcome is unknown, that is settled first.
    ///
    /// # Errors
    /// Denied, when guards refuse one of those that are made already, or all of them together: then nothing was written.
    /// What stops everything: no connection, an unknown outcome. When plans were applied before, the error is
    /// [`Kind::Interrupted`] or [`Kind::Unknown`] and names the run.
    pub async fn run(&self, title: &str, plans: &mut dyn Plans, watch: &Watch) -> Result<Outcome> {
        let settled = self.unsettled.settle(&self.db).await?;
        match self.run_settled(title, plans, watch).await {
            Ok(outcome) => Ok(Outcome { settled, ..outcome }),
            Err(error) => Err(after(&settled, error)),
        }
    }

    async fn run_settled(&self, title: &str, plans: &mut dyn Plans, watch: &Watch) -> Result<Outcome> {
        let run = Uuid::now_v7().to_string();
        let planned = plans.planned();
        // A single one is asked when it is applied.
        if plans.made().len() > 1 {
            self.check(plans.made()).await?;
        }
        let mut outcome = Outcome::default();
        let mut progress = Progress { planned, ..Progress::default() };
        loop {
            let plan = match plans.next().await {
                Ok(Some(plan)) => plan,
                Ok(None) => break,
                Err(error) => return Err(self.give_up(&run, error, &mut outcome).await),
            };
            if watch.cancel.is_requested() {
                outcome.stopped = true;
                break;
            }
            if plan.steps.is_empty() {
                continue;
            }
            let place = Place {
                run: run.clone(),
                seq: i64::try_from(outcome.operations.len() + 1).unwrap_or(i64::MAX),
                title: title.to_owned(),
                kind: kind(plan.purpose).to_owned(),
                planned: planned.and_then(|count| i64::try_from(count).ok()),
            };
            let plan_title = plan.title.clone();
            match self.apply_in(place, plan).await {
                Ok(applied) => {
                    outcome.run = Some(run.clone());
                    outcome.rows += applied.written.len() as u64;
                    outcome.operations.push(applied.operation);
                    outcome.written = applied.written;
                    progress.done += 1;
                }
                Err(error) if matches!(error.kind, Kind::Unreachable | Kind::Unknown | Kind::Bug) => {
                    return Err(self.give_up(&run, error, &mut outcome).await);
                }
                Err(_) if plans.comes_again() => {}
                Err(error) => {
                    outcome.refused.push((plan_title, error));
                    progress.refused += 1;
                }
            }
            if let Some(tell) = &watch.progress {
                tell(progress);
            }
        }
        if planned != Some(1) && outcome.run.is_some() {
            self.end(&run, &outcome).await;
        }
        Ok(outcome)
    }

    /// Applies plans that only make sense together. When one is refused, or the run is stopped, what was written before
    /// it is taken back by a run of its own.
    ///
    /// # Errors
    /// Why it was refused; then everything is as before. [`Kind::Interrupted`], naming the run, when a part stands.
    pub async fn all_or_nothing(&self, title: &str, mut plans: Vec<Plan>, watch: &Watch) -> Result<Outcome> {
        plans.retain(|plan| !plan.steps.is_empty());
        if plans.len() < 2 {
            return self.apply(plans.pop().unwrap_or_else(|| Plan::new(title))).await;
        }
        let mut plans = UntilRefused { plans: Ready::new(plans), refused: false };
        let outcome = self.run(title, &mut plans, watch).await?;
        let why = match outcome.refused.first() {
            Some((_, error)) => error.clone(),
            None if outcome.stopped => Error::new(Kind::Interrupted, "Stopped before the end."),
            None => return Ok(outcome),
        };
        self.take_back(title, &outcome, why).await
    }

    /// Undoes what a refused run wrote, and gives the error that refused it.
    async fn take_back(&self, title: &str, outcome: &Outcome, why: Error) -> Result<Outcome> {
        let Some(run) = &outcome.run else { return Err(why) };
        let undo = undo::plan(&self.db, &self.schema, run, OldPassword::WorksAgain).await?;
        let mut left = undo.left;
        let undone =
            self.run(&format!("Undo: {title}"), &mut Ready::new(undo.plans), &Watch::default()).await?;
        left.extend(undone.refused.into_iter().map(|(_, error)| error.message));
        if left.is_empty() {
            let message = format!("{why} What was written before that was taken back.");
            return Err(Error { message, ..why });
        }
        let left = left.join("; ");
        Err(Error::new(
            Kind::Interrupted,
            format!("{why} What was written before that could not all be taken back: {left}"),
        )
        .about(run))
    }

    /// Asks the guards about plans without writing anything, so that a person learns of a refusal before the review. The
    /// answer is of now: it is asked again when they are applied.
    ///
    /// # Errors
    /// Denied, with the reason; what the engine says.
    pub async fn check(&self, plans: &[Plan]) -> Result<()> {
        let (plans, roles) = (Arc::new(plans.to_vec()), Arc::clone(&self.roles));
        let account = self.actor.account.as_ref().map(|account| account.id);
        let checked = self.db.rehearsal(move |tx| {
            let (plans, roles) = (Arc::clone(&plans), Arc::clone(&roles));
            Box::pin(async move {
                for plan in plans.iter() {
                    guard::check_rights(tx, &roles, account, plan).await?;
                }
                superusers::check_all(tx, &plans).await
            })
        });
        Ok(checked.await?)
    }

    /// What stops a run, in words that say what stands.
    async fn give_up(&self, run: &str, error: Error, outcome: &mut Outcome) -> Error {
        let away = matches!(error.kind, Kind::Unreachable | Kind::Unknown);
        if !away && outcome.run.is_some() {
            outcome.stopped = true;
            self.end(run, outcome).await;
        }
        stopped_by(error, outcome)
    }

    async fn apply_in(&self, place: Place, plan: Plan) -> Result<apply::Applied> {
        let order = Order {
            schema: Arc::clone(&self.schema),
            roles: Arc::clone(&self.roles),
            actor: Arc::clone(&self.actor),
            plan,
            place,
            operation: Uuid::now_v7().to_string(),
        };
        let order = Arc::new(order);
        let applied = apply::apply(&self.db, Arc::clone(&order)).await;
        if let Err(Error { kind: Kind::Unknown, .. }) = applied {
            self.unsettled.add(&self.db, &order.operation, &order.plan);
        }
        applied
    }

    /// Notes how a run ended. What it wrote stands whether or not that succeeds.
    async fn end(&self, run: &str, outcome: &Outcome) {
        let run = run.to_owned();
        let state = if outcome.stopped { "stopped" } else { "done" };
        let refused = i64::try_from(outcome.refused.len()).unwrap_or(i64::MAX);
        let noted = self
            .db
            .transaction(move |tx| {
                let run = run.clone();
                Box::pin(async move {
                    let now = own::now(tx).await?;
                    Ok(own::end_run(tx, &run, state, refused, now).await?)
                })
            })
            .await;
        if let Err(error) = noted {
            let error = Error::from(error);
            tracing::warn!(%error, "how a run ended could not be noted");
        }
    }
}

pub(super) fn kind(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Edit => "edit",
        Purpose::Repair => "repair",
        Purpose::Undo => "undo",
    }
}

/// The error, behind what else there is to know.
fn after(settled: &[String], error: Error) -> Error {
    if settled.is_empty() {
        return error;
    }
    Error { message: format!("{} {}", settled.join(" "), error.message), ..error }
}

fn stopped_by(error: Error, outcome: &Outcome) -> Error {
    let Some(run) = outcome.operation() else { return error };
    if error.kind == Kind::Unknown {
        return error;
    }
    Error::new(
        Kind::Interrupted,
        format!(
            "Stopped after {} of the changes, which stand; the rest was not written: {error}",
            outcome.operations.len()
        ),
    )
    .about(run)
}
