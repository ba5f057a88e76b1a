//! Frames as datagrams: UDP, and unix sockets of that kind.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(unix)]
use std::path::PathBuf;

use tokio::net::UdpSocket;
#[cfg(unix)]
use tokio::net::UnixDatagram;
use tracing_handlers_core::Error;

use crate::connection::{Connected, Connections};
use crate::dial::{self, Authority};
use crate::frames::Frames;
use crate::outcome::{Outcome, Transport};

/// Where datagrams go.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Place {
    /// A name or an address, and a port.
    Udp {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket in the file system.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Udp { host, port } => write!(f, "udp://{}", Authority(host, *port)),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

enum Socket {
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(UnixDatagram),
}

impl Socket {
    async fn open(place: &Place) -> io::Result<Self> {
        match place {
            Place::Udp { host, port } => udp(host, *port).await.map(Self::Udp),
            #[cfg(unix)]
            Place::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Ok(Self::Unix(socket))
            }
        }
    }

    async fn send(&self, frame: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => match socket.send(frame).await {
                // The answer to an earlier datagram; this one did not go out.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => socket.send(frame).await.map(drop),
                sent => sent.map(drop),
            },
            #[cfg(unix)]
            Self::Unix(socket) => socket.send(frame).await.map(drop),
        }
    }
}

async fn udp(host: &str, port: u16) -> io::Result<UdpSocket> {
    let mut newest = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in dial::resolve(host, port).await? {
        let any = match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let connected = async {
            let socket = UdpSocket::bind((any, 0)).await?;
            socket.connect(address).await?;
            Ok(socket)
        };
        match connected.await {
            Ok(socket) => return Ok(socket),
            Err(error) => newest = error,
        }
    }
    Err(newest)
}

/// Sends each frame as a datagram. What the network does with it nobody says; a local socket keeps it while its reader lives.
pub struct DatagramTransport {
    place: Place,
    /// One that is open counts as a connection.
    socket: Option<(Socket, Connected)>,
    connections: Connections,
    /// How many of the attempt's frames need not be sent again.
    settled: usize,
    /// Those among them that were too large.
    dead: Vec<(usize, String)>,
}

impl DatagramTransport {
    /// To this place.
    pub fn new(place: Place) -> Self {
        Self { place, socket: None, connections: Connections::default(), settled: 0, dead: Vec::new() }
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(format!("send to {}", self.place), error)
    }

    fn so_far(&mut self, frames: &Frames, why: Option<Error>) -> Outcome {
        let dead = std::mem::take(&mut self.dead);
        Outcome::Partial { retry: (self.settled..frames.len()).collect(), dead, after: None, why }
    }
}

impl Transport for DatagramTransport {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        (self.settled, self.dead) = (0, Vec::new());
        if self.socket.is_none() {
            let connecting = self.connections.connecting();
            match dial::within(dial::CONNECT_TIMEOUT, Socket::open(&self.place)).await {
                Ok(socket) => self.socket = Some((socket, connecting.done())),
                Err(error) => return Outcome::retry(self.failed(error)),
            }
        }
        let Some((socket, _)) = &self.socket else { return Outcome::Split };
        for (index, frame) in frames.iter().enumerate() {
            match socket.send(frame).await {
                Ok(()) => {}
                Err(error) if is_too_large(&error) => {
                    let why = format!("send to {}: {} bytes are too many for a datagram", self.place, frame.len());
                    self.dead.push((index, why));
                }
                Err(error) => {
                    let why = Some(self.failed(error));
                    self.socket = None;
                    return self.so_far(frames, why);
                }
            }
            self.settled = index + 1;
        }
        if self.dead.is_empty() { Outcome::Sent } else { self.so_far(frames, None) }
    }

    fn report_to(&mut self, connections: &Connections) {
        self.connections = connections.clone();
    }

    /// A local socket whose reader hangs has room for some of them.
    fn broken_off(&mut self, frames: &Frames, why: Error) -> Outcome {
        if self.settled == 0 { Outcome::retry(why) } else { self.so_far(frames, Some(why)) }
    }

    fn reset(&mut self) {
        self.socket = None;
    }
}

/// EMSGSIZE, under its number in Linux, in the BSDs and in Windows.
fn is_too_large(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(90 | 40 | 10_040))
}
