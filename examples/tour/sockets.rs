//! The handlers that send records to somebody, and who that is: two log servers of the tour's own, one of which is restarted.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_handlers::{DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_subscriber::filter::LevelFilter;

use crate::streams::Shared;
use crate::{BoxedLayer, Output, Stop};

/// How long a record may be under way between two sockets of one machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// A log server for one client.
pub(crate) struct Server {
    connection: Arc<Mutex<Option<TcpStream>>>,
}

type Stops = Vec<(Stop, BoxedLayer)>;

pub(crate) fn stops() -> Result<(Server, Stops), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (server, received) = (Server { connection: Arc::default() }, Shared::default());
    let (connection, out) = (Arc::clone(&server.connection), received.clone());
    // It works until the process ends.
    thread::spawn(move || serve(listener, &connection, &out));
    let builder = SocketHandler::builder().tcp("127.0.0.1", address.port()).encoding(Encoding::JsonLines);
    let retry = Retry::new(Duration::from_millis(5)).max(Duration::from_millis(100));
    let layer = builder.retry(retry).capacity(20_000).layer()?;
    let setting = "TCP, JSON lines; the server restarts three times";
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
    /// Takes its leave: it closes its own end, reads on to the client's, and listens again.
    pub(crate) fn restart(&self) {
        if let Some(connection) = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A client that is gone already needs no farewell.
            connection.shutdown(Shutdown::Write).ok();
        }
    }
}

/// One connection after the other, each by a listener of its own, as those of several processes would be.
fn serve(mut listener: TcpListener, current: &Mutex<Option<TcpStream>>, out: &Shared) -> io::Result<()> {
    let address: SocketAddr = listener.local_addr()?;
    loop {
        let (mut connection, _) = listener.accept()?;
        drop(listener);
        *current.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.try_clone()?);
        receive(&mut connection, out.clone())?;
        listener = TcpListener::bind(address)?;
    }
}

fn receive(connection: &mut TcpStream, mut out: Shared) -> io::Result<()> {
    let mut bytes = [0; 65_536];
    loop {
        match connection.read(&mut bytes)? {
            0 => return Ok(()),
            length => out.write_all(bytes.get(..length).unwrap_or_default())?,
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
