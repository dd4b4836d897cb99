//! The grammar of the command line. Fields are options named after the forms; what they mean is in `directory`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::directory::{history, moment};

mod department;
mod files;
mod group;
mod integrity;
mod run;
mod user;

pub use department::{
    Department, DepartmentAdd, DepartmentDelete, DepartmentEdit, DepartmentList, DepartmentMerge,
    DepartmentOrder, MergeSide, MoveMembers,
};
pub use files::{Format, MatchBy, Passwords, Separator, UserExport, UserImport};
pub use group::{Group, GroupPermissions, Membership};
pub use integrity::{Baseline, BaselineAccept, Check, Decide, PlanApply, PlanCommand, Severity};
pub use run::{Run, RunList};
pub use user::{Chosen, Fields, Names, Order, User, UserAdd, UserEdit, UserList, UserPassword, UserWhy};

/// Runs the accounts of a Django portal: users, groups, departments, and the repairs they need.
///
/// Without a command it opens its screens; the first start without a configured portal creates a database of its own.
#[derive(Debug, Parser)]
#[command(name = "portaldesk", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    /// The portal of the configuration file to open: @NAME.
    #[arg(value_name = "@PORTAL", value_parser = portal_name)]
    pub portal: Option<String>,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; without it the screens open.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The database's URL, without a password.
    #[arg(
        long,
        value_name = "URL",
        global = true,
        help = "The database: sqlite:///path/file, mysql://user@host/name or postgres://user@host/name; no password in it"
    )]
    pub database: Option<String>,
    /// The configuration file, instead of the usual places.
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Write nothing to the database.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Answer every question with yes.
    #[arg(long, global = true)]
    pub yes: bool,
    /// A ticket or reason, kept with the change in the history.
    #[arg(long, value_name = "TEXT", global = true)]
    pub ticket: Option<String>,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What every command that writes understands.
#[derive(Debug, Default, Args)]
pub struct Write {
    /// Show the plan and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create the portal's tables in an empty database, and portaldesk's own in any.
    Init(Init),
    /// Open a throw-away sample portal in SQLite.
    Demo(Demo),
    /// Look at configuration, connection, grants and more; say what is in the way and how to mend it. Changes nothing.
    Doctor(Doctor),
    /// Look for faults in the accounts; exit 1 when there are any from "warning" up.
    Check(Check),
    /// Findings that were accepted with a reason: they are shown apart and don't count.
    #[command(subcommand)]
    Baseline(Baseline),
    /// Repair a finding about which somebody has to choose; without answers, print what is asked.
    Decide(Decide),
    /// Plans that `--dry-run --json` of any command printed into a file.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Repair what can be repaired without a decision: shows the plan, asks once.
    #[command(alias = "fix_user_profiles")]
    FixUserProfiles {
        /// Only what these checks find, by id.
        #[arg(long, value_name = "ID,…", value_delimiter = ',')]
        only: Vec<String>,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// Create the portal's role groups where they are missing.
    #[command(alias = "setup_groups")]
    SetupGroups(Write),
    /// Put every superuser into the Admin group.
    #[command(alias = "assign_superuser_groups")]
    AssignSuperuserGroups(Write),
    /// Create a superuser.
    #[command(aliases = ["createsuperuser", "create_superuser"])]
    CreateSuperuser(CreateSuperuser),
    /// Set the password of an account.
    #[command(aliases = ["changepassword", "change_password"])]
    ChangePassword(SetPassword),
    /// Accounts.
    #[command(subcommand)]
    User(User),
    /// Groups, some of which are roles of the portal.
    #[command(subcommand)]
    Group(Group),
    /// Departments.
    #[command(subcommand)]
    Department(Department),
    /// Who changed what, newest first, here and in the portal's own admin.
    History(History),
    /// Take back an operation, or all of a run's.
    Undo {
        /// The operation or the run, as the history names it.
        operation: String,
        /// Let the old password work again, where one is among what comes back.
        #[arg(long)]
        restore_password: bool,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// Copy the account tables into a new file: an SQLite database as one, a server's as SQL.
    Backup {
        /// The file, which must not be there yet.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Of a server, portaldesk's own tables too: the history, and what undo needs.
        #[arg(long)]
        with_history: bool,
    },
    /// Runs that go on or were stopped, such as a repair whose program was killed.
    #[command(subcommand)]
    Run(Run),
    /// The portal in numbers, as on the Overview.
    Stats(Stats),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    Man {
        /// The folder, which must exist.
        #[arg(value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

/// `portaldesk doctor`
#[derive(Debug, Default, Args)]
pub struct Doctor {
    /// Ask the portal's own program the same: its `check`, `showmigrations`, `fix_user_profiles --dry-run`, and whether it
    /// takes a password that portaldesk sets, for which an account is made and removed again.
    #[arg(long, num_args = 2, value_names = ["PYTHON", "MANAGE.PY"], value_hint = ValueHint::FilePath)]
    pub against: Option<Vec<PathBuf>>,
    /// How many seconds each question to the portal may take.
    #[arg(long, value_name = "N", requires = "against", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub against_seconds: u64,
}

/// `portaldesk stats`
#[derive(Debug, Default, Args)]
pub struct Stats {
    /// Look for findings also above 10 000 users, where that takes a while.
    #[arg(long)]
    pub scan: bool,
}

/// `portaldesk init`
#[derive(Debug, Args)]
pub struct Init {
    /// Export the history and drop portaldesk's own tables; the portal's stay untouched.
    #[arg(long)]
    pub remove: bool,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// How many users the sample has.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(5..=10_000_000))]
    pub users: u64,
    /// How many percent of them have faults.
    #[arg(long, value_name = "P", default_value_t = 3.0, value_parser = percent)]
    pub faults: f64,
    /// The folder of the sample, instead of a temporary one.
    #[arg(long, value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Create the sample, say how to open it, and end.
    #[arg(long)]
    pub no_tui: bool,
}

/// `portaldesk create-superuser`
#[derive(Debug, Args)]
pub struct CreateSuperuser {
    /// The new account's name.
    #[arg(long)]
    pub username: Option<String>,
    /// Its e-mail address.
    #[arg(long)]
    pub email: Option<String>,
    /// Where its password comes from.
    #[command(flatten)]
    pub password: PasswordSource,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk change-password`
#[derive(Debug, Args)]
pub struct SetPassword {
    /// The account's name.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordSource,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// Where a new password comes from; never from an argument, which everyone on the machine could read.
#[derive(Debug, Default, Args)]
#[command(group = ArgGroup::new("password_source").multiple(false))]
pub struct PasswordSource {
    /// Read the password from standard input.
    #[arg(long, group = "password_source")]
    pub password_stdin: bool,
    /// Read the password from a file of one line.
    #[arg(long, value_name = "FILE", group = "password_source", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,
    /// Make up a password and print it once.
    #[arg(long, group = "password_source")]
    pub password_generate: bool,
}

/// `portaldesk history`
#[derive(Debug, Default, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct History {
    /// What to do other than to list it.
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
    /// Only what this lets through, as in the filter line of the History tab: by:amir about:bela field:department
    /// op:ID since:2026-01-31 until:… source:portal, and words of the title.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Only changes of this account, by a name it has or had, or #ID.
    #[arg(long, value_name = "NAME")]
    pub about: Option<String>,
    /// Only changes by this account or user of this machine.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only since this time: 2026-01-31, 2026-01-31T08:00, or 90m, 24h, 7d back from now.
    #[arg(long, value_name = "TIME", value_parser = moment::read)]
    pub since: Option<DateTime<Utc>>,
    /// Only changes of this field.
    #[arg(long, value_name = "NAME", value_parser = history::named)]
    pub field: Vec<&'static history::fields::Field>,
    /// Only this operation, or the operations of this run.
    #[arg(long, value_name = "ID")]
    pub op: Option<String>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Check instead that nothing in portaldesk's journal was altered, taken out or moved; exit 1 when something was.
    #[arg(long, conflicts_with_all = ["filter", "about", "by", "since", "field", "op", "limit"])]
    pub verify: bool,
}

/// `portaldesk history prune`
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Forget what rows held before and after old changes, password hashes too: those can't be taken back any more. Who
    /// did what and when stays, and --verify still proves it.
    Prune {
        /// Changes made before this: 2026-01-31, or 365d back from now.
        #[arg(long, value_name = "TIME", value_parser = moment::read)]
        older_than: DateTime<Utc>,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
}

/// `@NAME`, without the `@`. Anything else in this place is a mistyped command.
fn portal_name(text: &str) -> Result<String, String> {
    if let Some(name) = text.strip_prefix('@').filter(|name| !name.is_empty()) {
        return Ok(name.to_owned());
    }
    let commands = <Arguments as clap::CommandFactory>::command();
    let similar = crate::config::closest(text, commands.get_subcommands().map(clap::Command::get_name));
    Err(match similar {
        Some(similar) => format!("there is no such command; did you mean {similar}?"),
        None => "there is no such command, and a portal is written @NAME".to_owned(),
    })
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("must be from 0 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Arguments {
        Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_grammar_holds() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_portal_comes_before_the_command() {
        let arguments = parse("portaldesk @main");
        assert_eq!(arguments.portal.as_deref(), Some("main"));
        assert!(arguments.command.is_none());
        let arguments = parse("portaldesk @main user list --json");
        assert_eq!(arguments.portal.as_deref(), Some("main"));
        assert!(arguments.global.json && matches!(arguments.command, Some(Command::User(User::List(_)))));
        let arguments = parse("portaldesk --json @main stats");
        assert!(arguments.portal.is_some() && matches!(arguments.command, Some(Command::Stats(_))));
    }

    #[test]
    fn django_spellings_are_understood() {
        for (line, wanted) in [
            ("portaldesk fix_user_profiles --dry-run", "FixUserProfiles"),
            ("portaldesk setup_groups", "SetupGroups"),
            ("portaldesk assign_superuser_groups", "AssignSuperuserGroups"),
            ("portaldesk createsuperuser --username root", "CreateSuperuser"),
            ("portaldesk changepassword bob", "ChangePassword"),
        ] {
            let command = parse(line).command.unwrap();
            assert!(format!("{command:?}").starts_with(wanted), "{line}: {command:?}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "portaldesk user edit bob --staff --no-staff",
            "portaldesk user edit bob --department X --no-department",
            "portaldesk user edit bob --set-groups A,B --group C",
            "portaldesk user add --username bob --password-stdin --password-generate",
            "portaldesk user add",
            "portaldesk user password bob --password secret",
            "portaldesk demo --faults 101",
            "portaldesk stats --dry-run",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn a_mistyped_command_gets_a_suggestion() {
        let error = Arguments::try_parse_from(["portaldesk", "histroy"]).unwrap_err();
        assert!(error.to_string().contains("did you mean history?"), "{error}");
    }
}
