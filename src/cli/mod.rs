//! The command line: one file a command family; `output.rs` is the only place that prints.

pub mod actor;
pub mod args;
pub mod json;
mod manual;
mod open;
pub mod output;
mod process;
pub mod prompt;
mod setup;
mod signals;
pub mod table;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use tokio::runtime::Runtime;

use crate::config::{Config, Environment, Flags};
use crate::db::Cancel;
use crate::error::{Error, Result};
use args::{Arguments, Command, Global};
use output::Output;

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
    let flags = Flags {
        config: global.config.clone(),
        database: global.database.clone(),
        portal,
        read_only: global.read_only,
    };
    let config = Config::load(&flags, &Environment::of_process())?;
    if let Err(error) = crate::logging::start() {
        output.talk(&format!("no log is kept: {error}"));
    }
    let Some(command) = command else {
        return Err(Error::bug("the screens are not there yet"));
    };
    let cancel = Cancel::default();
    runtime()?.block_on(signals::until_signal(work(config, global, command, cancel.clone(), output), cancel))
}

fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(|why| Error::bug(format!("no worker threads: {why}")))
}

/// The commands that work on a database.
async fn work(
    config: Config,
    global: Global,
    command: Command,
    cancel: Cancel,
    mut output: Output,
) -> Result<u8> {
    if let Command::Init(init) = &command {
        return setup::init(&config, init, &global, &mut output).await;
    }
    let portal = open::portal(&config, global.ticket.clone(), &cancel, &mut output).await?;
    let _ = portal;
    Err(Error::bug("this command is not there yet"))
}
