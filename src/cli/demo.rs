//! `demo`: a sample portal to try things on.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::Demo;
use super::json;
use super::output::Output;
use super::table::Table;
use crate::config::paths;
use crate::db::{Cancel, Target};
use crate::directory::demo::{self, Made, Sample};
use crate::error::{Error, Result};

/// Any number will do; the same one gives the same people.
const SEED: u64 = 4;

/// Makes the sample.
///
/// # Errors
/// Invalid, when there is a sample in the folder already; what the engine says.
pub(super) async fn make(demo: &Demo, cancel: &Cancel, output: &mut Output) -> Result<(Target, Made)> {
    let folder = match &demo.dir {
        Some(folder) => folder.clone(),
        None => temporary_folder(),
    };
    let file = file_in(&folder)?;
    if file.exists() {
        return Err(Error::invalid(format!(
            "{0} is there already; open it with --database sqlite://{0}, or choose another folder",
            file.display()
        )));
    }
    let target = Target::file(&file)?;
    let sample = Sample { users: demo.users, faults: demo.faults, seed: SEED, now: chrono::Utc::now() };
    output.talk(&format!("making a sample portal of {} users", sample.users));
    let made = demo::make(&target, &sample, cancel).await?;
    tracing::info!(users = made.users, faults = made.faults, "made a sample portal");
    Ok((target, made))
}

/// The sample of a folder, which is made where it is missing, and closed to others.
///
/// # Errors
/// A usage error when it can't be used.
pub(super) fn file_in(folder: &Path) -> Result<PathBuf> {
    paths::private_dir(folder)?;
    let folder = folder
        .canonicalize()
        .map_err(|why| Error::usage(format!("the folder {} can't be found: {why}", folder.display())))?;
    Ok(folder.join("portal.sqlite3"))
}

/// A new folder of its own; the name can't be known beforehand.
pub(super) fn temporary_folder() -> PathBuf {
    let unique = uuid::Uuid::now_v7().simple().to_string();
    // The end of such an id is random, its beginning the time.
    std::env::temp_dir().join(format!("portaldesk-demo-{}", &unique[unique.len() - 12..]))
}

/// Prints where the sample is and who can sign in to it.
///
/// # Errors
/// When stdout can't be written to.
pub(super) fn report(target: &Target, made: &Made, output: &mut Output) -> Result<()> {
    let url = format!("sqlite://{}", target.database);
    let accounts: Vec<_> = made
        .known
        .iter()
        .map(|known| json!({"username": known.username, "password": known.password, "role": known.role}))
        .collect();
    let value = json!({"database": url, "users": made.users, "faults": made.faults, "accounts": accounts});
    output.result(&json::object("demo", value), || {
        let mut table = Table::new(&["username", "password", "role"]);
        for known in &made.known {
            table.row([known.username, &known.password, known.role]);
        }
        format!(
            "A sample portal with {} users, {} of them with faults:\n\n{}\nOpen it with: portaldesk --database {url}\n",
            made.users,
            made.faults,
            table.take()
        )
    })
}
