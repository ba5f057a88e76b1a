//! Builds a `Receiver`.

#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Error, Handler, OnFailure};
use tracing_handlers_socket::Encoding;

use crate::decode::Decoder;
use crate::listen::Place;
use crate::receiver::{Receiver, ReceiverHandle};
use crate::stats::Counters;
#[cfg(feature = "tls")]
use crate::tls::TlsIdentity;

/// Builds a [`Receiver`].
///
/// | setting | default |
/// |---|---|
/// | `unix`, `unix_datagram`, [`udp`](Self::udp), [`tcp`](Self::tcp), `tls` | none: one of them is needed, each may be called more than once |
/// | [`handler`](Self::handler) | none: it is needed |
/// | [`encoding`](Self::encoding) | any, told apart frame by frame |
/// | [`max_frame_bytes`](Self::max_frame_bytes) | 1 MiB |
/// | [`max_connections`](Self::max_connections) | 10,000 |
/// | [`frame_timeout`](Self::frame_timeout) | 1 minute |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct ReceiverBuilder {
    places: Vec<Place>,
    handler: Option<Box<dyn Handler>>,
    encoding: Option<Encoding>,
    max_frame_bytes: usize,
    max_connections: usize,
    frame_timeout: Duration,
    on_failure: Option<Arc<dyn OnFailure>>,
}

impl ReceiverBuilder {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            handler: None,
            encoding: None,
            max_frame_bytes: 1 << 20,
            max_connections: 10_000,
            frame_timeout: Duration::from_secs(60),
            on_failure: None,
        }
    }

    /// Listens for connections over TCP, `127.0.0.1:9020`; port 0 is one that is free. In clear, and nobody is asked who he is.
    pub fn tcp(mut self, address: impl Into<String>) -> Self {
        self.places.push(Place::Tcp(address.into()));
        self
    }

    /// Listens for connections over TLS. The peer knows who we are; who he is, nobody is asked.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, address: impl Into<String>, identity: TlsIdentity) -> Self {
        self.places.push(Place::Tls(address.into(), identity));
        self
    }

    /// Listens for datagrams over UDP.
    pub fn udp(mut self, address: impl Into<String>) -> Self {
        self.places.push(Place::Udp(address.into()));
        self
    }

    /// Listens for connections on a local socket. A socket that a process left there when it
    /// ended is replaced; anything else at that path is an error of `build()`. Afterwards the socket stays there.
    #[cfg(unix)]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.places.push(Place::Unix(path.into()));
        self
    }

    /// Listens for datagrams on a local socket. A socket that a process left there when it
    /// ended is replaced; anything else at that path is an error of `build()`. Afterwards the socket stays there.
    #[cfg(unix)]
    pub fn unix_datagram(mut self, path: impl Into<PathBuf>) -> Self {
        self.places.push(Place::UnixDatagram(path.into()));
        self
    }

    /// The one encoding that is read; by default any is, and the first byte of a frame tells which it has.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// How long a record may be, without its length or line feed. One that is longer ends its connection.
    pub fn max_frame_bytes(mut self, bytes: usize) -> Self {
        self.max_frame_bytes = bytes;
        self
    }

    /// How many connections may be open; those beyond are closed at once. Each may hold one frame that is not whole yet.
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count;
        self
    }

    /// How long a frame may take from its first byte to its last, and the handshake of TLS in all. A connection that takes longer is
    /// closed; one on which nothing has begun may be idle for ever.
    pub fn frame_timeout(mut self, time: Duration) -> Self {
        self.frame_timeout = time;
        self
    }

    /// Who gets the records.
    pub fn handler(mut self, handler: impl Handler) -> Self {
        self.handler = Some(Box::new(handler));
        self
    }

    /// Who is told of refused frames and failures; a rate-limited line on stderr by default.
    pub fn on_failure(mut self, hook: impl OnFailure) -> Self {
        self.on_failure = Some(Arc::new(hook));
        self
    }

    /// The receiver, its sockets bound.
    ///
    /// # Errors
    ///
    /// No place or no handler, limits that let nothing through, or a place that the system refuses.
    pub fn build(self) -> Result<Receiver, Error> {
        let Self { places, handler, encoding, max_frame_bytes, max_connections, frame_timeout, on_failure } = self;
        let handler = handler.ok_or_else(|| Error::config("handler", "(none)", "call `handler` on the builder"))?;
        if places.is_empty() {
            return Err(Error::config("place", "(none)", "call `tcp`, `udp`, `unix` or `unix_datagram` on the builder"));
        }
        // The length before a frame has 32 bits.
        if max_frame_bytes == 0 || u32::try_from(max_frame_bytes).is_err() {
            return Err(Error::config("max_frame_bytes", max_frame_bytes, "must be positive and fit into 32 bits"));
        }
        if max_connections == 0 || max_connections > Semaphore::MAX_PERMITS {
            return Err(Error::config("max_connections", max_connections, "must be positive, and a number that one can reach"));
        }
        if frame_timeout.is_zero() {
            return Err(Error::config("frame_timeout", "0", "must be positive"));
        }
        let names: Vec<_> = places.iter().map(Place::to_string).collect();
        let sockets = places.iter().map(Place::bind).collect::<Result<Vec<_>, _>>()?;
        let handle = ReceiverHandle {
            stop: Arc::new(watch::Sender::new(false)),
            counters: Arc::new(Counters::default()),
            addresses: sockets.iter().filter_map(|socket| socket.local_addr()).collect(),
        };
        let reporter = Arc::new(Reporter::new(format!("receiver {}", names.join(", ")), on_failure));
        let decoder = Decoder { encoding, max_frame_bytes };
        Ok(Receiver { sockets, handler, decoder, max_connections, frame_timeout, reporter, handle })
    }
}
