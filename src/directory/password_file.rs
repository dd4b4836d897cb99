//! A file of generated passwords, for those who hand them out: `username,password`, a line each.
//!
//! It is new, only its owner can read it, and a password is on the disk before the account gets it. What is written for
//! an account that then doesn't get it is taken out again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::text;

/// The first line.
const HEAD: &str = "username,password\n";

/// The file, open to be written to.
#[derive(Debug)]
pub struct PasswordFile {
    path: PathBuf,
    file: File,
    /// Whether somebody was given two passwords, as when a run was stopped between writing the first down and using it.
    may_repeat: bool,
}

impl PasswordFile {
    /// Makes the file.
    ///
    /// # Errors
    /// Conflict, when it is there already; invalid, when it can't be written.
    pub fn create(path: &Path) -> Result<Self> {
        let mut file =
            OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).map_err(|why| {
                match why.kind() {
                    ErrorKind::AlreadyExists => Error::conflict(format!(
                        "{} is there already, and passwords are only written into a new file; nothing was written.",
                        shown(path)
                    )),
                    _ => failed(path, &why),
                }
            })?;
        let written = file.write_all(HEAD.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|why| failed(path, &why))?;
        sync_folder(path);
        Ok(Self { path: path.to_owned(), file, may_repeat: false })
    }

    /// Goes on with a file that [`Self::create`] made; where it was taken away, with a new one.
    ///
    /// # Errors
    /// Conflict, when others could read it, or it is no file of ours; invalid, when it can't be written.
    pub fn go_on(path: &Path) -> Result<Self> {
        let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let opened = OpenOptions::new().append(true).read(true).custom_flags(no_link).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(why) if why.kind() == ErrorKind::NotFound => return Self::create(path),
            Err(why) => return Err(failed(path, &why)),
        };
        let about = file.metadata().map_err(|why| failed(path, &why))?;
        let ours = about.uid() == rustix::process::geteuid().as_raw();
        if !about.is_file() || !ours || about.mode() & 0o077 != 0 {
            return Err(Error::conflict(format!(
                "{} is not the file that the passwords were written into: it must be an ordinary file of yours that \
                 nobody else can read. Nothing was written.",
                shown(path)
            )));
        }
        Ok(Self { path: path.to_owned(), file, may_repeat: true })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes passwords down, and comes back when they are on the disk.
    ///
    /// # Errors
    /// Invalid, when that fails.
    pub fn add(&mut self, passwords: &[(&str, &str)]) -> Result<()> {
        let mut lines = Zeroizing::new(String::new());
        for (username, password) in passwords {
            lines.push_str(&field(&text::spreadsheet(username)));
            lines.push(',');
            lines.push_str(&field(password));
            lines.push('\n');
        }
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|why| failed(&self.path, &why))
    }

    /// Takes out what these accounts did not get, and what was written for somebody before their last password. A file
    /// that then holds none goes.
    ///
    /// # Errors
    /// Interrupted, when that fails: then the file is as it was, and says too much.
    pub fn finish(&self, without: &BTreeSet<String>) -> Result<()> {
        if without.is_empty() && !self.may_repeat {
            return Ok(());
        }
        self.rewrite(without).map_err(|why| {
            Error::new(
                Kind::Interrupted,
                format!(
                    "{} still holds passwords that were not set, because it could not be written anew: {why}.",
                    shown(&self.path)
                ),
            )
        })
    }

    fn rewrite(&self, without: &BTreeSet<String>) -> io::Result<()> {
        let mut text = Zeroizing::new(Vec::new());
        File::open(&self.path)?.read_to_end(&mut text)?;
        let mut reader =
            csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(text.as_slice());
        let records: Vec<csv::ByteRecord> = reader.byte_records().collect::<std::result::Result<_, _>>()?;
        let without: BTreeSet<Vec<u8>> =
            without.iter().map(|name| text::spreadsheet(name).as_bytes().to_vec()).collect();
        let mut last: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            last.insert(record.get(0).unwrap_or_default(), at);
        }
        let stays = |at: usize, record: &csv::ByteRecord| {
            let name = record.get(0).unwrap_or_default();
            last.get(name) == Some(&at) && !without.contains(name)
        };
        let kept: Vec<&csv::ByteRecord> =
            records.iter().enumerate().filter(|(at, record)| stays(*at, record)).map(|(_, it)| it).collect();
        if kept.is_empty() {
            return fs::remove_file(&self.path);
        }
        let new = beside(&self.path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written = write_whole(file, &kept).and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        sync_folder(&self.path);
        written
    }
}

fn write_whole(file: File, records: &[&csv::ByteRecord]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(["username", "password"])?;
    for record in records {
        writer.write_byte_record(record)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)?.sync_all()
}

/// A name beside the file's.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

/// A cell of the file.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Some file systems can't do this; the file itself is on the disk.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

fn shown(path: &Path) -> String {
    text::safe(&path.display().to_string()).into_owned()
}

fn failed(path: &Path, why: &io::Error) -> Error {
    Error::invalid(format!("Passwords can't be written to {}: {why}. Nothing was written.", shown(path)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

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
        file.add(&[("bela", "Kx7m"), ("=cmd, \"x\"", "q")]).expect("written");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(text, "username,password\nbela,Kx7m\n\"'=cmd, \"\"x\"\"\",q\n");
        let again = PasswordFile::create(&path).expect_err("it is there");
        assert_eq!(again.kind, Kind::Conflict);
        assert_eq!(fs::read_to_string(&path).expect("text"), text, "nothing of it was written over");
    }

    #[test]
    fn what_was_not_set_is_taken_out() {
        let folder = Folder::new("finish");
        let path = folder.0.join("passwords.csv");
        let mut file = PasswordFile::create(&path).expect("a new file");
        file.add(&[("amir", "a"), ("=bela", "b"), ("cho", "c")]).expect("written");
        file.finish(&BTreeSet::from(["=bela".to_owned()])).expect("written anew");
        assert_eq!(fs::read_to_string(&path).expect("text"), "username,password\namir,a\ncho,c\n");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let mut file = PasswordFile::go_on(&path).expect("ours");
        file.add(&[("cho", "later")]).expect("written");
        file.finish(&BTreeSet::new()).expect("written anew");
        assert_eq!(fs::read_to_string(&path).expect("text"), "username,password\namir,a\ncho,later\n");
        file.finish(&BTreeSet::from(["amir".to_owned(), "cho".to_owned()])).expect("taken away");
        assert!(!path.exists());
    }

    #[test]
    fn what_others_can_read_or_lead_elsewhere_is_not_gone_on_with() {
        let folder = Folder::new("open");
        let path = folder.0.join("passwords.csv");
        drop(PasswordFile::create(&path).expect("a new file"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        assert_eq!(PasswordFile::go_on(&path).expect_err("open to others").kind, Kind::Conflict);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
        let link = folder.0.join("link.csv");
        symlink(&path, &link).expect("a link");
        assert!(PasswordFile::go_on(&link).is_err());
        assert!(PasswordFile::go_on(&folder.0.join("gone.csv")).is_ok(), "a new one is made");
    }
}
