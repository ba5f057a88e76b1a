//! How records reach a slow or absent peer: what all network handlers share. Users meet it through `socket`, `syslog` and others.
//!
//! # What it does
//!
//! A caller puts its record into a bounded queue and is done. One thread a process (`log-delivery`) takes records out, has them
//! encoded ([`Encode`]) and sent ([`Transport`]), many at a time, and does with the [`Outcome`] what it says: try again later, split,
//! give up. Each record is delivered, pending, or dropped for a reason, at every moment.
//!
//! # Example
//!
//! ```
//! use std::sync::{Arc, Mutex};
//! use std::time::Duration;
//! use tracing_handlers_core::{Deadline, Error, Handler, Record};
//! use tracing_handlers_delivery::{Delivery, Frames, Outcome, Settings, Transport};
//!
//! /// A peer that takes everything.
//! struct Peer(Arc<Mutex<Vec<u8>>>);
//! impl Transport for Peer {
//!     async fn send(&mut self, frames: &Frames) -> Outcome {
//!         match self.0.lock() {
//!             Ok(mut peer) => peer.extend_from_slice(frames.bytes()),
//!             Err(_) => return Outcome::retry(Error::new("reach the peer")),
//!         }
//!         Outcome::Delivered
//!     }
//! }
//!
//! let received = Arc::new(Mutex::new(Vec::new()));
//! let encode = |record: &Record<'_>, out: &mut Vec<u8>| -> Result<(), Error> {
//!     out.extend_from_slice(record.message().as_bytes());
//!     Ok(())
//! };
//! let delivery = Delivery::start("example", Settings::default(), encode, Peer(Arc::clone(&received)))?;
//! delivery.handle(&Record::builder().message("hello").build().as_record())?;
//! delivery.flush(Deadline::after(Duration::from_secs(5)))?;
//! assert_eq!(received.lock().unwrap().as_slice(), b"hello");
//! # Ok::<(), Error>(())
//! ```
//!
//! # Guarantees
//!
//! - `handle` never waits for the peer, whatever that does.
//! - Records of one thread are sent in their order, one attempt at a time.
//! - An attempt that fails is repeated, after a time that grows; `flush` repeats it at once. A record is given up when it is older
//!   than `max_age`, when the peer refuses it for good, or when the time of `close` is up: each counted and reported.
//! - What a transport sends again over a new connection is sent to its end, however slowly the peer takes it, as long as it takes some of it in the
//!   time of an attempt.
//! - A connection that the peer ends as soon as it was made is an attempt that failed, whatever was sent over it: no peer is connected to again
//!   and again without a pause.
//! - A transport that panics is started again; a record that it panics over three times is given up.
//! - No runtime in the application is needed, none is touched, and none may be missed.
//!
//! # Differs from Python
//!
//! Python's network handlers connect and send on the caller's thread, and know no second try: what could not be sent is gone.
//!
//! # Features
//!
//! `tls`: connections over TLS, by the library of the system.

mod connection;
pub mod datagram;
mod delivery;
pub mod dial;
mod forward;
mod frames;
mod outcome;
mod retry;
mod settings;
mod stream;
mod task;
mod thread;
#[cfg(feature = "tls")]
mod tls;

pub use self::connection::{Connected, Connecting, ConnectionState, Connections};
pub use self::delivery::{Delivery, Status};
pub use self::frames::Frames;
pub use self::outcome::{Encode, Outcome, Transport};
pub use self::retry::Retry;
pub use self::settings::Settings;
pub use self::stream::StreamTransport;
#[cfg(feature = "tls")]
pub use self::tls::Tls;
pub use tracing_handlers_core as core;
pub use tracing_handlers_core::buffer::Overflow;
