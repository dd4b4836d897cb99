//! A line to a server whose certificate is pinned. sqlx can't be told to accept one certificate and no other, so it speaks
//! without TLS to a socket of ours, in a folder that only this user can enter; behind it TLS begins here, and nothing
//! passes before the certificate was the pinned one.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use super::refusal::{Refusal, Why};
use super::{
    Exactly, Fingerprint, MYSQL_HEAD, MYSQL_TLS, Packet, ask_postgres, handshake, read_packet, write_packet,
};
use crate::db::target::{Address, Target};
use crate::db::{DbError, DbErrorKind, Dialect, hex};

/// PostgreSQL's clients look for a socket by its port.
const SOCKET: &str = ".s.PGSQL.5432";

/// A relay that waits for its one client.
pub(in crate::db) struct Relay {
    folder: PathBuf,
    failed: oneshot::Receiver<DbError>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Nobody can come any more; who has come stays.
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Relay {
    /// A relay to this server.
    ///
    /// # Errors
    ///
    /// When the socket can't be made.
    pub(in crate::db) fn start(
        target: &Target,
        address: &Address,
        pin: Fingerprint,
    ) -> Result<Self, DbError> {
        let Address::Host { host, port } = address else {
            return Err(DbError::bug("a certificate is pinned for what is no server"));
        };
        let failed = |why: &dyn std::fmt::Display| {
            DbError::new(DbErrorKind::Unreachable, format!("no socket of our own could be made: {why}"))
        };
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(|why| failed(&why))?;
        let folder = std::env::temp_dir().join(format!("portaldesk-{}", hex(&random)));
        DirBuilder::new().mode(0o700).create(&folder).map_err(|why| failed(&why))?;
        let listener = UnixListener::bind(folder.join(SOCKET)).map_err(|why| {
            let _ = std::fs::remove_dir_all(&folder);
            failed(&why)
        })?;
        let server = Server {
            dialect: Dialect::from(target.engine),
            host: host.clone(),
            port: *port,
            pin,
            password: target.password.clone(),
        };
        let (sender, failed) = oneshot::channel();
        let task = tokio::spawn(async move {
            let Ok((client, _)) = listener.accept().await else { return };
            drop(listener);
            if let Err(error) = server.serve(client).await {
                // Without anybody waiting the line was open already, and its end is seen there.
                let _ = sender.send(error);
            }
        });
        Ok(Self { folder, failed, task: Some(task) })
    }

    /// The socket.
    pub(in crate::db) fn socket(&self) -> PathBuf {
        self.folder.join(SOCKET)
    }

    /// The connection is made: the relay now lives as long as that.
    pub(in crate::db) fn keep(mut self) {
        self.task = None;
    }

    /// Why there is no connection: what happened behind the socket, or else what was seen before it.
    pub(in crate::db) async fn explain(mut self, seen: DbError) -> DbError {
        if seen.kind != DbErrorKind::Lost {
            return seen;
        }
        (&mut self.failed).await.unwrap_or(seen)
    }
}

/// The other end.
struct Server {
    dialect: Dialect,
    host: String,
    port: u16,
    pin: Fingerprint,
    password: Option<SecretString>,
}

impl Server {
    async fn serve(self, mut client: UnixStream) -> Result<(), DbError> {
        let mut line =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|why| self.lost(why))?;
        line.set_nodelay(true).map_err(|why| self.lost(why))?;
        let server = if self.dialect == Dialect::Postgres {
            if !ask_postgres(&mut line).await.map_err(|why| self.lost(why))? {
                return Err(self.refuse(Why::NoTls, None));
            }
            self.verified(line).await?
        } else {
            match self.greet(line, &mut client).await? {
                Some(server) => server,
                None => return Ok(()),
            }
        };
        carry(client, server).await;
        Ok(())
    }

    /// `MySQL`: the server speaks first, and TLS begins with the client's answer. None where the server's first word is
    /// an error, which the client has by then.
    async fn greet(
        &self,
        mut line: TcpStream,
        client: &mut UnixStream,
    ) -> Result<Option<TlsStream<TcpStream>>, DbError> {
        let lost = |why| self.lost(why);
        let greeting = read_packet(&mut line).await.map_err(lost)?;
        let speaks_tls = greets_with_tls(&greeting.body);
        if speaks_tls == Some(false) {
            return Err(self.refuse(Why::NoTls, None));
        }
        write_packet(client, greeting.number, &greeting.body).await.map_err(lost)?;
        if speaks_tls.is_none() {
            return Ok(None);
        }
        let mut answer = read_packet(client).await.map_err(lost)?;
        ask_mysql(&mut line, &mut answer).await.map_err(lost)?;
        let mut server = self.verified(line).await?;
        // The request for TLS was number one.
        write_packet(&mut server, 2, &answer.body).await.map_err(lost)?;
        self.sign_in(&mut server, client).await.map_err(lost)?;
        Ok(Some(server))
    }

    fn lost(&self, why: std::io::Error) -> DbError {
        DbError::of(&sqlx::Error::Io(why), self.dialect)
    }

    async fn verified(&self, line: TcpStream) -> Result<TlsStream<TcpStream>, DbError> {
        let verifier = Arc::new(Exactly::new(Some(self.pin)));
        handshake(line, &self.host, &verifier).await.map_err(|error| match verifier.shown() {
            Some(shown) if shown != self.pin => self.refuse(Why::NotPinned(self.pin), Some(shown)),
            shown => self.refuse(Why::of_io(&error).unwrap_or(Why::Other(error.to_string())), shown),
        })
    }

    fn refuse(&self, why: Why, shown: Option<Fingerprint>) -> DbError {
        let address = Address::Host { host: self.host.clone(), port: self.port };
        DbError::refusing(Refusal::new(self.dialect, &address, why, shown))
    }

    /// Carries the packets in which `MySQL`'s client says who it is. An account of MySQL 8 whose password the server
    /// does not remember must send it as it is, which a client does only within TLS; this client does not know that
    /// it is, so it is done for it.
    async fn sign_in<S, C>(&self, server: &mut S, client: &mut C) -> std::io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        C: AsyncRead + AsyncWrite + Unpin,
    {
        /// More about signing in; the password, please; the remembered one was right.
        const MORE: u8 = 1;
        const SEND_PASSWORD: u8 = 4;
        const REMEMBERED: u8 = 3;
        const SWITCH: u8 = 0xfe;
        loop {
            let Packet { number, mut body } = read_packet(server).await?;
            let asked = body.as_slice() == [MORE, SEND_PASSWORD];
            if asked {
                let password = self.password.as_ref().map_or("", |password| password.expose_secret());
                let bytes = zeroize::Zeroizing::new([password.as_bytes(), b"\0"].concat());
                write_packet(server, number.wrapping_add(1), &bytes).await?;
                body[1] = REMEMBERED;
            }
            write_packet(client, number, &body).await?;
            match body[0] {
                SWITCH => {
                    let answer = read_packet(client).await?;
                    write_packet(server, answer.number, &answer.body).await?;
                }
                MORE => {}
                _ => return Ok(()),
            }
        }
    }
}

/// Whether the server's greeting offers TLS; none where it is an error.
fn greets_with_tls(greeting: &[u8]) -> Option<bool> {
    let (10, rest) = greeting.split_first()? else { return None };
    // The version ends with a NUL; number, salt and a filler follow.
    let after = rest.iter().position(|byte| *byte == 0)? + 1 + 4 + 8 + 1;
    let low = u16::from_le_bytes([*rest.get(after)?, *rest.get(after + 1)?]);
    Some(u32::from(low) & MYSQL_TLS != 0)
}

/// Asks `MySQL` for TLS with the head of the client's answer, which then says that it was.
async fn ask_mysql(line: &mut TcpStream, answer: &mut Packet) -> std::io::Result<()> {
    let head = answer.body.get_mut(..MYSQL_HEAD).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    head[1] |= MYSQL_TLS.to_le_bytes()[1];
    write_packet(line, 1, head).await
}

/// Carries bytes both ways until one side ends; neither protocol has anything to say after that.
async fn carry(client: UnixStream, server: TlsStream<TcpStream>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
    let _ = to_server.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server of MySQL 8 that does not remember the account's password.
    #[tokio::test]
    async fn the_password_is_sent_where_the_server_does_not_remember_it() {
        let server = Server {
            dialect: Dialect::MySql,
            host: "db1".to_owned(),
            port: 3306,
            pin: Fingerprint([7; 32]),
            password: Some(SecretString::from("hunter2")),
        };
        let (mut near, mut far) = tokio::io::duplex(1 << 10);
        let (mut here, mut program) = tokio::io::duplex(1 << 10);
        let signing_in = async {
            write_packet(&mut far, 3, &[1, 4]).await.unwrap();
            let sent = read_packet(&mut far).await.unwrap();
            assert_eq!((sent.number, sent.body.as_slice()), (4, b"hunter2\0".as_slice()));
            write_packet(&mut far, 5, &[0, 0, 0, 2, 0, 0, 0]).await.unwrap();
        };
        let (carried, ()) = tokio::join!(server.sign_in(&mut near, &mut here), signing_in);
        carried.unwrap();
        assert_eq!(read_packet(&mut program).await.unwrap().body, [1, 3]);
        assert_eq!(read_packet(&mut program).await.unwrap().body[0], 0);
    }

    #[tokio::test]
    async fn another_way_to_sign_in_is_carried_both_ways() {
        let server = Server {
            dialect: Dialect::MySql,
            host: "db1".to_owned(),
            port: 3306,
            pin: Fingerprint([7; 32]),
            password: None,
        };
        let (mut near, mut far) = tokio::io::duplex(1 << 10);
        let (mut here, mut program) = tokio::io::duplex(1 << 10);
        let both = async {
            write_packet(&mut far, 3, b"\xfemysql_native_password\0salt").await.unwrap();
            assert_eq!(read_packet(&mut program).await.unwrap().body[0], 0xfe);
            write_packet(&mut program, 4, b"scramble").await.unwrap();
            let answer = read_packet(&mut far).await.unwrap();
            assert_eq!((answer.number, answer.body.as_slice()), (4, b"scramble".as_slice()));
            write_packet(&mut far, 5, b"\xff\x15\x04Access denied").await.unwrap();
        };
        let (carried, ()) = tokio::join!(server.sign_in(&mut near, &mut here), both);
        carried.unwrap();
        assert_eq!(read_packet(&mut program).await.unwrap().body[0], 0xff);
    }

    #[test]
    fn a_greeting_says_whether_the_server_speaks_tls() {
        let greeting = |low: u16| {
            let mut bytes = b"\x0a8.0.36\0".to_vec();
            bytes.extend([1, 0, 0, 0]);
            bytes.extend(b"saltsalt\0");
            bytes.extend(low.to_le_bytes());
            bytes
        };
        assert_eq!(greets_with_tls(&greeting(0xffff)), Some(true));
        assert_eq!(greets_with_tls(&greeting(0xf7ff)), Some(false));
        assert_eq!(greets_with_tls(b"\xff\x10\x04Too many connections"), None);
        assert_eq!(greets_with_tls(b"\x0a8.0"), None);
    }
}
