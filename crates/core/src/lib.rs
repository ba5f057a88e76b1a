//! The core of `tracing-handlers`: from a `tracing` event to the bytes a handler writes.
//!
//! # What it does
//!
//! ```text
//! tracing event ─► capture ─► Record ─► Format ─► Handler ─► file, stream, peer
//!                                                    └─ when it goes wrong: failure hook and Stats
//! ```
//!
//! Who uses handlers takes the facade `tracing-handlers`; who writes one implements [`Handler`] and wraps it into a
//! [`HandlerLayer`]. See each type for more examples.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::format::{Format, Text};
//! use tracing_handlers_core::{Level, Record};
//!
//! let record = Record::builder().level(Level::WARN).target("app::db").message("slow query").field("millis", 812_u64).build();
//! let mut line = Vec::new();
//! Text::new().time(false).format(&record.as_record(), &mut line);
//! assert_eq!(line, b" WARN app::db: slow query millis=812");
//! ```
//!
//! # Guarantees
//!
//! - `handled = delivered + dropped by reason + pending` for every handler at every quiet moment ([`Stats`]).
//! - Capture survives any `Debug`, `Display` and `Error` implementation of the user; what is cut is marked ([`Limits`]).
//! - An event that is raised by our own work is counted, never handled ([`reentry`]).
//!
//! # Differs from `tracing_subscriber::fmt`
//!
//! Span fields are stored as values and formatted by each handler for itself, so two layers never see each other's colours or
//! duplicated fields, and late [`Span::record`](https://docs.rs/tracing/latest/tracing/struct.Span.html#method.record) values are
//! in every record that follows. Text formats always escape control characters.
//!
//! # Features
//!
//! `metrics`: `export_metrics` gives the counters of a handler to the `metrics` crate.

pub mod buffer;
mod builder;
mod capture;
pub mod clock;
mod deadline;
mod error;
mod exit_hook;
pub mod failure;
pub mod format;
mod handle;
mod handler;
mod layer;
#[cfg(feature = "metrics")]
mod metrics;
mod panic_hook;
pub mod record;
pub mod reentry;
mod shutdown;
mod stats;
pub mod sync;

pub use self::buffer::Overflow;
pub use self::capture::Limits;
pub use self::clock::{Clock, SystemClock, Timestamp};
pub use self::deadline::Deadline;
pub use self::error::Error;
pub use self::failure::{Failure, OnFailure};
pub use self::format::Format;
pub use self::handle::{Guard, Handle};
pub use self::handler::Handler;
pub use self::layer::HandlerLayer;
#[cfg(feature = "metrics")]
pub use self::metrics::export_metrics;
pub use self::panic_hook::{flush_on_panic, register_for_panic};
pub use self::record::{Record, RecordBuf, Value};
pub use self::shutdown::{ShutdownReport, register_pending, shutdown};
pub use self::stats::{Counters, DropReason, Stats};
pub use tracing_core::Level;
