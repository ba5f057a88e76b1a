//! A log file that is rolled over by the clock, with Python's names, so that Rust and Python services rotate alike.
//!
//! # What it does
//!
//! [`TimedRotatingFileHandler`] appends to a file, and begins a new one when its [`Schedule`] says so: every so many seconds, minutes,
//! hours or days, at midnight or at another time of the day, on a day of the week; in the local zone or in UTC. A rolled file is named
//! after the start of its period: `app.log.2024-01-31`.
//!
//! # Example
//!
//! ```
//! use tracing_handlers_core::{Handler, Record, Timestamp};
//! use tracing_handlers_timed_rotating_file::{Schedule, TimedRotatingFileHandler, When};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("app.log");
//! let file = TimedRotatingFileHandler::builder(&path).when(When::Midnight).utc(true).backup_count(14).build()?;
//! file.handle(&Record::builder().message("hello").build().as_record())?;
//!
//! // The schedule is also there alone.
//! let every_night = Schedule::new("midnight".parse()?).utc(true).check()?;
//! let evening = Timestamp::from_unix_seconds(1_704_142_800); // 2024-01-01T21:00:00Z
//! assert_eq!(every_night.next_rollover(evening).to_utc().to_string(), "2024-01-02 0:00:00.0 +00:00:00");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! - The next rollover is always later than now.
//! - A rollover at a time of the day happens when the clock on the wall shows that time, on both sides of every change of the
//!   clock: daylight saving of an hour, of half an hour or backwards (Dublin), clocks that are put at midnight, days that were
//!   left out, zones that moved.
//! - A file is taken for one of ours, to be counted and deleted, only if its name is exactly one that we would give.
//! - With `compress`, nobody who logs waits for the compression either. A process that ends at any step of it loses and doubles nothing:
//!   the next handler of the log does the rest and removes what is half done.
//!
//! # Features
//!
//! `gzip` and `zstd` (a C library that is compiled along) give the builder its setting `compress`.
//!
//! # Differs from Python
//!
//! Python takes every change of the clock for one of an hour, forwards in summer; in Dublin, Casablanca and on Lord Howe it rolls
//! at another time of the day. Where the clock shows a time twice, ours is the first of them that is still to come. Intervals can
//! be [aligned](Schedule::aligned) to the clock. A name that is taken gets a number, where Python stops rolling.

mod builder;
mod handler;
mod link;
mod names;
mod rotation;
mod schedule;
mod when;
mod zone;

pub use self::builder::TimedRotatingFileHandlerBuilder;
pub use self::handler::{TimedRotatingFileHandler, TimedRotatingFileLayer};
pub use self::schedule::Schedule;
pub use self::when::When;
#[cfg(any(feature = "gzip", feature = "zstd"))]
pub use tracing_handlers_file::Compression;
