//! A run: plans under one id, one after the other. One plan and ten thousand go the same way, and memory doesn't grow
//! with their number.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::db::schema::Schema;
use crate::db::{Db, own};
use crate::error::{Error, Kind, Result};
use crate::portal::access::Roles;

use super::actor::Actor;
use super::admin_log::Written;
use super::apply::{self, Order, Place};
use super::hold::{Hold, Opening};
use super::plan::Plan;
use super::progress::{Progress, Watch};
use super::undo::{self, OldPassword};
use super::unsettled::Unsettled;
use super::{guard, superusers};

/// Where plans come from, one at a time.
pub trait Plans: Send {
    /// How much there is in all, where that is known: plans, unless they [weigh](Self::weight) otherwise. It may change
    /// as more is found.
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
    /// For how many of the [planned](Self::planned) the plan just given counts.
    fn weight(&self) -> u64 {
        1
    }
    /// What could not be planned, by title, and why; told once.
    fn left_out(&mut self) -> Vec<(String, Error)> {
        Vec::new()
    }
    /// Whether no more plans come although there is more to do: the run then counts as stopped, and can be gone on with.
    fn is_paused(&self) -> bool {
        false
    }
    /// How much was done of what, once no more plans come.
    fn tally(&self) -> Vec<Tally> {
        Vec::new()
    }
}

/// How much was done of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The kind: the id of a check, or `users`.
    pub of: &'static str,
    /// How many decisions that settled, or how many were written.
    pub count: usize,
}

/// Plans that are all made already.
pub struct Ready {
    plans: std::vec::IntoIter<Plan>,
    planned: u64,
}

impl Ready {
    /// These, in this order.
    #[must_use]
    pub fn new(plans: Vec<Plan>) -> Self {
        Self { planned: plans.len() as u64, plans: plans.into_iter() }
    }
}

impl Plans for Ready {
    fn planned(&self) -> Option<u64> {
        Some(self.planned)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move { Ok(self.plans.next()) })
    }

    fn made(&self) -> &[Plan] {
        self.plans.as_slice()
    }
}

/// Plans of which none is given after one was refused, or could not be made: the run is stopped there.
pub struct UntilRefused {
    title: String,
    plans: Box<dyn Plans>,
    refused: bool,
    failed: Option<Error>,
}

impl UntilRefused {
    /// These plans, of a run of this title.
    #[must_use]
    pub fn new(title: &str, plans: Box<dyn Plans>) -> Self {
        Self { title: title.to_owned(), plans, refused: false, failed: None }
    }
}

impl Plans for UntilRefused {
    fn planned(&self) -> Option<u64> {
        self.plans.planned()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move {
            if self.refused {
                return Ok(None);
            }
            match self.plans.next().await {
                // What was written before has to be taken back, as after a refusal.
                Err(error) if !is_away(&error) && error.kind != Kind::Interrupted => {
                    self.refused = true;
                    self.failed = Some(error);
                    Ok(None)
                }
                next => next,
            }
        })
    }

    fn made(&self) -> &[Plan] {
        self.plans.made()
    }

    fn weight(&self) -> u64 {
        self.plans.weight()
    }

    fn comes_again(&mut self) -> bool {
        self.refused = true;
        false
    }

    fn left_out(&mut self) -> Vec<(String, Error)> {
        self.failed.take().map(|error| (self.title.clone(), error)).into_iter().collect()
    }

    fn is_paused(&self) -> bool {
        self.refused
    }
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
    /// How much was done of what.
    pub tally: Vec<Tally>,
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
        // A single one is asked when it is applied.
        if plans.made().len() > 1 {
            self.check(plans.made()).await?;
        }
        let mut course = Course::new(title);
        let driven = self.drive(&mut course, None, plans, watch).await;
        let noted = match &driven {
            Ok(()) if course.planned == Some(1) => None,
            Ok(()) => Some(if course.outcome.stopped { "stopped" } else { "done" }),
            Err(error) if is_away(error) => None,
            Err(_) => Some("stopped"),
        };
        if let Some(state) = noted
            && course.outcome.run.is_some()
        {
            self.end(&course, state).await;
        }
        match driven {
            Ok(()) => Ok(course.outcome),
            Err(error) => Err(stopped_by(error, &course, course.outcome.operation().unwrap_or(&course.run))),
        }
    }

    /// Applies plan after plan within a run that was [opened](Self::open) or [taken up](Self::take_up).
    ///
    /// # Errors
    /// As [`Self::run`]; where a part of the run stands, [`Kind::Interrupted`] or [`Kind::Unknown`].
    pub async fn run_held(&self, hold: Hold, plans: &mut dyn Plans, watch: &Watch) -> Result<Outcome> {
        let settled = self.unsettled.settle(&self.db).await?;
        let (seq, done) = hold.before();
        let mut course =
            Course { run: hold.run().to_owned(), seq, done, before: done, ..Course::new(hold.title()) };
        let driven = self.drive(&mut course, Some(&hold), plans, watch).await;
        let refused = course.outcome.refused.len() as u64;
        match driven {
            Ok(()) => {
                hold.end(if course.outcome.stopped { "stopped" } else { "done" }, refused).await;
                Ok(Outcome { settled, ..course.outcome })
            }
            Err(error) => {
                let error = after(&settled, stopped_by(error, &course, hold.run()));
                if !hold.is_ours().await {
                    hold.forsake();
                } else if !is_away(&error) {
                    hold.end("stopped", refused).await;
                }
                Err(error)
            }
        }
    }

    /// Applies plan after plan, until there are no more or it is stopped.
    async fn drive(
        &self,
        course: &mut Course,
        hold: Option<&Hold>,
        plans: &mut dyn Plans,
        watch: &Watch,
    ) -> Result<()> {
        loop {
            let next = match hold {
                Some(hold) => hold.keep(plans.next()).await,
                None => plans.next().await,
            };
            let plan = match next {
                Ok(Some(plan)) => plan,
                Ok(None) => {
                    course.outcome.stopped = plans.is_paused();
                    break;
                }
                Err(error) if is_stopped(&error, watch) => {
                    course.outcome.stopped = true;
                    break;
                }
                Err(error) => return Err(error),
            };
            if watch.cancel.is_requested() {
                course.outcome.stopped = true;
                break;
            }
            if plan.steps.is_empty() {
                continue;
            }
            let weight = plans.weight();
            course.planned = plans.planned().map(|planned| planned + course.before);
            let plan_title = plan.title.clone();
            match self.apply_in(course.place(weight, hold.is_some()), plan).await {
                Ok(applied) => course.count(applied, weight),
                Err(error) if is_away(&error) || error.kind == Kind::Bug => return Err(error),
                Err(error) if is_stopped(&error, watch) => {
                    course.outcome.stopped = true;
                    break;
                }
                Err(error) if error.kind == Kind::Busy && is_lost(hold).await => return Err(error),
                Err(_) if plans.comes_again() => {}
                Err(error) => {
                    course.outcome.refused.push((plan_title, error));
                    course.refused += weight;
                }
            }
            if let Some(tell) = &watch.progress {
                tell(course.progress());
            }
        }
        course.outcome.refused.extend(plans.left_out());
        course.outcome.tally = plans.tally();
        Ok(())
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
        let mut plans = UntilRefused::new(title, Box::new(Ready::new(plans)));
        let outcome = self.run(title, &mut plans, watch).await?;
        self.whole(title, outcome).await
    }

    /// The same of plans that are made one after the other, as a run that can be gone on with when the program is killed.
    ///
    /// # Errors
    /// As [`Self::all_or_nothing`].
    pub async fn all_or_nothing_of(
        &self,
        opening: &Opening,
        plans: Box<dyn Plans>,
        watch: &Watch,
    ) -> Result<Outcome> {
        let mut plans = UntilRefused::new(&opening.title, plans);
        let outcome = self.run_held(self.open(opening).await?, &mut plans, watch).await?;
        self.whole(&opening.title, outcome).await
    }

    /// Takes back what was done where that is not all.
    async fn whole(&self, title: &str, outcome: Outcome) -> Result<Outcome> {
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
        // Who stopped it wants none of it to stay.
        let writer = Self { db: self.db.uncancelled(), ..self.clone() };
        let undo = undo::plan(&writer.db, &writer.schema, run, OldPassword::WorksAgain).await?;
        let opening = Opening { title: format!("Undo: {title}"), ..undo.opening(run) };
        let mut left = undo.left;
        let hold = writer.open(&opening).await?;
        let undone = writer.run_held(hold, &mut Ready::new(undo.plans), &Watch::default()).await?;
        left.extend(undone.refused.into_iter().map(|(_, error)| error.message));
        if left.is_empty() {
            // Nobody has to be asked whether to go on with it.
            if let Err(error) = writer.set_aside(run).await {
                tracing::warn!(%error, "a run that was taken back could not be set aside");
            }
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

    /// For whom of the accounts that a plan is about the guards would refuse it, and why; nothing is written. The last
    /// superuser is not among what is asked.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn refusals(&self, plan: &Plan) -> Result<BTreeMap<i64, Error>> {
        let (plan, roles) = (Arc::new(plan.clone()), Arc::clone(&self.roles));
        let account = self.actor.account.as_ref().map(|account| account.id);
        let asked = self.db.rehearsal(move |tx| {
            let (plan, roles) = (Arc::clone(&plan), Arc::clone(&roles));
            Box::pin(async move { guard::refusals(tx, &roles, account, &plan).await })
        });
        Ok(asked.await?)
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
    async fn end(&self, course: &Course, state: &'static str) {
        let run = (course.run.clone(), self.actor.sitting.clone());
        let refused = i64::try_from(course.outcome.refused.len()).unwrap_or(i64::MAX);
        let noted = self
            .db
            .uncancelled()
            .transaction(move |tx| {
                let (run, sitting) = run.clone();
                Box::pin(async move {
                    let now = own::now(tx).await?;
                    Ok(own::end_run(tx, (&run, &sitting), state, refused, now).await?)
                })
            })
            .await;
        if let Err(error) = noted {
            let error = Error::from(error);
            tracing::warn!(%error, "how a run ended could not be noted");
        }
    }
}

/// A run on its way.
struct Course {
    run: String,
    title: String,
    /// The number of the last plan that was applied.
    seq: i64,
    /// How much is done.
    done: u64,
    /// How much of that was done before this program went on with it.
    before: u64,
    refused: u64,
    planned: Option<u64>,
    outcome: Outcome,
}

impl Course {
    fn new(title: &str) -> Self {
        Self {
            run: Uuid::now_v7().to_string(),
            title: title.to_owned(),
            seq: 0,
            done: 0,
            before: 0,
            refused: 0,
            planned: None,
            outcome: Outcome::default(),
        }
    }

    fn place(&self, weight: u64, is_open: bool) -> Place {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Place {
            run: self.run.clone(),
            seq: self.seq + 1,
            title: self.title.clone(),
            planned: self.planned.map(number),
            weight: number(weight),
            is_open,
        }
    }

    fn count(&mut self, applied: apply::Applied, weight: u64) {
        self.seq += 1;
        self.done += weight;
        self.outcome.run = Some(self.run.clone());
        self.outcome.rows += applied.written.len() as u64;
        self.outcome.operations.push(applied.operation);
        self.outcome.written = applied.written;
    }

    fn progress(&self) -> Progress {
        Progress { done: self.done, refused: self.refused, planned: self.planned }
    }
}

/// Whether the database can't be asked any more, so that nothing can be noted there either.
fn is_away(error: &Error) -> bool {
    matches!(error.kind, Kind::Unreachable | Kind::Unknown)
}

/// Whether this is nothing but somebody's wish to stop.
fn is_stopped(error: &Error, watch: &Watch) -> bool {
    error.kind == Kind::Interrupted && watch.cancel.is_requested()
}

async fn is_lost(hold: Option<&Hold>) -> bool {
    match hold {
        Some(hold) => !hold.is_ours().await,
        None => false,
    }
}

/// The error, behind what else there is to know.
fn after(settled: &[String], error: Error) -> Error {
    if settled.is_empty() {
        return error;
    }
    Error { message: format!("{} {}", settled.join(" "), error.message), ..error }
}

/// What stops a run, in words that say what stands.
fn stopped_by(error: Error, course: &Course, about: &str) -> Error {
    if course.seq == 0 || error.kind == Kind::Unknown {
        return error;
    }
    Error::new(
        Kind::Interrupted,
        format!(
            "Stopped after {} of the changes, which stand; the rest was not written: {error}",
            course.seq
        ),
    )
    .about(about)
}
