//! The loop: signals, finished work and input in; frames out.
//!
//! It is generic over the backend and takes its input from a channel, so that tests drive this very loop with a stream
//! of keys and a `TestBackend`. It draws once when everything that is ready has been taken, at most 60 times a second,
//! and sleeps without a timer when nothing runs.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::{mpsc, watch};

use super::app::{App, HostEffect};
use super::input::{Arrival, Input};
use super::pacer::Pacer;
use super::widgets::toast::Toast;
use crate::error::{Error, Kind};

/// How many inputs wait before their reader does.
pub const QUEUE: usize = 4_096;
/// How long a frame waits for work that was just started: an answer that is there by then costs no frame of its own.
const GRACE: Duration = Duration::from_millis(2);
/// How long running writes may take to finish once a signal has asked for the end.
const FINISH: Duration = Duration::from_millis(1_200);
/// How long they may then take to roll back.
const ROLL_BACK: Duration = Duration::from_millis(400);
/// How long what stands in open forms may then take to be kept; it was begun before all this.
const KEEP: Duration = Duration::from_millis(200);

/// The one who owns the real terminal: does what the app cannot, and hears signals.
pub trait Host {
    /// Does something to the terminal. [`HostEffect::Repaint`] is the loop's own.
    ///
    /// # Errors
    ///
    /// Why it cannot be done, as a sentence.
    fn apply(&mut self, effect: &HostEffect) -> Result<(), String>;

    /// Waits for the next signal. Safe to drop and ask again.
    fn event(&mut self) -> impl Future<Output = HostEvent>;
}

/// What a host hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostEvent {
    /// The end, with this exit code: a signal (128 + n) or a vanished terminal (129).
    End(u8),
    /// The shell continued us: the terminal may look different.
    Continued,
}

/// A host without terminal and signals, for tests.
#[derive(Debug, Default)]
pub struct NoHost {
    /// What it was asked to do.
    pub asked: Vec<HostEffect>,
}

impl Host for NoHost {
    fn apply(&mut self, effect: &HostEffect) -> Result<(), String> {
        self.asked.push(effect.clone());
        Ok(())
    }

    async fn event(&mut self) -> HostEvent {
        std::future::pending().await
    }
}

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The person quit.
    Quit,
    /// There is no more input, and everything that it started has been done. For a terminal that means it is gone.
    InputEnded,
    /// A signal or a hang-up, with its exit code.
    Ended(u8),
    /// The program made a mistake, or the terminal cannot be written to.
    Failed(Error),
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Quit => 0,
            Self::InputEnded => 129,
            Self::Ended(code) => *code,
            Self::Failed(error) => error.kind.exit_code(),
        }
    }
}

/// The app, the terminal it is drawn on, and the host of both.
pub struct EventLoop<B: Backend, H: Host> {
    /// The app; tests look at it after [`Self::run`].
    pub app: App,
    /// The terminal; tests look at its backend.
    pub terminal: Terminal<B>,
    /// The host.
    pub host: H,
    pacer: Pacer,
    dirty_since: Option<Instant>,
    idle: watch::Sender<bool>,
}

/// Feeds a stream of inputs into a channel for [`EventLoop::run`]. Needs a Tokio runtime.
pub fn from_stream(
    mut stream: impl Stream<Item = Input> + Send + Unpin + 'static,
) -> mpsc::Receiver<Arrival> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        while let Some(input) = stream.next().await {
            if sender.send(Arrival::now(input)).await.is_err() {
                break;
            }
        }
    });
    receiver
}

impl<B, H> EventLoop<B, H>
where
    B: Backend,
    B::Error: Display,
    H: Host,
{
    /// Brings the parts together; nothing is drawn yet.
    pub fn new(app: App, terminal: Terminal<B>, host: H) -> Self {
        let (idle, _) = watch::channel(false);
        Self { app, terminal, host, pacer: Pacer::default(), dirty_since: None, idle }
    }

    /// True while nothing runs, nothing waits to be drawn and no input is left.
    #[must_use]
    pub fn idle(&self) -> watch::Receiver<bool> {
        self.idle.subscribe()
    }

    /// Runs until the end is asked for, or until the input has ended and everything is idle. May be called again with
    /// more input after [`Exit::InputEnded`].
    pub async fn run(&mut self, inputs: &mut mpsc::Receiver<Arrival>) -> Exit {
        let mut batch = Vec::new();
        let mut is_open = true;
        loop {
            if let Err(exit) = self.step(&mut batch, inputs) {
                return self.end(exit).await;
            }
            let is_idle = self.app.jobs().is_idle() && self.dirty_since.is_none() && inputs.is_empty();
            self.idle.send_if_modified(|idle| std::mem::replace(idle, is_idle) != is_idle);
            if self.app.is_quitting() && self.app.jobs().writes().next().is_none() {
                return self.end(Exit::Quit).await;
            }
            if is_idle && !is_open {
                self.keep_unsaved(&Exit::InputEnded);
                self.unsaved_written().await;
                return Exit::InputEnded;
            }
            let wake = self.wake(Instant::now());
            tokio::select! {
                biased;
                event = self.host.event() => match event {
                    HostEvent::End(code) => return self.end(Exit::Ended(code)).await,
                    HostEvent::Continued => self.repaint(),
                },
                finished = self.app.jobs().next() => self.app.finished(finished),
                count = inputs.recv_many(&mut batch, QUEUE), if is_open => is_open = count > 0,
                () = sleep_until(wake), if wake.is_some() => self.app.tick(Instant::now()),
            }
        }
    }

    /// Takes everything that is ready, then draws if it is time to.
    fn step(&mut self, batch: &mut Vec<Arrival>, inputs: &mut mpsc::Receiver<Arrival>) -> Result<(), Exit> {
        while batch.len() < QUEUE
            && let Ok(arrival) = inputs.try_recv()
        {
            batch.push(arrival);
        }
        let stepped = std::panic::catch_unwind(AssertUnwindSafe(|| {
            for arrival in batch.drain(..) {
                self.app.update(&arrival);
                self.apply_host_effects();
            }
            while let Some(finished) = self.app.jobs().try_next() {
                self.app.finished(finished);
            }
            self.apply_host_effects();
            self.draw_if_due()
        }));
        stepped
            .unwrap_or_else(|_| Err(Exit::Failed(Error::bug("The program made a mistake and had to end."))))
    }

    fn apply_host_effects(&mut self) {
        for effect in self.app.take_host_effects() {
            let result = match &effect {
                HostEffect::Repaint => Ok(()),
                other => self.host.apply(other),
            };
            if let Err(why) = result {
                self.app.say(Toast::refused(why));
            }
            if matches!(effect, HostEffect::Repaint | HostEffect::Suspend) {
                self.repaint();
            }
        }
    }

    /// Forgets what is on the screen, so that the next frame draws all of it.
    fn repaint(&mut self) {
        // A terminal that cannot be cleared cannot be drawn on either; the next frame says so.
        let _ = self.terminal.clear();
        self.dirty_since.get_or_insert_with(Instant::now);
    }

    fn draw_if_due(&mut self) -> Result<(), Exit> {
        if !self.app.needs_drawing() && self.dirty_since.is_none() {
            return Ok(());
        }
        let now = Instant::now();
        self.dirty_since.get_or_insert(now);
        if self.draw_due(now).is_some_and(|due| due > now) {
            return Ok(());
        }
        self.draw().map_err(|error| {
            let message = format!("The terminal cannot be written to: {error}.");
            Exit::Failed(Error::new(Kind::Unreachable, message))
        })
    }

    /// When the next frame should be drawn, if there is something to draw.
    fn draw_due(&mut self, now: Instant) -> Option<Instant> {
        let since = self.dirty_since?;
        let paced = self.pacer.next(now);
        let answer_is_near = self.app.jobs().has_young_read(now, GRACE);
        Some(if answer_is_near { paced.max(since + GRACE) } else { paced })
    }

    fn draw(&mut self) -> Result<(), B::Error> {
        /// Nobody answers what they see sooner than this.
        const REACTION: Duration = Duration::from_millis(200);
        let mut ready = Instant::now();
        let size = self.terminal.size()?;
        // A terminal being closed or not yet placed has no cells; it will tell us when it has some.
        if size.width > 0 && size.height > 0 {
            self.terminal.draw(|frame| {
                self.app.draw(frame);
                ready = Instant::now();
            })?;
        }
        let now = Instant::now();
        // A frame that went out at once counts as seen from when it was ready: the other end may have it, and have
        // answered, before we are told that it is written.
        self.app.drawn(if now - ready < REACTION { ready } else { now });
        self.pacer.drawn(now);
        self.dirty_since = None;
        Ok(())
    }

    fn wake(&mut self, now: Instant) -> Option<Instant> {
        [self.draw_due(now), self.app.next_tick(now)].into_iter().flatten().min()
    }

    /// Lets running writes finish, or roll back where there is no time for that, and stops reads. Only a person who
    /// quits has the time to wait, and has done so before this.
    async fn end(&mut self, exit: Exit) -> Exit {
        self.keep_unsaved(&exit);
        self.app.jobs().cancel_all();
        if tokio::time::timeout(FINISH, self.writes_end()).await.is_err() {
            self.app.jobs().cancel_writes();
            // Past this a write is left to the server, which rolls it back when it sees us gone.
            let _ = tokio::time::timeout(ROLL_BACK, self.writes_end()).await;
        }
        self.unsaved_written().await;
        exit
    }

    /// Begins to keep what stands in open forms, also after a mistake of the program: perhaps not of this part of it.
    fn keep_unsaved(&mut self, exit: &Exit) {
        let kept = std::panic::catch_unwind(AssertUnwindSafe(|| self.app.leave_unsaved(exit)));
        if kept.is_err() {
            tracing::error!("what stood in open forms could not be kept");
        }
    }

    async fn unsaved_written(&mut self) {
        if let Some(written) = self.app.unsaved_written() {
            // A disk that takes longer is given up: the process must end.
            let _ = tokio::time::timeout(KEEP, written).await;
        }
    }

    async fn writes_end(&mut self) {
        while self.app.jobs().writes().next().is_some() {
            let finished = self.app.jobs().next().await;
            // Screens are not told any more: what they would ask for could not be done.
            self.app.jobs().accept(finished);
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}
