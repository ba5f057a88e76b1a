//! The sockets of a receiver: bound when it is built, read when it runs.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::{UnixDatagram, UnixListener};
#[cfg(unix)]
use std::path::PathBuf;

use socket2::SockRef;
use tracing_handlers_core::Error;

#[cfg(unix)]
use crate::local;
#[cfg(feature = "tls")]
use crate::tls::TlsIdentity;

/// How many connections may wait until they are accepted: all clients of a receiver come back at one moment when it does. The system may have a
/// lower limit of its own (`net.core.somaxconn`). Whoever finds no room tries again after a second.
pub(crate) const BACKLOG: usize = 4096;

/// Where to listen.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Tcp(String),
    #[cfg(feature = "tls")]
    Tls(String, TlsIdentity),
    Udp(String),
    #[cfg(unix)]
    Unix(PathBuf),
    #[cfg(unix)]
    UnixDatagram(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp {address}"),
            #[cfg(feature = "tls")]
            Self::Tls(address, _) => write!(f, "tls {address}"),
            Self::Udp(address) => write!(f, "udp {address}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix {}", path.display()),
            #[cfg(unix)]
            Self::UnixDatagram(path) => write!(f, "unix datagrams {}", path.display()),
        }
    }
}

/// A socket that waits for a runtime.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, TlsIdentity),
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(UnixListener),
    #[cfg(unix)]
    UnixDatagram(UnixDatagram),
}

impl Place {
    pub(crate) fn bind(&self) -> Result<Socket, Error> {
        let bound = match self {
            Self::Tcp(address) => tcp(address).map(Socket::Tcp),
            #[cfg(feature = "tls")]
            Self::Tls(address, identity) => tcp(address).map(|socket| Socket::Tls(socket, identity.clone())),
            Self::Udp(address) => UdpSocket::bind(address).and_then(|socket| {
                socket.set_nonblocking(true)?;
                Ok(Socket::Udp(socket))
            }),
            #[cfg(unix)]
            Self::Unix(path) => local::listener(path).and_then(|socket| {
                with_room(SockRef::from(&socket))?;
                socket.set_nonblocking(true)?;
                Ok(Socket::Unix(socket))
            }),
            #[cfg(unix)]
            Self::UnixDatagram(path) => local::datagrams(path).and_then(|socket| {
                socket.set_nonblocking(true)?;
                Ok(Socket::UnixDatagram(socket))
            }),
        };
        bound.map_err(|error| Error::io(format!("listen on {self}"), error))
    }
}

fn tcp(address: &str) -> io::Result<TcpListener> {
    let socket = TcpListener::bind(address)?;
    with_room(SockRef::from(&socket))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The standard library lets 128 wait.
fn with_room(listener: SockRef<'_>) -> io::Result<()> {
    listener.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))
}

impl Socket {
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(feature = "tls")]
            Self::Tls(socket, _) => socket.local_addr().ok(),
            Self::Udp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            _ => None,
        }
    }
}
