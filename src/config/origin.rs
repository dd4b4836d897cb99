//! Where each setting comes from, for people who wonder. No secret is in it.

use super::file::FileConfig;
use super::{Config, EXIT_AFTER_MINUTES, Environment, Flags, LOCK_AFTER_MINUTES, PortalConfig, read_file};
use crate::error::Result;
use crate::portal::password::MINIMUM_LENGTH;

/// A setting, its value in words, and where that comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The name, as the file has it.
    pub setting: &'static str,
    /// The value; of a password only whether there is one.
    pub value: String,
    /// `--database`, `PORTALDESK_DATABASE_URL`, `the file`, `default`.
    pub from: &'static str,
}

const FILE: &str = "the file";
const DEFAULT: &str = "default";

/// Where each setting of a configuration comes from that was read with these flags in this environment.
///
/// # Errors
///
/// As [`super::Config::load`].
pub fn origins(flags: &Flags, environment: &Environment, config: &Config) -> Result<Vec<Origin>> {
    let (_, file) = read_file(flags, environment)?;
    Ok(all(flags, environment, &file, &config.portal))
}

fn all(flags: &Flags, environment: &Environment, file: &FileConfig, portal: &PortalConfig) -> Vec<Origin> {
    let mut origins = vec![database(flags, environment, portal), password(environment, file, portal)];
    let mut say = |setting, value: String, is_in_file: bool| {
        origins.push(Origin { setting, value, from: if is_in_file { FILE } else { DEFAULT } });
    };
    let minutes = |set: Option<u64>, default: u64| set.unwrap_or(default).to_string();
    say("roles", file.roles.as_ref().map_or(3, Vec::len).to_string(), file.roles.is_some());
    let length = file.minimum_length.unwrap_or(MINIMUM_LENGTH);
    say("passwords.minimum_length", length.to_string(), file.minimum_length.is_some());
    say("passwords.hasher", file.hasher.unwrap_or_default().name().to_owned(), file.hasher.is_some());
    say("screen.ascii", file.ascii.unwrap_or(false).to_string(), file.ascii.is_some());
    let zone = format!("{:?}", file.time_zone.unwrap_or_default()).to_lowercase();
    say("screen.time_zone", zone, file.time_zone.is_some());
    let lock = minutes(file.lock_after_minutes, LOCK_AFTER_MINUTES);
    say("screen.lock_after_minutes", lock, file.lock_after_minutes.is_some());
    let exit = minutes(file.exit_after_minutes, EXIT_AFTER_MINUTES);
    say("screen.exit_after_minutes", exit, file.exit_after_minutes.is_some());
    say("keys", file.keys.len().to_string(), !file.keys.is_empty());
    let read_only = if flags.read_only { "--read-only" } else { FILE };
    if portal.read_only {
        origins.push(Origin { setting: "read_only", value: "true".to_owned(), from: read_only });
    }
    origins
}

fn database(flags: &Flags, environment: &Environment, portal: &PortalConfig) -> Origin {
    let from = if flags.target.is_some() || flags.database.is_some() {
        "--database"
    } else if portal.name.is_some() {
        FILE
    } else if environment.database_url.is_some() {
        "PORTALDESK_DATABASE_URL"
    } else {
        DEFAULT
    };
    Origin { setting: "database", value: portal.target.to_string(), from }
}

fn password(environment: &Environment, file: &FileConfig, portal: &PortalConfig) -> Origin {
    let of_file = portal.name.as_ref().and_then(|name| file.portals.iter().find(|known| known.name == *name));
    let from = if environment.database_password.is_some() {
        "PORTALDESK_DATABASE_PASSWORD"
    } else if of_file.is_some_and(|portal| portal.password_file.is_some()) {
        "password_file"
    } else if of_file.is_some() {
        FILE
    } else if environment.database_url.is_some() {
        "PORTALDESK_DATABASE_URL"
    } else {
        DEFAULT
    };
    let value = if portal.target.password.is_some() { "set" } else { "none" };
    Origin {
        setting: "password",
        value: value.to_owned(),
        from: if value == "none" { DEFAULT } else { from },
    }
}
