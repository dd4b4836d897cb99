//! `check`, `baseline` and what else is about findings.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::Write;
use crate::directory::moment;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be mended.
    Warning,
    /// Something does not work.
    Error,
    /// Someone has access who must not, or data are being lost.
    Critical,
}

/// `portaldesk check`
#[derive(Debug, Args)]
pub struct Check {
    /// Only these checks, by id.
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// The least severity that makes the exit code 1.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t = Severity::Warning)]
    pub fail_on: Severity,
    /// Also run the checks that read every page of the database; that takes a while.
    #[arg(long)]
    pub deep: bool,
    /// Print nothing while the exit code is 0, and else a line for each finding: for cron.
    #[arg(long, conflicts_with = "rows")]
    pub quiet: bool,
    /// Show the rows of so many subjects of each finding; with --json there are always all.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub rows: usize,
}

/// `portaldesk baseline`
#[derive(Debug, Subcommand)]
pub enum Baseline {
    /// What was accepted: by whom, why and until when.
    List,
    /// Accept what a check finds, for everyone who works on this portal.
    Accept(BaselineAccept),
    /// Take back what was accepted, so that it counts again.
    Remove {
        /// Its number, as `baseline list` shows it.
        #[arg(value_name = "ID", required = true)]
        ids: Vec<i64>,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
}

/// `portaldesk baseline accept`
#[derive(Debug, Args)]
pub struct BaselineAccept {
    /// The check, by id.
    #[arg(value_name = "CHECK")]
    pub check: String,
    /// Which of its rows, as `check` names them at the beginning of their line, or by username; without any, all that
    /// it finds now.
    #[arg(value_name = "ROW")]
    pub rows: Vec<String>,
    /// Why, for those who come after.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Until when; it counts again afterwards: 2026-12-31, or 30d from now. Without it, for good.
    #[arg(long, value_name = "TIME", value_parser = moment::ahead)]
    pub until: Option<DateTime<Utc>>,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk decide`
#[derive(Debug, Args)]
pub struct Decide {
    /// The check, by id.
    #[arg(value_name = "CHECK")]
    pub check: String,
    /// Which of its rows, as `check` names it at the beginning of its line, or by username.
    #[arg(value_name = "ROW")]
    pub row: String,
    /// The answers, by the names of the questions.
    #[arg(value_name = "QUESTION=ANSWER")]
    pub answers: Vec<String>,
    /// Answer with what is proposed wherever no other answer is given.
    #[arg(long)]
    pub proposed: bool,
    /// Copy the account tables into this new file first, as `backup` does.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub backup: Option<PathBuf>,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk plan`
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Say what the plans in a file would write. Needs no database.
    Show {
        /// The file; - is standard input.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Write what the plans in a file say, unless one of their rows changed since.
    Apply(PlanApply),
}

/// `portaldesk plan apply`
#[derive(Debug, Args)]
pub struct PlanApply {
    /// The file; - is standard input.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}
