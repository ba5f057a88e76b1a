//! Builds a `SocketHandler` or a `DatagramHandler`.

#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use tracing_handlers_core::{Error, Format};
#[cfg(feature = "tls")]
use tracing_handlers_delivery::Tls;
use tracing_handlers_delivery::datagram::{DatagramTransport, Place};
use tracing_handlers_delivery::dial::Peer;
use tracing_handlers_delivery::{Delivery, Retry, Settings, StreamTransport, delivery_layer, delivery_settings};

use crate::handler::{DatagramHandler, DatagramLayer, SocketHandler, SocketLayer};
use crate::transport::{Link, Lossy};
use crate::wire::{Encoder, Encoding};

/// The setters that both builders have.
macro_rules! encoding_settings {
    () => {
        /// How a record is encoded; [`Encoding::MessagePack`] by default.
        pub fn encoding(mut self, encoding: Encoding) -> Self {
            self.encoding = encoding;
            self
        }

        /// How [`Encoding::Json`] and [`Encoding::JsonLines`] write a record; by default
        /// [`format::Json`](tracing_handlers_core::format::Json) with source location, name and number of the thread.
        pub fn format(mut self, format: impl Format) -> Self {
            self.format = Some(Box::new(format));
            self
        }
    };
}

/// Builds a [`SocketHandler`].
///
/// | setting | default |
/// |---|---|
/// | `unix`, [`tcp`](Self::tcp) | none: one of them is needed, the last one counts |
/// | `tls`, beside `tcp` | off |
/// | [`encoding`](Self::encoding) | [`Encoding::MessagePack`] |
/// | [`format`](Self::format), for the encodings in JSON | the layout of `tracing_subscriber` |
/// | [`retry`](Self::retry) | 1 s, twice as long each time, 30 s at most |
/// | [`resend_window`](Self::resend_window) | none |
/// | [`lossy_like_python`](Self::lossy_like_python) | off |
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 8,192 records, 16 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_age`](Self::max_age), [`timeout`](Self::timeout) | 5 minutes, 10 s |
/// | [`batch_records`](Self::batch_records), [`batch_bytes`](Self::batch_bytes) | 1,024 records, 1 MiB |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct SocketHandlerBuilder {
    settings: Settings,
    peer: Option<Peer>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    encoding: Encoding,
    format: Option<Box<dyn Format>>,
    resend_window: usize,
    is_lossy: bool,
}

impl SocketHandlerBuilder {
    pub(crate) fn new() -> Self {
        // Each batch is one write, and callers who wait for room are woken once for it.
        let settings = Settings { retry: Retry::new(Duration::from_secs(1)), batch_records: 1_024, ..Settings::default() };
        let encoding = Encoding::default();
        Self {
            settings,
            peer: None,
            #[cfg(feature = "tls")]
            tls: None,
            encoding,
            format: None,
            resend_window: 0,
            is_lossy: false,
        }
    }

    /// Over TCP. A name is resolved for each connection, and each of its addresses is tried.
    pub fn tcp(mut self, host: impl Into<String>, port: u16) -> Self {
        self.peer = Some(Peer::Tcp { host: host.into(), port });
        self
    }

    /// Over a local stream socket.
    #[cfg(unix)]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.peer = Some(Peer::Unix(path.into()));
        self
    }

    /// Over TLS, where the destination is [`tcp`](Self::tcp); the peer's certificate must be valid for the host.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    encoding_settings!();

    /// How many of the newest bytes are sent again after a connection was lost; none by default. What the kernel took of a connection may
    /// never have been read by the peer, and nobody tells; with a window such records come twice rather than never.
    pub fn resend_window(mut self, bytes: usize) -> Self {
        self.resend_window = bytes;
        self
    }

    /// Whether records that are raised while there is no connection are dropped, counted and reported, as Python does, instead of
    /// waiting for one; off by default. [`retry`](Self::retry) then says when the next attempt is made, without any chance in it.
    pub fn lossy_like_python(mut self, on: bool) -> Self {
        self.is_lossy = on;
        self
    }

    delivery_settings!();

    /// The handler. It connects when there is something to send.
    ///
    /// # Errors
    ///
    /// No destination, or settings that let nothing through.
    pub fn build(self) -> Result<SocketHandler, Error> {
        let peer = self.peer.ok_or_else(|| missing("`tcp` or `unix`"))?;
        #[cfg(feature = "tls")]
        let peer = secured(peer, self.tls)?;
        let Self { settings, encoding, format, resend_window, is_lossy, .. } = self;
        check(&peer)?;
        let lossy = is_lossy.then(|| Lossy::new(settings.retry, settings.attempt_timeout, peer.to_string()));
        let encoder = Encoder::new(encoding, format, &settings.clock);
        let name = format!("socket {peer}");
        let link = Link::new(StreamTransport::new(peer).resend_window(resend_window), lossy);
        Ok(SocketHandler { delivery: Delivery::start(&name, settings, encoder, link)? })
    }

    delivery_layer!(SocketLayer);
}

/// The same destination over TLS, if that is wanted and can be.
#[cfg(feature = "tls")]
fn secured(peer: Peer, tls: Option<Tls>) -> Result<Peer, Error> {
    match (peer, tls) {
        (peer, None) => Ok(peer),
        (Peer::Tcp { host, port }, Some(tls)) => Ok(Peer::Tls { host, port, tls }),
        (peer, Some(_)) => Err(Error::config("tls", peer, "is for destinations over TCP")),
    }
}

/// Builds a [`DatagramHandler`].
///
/// | setting | default |
/// |---|---|
/// | `unix`, [`udp`](Self::udp) | none: one of them is needed, the last one counts |
/// | [`encoding`](Self::encoding) | [`Encoding::MessagePack`] |
/// | [`format`](Self::format), for the encodings in JSON | the layout of `tracing_subscriber` |
/// | [`retry`](Self::retry) | 0.5 s, twice as long each time, 30 s at most |
/// | [`capacity`](Self::capacity), [`capacity_bytes`](Self::capacity_bytes) | 8,192 records, 16 MiB |
/// | [`overflow`](Self::overflow) | drop the newest |
/// | [`max_age`](Self::max_age), [`timeout`](Self::timeout) | 5 minutes, 10 s |
/// | [`batch_records`](Self::batch_records), [`batch_bytes`](Self::batch_bytes) | 512 records, 1 MiB |
/// | [`max_delay`](Self::max_delay), [`wake_level`](Self::wake_level) | 5 ms, `ERROR` |
/// | [`drain_on_exit`](Self::drain_on_exit) | on |
/// | [`on_failure`](Self::on_failure) | a rate-limited line on stderr |
#[must_use]
pub struct DatagramHandlerBuilder {
    settings: Settings,
    place: Option<Place>,
    encoding: Encoding,
    format: Option<Box<dyn Format>>,
}

impl DatagramHandlerBuilder {
    pub(crate) fn new() -> Self {
        Self { settings: Settings::default(), place: None, encoding: Encoding::default(), format: None }
    }

    /// Over UDP, IPv4 or IPv6.
    pub fn udp(mut self, host: impl Into<String>, port: u16) -> Self {
        self.place = Some(Place::Udp { host: host.into(), port });
        self
    }

    /// Over a local datagram socket. While nobody has one at that path, records wait.
    #[cfg(unix)]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.place = Some(Place::Unix(path.into()));
        self
    }

    encoding_settings!();

    delivery_settings!();

    /// The handler. It opens its socket when there is something to send.
    ///
    /// # Errors
    ///
    /// No destination, or settings that let nothing through.
    pub fn build(self) -> Result<DatagramHandler, Error> {
        let Self { settings, place, encoding, format } = self;
        let place = place.ok_or_else(|| missing("`udp` or `unix`"))?;
        if let Place::Udp { host, port } = &place {
            check_authority("udp", host, *port)?;
        }
        let encoder = Encoder::new(encoding, format, &settings.clock);
        let name = format!("datagram {place}");
        Ok(DatagramHandler { delivery: Delivery::start(&name, settings, encoder, DatagramTransport::new(place))? })
    }

    delivery_layer!(DatagramLayer);
}

fn missing(setters: &str) -> Error {
    Error::config("destination", "(none)", format!("call {setters} on the builder"))
}

fn check(peer: &Peer) -> Result<(), Error> {
    match peer {
        Peer::Tcp { host, port } => check_authority("tcp", host, *port),
        #[cfg(feature = "tls")]
        Peer::Tls { host, port, .. } => check_authority("tls", host, *port),
        _ => Ok(()),
    }
}

fn check_authority(setting: &str, host: &str, port: u16) -> Result<(), Error> {
    if host.is_empty() || port == 0 {
        let value = format!("{host:?}, {port}");
        return Err(Error::config(setting, value, "needs a name or an address, and a port above zero"));
    }
    Ok(())
}
