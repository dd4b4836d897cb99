//! Reads a database URL. Nothing that could be a piece of a password is ever repeated in an error.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{Address, Engine, Target, Tls, socket};
use crate::db::Fingerprint;
use crate::error::{Error, Result};

const SHAPES: &str = "sqlite:///path/file, mysql://user@host/name or postgres://user@host/name";

/// The target of a URL; see [`Target::from_url`].
pub(super) fn target(url: &str) -> Result<Target> {
    let Some((scheme, rest)) = url.split_once(':') else {
        let hint = if url.contains('/') { "; for a file write sqlite:///path/file" } else { "" };
        return Err(Error::usage(format!("the database URL has no scheme: expected {SHAPES}{hint}")));
    };
    match scheme {
        "sqlite" => file(rest),
        "mysql" | "mariadb" => server(Engine::MySql, rest),
        "postgres" | "postgresql" => server(Engine::Postgres, rest),
        _ => Err(unknown_scheme(scheme, rest)),
    }
}

fn unknown_scheme(scheme: &str, rest: &str) -> Error {
    let plain = scheme.len() <= 20 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if plain && rest.starts_with("//") {
        return Error::usage(format!("the database URL starts with {scheme}: expected {SHAPES}"));
    }
    Error::usage(format!("the database URL does not start with a known scheme: expected {SHAPES}"))
}

/// `sqlite:///path`, `sqlite:path`: what stands after the scheme, without its colon.
fn file(rest: &str) -> Result<Target> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decoded("path", path.strip_prefix("//").unwrap_or(path))?;
    let mut target = Target::file(Path::new(&path))?;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match (name.as_ref(), value.as_ref()) {
            ("mode", "ro") => target.read_only = true,
            ("mode", "rw" | "rwc") => {}
            ("mode", _) => return Err(Error::usage("mode in the database URL is ro, rw or nothing")),
            _ => return Err(unknown_parameter(&name, &["mode"])),
        }
    }
    Ok(target)
}

/// `//user:password@host:port/name?…`
fn server(engine: Engine, rest: &str) -> Result<Target> {
    let scheme = engine.name();
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(Error::usage(format!("the database URL lacks // after {scheme}:")));
    };
    let authority_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_ends);
    if tail.contains(['@', '#']) {
        // An unescaped / ? or # of a password ends the host early: what follows may be the rest of the secret.
        return Err(Error::usage(
            "the database URL holds @ or # after the host: in a password write / ? # @ : % as %2F %3F %23 %40 %3A %25, \
             or give it by PORTALDESK_DATABASE_PASSWORD or password_file",
        ));
    }
    let (account, host) = match authority.rsplit_once('@') {
        Some((account, host)) => (Some(account), host),
        None => (None, authority),
    };
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let database = decoded("database's name", path.strip_prefix('/').unwrap_or(path))?;
    let parameters = Parameters::read(query)?;
    let (host, port) = host_and_port(host)?;
    let place = parameters.host.as_deref().or(parameters.socket.as_deref());
    let host = match (host.is_empty(), place) {
        (_, Some(place)) => place.to_owned(),
        (true, None) => "localhost".to_owned(),
        (false, None) => host,
    };
    let mut target = Target::server(engine, &host, port, &database)?;
    if let Some(path) = &parameters.socket {
        target.address = socket(engine, Path::new(path), port.unwrap_or(engine.default_port()))?;
        target.tls = Tls::NotNeeded;
    }
    set_account(&mut target, account)?;
    if let Some(user) = parameters.user {
        target.user = Some(user);
    }
    set_tls(&mut target, parameters.tls, parameters.ca_file)?;
    set_pin(&mut target, parameters.pin.as_deref())?;
    Ok(target)
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address stand within brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => Some(digits.parse().map_err(|_| {
            Error::usage("what follows the host's colon in the database URL is not a port (1 to 65535)")
        })?),
    };
    Ok((decoded("host", host)?, port))
}

fn set_account(target: &mut Target, account: Option<&str>) -> Result<()> {
    let Some(account) = account else { return Ok(()) };
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (account, None),
    };
    if !user.is_empty() {
        target.user = Some(decoded("user", user)?);
    }
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        target.password = Some(SecretString::from(decoded("password", password)?));
    }
    Ok(())
}

/// What the URL asks of TLS, by the names of both servers' own clients.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TlsWish {
    Verify,
    Weaker,
}

fn set_tls(target: &mut Target, wish: Option<TlsWish>, ca_file: Option<PathBuf>) -> Result<()> {
    let over_tcp = matches!(target.address, Address::Host { .. });
    match wish {
        Some(TlsWish::Weaker) if !target.address.is_local() => Err(Error::usage(
            "the TLS mode of the database URL does not verify the server's name: leave it out, or open an ssh -L tunnel, \
             or write tls = \"unverified\" into the configuration file",
        )),
        Some(TlsWish::Verify) if over_tcp => {
            target.tls = Tls::Verified { ca_file };
            Ok(())
        }
        _ if ca_file.is_some() && over_tcp && wish != Some(TlsWish::Weaker) => {
            target.tls = Tls::Verified { ca_file };
            Ok(())
        }
        _ => Ok(()),
    }
}

fn set_pin(target: &mut Target, pin: Option<&str>) -> Result<()> {
    let Some(pin) = pin else { return Ok(()) };
    if !matches!(target.address, Address::Host { .. })
        || matches!(target.tls, Tls::Verified { ca_file: Some(_) })
    {
        return Err(Error::usage(
            "pinned-certificate in the database URL means nothing for a socket or beside an authority's certificate",
        ));
    }
    let pinned = Fingerprint::parse(pin).ok_or_else(|| {
        Error::usage("pinned-certificate in the database URL must be a SHA-256: 64 hexadecimal digits")
    })?;
    target.tls = Tls::Pinned(pinned);
    Ok(())
}

#[derive(Default)]
struct Parameters {
    user: Option<String>,
    socket: Option<String>,
    host: Option<String>,
    tls: Option<TlsWish>,
    ca_file: Option<PathBuf>,
    pin: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self> {
        let mut read = Self::default();
        // A plus is itself here, not a blank as in web forms.
        for (name, value) in url::form_urlencoded::parse(query.replace('+', "%2B").as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "user" => read.user = Some(value),
                "socket" => read.socket = Some(value),
                "host" => read.host = Some(value),
                "sslmode" | "ssl-mode" => read.tls = Some(tls_wish(&value)?),
                "sslrootcert" | "ssl-ca" => read.ca_file = Some(PathBuf::from(value)),
                "pinned-certificate" => read.pin = Some(value),
                _ => {
                    let known = [
                        "user",
                        "socket",
                        "host",
                        "sslmode",
                        "ssl-mode",
                        "sslrootcert",
                        "ssl-ca",
                        "pinned-certificate",
                    ];
                    return Err(unknown_parameter(&name, &known));
                }
            }
        }
        Ok(read)
    }
}

fn tls_wish(value: &str) -> Result<TlsWish> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "verify-full" | "verify-identity" => Ok(TlsWish::Verify),
        "disable" | "disabled" | "allow" | "prefer" | "preferred" | "require" | "required" | "verify-ca" => {
            Ok(TlsWish::Weaker)
        }
        _ => Err(Error::usage(
            "the TLS mode of the database URL is unknown: verify-full (PostgreSQL) or verify_identity (MySQL)",
        )),
    }
}

fn unknown_parameter(name: &str, known: &[&str]) -> Error {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let named =
        if plain && name.len() <= 30 { format!("parameter {name}") } else { "a parameter".to_owned() };
    Error::usage(format!(
        "the database URL holds {named} that is not understood; known: {}",
        known.join(", ")
    ))
}

/// Percent-decoded; `what` names the part in the error.
fn decoded(what: &str, text: &str) -> Result<String> {
    let wrong = || Error::usage(format!("the {what} in the database URL is not valid percent-encoded UTF-8"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).ok_or_else(wrong)?;
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn read(url: &str) -> Target {
        target(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    fn refused(url: &str) -> String {
        match target(url) {
            Ok(target) => panic!("{url} was read as {target}"),
            Err(error) => error.message,
        }
    }

    #[test]
    fn files() {
        for (url, path) in [
            ("sqlite:///srv/a%20b.db", "/srv/a b.db"),
            ("sqlite:here.db", "here.db"),
            ("sqlite://here.db", "here.db"),
            ("sqlite:/srv/x.db", "/srv/x.db"),
        ] {
            assert_eq!(read(url).address, Address::File(path.into()), "{url}");
        }
        assert!(read("sqlite:///x.db?mode=ro").read_only);
        assert!(refused("sqlite::memory:").contains("memory"));
        assert!(refused("sqlite://").contains("empty"));
    }

    #[test]
    fn a_server_with_everything() {
        let target = read("mysql://cl%40rk:p%3Aw%25+%C3%A9@db1:3307/alpha?ssl-ca=/etc/ca.pem");
        assert_eq!(target.engine, Engine::MySql);
        assert_eq!(target.address, Address::Host { host: "db1".into(), port: 3307 });
        assert_eq!(target.user.as_deref(), Some("cl@rk"));
        assert_eq!(target.password.as_ref().map(ExposeSecret::expose_secret), Some("p:w%+é"));
        assert_eq!(target.tls, Tls::Verified { ca_file: Some("/etc/ca.pem".into()) });
    }

    #[test]
    fn sockets() {
        let target = read("mysql://clerk@localhost/alpha?socket=/run/mysqld/mysqld.sock");
        assert_eq!(target.address, Address::Socket("/run/mysqld/mysqld.sock".into()));
        let target = read("postgresql:///alpha?host=/run/postgresql&user=clerk");
        assert_eq!(target.address, Address::Socket("/run/postgresql/.s.PGSQL.5432".into()));
        assert_eq!(target.user.as_deref(), Some("clerk"));
        let target = read("postgres://%2Frun%2Fpostgresql/alpha");
        assert_eq!(target.address, Address::Socket("/run/postgresql/.s.PGSQL.5432".into()));
        assert_eq!(target.tls, Tls::NotNeeded);
    }

    #[test]
    fn weaker_tls_is_refused_but_on_this_machine() {
        for mode in ["disable", "prefer", "require", "verify-ca"] {
            assert!(
                refused(&format!("postgres://db1/alpha?sslmode={mode}")).contains("unverified"),
                "{mode}"
            );
            assert_eq!(read(&format!("postgres://localhost/alpha?sslmode={mode}")).tls, Tls::NotNeeded);
        }
        let pin = "7F".repeat(32);
        let pinned = Tls::Pinned(Fingerprint::parse(&pin).unwrap());
        assert_eq!(read(&format!("postgres://db1/a?pinned-certificate={pin}")).tls, pinned);
        assert!(refused("postgres://db1/a?pinned-certificate=7F").contains("64 hexadecimal"));
        assert_eq!(read("postgres://db1/a?sslmode=verify-full").tls, Tls::Verified { ca_file: None });
        assert_eq!(read("mysql://db1/a?ssl-mode=VERIFY_IDENTITY").tls, Tls::Verified { ca_file: None });
    }

    #[test]
    fn errors_name_the_thing() {
        for (url, part) in [
            ("alpha", "no scheme"),
            ("/srv/x.db", "sqlite:///"),
            ("oracle://db1/alpha", "oracle"),
            ("mysql://db1", "name of the mysql database"),
            ("mysql://db1:high/alpha", "not a port"),
            ("mysql://db 1/alpha", "host"),
            ("mysql://db1/alpha?charset=utf8", "charset"),
            ("mysql://db1/al%zz", "database's name"),
            ("mysql://db1/a?sslmode=maybe", "TLS mode"),
            ("mysql:db1/a", "//"),
        ] {
            let message = refused(url);
            assert!(message.contains(part), "{url}: {message}");
        }
    }

    #[test]
    fn no_error_repeats_a_password() {
        for url in [
            "mysql://u:canary@db1:x/a",
            "mysql://u:can/canary@db1/a",
            "mysql://u:12/canary@db1/a",
            "mysql://u:12?canary@db1/a",
            "mysql://u:can#canary@db1/a",
            "mysql://u:canary%zz@db1/a",
            "mysql://u:canary@db 1/a",
            "mysql://u:canary@db1/",
            "canary:u@db1/a",
            "canary@db1",
            "oracle://u:canary@db1/a",
            "postgres://u:canary@db1/a?sslmode=require",
        ] {
            assert!(!refused(url).contains("canary"), "{url}");
        }
    }
}
