//! Connections to peers: every address of a name is tried, within one time, and none keeps the others waiting for long.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

#[cfg(feature = "tls")]
use crate::tls::Tls;

/// How long making a connection may take, all addresses together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An address that has not answered for so long is tried further beside the next one (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

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

/// A TCP connection to the address of `host` that answers first. IPv6 and IPv4 are tried in turn; where one has not answered in a
/// quarter of a second, the next is tried beside it (RFC 8305).
///
/// # Errors
///
/// The newest of an address, or that of the name.
pub async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = in_turn(resolve(host, port).await?);
    let stream = first_of(addresses, TcpStream::connect).await?;
    // Batches are whole: there is nothing to wait for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Addresses of one family and of the other by turns, beginning with that of the first, and each family in its order.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let family = addresses.first().map(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| Some(address.is_ipv6()) == family);
    let mut second = second.into_iter();
    let mut all: Vec<_> = first.into_iter().flat_map(|address| [Some(address), second.next()]).flatten().collect();
    all.extend(second);
    all
}

/// The first connection that is made. The next address is tried when one fails, or has had its head start; the attempts that are still
/// under way at the end are dropped.
async fn first_of<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut addresses = addresses.into_iter();
    let mut attempts = Vec::new();
    let mut newest = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        attempts.extend(addresses.next().map(|address| Box::pin(connect(address))));
        if attempts.is_empty() {
            return Err(newest);
        }
        let answered = any(&mut attempts);
        let answer = match addresses.len() {
            0 => Some(answered.await),
            _ => tokio::time::timeout(HEAD_START, answered).await.ok(),
        };
        match answer {
            Some(Ok(connection)) => return Ok(connection),
            Some(Err(error)) => newest = error,
            None => {}
        }
    }
}

/// The outcome of the first attempt that ends, which is taken out.
async fn any<F: Future>(attempts: &mut Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|context| {
        for index in 0..attempts.len() {
            let Some(attempt) = attempts.get_mut(index) else { break };
            if let Poll::Ready(output) = attempt.as_mut().poll(context) {
                drop(attempts.remove(index));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    })
    .await
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
    use std::cell::Cell;
    use std::future::pending;
    use std::net::TcpListener;

    use tokio::time::Instant;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// On a clock that jumps to the next thing that anybody waits for; what came of it, and after how many milliseconds.
    fn paused<T>(future: impl Future<Output = T>) -> (T, u128) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let begun = Instant::now();
            (future.await, begun.elapsed().as_millis())
        })
    }

    async fn pass(time: Duration) {
        tokio::time::timeout(time, pending::<()>()).await.unwrap_err();
    }

    /// Addresses that differ by their port.
    fn addresses(ports: impl IntoIterator<Item = u16>) -> Vec<SocketAddr> {
        ports.into_iter().map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect()
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    /// An attempt that is under way for as long as this lives.
    struct UnderWay<'c>(&'c Cell<usize>);

    impl<'c> UnderWay<'c> {
        fn new(count: &'c Cell<usize>) -> Self {
            count.set(count.get() + 1);
            Self(count)
        }
    }

    impl Drop for UnderWay<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }

    #[test]
    fn an_address_that_never_answers_keeps_the_next_waiting_for_a_quarter_of_a_second_and_is_let_go_of() {
        let under_way = Cell::new(0);
        let connect = |address: SocketAddr| {
            let counts = UnderWay::new(&under_way);
            async move {
                if address.port() < 4 {
                    pending::<()>().await;
                }
                drop(counts);
                Ok(address.port())
            }
        };
        let (port, took) = paused(within(CONNECT_TIMEOUT, first_of(addresses(1..9), connect)));
        assert_eq!((port.unwrap(), took), (4, 750));
        assert_eq!(under_way.get(), 0, "attempts that go on");
        // Who loses patience leaves none behind either.
        let (late, took) = paused(within(Duration::from_secs(1), first_of(addresses(1..3), connect)));
        assert_eq!((late.unwrap_err().kind(), took), (io::ErrorKind::TimedOut, 1_000));
        assert_eq!(under_way.get(), 0, "attempts that go on");
    }

    #[test]
    fn a_slow_address_wins_against_one_that_is_slower() {
        let connect = async |address: SocketAddr| {
            pass(Duration::from_millis(if address.port() == 1 { 400 } else { 200 })).await;
            Ok::<_, io::Error>(address.port())
        };
        let (port, took) = paused(first_of(addresses([1, 2]), connect));
        assert_eq!((port.unwrap(), took), (1, 400));
    }

    #[test]
    fn an_address_that_fails_keeps_nobody_waiting_and_the_newest_failure_is_told() {
        let connect = async |address: SocketAddr| match address.port() {
            // It fails when the next one is tried already.
            1 => {
                pass(Duration::from_millis(300)).await;
                Err(io::ErrorKind::HostUnreachable.into())
            }
            2 => pending().await,
            9 => Ok(9),
            _ => Err(refused()),
        };
        let (port, took) = paused(first_of(addresses([3, 4, 5, 9]), connect));
        assert_eq!((port.unwrap(), took), (9, 0));
        let (port, took) = paused(within(CONNECT_TIMEOUT, first_of(addresses([1, 2, 9]), connect)));
        assert_eq!((port.unwrap(), took), (9, 300));
        let (failed, took) = paused(first_of(addresses([1, 3]), connect));
        assert_eq!((failed.unwrap_err().kind(), took), (io::ErrorKind::HostUnreachable, 300));
        let (failed, _) = paused(first_of(Vec::new(), connect));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_families_take_turns_and_each_keeps_its_order() {
        let turns = |hosts: &[&str]| {
            let addresses = hosts.iter().map(|host| SocketAddr::new(host.parse().unwrap(), 1)).collect();
            in_turn(addresses).into_iter().map(|address| address.ip().to_string()).collect::<Vec<_>>()
        };
        let mixed = turns(&["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]);
        assert_eq!(mixed, ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]);
        let mixed = turns(&["10.0.0.1", "::1", "::2", "::3"]);
        assert_eq!(mixed, ["10.0.0.1", "::1", "::2", "::3"]);
        assert_eq!(turns(&["10.0.0.2", "10.0.0.1"]), ["10.0.0.2", "10.0.0.1"]);
        assert!(turns(&[]).is_empty());
    }

    #[test]
    fn every_address_of_a_name_is_tried_and_the_newest_failure_told() {
        let listening = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listening.local_addr().unwrap();
        // Nobody listens there: the port is that of a socket which is bound and does not.
        let unheard = tokio::net::TcpSocket::new_v4().unwrap();
        unheard.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let nobody = unheard.local_addr().unwrap();
        let stream = run(first_of(vec![nobody, place], TcpStream::connect)).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), place);
        let failed = run(first_of(vec![nobody, nobody], TcpStream::connect));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    /// The system swallows what comes to a listener that nobody accepts from and whose backlog is full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_peer_whose_backlog_is_full_does_not_use_up_the_time_of_the_next_address() {
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = good.local_addr().unwrap();
        let stream = run(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let full = socket.listen(1).unwrap();
            let swallows = full.local_addr().unwrap();
            let mut waiting = Vec::new();
            while let Ok(stream) = within(Duration::from_millis(200), TcpStream::connect(swallows)).await {
                waiting.push(stream);
            }
            within(CONNECT_TIMEOUT, first_of(vec![swallows, place], TcpStream::connect)).await
        });
        assert_eq!(stream.unwrap().peer_addr().unwrap(), place);
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
