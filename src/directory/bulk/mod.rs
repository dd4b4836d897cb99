//! One change for many accounts: marked ones, or all that match a filter.
//!
//! [`Ahead`] says what it would mean, for whom the guards refuse it, and who loses what. [`begin`] then does it as one
//! run: the rows of some hundred accounts are read at a time and planned from, so memory doesn't grow with their number
//! but for their ids. Accounts that are as wanted already are not written. A plan that is refused comes again in halves,
//! until the account that can't be written stands alone, is named and left.

mod ahead;
mod effects;
mod kept;
mod parts;
mod passwords;
mod plans;
mod words;

use std::path::PathBuf;

use crate::change::{Hold, Opening, Outcome, Plans, Purpose, Watch};
use crate::db::own;
use crate::error::Result;

use super::Portal;
use super::password_file::PasswordFile;

pub use ahead::{Ahead, look_ahead};
pub use effects::Effects;
use kept::Kept;
use plans::Bulk;

/// What is done to each of the accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// They may sign in.
    Activate,
    /// They may not sign in.
    Deactivate,
    /// They become members of this group.
    AddGroup(i64),
    /// They leave this group.
    RemoveGroup(i64),
    /// They come into this department, or have none.
    SetDepartment(Option<i64>),
    /// They get e-mail from the portal, or not.
    Notifications(bool),
    /// They may open the portal's own admin site, or not.
    Staff(bool),
    /// Each gets a new password. They are written into this file, which must not be there yet.
    GeneratePasswords {
        /// The file.
        to: PathBuf,
    },
    /// They are deleted, with all that Django deletes along.
    Delete,
    /// They are off-boarded: no way in, no rights, but all that refers to them stays.
    OffBoard,
    /// Several of those that a form has fields for, at once.
    Several(Vec<Change>),
}

impl Change {
    /// How many accounts are read and planned at once: about as many as fit into a plan.
    pub(super) const fn at_once(&self) -> usize {
        match self {
            // Hashing takes its time: between two plans there is something to tell, and the work can be stopped.
            Self::GeneratePasswords { .. } => 10,
            Self::Delete | Self::OffBoard => 100,
            _ => 500,
        }
    }

    /// Whether it takes something that is hard to get back, so that it is confirmed by typing whatever the count.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        self.each()
            .iter()
            .any(|it| matches!(it, Self::Delete | Self::Staff(_) | Self::GeneratePasswords { .. }))
    }

    /// The single changes that it is made of.
    fn each(&self) -> &[Self] {
        match self {
            Self::Several(changes) => changes,
            one => std::slice::from_ref(one),
        }
    }
}

/// How much of it is done at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// All of it.
    #[default]
    All,
    /// One account. The run then counts as stopped: whoever has looked at the account goes on with it by its id, or sets
    /// it aside.
    First,
}

/// Changes those accounts that a look ahead found to need it, as one run that one undo takes back.
///
/// # Errors
/// Denied, when the portal is read-only; a conflict, when the file for passwords is there already; what stops
/// everything. What a single account is refused for is in [`Outcome::refused`].
pub async fn begin(portal: &Portal, ahead: &Ahead, extent: Extent, watch: &Watch) -> Result<Outcome> {
    if ahead.ids.is_empty() {
        return Ok(Outcome { refused: ahead.refused.clone(), ..Outcome::default() });
    }
    let (writer, portal) = (portal.writer()?, &portal.cancellable(&watch.cancel));
    let mut plans = Bulk::new(portal, ahead.change.clone(), ahead.ids.clone());
    if let Change::GeneratePasswords { to } = &ahead.change {
        plans = plans.with_passwords(PasswordFile::create(to)?);
    }
    plans = match extent {
        Extent::All => plans.leaving_out(ahead.refused.clone()),
        Extent::First => plans.first_only(),
    };
    let opening = Opening {
        title: ahead.title.clone(),
        purpose: Purpose::Bulk,
        planned: Some(ahead.ids.len() as u64),
        resume_from: Kept::of(&ahead.change, &ahead.ids).to_json(),
    };
    let hold = writer.open(&opening).await?;
    portal.writer()?.run_held(hold, &mut plans, watch).await
}

/// The plans that are left of a run that was stopped: for those of its accounts that it has not written yet.
///
/// # Errors
/// Conflict, when what it was about can't be read, or the file of its passwords is not as it was left; what the engine
/// says.
pub async fn plans_left(portal: &Portal, hold: &Hold) -> Result<Box<dyn Plans>> {
    let kept = Kept::read(hold.resume_from())?;
    let written = own::users_of_run(&portal.db, hold.run()).await?;
    let mut left = kept.ids;
    left.retain(|id| written.binary_search(id).is_err());
    let mut plans = Bulk::new(portal, kept.change.clone(), left);
    if let Change::GeneratePasswords { to } = &kept.change {
        plans = plans.with_passwords(PasswordFile::go_on(to)?);
    }
    Ok(Box::new(plans))
}
