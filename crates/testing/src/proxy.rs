//! A proxy that does to connections what networks and peers do: late, cut, reset, stopped, a byte at a time.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use tracing_handlers_core::sync::lock;

/// What becomes of a connection. Bytes are those that the client sends.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    /// Everything passes.
    #[default]
    None,
    /// So many bytes pass; then both sides see the end.
    Cut(usize),
    /// So many bytes pass; with the next one there, unread, the client's connection is reset.
    Reset(usize),
    /// As much passes as the valve lets through.
    Valve(Valve),
}

/// A proxy in front of a peer on this machine. Connections meet the faults in the order in which they were given; those that come after are spared.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use tracing_handlers_testing::proxy::{Fault, Proxy};
///
/// let peer = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = Proxy::new(peer.local_addr()?.port(), [Fault::Cut(5)]);
/// TcpStream::connect(("127.0.0.1", proxy.port()))?.write_all(b"hello world")?;
/// let mut passed = String::new();
/// peer.accept()?.0.read_to_string(&mut passed)?;
/// assert_eq!(passed, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

impl Proxy {
    /// A proxy in front of the port `to`. Its threads work until the process ends: nobody knows who comes next.
    ///
    /// # Panics
    ///
    /// Where the system has no port to give.
    pub fn new(to: u16, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::new(Mutex::new(faults.into_iter().collect::<VecDeque<_>>()));
        let left = Arc::clone(&faults);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let fault = lock(&left).pop_front().unwrap_or_default();
                // A peer that is not there, or goes, is a fault as any other.
                thread::spawn(move || connect(client, to, &fault).ok());
            }
        });
        Self { port, faults }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many faults nobody has met yet.
    pub fn faults_left(&self) -> usize {
        lock(&self.faults).len()
    }
}

fn connect(mut client: TcpStream, to: u16, fault: &Fault) -> io::Result<()> {
    let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    match fault {
        Fault::None => {
            io::copy(&mut client, &mut peer)?;
        }
        Fault::Cut(bytes) | Fault::Reset(bytes) => {
            io::copy(&mut (&client).take(*bytes as u64), &mut peer)?;
            if matches!(fault, Fault::Reset(_)) {
                // Closed over a byte that nobody read, the system resets the connection.
                client.peek(&mut [0])?;
            }
            return Ok(());
        }
        Fault::Valve(valve) => valve.pass(&mut client, &mut peer)?,
    }
    // The client has ended: its word is passed on, and so is that of the peer.
    peer.shutdown(Shutdown::Write)?;
    io::copy(&mut peer, &mut client).map(drop)
}

/// Lets as many bytes through as the test says: none is a peer that is stopped, one now and then is a slow one. Clones are the same valve.
#[derive(Clone, Debug, Default)]
pub struct Valve {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    allowed: usize,
    passed: usize,
}

impl Valve {
    /// A valve that is shut.
    pub fn shut() -> Self {
        Self::default()
    }

    /// Lets so many more bytes through.
    pub fn let_pass(&self, bytes: usize) {
        let mut state = lock(&self.shared.0);
        state.allowed = state.allowed.saturating_add(bytes);
        self.shared.1.notify_all();
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.let_pass(usize::MAX);
    }

    /// How many bytes went through.
    pub fn passed(&self) -> usize {
        lock(&self.shared.0).passed
    }

    fn pass(&self, client: &mut TcpStream, peer: &mut TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let room = self.wait().min(buffer.len());
            let count = client.read(&mut buffer[..room])?;
            if count == 0 {
                return Ok(());
            }
            peer.write_all(&buffer[..count])?;
            lock(&self.shared.0).passed += count;
        }
    }

    /// Waits until something may pass, and says how much.
    fn wait(&self) -> usize {
        let is_shut = |state: &mut State| state.passed >= state.allowed;
        let state = self.shared.1.wait_while(lock(&self.shared.0), is_shut).unwrap_or_else(PoisonError::into_inner);
        state.allowed - state.passed
    }
}
