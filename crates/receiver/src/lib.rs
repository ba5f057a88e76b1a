//! The other end of `SocketHandler` and `DatagramHandler`: a log server for clients in Rust and in Python, and for any handler.
//!
//! # What it does
//!
//! A [`Receiver`] listens over TCP, TLS (feature `tls`), UDP and local sockets, reads records from any number of clients at once and gives them to one
//! handler: a rotating file, a stream, another peer. It reads what the handlers of `tracing-handlers-socket` send, in each of their
//! encodings, and what `SocketHandler` and `DatagramHandler` of CPython send.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::{Deadline, Handler, Record};
//! use tracing_handlers_receiver::Receiver;
//! use tracing_handlers_socket::SocketHandler;
//! # use std::time::Duration;
//! # use tracing_handlers_testing::CollectingHandler;
//!
//! # let file = CollectingHandler::new();
//! # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
//! let receiver = Receiver::builder().tcp("127.0.0.1:0").handler(file.clone()).build()?;
//! let (port, handle) = (receiver.local_addrs()[0].port(), receiver.handle());
//! let running = runtime.spawn(receiver.run());
//!
//! let sender = SocketHandler::builder().tcp("127.0.0.1", port).build()?;
//! sender.handle(&Record::builder().message("hello").build().as_record())?;
//! sender.close(Deadline::after(Duration::from_secs(5)))?;
//!
//! # while handle.stats().records < 1 { std::thread::yield_now() }
//! handle.shutdown();
//! let stats = runtime.block_on(running)??;
//! assert_eq!((stats.records, stats.refused()), (1, 0));
//! # assert_eq!(file.lines(), ["hello"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Records of Python
//!
//! The logger's name becomes the target, `levelno` the level at or below it (`CRITICAL` and levels of the sender's own leave their name in
//! the field `levelname`), `funcName` the name; time, thread, process, file and line are where they belong. Extra attributes are fields,
//! as are `exc_text`, `stack_info`, `taskName` and a `processName` other than `MainProcess`. Of what our own `SocketHandler` sends as pickles, spans
//! and the sources of errors are made again; `Debug` texts come as texts, and the time is as exact as a float.
//!
//! # Guarantees
//!
//! - `frames = records + refused by reason`: what comes whole is handed over, or counted and reported.
//! - Nothing of a pickle is ever executed or looked up: it is read by a list of opcodes that make data, and refused at the first other
//!   one. Depth, values, memo and repetition have limits.
//! - A length above [`max_frame_bytes`](ReceiverBuilder::max_frame_bytes) is refused by its prefix. Memory grows with what came, never with
//!   what was announced; an idle connection has no buffer.
//! - A frame that takes longer than [`frame_timeout`](ReceiverBuilder::frame_timeout) ends its connection; so does a TLS handshake.
//! - Told to stop, it ends its direction of each connection and reads what is under way; `SocketHandler` sees that and keeps the rest.
//! - One bad frame costs that frame; only where nobody can tell the next one's begin is the connection closed. Other clients do not notice.
//! - While the handler is busy nobody reads, and senders over streams wait. The order of one connection is kept.
//!
//! # Differs from Python
//!
//! The cookbook's receiver calls `pickle.loads`, which runs whatever a stranger sends. Attributes that are objects of Python's (a path, a
//! date) need such calls: their record is refused, counted as [`Reason::Forbidden`].
//!
//! # Features
//!
//! `tls`: connections over TLS, by the library of the system.

mod accept;
mod builder;
mod connection;
mod datagram;
mod decode;
mod intake;
mod listen;
#[cfg(unix)]
mod local;
mod receiver;
mod stats;
mod stream;
#[cfg(feature = "tls")]
mod tls;

/// What the targets of `tests/fuzz` do; it is not there otherwise.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use self::decode::exercise;

pub use self::builder::ReceiverBuilder;
pub use self::receiver::{Receiver, ReceiverHandle};
pub use self::stats::{Reason, ReceiverStats};
#[cfg(feature = "tls")]
pub use self::tls::TlsIdentity;
pub use tracing_handlers_socket::Encoding;
