//! Daemons on loopback that keep what they get, go away and come back.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

#[cfg(unix)]
use tempfile::TempDir;
use tracing_handlers_core::sync::lock;
use tracing_handlers_testing::gate::PATIENCE;

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// A port of this test's own, also while nobody listens there: a socket that is bound and does not listen keeps it.
pub(crate) struct Port {
    runtime: tokio::runtime::Runtime,
    kept: tokio::net::TcpSocket,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let kept = bound(0);
        Self { runtime, kept }
    }

    pub(crate) fn number(&self) -> u16 {
        self.kept.local_addr().unwrap().port()
    }

    pub(crate) fn listen(&self) -> TcpListener {
        let _entered = self.runtime.enter();
        let listener = bound(self.number()).listen(128).unwrap().into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        listener
    }
}

fn bound(port: u16) -> tokio::net::TcpSocket {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    socket
}

/// Payloads that arrived. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Arrived {
    shared: Arc<(Mutex<Vec<Vec<u8>>>, Condvar)>,
}

impl Arrived {
    pub(crate) fn add(&self, message: Vec<u8>) {
        lock(&self.shared.0).push(message);
        self.shared.1.notify_all();
    }

    /// Everything, once there are so many.
    pub(crate) fn at_least(&self, count: usize) -> Vec<Vec<u8>> {
        self.wait_for(count);
        lock(&self.shared.0).clone()
    }

    pub(crate) fn wait_for(&self, count: usize) {
        let waited = self.shared.1.wait_timeout_while(lock(&self.shared.0), PATIENCE, |messages| messages.len() < count);
        let (messages, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "{} of {count} messages arrived", messages.len());
    }
}

/// One message behind its length (RFC 6587); nothing at the end of the connection.
pub(crate) fn read_counted(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length)?;
    if length.pop().is_none() {
        return Ok(None);
    }
    let length = String::from_utf8(length).unwrap();
    let mut message = vec![0; length.parse().unwrap_or_else(|_| panic!("no length: {length:?}"))];
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

/// What ends a peer's work.
const LEAVE: &[u8] = b"leave";

/// Reads octet-counted messages from every connection. Its leave is graceful: it closes its own end and reads on to the other's.
pub(crate) struct TcpPeer {
    port: Port,
    pub(crate) arrived: Arrived,
    serving: Mutex<Option<Serving>>,
}

struct Serving {
    is_leaving: Arc<AtomicBool>,
    acceptor: JoinHandle<Vec<TcpStream>>,
}

impl TcpPeer {
    pub(crate) fn new() -> Self {
        let peer = Self { port: Port::reserve(), arrived: Arrived::default(), serving: Mutex::default() };
        peer.come();
        peer
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(crate) fn come(&self) {
        let listener = self.port.listen();
        let is_leaving = Arc::new(AtomicBool::new(false));
        let (arrived, leaves) = (self.arrived.clone(), Arc::clone(&is_leaving));
        let acceptor = thread::spawn(move || {
            let mut connections = Vec::new();
            loop {
                let (stream, _) = listener.accept().unwrap();
                connections.push(stream.try_clone().unwrap());
                let mut stream = BufReader::new(stream);
                if leaves.load(Ordering::SeqCst) {
                    // Whoever came before our own word is served.
                    match read_counted(&mut stream).unwrap() {
                        Some(word) if word == LEAVE => return connections,
                        message => message.into_iter().for_each(|message| arrived.add(message)),
                    }
                }
                let arrived = arrived.clone();
                thread::spawn(move || {
                    while let Ok(Some(message)) = read_counted(&mut stream) {
                        arrived.add(message);
                    }
                });
            }
        });
        *lock(&self.serving) = Some(Serving { is_leaving, acceptor });
    }

    pub(crate) fn leave(&self) {
        let Some(serving) = lock(&self.serving).take() else { return };
        serving.is_leaving.store(true, Ordering::SeqCst);
        let mut own = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).unwrap();
        write!(own, "{} leave", LEAVE.len()).unwrap();
        let connections = serving.acceptor.join().unwrap();
        // Who is gone already needs no farewell.
        connections.iter().for_each(|connection| drop(connection.shutdown(Shutdown::Write)));
    }
}

impl Drop for TcpPeer {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Keeps the datagrams of a socket in the file system.
#[cfg(unix)]
pub(crate) struct UnixDatagramPeer {
    folder: TempDir,
    pub(crate) arrived: Arrived,
    reader: Mutex<Option<JoinHandle<()>>>,
}

#[cfg(unix)]
impl UnixDatagramPeer {
    pub(crate) fn new() -> Self {
        let peer = Self { folder: tempfile::tempdir().unwrap(), arrived: Arrived::default(), reader: Mutex::default() };
        peer.come();
        peer
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("peer")
    }

    pub(crate) fn come(&self) {
        let socket = UnixDatagram::bind(self.path()).unwrap();
        let arrived = self.arrived.clone();
        let read = move || keep_datagrams(|buffer| socket.recv(buffer), &arrived);
        *lock(&self.reader) = Some(thread::spawn(read));
    }

    pub(crate) fn leave(&self) {
        let Some(reader) = lock(&self.reader).take() else { return };
        // Runs in a drop as well: what went wrong shows elsewhere.
        UnixDatagram::unbound().unwrap().send_to(b"", self.path()).ok();
        reader.join().ok();
        std::fs::remove_file(self.path()).ok();
    }
}

#[cfg(unix)]
impl Drop for UnixDatagramPeer {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Keeps the datagrams of a port.
pub(crate) struct UdpPeer {
    pub(crate) address: SocketAddr,
    pub(crate) arrived: Arrived,
    reader: Option<JoinHandle<()>>,
}

impl UdpPeer {
    pub(crate) fn new() -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into())
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        let arrived = Arrived::default();
        let kept = arrived.clone();
        let reader = thread::spawn(move || keep_datagrams(|buffer| socket.recv(buffer), &kept));
        Self { address, arrived, reader: Some(reader) }
    }
}

impl Drop for UdpPeer {
    fn drop(&mut self) {
        let any: IpAddr = self.address.ip();
        // Runs in a drop: what went wrong shows elsewhere.
        if let Ok(socket) = UdpSocket::bind((any, 0)) {
            socket.send_to(b"", self.address).ok();
        }
        self.reader.take().map(JoinHandle::join);
    }
}

/// Up to an empty one.
fn keep_datagrams(receive: impl Fn(&mut [u8]) -> io::Result<usize>, arrived: &Arrived) {
    let mut buffer = vec![0; 1 << 21];
    loop {
        match receive(&mut buffer).unwrap() {
            0 => return,
            length => arrived.add(buffer[..length].to_vec()),
        }
    }
}
