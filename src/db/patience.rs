//! How long we wait: for locks, and for a server that says nothing.
//!
//! A query may take long, and a server may be gone without having closed the line (its machine froze, a firewall forgot
//! the connection). Both look the same from here, so after a while we ask over a second connection what the server is
//! doing for the first. No limit is put on a query that it works on.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::pool::Shared;
use super::session::Session;
use super::sql::Sql;
use super::{DbError, DbErrorKind, Dialect, connect};

/// How long we wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the locks of others in one transaction, in all, retries included.
    pub locks: Duration,
    /// For any answer of a server, before we ask whether it is still there.
    pub silence: Duration,
}

impl Default for Patience {
    /// 30 seconds for locks, 10 for an answer.
    fn default() -> Self {
        Self { locks: Duration::from_secs(30), silence: Duration::from_secs(10) }
    }
}

impl Patience {
    /// How long the engine lets one statement wait for a lock, in whole seconds: what some engines can't divide.
    pub(super) fn seconds_for_one_lock(self) -> u64 {
        (self.locks.as_secs() / 3).max(1)
    }
}

/// What the server does for a connection of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It works on a statement.
    Working,
    /// It waits for us, or has closed the connection.
    Waiting,
    /// It does not answer anybody.
    Silent,
}

/// Waits for an answer of the connection that the server knows as `backend`, as long as one can still come.
///
/// # Errors
/// Lost, when the server answers nobody any more, or believes that it has answered; what the answer says.
pub(super) async fn answer<T>(
    shared: &Arc<Shared>,
    backend: i64,
    answer: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    if shared.dialect == Dialect::Sqlite {
        return answer.await;
    }
    let mut answer = pin!(answer);
    let mut was_waiting = false;
    loop {
        if let Ok(result) = tokio::time::timeout(shared.patience().silence, &mut answer).await {
            return result;
        }
        match ask(shared, backend).await {
            Doing::Working => was_waiting = false,
            // Its answer may just be on the way.
            Doing::Waiting if !was_waiting => was_waiting = true,
            Doing::Waiting => {
                // What it locked there would otherwise stay locked.
                shared.end_backend(backend).await;
                return Err(lost("the connection to the server is dead"));
            }
            Doing::Silent => return Err(lost("the server does not answer any more")),
        }
    }
}

fn lost(message: &str) -> DbError {
    DbError::new(DbErrorKind::Lost, message)
}

async fn ask(shared: &Arc<Shared>, backend: i64) -> Doing {
    let question = async {
        let mut session = shared.another().await?;
        let sql = match shared.dialect {
            Dialect::MySql => {
                Sql::new("SELECT COMMAND <> 'Sleep' FROM information_schema.PROCESSLIST WHERE ID = ?")
            }
            _ => {
                Sql::new("SELECT COALESCE(state NOT LIKE 'idle%', true) FROM pg_stat_activity WHERE pid = ?")
            }
        };
        session.all(&sql.bind(backend), shared.dialect).await
    };
    match tokio::time::timeout(shared.patience().silence, question).await {
        Ok(Ok(rows)) => match rows.first().map(|row| row.bool(0)) {
            Some(Ok(false)) | None => Doing::Waiting,
            Some(_) => Doing::Working,
        },
        // A server that refuses us (too many connections, say) is there.
        Ok(Err(error)) if !matches!(error.kind, DbErrorKind::Lost | DbErrorKind::Unreachable) => {
            Doing::Working
        }
        Ok(Err(_)) | Err(_) => Doing::Silent,
    }
}

impl Shared {
    pub(super) fn patience(&self) -> Patience {
        self.target().patience
    }

    /// One more connection, beside those of the pool.
    async fn another(&self) -> Result<Session, DbError> {
        let mut last = lost("no address to try");
        for address in self.target().candidates() {
            match connect::open(self.target(), &address, false).await {
                Ok(session) => return Ok(session),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Closes one of our connections at the server, where nobody listens to it any more. Failing is no harm: the server
    /// then finds out by itself.
    async fn end_backend(&self, backend: i64) {
        let order = match self.dialect {
            Dialect::MySql => format!("KILL CONNECTION {backend}"),
            _ => format!("SELECT pg_terminate_backend({backend})"),
        };
        let ending = async { self.another().await?.execute_text(&order, self.dialect).await };
        match tokio::time::timeout(self.patience().silence, ending).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a dead connection could not be closed at the server"),
            Err(_) => tracing::warn!("a dead connection could not be closed at the server: no answer"),
        }
    }
}
