//! `RotatingFileHandler`: the handler and what it does before a record.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing_handlers_core::{Error, HandlerLayer, Timestamp};
use tracing_handlers_file::export::{Aftermath, Arrival, Background, LogFile, Place, Sink, Upkeep, Verdict};
use tracing_handlers_file::rollover::{Compressor, Retention, remove};

use crate::builder::RotatingFileHandlerBuilder;
use crate::chain::Chain;
use crate::policy::SizePolicy;

/// Appends to a file that is rolled over before it reaches a size: Python's `RotatingFileHandler`.
///
/// `app.log` becomes `app.log.1`, that becomes `app.log.2`, and so on up to the backup count; the oldest goes. The size is decided
/// for each record before it is written, in bytes, so a record is never split.
///
/// ```
/// use tracing_handlers_rotating_file::RotatingFileHandler;
/// use tracing_subscriber::prelude::*;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("app.log");
/// let layer = RotatingFileHandler::builder(&path).max_bytes(1_000).backup_count(2).layer()?;
///
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || {
///     for number in 0..40 {
///         tracing::info!(number, "working");
///     }
/// });
///
/// for name in ["app.log", "app.log.1", "app.log.2"] {
///     assert!(std::fs::metadata(directory.path().join(name))?.len() < 1_000);
/// }
/// assert!(!directory.path().join("app.log.3").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is also an `io::Write` and a `MakeWriter`: each `write` is one record, written as it is.
#[derive(Debug)]
pub struct RotatingFileHandler {
    pub(crate) sink: Sink<Rotation>,
}

/// A [`RotatingFileHandler`] as a layer.
pub type RotatingFileLayer = HandlerLayer<RotatingFileHandler>;

impl RotatingFileHandler {
    /// A handler for the file at `path`, made absolute at `build()`.
    pub fn builder(path: impl AsRef<Path>) -> RotatingFileHandlerBuilder {
        RotatingFileHandlerBuilder::new(path.as_ref())
    }

    /// How often the file could not be rolled, as on Windows while another program has it open without sharing it. Records go on into the old
    /// file, which grows beyond its limit meanwhile; each failure is reported, and it is tried again after 1, 2, 4 and so on up to 30 seconds.
    pub fn failed_rollovers(&self) -> u64 {
        self.sink.failed_rollovers()
    }

    /// Rolls the file over now, whatever its size, also an empty one: Python's `doRollover`. With a backup count of 0 the file is only opened again.
    ///
    /// # Errors
    ///
    /// The step that failed. Records go on into the old file.
    pub fn roll_over(&self) -> Result<(), Error> {
        self.sink.with_io(|io| io.roll_over())
    }

    /// The backups there are, oldest first; each once, compressed or not.
    ///
    /// # Errors
    ///
    /// One of them cannot be looked at.
    pub fn existing_files(&self) -> Result<Vec<PathBuf>, Error> {
        self.sink.with_io(|io| {
            let (rotation, place) = io.upkeep();
            let _moving = rotation.compressor.as_ref().map(Compressor::hold);
            rotation.chain.existing(place)
        })
    }
}

tracing_handlers_file::file_handler!(RotatingFileHandler);

/// Rolls by size into a chain of numbered backups.
pub(crate) struct Rotation {
    pub(crate) policy: SizePolicy,
    pub(crate) chain: Chain,
    /// Beyond the backup count, which is the chain's own.
    pub(crate) retention: Retention,
    pub(crate) compressor: Option<Compressor>,
}

impl Rotation {
    fn delete_surplus(&self, place: Place<'_>, len: usize, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        if self.retention.needs_stats() {
            let backups = self.chain.oldest_first(place, len)?;
            self.retention.expired(place, &backups, now).iter().for_each(|path| remove(place, path, aftermath));
        }
        Ok(())
    }
}

impl Upkeep for Rotation {
    fn rolls(&self) -> bool {
        true
    }

    fn released(&mut self) {
        if let Some(compressor) = &self.compressor {
            compressor.released();
        }
    }

    fn background(&self) -> Option<Arc<dyn Background>> {
        self.compressor.as_ref().map(Compressor::background)
    }

    #[inline]
    fn inspect(&mut self, _: Place<'_>, file: &mut LogFile, arrival: Arrival) -> Verdict {
        let is_bare = file.is_bare() && arrival.waiting == 0;
        let is_due = !is_bare && self.policy.is_due(file.len().saturating_add(arrival.waiting), arrival.incoming);
        if is_due && file.is_regular() { Verdict::Roll } else { Verdict::Write }
    }

    fn roll(&mut self, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        if self.chain.backup_count == 0 {
            return Ok(());
        }
        match place.fs.stat(place.path) {
            Ok(stat) if stat.is_regular => {
                let mut moving = self.compressor.as_ref().map(Compressor::hold);
                if let Some(moving) = &mut moving {
                    moving.rolls(stat.id);
                }
                let len = self.chain.roll(place, &mut aftermath.unlinked)?;
                self.delete_surplus(place, len, now, aftermath)
            }
            Ok(_) => Err(Error::new(format!("roll {}: not a regular file", place.path.display()))),
            // Somebody removed it: there is nothing to keep.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io(format!("look at {}", place.path.display()), error)),
        }
    }
}
