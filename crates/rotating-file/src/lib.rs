//! A log file that is rolled over by size, with Python's names, so that Rust and Python services rotate alike.
//!
//! # What it does
//!
//! [`RotatingFileHandler`] appends to a file until the next record would take it beyond `max_bytes`. Then `app.log` becomes `app.log.1`, that
//! becomes `app.log.2`, the oldest goes, and the record is the first of a new `app.log`. How many are kept is a matter of number, age or
//! bytes; names can be others.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_rotating_file::RotatingFileHandler;
//!
//! let directory = tempfile::tempdir()?;
//! let file = RotatingFileHandler::builder(directory.path().join("app.log")).max_bytes(10_000_000).backup_count(5).build()?;
//! file.roll_over()?;
//! assert!(directory.path().join("app.log.1").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - Those of `tracing-handlers-file`: one record, one write; nothing torn; what cannot be written is counted and reported.
//! - A record is never split over two files.
//! - A rollover that fails at any step (disk full, rename refused, directory gone) loses nothing: the record goes into the old
//!   file, the failure is reported, and the rollover is tried again a second later, then after 2, 4 and so on up to 30 seconds.
//! - A process that is killed between any two steps of a rollover leaves every record in exactly one file. The next rollover
//!   closes the gap that was left, without giving up a backup.
//! - The caller never waits while the blocks of the oldest backup are freed: a thread does that.
//! - With `compress`, nobody who logs waits for the compression either. A process that ends at any step of it loses and doubles nothing:
//!   the next handler of the log does the rest and removes what is half done.
//!
//! # Features
//!
//! `gzip` and `zstd` (a C library that is compiled along) give the builder its setting `compress`.
//!
//! # Differs from Python
//!
//! `max_bytes` counts bytes, not characters. A gap in the chain is filled first, instead of moving all backups and losing the
//! last. A backup count of 0 does not open the file again for every record. A namer that gives one name twice is refused at
//! `build()`.

mod builder;
mod chain;
mod handler;
mod policy;

pub use self::builder::RotatingFileHandlerBuilder;
pub use self::handler::{RotatingFileHandler, RotatingFileLayer};
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use tracing_handlers_file::Compression;
