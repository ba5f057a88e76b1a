//! The receiver, and what tells it to stop.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
#[cfg(unix)]
use tokio::net::{UnixDatagram, UnixListener};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Error, Handler};

use crate::accept::Listener;
use crate::builder::ReceiverBuilder;
use crate::datagram::Datagrams;
use crate::decode::Decoder;
use crate::intake::{Intake, WAITING_BATCHES, bring};
use crate::listen::Socket;
use crate::stats::{Counters, ReceiverStats};

/// Sockets that are bound, and the handler that gets what comes. Connections wait until it [runs](Self::run).
#[must_use = "nothing is read until it runs"]
pub struct Receiver {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) decoder: Decoder,
    pub(crate) max_connections: usize,
    pub(crate) frame_timeout: Duration,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) handle: ReceiverHandle,
}

/// Stops a receiver and tells how it goes. Clones are for the same one.
#[derive(Clone)]
pub struct ReceiverHandle {
    pub(crate) stop: Arc<watch::Sender<bool>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) addresses: Arc<[SocketAddr]>,
}

impl ReceiverHandle {
    /// Tells the receiver to stop: it ends its direction of each connection, reads what is under way until nothing came for 100 ms,
    /// two seconds at most, hands all over, and [`Receiver::run`] returns. Who has connected and was not accepted yet is read as well.
    pub fn shutdown(&self) {
        self.stop.send_replace(true);
    }

    /// The counters now.
    pub fn stats(&self) -> ReceiverStats {
        self.counters.snapshot()
    }

    /// Where it listens over TCP, TLS and UDP, in the order of the builder's calls.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Receiver {
    /// A builder of one. It needs a place to listen on and a handler.
    pub fn builder() -> ReceiverBuilder {
        ReceiverBuilder::new()
    }

    /// Where it listens over TCP, TLS and UDP, in the order of the builder's calls.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        self.handle.local_addrs()
    }

    /// What stops it.
    pub fn handle(&self) -> ReceiverHandle {
        self.handle.clone()
    }

    /// Receives until [`ReceiverHandle::shutdown`]. Returns when the handler has got all that came; it is not flushed then.
    ///
    /// Needs a runtime of tokio with its drivers for I/O and time. The handler works on a thread of its own, so it may take its time.
    /// Dropped, this future closes all connections; what was read by then is handed over.
    ///
    /// # Errors
    ///
    /// The runtime does not take a socket.
    pub async fn run(self) -> Result<ReceiverStats, Error> {
        let Self { sockets, handler, decoder, max_connections, frame_timeout, reporter, handle } = self;
        let (batches, brought) = mpsc::channel(WAITING_BATCHES);
        let (counters, own_reporter) = (Arc::clone(&handle.counters), Arc::clone(&reporter));
        let intake = Intake { decoder, frame_timeout, counters, reporter: own_reporter, batches };
        let tasks = start(sockets, intake, max_connections, &handle)?;
        let bringing = tokio::task::spawn_blocking({
            let reporter = Arc::clone(&reporter);
            move || bring(brought, &*handler, &reporter)
        });
        let ended = tasks.join_all_reported(&reporter).await;
        let brought = bringing.await.map_err(|error| reporter.note(Error::panicked("the handler's thread").with_source(error)));
        reporter.settle();
        ended.and(brought).map(|()| handle.stats())
    }
}

/// One task a socket.
struct Tasks(JoinSet<()>);

impl Tasks {
    /// Waits for all. One that panics is a mistake of ours, and does not end the others.
    async fn join_all_reported(mut self, reporter: &Reporter) -> Result<(), Error> {
        let mut result = Ok(());
        while let Some(ended) = self.0.join_next().await {
            if let Err(error) = ended {
                result = Err(reporter.note(Error::panicked("a socket's task").with_source(error)));
            }
        }
        result
    }
}

fn start(sockets: Vec<Socket>, intake: Intake, max_connections: usize, handle: &ReceiverHandle) -> Result<Tasks, Error> {
    let places = Arc::new(Semaphore::new(max_connections));
    let mut tasks = JoinSet::new();
    let taken = |error| Error::io("give a socket to the runtime", error);
    for socket in sockets {
        let (intake, stop) = (intake.clone(), handle.stop.subscribe());
        match socket {
            Socket::Tcp(socket) => {
                let listener = Listener::Tcp(TcpListener::from_std(socket).map_err(taken)?);
                tasks.spawn(listener.serve(intake, Arc::clone(&places), stop));
            }
            #[cfg(feature = "tls")]
            Socket::Tls(socket, identity) => {
                let listener = Listener::Tls(TcpListener::from_std(socket).map_err(taken)?, identity);
                tasks.spawn(listener.serve(intake, Arc::clone(&places), stop));
            }
            #[cfg(unix)]
            Socket::Unix(socket) => {
                let listener = Listener::Unix(UnixListener::from_std(socket).map_err(taken)?);
                tasks.spawn(listener.serve(intake, Arc::clone(&places), stop));
            }
            Socket::Udp(socket) => {
                let datagrams = Datagrams::Udp(UdpSocket::from_std(socket).map_err(taken)?);
                tasks.spawn(datagrams.serve(intake, stop));
            }
            #[cfg(unix)]
            Socket::UnixDatagram(socket) => {
                let datagrams = Datagrams::Unix(UnixDatagram::from_std(socket).map_err(taken)?);
                tasks.spawn(datagrams.serve(intake, stop));
            }
        }
    }
    Ok(Tasks(tasks))
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

impl fmt::Debug for ReceiverHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverHandle")
            .field("addresses", &self.addresses)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
