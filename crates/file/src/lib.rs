//! File handlers for `tracing`, and the engine that the rotating handlers are built on.
//!
//! # What it does
//!
//! [`FileHandler`] appends records to a file, [`WatchedFileHandler`] also follows a path that logrotate moves away. Each record is
//! formatted first, then written with one `write` under one lock; or, [buffered](Buffering), put into memory and written by a
//! thread.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::{Handler, Record};
//! use tracing_handlers_file::FileHandler;
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("app.log");
//! let file = FileHandler::builder(&path).build()?;
//! file.handle(&Record::builder().target("app").message("hello").build().as_record())?;
//! assert!(std::fs::read_to_string(&path)?.ends_with(" INFO app: hello\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - A record is in the kernel when `handle` returns; with buffering, after the next interval or a flush.
//! - A record is written whole or not at all. Where the system took a part of it (a full disk), that part is taken back;
//!   where it cannot be taken back, the next record begins on a new line.
//! - A record that cannot be written is counted and reported; the next one is tried again.
//! - Nothing is lost to a failed reopening or rollover: the old file goes on being written.
//!
//! # Differs from Python
//!
//! Directories above the file are made; text is UTF-8 unless a format of yours writes other bytes; after `close` records are
//! refused (Python opens the file again).
//!
//! # Features
//!
//! `gzip` and `zstd` (a C library that is compiled along) are for the rotating handlers, which compress what they rolled.

mod access;
mod cleanup;
mod durability;
mod family;
pub mod fs;
mod handler;
mod hooks;
mod identity;
mod log_file;
pub mod rollover;
mod settings;
mod sink;
mod upkeep;
mod watched;

pub use self::durability::Sync;
pub use self::handler::{FileHandler, FileHandlerBuilder, FileLayer};
pub use self::hooks::FileInfo;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use self::rollover::Compression;
pub use self::sink::Buffering;
pub use self::watched::{WatchedFileHandler, WatchedFileHandlerBuilder, WatchedFileLayer};

/// For the crates of the rotating handlers; no promise to anybody else.
#[doc(hidden)]
pub mod export {
    pub use crate::fs::Unlinked;
    pub use crate::log_file::LogFile;
    pub use crate::settings::Settings;
    pub use crate::sink::{FileAccess, Sink};
    pub use crate::upkeep::{Aftermath, Arrival, Background, Place, Upkeep, Verdict};
    pub use tracing_handlers_core as core;
    pub use tracing_subscriber::fmt::MakeWriter;
}
