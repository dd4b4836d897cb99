//! A copy of the accounts in a file, made before something that is hard to take back, or by cron.
//!
//! SQLite: the whole database, as a database, looked through before it gets its name. A server: SQL that makes the
//! account tables anew in an empty database of the same engine, as they stood at one moment. Password hashes are in it,
//! so the file is its owner's alone; a file that is there is never overwritten.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::Portal;
use super::private_file::Reserved;
use crate::change::rights;
use crate::db::dump::Piece;
use crate::db::schema::{OWN_TABLES, Schema, Table};
use crate::db::{Address, Cancel, Db, Dialect, Target};
use crate::error::{Error, Kind, Result};
use crate::portal::access::{Action, allowed};
use crate::text;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// The tables in it and how many rows each has; of SQLite, which is copied whole, none is counted.
    pub tables: Vec<(String, u64)>,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = text::safe(&self.path.display().to_string()).into_owned();
        if self.tables.is_empty() {
            return write!(
                f,
                "Copied the whole database into {path}, {} bytes, and found it whole.",
                self.bytes
            );
        }
        let rows: u64 = self.tables.iter().map(|(_, rows)| rows).sum();
        write!(f, "Wrote {} tables with {rows} rows into {path}, {} bytes.", self.tables.len(), self.bytes)
    }
}

/// Writes the account tables into a new file. It changes nothing in the database, so a portal that is opened read-only
/// allows it; somebody signed in needs the right to repair, because password hashes are in it.
///
/// # Errors
/// Denied; invalid, when the file is there already or can't be written, or the copy is not whole; what the engine says;
/// interrupted, when it was cancelled. Then no file is left.
pub async fn write(portal: &Portal, path: &Path, cancel: &Cancel) -> Result<Summary> {
    write_with(portal, path, false, cancel).await
}

/// As [`write`], if so wished with portaldesk's own tables: the journal, which holds what undo needs. A copy of an SQLite
/// database always has them.
///
/// # Errors
/// As [`write`].
pub async fn write_with(portal: &Portal, path: &Path, own: bool, cancel: &Cancel) -> Result<Summary> {
    may(portal).await?;
    let portal = &portal.cancellable(cancel);
    let reserved = Reserved::new(path, "a backup")?;
    let tables = match portal.dialect() {
        Dialect::Sqlite => copy(portal, &reserved).await?,
        Dialect::MySql | Dialect::Postgres => dump(portal, &reserved, own).await?,
    };
    let bytes = reserved.keep()?;
    let (by, unix) = (portal.actor.name(), &portal.actor.unix_user);
    tracing::info!(path = %path.display(), bytes, by, unix, "backup written");
    Ok(Summary { path: path.to_owned(), bytes, tables })
}

async fn may(portal: &Portal) -> Result<()> {
    let Some(account) = &portal.actor.account else { return Ok(()) };
    let Some(facts) = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await? else {
        return Err(Error::denied("Your account does not exist any more; nothing was written."));
    };
    allowed(&facts, &Action::Repair).map_err(|why| Error::denied(format!("{why} Nothing was written.")))
}

/// Copies a SQLite database and looks whether the copy is whole.
async fn copy(portal: &Portal, reserved: &Reserved) -> Result<Vec<(String, u64)>> {
    let Some(path) = reserved.beside().to_str() else {
        return Err(Error::invalid("SQLite takes only names of files that are UTF-8; no file is left."));
    };
    let target = portal.db.target();
    // A connection that must not write can't fill the copy either; the original is only read.
    let writable = Target { read_only: false, ..target.clone() };
    let db = if target.read_only { Db::open(&writable).await? } else { portal.db.clone() };
    db.copy_into(path).await.map_err(|error| {
        let told = Error::from(error);
        let message = format!("The database could not be copied: {told} No file is left.");
        Error { message, ..told }
    })?;
    let copy =
        Target { address: Address::File(reserved.beside().to_owned()), read_only: true, ..target.clone() };
    let broken = Db::open(&copy).await?.integrity().await?;
    if let Some(first) = broken.first() {
        return Err(Error::invalid(format!(
            "The copy is not whole, so neither is the database: {first} No file is left. Stop the portal and keep the \
             database file itself."
        )));
    }
    Ok(Vec::new())
}

/// The account tables, and what they refer to.
fn tables(schema: &Schema, own: bool) -> Vec<Table> {
    let is_of_accounts = |name: &str| {
        name.starts_with("auth_")
            || name.starts_with("core_")
            || ["django_content_type", "django_migrations", "django_admin_log"].contains(&name)
            || (own && OWN_TABLES.contains(&name))
    };
    let mut names: Vec<&str> =
        schema.tables.keys().map(String::as_str).filter(|it| is_of_accounts(it)).collect();
    let mut at = 0;
    while at < names.len() {
        let table = names[at];
        for key in schema.foreign_keys.iter().filter(|key| key.table == table) {
            if !names.contains(&key.to_table.as_str()) && schema.table(&key.to_table).is_some() {
                names.push(&key.to_table);
            }
        }
        at += 1;
    }
    names.sort_unstable();
    names.into_iter().filter_map(|name| schema.table(name).cloned()).collect()
}

/// Writes the tables of a server as SQL.
async fn dump(portal: &Portal, reserved: &Reserved, own: bool) -> Result<Vec<(String, u64)>> {
    let mut file = BufWriter::new(reserved.open()?);
    let target = text::safe(&portal.db.target().to_string()).into_owned();
    let mut write = |piece: &str| file.write_all(piece.as_bytes()).map_err(|why| reserved.failed(&why));
    write(&format!(
        "-- The account tables of {target}, as of {}.\n-- To be run in an empty database of the same engine. \
         Password hashes are in it.\n\n",
        Utc::now().format("%Y-%m-%d %H:%M:%S UTC")
    ))?;
    // What is there now, not when the portal was opened.
    let schema = Schema::read(&portal.db).await?;
    let mut counted = Vec::new();
    let mut pieces = portal.db.dump(tables(&schema, own));
    while let Some(piece) = pieces.recv().await {
        match piece? {
            Piece::Text(text) => write(&text)?,
            Piece::Table { name, rows } => counted.push((name, rows)),
        }
    }
    let rows: u64 = counted.iter().map(|(_, rows)| rows).sum();
    write(&format!("\n-- The end: {} tables, {rows} rows.\n", counted.len()))?;
    file.flush().map_err(|why| reserved.failed(&why))?;
    if counted.is_empty() {
        return Err(Error::new(Kind::Bug, "the dump came to no end"));
    }
    Ok(counted)
}
