//! What stands in open forms is kept in a file while it is typed, so that a line that drops loses nothing, and how lists
//! are left is kept too. A thread of its own writes, in the order of what happened: a slow disk holds up no key.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::app::{App, Open};
use super::event_loop::Exit;
use super::widgets::toast::Toast;
use crate::directory::Portal;
use crate::directory::drafts::{Drafts, Unsaved};
use crate::directory::list_state::{ListState, Lists};
use crate::error::{Error, Result};

/// How long after a key what it changed is kept at the latest.
const SOON: Duration = Duration::from_secs(1);

/// What the thread is told.
enum Order {
    Put(Drafts, Unsaved, DateTime<Utc>),
    Remove(Drafts, String),
    Remember(Lists, &'static str, ListState),
    /// Says that all before it is done.
    Tell(oneshot::Sender<()>),
}

/// The thread that writes, once there is something to write.
struct Writer {
    orders: mpsc::Sender<Order>,
    failures: mpsc::Receiver<Error>,
}

/// What is kept, and when next.
#[derive(Default)]
pub(super) struct Keeper {
    writer: Option<Writer>,
    due: Option<Instant>,
    has_failed: bool,
}

impl Writer {
    fn start() -> std::io::Result<Self> {
        let (orders, received) = mpsc::channel();
        let (failed, failures) = mpsc::channel();
        let work = move || {
            for order in received {
                if let Err(error) = carry_out(order) {
                    tracing::warn!(%error, "drafts");
                    // Nobody listens any more at the very end.
                    let _ = failed.send(error);
                }
            }
        };
        thread::Builder::new().name("drafts".to_owned()).spawn(work)?;
        Ok(Self { orders, failures })
    }
}

fn carry_out(order: Order) -> Result<()> {
    match order {
        Order::Put(drafts, unsaved, at) => drafts.put(unsaved, at),
        Order::Remove(drafts, id) => drafts.remove(&id),
        Order::Remember(lists, list, state) => {
            // A list that looks as usual next time is nothing to interrupt anybody for.
            if let Err(error) = lists.put(list, state) {
                tracing::warn!(%error, list, "lists");
            }
            Ok(())
        }
        Order::Tell(done) => {
            // Whoever asked may have lost patience.
            let _ = done.send(());
            Ok(())
        }
    }
}

impl Keeper {
    fn order(&mut self, order: Order) {
        if self.writer.is_none() {
            match Writer::start() {
                Ok(writer) => self.writer = Some(writer),
                Err(error) => tracing::warn!(%error, "drafts"),
            }
        }
        if let Some(writer) = &self.writer {
            // The thread only ends with us.
            let _ = writer.orders.send(order);
        }
    }

    /// When what was typed is to be kept next.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Forgets what was kept of a form that closes: it was saved, or given up.
    pub(super) fn forget(&mut self, portal: Option<&Portal>, closed: &Open) {
        let unsaved = closed.screen.unsaved();
        let id = unsaved.as_ref().or(closed.kept.as_ref()).map(|unsaved| unsaved.id.clone());
        if let Some((id, drafts)) = id.zip(portal.and_then(Drafts::of)) {
            self.order(Order::Remove(drafts, id));
        }
    }
}

impl App {
    /// After an input: sees to it that what it changed is kept soon.
    pub(super) fn notice_unsaved(&mut self) {
        let is_typed_in = |open: &Open| open.kept.is_some() || open.screen.is_dirty().is_some();
        if self.keeper.due.is_none() && self.stack.iter().any(is_typed_in) {
            self.keeper.due = Some(Instant::now() + SOON);
        }
        let failure = self.keeper.writer.as_ref().and_then(|writer| writer.failures.try_recv().ok());
        if let Some(error) = failure.filter(|_| !std::mem::replace(&mut self.keeper.has_failed, true)) {
            self.say(Toast::refused(error.message));
        }
    }

    /// Keeps what stands in the open forms now, where it is not what is kept already.
    pub(super) fn keep_unsaved(&mut self) {
        self.keeper.due = None;
        let Some(drafts) = self.jobs.portal().and_then(Drafts::of) else { return };
        for open in &mut self.stack {
            let now = open.screen.unsaved();
            if now == open.kept {
                continue;
            }
            match (&now, &open.kept) {
                (Some(unsaved), _) => {
                    self.keeper.order(Order::Put(drafts.clone(), unsaved.clone(), Utc::now()));
                }
                (None, Some(kept)) => self.keeper.order(Order::Remove(drafts.clone(), kept.id.clone())),
                (None, None) => {}
            }
            open.kept = now;
        }
    }

    /// Keeps how a list was left.
    pub(super) fn remember(&mut self, list: &'static str, state: ListState) {
        if let Some(lists) = self.jobs.portal().and_then(Lists::of) {
            self.keeper.order(Order::Remember(lists, list, state));
        }
    }

    /// At the end: keeps what nobody gave up. Who quits was asked about it, unless the screens were locked.
    pub(super) fn leave_unsaved(&mut self, exit: &Exit) {
        if *exit == Exit::Quit && !self.is_locked() {
            for open in &self.stack {
                self.keeper.forget(self.jobs.portal(), open);
            }
        } else {
            self.keep_unsaved();
        }
    }

    /// Resolves when everything is written; nothing where nothing ever was.
    pub(super) fn unsaved_written(&mut self) -> Option<oneshot::Receiver<()>> {
        self.keeper.writer.as_ref()?;
        let (done, told) = oneshot::channel();
        self.keeper.order(Order::Tell(done));
        Some(told)
    }
}
