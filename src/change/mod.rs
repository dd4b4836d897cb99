//! The only way a portal table is written. Knows rows as images, nothing of users or profiles.
//!
//! A [`Plan`] lists the rows to be written; a [`Writer`] applies it in one transaction that locks, compares, guards,
//! writes, journals and logs; [`undo::plan`] makes the plan that takes it back.

mod actor;
pub mod admin_log;
mod ahead;
mod alone;
mod apply;
mod compare;
mod counter;
mod ddl;
pub mod guard;
mod hold;
pub mod journal;
mod owner;
mod plan;
pub mod plan_file;
mod progress;
pub mod references;
mod rehearse;
pub mod rights;
pub mod rows;
mod run;
pub mod superusers;
mod taken;
pub mod undo;
mod unsettled;
mod write;

pub use actor::{Account, Actor};
pub use admin_log::{Written, Wrote};
pub use apply::Applied;
pub use ddl::{Alter, Ddl, Index, Key, Reference};
pub use hold::{Hold, Opening};
pub use owner::{Owner, is_alive};
pub use plan::{Adopt, Image, MOST_ROWS, Plan, Purpose, Require, Step, Value, is_secret};
pub use progress::{Pace, Progress, Watch};
pub use run::{Outcome, Plans, Ready, Tally, UntilRefused, Writer};
pub use unsettled::Unsettled;
