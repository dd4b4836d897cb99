//! Work beside the keys: reads and writes in named slots.
//!
//! A `latest` slot is for reads. A newer start replaces the older one: that is cancelled on the server, and its reply
//! dies in [`Jobs::accept`]. An `exclusive` slot is for writes. It is never aborted and never doubled, the program
//! waits for it before it ends, and its result is reported even when its screen is closed.
//!
//! Replies are matched by generation, never by time. A job's future is never dropped midway: a cancelled one runs on
//! until the database has answered the cancel, and nobody listens to it any more.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::change::Pace;
use crate::db::Cancel;
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};

/// Work younger than this is not shown.
pub const SHOWN_AFTER: Duration = Duration::from_millis(150);
/// Work older than this shows its seconds or its count.
pub const COUNTED_AFTER: Duration = Duration::from_secs(1);
/// How often the picture of running work changes.
const TICK: Duration = Duration::from_millis(250);

/// A named place for work whose result is a `T`. Declared once, as a constant, beside the screen that uses it:
///
/// ```
/// use portaldesk::tui::Slot;
/// const PAGE: Slot<Vec<String>> = Slot::latest("users.page");
/// const SAVE: Slot<u64> = Slot::exclusive("users.save").reporting(|rows| format!("Saved {rows} rows"));
/// ```
pub struct Slot<T> {
    name: &'static str,
    kind: SlotKind,
    report: Option<fn(&T) -> String>,
    stops: bool,
    result: PhantomData<fn() -> T>,
}

/// What happens when work is started in a slot that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// The newer one replaces the older one. Each screen has its own.
    Latest,
    /// The newer one is refused. One in the whole program.
    Exclusive,
}

impl<T: Send + 'static> Slot<T> {
    /// A slot for reads. The name is unique in the program.
    #[must_use]
    pub const fn latest(name: &'static str) -> Self {
        Self { name, kind: SlotKind::Latest, report: None, stops: true, result: PhantomData }
    }

    /// A slot for writes. The name is unique in the program.
    #[must_use]
    pub const fn exclusive(name: &'static str) -> Self {
        Self { name, kind: SlotKind::Exclusive, report: None, stops: false, result: PhantomData }
    }

    /// The same slot; `report` says in a sentence what was done, for when the screen is closed before the end or
    /// does not take the reply.
    #[must_use]
    pub const fn reporting(self, report: fn(&T) -> String) -> Self {
        Self { report: Some(report), ..self }
    }

    /// The same slot, for writes that the screen lets `Esc` stop midway.
    #[must_use]
    pub const fn stoppable(self) -> Self {
        Self { stops: true, ..self }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The result, if this reply is of this slot and nobody has taken it yet.
    pub fn take(&self, reply: &mut Reply) -> Option<Result<T>> {
        if reply.slot != self.name {
            return None;
        }
        Some(match reply.payload.take()? {
            Ok(value) => match value.downcast() {
                Ok(value) => Ok(*value),
                Err(_) => Err(Error::bug(format!("Two kinds of work share the name {}.", self.name))),
            },
            Err(error) => Err(error),
        })
    }
}

/// The result of some work on its way to the screen that started it.
pub struct Reply {
    slot: &'static str,
    payload: Option<Result<Payload>>,
}

type Payload = Box<dyn Any + Send>;

impl Reply {
    /// A reply that no work has made: a dialog's answer, or what a test gives to a screen.
    #[must_use]
    pub fn of<T: Send + 'static>(slot: &Slot<T>, result: Result<T>) -> Self {
        Self { slot: slot.name, payload: Some(result.map(|value| Box::new(value) as Payload)) }
    }

    /// The name of the slot.
    #[must_use]
    pub fn slot(&self) -> &'static str {
        self.slot
    }

    /// Whether nobody took it.
    #[must_use]
    pub fn is_untaken(&self) -> bool {
        self.payload.is_some()
    }

    /// The error, if nobody took it.
    #[must_use]
    pub fn untaken_error(&self) -> Option<&Error> {
        self.payload.as_ref()?.as_ref().err()
    }
}

/// What running work can say and be told.
#[derive(Debug, Clone, Default)]
pub struct Task {
    cancel: Cancel,
    shared: Arc<TaskState>,
}

#[derive(Debug, Default)]
struct TaskState {
    done: AtomicU64,
    total: AtomicU64,
    stop: AtomicBool,
    /// When counting began, and with what, where a rate means something.
    began: OnceLock<(Instant, u64)>,
}

impl Task {
    /// Says how much is done, of how much; a total of 0 means that nobody knows.
    pub fn progress(&self, done: u64, total: u64) {
        self.shared.done.store(done, Ordering::Relaxed);
        self.shared.total.store(total, Ordering::Relaxed);
    }

    /// As [`Self::progress`], of things that take about the same time each, so that rate and time left can be told.
    pub fn count(&self, done: u64, total: u64) {
        self.shared.began.get_or_init(|| (Instant::now(), done));
        self.progress(done, total);
    }

    /// Whether the work should end at the next point where what is done can stand.
    #[must_use]
    pub fn stop_asked(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// The handle that stops its queries on the server.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    fn ask_stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    fn pace(&self) -> Option<Pace> {
        let (began, from) = self.shared.began.get()?;
        let counted = self.shared.done.load(Ordering::Relaxed).saturating_sub(*from);
        Some(Pace { counted, elapsed: began.elapsed() })
    }

    fn counted(&self) -> Option<(u64, u64)> {
        let done = self.shared.done.load(Ordering::Relaxed);
        let total = self.shared.total.load(Ordering::Relaxed);
        (done > 0 || total > 0).then_some((done, total))
    }
}

type Work = Box<dyn FnOnce(Option<Portal>, Task) -> BoxFuture<'static, Result<Payload>> + Send>;
type Report = Box<dyn Fn(&Payload) -> Option<String>>;

/// Work that a screen wants started.
pub struct Start {
    slot: &'static str,
    kind: SlotKind,
    label: String,
    delay: Duration,
    stops: bool,
    work: Work,
    report: Report,
}

impl Start {
    /// The same work, begun only after so much time in which nothing newer took its slot.
    pub(super) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub(super) fn with_portal<T, F, W>(slot: &Slot<T>, label: String, work: W) -> Self
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Arc<Portal>, Task) -> F + Send + 'static,
    {
        Self::boxed(slot, label, move |portal, task| {
            async move {
                let portal =
                    portal.ok_or_else(|| Error::bug("Work was started before a portal was open."))?;
                let portal = Arc::new(portal.cancellable(task.cancel()));
                work(portal, task).await
            }
            .boxed()
        })
    }

    pub(super) fn alone<T, F, W>(slot: &Slot<T>, label: String, work: W) -> Self
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Task) -> F + Send + 'static,
    {
        Self::boxed(slot, label, move |_, task| async move { work(task).await }.boxed())
    }

    fn boxed<T, W>(slot: &Slot<T>, label: String, work: W) -> Self
    where
        T: Send + 'static,
        W: FnOnce(Option<Portal>, Task) -> BoxFuture<'static, Result<T>> + Send + 'static,
    {
        let report = slot.report;
        Self {
            slot: slot.name,
            kind: slot.kind,
            label,
            delay: Duration::ZERO,
            stops: slot.stops,
            work: Box::new(move |portal, task| {
                work(portal, task).map(|result| result.map(|value| Box::new(value) as Payload)).boxed()
            }),
            report: Box::new(move |payload| {
                payload.downcast_ref().zip(report).map(|(value, report)| report(value))
            }),
        }
    }

    /// The name of its slot.
    #[must_use]
    pub fn slot(&self) -> &'static str {
        self.slot
    }

    /// What it does, as the spinner says.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.slot, self.label)
    }
}

/// Names a screen as long as the program runs; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScreenId(pub(super) u64);

struct Running {
    generation: u64,
    screen: ScreenId,
    slot: &'static str,
    kind: SlotKind,
    label: String,
    since: Instant,
    stops: bool,
    task: Task,
    report: Report,
}

/// A job that ended, before anybody knows whether it still matters.
pub struct Finished {
    generation: u64,
    result: Result<Payload>,
}

/// A result that matters.
pub struct Accepted {
    /// The screen that started the work; perhaps closed meanwhile.
    pub screen: ScreenId,
    /// The result for it.
    pub reply: Reply,
    /// Whether it was a write.
    pub exclusive: bool,
    /// The sentence for a toast if the screen is closed.
    pub report: String,
}

/// The oldest visible work, as the spinner shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Working {
    /// What it does.
    pub label: String,
    /// For how long.
    pub elapsed: Duration,
    /// How much is done, of how much (0: unknown), if it counts.
    pub counted: Option<(u64, u64)>,
    /// How fast that goes, where that can be told.
    pub pace: Option<Pace>,
    /// Whether `Esc` stops it.
    pub can_stop: bool,
}

/// All running work.
pub struct Jobs {
    portal: Option<Portal>,
    running: Vec<Running>,
    generation: u64,
    sender: mpsc::UnboundedSender<Finished>,
    receiver: mpsc::UnboundedReceiver<Finished>,
}

impl Jobs {
    /// No work yet, with the portal that it will use, if one is open.
    #[must_use]
    pub fn new(portal: Option<Portal>) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { portal, running: Vec::new(), generation: 0, sender, receiver }
    }

    /// Uses this portal for work started from now on.
    pub fn use_portal(&mut self, portal: Portal) {
        self.portal = Some(portal);
    }

    /// The portal that is open.
    #[must_use]
    pub fn portal(&self) -> Option<&Portal> {
        self.portal.as_ref()
    }

    /// Starts work for a screen. Needs a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the slot is exclusive and taken: the label of what runs there.
    pub fn start(&mut self, start: Start, screen: ScreenId) -> std::result::Result<(), String> {
        match start.kind {
            SlotKind::Exclusive => {
                if let Some(running) = self.running.iter().find(|running| running.slot == start.slot) {
                    return Err(running.label.clone());
                }
            }
            SlotKind::Latest => {
                self.drop_latest(|running| running.slot == start.slot && running.screen == screen);
            }
        }
        self.generation += 1;
        let generation = self.generation;
        let task = Task::default();
        let sender = self.sender.clone();
        let (portal, work, theirs) = (self.portal.clone(), start.work, task.clone());
        let (delay, label) = (start.delay, start.label.clone());
        tokio::spawn(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let work = async move {
                if theirs.stop_asked() {
                    return Err(stopped(&label));
                }
                super::test_hooks::panic_if_asked("job");
                work(portal, theirs).await
            };
            let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
            super::test_hooks::be_late_if_asked().await;
            // Without a receiver the program is over.
            let _ = sender.send(Finished { generation, result });
        });
        self.running.push(Running {
            generation,
            screen,
            slot: start.slot,
            kind: start.kind,
            label: start.label,
            since: Instant::now() + start.delay,
            stops: start.stops,
            task,
            report: start.report,
        });
        Ok(())
    }

    /// Waits for the next job that ends. Safe to drop and ask again.
    pub async fn next(&mut self) -> Finished {
        match self.receiver.recv().await {
            Some(finished) => finished,
            // Cannot happen: we hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// The next job that has ended already.
    pub fn try_next(&mut self) -> Option<Finished> {
        self.receiver.try_recv().ok()
    }

    /// The reply of a job that ended, unless a newer one took its slot or its screen is gone.
    pub fn accept(&mut self, finished: Finished) -> Option<Accepted> {
        let at = self.running.iter().position(|running| running.generation == finished.generation)?;
        let running = self.running.remove(at);
        let report = match &finished.result {
            Ok(payload) => (running.report)(payload).unwrap_or_else(|| format!("Done: {}", running.label)),
            Err(error) => error.message.clone(),
        };
        Some(Accepted {
            screen: running.screen,
            exclusive: running.kind == SlotKind::Exclusive,
            reply: Reply { slot: running.slot, payload: Some(finished.result) },
            report,
        })
    }

    /// Stops a screen's work in a slot: a read is cancelled and forgotten, a write is asked to stop.
    pub fn stop(&mut self, screen: ScreenId, slot: &'static str) {
        for running in self.running.iter().filter(|running| running.screen == screen && running.slot == slot)
        {
            running.task.ask_stop();
        }
        self.drop_latest(|running| running.screen == screen && running.slot == slot);
    }

    /// Cancels every read that is old enough to be seen, of this screen for `Esc`, of all for `Ctrl-C`; gives the replies
    /// that tell their screens. What nobody can see yet, or lies below a dialog, is not what anybody means to stop.
    pub fn cancel_visible(&mut self, now: Instant, of: Option<ScreenId>) -> Vec<(ScreenId, Reply)> {
        self.cancel_reads(|running| {
            now.saturating_duration_since(running.since) >= SHOWN_AFTER
                && of.is_none_or(|screen| running.screen == screen)
        })
    }

    /// Cancels every read, when the program ends.
    pub fn cancel_all(&mut self) {
        self.cancel_reads(|_| true);
    }

    fn cancel_reads(&mut self, which: impl Fn(&Running) -> bool) -> Vec<(ScreenId, Reply)> {
        let is_cancelled = |running: &Running| running.kind == SlotKind::Latest && which(running);
        let replies = self
            .running
            .iter()
            .filter(|running| is_cancelled(running))
            .map(|running| {
                (running.screen, Reply { slot: running.slot, payload: Some(Err(stopped(&running.label))) })
            })
            .collect();
        self.drop_latest(is_cancelled);
        replies
    }

    /// Cancels and forgets the reads of a screen that closes; its writes go on.
    pub fn forget(&mut self, screen: ScreenId) {
        self.drop_latest(|running| running.screen == screen);
    }

    /// Asks running writes to stop where they can, and the server to roll back what has not been committed.
    pub fn cancel_writes(&mut self) {
        for running in &self.running {
            running.task.ask_stop();
            running.task.cancel.cancel();
        }
    }

    /// The labels of running writes.
    pub fn writes(&self) -> impl Iterator<Item = &str> {
        self.running
            .iter()
            .filter(|running| running.kind == SlotKind::Exclusive)
            .map(|running| running.label.as_str())
    }

    /// Whether nothing runs that anybody waits for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether a read was started so recently that its answer may be only a moment away.
    #[must_use]
    pub fn has_young_read(&self, now: Instant, age: Duration) -> bool {
        let is_young =
            |running: &Running| running.since <= now && now.saturating_duration_since(running.since) < age;
        self.running.iter().any(|running| running.kind == SlotKind::Latest && is_young(running))
    }

    /// The oldest work, once it is old enough to be shown, with this screen on top.
    #[must_use]
    pub fn working(&self, now: Instant, top: ScreenId) -> Option<Working> {
        let oldest = self.running.iter().min_by_key(|running| running.since)?;
        let elapsed = now.saturating_duration_since(oldest.since);
        (elapsed >= SHOWN_AFTER).then(|| Working {
            label: oldest.label.clone(),
            elapsed,
            counted: oldest.task.counted(),
            pace: oldest.task.pace(),
            can_stop: oldest.stops && oldest.screen == top,
        })
    }

    /// When the picture of running work changes next.
    #[must_use]
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        let since = self.running.iter().map(|running| running.since).min()?;
        let shown = since + SHOWN_AFTER;
        if now < shown {
            return Some(shown);
        }
        let ticks = now.duration_since(shown).as_millis() / TICK.as_millis() + 1;
        Some(shown + TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    fn drop_latest(&mut self, which: impl Fn(&Running) -> bool) {
        self.running.retain(|running| {
            let dropped = running.kind == SlotKind::Latest && which(running);
            if dropped {
                running.task.ask_stop();
                running.task.cancel.cancel();
            }
            !dropped
        });
    }
}

fn stopped(label: &str) -> Error {
    Error::new(Kind::Interrupted, format!("Stopped {label}."))
}

fn panicked() -> Error {
    Error::bug(
        "The program made a mistake in the background; the log says where. If it was writing, look at the history.",
    )
}
