//! Work that would hold up whatever else its thread does: reading and writing files.

use crate::error::{Error, Result};

/// Does this on a thread where it may take its time.
///
/// # Errors
/// A mistake of the program's, when the work did not come to its end.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::bug(format!("work beside the database ended early: {error}")))
}
