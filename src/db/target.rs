//! Where a database is and how it is reached: engine, address, name, account, encryption.
//!
//! A [`Target`] holds the database's password and never shows it: neither its `Display` nor its `Debug` does.

use std::fmt;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Host;

use super::patience::Patience;
use super::tls::Fingerprint;
use crate::error::{Error, Result};

mod parse;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// A file, by the `SQLite` built into this program.
    Sqlite,
    /// MySQL or MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// The name used in configurations, messages and URLs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::MySql => "mysql",
            Self::Postgres => "postgres",
        }
    }

    /// The engine of a name, among them Django's own (`django.db.backends.mysql`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("django.db.backends.").unwrap_or(name) {
            "sqlite" | "sqlite3" => Some(Self::Sqlite),
            "mysql" | "mariadb" => Some(Self::MySql),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }

    /// The TCP port such a server listens on unless told otherwise; 0 for a file.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Sqlite => 0,
            Self::MySql => 3306,
            Self::Postgres => 5432,
        }
    }
}

/// Where the bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A file of `SQLite`'s.
    File(PathBuf),
    /// The socket itself; PostgreSQL's is the file `.s.PGSQL.PORT`, see [`Address::postgres_socket`].
    Socket(PathBuf),
    /// A server reached by TCP.
    Host {
        /// A name or an address; IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Address {
    /// PostgreSQL names a socket by its folder and a port: both, where this address is such a socket.
    #[must_use]
    pub fn postgres_socket(&self) -> Option<(&Path, u16)> {
        let Self::Socket(path) = self else { return None };
        let port = path.file_name()?.to_str()?.strip_prefix(".s.PGSQL.")?.parse().ok()?;
        Some((path.parent()?, port))
    }

    /// Whether the bytes stay on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::File(_) | Self::Socket(_) => true,
            Self::Host { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }
}

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// A file, a socket or the loopback interface.
    NotNeeded,
    /// Encrypted, and the server's name must stand in a certificate of a trusted authority.
    Verified {
        /// The certificate of one more authority (PEM), trusted beside the built-in ones.
        ca_file: Option<PathBuf>,
    },
    /// Encrypted, and the server must show this certificate; neither its name nor its dates count then.
    Pinned(Fingerprint),
    /// Encrypted, but anyone may answer: spelled out in the configuration, and shown in red for good.
    Unverified,
}

/// One database and the way to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The engine.
    pub engine: Engine,
    /// Where it is.
    pub address: Address,
    /// The database's name on the server; the path of the file on `SQLite`.
    pub database: String,
    /// The account of the database server.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// How the connection is protected.
    pub tls: Tls,
    /// Whether nothing may be written.
    pub read_only: bool,
    /// How long to wait for it.
    pub patience: Patience,
}

impl Target {
    /// The database a URL names: `sqlite:///path`, `mysql://user@host/name`, `postgres://user@host/name`.
    ///
    /// Names and passwords are percent-decoded. Understood after `?`: `user`, `socket` (a path), `host` (a socket's
    /// folder), `sslmode`/`ssl-mode`, `sslrootcert`/`ssl-ca`, `pinned-certificate`, and `mode=ro` for a file.
    ///
    /// # Errors
    ///
    /// A usage error that names what is wrong and never repeats a part that could hold the password.
    pub fn from_url(url: &str) -> Result<Self> {
        parse::target(url)
    }

    /// A file of `SQLite`'s.
    ///
    /// # Errors
    ///
    /// A usage error when the path is empty, holds a NUL, or means `SQLite`'s database in memory.
    pub fn file(path: &Path) -> Result<Self> {
        let database = path.display().to_string();
        if database.is_empty() {
            return Err(Error::usage("the path of the SQLite database is empty"));
        }
        if database == ":memory:" {
            return Err(Error::usage("a SQLite database in memory would be gone at once: name a file"));
        }
        refuse_nul("path", &database)?;
        Ok(Self {
            engine: Engine::Sqlite,
            address: Address::File(path.to_owned()),
            database,
            user: None,
            password: None,
            tls: Tls::NotNeeded,
            read_only: false,
            patience: Patience::default(),
        })
    }

    /// A database on a server; `host` is a name, an address, or the absolute path of a socket (for PostgreSQL of its folder).
    ///
    /// # Errors
    ///
    /// A usage error when the host or the name of the database is missing or malformed.
    pub fn server(engine: Engine, host: &str, port: Option<u16>, database: &str) -> Result<Self> {
        if engine == Engine::Sqlite {
            return Err(Error::usage("SQLite has no server: name a file"));
        }
        if database.is_empty() {
            return Err(Error::usage(format!("the name of the {} database is missing", engine.name())));
        }
        refuse_nul("database's name", database)?;
        let port = port.unwrap_or(engine.default_port());
        let address =
            if host.starts_with('/') { socket(engine, Path::new(host), port)? } else { tcp(host, port)? };
        let tls = if address.is_local() { Tls::NotNeeded } else { Tls::Verified { ca_file: None } };
        Ok(Self {
            engine,
            address,
            database: database.to_owned(),
            user: None,
            password: None,
            tls,
            read_only: false,
            patience: Patience::default(),
        })
    }

    /// The addresses to try, in order: for `localhost` the usual sockets that exist come before TCP.
    ///
    /// A port of one's own choosing on MySQL means a tunnel or another server than the socket's, so only TCP is tried.
    #[must_use]
    pub fn candidates(&self) -> Vec<Address> {
        let mut candidates = Vec::new();
        if let Address::Host { host, port } = &self.address
            && host.eq_ignore_ascii_case("localhost")
            && self.tls == Tls::NotNeeded
        {
            candidates.extend(usual_sockets(self.engine, *port).into_iter().map(Address::Socket));
        }
        candidates.push(self.address.clone());
        candidates
    }
}

impl fmt::Display for Target {
    /// `mysql alpha_lab_complaints@db1`, without account and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.engine.name();
        match &self.address {
            Address::File(path) => write!(f, "{engine} {}", path.display()),
            Address::Socket(path) => write!(f, "{engine} {}@{}", self.database, path.display()),
            Address::Host { host, port } if *port == self.engine.default_port() => {
                write!(f, "{engine} {}@{host}", self.database)
            }
            Address::Host { host, port } if host.contains(':') => {
                write!(f, "{engine} {}@[{host}]:{port}", self.database)
            }
            Address::Host { host, port } => write!(f, "{engine} {}@{host}:{port}", self.database),
        }
    }
}

fn refuse_nul(what: &str, value: &str) -> Result<()> {
    if value.contains('\0') { Err(Error::usage(format!("the {what} holds a NUL character"))) } else { Ok(()) }
}

fn tcp(host: &str, port: u16) -> Result<Address> {
    if host.is_empty() {
        return Err(Error::usage("the database's host is missing"));
    }
    let bracketed =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let host = match Host::parse(&bracketed) {
        Ok(Host::Domain(name)) => name,
        Ok(Host::Ipv4(ip)) => ip.to_string(),
        Ok(Host::Ipv6(ip)) => ip.to_string(),
        Err(_) => return Err(Error::usage("the database's host is not a valid name or address")),
    };
    if port == 0 {
        return Err(Error::usage("the database's port is 0"));
    }
    Ok(Address::Host { host, port })
}

fn socket(engine: Engine, path: &Path, port: u16) -> Result<Address> {
    if !path.is_absolute() {
        return Err(Error::usage(format!(
            "the path of the socket, {}, does not start with /",
            path.display()
        )));
    }
    refuse_nul("path of the socket", &path.display().to_string())?;
    let named_itself = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".s.PGSQL."));
    if engine == Engine::Postgres && !named_itself {
        return Ok(Address::Socket(path.join(format!(".s.PGSQL.{port}"))));
    }
    Ok(Address::Socket(path.to_owned()))
}

/// The sockets that servers of this engine usually open, where they exist.
fn usual_sockets(engine: Engine, port: u16) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = match engine {
        Engine::MySql if port == engine.default_port() => [
            // Debian, Arch, Alpine; SUSE; Red Hat and MySQL's own packages; macOS, Homebrew and FreeBSD; XAMPP; MAMP.
            "/run/mysqld/mysqld.sock",
            "/var/run/mysqld/mysqld.sock",
            "/run/mysql/mysql.sock",
            "/var/lib/mysql/mysql.sock",
            "/tmp/mysql.sock",
            "/opt/lampp/var/mysql/mysql.sock",
            "/Applications/MAMP/tmp/mysql/mysql.sock",
        ]
        .iter()
        .map(PathBuf::from)
        .collect(),
        Engine::Postgres => ["/run/postgresql", "/var/run/postgresql", "/tmp"]
            .iter()
            .map(|folder| Path::new(folder).join(format!(".s.PGSQL.{port}")))
            .collect(),
        Engine::MySql | Engine::Sqlite => Vec::new(),
    };
    trusted_sockets(&paths)
}

/// Those of the paths that are sockets, each once, and not one that another person put into a public folder to collect
/// passwords: it must belong to this user or to an account of the system.
fn trusted_sockets(paths: &[PathBuf]) -> Vec<PathBuf> {
    /// Accounts of people start here (login.defs of the Linux distributions; macOS starts at 501).
    const FIRST_PERSON: u32 = if cfg!(target_os = "macos") { 501 } else { 1000 };
    let own = rustix::process::geteuid().as_raw();
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        let Ok(path) = path.canonicalize() else { continue };
        let Ok(about) = path.symlink_metadata() else { continue };
        let trusted = about.uid() == own || about.uid() < FIRST_PERSON;
        if about.file_type().is_socket() && trusted && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn display_names_the_database_and_no_account() {
        let url = "mysql://clerk:canary-7f3a@db1/alpha_lab_complaints";
        assert_eq!(Target::from_url(url).unwrap().to_string(), "mysql alpha_lab_complaints@db1");
        let url = "postgres://clerk@[2001:db8::5]:5433/portal";
        assert_eq!(Target::from_url(url).unwrap().to_string(), "postgres portal@[2001:db8::5]:5433");
        assert_eq!(Target::from_url("sqlite:///srv/portal.db").unwrap().to_string(), "sqlite /srv/portal.db");
    }

    #[test]
    fn debug_hides_the_password() {
        let target = Target::from_url("mysql://clerk:canary-7f3a@db1/portal").unwrap();
        assert!(target.password.is_some());
        assert!(!format!("{target:?} {target:#?} {target}").contains("canary"));
    }

    #[test]
    fn another_host_is_verified_and_this_machine_is_not() {
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "/run/mysqld/mysqld.sock"] {
            let target = Target::server(Engine::MySql, host, None, "portal").unwrap();
            assert_eq!(target.tls, Tls::NotNeeded, "{host}");
        }
        for host in ["db1", "10.0.0.7", "localhost.example.org", "2001:db8::1"] {
            let target = Target::server(Engine::MySql, host, None, "portal").unwrap();
            assert_eq!(target.tls, Tls::Verified { ca_file: None }, "{host}");
        }
    }

    #[test]
    fn a_postgres_socket_is_a_folder_and_a_port() {
        let target = Target::server(Engine::Postgres, "/run/postgresql", Some(5433), "portal").unwrap();
        assert_eq!(target.address.postgres_socket(), Some((Path::new("/run/postgresql"), 5433)));
        assert_eq!(Address::Socket("/run/mysqld/mysqld.sock".into()).postgres_socket(), None);
    }

    #[test]
    fn only_existing_sockets_are_candidates_each_once() {
        let folder = std::env::temp_dir().join(format!("portaldesk-sockets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let open = folder.join("open.sock");
        let listener = UnixListener::bind(&open).unwrap();
        let alias = folder.join("alias.sock");
        std::os::unix::fs::symlink(&open, &alias).unwrap();
        let plain = folder.join("plain.sock");
        std::fs::write(&plain, "").unwrap();
        let found = trusted_sockets(&[open.clone(), alias, plain, folder.join("missing.sock")]);
        assert_eq!(found, [open.canonicalize().unwrap()]);
        drop(listener);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_chosen_port_on_localhost_never_means_the_socket() {
        let target = Target::server(Engine::MySql, "localhost", Some(13306), "portal").unwrap();
        assert_eq!(target.candidates(), std::slice::from_ref(&target.address));
    }
}
