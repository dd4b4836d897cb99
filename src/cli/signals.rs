//! Runs a command until it ends or a signal asks for the end.
//!
//! The first signal asks the work to stop: what runs on a server is cancelled there, a transaction is rolled back or
//! finished, and a run ends between two plans. After two seconds nothing is waited for any more.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::db::Cancel;
use crate::error::{Error, Result};

/// How long a running write may take to finish or roll back.
const GRACE: Duration = Duration::from_secs(2);

/// The result of `work`, or 128 + n after a signal n.
///
/// # Errors
///
/// What the work says; a bug when it panicked.
pub(super) async fn until_signal(
    work: impl Future<Output = Result<u8>> + Send + 'static,
    cancel: Cancel,
) -> Result<u8> {
    let mut task = tokio::spawn(work);
    tokio::select! {
        ended = &mut task => flatten(ended),
        number = first_signal() => {
            let number = number.map_err(|why| Error::bug(format!("signals can't be watched: {why}")))?;
            tracing::info!(number, "stopping after a signal");
            cancel.cancel();
            if let Ok(Err(error)) = tokio::time::timeout(GRACE, task).await.map(flatten) {
                tracing::info!(%error, "the work ended");
            }
            Ok(128 + number)
        }
    }
}

async fn first_signal() -> io::Result<u8> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let kind = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    };
    Ok(u8::try_from(kind.as_raw_value()).unwrap_or(0))
}

fn flatten(ended: std::result::Result<Result<u8>, tokio::task::JoinError>) -> Result<u8> {
    ended.unwrap_or_else(|panic| Err(Error::bug(format!("a mistake in portaldesk: {panic}"))))
}
