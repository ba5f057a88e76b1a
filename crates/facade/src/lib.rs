//! Every handler of Python's `logging.handlers` as a layer for `tracing-subscriber`.
//!
//! # What it does
//!
//! It re-exports the handlers, each a crate of its own, behind one feature each. A handler becomes a layer, to which any filter of
//! `tracing-subscriber` can be put.
//!
//! # Example
//!
//! ```
//! use tracing_handlers::{RotatingFileHandler, StreamHandler, format::Json};
//! use tracing_subscriber::{filter::LevelFilter, prelude::*};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("logs/app.log");
//! let file = RotatingFileHandler::builder(path).max_bytes(10_000_000).backup_count(5).format(Json::new()).layer()?;
//! let stderr = StreamHandler::stderr().layer()?.with_filter(LevelFilter::WARN);
//!
//! let subscriber = tracing_subscriber::registry().with(file).with(stderr);
//! tracing::subscriber::with_default(subscriber, || tracing::info!(answer = 42, "hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! `handled = delivered + dropped by reason + pending`, for every handler, always; see [`Stats`] and each handler's crate. What is
//! pending when the process ends is flushed without any guard; [`shutdown`] is the explicit form, and [`flush_on_panic`] is for
//! `panic = "abort"`.
//!
//! # Differs from Python
//!
//! Levels, filters and the tree of loggers are those of `tracing-subscriber`: a handler has none. What else a handler does otherwise is
//! said by its crate.
//!
//! # Features
//!
//! | feature | handlers | in `default` |
//! |---|---|---|
//! | `stream` | [`StreamHandler`], [`NullHandler`] | yes |
//! | `file` | [`FileHandler`], [`WatchedFileHandler`] | yes |
//! | `memory` | [`MemoryHandler`] | yes |
//! | `rotating-file` | [`RotatingFileHandler`] | yes |
//! | `timed-rotating-file` | [`TimedRotatingFileHandler`], [`Schedule`] | yes |
//! | `queue` | [`QueueHandler`], [`QueueListener`], [`HandlerExt::queued`] | yes |
//! | `event-log` | [`EventLogHandler`], for Windows | |
//! | `syslog` | [`SyslogHandler`] | |
//! | `relp` | RELP for [`SyslogHandler`] | |
//! | `gzip`, `zstd` | `compress` on the rotating handlers (`Compression`); with `gzip` also the bodies of `http` | |
//! | `crossbeam-channel`, `tokio` | their channels as a [`Queue`] | |
//! | `smtp` | [`SmtpHandler`] | |
//! | `socket` | [`SocketHandler`], [`DatagramHandler`] | |
//! | `receiver` | [`Receiver`], the other end of `socket` | |
//! | `http` | [`HttpHandler`] | |
//! | `metrics` | [`export_metrics`]: counters for the `metrics` crate | |
//! | `tls` | TLS for the network handlers | |
//! | `full` | all of them | |

pub use tracing_handlers_core::buffer::Overflow;
#[cfg(feature = "metrics")]
pub use tracing_handlers_core::export_metrics;
pub use tracing_handlers_core::{
    Clock, Counters, Deadline, DropReason, Error, Failure, Format, Guard, Handle, Handler, HandlerLayer, Level, Limits,
    OnFailure, Record, RecordBuf, ShutdownReport, Stats, SystemClock, Timestamp, Value, failure, flush_on_panic, format,
    record, shutdown,
};

#[cfg(all(feature = "tls", any(feature = "http", feature = "smtp", feature = "socket", feature = "syslog")))]
pub use tracing_handlers_delivery::Tls;
#[cfg(any(feature = "http", feature = "smtp", feature = "socket", feature = "syslog"))]
pub use tracing_handlers_delivery::{ConnectionState, Retry, Status};

#[cfg(feature = "event-log")]
pub use tracing_handlers_event_log as event_log;
#[cfg(feature = "event-log")]
pub use tracing_handlers_event_log::{EventLogHandler, EventLogLayer, EventType, LogType};

#[cfg(feature = "file")]
pub use tracing_handlers_file as file;
#[cfg(feature = "file")]
pub use tracing_handlers_file::{Buffering, FileHandler, FileInfo, FileLayer, Sync, WatchedFileHandler, WatchedFileLayer};

#[cfg(all(feature = "file", any(feature = "gzip", feature = "zstd")))]
pub use tracing_handlers_file::Compression;

#[cfg(feature = "http")]
pub use tracing_handlers_http as http;
#[cfg(feature = "http")]
pub use tracing_handlers_http::{HttpHandler, HttpLayer};

#[cfg(feature = "queue")]
pub use tracing_handlers_queue as queue;
#[cfg(feature = "queue")]
pub use tracing_handlers_queue::{HandlerExt, PutError, Queue, QueueHandler, QueueLayer, QueueListener, Queued, QueuedLayer};

#[cfg(feature = "memory")]
pub use tracing_handlers_memory as memory;
#[cfg(feature = "memory")]
pub use tracing_handlers_memory::{MemoryHandler, MemoryLayer};

#[cfg(feature = "receiver")]
pub use tracing_handlers_receiver as receiver;
#[cfg(feature = "receiver")]
pub use tracing_handlers_receiver::{Receiver, ReceiverHandle, ReceiverStats};

#[cfg(feature = "rotating-file")]
pub use tracing_handlers_rotating_file as rotating_file;
#[cfg(feature = "rotating-file")]
pub use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileLayer};

#[cfg(feature = "smtp")]
pub use tracing_handlers_smtp as smtp;
#[cfg(feature = "smtp")]
pub use tracing_handlers_smtp::{SmtpHandler, SmtpLayer, SmtpTls};

#[cfg(feature = "socket")]
pub use tracing_handlers_socket as socket;
#[cfg(feature = "socket")]
pub use tracing_handlers_socket::{DatagramHandler, DatagramLayer, Encoding, SocketHandler, SocketLayer};

#[cfg(feature = "stream")]
pub use tracing_handlers_stream as stream;
#[cfg(feature = "stream")]
pub use tracing_handlers_stream::{NullHandler, NullLayer, StreamHandler, StreamLayer};

#[cfg(feature = "syslog")]
pub use tracing_handlers_syslog as syslog;
#[cfg(feature = "syslog")]
pub use tracing_handlers_syslog::{
    Facility, Framing, Newlines, Protocol, Severity, SyslogHandler, SyslogLayer, encode_priority, map_priority,
};

#[cfg(feature = "timed-rotating-file")]
pub use tracing_handlers_timed_rotating_file as timed_rotating_file;
#[cfg(feature = "timed-rotating-file")]
pub use tracing_handlers_timed_rotating_file::{Schedule, TimedRotatingFileHandler, TimedRotatingFileLayer, When};
