//! Passwords that were made up for many accounts, in a new file that only its owner can read: `username,password`, a line
//! each, to be handed out and then deleted.
//!
//! A line is on the disk before the plan that sets its password is applied, so that no account ever has a password that
//! nobody knows. What was written for an account that then doesn't get it is taken out again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::private_file::{self, Reserved};
use super::{Portal, passwords};
use crate::error::{Error, Result};
use crate::portal::password;
use crate::text;

/// The first line.
const HEAD: [&str; 2] = ["username", "password"];
/// What the file is called in errors.
const WHAT: &str = "a file of passwords";

/// The file. Where no password came to stand in it, it is taken away again.
pub struct PasswordFile {
    path: PathBuf,
    file: File,
    /// Lines that are not on the disk yet.
    pending: Zeroizing<String>,
    count: u64,
    /// Whether somebody may have two lines, as when a run was stopped between writing the first one and using it.
    may_repeat: bool,
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
        let file = private_file::create(path, WHAT)?;
        // The whole path, so that it can be found again from anywhere.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut pending = Zeroizing::new(String::new());
        push_line(&mut pending, HEAD);
        let mut made = Self { path, file, pending, count: 0, may_repeat: false };
        made.sync()?;
        sync_folder(&made.path);
        Ok(made)
    }

    /// Goes on with a file that [`Self::create`] made; where it was taken away, with a new one.
    ///
    /// # Errors
    /// Conflict, when others could read it, or it is no file of ours; invalid, when it can't be written.
    pub fn go_on(path: &Path) -> Result<Self> {
        let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let opened = OpenOptions::new().append(true).read(true).custom_flags(no_link).open(path);
        let (path, pending) = (path.to_owned(), Zeroizing::default());
        let file = match opened {
            Ok(file) => file,
            Err(why) if why.kind() == ErrorKind::NotFound => return Self::create(&path),
            Err(why) => return Err(failed(&path, &why)),
        };
        let about = file.metadata().map_err(|why| failed(&path, &why))?;
        let ours = about.uid() == rustix::process::geteuid().as_raw();
        if !about.is_file() || !ours || about.mode() & 0o077 != 0 {
            return Err(Error::conflict(format!(
                "{} is not the file that the passwords were written into: it must be an ordinary file of yours that \
                 nobody else can read. Nothing was written.",
                path.display()
            )));
        }
        // What is in it already stays, whatever comes.
        Ok(Self { path, file, pending, count: 1, may_repeat: true })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many passwords were written into it.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds a line, which is on the disk only after [`Self::sync`].
    ///
    /// # Errors
    /// Invalid, when the disk refuses.
    pub fn add(&mut self, username: &str, clear: &str) -> Result<()> {
        push_line(&mut self.pending, [&*text::spreadsheet(username), clear]);
        self.count += 1;
        Ok(())
    }

    /// Brings every line to the disk: to be called before the plan that sets the passwords is applied.
    ///
    /// # Errors
    /// Invalid, when the disk refuses.
    pub fn sync(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.pending);
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(|why| failed(&self.path, &why))
    }

    /// Takes out what these accounts did not get, and what was written for somebody before their last password. A file
    /// that then holds none goes.
    ///
    /// # Errors
    /// Invalid, when that fails: then the file is as it was, and says too much.
    pub fn finish(&mut self, without: &BTreeSet<String>) -> Result<()> {
        self.sync()?;
        if without.is_empty() && !self.may_repeat {
            return Ok(());
        }
        self.rewrite(without).map_err(|why| {
            Error::invalid(format!(
                "{} still holds passwords that were not set, because it could not be written anew: {why}.",
                self.path.display()
            ))
        })
    }

    fn rewrite(&mut self, without: &BTreeSet<String>) -> Result<()> {
        let (path, without) = (self.path.clone(), without.iter().map(|name| text::spreadsheet(name)));
        let without: BTreeSet<Vec<u8>> = without.map(|name| name.as_bytes().to_vec()).collect();
        let mut text = Zeroizing::new(Vec::new());
        let opened = File::open(&path).and_then(|mut file| file.read_to_end(&mut text));
        opened.map_err(|why| failed(&path, &why))?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
        let records: Vec<csv::ByteRecord> = reader
            .byte_records()
            .collect::<std::result::Result<_, _>>()
            .map_err(|why| failed(&path, &why.into()))?;
        let mut last: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            last.insert(record.get(0).unwrap_or_default(), at);
        }
        last.retain(|name, _| !without.contains(*name));
        self.count = last.len() as u64;
        if last.is_empty() {
            // It goes with this value.
            return Ok(());
        }
        let new = Reserved::replacing(&path, WHAT)?;
        let mut lines = csv::Writer::from_writer(new.open()?);
        lines.write_record(HEAD).map_err(|why| failed(&path, &why.into()))?;
        for (at, record) in records.iter().enumerate() {
            if last.get(record.get(0).unwrap_or_default()) == Some(&at) {
                lines.write_byte_record(record).map_err(|why| failed(&path, &why.into()))?;
            }
        }
        lines.flush().map_err(|why| failed(&path, &why))?;
        drop(lines);
        new.keep()?;
        // What is added from now on goes into the new file.
        self.file = OpenOptions::new().append(true).open(&path).map_err(|why| failed(&path, &why))?;
        Ok(())
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        if self.count == 0 {
            let _ = fs::remove_file(&self.path);
        } else if !self.pending.is_empty() {
            let _ = self.sync();
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

fn push_line(lines: &mut String, [first, second]: [&str; 2]) {
    push_cell(lines, first);
    lines.push(',');
    push_cell(lines, second);
    lines.push('\n');
}

fn push_cell(lines: &mut String, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        lines.push('"');
        lines.push_str(&text.replace('"', "\"\""));
        lines.push('"');
    } else {
        lines.push_str(text);
    }
}

/// Some file systems can't do this; the file itself is on the disk.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

fn failed(path: &Path, why: &io::Error) -> Error {
    Error::invalid(format!(
        "The passwords could not be written to {}: {why}. No account gets a password that is not in it.",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::error::Kind;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("portaldesk-passwords-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn it_is_new_and_closed_to_others() {
        let folder = Folder::new("new");
        let path = folder.0.join("passwords.csv");
        let mut file = PasswordFile::create(&path).expect("a new file");
        file.add("bela", "Kx7m").expect("added");
        file.add("=cmd, \"x\"", "q").expect("added");
        file.sync().expect("written");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(text, "username,password\nbela,Kx7m\n\"'=cmd, \"\"x\"\"\",q\n");
        let again = PasswordFile::create(&path).err().expect("it is there");
        assert_eq!(again.kind, Kind::Invalid);
        assert_eq!(fs::read_to_string(&path).expect("text"), text, "nothing of it was written over");
    }

    #[test]
    fn what_was_not_set_is_taken_out() {
        let folder = Folder::new("finish");
        let path = folder.0.join("passwords.csv");
        let mut file = PasswordFile::create(&path).expect("a new file");
        for (name, password) in [("amir", "a"), ("=bela", "b"), ("cho", "c")] {
            file.add(name, password).expect("added");
        }
        file.finish(&BTreeSet::from(["=bela".to_owned()])).expect("written anew");
        assert_eq!(fs::read_to_string(&path).expect("text"), "username,password\namir,a\ncho,c\n");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let mut file = PasswordFile::go_on(&path).expect("ours");
        file.add("cho", "later").expect("added");
        file.finish(&BTreeSet::new()).expect("written anew");
        assert_eq!(fs::read_to_string(&path).expect("text"), "username,password\namir,a\ncho,later\n");
        file.finish(&BTreeSet::from(["amir".to_owned(), "cho".to_owned()])).expect("taken away");
        drop(file);
        assert!(!path.exists(), "nothing stands in it any more");
        drop(PasswordFile::create(&path).expect("a new file"));
        assert!(!path.exists(), "nothing came to stand in it");
    }

    #[test]
    fn what_others_can_read_or_lead_elsewhere_is_not_gone_on_with() {
        let folder = Folder::new("open");
        let path = folder.0.join("passwords.csv");
        let mut file = PasswordFile::create(&path).expect("a new file");
        file.add("amir", "a").expect("added");
        drop(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        assert_eq!(PasswordFile::go_on(&path).err().expect("open to others").kind, Kind::Conflict);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
        let link = folder.0.join("link.csv");
        symlink(&path, &link).expect("a link");
        assert!(PasswordFile::go_on(&link).is_err());
        assert!(PasswordFile::go_on(&folder.0.join("gone.csv")).is_ok(), "a new one is made");
    }
}
