//! What people ask of accounts.

use crate::db::Cancel;

/// An open portal: what a job needs to read and write it.
#[derive(Debug, Clone, Default)]
pub struct Portal {
    cancel: Cancel,
}

impl Portal {
    /// The same portal, its queries stopped on the server when `cancel` is.
    #[must_use]
    pub fn cancellable(&self, cancel: &Cancel) -> Self {
        Self { cancel: cancel.clone() }
    }

    /// The handle that stops this portal's queries.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}
