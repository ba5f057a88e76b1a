//! What is done to a file before a record is written: nothing, look whether it moved, or roll it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing_handlers_core::{Deadline, Error, Timestamp};

use crate::fs::{Fs, Stat, Unlinked};
use crate::identity::{Standing, standing};
use crate::log_file::LogFile;

/// The difference between the handlers of the file family.
pub trait Upkeep: Send + 'static {
    /// Whether the time of each record has to be known. Asked once.
    fn is_timed(&self) -> bool {
        false
    }

    /// The path is about to be opened for the first time; `before` is what stands there, if anything does.
    fn opening(&mut self, before: Option<&Stat>, now: Timestamp) {
        let (_, _) = (before, now);
    }

    /// Sees to what stands at the path before it is opened, as no rollover did it.
    ///
    /// # Errors
    ///
    /// The path must not be opened as it is.
    fn before_opening(&mut self, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        let (_, _, _) = (place, now, aftermath);
        Ok(())
    }

    /// The path was opened, or the file was closed: what was rolled before is not written to any more.
    /// Not called while somebody else has the file that is to be rolled.
    fn released(&mut self) {}

    /// What goes on in the background, which closing the handler waits for.
    fn background(&self) -> Option<Arc<dyn Background>> {
        None
    }

    /// Whether it ever rolls the file. Asked once.
    fn rolls(&self) -> bool {
        false
    }

    /// Somebody else rolled the file; this is what stands at the path now, and is open.
    fn followed(&mut self, stat: &Stat, now: Timestamp) {
        let (_, _) = (stat, now);
    }

    /// Looks at the file before a record is appended to it.
    fn inspect(&mut self, place: Place<'_>, file: &mut LogFile, arrival: Arrival) -> Verdict;

    /// Whether a file in which nothing stands but its header is rolled when a rollover is asked for.
    fn rolls_bare_files(&self) -> bool {
        true
    }

    /// Moves the file at the path out of the way. Called only after [`Verdict::Roll`], or when a rollover is asked for.
    ///
    /// # Errors
    ///
    /// The first step that failed. The file at the path is then still where it was.
    fn roll(&mut self, place: Place<'_>, now: Timestamp, aftermath: &mut Aftermath) -> Result<(), Error> {
        let (_, _, _) = (place, now, aftermath);
        Ok(())
    }
}

/// Work for a handler on another thread.
pub trait Background: Send + Sync {
    /// Waits until nothing is left to do.
    ///
    /// # Errors
    ///
    /// The deadline passed before.
    fn finish(&self, deadline: Deadline) -> Result<(), Error>;

    /// Ends it as soon as possible; what is not done stays for the next handler.
    fn abandon(&self);
}

/// A record that is about to be appended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    /// Its bytes.
    pub incoming: u64,
    /// Bytes of other records that stand before it in the same write.
    pub waiting: u64,
    /// When it came; without meaning unless the upkeep is timed.
    pub at: Timestamp,
}

/// What a rollover leaves to be done.
#[derive(Default)]
pub struct Aftermath {
    /// Files whose blocks are to be freed.
    pub unlinked: Vec<Unlinked>,
    /// Failures that stopped nothing.
    pub notes: Vec<Error>,
}

/// Where a file is.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The file system.
    pub fs: &'a dyn Fs,
    /// The absolute path of the file that is written.
    pub path: &'a Path,
}

/// What has to be done before the record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Write,
    /// Open the path again: the file there is another.
    Reopen,
    /// Roll the file over.
    Roll,
}

/// Writes and looks at nothing: [`FileHandler`](crate::FileHandler).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Upkeep for Plain {
    #[inline]
    fn inspect(&mut self, _: Place<'_>, _: &mut LogFile, _: Arrival) -> Verdict {
        Verdict::Write
    }
}

/// Looks whether the file at the path is still the open one: [`WatchedFileHandler`](crate::WatchedFileHandler).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch;

impl Upkeep for Watch {
    fn inspect(&mut self, place: Place<'_>, file: &mut LogFile, arrival: Arrival) -> Verdict {
        if arrival.waiting > 0 {
            return Verdict::Write;
        }
        let at_path: io::Result<_> = place.fs.stat(place.path);
        match standing(file, &at_path) {
            Standing::Same => Verdict::Write,
            Standing::Truncated(len) => {
                file.was_truncated_to(len);
                Verdict::Write
            }
            Standing::Moved => Verdict::Reopen,
        }
    }
}
