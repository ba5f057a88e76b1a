//! Queues for `tracing` handlers: no caller waits for a slow place.
//!
//! # What it does
//!
//! [`QueueHandler`] copies a record into a bounded queue and returns. A [`QueueListener`] takes records out, on a thread of its own,
//! and hands them to any number of handlers, many at a time: a file behind a queue gets one write for many records.
//! [`HandlerExt::queued`] puts one handler behind a queue of its own, in one line.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_file::FileHandler;
//! use tracing_handlers_queue::HandlerExt;
//! use tracing_subscriber::prelude::*;
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("app.log");
//! let layer = FileHandler::builder(path).build()?.queued().layer()?;
//! let handle = layer.handle();
//! let subscriber = tracing_subscriber::registry().with(layer);
//! tracing::subscriber::with_default(subscriber, || tracing::info!("hello"));
//! handle.flush(std::time::Duration::from_secs(1))?;
//! assert_eq!(handle.stats().delivered, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - With the default policy `handle` never waits: a full queue drops the newest record, counts it, tells the failure hook of it at most
//!   once in ten seconds, and puts a record of level WARN that says how many are missing behind those that were in.
//! - Records of one thread keep their order.
//! - What waits when the process ends is handed on, within a second; nobody has to keep a guard.
//! - Waking a thread costs its caller 10 to 20 µs, so nobody does while records come: the thread looks by itself, at latest after
//!   [`max_delay`](QueueHandlerBuilder::max_delay). A record of [`wake_level`](QueueHandlerBuilder::wake_level) wakes it at once, as does a
//!   queue that is half full. After a quarter of a second without records the thread sleeps until there is one.
//!
//! # Differs from Python
//!
//! The queue is bounded, in records and bytes. A listener that is stopped hands on what is in, also if the queue is full; nothing is
//! put into the queue to stop it. A record is neither formatted nor pickled on the way; a handler gets it as it was.
//!
//! # Features
//!
//! `crossbeam-channel` and `tokio`: the channels of these crates as a [`Queue`], in the place of the bounded one.

mod adapters;
mod builder;
mod handler;
mod intake;
mod listener;
mod own;
mod queued;
mod targets;
mod worker;

pub use self::builder::QueueHandlerBuilder;
pub use self::handler::{QueueHandler, QueueLayer};
pub use self::listener::{QueueListener, QueueListenerBuilder};
pub use self::own::{PutError, Queue, Source};
pub use self::queued::{HandlerExt, Queued, QueuedBuilder, QueuedLayer};
pub use tracing_handlers_core::buffer::Overflow;
