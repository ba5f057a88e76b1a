//! Sockets for `tracing`: records over TCP, TLS, UDP and local sockets, and nobody who logs waits for the network.
//!
//! # What it does
//!
//! [`SocketHandler`] sends records over a connection, [`DatagramHandler`] each in a datagram, in one of four [encodings](Encoding): the
//! record's own MessagePack, JSON with a length before it or one a line, or the pickles that Python's `logging` sends and reads.
//! Callers put their record into a bounded queue; one thread a process does the rest. While the peer is away records wait.
//!
//! # Example
//!
//! ```
//! use std::io::{BufRead, BufReader};
//! use std::net::TcpListener;
//! use std::time::Duration;
//! use tracing_handlers_socket::{Encoding, SocketHandler};
//! use tracing_subscriber::prelude::*;
//!
//! let collector = TcpListener::bind("127.0.0.1:0")?;
//! let port = collector.local_addr()?.port();
//! let layer = SocketHandler::builder().tcp("127.0.0.1", port).encoding(Encoding::JsonLines).layer()?;
//! let handle = layer.handle();
//! let subscriber = tracing_subscriber::registry().with(layer);
//! tracing::subscriber::with_default(subscriber, || tracing::info!(answer = 42, "hello"));
//! handle.flush(Duration::from_secs(5))?;
//!
//! let line = BufReader::new(collector.accept()?.0).lines().next().unwrap()?;
//! assert!(line.contains(r#""fields":{"message":"hello","answer":42}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A receiver in Python
//!
//! With [`Encoding::Pickle`] the receiver of Python's logging cookbook reads records as if another Python had sent them: the target
//! is the logger's name, the innermost span the `funcName`, `TRACE` has the number 5. The fields of the event are attributes of the
//! record. One whose name is taken (`msg`, `args`, `getMessage`, `__class__`) is called `field.<name>`; the sources of an error are the
//! list `<name>.sources`; `spans` is a list of dictionaries with `name`, `target` and `fields`, from root to leaf. Of two fields of
//! one name the first counts; the others are counted in `omitted_fields`. A record of another process that is handed on keeps the
//! `processName` that it came with, which our receiver makes a field of.
//!
//! # Guarantees
//!
//! - `handle` never waits for the peer, whether it is dead, stopped or slow (unless `Overflow::Block` was asked for).
//! - While the peer is away records wait, within the bounds of the queue and `max_age`; what finds no room is counted and reported.
//! - A peer that stops listening, closes its end and reads on to ours loses nothing. One that is cut off loses what the kernel had taken
//!   for it, and nobody can count that; a [`resend_window`](SocketHandlerBuilder::resend_window) sends it again.
//! - A new connection begins with a whole frame, the first that did not go out whole before. Records of one thread keep their order.
//! - Datagrams are delivered when the kernel took them; UDP promises no more.
//!
//! # Differs from Python
//!
//! Records wait while there is no connection; Python drops them without a word, and two more each time a peer restarts
//! ([`lossy_like_python`](SocketHandlerBuilder::lossy_like_python) has that back, counted). Callers do not wait for the connection, and
//! [`status`](SocketHandler::status) says whether there is one. Every address of a name is tried, also of IPv6, also for datagrams; over
//! TCP the next one when the one before has not answered in a quarter of a second.
//!
//! # Features
//!
//! `tls`: connections over TLS, by the library of the system.

mod builder;
mod handler;
mod transport;
mod wire;

pub use self::builder::{DatagramHandlerBuilder, SocketHandlerBuilder};
pub use self::handler::{DatagramHandler, DatagramLayer, SocketHandler, SocketLayer};
pub use self::wire::Encoding;

/// For the crate that reads what this one writes; no promise to anybody else.
#[doc(hidden)]
pub mod export {
    pub use crate::wire::{frame, is_taken};
}

#[cfg(feature = "tls")]
pub use tracing_handlers_delivery::Tls;
pub use tracing_handlers_delivery::{ConnectionState, Overflow, Retry, Status};
