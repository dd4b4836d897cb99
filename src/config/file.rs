//! What the configuration file says: every key there is, with its meaning.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::keys::{Found, Section, Source};
use super::trust::{ReadFile, SecretGroup};
use super::{COLOURS, Hasher, KeyBinding, TimeZone};
use crate::db::{Address, Engine, Fingerprint, Target, Tls};
use crate::error::{Error, Result};
use crate::portal::access::{Level, RoleGroup};

/// A day.
const MOST_MINUTES: u64 = 24 * 60;

/// The whole file.
#[derive(Default)]
pub(super) struct FileConfig {
    pub(super) portals: Vec<FilePortal>,
    pub(super) roles: Option<Vec<RoleGroup>>,
    pub(super) minimum_length: Option<usize>,
    pub(super) hasher: Option<Hasher>,
    pub(super) ascii: Option<bool>,
    pub(super) time_zone: Option<TimeZone>,
    pub(super) lock_after_minutes: Option<u64>,
    pub(super) exit_after_minutes: Option<u64>,
    pub(super) keys: Vec<KeyBinding>,
    pub(super) secret_group: Option<SecretGroup>,
}

/// `[portal.NAME]`
pub(super) struct FilePortal {
    pub(super) name: String,
    pub(super) label: Option<String>,
    pub(super) colour: Option<String>,
    pub(super) read_only: bool,
    pub(super) target: Target,
    /// Read only when this portal is chosen.
    pub(super) password_file: Option<PathBuf>,
}

/// Reads the file's text and refuses it when it holds a secret that others could read.
///
/// # Errors
///
/// A usage error with file and line.
pub(super) fn parse(file: &ReadFile) -> Result<FileConfig> {
    let source = Source { path: &file.path, text: &file.text };
    let mut root = Section::root(source)?;
    let mut config = FileConfig { secret_group: secret_group(&mut root)?, ..FileConfig::default() };
    if let Some(mut passwords) = root.section("passwords")? {
        let length = passwords.number("minimum_length", 1, 128)?;
        config.minimum_length = length.and_then(|length| usize::try_from(length).ok());
        config.hasher = passwords.choice("hasher", &Hasher::NAMES)?;
        passwords.finish()?;
    }
    if let Some(mut screen) = root.section("screen")? {
        config.ascii = screen.flag("ascii")?;
        config.time_zone =
            screen.choice("time_zone", &[("local", TimeZone::Local), ("UTC", TimeZone::Utc)])?;
        config.lock_after_minutes = screen.number("lock_after_minutes", 0, MOST_MINUTES)?;
        config.exit_after_minutes = screen.number("exit_after_minutes", 0, MOST_MINUTES)?;
        screen.finish()?;
    }
    if let Some(keys) = root.section("keys")? {
        config.keys = key_bindings(keys)?;
    }
    if let Some(roles) = root.section("roles")? {
        config.roles = Some(roles.sections()?.into_iter().map(role).collect::<Result<_>>()?);
    }
    if let Some(portals) = root.section("portal")? {
        for (name, section) in portals.sections()? {
            config.portals.push(portal(file, config.secret_group, name, section)?);
        }
    }
    root.finish()?;
    Ok(config)
}

fn secret_group(root: &mut Section<'_>) -> Result<Option<SecretGroup>> {
    let Some(name) = root.string("secret_group")? else { return Ok(None) };
    match SecretGroup::find(&name.value) {
        Some(group) => Ok(Some(group)),
        None => Err(root.error_at(&name, "is not a group of this machine; write its number instead")),
    }
}

fn key_bindings(keys: Section<'_>) -> Result<Vec<KeyBinding>> {
    let lists = keys.lists()?;
    Ok(lists
        .into_iter()
        .map(|Found { value: list, key, .. }| KeyBinding {
            action: list.name,
            keys: list.texts,
            key,
            line: list.line,
        })
        .collect())
}

fn role((group, mut section): (String, Section<'_>)) -> Result<RoleGroup> {
    // Superuser is a flag of an account and never comes from a group.
    let levels = [Level::Engineer, Level::AmcAdmin, Level::Admin].map(|level| (level.name(), level));
    let Some(level) = section.choice("level", &levels)? else {
        return Err(section.error(format!("{} lacks its level", section.name())));
    };
    let description = section.string("description")?.map(|found| found.value).unwrap_or_default();
    section.finish()?;
    Ok(RoleGroup { group, level, description })
}

fn portal(
    file: &ReadFile,
    group: Option<SecretGroup>,
    name: String,
    mut section: Section<'_>,
) -> Result<FilePortal> {
    let label = section.string("label")?.map(|found| found.value);
    let colour = colour(&mut section)?;
    let read_only = section.flag("read_only")?.unwrap_or(false);
    let Some(mut keys) = section.section("database")? else {
        return Err(section.error(format!("{0} has no database: add [{0}.database]", section.name())));
    };
    let (mut target, password_file) = database(&mut keys)?;
    if target.password.is_some() {
        file.must_be_private(&format!("the password of {}", keys.name()), group)?;
    }
    keys.finish()?;
    section.finish()?;
    target.read_only |= read_only;
    let base = file.path.parent().unwrap_or(Path::new("."));
    // Relative paths are taken from the file's own folder, wherever the program was started.
    let password_file = password_file.map(|path| base.join(path));
    if let Tls::Verified { ca_file: Some(path) } = &mut target.tls {
        *path = base.join(&path);
    }
    Ok(FilePortal { name, label, colour, read_only: target.read_only, target, password_file })
}

fn colour(section: &mut Section<'_>) -> Result<Option<String>> {
    let Some(found) = section.string("colour")? else { return Ok(None) };
    let text = &found.value;
    let rgb = |digits: &str| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if COLOURS.contains(&text.as_str()) || text.strip_prefix('#').is_some_and(rgb) {
        return Ok(Some(found.value));
    }
    Err(section.error_at(&found, format!("must be #rrggbb or one of {}", COLOURS.join(", "))))
}

/// `[portal.NAME.database]`: the target, with the password that stands in the file itself, and the password's own file.
fn database(keys: &mut Section<'_>) -> Result<(Target, Option<PathBuf>)> {
    let url = keys.string("url")?;
    let parts = Parts::read(keys)?;
    let password = keys.string("password")?;
    let password_file = keys.string("password_file")?;
    let wish = TlsWish {
        ca_file: keys.string("ca_file")?,
        pin: keys.string("pinned_certificate")?,
        unverified: keys.choice("tls", &[("verified", false), ("unverified", true)])?,
    };
    let mut target = match url {
        Some(url) => {
            parts.must_be_empty(keys)?;
            Target::from_url(&url.value).map_err(|error| keys.error_at(&url, format!("is wrong: {error}")))?
        }
        None => parts.target(keys)?,
    };
    if let Some(found) = password.as_ref().or(password_file.as_ref()) {
        if target.engine == Engine::Sqlite {
            return Err(keys.error_at(found, "means nothing for a SQLite file"));
        }
        if target.password.is_some() || (password.is_some() && password_file.is_some()) {
            return Err(keys.error_at(found, "is given twice: choose one of password, password_file and url"));
        }
    }
    if let Some(password) = password {
        target.password = Some(SecretString::from(password.value));
    }
    wish.apply(&mut target, keys)?;
    Ok((target, password_file.map(|found| PathBuf::from(found.value))))
}

/// What the keys say about TLS.
struct TlsWish {
    ca_file: Option<Found<String>>,
    pin: Option<Found<String>>,
    unverified: Option<bool>,
}

impl TlsWish {
    /// On this machine nothing needs encryption, unless a certificate or `tls = "verified"` asks for it.
    fn apply(self, target: &mut Target, keys: &Section<'_>) -> Result<()> {
        let over_tcp = matches!(target.address, Address::Host { .. });
        if let Some(found) = self.ca_file.as_ref().or(self.pin.as_ref()) {
            if target.engine == Engine::Sqlite {
                return Err(keys.error_at(found, "means nothing for a SQLite file"));
            }
            if !over_tcp {
                return Err(keys.error_at(found, "means nothing for a socket"));
            }
            if self.unverified == Some(true) {
                return Err(keys.error_at(found, "means nothing with tls = \"unverified\""));
            }
        }
        if let (Some(_), Some(pin)) = (&self.ca_file, &self.pin) {
            return Err(
                keys.error_at(pin, "stands beside ca_file: use one, a pinned certificate needs no authority")
            );
        }
        if let Some(pin) = &self.pin {
            let wrong = "must be the certificate's SHA-256: 64 hexadecimal digits, as `openssl x509 -noout -fingerprint \
                         -sha256` prints them";
            let pinned = Fingerprint::parse(&pin.value).ok_or_else(|| keys.error_at(pin, wrong))?;
            target.tls = Tls::Pinned(pinned);
        } else if self.unverified == Some(true) {
            if !target.address.is_local() {
                target.tls = Tls::Unverified;
            }
        } else if let Some(ca_file) = self.ca_file {
            target.tls = Tls::Verified { ca_file: Some(PathBuf::from(ca_file.value)) };
        } else if over_tcp && self.unverified == Some(false) && target.tls == Tls::NotNeeded {
            target.tls = Tls::Verified { ca_file: None };
        }
        Ok(())
    }
}

/// The database in pieces, by Django's own names for them.
struct Parts {
    engine: Option<Found<String>>,
    name: Option<Found<String>>,
    host: Option<Found<String>>,
    port: Option<u16>,
    user: Option<Found<String>>,
    socket: Option<Found<String>>,
}

impl Parts {
    fn read(keys: &mut Section<'_>) -> Result<Self> {
        Ok(Self {
            engine: keys.string("engine")?,
            name: keys.string("name")?,
            host: keys.string("host")?,
            port: keys.number("port", 1, u64::from(u16::MAX))?.and_then(|port| u16::try_from(port).ok()),
            user: keys.string("user")?,
            socket: keys.string("socket")?,
        })
    }

    fn must_be_empty(&self, keys: &Section<'_>) -> Result<()> {
        if let Some(part) =
            [&self.engine, &self.name, &self.host, &self.user, &self.socket].into_iter().flatten().next()
        {
            return Err(keys.error_at(part, "stands beside url: use one or the other"));
        }
        if self.port.is_some() {
            return Err(keys.error(format!("{}.port stands beside url: use one or the other", keys.name())));
        }
        Ok(())
    }

    fn target(self, keys: &Section<'_>) -> Result<Target> {
        let missing = |what: &str| keys.error(format!("{} lacks {what}", keys.name()));
        let Some(engine) = &self.engine else { return Err(missing("engine (or url)")) };
        let kind = Engine::from_name(&engine.value)
            .ok_or_else(|| keys.error_at(engine, "must be \"sqlite\", \"mysql\" or \"postgres\""))?;
        let Some(name) = &self.name else { return Err(missing("name")) };
        let blame = |error: Error| keys.error(format!("{}: {error}", keys.name()));
        if kind == Engine::Sqlite {
            let server_only = [&self.host, &self.user, &self.socket].into_iter().flatten().next();
            return match server_only {
                Some(found) => Err(keys.error_at(found, "means nothing for a SQLite file")),
                None if !Path::new(&name.value).is_absolute() => {
                    Err(keys.error_at(name, "must be the file's whole path, from /"))
                }
                None => Target::file(Path::new(&name.value)).map_err(blame),
            };
        }
        let place = match (&self.host, &self.socket) {
            (Some(_), Some(socket)) => return Err(keys.error_at(socket, "stands beside host: use one")),
            (None, Some(socket)) if !socket.value.starts_with('/') => {
                return Err(keys.error_at(socket, "must be a whole path, from /"));
            }
            (Some(place), None) | (None, Some(place)) => place.value.as_str(),
            (None, None) => "localhost",
        };
        let mut target = Target::server(kind, place, self.port, &name.value).map_err(blame)?;
        target.user = self.user.map(|user| user.value);
        Ok(target)
    }
}
