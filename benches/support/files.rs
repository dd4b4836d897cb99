//! Copies of a seeded portal, for what changes it.

use std::path::{Path, PathBuf};
use std::process::Command;

use portaldesk::db::Db;
use portaldesk::error::{Error, Result};

use super::seed;

/// Why a file of the bench is not there.
pub(crate) fn failed(error: &std::io::Error) -> Error {
    Error::unreachable(format!("a file of the bench can't be made: {error}"))
}

/// Copies a database that nobody has open.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for suffix in ["-wal", "-shm"] {
        let mut old = to.as_os_str().to_owned();
        old.push(suffix);
        drop(std::fs::remove_file(old));
    }
    std::fs::copy(from, to).map(drop).map_err(|error| failed(&error))
}

/// Takes a database away.
pub(crate) fn remove(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        drop(std::fs::remove_file(name));
    }
}

/// A file made once from another one by these statements.
pub(crate) async fn made_from(from: &Path, name: &str, statements: Vec<String>) -> Result<PathBuf> {
    let file = from.with_extension(name);
    if !file.exists() {
        let half = file.with_extension("half");
        copy(from, &half)?;
        let db = Db::open(&seed::target(&half)).await?;
        db.script(statements).await?;
        db.script(vec!["PRAGMA wal_checkpoint(TRUNCATE)".to_owned()]).await?;
        drop(db);
        std::fs::rename(&half, &file).map_err(|error| failed(&error))?;
    }
    Ok(file)
}

/// What a process of its own prints as the most memory that it held, in MB: this program again, with a variable that tells
/// it what to do to which copy of a file.
pub(crate) fn peak_of(variable: &str, file: &Path, more: Option<(&str, &str)>) -> Result<f64> {
    let copied = file.with_extension("memory");
    copy(file, &copied)?;
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let output =
        Command::new(program).env(variable, &copied).envs(more).output().map_err(|error| failed(&error))?;
    remove(&copied);
    let text = String::from_utf8_lossy(&output.stdout);
    let peak = text.lines().last().and_then(|line| line.parse::<f64>().ok());
    peak.map(|kilobytes| kilobytes / 1024.0)
        .ok_or_else(|| Error::bug(format!("the child measured nothing: {text}")))
}
