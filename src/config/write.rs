//! Adds a portal to the configuration file: what stands there stays byte by byte, the new section comes behind it, and
//! the password goes into a file of its own. Nothing that is there is overwritten.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::{file, paths, trust};
use crate::db::{Address, Target, Tls};
use crate::error::{Error, Kind, Result};

/// A portal to remember.
#[derive(Debug, Clone)]
pub struct NewPortal {
    /// Its name, as in `[portal.NAME]` and `portaldesk @NAME`.
    pub name: String,
    /// How it is called on the screen.
    pub label: String,
    /// A colour, one of [`super::COLOURS`] or `#rrggbb`; empty for none.
    pub colour: String,
    /// Where its database is.
    pub target: Target,
    /// Whether the password is kept, in a file of its own.
    pub keep_password: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The configuration file.
    pub config: PathBuf,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
}

/// Adds a portal to this file, which is made where it is missing. New files are 0600, new folders 0700.
///
/// # Errors
///
/// An invalid name, label or colour, by field; a name that is taken; what the system says. Nothing was written then.
pub fn add_portal(config: &Path, portal: &NewPortal) -> Result<Written> {
    check_name(&portal.name)?;
    // A link stays one: the file behind it is written.
    let config = config.canonicalize().unwrap_or_else(|_| config.to_owned());
    let before = if config.exists() { Some(trust::read("configuration file", &config)?) } else { None };
    if let Some(before) = &before {
        let taken = file::parse(before)?.portals.iter().any(|known| known.name == portal.name);
        if taken {
            let words = format!("{} has a portal of this name already; choose another.", config.display());
            return Err(Error::field(Kind::Duplicate, "portal", words));
        }
    }
    let folder = config.parent().ok_or_else(|| Error::bug("a configuration file stands in no folder"))?;
    if !folder.exists() {
        paths::private_dir(folder)?;
    }
    let password_file = (portal.keep_password && portal.target.password.is_some())
        .then(|| folder.join(format!("{}.password", portal.name)));
    let text = section(portal, password_file.as_deref());
    let temporary = folder.join(format!(".config.toml.{}", std::process::id()));
    let whole = match &before {
        Some(before) => [before.text.as_str(), &text].concat(),
        None => text.trim_start().to_owned(),
    };
    let draft = Draft::write(temporary, &whole)?;
    // What we write must be what we read: a label that breaks a rule is refused here, by the reader's own words.
    file::parse(&trust::read("configuration file", &draft.0)?)?;
    if let (Some(path), Some(password)) = (&password_file, &portal.target.password) {
        write_password(path, password.expose_secret())?;
    }
    if let Err(error) = draft.replace(&config, before.is_some()) {
        if let Some(path) = &password_file {
            let _ = std::fs::remove_file(path);
        }
        return Err(error);
    }
    Ok(Written { config, password_file })
}

fn check_name(name: &str) -> Result<()> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if name.is_empty() || name.len() > 40 || !plain {
        let words = "Letters, digits, - and _ only, at most 40: it is typed as portaldesk @NAME.";
        return Err(Error::field(Kind::Invalid, "portal", words));
    }
    Ok(())
}

/// A file that is complete before it takes the place of another; removed where it does not.
struct Draft(PathBuf);

impl Draft {
    fn write(path: PathBuf, text: &str) -> Result<Self> {
        let mut file = new_file(&path).map_err(|why| not_written(&path, &why))?;
        let draft = Self(path);
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|why| not_written(&draft.0, &why))?;
        Ok(draft)
    }

    fn replace(self, config: &Path, exists: bool) -> Result<()> {
        let put = || {
            if exists {
                // Who may read it was decided by who made it: owner, group, mode.
                let (is, was) = (self.0.metadata()?, config.metadata()?);
                if (is.uid(), is.gid()) != (was.uid(), was.gid()) {
                    chown(&self.0, Some(was.uid()), Some(was.gid()))?;
                }
                std::fs::set_permissions(&self.0, was.permissions())?;
                std::fs::rename(&self.0, config)
            } else {
                // Unlike a rename this fails where the file has come into being meanwhile.
                std::fs::hard_link(&self.0, config)
            }
        };
        put().map_err(|why| not_written(config, &why))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn write_password(path: &Path, password: &str) -> Result<()> {
    let mut file = new_file(path).map_err(|why| not_written(path, &why))?;
    let written = file
        .write_all(password.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all());
    written.map_err(|why| {
        let _ = std::fs::remove_file(path);
        not_written(path, &why)
    })
}

/// A file that was not there, closed to others from its first moment.
fn new_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn not_written(path: &Path, why: &std::io::Error) -> Error {
    let path = path.display();
    if why.kind() == std::io::ErrorKind::AlreadyExists {
        let words = format!("{path} is there already and stays; choose another name. Nothing was written.");
        return Error::field(Kind::Duplicate, "portal", words);
    }
    Error::denied(format!("{path} could not be written: {why}. Nothing was written."))
}

/// The section of the file, ready to be put behind whatever stands there.
fn section(portal: &NewPortal, password_file: Option<&Path>) -> String {
    let NewPortal { name, label, colour, target, .. } = portal;
    let mut text = format!("\n\n[portal.{name}]\n");
    let say = |text: &mut String, key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&[key, " = ", &toml::Value::from(value).to_string(), "\n"].concat());
        }
    };
    say(&mut text, "label", label);
    say(&mut text, "colour", colour);
    text.push_str(&["[portal.", name, ".database]\n"].concat());
    let mut say = |key: &str, value: &str| say(&mut text, key, value);
    say("engine", target.engine.name());
    say("name", &target.database);
    match &target.address {
        Address::File(_) => {}
        Address::Socket(path) => say("socket", &path.display().to_string()),
        Address::Host { host, .. } => say("host", host),
    }
    say("user", target.user.as_deref().unwrap_or_default());
    let file_name = password_file.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    say("password_file", &file_name.unwrap_or_default());
    match &target.tls {
        Tls::Verified { ca_file: Some(path) } => say("ca_file", &path.display().to_string()),
        Tls::Verified { ca_file: None } if target.address.is_local() => say("tls", "verified"),
        Tls::Pinned(pin) => say("pinned_certificate", &pin.to_string()),
        Tls::Unverified => say("tls", "unverified"),
        Tls::Verified { ca_file: None } | Tls::NotNeeded => {}
    }
    if let Address::Host { port, .. } = &target.address
        && *port != target.engine.default_port()
    {
        text.push_str(&["port = ", &port.to_string(), "\n"].concat());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::SecretString;

    use super::*;
    use crate::config::{Config, Environment, Flags};
    use crate::db::{Engine, Fingerprint};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("portaldesk-write-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn config(&self) -> PathBuf {
            self.0.join("new/config.toml")
        }

        fn load(&self, name: &str) -> Config {
            let flags =
                Flags { config: Some(self.config()), portal: Some(name.to_owned()), ..Flags::default() };
            Config::load(&flags, &Environment::default()).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn portal(name: &str, target: Target) -> NewPortal {
        NewPortal {
            name: name.to_owned(),
            label: "Alpha \"Lab\"\\".to_owned(),
            colour: "red".to_owned(),
            target,
            keep_password: true,
        }
    }

    fn target(tls: Tls) -> Target {
        let target = Target::server(Engine::MySql, "db1", Some(3307), "alpha").unwrap();
        Target { user: Some("clerk".into()), password: Some(SecretString::from("canary 7f")), tls, ..target }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = Folder::new("back");
        let pin = Fingerprint::parse(&"5a".repeat(32)).unwrap();
        let socket = Target::server(Engine::Postgres, "/run/postgresql", Some(5433), "alpha").unwrap();
        let targets = [
            target(Tls::Verified { ca_file: None }),
            target(Tls::Verified { ca_file: Some("/etc/ca.pem".into()) }),
            target(Tls::Pinned(pin)),
            socket,
            Target::file(Path::new("/srv/a b.sqlite3")).unwrap(),
        ];
        for (at, target) in targets.into_iter().enumerate() {
            let written = add_portal(&folder.config(), &portal(&format!("p{at}"), target.clone())).unwrap();
            let read = folder.load(&format!("p{at}")).portal;
            assert_eq!(read.label.as_deref(), Some("Alpha \"Lab\"\\"));
            assert_eq!(read.colour.as_deref(), Some("red"));
            assert_eq!(format!("{:?}", read.target), format!("{target:?}"), "{at}");
            let password = |target: &Target| target.password.as_ref().map(|it| it.expose_secret().to_owned());
            assert_eq!(password(&read.target), password(&target));
            assert_eq!(written.password_file.is_some(), target.password.is_some());
            for file in [Some(written.config), written.password_file].into_iter().flatten() {
                assert_eq!(
                    file.metadata().unwrap().permissions().mode() & 0o777,
                    0o600,
                    "{}",
                    file.display()
                );
            }
        }
        let text = fs::read_to_string(folder.config()).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(
            fs::read_dir(folder.0.join("new")).unwrap().count(),
            4,
            "a config, three passwords, no rest"
        );
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = Folder::new("kept");
        let config = folder.config();
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        let before = "# mine\n[screen]\nascii = true # without a last line end";
        fs::write(&config, before).unwrap();
        fs::set_permissions(&config, Permissions::from_mode(0o644)).unwrap();
        fs::write(folder.0.join("new/other.password"), "old").unwrap();

        let error = add_portal(&config, &portal("other", target(Tls::NotNeeded))).unwrap_err();
        assert!(error.fields.contains_key("portal") && error.message.contains("other.password"), "{error}");
        assert_eq!(fs::read_to_string(&config).unwrap(), before);
        assert_eq!(fs::read_to_string(folder.0.join("new/other.password")).unwrap(), "old");

        let own = config.metadata().unwrap().gid();
        let groups = rustix::process::getgroups().unwrap_or_default();
        let other = groups.iter().map(|group| group.as_raw()).find(|group| *group != own);
        // Without a second group of our own, only root can give a file another one.
        let group = other.or_else(|| rustix::process::geteuid().is_root().then_some(1)).unwrap_or(own);
        chown(&config, None, Some(group)).unwrap();
        add_portal(&config, &portal("main", target(Tls::NotNeeded))).unwrap();
        assert!(fs::read_to_string(&config).unwrap().starts_with(before));
        assert_eq!(config.metadata().unwrap().gid(), group);
        assert_eq!(config.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        let error = add_portal(&config, &portal("main", target(Tls::NotNeeded))).unwrap_err();
        assert_eq!(error.kind, Kind::Duplicate);
        for name in ["", "a b", "@main", "a.b", "é"] {
            let error = add_portal(&config, &portal(name, target(Tls::NotNeeded))).unwrap_err();
            assert!(error.fields.contains_key("portal"), "{name}");
        }
        let pink = NewPortal { colour: "pink".to_owned(), ..portal("pink", target(Tls::NotNeeded)) };
        assert!(add_portal(&config, &pink).unwrap_err().message.contains("#rrggbb"));
        assert_eq!(fs::read_dir(folder.0.join("new")).unwrap().count(), 3, "no draft is left");
    }
}
