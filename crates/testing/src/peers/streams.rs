//! A peer that reads payloads from streams.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

#[cfg(unix)]
use tempfile::TempDir;
use tracing_handlers_core::sync::lock;

use super::{Arrived, Peer, Port};

/// How payloads stand in a stream.
#[derive(Clone, Copy)]
pub struct Framing {
    /// The next payload; nothing at the end of the connection.
    pub read: fn(&mut dyn BufRead) -> io::Result<Option<Vec<u8>>>,
    /// A payload in its frame.
    pub frame: fn(&[u8]) -> Vec<u8>,
}

/// A stream of either kind.
trait Connection: Read + Write + Send {
    fn take_leave(&self);
    fn twin(&self) -> Box<dyn Connection>;
}

macro_rules! connection {
    ($stream:ident) => {
        impl Connection for $stream {
            fn take_leave(&self) {
                // Who is gone already needs no farewell.
                self.shutdown(Shutdown::Write).ok();
            }
            fn twin(&self) -> Box<dyn Connection> {
                Box::new(self.try_clone().unwrap())
            }
        }
    };
}
connection!(TcpStream);
#[cfg(unix)]
connection!(UnixStream);

/// Where a [`StreamPeer`] listens.
pub enum Address {
    /// On a port.
    Tcp(Port),
    /// In this folder.
    #[cfg(unix)]
    Unix(TempDir),
}

type Connect = Box<dyn Fn() -> Box<dyn Connection> + Send>;

impl Address {
    /// The path of the socket.
    #[cfg(unix)]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Unix(folder) => folder.path().join("peer"),
            Self::Tcp(_) => panic!("a port has no path"),
        }
    }

    /// The number of the port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp(port) => port.number(),
            #[cfg(unix)]
            Self::Unix(_) => panic!("a path has no port"),
        }
    }

    /// What accepts a connection there, and what makes one.
    fn listen(&self) -> (Connect, Connect) {
        match self {
            Self::Tcp(port) => {
                let (listener, number) = (port.listen(), port.number());
                let connect = move || Box::new(TcpStream::connect((Ipv4Addr::LOCALHOST, number)).unwrap()) as _;
                (Box::new(move || Box::new(listener.accept().unwrap().0)), Box::new(connect))
            }
            #[cfg(unix)]
            Self::Unix(_) => {
                let path = self.path();
                std::fs::remove_file(&path).ok();
                let listener = UnixListener::bind(&path).unwrap();
                let connect = move || Box::new(UnixStream::connect(&path).unwrap()) as _;
                (Box::new(move || Box::new(listener.accept().unwrap().0)), Box::new(connect))
            }
        }
    }
}

/// What ends a peer's work.
const LEAVE: &[u8] = b"leave";

/// Reads payloads from every connection. Its leave is graceful: it closes its own end and reads on to the other's.
pub struct StreamPeer {
    /// Where it listens.
    pub address: Address,
    /// What it got.
    pub arrived: Arrived,
    framing: Framing,
    serving: Mutex<Option<Serving>>,
}

struct Serving {
    is_leaving: Arc<AtomicBool>,
    connect: Connect,
    acceptor: JoinHandle<Vec<Box<dyn Connection>>>,
}

impl StreamPeer {
    /// One on a port.
    pub fn tcp(framing: Framing) -> Self {
        Self::new(Address::Tcp(Port::reserve()), framing)
    }

    /// One on a local socket.
    #[cfg(unix)]
    pub fn unix(framing: Framing) -> Self {
        Self::new(Address::Unix(tempfile::tempdir().unwrap()), framing)
    }

    fn new(address: Address, framing: Framing) -> Self {
        let peer = Self { address, arrived: Arrived::default(), framing, serving: Mutex::default() };
        peer.come();
        peer
    }
}

impl Peer for StreamPeer {
    fn arrived(&self) -> &Arrived {
        &self.arrived
    }

    fn leave(&self) -> bool {
        let Some(serving) = lock(&self.serving).take() else { return true };
        serving.is_leaving.store(true, Ordering::SeqCst);
        (serving.connect)().write_all(&(self.framing.frame)(LEAVE)).unwrap();
        let connections = serving.acceptor.join().unwrap();
        connections.iter().for_each(|connection| connection.take_leave());
        true
    }

    fn come(&self) {
        let (accept, connect) = self.address.listen();
        let is_leaving = Arc::new(AtomicBool::new(false));
        let (arrived, leaves, framing) = (self.arrived.clone(), Arc::clone(&is_leaving), self.framing);
        let acceptor = thread::spawn(move || serve(&accept, framing, &arrived, &leaves));
        *lock(&self.serving) = Some(Serving { is_leaving, connect, acceptor });
    }
}

impl Drop for StreamPeer {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Reads every connection on a thread of its own, until the peer leaves; returns them all.
fn serve(accept: &Connect, framing: Framing, arrived: &Arrived, is_leaving: &AtomicBool) -> Vec<Box<dyn Connection>> {
    let mut connections = Vec::new();
    loop {
        let stream = accept();
        let twin = stream.twin();
        let mut stream = BufReader::new(stream);
        if is_leaving.load(Ordering::SeqCst) {
            // Whoever came before our own word is served.
            match (framing.read)(&mut stream).unwrap() {
                Some(word) if word == LEAVE => return connections,
                payload => payload.into_iter().for_each(|payload| arrived.add(payload)),
            }
        }
        connections.push(twin);
        let arrived = arrived.clone();
        thread::spawn(move || {
            while let Ok(Some(payload)) = (framing.read)(&mut stream) {
                arrived.add(payload);
            }
        });
    }
}
