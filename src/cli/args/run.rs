//! `portaldesk run`

use clap::{Args, Subcommand};

use super::Write;

/// `portaldesk run`
#[derive(Debug, Subcommand)]
pub enum Run {
    /// List the runs that go on or were stopped, the newest first.
    List(RunList),
    /// Show one run.
    Show {
        /// The run, as the list or the history names it.
        run: String,
    },
    /// Go on with a stopped run: what is left is looked for anew and done under the same id.
    Resume {
        /// The run.
        run: String,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// Set a stopped run aside: what it wrote stands and can still be taken back, and nobody is asked about it again.
    End {
        /// The run.
        run: String,
    },
}

/// `portaldesk run list`
#[derive(Debug, Args)]
pub struct RunList {
    /// Those that came to their end, too; a single change is a run of one.
    #[arg(long)]
    pub all: bool,
    /// At most so many, the newest.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
}
