//! How the terminal program begins: from settings and a portal's database to the running screens.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ratatui::style::Color;

use super::app::{Head, IdleLock, Setup};
use super::cx::{Cx, Effect};
use super::event_loop::Exit;
use super::keymap::Keymap;
use super::screen::Screen;
use super::screens::chooser::Chooser;
use super::screens::first_run::FirstRun;
use super::screens::sign_in::SignIn;
use super::screens::{self};
use super::theme::Theme;
use crate::change::Actor;
use crate::config::{Config, KeyBinding, PortalConfig, paths};
use crate::db::{Address, Db, Target, Tls};
use crate::directory::setup::Needed;
use crate::directory::{Portal, Settings, setup};
use crate::error::{Error, Result};
use crate::portal::access::Level;

/// A portal's database, and what is needed to open it.
#[derive(Clone)]
pub struct Opening {
    /// Where it is.
    pub target: Target,
    /// What the configuration says about accounts.
    pub settings: Settings,
    /// Who works on it, before anybody signed in.
    pub actor: Actor,
    /// The configuration file that was read: a portal that is added is written there.
    pub config_file: Option<PathBuf>,
}

/// Reads the settings of the portal of this name, its password too.
pub type Load = Arc<dyn Fn(&str) -> Result<PortalConfig> + Send + Sync>;

impl Opening {
    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be reached or is no portal.
    pub async fn open(&self) -> Result<Portal> {
        Portal::open(&self.target, self.settings.clone(), self.actor.clone()).await
    }

    /// Whether a portal is still to be made in it: no file, or an empty database.
    ///
    /// # Errors
    /// When it cannot be reached, or holds something else than a portal.
    pub async fn is_to_be_made(&self) -> Result<bool> {
        if self.missing_file().is_some() {
            return Ok(true);
        }
        Ok(setup::needed(&Db::open(&self.target).await?).await? == Needed::Everything)
    }

    /// Opens it, and makes the portal first where there is none; its folder is closed to others.
    ///
    /// # Errors
    /// What the system and the engine say.
    pub async fn make(&self) -> Result<Portal> {
        if self.is_to_be_made().await? {
            if let Some(folder) = self.missing_file().and_then(Path::parent) {
                paths::private_dir(folder)?;
            }
            setup::create(&self.target).await?;
            tracing::info!(database = %self.target, "made a portal");
        }
        self.open().await
    }

    fn missing_file(&self) -> Option<&Path> {
        match &self.target.address {
            Address::File(path) if !path.exists() => Some(path),
            _ => None,
        }
    }
}

/// Where the program begins.
pub enum Begin {
    /// With the first superuser, and the portal too where it is not there yet.
    FirstRun(Box<Opening>),
    /// With the question which of these portals; one that is not among them would be opened like this.
    Choose(Vec<PortalConfig>, Load, Box<Opening>),
    /// With signing in to this portal.
    SignIn(Portal),
    /// With the first tab, for whoever the portal names already: the sample.
    SignedIn(Portal, Level),
}

/// Runs the screens until their end.
///
/// Needs a Tokio runtime with more than one thread, and runs on the thread that owns the terminal.
///
/// # Errors
///
/// A usage error where the configuration's keys make no sense, or there is no terminal.
pub async fn start(begin: Begin, config: &Config) -> Result<Exit> {
    let setup = setup_of(begin, config)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), database = %config.portal.target, "the screens open");
    let exit = super::run(setup).await?;
    match &exit {
        Exit::Quit => tracing::info!("quit"),
        Exit::InputEnded => tracing::info!("the terminal is gone"),
        Exit::Ended(code) => tracing::info!(code, "ended by a signal or a hang-up"),
        Exit::Failed(error) => tracing::error!(kind = error.kind.name(), %error, "failed"),
    }
    Ok(exit)
}

fn setup_of(begin: Begin, config: &Config) -> Result<Setup> {
    let mut head = head(&config.portal);
    // Whoever had to give no password knows none to go on with.
    let locks = !matches!(begin, Begin::SignedIn(..));
    let (first, portal): (Option<Box<dyn Screen>>, Option<Portal>) = match begin {
        Begin::FirstRun(opening) => (Some(Box::new(FirstRun::of_database(*opening))), None),
        Begin::Choose(portals, load, opening) => {
            head = Head { label: "portaldesk".to_owned(), ..Head::default() };
            (Some(Box::new(Chooser::new(portals, load, *opening))), None)
        }
        Begin::SignIn(portal) => {
            head.warn(&portal);
            (Some(Box::new(SignIn::new(head.label.as_str(), config.minimum_length))), Some(portal))
        }
        Begin::SignedIn(portal, level) => {
            head.show(&portal, level);
            (None, Some(portal))
        }
    };
    let minutes = |number: u64| (number > 0).then(|| Duration::from_secs(number * 60));
    Ok(Setup {
        tabs: screens::tabs(),
        first,
        portal,
        head,
        keymap: keymap(config)?,
        theme: Theme::detect(config.ascii, |name| std::env::var(name).ok()),
        commands: screens::commands(),
        lock: locks.then(|| IdleLock {
            after: minutes(config.lock_after_minutes),
            end_after: minutes(config.exit_after_minutes),
            screen: Box::new(|label| Box::new(SignIn::locked(label))),
        }),
    })
}

/// Goes on with this portal, called as the configuration calls it, from the screen that asks: to the sign-in.
pub(super) fn enter(portal: Portal, called: &PortalConfig, minimum_length: usize, cx: &mut Cx) {
    let head = head(called);
    let label = head.label.clone();
    cx.ask(Effect::Enter(Box::new(portal), Box::new(head)));
    cx.replace(SignIn::new(label, minimum_length));
}

/// The first line before anybody signed in.
fn head(portal: &PortalConfig) -> Head {
    Head { label: label(portal), colour: colour(portal), place: portal.target.to_string(), ..Head::default() }
}

/// What a portal is called.
pub(super) fn label(portal: &PortalConfig) -> String {
    let unnamed = || if portal.embedded { "portaldesk".to_owned() } else { short_name(&portal.target) };
    portal.label.clone().or_else(|| portal.name.clone()).unwrap_or_else(unnamed)
}

/// Its colour: the configuration's eight names and #rrggbb are all ratatui's.
pub(super) fn colour(portal: &PortalConfig) -> Option<Color> {
    portal.colour.as_ref().and_then(|colour| colour.parse::<Color>().ok())
}

/// The database's name; of a file the name without folders and ending.
fn short_name(target: &Target) -> String {
    match &target.address {
        Address::File(path) => path.file_stem().map(|name| name.to_string_lossy().into_owned()),
        _ => None,
    }
    .unwrap_or_else(|| target.database.clone())
}

impl Head {
    /// Says who uses the portal, in which role, and what is to be known about it.
    pub(super) fn show(&mut self, portal: &Portal, level: Level) {
        self.user = portal.actor.name();
        self.role = level.to_string();
        self.warn(portal);
    }

    /// The warnings that stand there as long as they hold.
    pub(super) fn warn(&mut self, portal: &Portal) {
        let badges = [
            (portal.read_only.is_some(), "READ-ONLY"),
            (portal.db.target().tls == Tls::Unverified, "UNVERIFIED TLS"),
        ];
        self.badges =
            badges.iter().filter(|(holds, _)| *holds).map(|(_, words)| (*words).to_owned()).collect();
    }
}

/// Whether the configuration's keys make sense.
///
/// # Errors
/// A usage error that names each mistake.
pub fn check_keys(config: &Config) -> Result<()> {
    keymap(config).map(drop)
}

/// The keys of the configuration over our own.
fn keymap(config: &Config) -> Result<Keymap> {
    let configured =
        config.keys.iter().map(|binding| (binding.action.clone(), binding.keys.clone())).collect();
    Keymap::new(&configured, screens::CONTEXTS).map_err(|problems| {
        let file = config.file.as_ref().map_or_else(String::new, |file| file.display().to_string());
        let located = problems.iter().map(|problem| match line_of(problem, &config.keys) {
            Some(line) => format!("{file}, line {line}: {problem}"),
            None => format!("{file}: {problem}"),
        });
        Error::usage(located.collect::<Vec<_>>().join("\n"))
    })
}

/// The line of the first setting of keys that a sentence about them names.
fn line_of(problem: &str, keys: &[KeyBinding]) -> Option<usize> {
    let words: Vec<&str> = problem.split_whitespace().map(|word| word.trim_end_matches(':')).collect();
    keys.iter().find(|binding| words.contains(&binding.action.as_str())).map(|binding| binding.line)
}
