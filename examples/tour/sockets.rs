//! The handlers that send records to somebody, and who that is: two log servers of the tour's own, one of which is restarted.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_handlers::{DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_subscriber::filter::LevelFilter;

use crate::streams::Shared;
use crate::{BoxedLayer, Output, Stop};

/// How long a record may be under way between two sockets of one machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A log server for one client. Clones are the same server.
#[derive(Clone, Default)]
pub(crate) struct Server {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    current: Option<TcpStream>,
    /// How many records came over each connection.
    connections: Vec<u64>,
    stops: u64,
}

type Stops = Vec<(Stop, BoxedLayer)>;

pub(crate) fn stops() -> Result<(Server, Stops), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (server, received) = (Server::default(), Shared::default());
    let (serving, out) = (server.clone(), received.clone());
    // It works until the process ends.
    thread::spawn(move || serving.serve(listener, &out));
    let builder = SocketHandler::builder().tcp("127.0.0.1", address.port()).encoding(Encoding::JsonLines);
    let retry = Retry::new(Duration::from_millis(5)).max(Duration::from_millis(100));
    let layer = builder.retry(retry).capacity(20_000).layer()?;
    let setting = "TCP, JSON lines; the server is stopped and started three times";
    let stream = Stop::new("SocketHandler", setting, LevelFilter::DEBUG, layer, Output::Received(received));
    Ok((server, vec![stream, datagrams()?]))
}

fn datagrams() -> Result<(Stop, BoxedLayer), Box<dyn Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let port = socket.local_addr()?.port();
    let received = Shared::default();
    let mut out = received.clone();
    thread::spawn(move || -> io::Result<()> {
        let mut datagram = [0; 65_536];
        loop {
            let length = socket.recv(&mut datagram)?;
            out.write_all(datagram.get(..length).unwrap_or_default())?;
        }
    });
    let layer = DatagramHandler::builder().udp("127.0.0.1", port).encoding(Encoding::JsonLines).layer()?;
    Ok(Stop::new("DatagramHandler", "UDP, JSON lines", LevelFilter::WARN, layer, Output::Received(received)))
}

impl Server {
    /// Takes its leave, once it has a client: it closes its own end, reads on to the client's, and listens again.
    pub(crate) fn restart(&self) {
        let (state, changed) = &*self.shared;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(state, PATIENCE, |state| state.current.is_none());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = state.current.take() {
            state.stops += 1;
            // A client that is gone already needs no farewell.
            connection.shutdown(Shutdown::Write).ok();
        }
    }

    /// How often it was stopped, and how many records came over each of its connections.
    pub(crate) fn history(&self) -> (u64, Vec<u64>) {
        let state = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.stops, state.connections.clone())
    }

    /// One connection after the other, each by a listener of its own, as those of several processes would be.
    fn serve(&self, mut listener: TcpListener, out: &Shared) -> io::Result<()> {
        let address: SocketAddr = listener.local_addr()?;
        loop {
            let (mut connection, _) = listener.accept()?;
            drop(listener);
            self.begin(connection.try_clone()?);
            self.receive(&mut connection, out.clone())?;
            listener = TcpListener::bind(address)?;
        }
    }

    fn begin(&self, connection: TcpStream) {
        let (state, changed) = &*self.shared;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.current = Some(connection);
        state.connections.push(0);
        changed.notify_all();
    }

    fn receive(&self, connection: &mut TcpStream, mut out: Shared) -> io::Result<()> {
        let mut buffer = [0; 65_536];
        loop {
            let length = connection.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..length).unwrap_or_default();
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            let mut state = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.connections.last_mut().into_iter().for_each(|count| *count += lines);
            drop(state);
            out.write_all(bytes)?;
        }
    }
}

/// What arrived, once there are so many lines or nothing more comes.
pub(crate) fn text_of(received: &Shared, lines: u64) -> String {
    let begun = Instant::now();
    loop {
        let text = received.text();
        if text.lines().count() as u64 >= lines || begun.elapsed() > PATIENCE {
            return text;
        }
        thread::yield_now();
    }
}
