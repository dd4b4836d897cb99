//! Certificates of servers: which one was shown, why it was not accepted, and connections that accept exactly one.
//!
//! sqlx checks certificates itself, by the authorities it is given and the server's name, and offers no other way. What
//! it refuses is looked at again here, to say which certificate that was ([`look`]); no account and no password is sent
//! for that. A pinned certificate is checked here alone, by a [`relay`] between sqlx and the server.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{DbError, DbErrorKind, Dialect};

pub(super) mod refusal;
pub(super) mod relay;

/// `CLIENT_SSL` among `MySQL`'s capabilities.
const MYSQL_TLS: u32 = 0x0800;
/// What `MySQL`'s client says before TLS begins: the head of its answer to the greeting.
const MYSQL_HEAD: usize = 32;
/// What PostgreSQL's client says: eight bytes in all, and the number of the request.
const POSTGRES_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Reads 64 hexadecimal digits, with colons between the bytes or without, perhaps behind `sha256:` or what openssl
    /// prints before them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
        let text = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("SHA256:")).unwrap_or(text);
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Accepts the certificate that is wanted, and remembers the one that it was shown. That the server holds the key of it
/// is checked by the handshake's signature, as always.
#[derive(Debug)]
struct Exactly {
    /// None accepts nothing: for looking only.
    wanted: Option<Fingerprint>,
    shown: Mutex<Option<Fingerprint>>,
    provider: Arc<CryptoProvider>,
}

impl Exactly {
    fn new(wanted: Option<Fingerprint>) -> Self {
        let provider = Arc::new(crypto::ring::default_provider());
        Self { wanted, shown: Mutex::new(None), provider }
    }

    fn shown(&self) -> Option<Fingerprint> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(end_entity);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        if self.wanted == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Begins TLS on a line on which both sides have agreed to it.
async fn handshake(
    line: TcpStream,
    host: &str,
    verifier: &Arc<Exactly>,
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Exactly>::clone(verifier))
        .with_no_client_auth();
    // The name is only sent along here, not compared. One that no certificate may hold (db_1) is not sent.
    let name = ServerName::try_from(host.to_owned())
        .unwrap_or(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0]))));
    TlsConnector::from(Arc::new(config)).connect(name, line).await
}

/// The certificate that a server shows, without accepting it; none where it shows none.
pub(super) async fn look(dialect: Dialect, host: &str, port: u16) -> Option<Fingerprint> {
    let mut line = TcpStream::connect((host, port)).await.ok()?;
    match dialect {
        Dialect::Sqlite => return None,
        Dialect::Postgres => ask_postgres(&mut line).await.ok()?.then_some(())?,
        Dialect::MySql => {
            read_packet(&mut line).await.ok()?;
            // PROTOCOL_41, SECURE_CONNECTION and TLS; packets as large as the protocol has them; utf8mb4.
            let mut head = [0; MYSQL_HEAD];
            head[..4].copy_from_slice(&(MYSQL_TLS | 0x0200 | 0x8000).to_le_bytes());
            head[4..8].copy_from_slice(&0x00ff_ffff_u32.to_le_bytes());
            head[8] = 45;
            write_packet(&mut line, 1, &head).await.ok()?;
        }
    }
    let verifier = Arc::new(Exactly::new(None));
    // It fails: this verifier accepts nothing.
    drop(handshake(line, host, &verifier).await);
    verifier.shown()
}

/// Asks PostgreSQL for TLS; says whether it agreed.
async fn ask_postgres(line: &mut TcpStream) -> std::io::Result<bool> {
    line.write_all(&POSTGRES_REQUEST).await?;
    // One byte and not more: what came behind it in clear text would be taken for the beginning of TLS.
    Ok(line.read_u8().await? == b'S')
}

/// A packet of `MySQL`'s protocol: its number and what it holds.
struct Packet {
    number: u8,
    body: Vec<u8>,
}

async fn read_packet<R: tokio::io::AsyncRead + Unpin>(from: &mut R) -> std::io::Result<Packet> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
    let mut body = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut body).await?;
    if body.len() as u64 != u64::from(length) || body.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Packet { number: head[3], body })
}

async fn write_packet<W: tokio::io::AsyncWrite + Unpin>(
    to: &mut W,
    number: u8,
    body: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(body.len()).map_err(std::io::Error::other)?.to_le_bytes();
    let mut bytes = vec![length[0], length[1], length[2], number];
    bytes.extend_from_slice(body);
    to.write_all(&bytes).await?;
    to.flush().await
}

/// The certificates of a file that the configuration names. sqlx would take a file that holds none for one that adds
/// nothing.
///
/// # Errors
///
/// When it can't be read or holds no certificate.
pub(super) async fn authorities(path: &std::path::Path) -> Result<Vec<u8>, DbError> {
    let failed = |why: &dyn fmt::Display| {
        DbError::new(
            DbErrorKind::Unreachable,
            format!("the certificates of ca_file {} can't be used: {why}", path.display()),
        )
        .blaming("ca_file")
    };
    let pem = {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || std::fs::read(path)).await.map_err(|why| failed(&why))?
    };
    let pem = pem.map_err(|why| failed(&why))?;
    let mut certificates = CertificateDer::pem_slice_iter(&pem).peekable();
    if certificates.peek().is_none() {
        return Err(failed(&"it holds none in PEM form (-----BEGIN CERTIFICATE-----)"));
    }
    for certificate in certificates {
        certificate.map_err(|why| failed(&why))?;
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_printed_and_as_others_print_it() {
        let shown = Fingerprint(std::array::from_fn(|at| u8::try_from(at).unwrap() * 7));
        let text = shown.to_string();
        let plain = text.replace(':', "").to_lowercase();
        for written in
            [text.clone(), plain.clone(), format!("sha256:{plain}"), format!("sha256 Fingerprint={text}\n")]
        {
            assert_eq!(Fingerprint::parse(&written), Some(shown), "{written}");
        }
        for wrong in ["", "AB:CD", &text[2..], &text.replace('0', "g"), &format!("{plain}00")] {
            assert_eq!(Fingerprint::parse(wrong), None, "{wrong}");
        }
    }
}
