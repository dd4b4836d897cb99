//! Why a server was not trusted, and the ways out, in words with the exact text to use.

use rustls::CertificateError;

use super::Fingerprint;
use crate::db::target::Address;
use crate::db::{Dialect, Engine};
use crate::text;

/// What is wrong with the server's TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// It has none, or somebody on the way says so.
    NoTls,
    /// Nobody that is trusted here has signed its certificate.
    UnknownAuthority,
    /// Its certificate is for other names.
    OtherName(Vec<String>),
    /// The host's name is one that no certificate may hold.
    Unnameable,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// The pinned certificate is another one.
    NotPinned(Fingerprint),
    /// Something else, in the words of the library.
    Other(String),
}

impl Why {
    /// Reads what the handshake said; none where the trouble is not the certificate.
    pub(super) fn of_io(error: &std::io::Error) -> Option<Self> {
        let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        let rustls::Error::InvalidCertificate(wrong) = inner else {
            return Some(Self::Other(inner.to_string()));
        };
        Some(match wrong {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownAuthority,
            CertificateError::NotValidForName => Self::OtherName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::OtherName(presented.iter().map(|name| plain_name(name)).collect())
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYet,
            // What `openssl req -x509` makes: a certificate that is its own authority.
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => Self::UnknownAuthority,
            other => Self::Other(other.to_string()),
        })
    }

    fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Io(error) => Self::of_io(error),
            sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => {
                Some(Self::NoTls)
            }
            sqlx::Error::Tls(error) if error.is::<rustls::pki_types::InvalidDnsNameError>() => {
                Some(Self::Unnameable)
            }
            sqlx::Error::Tls(error) => Some(Self::Other(error.to_string())),
            _ => None,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::NoTls => "it does not speak TLS, or something on the way takes that out".to_owned(),
            Self::UnknownAuthority => {
                "its certificate is not signed by an authority that is trusted here".to_owned()
            }
            Self::OtherName(names) if names.is_empty() => "its certificate holds no name".to_owned(),
            Self::OtherName(names) => format!("its certificate is for {}", names.join(", ")),
            Self::Unnameable => "no certificate can hold that name".to_owned(),
            Self::Expired => "its certificate has expired".to_owned(),
            Self::NotYet => "its certificate is not valid yet (is the clock right?)".to_owned(),
            Self::NotPinned(pinned) => format!("its certificate is not the pinned one, {pinned}"),
            Self::Other(said) => said.clone(),
        }
    }
}

/// `DnsName("db.example.org")` without its wrapping.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').to_owned()
}

/// What to do about a server that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOut {
    /// What it is, without a full stop.
    pub title: &'static str,
    /// The exact text to use.
    pub lines: Vec<String>,
    /// What it changes in the settings of the database.
    pub way: Way,
}

/// What a way out changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The host becomes this machine, and the port this one.
    Tunnel(u16),
    /// The host becomes this one.
    Name(String),
    /// A file with an authority's certificate is named.
    Authority,
    /// This certificate is pinned.
    Pin(Fingerprint),
}

/// A server that was not trusted. Nothing was sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    engine: Engine,
    host: String,
    port: u16,
    is_local: bool,
    why: Why,
    /// The certificate that it showed.
    pub shown: Option<Fingerprint>,
}

impl Refusal {
    pub(super) fn new(dialect: Dialect, address: &Address, why: Why, shown: Option<Fingerprint>) -> Self {
        let (host, port) = match address {
            Address::Host { host, port } => (host.clone(), *port),
            Address::File(_) | Address::Socket(_) => (String::new(), 0),
        };
        let engine = if dialect == Dialect::Postgres { Engine::Postgres } else { Engine::MySql };
        Self { engine, host, port, is_local: address.is_local(), why, shown }
    }

    /// What `MySQL`'s usual certificate leads to; for tests of what shows it.
    #[cfg(test)]
    pub(crate) fn unknown_authority(host: &str, port: u16, shown: Option<Fingerprint>) -> Self {
        let address = Address::Host { host: host.to_owned(), port };
        Self::new(Dialect::MySql, &address, Why::UnknownAuthority, shown)
    }

    /// What sqlx refused, and the certificate that the server shows; none where it refused something else.
    pub(in crate::db) async fn of(error: &sqlx::Error, dialect: Dialect, address: &Address) -> Option<Self> {
        let Address::Host { host, port } = address else { return None };
        let why = Why::of(error)?;
        let shown = if why == Why::NoTls { None } else { super::look(dialect, host, *port).await };
        Some(Self::new(dialect, address, why, shown))
    }

    /// What happened, in a sentence.
    #[must_use]
    pub fn what(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let words = self.why.words();
        text::safe(&format!("{host}:{} is not trusted, and no password was sent: {words}.", self.port))
            .into_owned()
    }

    /// What can be done, the safest first.
    #[must_use]
    pub fn ways_out(&self) -> Vec<WayOut> {
        let mut ways = Vec::new();
        if !self.is_local {
            let port = 10_000 + self.engine.default_port();
            ways.push(WayOut {
                title: "a tunnel, for who has an account on that machine; leave it running",
                lines: vec![
                    format!("ssh -N -L {port}:127.0.0.1:{} {}", self.port, self.host),
                    format!("host = \"127.0.0.1\"   port = {port}"),
                ],
                way: Way::Tunnel(port),
            });
        }
        if let Why::OtherName(names) = &self.why
            && let Some(name) = names.iter().find(|name| !name.contains('*'))
        {
            ways.push(WayOut {
                title: "the server by a name of its certificate",
                lines: vec![format!("host = \"{}\"", text::safe(name))],
                way: Way::Name(name.clone()),
            });
        }
        if self.why == Why::UnknownAuthority {
            ways.push(WayOut {
                title: "the certificate of the authority that signed the server's",
                lines: vec!["ca_file = \"/path/of/ca.pem\"".to_owned()],
                way: Way::Authority,
            });
        }
        if let Some(shown) = self.shown {
            ways.push(WayOut {
                title: match self.why {
                    Why::NotPinned(_) => {
                        "this certificate, if whoever runs the server says that it is a new one of theirs"
                    }
                    _ => "this certificate and no other, once you compared it on the server",
                },
                lines: vec![
                    format!("pinned_certificate = \"{shown}\""),
                    "openssl x509 -noout -fingerprint -sha256 -in SERVER.pem".to_owned(),
                ],
                way: Way::Pin(shown),
            });
        }
        ways
    }

    /// Everything, for a message of several lines.
    #[must_use]
    pub fn message(&self) -> String {
        let ways = self.ways_out();
        let ways = ways
            .iter()
            .enumerate()
            .map(|(at, out)| format!("\n{}. {}:\n     {}", at + 1, out.title, out.lines.join("\n     ")));
        let ways: String = ways.collect();
        let heading = if ways.is_empty() { "" } else { "\nWays out:" };
        format!("{}{heading}{ways}", self.what())
    }
}
