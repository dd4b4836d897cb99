//! `init`: making a portal's tables and our own, and taking ours away.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde_json::json;

use super::args::{Global, Init};
use super::open::missing_file;
use super::output::Output;
use super::{json, prompt};
use crate::config::{Config, paths};
use crate::db::Db;
use crate::directory::setup::{self, Needed};
use crate::error::{Error, Kind, Result};

/// `portaldesk init`
///
/// # Errors
///
/// Denied when the portal is read-only or the answer was no; what the engine says.
pub(super) async fn init(config: &Config, init: &Init, global: &Global, output: &mut Output) -> Result<u8> {
    if config.portal.read_only && !init.write.dry_run {
        return Err(Error::denied("the portal is opened read-only; nothing was written"));
    }
    if init.remove {
        return remove(config, init, global, output).await;
    }
    let target = &config.portal.target;
    let (needed, db) = if missing_file(target).is_some() {
        (Needed::Everything, None)
    } else {
        let db = Db::open(target).await?;
        (setup::needed(&db).await?, Some(db))
    };
    let statements = match (&needed, &db) {
        (Needed::OwnTables, Some(db)) => setup::own_statements(db.dialect()),
        _ => Vec::new(),
    };
    if let (Needed::OwnTables, Some(db)) = (needed, &db) {
        announce(db, &statements, output).await?;
    }
    if !init.write.dry_run {
        match (needed, db) {
            (Needed::Everything, _) => create(config).await?,
            (Needed::OwnTables, Some(db)) => {
                agreed("Run them?", global)?;
                setup::create_own_tables(&db).await?;
            }
            _ => {}
        }
    }
    let (name, text) = match needed {
        Needed::Everything => {
            ("everything", format!("the portal's tables and portaldesk's own, in {target}"))
        }
        Needed::OwnTables => ("own-tables", format!("portaldesk's own tables, in {target}")),
        Needed::Nothing => ("nothing", format!("nothing: everything is there already, in {target}")),
    };
    let did = if init.write.dry_run { "Would make" } else { "Made" };
    let value = json!({"made": name, "dry_run": init.write.dry_run, "statements": statements});
    output.result(&json::object("init", value), || format!("{did} {}\n", crate::text::safe(&text)))?;
    if needed == Needed::Everything && !init.write.dry_run {
        output.talk("Next: portaldesk create-superuser");
    }
    Ok(0)
}

async fn create(config: &Config) -> Result<()> {
    if config.portal.embedded
        && let Some(path) = missing_file(&config.portal.target)
        && let Some(folder) = path.parent()
    {
        paths::private_dir(folder)?;
    }
    setup::create(&config.portal.target).await?;
    Ok(())
}

/// Says which statements make our own tables, and what the database account needs for them.
async fn announce(db: &Db, statements: &[&str], output: &mut Output) -> Result<()> {
    output.talk("These statements make the tables that keep portaldesk's journal; nothing else is changed:");
    for statement in statements {
        statement.lines().for_each(|line| output.talk(line));
    }
    let grants = setup::grants(db).await?;
    if !grants.is_empty() {
        output.talk("The database account needs:");
        for grant in &grants {
            output.talk(grant);
        }
    }
    Ok(())
}

async fn remove(config: &Config, init: &Init, global: &Global, output: &mut Output) -> Result<u8> {
    let db = Db::open(&config.portal.target).await?;
    setup::has_something_to_remove(&db).await?;
    let lines = setup::export_journal(&db).await?;
    let mut path = None;
    if !init.write.dry_run {
        agreed("Drop every table of portaldesk's? No operation can be taken back afterwards.", global)?;
        path = Some(export(&lines)?);
        setup::remove_own_tables(&db).await?;
    }
    let value = json!({"removed": path.is_some(), "dry_run": init.write.dry_run, "operations": lines.len(), "export": path});
    output.result(&json::object("init", value), || match &path {
        Some(path) => format!(
            "Removed portaldesk's tables; their {} operations are kept in {}\n",
            lines.len(),
            crate::text::safe(&path.display().to_string())
        ),
        None => format!("Would export {} operations and drop portaldesk's tables\n", lines.len()),
    })?;
    Ok(0)
}

/// Writes the journal into a new file of the state folder. Personal data are in it.
fn export(lines: &[String]) -> Result<PathBuf> {
    let name = format!("journal-{}.jsonl", chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ"));
    let path = paths::state_dir()?.join(name);
    let failed = |why: std::io::Error| {
        Error::new(
            Kind::Invalid,
            format!("the journal could not be exported to {}: {why}; nothing was removed", path.display()),
        )
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    for line in lines {
        writeln!(file, "{line}").map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    Ok(path)
}

/// Asks, unless `--yes` was given.
///
/// # Errors
///
/// Denied when the answer is no; a usage error without a terminal.
pub(super) fn agreed(question: &str, global: &Global) -> Result<()> {
    if global.yes || prompt::confirm(question)? {
        return Ok(());
    }
    Err(Error::denied("not agreed to; nothing was written"))
}
