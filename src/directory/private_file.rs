//! New files with personal data in them: their owner's alone, and in the place of another one only when somebody said so.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Makes a new file that only its owner can read. `what` it will hold, such as `A backup`, is for the error.
///
/// # Errors
/// Invalid, when it is there already or can't be made.
pub fn create(path: &Path, what: &str) -> Result<File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(|why| failed(path, what, &why))
}

/// Why a file could not be written.
fn failed(path: &Path, what: &str, why: &io::Error) -> Error {
    let path = path.display();
    match why.kind() {
        io::ErrorKind::AlreadyExists => Error::invalid(format!(
            "{path} is there already, and {what} overwrites nothing; name a new file."
        )),
        _ => Error::invalid(format!("{path} could not be written: {why}. No file is left.")),
    }
}

/// A file on its way: it gets its name when it is whole, and is gone when that never happens.
#[derive(Debug)]
pub struct Reserved {
    path: PathBuf,
    beside: PathBuf,
    what: &'static str,
    /// The name is taken by an empty file meanwhile.
    taken: bool,
    kept: bool,
}

impl Reserved {
    /// Takes a name that nothing has yet. `what` it will hold, such as `a backup`, is for errors.
    ///
    /// # Errors
    /// Invalid, when it is there already or can't be made; usage, when it is no name.
    pub fn new(path: &Path, what: &'static str) -> Result<Self> {
        Self::begin(path, what, true)
    }

    /// As [`Self::new`], but takes the place of what has the name.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn replacing(path: &Path, what: &'static str) -> Result<Self> {
        Self::begin(path, what, false)
    }

    fn begin(path: &Path, what: &'static str, taken: bool) -> Result<Self> {
        let name = path.file_name().filter(|_| !path.is_dir());
        let Some(name) = name else {
            return Err(Error::usage(format!("{} is no name of a file.", path.display())));
        };
        let mut beside = name.to_owned();
        beside.push(format!(".{}.partial", std::process::id()));
        if taken {
            create(path, what)?;
        }
        let beside = path.with_file_name(beside);
        let reserved = Self { path: path.to_owned(), beside, what, taken, kept: false };
        create(&reserved.beside, what)?;
        Ok(reserved)
    }

    /// Where it is while it is being written.
    #[must_use]
    pub fn beside(&self) -> &Path {
        &self.beside
    }

    /// Opens it to be written.
    ///
    /// # Errors
    /// Invalid, when it is gone.
    pub fn open(&self) -> Result<File> {
        OpenOptions::new().write(true).open(&self.beside).map_err(|why| self.failed(&why))
    }

    /// Why it could not be written.
    #[must_use]
    pub fn failed(&self, why: &io::Error) -> Error {
        failed(&self.path, self.what, why)
    }

    /// Gives the finished file its name, on the disk too; how large it is.
    ///
    /// # Errors
    /// Invalid, when the disk refuses.
    pub fn keep(mut self) -> Result<u64> {
        let synced = File::open(&self.beside).and_then(|file| {
            file.sync_all()?;
            file.metadata()
        });
        let bytes = synced.map_err(|why| self.failed(&why))?.len();
        fs::rename(&self.beside, &self.path).map_err(|why| self.failed(&why))?;
        self.kept = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Some file systems can't do this; the file itself is on the disk.
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        Ok(bytes)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let _ = fs::remove_file(&self.beside);
        if self.taken {
            let _ = fs::remove_file(&self.path);
        }
    }
}
