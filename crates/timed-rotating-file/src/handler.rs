//! `TimedRotatingFileHandler`.

use std::path::{Path, PathBuf};

use tracing_handlers_core::{Error, HandlerLayer};
use tracing_handlers_file::export::Sink;

use crate::builder::TimedRotatingFileHandlerBuilder;
use crate::rotation::Rotation;

/// Appends to a file that is rolled over by the clock: Python's `TimedRotatingFileHandler`.
///
/// When its period is over, `app.log` becomes `app.log.2024-01-31`, named after the start of the period, and a new `app.log` is begun.
/// The record that comes first after the end of the period is in the new file. A file in which nothing stands is not rolled.
///
/// ```
/// use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};
/// use tracing_subscriber::prelude::*;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("app.log");
/// let layer = TimedRotatingFileHandler::builder(&path).when(When::Midnight).backup_count(14).layer()?;
/// let handler = layer.handler().clone();
///
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || tracing::info!("today"));
///
/// handler.roll_over()?; // without waiting for midnight
/// assert_eq!(handler.existing_files()?.len(), 1);
/// assert_eq!(std::fs::read_to_string(&path)?, "");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is also an `io::Write` and a `MakeWriter`: each `write` is one record, written as it is.
#[derive(Debug)]
pub struct TimedRotatingFileHandler {
    pub(crate) sink: Sink<Rotation>,
}

/// A [`TimedRotatingFileHandler`] as a layer.
pub type TimedRotatingFileLayer = HandlerLayer<TimedRotatingFileHandler>;

impl TimedRotatingFileHandler {
    /// A handler for the file at `path`, made absolute at `build()`.
    pub fn builder(path: impl AsRef<Path>) -> TimedRotatingFileHandlerBuilder {
        TimedRotatingFileHandlerBuilder::new(path.as_ref())
    }

    /// How often the file could not be rolled, as on Windows while another program has it open without sharing it. Records go on into the old
    /// file, which grows beyond its limit meanwhile; each failure is reported, and it is tried again after 1, 2, 4 and so on up to 30 seconds.
    pub fn failed_rollovers(&self) -> u64 {
        self.sink.failed_rollovers()
    }

    /// Rolls the file over now: Python's `doRollover`. The next rollover is then a whole period away, or at its time of the day.
    ///
    /// A file in which nothing stands but its header is not rolled, as at the end of a period; Python makes an empty rolled file of it.
    ///
    /// # Errors
    ///
    /// The step that failed. Records go on into the old file.
    pub fn roll_over(&self) -> Result<(), Error> {
        self.sink.with_io(|io| io.roll_over())
    }

    /// The rolled files that are not kept, oldest first: Python's `getFilesToDelete`, with the limits on age and bytes as well.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn files_to_delete(&self) -> Result<Vec<PathBuf>, Error> {
        self.sink.with_io(|io| {
            let now = io.now();
            let (rotation, place) = io.upkeep();
            rotation.surplus(place, now)
        })
    }

    /// All rolled files of this log, oldest first.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn existing_files(&self) -> Result<Vec<PathBuf>, Error> {
        self.sink.with_io(|io| {
            let (rotation, place) = io.upkeep();
            rotation.existing(place)
        })
    }
}

tracing_handlers_file::file_handler!(TimedRotatingFileHandler);
