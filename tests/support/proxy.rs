//! A line to a test server that can be cut where it hurts: at COMMIT, before it or behind it, or after any number of
//! bytes. It can also fall silent without being cut.
#![allow(dead_code, reason = "every test file uses the part that it needs")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use portaldesk::db::{Address, Target};

/// What happens to the line, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next COMMIT does not reach the server; both ends find the line closed.
    LoseCommit,
    /// The next COMMIT reaches the server, its reply does not reach the client.
    LoseReply,
    /// The same, and nobody gets through any more.
    LoseReplyForGood,
    /// The line closes when the client has sent so many more bytes; those get through.
    After(usize),
    /// The server seems not to speak TLS, again and again.
    StripTls,
}

/// A proxy on a port of this machine in front of a test server.
pub(crate) struct Proxy {
    target: Target,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    fault: Mutex<Option<Fault>>,
    /// Nobody gets through.
    closed: AtomicBool,
    /// The proxy is gone.
    ended: AtomicBool,
    /// How many connections there have been.
    connections: AtomicUsize,
    silence: Mutex<Silence>,
    silence_changed: Condvar,
}

/// On which connections nothing is carried, although they stay open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Silence {
    #[default]
    None,
    /// On the first so many: a firewall forgot them.
    Until(usize),
    /// On all, new ones too: the server's machine froze.
    All,
}

impl State {
    fn fault(&self) -> MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_silence(&self, silence: Silence) {
        *self.silence.lock().unwrap_or_else(PoisonError::into_inner) = silence;
        self.silence_changed.notify_all();
    }

    /// Holds back what came on a connection while there is silence on it.
    fn wait_while_silent(&self, connection: usize) {
        let mut silence = self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        while match *silence {
            Silence::None => false,
            Silence::Until(count) => connection <= count,
            Silence::All => true,
        } {
            silence = self.silence_changed.wait(silence).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A connection to the server itself.
enum Upstream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Upstream {
    fn open(target: &Target) -> std::io::Result<Self> {
        match &target.address {
            Address::Socket(path) => UnixStream::connect(path).map(Self::Unix),
            Address::Host { host, port, .. } => TcpStream::connect((host.as_str(), *port)).map(Self::Tcp),
            Address::File(_) => panic!("an SQLite file has no server"),
        }
    }

    fn again(&self) -> Self {
        match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone().expect("a socket")),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().expect("a socket")),
        }
    }

    fn close(&self) {
        // The other side may have closed it before.
        drop(match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        });
    }

    fn read(&mut self, bytes: &mut [u8]) -> usize {
        match self {
            Self::Unix(stream) => stream.read(bytes),
            Self::Tcp(stream) => stream.read(bytes),
        }
        .unwrap_or(0)
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Unix(stream) => stream.write_all(bytes),
            Self::Tcp(stream) => stream.write_all(bytes),
        }
        .is_ok()
    }
}

impl Proxy {
    /// A proxy in front of the server of this database.
    pub(crate) fn new(target: &Target) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let state = Arc::new(State::default());
        let (server, shared) = (target.clone(), Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), false) = (client, shared.closed.load(Ordering::SeqCst)) else { continue };
                let Ok(upstream) = Upstream::open(&server) else { continue };
                carry(client, upstream, &shared);
            }
        });
        let address = Address::Host { host: "127.0.0.1".to_owned(), port };
        Self { target: Target { address, ..target.clone() }, state }
    }

    /// The database as it is reached through here.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Lets something happen to the line.
    pub(crate) fn arm(&self, fault: Fault) {
        *self.state.fault() = Some(fault);
    }

    /// Whether what it was armed with has happened.
    pub(crate) fn has_struck(&self) -> bool {
        self.state.fault().is_none()
    }

    /// Carries nothing any more, and closes nothing.
    pub(crate) fn fall_silent(&self) {
        self.state.set_silence(Silence::All);
    }

    /// Carries nothing on the connections that there are; new ones are served.
    pub(crate) fn forget_connections(&self) {
        self.state.set_silence(Silence::Until(self.state.connections.load(Ordering::SeqCst)));
    }

    /// Carries everything again, what was held back too.
    pub(crate) fn speak(&self) {
        self.state.set_silence(Silence::None);
    }

    /// Takes back what has not happened yet, and lets everybody through again.
    pub(crate) fn disarm(&self) {
        *self.state.fault() = None;
        self.state.closed.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.speak();
        if let Address::Host { host, port, .. } = &self.target.address {
            // Wakes the listener, which then ends.
            drop(TcpStream::connect((host.as_str(), *port)));
        }
    }
}

/// Carries bytes both ways, each in a thread of its own, until one side closes.
fn carry(client: TcpStream, server: Upstream, state: &Arc<State>) {
    let reply_lost = Arc::new(AtomicBool::new(false));
    let connection = state.connections.fetch_add(1, Ordering::SeqCst) + 1;
    let (mut to_client, mut from_server) = (client.try_clone().expect("a socket"), server.again());
    let lost = Arc::clone(&reply_lost);
    let mut strips = *state.fault() == Some(Fault::StripTls);
    let hushed = Arc::clone(state);
    std::thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = from_server.read(&mut bytes);
            hushed.wait_while_silent(connection);
            if std::mem::take(&mut strips) {
                strip_tls(&mut bytes[..count]);
            }
            if count == 0 || lost.load(Ordering::SeqCst) || to_client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        from_server.close();
        drop(to_client.shutdown(Shutdown::Both));
    });
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        let (mut client, mut server) = (client, server);
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = client.read(&mut bytes).unwrap_or(0);
            state.wait_while_silent(connection);
            let part = strike(&state, &reply_lost, &bytes[..count]);
            if !server.write(part) || part.len() < count || count == 0 {
                break;
            }
        }
        server.close();
        drop(client.shutdown(Shutdown::Both));
    });
}

/// What of the client's bytes goes to the server: less than all where the line is cut.
fn strike<'a>(state: &State, reply_lost: &AtomicBool, bytes: &'a [u8]) -> &'a [u8] {
    let mut fault = state.fault();
    match *fault {
        Some(Fault::After(left)) if left < bytes.len() => {
            *fault = None;
            &bytes[..left]
        }
        Some(Fault::After(left)) => {
            *fault = Some(Fault::After(left - bytes.len()));
            bytes
        }
        Some(Fault::LoseCommit) if is_commit(bytes) => {
            *fault = None;
            &[]
        }
        Some(Fault::LoseReply | Fault::LoseReplyForGood) if is_commit(bytes) => {
            state.closed.store(*fault == Some(Fault::LoseReplyForGood), Ordering::SeqCst);
            reply_lost.store(true, Ordering::SeqCst);
            *fault = None;
            bytes
        }
        _ => bytes,
    }
}

/// Takes TLS out of the first thing that a server says: out of the capabilities of `MySQL`'s greeting, or PostgreSQL's
/// yes.
fn strip_tls(bytes: &mut [u8]) {
    if bytes == b"S" {
        bytes[0] = b'N';
        return;
    }
    let version = bytes.iter().skip(5).position(|byte| *byte == 0).expect("a greeting with a version");
    bytes[5 + version + 1 + 4 + 8 + 1 + 1] &= !0x08;
}

/// `MySQL`: a packet with the command 3, `COM_QUERY`. `PostgreSQL`: a message `Q` of eleven bytes.
fn is_commit(bytes: &[u8]) -> bool {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    holds(b"\x03COMMIT") || holds(b"Q\0\0\0\x0bCOMMIT\0")
}
