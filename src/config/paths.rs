//! The folders of the effective user: configuration, data and state. What we create there is closed to everyone else.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

use crate::error::{Error, Result};

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "portaldesk")
}

/// The user's own configuration file, whether it exists or not; `None` for a user without a home.
#[must_use]
pub fn user_config() -> Option<PathBuf> {
    project().map(|project| project.config_dir().join("config.toml"))
}

/// The machine's configuration file.
#[must_use]
pub fn machine_config() -> PathBuf {
    PathBuf::from("/etc/portaldesk/config.toml")
}

/// The file of the embedded database; nothing is created.
///
/// # Errors
///
/// A usage error for a user without a home.
pub fn embedded_database() -> Result<PathBuf> {
    let project = project().ok_or_else(|| no_home("the embedded database"))?;
    Ok(project.data_dir().join("portal.sqlite3"))
}

/// The folder of the log and of what is remembered for each account, created when missing.
///
/// # Errors
///
/// A usage error when there is none, it can't be created, or others may write in it.
pub fn state_dir() -> Result<PathBuf> {
    let project = project().ok_or_else(|| no_home("the log"))?;
    let path = project.state_dir().unwrap_or(project.data_local_dir()).to_owned();
    private_dir(&path)?;
    Ok(path)
}

/// A path as a person types it, where no shell puts the home folder in the place of `~/`.
#[must_use]
pub fn typed(text: &str) -> PathBuf {
    let text = text.trim();
    match (text.strip_prefix("~/"), BaseDirs::new()) {
        (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => PathBuf::from(text),
    }
}

fn no_home(what: &str) -> Error {
    Error::usage(format!("there is no place for {what}: HOME is not set and this user has no home folder"))
}

/// Makes sure of a folder that only this user can write in; created folders are 0700.
///
/// # Errors
///
/// A usage error that names the folder.
pub fn private_dir(path: &Path) -> Result<()> {
    let failed = |why: std::io::Error| {
        Error::usage(format!("the folder {} could not be created: {why}", path.display()))
    };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let about = path.metadata().map_err(failed)?;
    let own = rustix::process::geteuid().as_raw();
    if about.uid() != own {
        return Err(Error::usage(format!(
            "the folder {} belongs to another user (uid {}, not {own})",
            path.display(),
            about.uid()
        )));
    }
    if about.mode() & 0o022 != 0 {
        return Err(Error::usage(format!(
            "others may write in the folder {path}; close it: chmod 700 {path}",
            path = path.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_private_folder_is_created_closed_and_refused_open() {
        let root = std::env::temp_dir().join(format!("portaldesk-paths-{}", std::process::id()));
        let inner = root.join("a/b");
        private_dir(&inner).unwrap();
        for folder in [&root, &root.join("a"), &inner] {
            assert_eq!(folder.metadata().unwrap().mode() & 0o7777, 0o700, "{}", folder.display());
        }
        std::fs::set_permissions(&inner, Permissions::from_mode(0o770)).unwrap();
        assert!(private_dir(&inner).unwrap_err().message.contains("chmod 700"));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
