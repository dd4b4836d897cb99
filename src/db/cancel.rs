//! Stops work on the server. Dropping a future does not: MySQL and PostgreSQL go on with the query, even after the
//! client has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use super::pool::Shared;

/// How long the server has to obey before it is told again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A handle that stops the statements run with it (see [`super::Db::cancellable`]).
#[derive(Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Default)]
struct State {
    requested: AtomicBool,
    /// The server's id of the connection that is at work, while it is.
    running: Mutex<Option<Running>>,
}

struct Running {
    shared: Arc<Shared>,
    backend: i64,
    killed: bool,
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel").field("requested", &self.is_requested()).finish()
    }
}

impl State {
    /// Tells the server to stop until it has. Once is not enough: an order that arrives between two round trips of one
    /// statement (its preparation and its execution) finds the connection idle and is forgotten.
    async fn stop(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.running.lock().await.as_mut() {
                None => return,
                Some(running) => {
                    running.killed = true;
                    running.shared.stop_backend(running.backend).await;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Cancel {
    /// Asks for the work to stop: on SQLite at its next progress callback, on a server by `KILL QUERY` or
    /// `pg_cancel_backend` over a second connection. Returns at once; the work ends with an error that says so.
    pub fn cancel(&self) {
        if self.0.requested.swap(true, Ordering::SeqCst) {
            return;
        }
        let state = Arc::clone(&self.0);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { state.stop().await });
        }
    }

    /// Whether [`Cancel::cancel`] was called.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    pub(super) async fn begin(&self, shared: &Arc<Shared>, backend: i64) {
        *self.0.running.lock().await = Some(Running { shared: Arc::clone(shared), backend, killed: false });
    }

    /// Ends the watch; true when the server was told to stop this connection, which must then not be used again: the
    /// order may arrive after the statement has ended and hit the next one.
    pub(super) async fn end(&self) -> bool {
        self.0.running.lock().await.take().is_some_and(|running| running.killed)
    }
}
