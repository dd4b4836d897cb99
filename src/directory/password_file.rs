//! Passwords that were made up for many accounts, in a new file that only its owner can read: `username,password`, a line
//! each, to be handed out and then deleted.
//!
//! A line is on the disk before the plan that sets its password is applied, so that no account ever has a password that
//! nobody knows. A line whose account was then refused is of no use to anybody.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Portal, passwords, private_file};
use crate::error::{Error, Result};
use crate::portal::password;
use crate::text;

/// The file. Where no password came to stand in it, it is taken away again.
pub struct PasswordFile {
    path: PathBuf,
    lines: csv::Writer<BufWriter<File>>,
    count: u64,
}

/// A password that was made up.
pub struct Made {
    /// As it is handed out.
    pub clear: Zeroizing<String>,
    /// As Django encodes it.
    pub encoded: String,
}

impl PasswordFile {
    /// Makes the file.
    ///
    /// # Errors
    /// Invalid, when it is there already or can't be made.
    pub fn create(path: &Path) -> Result<Self> {
        let file = private_file::create(path, "a file of passwords")?;
        let lines = csv::Writer::from_writer(BufWriter::new(file));
        // The whole path, so that it can be found again from anywhere.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut file = Self { path, lines, count: 0 };
        file.lines.write_record(["username", "password"]).map_err(|why| file.failed(&why))?;
        Ok(file)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many passwords are in it.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Invalid, when the disk refuses.
    pub fn add(&mut self, username: &str, clear: &str) -> Result<()> {
        self.lines.write_record([&*text::spreadsheet(username), clear]).map_err(|why| self.failed(&why))?;
        self.count += 1;
        Ok(())
    }

    /// Brings every line to the disk: to be called before the plan that sets the passwords is applied.
    ///
    /// # Errors
    /// Invalid, when the disk refuses.
    pub fn sync(&mut self) -> Result<()> {
        let flushed = self.lines.flush().and_then(|()| self.lines.get_ref().get_ref().sync_all());
        flushed.map_err(|why| self.failed(&why))
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Error {
        Error::invalid(format!(
            "The passwords could not be written to {}: {why}. No account gets a password that is not in it.",
            self.path.display()
        ))
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        if self.count == 0 {
            let _ = fs::remove_file(&self.path);
        } else {
            let _ = self.lines.flush();
        }
    }
}

/// Makes up a password and encodes it, never cheaper than the one it replaces.
///
/// # Errors
/// What the engine says; that there is no randomness.
pub async fn make(portal: &Portal, replaces: Option<&str>) -> Result<Made> {
    let clear = Zeroizing::new(password::generate()?);
    let encoded = passwords::hash(portal, &clear, replaces).await?;
    Ok(Made { clear, encoded })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_of_passwords_is_its_owners_and_new() {
        let path = std::env::temp_dir().join(format!("portaldesk-passwords-{}.csv", std::process::id()));
        let mut file = PasswordFile::create(&path).unwrap();
        file.add("bela", "Kx7m-rT4p").unwrap();
        file.add("-cho", "aaaa").unwrap();
        file.sync().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "username,password\nbela,Kx7m-rT4p\n'-cho,aaaa\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(PasswordFile::create(&path).is_err());
        drop(file);
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
        drop(PasswordFile::create(&path).unwrap());
        assert!(!path.exists(), "nothing came to stand in it");
    }
}
