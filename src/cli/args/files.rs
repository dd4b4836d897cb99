//! Users in files: `portaldesk user import` and `user export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{Chosen, Order, Write};

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

/// `portaldesk user import`
#[derive(Debug, Args)]
pub struct UserImport {
    /// The CSV file; `-` is standard input, which isn't kept: such an import can't be resumed, but be made once more with
    /// --update. Its first row names the columns, as an export does.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Change accounts that are there already, by their username; without, such a row is refused.
    #[arg(long)]
    pub update: bool,
    /// Whether a row whose id is filled may give the account of that id another username.
    #[arg(long = "match", value_name = "BY", value_enum, default_value_t = MatchBy::Username)]
    pub match_by: MatchBy,
    /// Make groups and departments that are not there.
    #[arg(long)]
    pub create_missing: bool,
    /// Leave rows out that can't be taken, and write the others; without, one such row refuses the whole file.
    #[arg(long)]
    pub skip_invalid: bool,
    /// A new file for the rows that were left out, with the reasons; without, FILE with the ending .rejected.csv.
    #[arg(long, value_name = "FILE", requires = "skip_invalid", value_hint = ValueHint::FilePath)]
    pub rejects: Option<PathBuf>,
    /// What new accounts get that have none in the file.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Passwords::None)]
    pub passwords: Passwords,
    /// A new file for passwords that are made up.
    #[arg(long, value_name = "FILE", required_if_eq("passwords", "generate"), value_hint = ValueHint::FilePath)]
    pub passwords_to: Option<PathBuf>,
    /// What stands between cells; without, what the first row looks like.
    #[arg(long, value_name = "SIGN", value_enum)]
    pub delimiter: Option<Separator>,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// By what a row finds its account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum MatchBy {
    /// By username; a row's id must be that account's.
    #[default]
    Username,
    /// By id, where the row has one; its username may be new.
    Id,
}

/// Passwords of new accounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Passwords {
    /// None: they can't sign in until one is set.
    #[default]
    None,
    /// Made up, and written into the file of --passwords-to.
    Generate,
}

/// What stands between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Separator {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tabulator.
    Tab,
}
