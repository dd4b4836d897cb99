//! From settings to an open portal.

use std::path::Path;

use super::actor::Origin;
use super::output::Output;
use crate::change::Actor;
use crate::config::{self, Config};
use crate::db::{Address, Cancel, Target};
use crate::directory::{Hasher, Portal, Settings};
use crate::error::{Error, Result};

/// What the configuration says about accounts.
#[must_use]
pub(super) fn settings(config: &Config) -> Settings {
    let state = config::paths::state_dir().ok();
    Settings {
        roles: config.roles.clone(),
        minimum_password_length: config.minimum_length,
        hasher: match config.hasher {
            config::Hasher::Auto => Hasher::Auto,
            config::Hasher::Pbkdf2Sha256 => Hasher::Pbkdf2Sha256,
            config::Hasher::Argon2 => Hasher::Argon2,
        },
        tries_file: state.as_ref().map(|folder| folder.join("sign-in.json")),
        drafts_folder: state.as_ref().map(|folder| folder.join("drafts")),
        lists_folder: state.as_ref().map(|folder| folder.join("lists")),
        filters_folder: state.as_ref().map(|folder| folder.join("filters")),
        called: config.portal.name.clone(),
    }
}

/// Who acts on the command line: nobody of the portal, but someone of this machine.
#[must_use]
pub(super) fn actor(ticket: Option<String>) -> Actor {
    let origin = Origin::of_process();
    Actor { ticket, ..Actor::unix(&origin.unix_user, origin.ssh_from) }
}

/// Opens the portal that the settings chose; its work stops when `cancel` says so.
///
/// # Errors
///
/// Unreachable, naming the database; a usage error when the embedded database was never made.
pub(super) async fn portal(
    config: &Config,
    ticket: Option<String>,
    cancel: &Cancel,
    output: &mut Output,
) -> Result<Portal> {
    let target = &config.portal.target;
    must_exist(config)?;
    if config.portal.embedded {
        output.talk(&format!("the embedded database {target}"));
    }
    let portal = Portal::open(target, settings(config), actor(ticket)).await?;
    Ok(portal.cancellable(cancel))
}

/// Refuses a database file that is not there.
///
/// # Errors
///
/// As [`portal`].
pub(super) fn must_exist(config: &Config) -> Result<()> {
    let Some(path) = missing_file(&config.portal.target) else { return Ok(()) };
    let path = path.display();
    Err(if config.portal.embedded {
        Error::usage(format!(
            "there is no portal yet: `portaldesk` (the first start) or `portaldesk init` makes one in {path}; \
             or name the portal's database with --database or in the configuration file"
        ))
    } else {
        Error::unreachable(format!("the database file {path} does not exist; `portaldesk init` makes one"))
    })
}

/// The file of a target that is not there.
pub(super) fn missing_file(target: &Target) -> Option<&Path> {
    match &target.address {
        Address::File(path) if !path.exists() => Some(path),
        _ => None,
    }
}
