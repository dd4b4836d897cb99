//! Settings: flags before environment before file before defaults.
//!
//! `config.example.toml` explains every key. A key that is not known is refused with a suggestion, a file with a secret
//! that others can read is refused by name, and no password stands in any error.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::db::{Engine, Target};
use crate::error::{Error, Result};
use crate::portal::access::Roles;
use crate::portal::password::MINIMUM_LENGTH;

mod file;
mod keys;
mod origin;
pub mod paths;
mod trust;
pub mod write;

pub use crate::directory::nearest::nearest as closest;
use file::FileConfig;
pub use origin::{Origin, origins};

/// Unless configured, nobody's screens stay open for longer than this.
const LOCK_AFTER_MINUTES: u64 = 10;
/// Unless configured, locked screens end after this.
const EXIT_AFTER_MINUTES: u64 = 60;

/// The colours that have a name.
pub const COLOURS: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/// What the command line says about settings.
#[derive(Debug, Default, Clone)]
pub struct Flags {
    /// `--config FILE`
    pub config: Option<PathBuf>,
    /// `--database URL`
    pub database: Option<String>,
    /// `@NAME`, without the `@`.
    pub portal: Option<String>,
    /// `--read-only`
    pub read_only: bool,
    /// The database that a command has made itself; nothing else is looked at to choose one.
    pub target: Option<Target>,
}

/// What the environment says about settings.
#[derive(Debug, Default, Clone)]
pub struct Environment {
    /// `PORTALDESK_CONFIG`
    pub config: Option<PathBuf>,
    /// `PORTALDESK_DATABASE_URL`, which may hold a password.
    pub database_url: Option<SecretString>,
    /// `PORTALDESK_DATABASE_PASSWORD`
    pub database_password: Option<SecretString>,
    /// Whether `sudo` started us: the home folder may then be either user's.
    pub sudo: bool,
}

impl Environment {
    /// The environment of this process; an empty variable counts as unset.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            config: std::env::var_os("PORTALDESK_CONFIG")
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            database_url: text("PORTALDESK_DATABASE_URL").map(SecretString::from),
            database_password: text("PORTALDESK_DATABASE_PASSWORD").map(SecretString::from),
            sudo: std::env::var_os("SUDO_USER").is_some(),
        }
    }
}

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hasher {
    /// As the portal's newest usable passwords are; Django's argon2 in a database of our own.
    #[default]
    Auto,
    /// `pbkdf2_sha256`
    Pbkdf2Sha256,
    /// `argon2`
    Argon2,
}

impl Hasher {
    const NAMES: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("pbkdf2_sha256", Self::Pbkdf2Sha256), ("argon2", Self::Argon2)];

    /// The name in the file.
    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, hasher)| *hasher == self).map_or("auto", |(name, _)| name)
    }
}

/// The zone that times are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeZone {
    /// This machine's.
    #[default]
    Local,
    /// Universal time.
    Utc,
}

/// One entry of `[keys]`; what actions there are is the screens' business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// The action's name.
    pub action: String,
    /// The keys that do it.
    pub keys: Vec<String>,
    /// The setting's whole name, for errors: `keys.ACTION`.
    pub key: String,
    /// The line of the file that it stands in, from 1.
    pub line: usize,
}

/// The portal that was chosen.
#[derive(Debug, Clone)]
pub struct PortalConfig {
    /// Its name in the file; `None` when the database came by URL or is the embedded one.
    pub name: Option<String>,
    /// How it is called on the screen.
    pub label: Option<String>,
    /// A colour that tells it from the others: `#rrggbb` or one of the eight names.
    pub colour: Option<String>,
    /// Where its database is.
    pub target: Target,
    /// Whether it is the embedded database, ours to create.
    pub embedded: bool,
    /// Whether nothing may be written.
    pub read_only: bool,
}

/// Everything that is set.
#[derive(Debug, Clone)]
pub struct Config {
    /// The portal that was chosen.
    pub portal: PortalConfig,
    /// The groups that give access; unless configured, the portal's usual three.
    pub roles: Roles,
    /// The least number of characters of a new password.
    pub minimum_length: usize,
    /// How new passwords are hashed.
    pub hasher: Hasher,
    /// Whether borders are drawn in ASCII.
    pub ascii: bool,
    /// The zone that times are shown in.
    pub time_zone: TimeZone,
    /// The screens lock after so many minutes without a key; never at 0.
    pub lock_after_minutes: u64,
    /// Locked screens end after so many minutes without a key; never at 0.
    pub exit_after_minutes: u64,
    /// Keys that were given other actions.
    pub keys: Vec<KeyBinding>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// What the settings lead to.
#[derive(Debug, Clone)]
pub enum Loaded {
    /// A portal.
    One(Box<Config>),
    /// Several portals, of which none was named and none is called `default`; the first of them stands in the
    /// configuration. Passwords in files of their own are not read yet.
    Several(Box<Config>, Vec<PortalConfig>),
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// A usage error that names the file and line, the variable, or the flag.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self> {
        let (path, file) = read_file(flags, environment)?;
        let portal = choose(flags, environment, &file)?;
        Ok(Self::of(portal, file, path))
    }

    /// Reads the settings where somebody can be asked which portal is meant.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_or_ask(flags: &Flags, environment: &Environment) -> Result<Loaded> {
        let (path, file) = read_file(flags, environment)?;
        let named = flags.target.is_some()
            || flags.database.is_some()
            || flags.portal.is_some()
            || environment.database_url.is_some();
        if named || file.portals.len() < 2 || file.portals.iter().any(|portal| portal.name == "default") {
            let portal = choose(flags, environment, &file)?;
            return Ok(Loaded::One(Box::new(Self::of(portal, file, path))));
        }
        let portals: Vec<PortalConfig> = file.portals.iter().map(without_password_file).collect();
        let first = without_password_file(&file.portals[0]);
        Ok(Loaded::Several(Box::new(Self::of(first, file, path)), portals))
    }

    fn of(portal: PortalConfig, file: FileConfig, path: Option<PathBuf>) -> Self {
        Self {
            portal,
            roles: file.roles.map_or_else(Roles::default, Roles),
            minimum_length: file.minimum_length.unwrap_or(MINIMUM_LENGTH),
            hasher: file.hasher.unwrap_or_default(),
            ascii: file.ascii.unwrap_or(false),
            time_zone: file.time_zone.unwrap_or_default(),
            lock_after_minutes: file.lock_after_minutes.unwrap_or(LOCK_AFTER_MINUTES),
            exit_after_minutes: file.exit_after_minutes.unwrap_or(EXIT_AFTER_MINUTES),
            keys: file.keys,
            file: path,
        }
    }
}

fn read_file(flags: &Flags, environment: &Environment) -> Result<(Option<PathBuf>, FileConfig)> {
    let Some(path) = find_file(flags, environment) else { return Ok((None, FileConfig::default())) };
    let read = trust::read("configuration file", &path)?;
    let parsed = file::parse(&read)?;
    Ok((Some(path), parsed))
}

/// The file to read: the one named, or the first of the usual ones that is there.
fn find_file(flags: &Flags, environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = flags.config.as_ref().or(environment.config.as_ref()) {
        return Some(path.clone());
    }
    for path in paths::user_config().into_iter().chain([paths::machine_config()]) {
        match path.symlink_metadata() {
            Ok(_) => return Some(path),
            // What can't be looked at may well be there: going on without it could open the wrong database.
            Err(why) if why.kind() == std::io::ErrorKind::PermissionDenied => return Some(path),
            Err(_) => {}
        }
    }
    None
}

fn choose(flags: &Flags, environment: &Environment, file: &FileConfig) -> Result<PortalConfig> {
    let mut portal = if let Some(target) = &flags.target {
        by_url(target.clone())
    } else if let Some(url) = &flags.database {
        if flags.portal.is_some() {
            return Err(Error::usage("both a portal (@NAME) and --database were given: use one"));
        }
        by_url(url_without_password(url)?)
    } else if let Some(name) = &flags.portal {
        named(name, file)?
    } else if let Some(url) = &environment.database_url {
        let target = Target::from_url(url.expose_secret());
        by_url(target.map_err(|error| Error::usage(format!("PORTALDESK_DATABASE_URL: {error}")))?)
    } else if file.portals.is_empty() {
        embedded(environment)?
    } else {
        from_file(default_portal(file)?, file)?
    };
    if portal.target.engine != Engine::Sqlite
        && let Some(password) = &environment.database_password
    {
        portal.target.password = Some(password.clone());
    }
    portal.read_only |= portal.target.read_only || flags.read_only;
    portal.target.read_only = portal.read_only;
    Ok(portal)
}

/// Everyone on the machine reads a command line in the list of processes.
fn url_without_password(url: &str) -> Result<Target> {
    let target = Target::from_url(url).map_err(|error| Error::usage(format!("--database: {error}")))?;
    if target.password.is_some() {
        return Err(Error::usage(
            "--database must not hold a password, others see it in the list of processes: give it by \
             PORTALDESK_DATABASE_PASSWORD, or by password_file in the configuration file",
        ));
    }
    Ok(target)
}

fn by_url(target: Target) -> PortalConfig {
    PortalConfig { name: None, label: None, colour: None, target, embedded: false, read_only: false }
}

fn embedded(environment: &Environment) -> Result<PortalConfig> {
    let path = paths::embedded_database()?;
    if environment.sudo {
        return Err(Error::usage(format!(
            "under sudo the embedded database could be either user's; name it: --database sqlite://{}",
            path.display()
        )));
    }
    Ok(PortalConfig { embedded: true, ..by_url(Target::file(&path)?) })
}

fn default_portal(file: &FileConfig) -> Result<&file::FilePortal> {
    match file.portals.as_slice() {
        [only] => Ok(only),
        several => several.iter().find(|portal| portal.name == "default").ok_or_else(|| {
            Error::usage(format!(
                "there are several portals and none is named default: choose {}",
                names(file)
            ))
        }),
    }
}

fn named(name: &str, file: &FileConfig) -> Result<PortalConfig> {
    if let Some(portal) = file.portals.iter().find(|portal| portal.name == name) {
        return from_file(portal, file);
    }
    if file.portals.is_empty() {
        return Err(Error::usage(format!("there is no portal @{name}: no configuration file names one")));
    }
    let hint = closest(name, file.portals.iter().map(|portal| portal.name.as_str()))
        .map_or_else(|| format!("there are {}", names(file)), |similar| format!("did you mean @{similar}?"));
    Err(Error::usage(format!("there is no portal @{name}; {hint}")))
}

fn names(file: &FileConfig) -> String {
    let names: Vec<String> = file.portals.iter().map(|portal| format!("@{}", portal.name)).collect();
    names.join(", ")
}

fn from_file(portal: &file::FilePortal, file: &FileConfig) -> Result<PortalConfig> {
    let mut chosen = without_password_file(portal);
    if let Some(path) = &portal.password_file {
        let read = trust::read("password file", path)?;
        read.must_be_private("a database password", file.secret_group)?;
        chosen.target.password = Some(read.secret_line()?);
    }
    Ok(chosen)
}

fn without_password_file(portal: &file::FilePortal) -> PortalConfig {
    PortalConfig {
        name: Some(portal.name.clone()),
        label: portal.label.clone(),
        colour: portal.colour.clone(),
        read_only: portal.read_only,
        ..by_url(portal.target.clone())
    }
}
