//! Peers that keep datagrams.

use std::io;
#[cfg(unix)]
use std::net::Shutdown;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
#[cfg(unix)]
use std::path::PathBuf;
use std::process;
#[cfg(unix)]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

#[cfg(unix)]
use tempfile::TempDir;
#[cfg(unix)]
use tracing_handlers_core::sync::lock;

use super::{Arrived, Peer};

/// What of a datagram is kept.
pub type Payload = fn(&[u8]) -> Vec<u8>;

/// A socket at a port that nobody else gets when it is closed: below those that systems give to whoever asks for any.
///
/// # Panics
///
/// All are taken.
pub fn udp_socket_to_come_back_to(ip: IpAddr) -> UdpSocket {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 10_000;
    /// So many are for one process before it takes those of the next.
    const OF_ONE: u32 = 64;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let next = || {
        let number = process::id().wrapping_mul(OF_ONE).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        u16::try_from(FIRST + number % COUNT).ok()
    };
    (0..COUNT).find_map(|_| UdpSocket::bind((ip, next()?)).ok()).unwrap()
}

/// Keeps the datagrams of a port.
pub struct UdpPeer {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it got.
    pub arrived: Arrived,
    reader: Option<JoinHandle<()>>,
}

impl UdpPeer {
    /// One at a port of IPv4 that is free.
    pub fn new(payload: Payload) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), payload)
    }

    /// One at this address.
    pub fn at(address: SocketAddr, payload: Payload) -> Self {
        Self::with(UdpSocket::bind(address).unwrap(), payload)
    }

    /// One that reads from this socket.
    pub fn with(socket: UdpSocket, payload: Payload) -> Self {
        let address = socket.local_addr().unwrap();
        let arrived = Arrived::default();
        let kept = arrived.clone();
        let reader = thread::spawn(move || keep_datagrams(|buffer| socket.recv(buffer), payload, &kept));
        Self { address, arrived, reader: Some(reader) }
    }
}

/// One that is away is no failure here: nobody sees it.
impl Peer for UdpPeer {
    fn arrived(&self) -> &Arrived {
        &self.arrived
    }

    fn leave(&self) -> bool {
        false
    }

    fn come(&self) {}
}

impl Drop for UdpPeer {
    fn drop(&mut self) {
        // What went wrong shows elsewhere.
        if let Ok(socket) = UdpSocket::bind((self.address.ip(), 0)) {
            socket.send_to(b"", self.address).ok();
        }
        self.reader.take().map(JoinHandle::join);
    }
}

/// Keeps the datagrams of a socket in the file system.
#[cfg(unix)]
pub struct UnixDatagramPeer {
    folder: TempDir,
    /// What it got.
    pub arrived: Arrived,
    payload: Payload,
    reader: Mutex<Option<JoinHandle<()>>>,
}

#[cfg(unix)]
impl UnixDatagramPeer {
    /// One that listens.
    pub fn new(payload: Payload) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let peer = Self { folder, arrived: Arrived::default(), payload, reader: Mutex::default() };
        peer.come();
        peer
    }

    /// Where it listens.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("peer")
    }
}

#[cfg(unix)]
impl Peer for UnixDatagramPeer {
    fn arrived(&self) -> &Arrived {
        &self.arrived
    }

    /// Leaves no socket.
    fn leave(&self) -> bool {
        let Some(reader) = lock(&self.reader).take() else { return true };
        // Runs in a drop as well: what went wrong shows elsewhere.
        UnixDatagram::unbound().unwrap().send_to(b"", self.path()).ok();
        reader.join().ok();
        std::fs::remove_file(self.path()).ok();
        true
    }

    fn come(&self) {
        let socket = UnixDatagram::bind(self.path()).unwrap();
        let (arrived, payload) = (self.arrived.clone(), self.payload);
        let read = move || {
            keep_datagrams(|buffer| socket.recv(buffer), payload, &arrived);
            // A process that another test starts has the socket as well, until it becomes its program: closed here, it would still take
            // what nobody reads.
            socket.shutdown(Shutdown::Both).ok();
        };
        *lock(&self.reader) = Some(thread::spawn(read));
    }
}

#[cfg(unix)]
impl Drop for UnixDatagramPeer {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Up to an empty one.
fn keep_datagrams(receive: impl Fn(&mut [u8]) -> io::Result<usize>, payload: Payload, arrived: &Arrived) {
    let mut buffer = vec![0; 1 << 21];
    loop {
        match receive(&mut buffer).unwrap() {
            0 => return,
            length => arrived.add(payload(&buffer[..length])),
        }
    }
}
