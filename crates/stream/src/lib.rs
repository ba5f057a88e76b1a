//! Stream handlers for `tracing`: stdout, stderr, any writer, or nothing at all.
//!
//! # What it does
//!
//! [`StreamHandler`] formats a record, then writes it with its terminator in one call and flushes, under one lock. To stdout and stderr
//! records that come together, as behind a queue, go in blocks.
//! [`NullHandler`] takes every record and does nothing.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::{Handler, Record};
//! use tracing_handlers_stream::StreamHandler;
//!
//! let errors = StreamHandler::stderr().terminator("\r\n").build()?;
//! errors.handle(&Record::builder().message("on stderr").build().as_record())?;
//! assert_eq!(errors.stats().delivered, 1);
//! # Ok::<(), tracing_handlers_core::Error>(())
//! ```
//!
//! # Guarantees
//!
//! A record was given to the stream and the stream was flushed when `handle` returns. A stream that fails costs that record, which
//! is counted and reported, and is tried again with the next. A caller waits as long as the stream does: a pipe that nobody reads
//! blocks.
//!
//! # Differs from Python
//!
//! After `close` records are refused and counted. A broken stream never prints a traceback; see `on_failure`.

mod block;
mod builder;
mod handler;
mod null;

pub use self::builder::StreamHandlerBuilder;
pub use self::handler::{BoxedStream, StreamHandler, StreamLayer};
pub use self::null::{NullHandler, NullLayer};
