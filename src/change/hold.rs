//! A run that the database knows before its first plan: it gives signs of life while it works, can be gone on with when it
//! was stopped, and, if it repairs, is the only one that does.
//!
//! The lock of repairs belongs to the run that repairs. It holds up no other writes, and nobody's safety depends on it:
//! every plan is compared and guarded in its own transaction. It is there so that the second person is told who repairs
//! already, since when and how far, instead of finding half of the findings gone under their hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::own::{self, Run};
use crate::db::{Db, Failure, Tx};
use crate::error::{Error, Kind, Result};
use crate::text;

use super::journal;
use super::owner::{Owner, is_alive};
use super::plan::Purpose;
use super::run::Writer;

/// How often a run that plans for long gives a sign of life.
pub(super) const BEAT: Duration = Duration::from_secs(15);

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Opening {
    /// What it does, in words.
    pub title: String,
    /// Why; a repair takes the lock of repairs.
    pub purpose: Purpose,
    /// How much it will do, where that is known.
    pub planned: Option<u64>,
    /// What it takes to go on with it when it was stopped; nothing when that can't be done.
    pub resume_from: Option<String>,
}

/// A run under way. When this is dropped before its end, the run is noted as stopped.
pub struct Hold {
    db: Db,
    run: String,
    title: String,
    purpose: Purpose,
    resume_from: String,
    sitting: String,
    /// The number of the last plan that was applied before, and how much was done.
    before: (i64, u64),
    is_over: AtomicBool,
}

impl Writer {
    /// Begins a run before its first plan. Where nothing comes to be written, it leaves no trace.
    ///
    /// # Errors
    /// Busy, naming who, when a repair goes on already; what the engine says.
    pub async fn open(&self, opening: &Opening) -> Result<Hold> {
        let run = Uuid::now_v7().to_string();
        let (wanted, actor, id) = (opening.clone(), Arc::clone(&self.actor), run.clone());
        let db = self.db.uncancelled();
        let begun = db.transaction(move |tx| {
            let (wanted, actor, id) = (wanted.clone(), Arc::clone(&actor), id.clone());
            Box::pin(async move {
                let now = own::now(tx).await?;
                if wanted.purpose == Purpose::Repair {
                    own::lock_repairs(tx).await?;
                    refuse_second(tx, &actor.sitting, now).await?;
                    // One that died before it wrote anything: nobody has to be asked about it.
                    if let Some(dead) = own::repairing(tx).await? {
                        own::forget_run(tx, &dead.id, &dead.sitting).await?;
                    }
                    own::hold_repairs(tx, &id, now).await?;
                }
                let new = own::NewRun {
                    id: &id,
                    title: &journal::cut(&wanted.title, 300),
                    kind: wanted.purpose.name(),
                    planned: wanted.planned.and_then(|count| i64::try_from(count).ok()),
                    actor_id: actor.account.as_ref().map(|account| account.id),
                    actor: actor.account.as_ref().map(|account| account.username.as_str()),
                    unix_user: &actor.unix_user,
                    ssh_from: actor.ssh_from.as_deref(),
                    sitting: &actor.sitting,
                    owner: &journal::cut(&actor.owner(), 200),
                    resume_from: wanted.resume_from.as_deref(),
                };
                own::begin_run(tx, &new, now).await?;
                Ok(())
            })
        });
        begun.await?;
        Ok(Hold {
            db,
            run,
            title: opening.title.clone(),
            purpose: opening.purpose,
            resume_from: opening.resume_from.clone().unwrap_or_default(),
            sitting: self.actor.sitting.clone(),
            before: (0, 0),
            is_over: AtomicBool::new(false),
        })
    }

    /// Goes on with a run that was stopped, under its own id.
    ///
    /// # Errors
    /// Invalid, when there is no such run; busy, when it still goes on or another repair does; conflict, when there is
    /// nothing to go on with.
    pub async fn take_up(&self, id: &str) -> Result<Hold> {
        let (wanted, actor) = (id.to_owned(), Arc::clone(&self.actor));
        let db = self.db.uncancelled();
        let taken = db.transaction(move |tx| {
            let (wanted, actor) = (wanted.clone(), Arc::clone(&actor));
            Box::pin(async move {
                own::lock_repairs(tx).await?;
                let now = own::now(tx).await?;
                let run = to_go_on_with(tx, &wanted, &actor.sitting, now).await?;
                if Purpose::named(&run.kind) == Purpose::Repair {
                    refuse_second(tx, &actor.sitting, now).await?;
                    own::hold_repairs(tx, &run.id, now).await?;
                }
                own::take_run(tx, &run.id, &actor.sitting, &journal::cut(&actor.owner(), 200), now).await?;
                // Read only now: a last COMMIT of a program that was killed may have been on its way.
                let ours = own::WantedRuns { id: Some(wanted), ..own::WantedRuns::default() };
                let run = own::runs(tx, &ours).await?.pop().unwrap_or(run);
                let seq = own::last_of_run(tx, &run.id).await?;
                Ok((run, seq))
            })
        });
        let (run, seq) = taken.await?;
        Ok(Hold {
            db,
            purpose: Purpose::named(&run.kind),
            resume_from: run.resume_from.unwrap_or_default(),
            sitting: self.actor.sitting.clone(),
            before: (seq, u64::try_from(run.done).unwrap_or(0)),
            run: run.id,
            title: run.title,
            is_over: AtomicBool::new(false),
        })
    }

    /// Marks a stopped run as one that nobody wants to be asked about any more. What it wrote stands.
    ///
    /// # Errors
    /// Invalid, when there is no such run; busy, when it still goes on; conflict, when it has ended.
    pub async fn set_aside(&self, id: &str) -> Result<Run> {
        let (wanted, sitting) = (id.to_owned(), self.actor.sitting.clone());
        let db = self.db.uncancelled();
        let ended = db.transaction(move |tx| {
            let (wanted, sitting) = (wanted.clone(), sitting.clone());
            Box::pin(async move {
                own::lock_repairs(tx).await?;
                let now = own::now(tx).await?;
                let run = unfinished(tx, &wanted, &sitting, now).await?;
                own::set_run_aside(tx, &run.id, now).await?;
                own::release_repairs(tx, &run.id).await?;
                Ok(run)
            })
        });
        Ok(ended.await?)
    }
}

/// A run that was stopped and can be gone on with.
async fn to_go_on_with(
    tx: &mut Tx,
    id: &str,
    sitting: &str,
    now: DateTime<Utc>,
) -> std::result::Result<Run, Failure> {
    let run = unfinished(tx, id, sitting, now).await?;
    if run.resume_from.is_none() {
        return Err(Error::conflict(format!(
            "It is not known how to go on with '{}'; nothing was written. What it wrote can be taken back.",
            run.title
        ))
        .into());
    }
    let standing = own::WantedRuns { id: Some(run.id.clone()), standing: true, ..own::WantedRuns::default() };
    if run.done > 0 && own::runs(tx, &standing).await?.is_empty() {
        return Err(Error::conflict(format!(
            "What '{}' wrote was taken back; nothing was written. Begin anew.",
            run.title
        ))
        .into());
    }
    Ok(run)
}

/// A run that has not ended, and that no program works on.
async fn unfinished(
    tx: &mut Tx,
    id: &str,
    sitting: &str,
    now: DateTime<Utc>,
) -> std::result::Result<Run, Failure> {
    let wanted = own::WantedRuns { id: Some(id.to_owned()), ..own::WantedRuns::default() };
    let Some(run) = own::runs(tx, &wanted).await?.pop() else {
        return Err(Error::invalid(format!("There is no run '{id}'; nothing was written.")).into());
    };
    if !matches!(run.state.as_str(), "running" | "stopped") {
        return Err(Error::conflict(format!("'{}' has ended; nothing was written.", run.title)).into());
    }
    if is_alive(&run, now) && run.sitting != sitting {
        return Err(Error::new(Kind::Busy, format!("It still goes on: {}", in_words(&run, now))).into());
    }
    Ok(run)
}

/// Refuses whoever repairs while another program does.
pub(super) async fn refuse_second(
    tx: &mut Tx,
    sitting: &str,
    now: DateTime<Utc>,
) -> std::result::Result<(), Failure> {
    match own::repairing(tx).await? {
        Some(run) if run.sitting != sitting && is_alive(&run, now) => {
            Err(Error::new(Kind::Busy, format!("Another repair goes on: {}", in_words(&run, now))).into())
        }
        _ => Ok(()),
    }
}

/// Who works on a run, since when, and how far they are.
fn in_words(run: &Run, now: DateTime<Utc>) -> String {
    let who = run.actor.clone().unwrap_or_else(|| format!("unix:{}", run.unix_user));
    let process = match Owner::read(&run.owner) {
        Some(owner) => format!("{} on {}, process {}", owner.user, owner.host, owner.pid),
        None => run.owner.clone(),
    };
    let count = |number: i64| text::grouped(u64::try_from(number).unwrap_or(0));
    let far = match run.planned {
        Some(planned) => format!("{} of {} done", count(run.done), count(planned)),
        None => format!("{} done", count(run.done)),
    };
    format!(
        "{who} ({process}), '{}' since {} UTC, {far}, last heard of {} s ago. Nothing was written; try again when it has \
         ended.",
        run.title,
        run.started.format("%Y-%m-%d %H:%M:%S"),
        (now - run.heartbeat).num_seconds().max(0)
    )
}

/// The error of a program that was silent for so long that another took its run.
pub(super) fn lost() -> Error {
    Error::new(
        Kind::Busy,
        "This run was silent for so long that another program took it for stopped; nothing of this part was written.",
    )
}

impl Hold {
    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// What it does, in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Why.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What it takes to go on with it.
    #[must_use]
    pub fn resume_from(&self) -> &str {
        &self.resume_from
    }

    /// How many plans were applied before.
    #[must_use]
    pub fn applied(&self) -> usize {
        usize::try_from(self.before.0).unwrap_or(0)
    }

    /// The number of the last plan that was applied before, and how much was done then.
    pub(super) fn before(&self) -> (i64, u64) {
        self.before
    }

    /// Does work that takes long, such as a scan, and gives signs of life meanwhile.
    pub async fn keep<T>(&self, work: impl Future<Output = T>) -> T {
        beating(work, BEAT, || self.beat()).await
    }

    /// Gives a sign of life, beside the work: one that has to wait must not hold that up.
    fn beat(&self) {
        let (db, run, sitting) = (self.db.clone(), self.run.clone(), self.sitting.clone());
        tokio::spawn(async move {
            let beat = db.transaction(move |tx| {
                let (run, sitting) = (run.clone(), sitting.clone());
                Box::pin(async move {
                    let now = own::now(tx).await?;
                    Ok(own::beat(tx, &run, &sitting, now).await?)
                })
            });
            if let Err(error) = beat.await.map_err(Error::from) {
                tracing::info!(%error, "no sign of life could be given");
            }
        });
    }

    /// Whether the run is still this program's.
    pub(super) async fn is_ours(&self) -> bool {
        match own::one_run(&self.db, &self.run).await {
            Ok(run) => run.is_some_and(|run| run.sitting == self.sitting && run.state == "running"),
            // Whoever can't ask goes on to find out.
            Err(_) => true,
        }
    }

    /// Notes how the run ended, and lets the next repair begin. What it wrote stands whether or not that succeeds.
    pub(super) async fn end(self, state: &'static str, refused: u64) {
        self.is_over.store(true, Ordering::Relaxed);
        end(self.db.clone(), (self.run.clone(), self.sitting.clone()), state, refused).await;
    }

    /// Somebody else goes on with it: there is nothing to note.
    pub(super) fn forsake(self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let run = (self.run.clone(), self.sitting.clone());
            runtime.spawn(end(self.db.clone(), run, "stopped", 0));
        }
    }
}

async fn end(db: Db, run: (String, String), state: &'static str, refused: u64) {
    let refused = i64::try_from(refused).unwrap_or(i64::MAX);
    let noted = db.transaction(move |tx| {
        let (run, sitting) = run.clone();
        Box::pin(async move {
            let now = own::now(tx).await?;
            own::forget_run(tx, &run, &sitting).await?;
            own::end_run(tx, (&run, &sitting), state, refused, now).await?;
            own::release_repairs(tx, &run).await?;
            Ok(())
        })
    });
    if let Err(error) = noted.await.map_err(Error::from) {
        tracing::warn!(%error, "how a run ended could not be noted");
    }
}

/// Does the work and calls `beat` every `period` until it is done.
async fn beating<T>(work: impl Future<Output = T>, period: Duration, beat: impl Fn()) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(period, &mut work).await {
            Ok(done) => return done,
            Err(_) => beat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn long_work_gives_signs_of_life_until_it_is_done() {
        let (beats, third) = (Cell::new(0), Notify::new());
        let tick = || {
            beats.set(beats.get() + 1);
            if beats.get() == 3 {
                third.notify_one();
            }
        };
        let work = async {
            third.notified().await;
            "done"
        };
        assert_eq!(beating(work, Duration::from_millis(1), tick).await, "done");
        assert_eq!(beats.get(), 3);
    }

    #[tokio::test]
    async fn short_work_gives_none() {
        assert_eq!(beating(async { 7 }, BEAT, || panic!("a beat")).await, 7);
    }
}
