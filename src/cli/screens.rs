//! From the command line to the screens. What cannot be opened is said before the terminal is taken.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::args::Demo;
use super::output::Output;
use super::{demo, open, signals};
use crate::change::Account;
use crate::config::{Config, Environment, Flags, Loaded, PortalConfig};
use crate::db::{Address, Cancel, Target};
use crate::directory::{demo as sample, setup, users};
use crate::error::{Error, Result};
use crate::portal::access::Level;
use crate::tui::start::{Begin, Opening, start};
use crate::tui::{Exit, terminal};

/// A database that takes longer to open than this is named while we wait.
const SLOW: Duration = Duration::from_secs(1);

/// Opens the screens on the portal that the settings chose.
///
/// # Errors
///
/// Usage errors; unreachable, naming the database.
pub(super) async fn open(flags: &Flags, mut output: Output) -> Result<u8> {
    terminal::needed()?;
    let config = match Config::load_or_ask(flags, &Environment::of_process())? {
        Loaded::One(config) => *config,
        Loaded::Several(config, portals) => {
            let begin = ask(flags, &config, portals);
            return Ok(finish(start(begin, &config).await?, &mut output));
        }
    };
    let opening = opening(&config);
    let beginning = begin(&config, opening);
    tokio::pin!(beginning);
    let begin = if let Ok(begin) = tokio::time::timeout(SLOW, &mut beginning).await {
        begin?
    } else {
        output.talk(&format!("opening {}", config.portal.target));
        beginning.await?
    };
    Ok(finish(start(begin, &config).await?, &mut output))
}

fn opening(config: &Config) -> Opening {
    Opening {
        target: config.portal.target.clone(),
        settings: open::settings(config),
        actor: open::actor(None),
        config_file: config.file.clone(),
    }
}

/// Begins with the question which portal.
fn ask(flags: &Flags, config: &Config, portals: Vec<PortalConfig>) -> Begin {
    let named = flags.clone();
    let load = move |name: &str| {
        let flags = Flags { portal: Some(name.to_owned()), ..named.clone() };
        let config = Config::load(&flags, &Environment::of_process())?;
        open::must_exist(&config)?;
        Ok(config.portal)
    };
    let mut another = opening(config);
    another.target.read_only = flags.read_only;
    Begin::Choose(portals, Arc::new(load), Box::new(another))
}

async fn begin(config: &Config, opening: Opening) -> Result<Begin> {
    if config.portal.embedded && !config.portal.read_only {
        if opening.is_to_be_made().await? {
            return Ok(Begin::FirstRun(Box::new(opening)));
        }
        let portal = opening.open().await?;
        let is_bare = portal.owned && !setup::has_superuser(&portal.db).await?;
        return Ok(if is_bare { Begin::FirstRun(Box::new(opening)) } else { Begin::SignIn(portal) });
    }
    open::must_exist(config)?;
    Ok(Begin::SignIn(opening.open().await?))
}

/// Makes a sample portal, or takes the one that is in the folder, and opens the screens on it, signed in as its
/// superuser. Without a terminal it is only made, and said where. A sample in no folder of its own is removed at the end.
///
/// # Errors
///
/// What the system and the engine say.
pub(super) async fn sample(
    mut arguments: Demo,
    global: &Flags,
    cancel: Cancel,
    mut output: Output,
) -> Result<u8> {
    let only_make = arguments.no_tui || !terminal::is_there();
    let is_kept = only_make || arguments.dir.is_some();
    let folder = arguments.dir.take().unwrap_or_else(demo::temporary_folder);
    let file = demo::file_in(&folder)?;
    if file.exists() && !only_make {
        let exit = start_sample(Target::file(&file)?, global).await?;
        return Ok(finish(exit, &mut output));
    }
    arguments.dir = Some(folder.clone());
    let throwaway = (!is_kept).then(|| Throwaway(folder));
    let (sender, mut made) = oneshot::channel();
    let stop = cancel.clone();
    let work = async move {
        let (target, sample) = demo::make(&arguments, &stop, &mut output).await?;
        if sample.users < arguments.users {
            output.talk(&format!("stopped after {} of {} users", sample.users, arguments.users));
        }
        if only_make {
            demo::report(&target, &sample, &mut output)?;
        } else {
            // The receiver is there until this has ended.
            let _ = sender.send((target, output));
        }
        Ok(0)
    };
    let code = signals::until_signal(work, cancel).await?;
    let Some((target, mut output)) = made.try_recv().ok().filter(|_| code == 0) else { return Ok(code) };
    let exit = start_sample(target, global).await?;
    drop(throwaway);
    Ok(finish(exit, &mut output))
}

/// The screens on a sample, for its superuser.
async fn start_sample(target: Target, global: &Flags) -> Result<Exit> {
    let flags = Flags { target: Some(target.clone()), config: global.config.clone(), ..Flags::default() };
    let mut config = Config::load(&flags, &Environment::of_process())?;
    config.portal.label = Some("Sample".to_owned());
    let mut opening = Opening { target, ..opening(&config) };
    keep_beside(&mut opening);
    let portal = opening.open().await?;
    if !sample::is_sample(&portal).await? {
        let file = &opening.target.database;
        return Err(Error::denied(format!(
            "{file} is no sample, so nobody is signed in to it unasked; open it with --database sqlite://{file}"
        )));
    }
    let username = sample::SUPERUSER.to_owned();
    let account = Account { id: users::find(&portal, &username).await?, username };
    start(Begin::SignedIn(portal.signed_in(account), Level::Superuser), &config).await
}

/// What is kept of work on a sample stays in its own folder, and goes away with it. Its lists look anew each time.
fn keep_beside(opening: &mut Opening) {
    let folder = match &opening.target.address {
        Address::File(file) => file.parent(),
        _ => None,
    };
    let within = |name: &str| folder.map(|folder| folder.join(name));
    opening.settings.tries_file = within("sign-in.json");
    opening.settings.drafts_folder = within("drafts");
    opening.settings.filters_folder = within("filters");
    opening.settings.lists_folder = None;
}

/// A folder that goes away with this value.
struct Throwaway(PathBuf);

impl Drop for Throwaway {
    fn drop(&mut self) {
        if let Err(why) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%why, folder = %self.0.display(), "a sample could not be removed");
        }
    }
}

/// Says on the terminal that was given back what went wrong.
fn finish(exit: Exit, output: &mut Output) -> u8 {
    let code = exit.code();
    if let Exit::Failed(error) = exit {
        output.error(&error);
    }
    code
}
