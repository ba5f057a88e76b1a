//! Memory handlers for `tracing`: records wait until there is a reason to hand them to another handler.
//!
//! # What it does
//!
//! [`MemoryHandler`] holds records, encoded, within bounds of number and bytes. Its target, which may be any handler, gets all of
//! them in one batch when one is severe enough, when the capacity is reached, when a function says so, and on request.
//! As a [flight recorder](MemoryHandler::flight_recorder) it goes on forgetting the oldest instead, until an error makes the
//! newest worth reading.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::format::Text;
//! use tracing_handlers_file::FileHandler;
//! use tracing_handlers_memory::MemoryHandler;
//! use tracing_subscriber::prelude::*;
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("crash.log");
//! let file = FileHandler::builder(&path).format(Text::new().time(false).target(false)).build()?;
//! let layer = MemoryHandler::flight_recorder(2).target(file).layer()?;
//! tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
//!     tracing::info!("nobody asks for this");
//!     tracing::debug!("opening the valve");
//!     tracing::error!("the valve is stuck");
//!     tracing::info!("nor for this");
//! });
//! assert_eq!(std::fs::read_to_string(&path)?, "DEBUG opening the valve\nERROR the valve is stuck\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - When `handle` returns, a record is in memory; one that is a reason to flush is with the target, and so is everything before it,
//!   in order, in one batch.
//! - After `flush` everything is with the target, and the target was flushed: it is where the target's guarantees say.
//! - *Delivered* means: the target took responsibility. What it refuses, or panics over, is dropped, counted by reason and
//!   reported; how many records that were, its own counters say.
//! - A target that is slow holds up who flushes, and nobody else before the memory is full again.
//! - What is held is handed over at the end of the process, without a guard, unless `flush_on_close` or `drain_on_exit` is off;
//!   it is lost by `abort` (but see [`dump_on_panic`](MemoryHandlerBuilder::dump_on_panic)) and by `SIGKILL`.
//! - Once warm, `handle` allocates nothing.
//!
//! # Differs from Python
//!
//! Without a target the oldest records make room, where Python holds more and more. A flush also flushes the target. `close`
//! closes for good: later records are refused and counted. `BufferingHandler` is a [`MemoryHandler`] without a target.

mod builder;
mod delivery;
mod handler;
mod ring;
mod shared;
mod store;
mod trigger;

pub use self::builder::MemoryHandlerBuilder;
pub use self::handler::{MemoryHandler, MemoryLayer};
