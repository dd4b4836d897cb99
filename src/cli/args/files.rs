//! Users in files: `portaldesk user export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{Chosen, Order};

/// `portaldesk user export`
#[derive(Debug, Default, Args)]
pub struct UserExport {
    /// Which accounts.
    #[command(flatten)]
    pub chosen: Chosen,
    /// The order.
    #[arg(long, value_name = "COLUMN", value_enum, default_value_t = Order::Username)]
    pub sort: Order,
    /// The other way round.
    #[arg(long)]
    pub descending: bool,
    /// The columns of a CSV file, in this order; without, those that an import takes.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// What is written; without, what the end of the file's name says, or CSV.
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// A new file that only you can read, instead of standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// What a file of users is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each account, for a spreadsheet and for `user import`.
    Csv,
    /// The list as `user list --json` prints it.
    Json,
}
