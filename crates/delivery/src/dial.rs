//! Connections to peers: every address of a name is tried, within one time.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How long making a connection may take, all addresses together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A peer that one has a connection with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Peer {
    /// A name or an address, and a port.
    Tcp {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// The same, over TLS.
    #[cfg(feature = "tls")]
    Tls {
        /// The name, which the peer's certificate must bear.
        host: String,
        /// The port.
        port: u16,
        /// Whom to trust, and who we are.
        tls: Tls,
    },
    /// A socket in the file system.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{}", Authority(host, *port)),
            #[cfg(feature = "tls")]
            Self::Tls { host, port, .. } => write!(f, "tls://{}", Authority(host, *port)),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// `host:port`, with brackets around an address that has colons.
pub struct Authority<'a>(pub &'a str, pub u16);

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(host, port) = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Both directions of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Peer {
    /// A connection, or the failure of the last address that was tried.
    ///
    /// # Errors
    ///
    /// That of the system, or that the time was up.
    pub async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        within(CONNECT_TIMEOUT, async {
            match self {
                Self::Tcp { host, port } => Ok(Box::new(tcp(host, *port).await?) as Box<dyn Stream>),
                #[cfg(feature = "tls")]
                Self::Tls { host, port, tls } => {
                    Ok(Box::new(tls.connect(host, tcp(host, *port).await?).await?) as Box<dyn Stream>)
                }
                #[cfg(unix)]
                Self::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?) as Box<dyn Stream>),
            }
        })
        .await
    }
}

/// A TCP connection to one of the addresses of `host`.
///
/// # Errors
///
/// That of the last address, or of the name.
pub async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    first_of(resolve(host, port).await?).await
}

async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut newest = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Batches are whole: there is nothing to wait for.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => newest = Some(error),
        }
    }
    Err(newest.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}

/// All addresses of a name.
///
/// # Errors
///
/// That of the resolver.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Ok(lookup_host((host, port)).await?.collect())
}

/// What `future` gives in that time.
///
/// # Errors
///
/// Its own, or [`io::ErrorKind::TimedOut`].
pub async fn within<T>(time: Duration, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {time:?}"));
    tokio::time::timeout(time, future).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn every_address_of_a_name_is_tried_and_the_last_failure_told() {
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listening.local_addr().unwrap();
        // Nobody listens there: the port is that of a socket which is bound and does not.
        let unheard = tokio::net::TcpSocket::new_v4().unwrap();
        unheard.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let nobody = unheard.local_addr().unwrap();
        let stream = run(first_of(vec![nobody, place])).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), place);
        assert_eq!(run(first_of(vec![nobody, nobody])).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(run(first_of(vec![])).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn addresses_of_ipv6_are_reached_with_brackets_and_without() {
        let listening = TcpListener::bind("[::1]:0").unwrap();
        let place = listening.local_addr().unwrap();
        for host in ["::1", "[::1]"] {
            assert_eq!(run(tcp(host, place.port())).unwrap().peer_addr().unwrap(), place);
        }
    }
}
