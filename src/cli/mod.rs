//! The command line: one file a command family; `output.rs` is the only place that prints.

mod accounts;
pub mod actor;
pub mod args;
mod backup;
mod baseline;
mod bulk;
mod change;
mod check;
mod decide;
mod demo;
mod departments;
mod doctor;
mod export;
mod groups;
pub mod history;
mod import;
pub mod json;
mod leave;
mod leaving;
mod lines;
pub mod lockouts;
mod manual;
mod open;
pub mod output;
mod plan;
mod process;
pub mod prompt;
mod rows;
mod runs;
mod screens;
mod setup;
mod signals;
mod stats;
pub mod table;
pub mod time;
pub mod users;
mod why;

use std::time::Duration;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use tokio::runtime::Runtime;

use crate::config::{Config, Environment, Flags, TimeZone};
use crate::db::Cancel;
use crate::directory::{self, Portal};
use crate::error::{Error, Result};
use args::{Arguments, Command, Global, PlanCommand, User};
use change::Note;
use output::Output;

/// How long threads may take to end once the work is done or given up.
const SHUTDOWN: Duration = Duration::from_millis(200);

/// Reads the command line of this process, does what it says, and returns the exit code.
#[must_use]
pub fn run() -> u8 {
    process::harden();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return not_understood(&error),
    };
    let (json, colour) = (arguments.global.json, arguments.global.color);
    match dispatch(arguments, Output::of_process(json, colour)) {
        Ok(code) => code,
        Err(error) => {
            tracing::info!(kind = error.kind.name(), %error, "ended with an error");
            Output::of_process(json, colour).error(&error);
            error.kind.exit_code()
        }
    }
}

/// Help and version are results; everything else clap has to say is a usage error.
fn not_understood(error: &clap::Error) -> u8 {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let mut output = Output::of_process(json, args::When::Auto);
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match output.data(text.as_bytes()) {
            Ok(()) => 0,
            Err(error) => error.kind.exit_code(),
        };
    }
    let error =
        Error::usage(without_stray_word(error, text.strip_prefix("error: ").unwrap_or(&text).trim_end()));
    output.error(&error);
    error.kind.exit_code()
}

/// A word too many may be a password that someone wrote as an argument: it is not repeated into logs.
fn without_stray_word(error: &clap::Error, message: &str) -> String {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word))
            if error.kind() == ErrorKind::UnknownArgument && !word.starts_with('-') =>
        {
            message.replace(&format!("'{word}'"), "after the last one")
        }
        _ => message.to_owned(),
    }
}

fn dispatch(arguments: Arguments, mut output: Output) -> Result<u8> {
    let Arguments { portal, global, command } = arguments;
    match &command {
        Some(Command::Completions { shell }) => return manual::completions(*shell, &mut output).map(|()| 0),
        Some(Command::Man { dir }) => return manual::pages(dir).map(|()| 0),
        _ => {}
    }
    if let Err(error) = crate::logging::start() {
        output.talk(&format!("no log is kept: {error}"));
    }
    let cancel = Cancel::default();
    let runtime = Runtime::new().map_err(|why| Error::bug(format!("no worker threads: {why}")))?;
    let flags = Flags {
        config: global.config.clone(),
        database: global.database.clone(),
        portal,
        read_only: global.read_only,
        target: None,
    };
    let ended = match command {
        // These own the terminal, and so this thread.
        None => runtime.block_on(screens::open(&flags, output)),
        Some(Command::Demo(demo)) => runtime.block_on(screens::sample(demo, &flags, cancel, output)),
        Some(command) => {
            let work = work(flags, global, command, cancel.clone(), output);
            runtime.block_on(signals::until_signal(work, cancel))
        }
    };
    // A thread that still waits for an answer must not hold up the end.
    runtime.shutdown_timeout(SHUTDOWN);
    ended
}

/// What a command works with.
struct Work {
    portal: Portal,
    global: Global,
    zone: TimeZone,
    cancel: Cancel,
    output: Output,
}

/// The commands that work on a database.
async fn work(
    flags: Flags,
    global: Global,
    command: Command,
    cancel: Cancel,
    mut output: Output,
) -> Result<u8> {
    if let Command::Doctor(wanted) = &command {
        return doctor::run(&flags, wanted, global.ticket, &cancel, &mut output).await;
    }
    if let Command::Plan(PlanCommand::Show { file }) = &command {
        return plan::show(file, &mut output);
    }
    if let Command::Check(args::Check { quiet: true, .. }) = &command {
        output.hush();
    }
    let config = Config::load(&flags, &Environment::of_process())?;
    if let Command::Init(init) = &command {
        return setup::init(&config, init, &global, &mut output).await;
    }
    let portal = open::portal(&config, global.ticket.clone(), &cancel, &mut output).await?;
    let mut work = Work { portal, global, zone: config.time_zone, cancel, output };
    match &command {
        Command::User(user) => about_users(&mut work, user).await,
        Command::Group(group) => groups::run(&mut work, group).await,
        Command::Department(department) => departments::run(&mut work, department).await,
        Command::SetupGroups(write) => {
            let plan = directory::groups::setup(&work.portal).await?;
            work.change(plan, Note { dry_run: write.dry_run, ..Note::default() }).await
        }
        Command::AssignSuperuserGroups(write) => {
            let plans = directory::groups::assign_superusers(&work.portal).await?;
            let note = Note { dry_run: write.dry_run, ..Note::default() };
            work.change_all("Put superusers into the Admin group", plans, note).await
        }
        Command::CreateSuperuser(create) => accounts::create_superuser(&mut work, create).await,
        Command::ChangePassword(set) => {
            accounts::set_password(&mut work, &set.name, &set.password, set.write.dry_run).await
        }
        Command::History(history) => history::run(&mut work, history).await,
        Command::Undo { operation, restore_password, write } => {
            history::undo(&mut work, operation, *restore_password, write.dry_run).await
        }
        Command::Backup { file, with_history } => backup::run(&mut work, file, *with_history).await,
        Command::Run(command) => runs::run(&mut work, command).await,
        Command::Stats(wanted) => stats::show(&mut work, wanted).await,
        Command::Check(wanted) => check::check(&mut work, wanted).await,
        Command::Baseline(wanted) => baseline::run(&mut work, wanted).await,
        Command::Decide(wanted) => decide::run(&mut work, wanted).await,
        Command::Plan(PlanCommand::Apply(wanted)) => plan::apply(&mut work, wanted).await,
        Command::FixUserProfiles { only, write } => check::fix(&mut work, only, write.dry_run).await,
        Command::Doctor(_)
        | Command::Init(_)
        | Command::Demo(_)
        | Command::Plan(PlanCommand::Show { .. })
        | Command::Completions { .. }
        | Command::Man { .. } => Err(Error::bug("this command needs no open portal")),
    }
}

async fn about_users(work: &mut Work, user: &User) -> Result<u8> {
    match user {
        User::List(list) => users::list(work, list).await,
        User::Show { name } => users::show(work, name).await,
        User::Why(asked) => why::show(work, asked).await,
        User::Add(add) => accounts::add(work, add).await,
        User::Edit(edit) => accounts::edit(work, edit).await,
        User::Password(set) => accounts::password(work, set).await,
        User::Activate(names) => accounts::set_active(work, names, true).await,
        User::Deactivate(names) => accounts::set_active(work, names, false).await,
        User::Lockouts => lockouts::list(work).await,
        User::Unlock { name, write } => lockouts::clear(work, name, write.dry_run).await,
        User::Offboard(names) => leave::offboard(work, names).await,
        User::Delete(names) => leave::delete(work, names).await,
        User::Import(wanted) => import::run(work, wanted).await,
        User::Export(wanted) => export::run(work, wanted).await,
    }
}
