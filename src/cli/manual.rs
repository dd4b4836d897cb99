//! Completions and manual pages, made from the grammar.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::CommandFactory;

use super::args::Arguments;
use super::output::Output;
use crate::error::{Error, Result};

/// Prints the completions of a shell.
///
/// # Errors
///
/// When stdout can't be written to.
pub(super) fn completions(shell: clap_complete::Shell, output: &mut Output) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "portaldesk", &mut script);
    output.data(&script)
}

/// Writes `portaldesk.1`, `portaldesk-user.1` and so on into a folder.
///
/// # Errors
///
/// A usage error that names the folder.
pub(super) fn pages(folder: &Path) -> Result<()> {
    let failed = |why: std::io::Error| {
        Error::usage(format!("the manual could not be written into {}: {why}", folder.display()))
    };
    clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)?;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Our umask closes every new file; a manual is for everyone.
        if name.starts_with("portaldesk") && name.ends_with(".1") {
            fs::set_permissions(&path, Permissions::from_mode(0o644)).map_err(failed)?;
        }
    }
    Ok(())
}
