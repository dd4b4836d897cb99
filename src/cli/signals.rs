//! Runs a command until it ends or a signal asks for the end.
//!
//! The first signal asks the work to stop: what runs on a server is cancelled there, a transaction is rolled back or
//! finished, and a run ends between two plans. After two seconds nothing is waited for any more.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::prompt;
use crate::db::Cancel;
use crate::error::{Error, Kind, Result};

/// How long a running write may take to finish or roll back.
const GRACE: Duration = Duration::from_secs(2);

/// SIGINT, as the exit code of a signal counts it.
const INTERRUPT: u8 = 2;

/// The result of `work`, or 128 + n after a signal n.
///
/// # Errors
///
/// What the work says, after a SIGINT only that a run was stopped midway; a bug when it panicked.
pub(super) async fn until_signal(
    work: impl Future<Output = Result<u8>> + Send + 'static,
    cancel: Cancel,
) -> Result<u8> {
    // Before the work begins, so that no signal finds it unwatched.
    let mut signals =
        Signals::watch().map_err(|why| Error::bug(format!("signals can't be watched: {why}")))?;
    let mut task = tokio::spawn(work);
    tokio::select! {
        ended = &mut task => flatten(ended),
        number = signals.first() => {
            tracing::info!(number, "stopping after a signal");
            cancel.cancel();
            if prompt::is_waiting() {
                return Ok(128 + number);
            }
            match tokio::time::timeout(GRACE, task).await.map(flatten) {
                // Whoever stopped a run is told that it can be gone on with, and how.
                Ok(Err(error)) if number == INTERRUPT && is_resumable(&error) => return Err(error),
                Ok(Err(error)) => tracing::info!(%error, "the work ended"),
                _ => {}
            }
            Ok(128 + number)
        }
    }
}

/// Whether a part of a run was done, which the error names.
fn is_resumable(error: &Error) -> bool {
    error.kind == Kind::Interrupted && error.operation.is_some()
}

/// The signals that ask for the end. A SIGINT from outside means what a SIGTERM does.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the first that comes.
    async fn first(&mut self) -> u8 {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        u8::try_from(kind.as_raw_value()).unwrap_or(0)
    }
}

fn flatten(ended: std::result::Result<Result<u8>, tokio::task::JoinError>) -> Result<u8> {
    ended.unwrap_or_else(|panic| Err(Error::bug(format!("a mistake in portaldesk: {panic}"))))
}
