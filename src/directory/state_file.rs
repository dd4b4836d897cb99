//! A small file about one account of one portal in the state folder: closed to others, written whole or not at all, and put
//! aside when it is not as we write it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Portal;
use crate::db::hex;

/// What all files of one kind have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// What is in them, for messages.
    pub(super) what: &'static str,
    /// How they are written.
    pub(super) version: u32,
    /// More bytes than these were not written by us.
    pub(super) most: usize,
}

/// The file of whoever uses a portal.
#[derive(Debug, Clone)]
pub(super) struct StateFile {
    path: PathBuf,
    portal: String,
    account: String,
    kind: Kind,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    version: u32,
    portal: String,
    account: String,
    #[serde(flatten)]
    content: T,
}

/// What was read, where there is something; and that there was a file which is not used, in a sentence.
pub(super) type Found<T> = (Option<T>, Option<String>);

impl StateFile {
    /// In this folder, of whoever uses this portal.
    pub(super) fn of(portal: &Portal, folder: &Path, kind: Kind) -> Self {
        let account = match &portal.actor.account {
            Some(account) => account.id.to_string(),
            None => portal.actor.name(),
        };
        Self::new(folder, portal.db.target().to_string(), account, kind)
    }

    pub(super) fn new(folder: &Path, portal: String, account: String, kind: Kind) -> Self {
        let name = hex(&Sha256::digest(format!("{portal}\n{account}"))[..16]);
        Self { path: folder.join(format!("{name}.json")), portal, account, kind }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// Holds the folder until the file is dropped. It is made where it is missing, closed to others.
    fn lock(&self) -> Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.folder())?;
        let folder = File::open(self.folder())?;
        flock(&folder, FlockOperation::LockExclusive)?;
        Ok(folder)
    }

    /// Reads it; one that is not as we write them is put aside.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Found<T>> {
        if !self.path.exists() {
            return Ok((None, None));
        }
        let _lock = self.lock()?;
        self.read_locked()
    }

    /// Changes it while no other program does; where `change` gives nothing there is no file.
    pub(super) fn change<T: DeserializeOwned + Serialize>(
        &self,
        change: impl FnOnce(Option<T>) -> Option<T>,
    ) -> Result<()> {
        let _lock = self.lock()?;
        let (content, set_aside) = self.read_locked()?;
        if let Some(words) = set_aside {
            tracing::warn!("{words}");
        }
        self.write_locked(change(content))
    }

    fn read_locked<T: DeserializeOwned>(&self) -> Result<Found<T>> {
        let why = match self.read_file() {
            Ok(content) => return Ok((content, None)),
            Err(why) => why,
        };
        let aside = self.path.with_extension("unreadable");
        std::fs::rename(&self.path, &aside)?;
        let words = format!(
            "What was kept of {} can't be used: {why}. The file is {} now.",
            self.kind.what,
            aside.display()
        );
        Ok((None, Some(words)))
    }

    fn read_file<T: DeserializeOwned>(&self) -> std::result::Result<Option<T>, String> {
        // Neither a link nor a FIFO in the file's place leads anywhere.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).map_err(|why| why.to_string())?;
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&self.path) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|why| why.to_string())?,
        };
        let about = file.metadata().map_err(|why| why.to_string())?;
        if !about.is_file() {
            return Err("it is no file".to_owned());
        }
        if about.uid() != rustix::process::geteuid().as_raw() || about.mode() & 0o022 != 0 {
            return Err("somebody else may have written it".to_owned());
        }
        let mut text = String::new();
        let most = self.kind.most;
        file.take(most as u64 + 1).read_to_string(&mut text).map_err(|why| why.to_string())?;
        if text.len() > most {
            return Err("it is too large".to_owned());
        }
        let kept: Kept<T> = serde_json::from_str(&text).map_err(|why| why.to_string())?;
        if kept.version != self.kind.version {
            return Err("another version of portaldesk wrote it".to_owned());
        }
        if (&kept.portal, &kept.account) != (&self.portal, &self.account) {
            return Err("it belongs to another account".to_owned());
        }
        Ok(Some(kept.content))
    }

    /// Writes the file whole or not at all.
    fn write_locked<T: Serialize>(&self, content: Option<T>) -> Result<()> {
        let Some(content) = content else {
            return match std::fs::remove_file(&self.path) {
                Err(why) if why.kind() == ErrorKind::NotFound => Ok(()),
                other => other,
            };
        };
        let (portal, account) = (self.portal.clone(), self.account.clone());
        let text = serde_json::to_string(&Kept { version: self.kind.version, portal, account, content })?;
        // Nobody else writes here while the folder is held: what has this name was left by a program that was stopped.
        let new = self.path.with_extension("new");
        match std::fs::remove_file(&new) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)
    }
}
