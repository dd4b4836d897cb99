//! Reads files that may hold a secret, and refuses those that others can read.
//!
//! Every check is made on the open file, so that nothing can be exchanged between the look and the reading.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Far above any real file; keeps a mistaken path from filling the memory.
const LARGEST: u64 = 1 << 20;

/// A file's text and who may touch it.
pub(super) struct ReadFile {
    pub(super) path: PathBuf,
    pub(super) text: Zeroizing<String>,
    about: Metadata,
}

/// Reads a regular file of UTF-8; `what` names it in errors.
///
/// # Errors
///
/// A usage error when it can't be read, is no regular file, is larger than 1 MiB, isn't UTF-8, or anyone may write it.
pub(super) fn read(what: &str, path: &Path) -> Result<ReadFile> {
    let failed = |why: &dyn std::fmt::Display| {
        Error::usage(format!("the {what} {} could not be read: {why}", path.display()))
    };
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).map_err(|why| failed(&why))?;
    // Without O_NONBLOCK a FIFO in the file's place would hold the program up for ever.
    let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(|why| failed(&why))?;
    let about = file.metadata().map_err(|why| failed(&why))?;
    if !about.is_file() {
        return Err(failed(&"it is not a regular file"));
    }
    if about.mode() & 0o002 != 0 {
        return Err(Error::usage(format!(
            "the {what} {path} can be changed by anyone (mode {mode:04o}); close it: chmod o-w {path}",
            path = path.display(),
            mode = about.mode() & 0o7777,
        )));
    }
    let mut text = Zeroizing::new(String::new());
    let length = file.take(LARGEST + 1).read_to_string(&mut text).map_err(|why| failed(&why))?;
    if length as u64 > LARGEST {
        return Err(failed(&"it is larger than 1 MiB"));
    }
    Ok(ReadFile { path: path.to_owned(), text, about })
}

/// Who else than the user and root may own or read files with secrets: a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SecretGroup(u32);

impl SecretGroup {
    /// The group of a name of `/etc/group`, or of a number (groups of a directory service).
    pub(super) fn find(name: &str) -> Option<Self> {
        if let Ok(gid) = name.parse() {
            return Some(Self(gid));
        }
        let groups = std::fs::read_to_string("/etc/group").ok()?;
        groups.lines().find_map(|line| {
            let mut parts = line.split(':');
            (parts.next() == Some(name)).then(|| parts.nth(1)?.parse().ok().map(Self))?
        })
    }
}

impl ReadFile {
    /// Refuses a file with a secret that isn't this user's or root's, or that others can read.
    ///
    /// # Errors
    ///
    /// A usage error that names the file, what is wrong and the command that mends it; `secret` says what it holds.
    pub(super) fn must_be_private(&self, secret: &str, group: Option<SecretGroup>) -> Result<()> {
        let path = self.path.display();
        let own = rustix::process::geteuid().as_raw();
        let shared = group.is_some_and(|group| group.0 == self.about.gid());
        let owner = self.about.uid();
        if owner != own && owner != 0 && !shared {
            return Err(Error::usage(format!(
                "{path} holds {secret} and belongs to another user (uid {owner}); it must belong to you (uid {own}), \
                 to root, or to the group named by secret_group"
            )));
        }
        let open_to = if shared { 0o027 } else { 0o077 };
        let mode = self.about.mode() & 0o7777;
        if mode & open_to != 0 {
            let mend = if shared { "640" } else { "600" };
            return Err(Error::usage(format!(
                "{path} holds {secret} and is open to others (mode {mode:04o}); close it: chmod {mend} {path}"
            )));
        }
        Ok(())
    }

    /// The file's only line, as a secret.
    ///
    /// # Errors
    ///
    /// A usage error when it is empty or has more than one line.
    pub(super) fn secret_line(&self) -> Result<SecretString> {
        let line = self.text.strip_suffix('\n').unwrap_or(&self.text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() || line.contains('\n') {
            return Err(Error::usage(format!(
                "{} must hold the password on one line and nothing else",
                self.path.display()
            )));
        }
        Ok(SecretString::from(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("portaldesk-trust-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_secret_must_be_closed_to_others() {
        let folder = Folder::new("closed");
        let path = folder.write("secret", "hunter2\n", 0o600);
        let closed = read("password file", &path).unwrap();
        closed.must_be_private("a password", None).unwrap();
        assert_eq!(closed.secret_line().unwrap().expose_secret(), "hunter2");
        for mode in [0o644, 0o640, 0o604, 0o660] {
            let path = folder.write("secret", "hunter2\n", mode);
            let error =
                read("password file", &path).unwrap().must_be_private("a password", None).unwrap_err();
            assert!(error.message.contains(&format!("{mode:04o}")), "{error}");
            assert!(error.message.contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn the_secret_group_may_read_but_not_write() {
        let folder = Folder::new("group");
        let path = folder.write("secret", "x", 0o640);
        let group = Some(SecretGroup(fs::metadata(&path).unwrap().gid()));
        read("password file", &path).unwrap().must_be_private("a password", group).unwrap();
        let path = folder.write("secret", "x", 0o660);
        assert!(read("password file", &path).unwrap().must_be_private("a password", group).is_err());
    }

    #[test]
    fn what_anyone_may_write_is_not_read() {
        let folder = Folder::new("written");
        let path = folder.write("config.toml", "", 0o666);
        assert!(read("configuration file", &path).err().unwrap().message.contains("0666"));
        assert!(read("configuration file", &folder.0).err().unwrap().message.contains("regular"));
        assert!(read("configuration file", &folder.0.join("missing")).is_err());
    }

    #[test]
    fn a_password_is_one_line() {
        let folder = Folder::new("line");
        for (text, fine) in [("", false), ("\n", false), ("a\nb\n", false), (" a b \r\n", true)] {
            let path = folder.write("secret", text, 0o600);
            assert_eq!(read("password file", &path).unwrap().secret_line().is_ok(), fine, "{text:?}");
        }
    }
}
