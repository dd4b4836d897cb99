//! The real terminal: entered and left, on every way out.
//!
//! The ways out are a return, an error, a panic, `SIGHUP`, `SIGINT`, `SIGTERM` and `SIGQUIT` (exit 128 + n), `Ctrl-Z`,
//! and a terminal that vanishes (exit 129). For the last one a thread waits for the kernel's `POLLHUP`, because
//! crossterm's own poll turns into a busy loop there and never reports it. A last thread ends the process when the loop
//! cannot, for instance because it is blocked in writing to a terminal that nobody reads.
//!
//! Keys are read by a thread of their own and not by crossterm's `EventStream`: that one reads a blocking descriptor on a
//! worker of the runtime, where half an escape sequence would hold up whatever else waits for that worker.

use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::app::HostEffect;
use super::event_loop::{Host, HostEvent, QUEUE};
use super::input::{Arrival, translate};
use crate::error::{Error, Result};

/// Alternate screen, cursor hidden, pastes in brackets.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The reverse, and an end to whatever a frame cut short may have left on: a synchronized update, colours, the mouse.
const LEAVE: &str = "\x1b[?2026l\x1b[0m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// Clicks and the wheel, not every move.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
/// How long the loop has for an orderly end after a signal.
const PATIENCE: Duration = Duration::from_millis(1_900);
/// How long a stop by `Ctrl-Z` may take to arrive.
const STOP_ARRIVES: Duration = Duration::from_millis(100);

/// Whether the terminal is ours now; whoever leaves it first does so for all.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// How often the shell has continued us.
static CONTINUED: AtomicU64 = AtomicU64::new(0);
/// How often by then the terminal had been taken again.
static RETAKEN: AtomicU64 = AtomicU64::new(0);

/// Whether standard input and output are a terminal.
#[must_use]
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Refuses to go on without a terminal.
///
/// # Errors
///
/// A usage error that names the way out.
pub fn needed() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    Err(Error::usage(
        "There is no terminal here. In scripts use the commands: `portaldesk --help` lists them.",
    ))
}

/// The terminal while it is ours; dropping it gives it back.
#[derive(Debug)]
pub struct Entered(());

impl Entered {
    /// Takes the terminal: raw, alternate screen, no cursor. From here on a panic of this thread gives it back too.
    ///
    /// # Errors
    ///
    /// When standard input and output are not a terminal.
    pub fn new() -> Result<Self> {
        needed()?;
        install_panic_hook();
        enter().map_err(|error| Error::unreachable(format!("The terminal cannot be set up: {error}.")))?;
        Ok(Self(()))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    write_out(ENTER.as_bytes())
}

/// Gives the terminal back, once. Errors do not matter: there is nobody left to tell, and a terminal that is gone needs
/// nothing.
fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        let _ = write_out(LEAVE.as_bytes());
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// A panic of the thread that owns the terminal gives it back before the message is printed. One of any other thread is
/// only logged: it becomes an error reply, and the screen stays whole.
fn install_panic_hook() {
    let owner = thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(%panic, "panic");
        if thread::current().id() == owner || !ENTERED.load(Ordering::SeqCst) {
            leave();
            before(panic);
        }
    }));
}

/// What the loop asks of a real terminal, and the signals it hears.
pub struct TtyHost {
    events: mpsc::UnboundedReceiver<HostEvent>,
}

impl TtyHost {
    /// Starts to listen for signals and for the terminal's end. Needs a Tokio runtime with more than one thread.
    ///
    /// # Errors
    ///
    /// When the system refuses a signal handler, a thread or the terminal's descriptor.
    pub fn new() -> Result<Self> {
        let failed = |error: io::Error| Error::unreachable(format!("Signals cannot be watched: {error}."));
        let (sender, events) = mpsc::unbounded_channel();
        for kind in
            [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()]
        {
            let mut signals = signal(kind).map_err(failed)?;
            let sender = sender.clone();
            let code = u8::try_from(128 + kind.as_raw_value()).unwrap_or(u8::MAX);
            tokio::spawn(async move {
                if signals.recv().await.is_some() {
                    end(&sender, code);
                }
            });
        }
        let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw())).map_err(failed)?;
        let sender_of_continued = sender.clone();
        tokio::spawn(async move {
            while continued.recv().await.is_some() {
                CONTINUED.fetch_add(1, Ordering::SeqCst);
                let _ = sender_of_continued.send(HostEvent::Continued);
            }
        });
        let terminal = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
        thread::Builder::new()
            .name("hang-up".to_owned())
            .spawn(move || watch(&terminal, &sender))
            .map_err(failed)?;
        Ok(Self { events })
    }
}

/// Waits, without ever waking up, until the kernel says that the terminal is gone.
fn watch(terminal: &OwnedFd, sender: &mpsc::UnboundedSender<HostEvent>) {
    // No events asked for: hang-up and error are always reported.
    let gone = PollFlags::HUP | PollFlags::ERR;
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_) if fds[0].revents().intersects(gone) => {
                end(sender, 129);
                return;
            }
            Ok(_) if fds[0].revents().is_empty() => {}
            Err(rustix::io::Errno::INTR) => {}
            // A system that cannot poll terminals; SIGHUP remains.
            Ok(_) | Err(_) => return,
        }
    }
}

/// Whether the terminal has hung up.
pub(super) fn is_gone() -> bool {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
    poll(&mut fds, Some(&Timespec::default())).is_ok()
        && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

/// Tells the loop to end, and sees to it that the process ends even if the loop cannot.
fn end(sender: &mpsc::UnboundedSender<HostEvent>, code: u8) {
    let _ = sender.send(HostEvent::End(code));
    // Without a thread there is only the loop to rely on.
    let _ = thread::Builder::new().name("last-resort".to_owned()).spawn(move || {
        thread::sleep(PATIENCE);
        // Raw mode first: unlike a write it cannot block.
        let _ = crossterm::terminal::disable_raw_mode();
        thread::spawn(leave);
        thread::sleep(Duration::from_millis(50));
        std::process::exit(i32::from(code));
    });
}

impl Host for TtyHost {
    fn apply(&mut self, effect: &HostEffect) -> std::result::Result<(), String> {
        let written = match effect {
            HostEffect::Suspend => return suspend(),
            HostEffect::Repaint => Ok(()),
            HostEffect::Mouse(true) => write_out(MOUSE_ON.as_bytes()),
            HostEffect::Mouse(false) => write_out(MOUSE_OFF.as_bytes()),
            // OSC 52 reaches the clipboard of the person's own machine through SSH, where the terminal allows it.
            HostEffect::Copy(words) => {
                write_out(format!("\x1b]52;c;{}\x07", STANDARD.encode(words)).as_bytes())
            }
        };
        written.map_err(|error| format!("The terminal cannot be written to: {error}."))
    }

    async fn event(&mut self) -> HostEvent {
        match self.events.recv().await {
            Some(HostEvent::Continued) => {
                // Whoever continued us may have changed the terminal's modes meanwhile. For a moment the terminal is not
                // ours, and Ctrl-C there would be a signal: not twice for one stop.
                let continued = CONTINUED.load(Ordering::SeqCst);
                let is_new = RETAKEN.swap(continued, Ordering::SeqCst) != continued;
                if is_new && ENTERED.load(Ordering::SeqCst) {
                    let _ = crossterm::terminal::disable_raw_mode().and_then(|()| enter());
                }
                HostEvent::Continued
            }
            Some(event) => event,
            // Cannot happen: the watching tasks hold senders.
            None => std::future::pending().await,
        }
    }
}

/// Gives the terminal to the shell and stops; returns when the shell continues us.
fn suspend() -> std::result::Result<(), String> {
    const NO_JOB_CONTROL: &str = "There is no job control here: no shell could continue the program.";
    // The leader of a session has no shell above it (`ssh -t host portaldesk`).
    if getsid(None).is_ok_and(|session| session == getpgrp()) {
        return Err(NO_JOB_CONTROL.to_owned());
    }
    let before = CONTINUED.load(Ordering::SeqCst);
    leave();
    let sent = kill_current_process_group(Signal::TSTP);
    // Stopped about here. The kernel discards the signal in an orphaned process group: then nothing continues us.
    let mut waited = Duration::ZERO;
    while sent.is_ok() && CONTINUED.load(Ordering::SeqCst) == before && waited < STOP_ARRIVES {
        thread::sleep(Duration::from_millis(1));
        waited += Duration::from_millis(1);
    }
    enter().map_err(|error| format!("The terminal cannot be set up: {error}."))?;
    RETAKEN.store(CONTINUED.load(Ordering::SeqCst), Ordering::SeqCst);
    if CONTINUED.load(Ordering::SeqCst) == before { Err(NO_JOB_CONTROL.to_owned()) } else { Ok(()) }
}

/// Starts to read keys from the terminal. The channel closes when the terminal cannot be read any more.
///
/// # Errors
///
/// When the system refuses a thread.
pub fn read_keys() -> Result<mpsc::Receiver<Arrival>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let read = move || {
        while let Ok(event) = crossterm::event::read() {
            let Some(input) = translate(event) else { continue };
            if sender.blocking_send(Arrival::now(input)).is_err() {
                break;
            }
        }
    };
    let started = thread::Builder::new().name("keys".to_owned()).spawn(read);
    started.map_err(|error| Error::unreachable(format!("Keys cannot be read: {error}.")))?;
    Ok(receiver)
}
