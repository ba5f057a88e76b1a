//! Peers on loopback that keep what they get, go away and come back.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

#[cfg(unix)]
use tempfile::TempDir;
use tracing_handlers_core::sync::lock;
use tracing_handlers_testing::gate::PATIENCE;

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
        accepting(self.number())
    }
}

/// Listens on a port that another process of this test keeps.
pub(crate) fn listen_on(port: u16) -> TcpListener {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _entered = runtime.enter();
    accepting(port)
}

fn accepting(port: u16) -> TcpListener {
    let listener = bound(port).listen(128).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    listener
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
    pub(crate) fn add(&self, payload: Vec<u8>) {
        lock(&self.shared.0).push(payload);
        self.shared.1.notify_all();
    }

    /// Everything, once there are so many.
    pub(crate) fn at_least(&self, count: usize) -> Vec<Vec<u8>> {
        self.wait_for(count);
        lock(&self.shared.0).clone()
    }

    pub(crate) fn wait_for(&self, count: usize) {
        let waited = self.shared.1.wait_timeout_while(lock(&self.shared.0), PATIENCE, |payloads| payloads.len() < count);
        let (payloads, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "{} of {count} payloads arrived", payloads.len());
    }
}

/// One payload behind its length; nothing at the end of the connection.
pub(crate) fn read_frame(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut payload = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut payload)?;
    Ok(Some(payload))
}

/// A stream of either kind.
trait Connection: Read + Send {
    fn take_leave(&self);
    fn send(&mut self, payload: &[u8]);
    fn twin(&self) -> Box<dyn Connection>;
}

macro_rules! connection {
    ($stream:ident) => {
        impl Connection for $stream {
            fn take_leave(&self) {
                self.shutdown(std::net::Shutdown::Write).ok();
            }
            fn send(&mut self, payload: &[u8]) {
                self.write_all(&(payload.len() as u32).to_be_bytes()).unwrap();
                self.write_all(payload).unwrap();
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
pub(crate) enum Address {
    Tcp(Port),
    #[cfg(unix)]
    Unix(TempDir),
}

type Accept = Box<dyn Fn() -> Box<dyn Connection> + Send>;
type Connect = Box<dyn Fn() -> Box<dyn Connection> + Send>;

impl Address {
    #[cfg(unix)]
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Unix(folder) => folder.path().join("peer"),
            Self::Tcp(_) => panic!("a port has no path"),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Tcp(port) => port.number(),
            #[cfg(unix)]
            Self::Unix(_) => panic!("a path has no port"),
        }
    }

    fn listen(&self) -> (Accept, Connect) {
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

/// Reads frames from every connection. Its leave is graceful: it closes its own end and reads on to the other's.
pub(crate) struct StreamPeer {
    pub(crate) address: Address,
    pub(crate) arrived: Arrived,
    serving: Mutex<Option<Serving>>,
}

struct Serving {
    is_leaving: Arc<AtomicBool>,
    connect: Connect,
    acceptor: JoinHandle<Vec<Box<dyn Connection>>>,
}

impl StreamPeer {
    pub(crate) fn new(address: Address) -> Self {
        let peer = Self { address, arrived: Arrived::default(), serving: Mutex::default() };
        peer.come();
        peer
    }

    pub(crate) fn tcp() -> Self {
        Self::new(Address::Tcp(Port::reserve()))
    }

    #[cfg(unix)]
    pub(crate) fn unix() -> Self {
        Self::new(Address::Unix(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn come(&self) {
        let (accept, connect) = self.address.listen();
        let is_leaving = Arc::new(AtomicBool::new(false));
        let (arrived, leaves) = (self.arrived.clone(), Arc::clone(&is_leaving));
        let acceptor = thread::spawn(move || {
            let mut connections = Vec::new();
            loop {
                let mut stream = accept();
                if leaves.load(Ordering::SeqCst) {
                    // Whoever came before our own word is served.
                    match read_frame(&mut stream).unwrap() {
                        Some(word) if word == LEAVE => return connections,
                        payload => payload.into_iter().for_each(|payload| arrived.add(payload)),
                    }
                }
                connections.push(stream.twin());
                let arrived = arrived.clone();
                thread::spawn(move || {
                    while let Ok(Some(payload)) = read_frame(&mut stream) {
                        arrived.add(payload);
                    }
                });
            }
        });
        *lock(&self.serving) = Some(Serving { is_leaving, connect, acceptor });
    }

    pub(crate) fn leave(&self) {
        let Some(serving) = lock(&self.serving).take() else { return };
        serving.is_leaving.store(true, Ordering::SeqCst);
        (serving.connect)().send(LEAVE);
        let connections = serving.acceptor.join().unwrap();
        connections.iter().for_each(|connection| connection.take_leave());
    }
}

impl Drop for StreamPeer {
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
    pub(crate) port: u16,
    pub(crate) arrived: Arrived,
    reader: Option<JoinHandle<()>>,
}

impl UdpPeer {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let arrived = Arrived::default();
        let kept = arrived.clone();
        let reader = thread::spawn(move || keep_datagrams(|buffer| socket.recv(buffer), &kept));
        Self { port, arrived, reader: Some(reader) }
    }
}

impl Drop for UdpPeer {
    fn drop(&mut self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.send_to(b"", (Ipv4Addr::LOCALHOST, self.port)).ok();
        self.reader.take().map(JoinHandle::join);
    }
}

/// Up to an empty one.
fn keep_datagrams(receive: impl Fn(&mut [u8]) -> io::Result<usize>, arrived: &Arrived) {
    let mut buffer = vec![0; 1 << 21];
    loop {
        match receive(&mut buffer).unwrap() {
            0 => return,
            length => arrived.add(payload_of(&buffer[..length])),
        }
    }
}

/// Behind a length that is that of the rest.
fn payload_of(datagram: &[u8]) -> Vec<u8> {
    let (length, payload) = datagram.split_first_chunk().unwrap();
    assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
    payload.to_vec()
}
