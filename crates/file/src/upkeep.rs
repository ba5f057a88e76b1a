//! What is done to a file before a record is written: nothing, look whether it moved, or roll it.

use std::io;
use std::path::Path;

use tracing_handlers_core::Error;

use crate::fs::{Fs, Unlinked};
use crate::identity::{Standing, standing};
use crate::log_file::LogFile;

/// The difference between the handlers of the file family.
pub trait Upkeep: Send + 'static {
    /// Looks at the file before a record of `incoming` bytes is appended to it. `waiting` bytes stand before the record in
    /// the same write.
    fn inspect(&mut self, place: Place<'_>, file: &mut LogFile, waiting: u64, incoming: u64) -> Verdict;

    /// Moves the file at the path out of the way; what has to go for it is in `unlinked`. Called only after
    /// [`Verdict::Roll`], or when a rollover is asked for.
    ///
    /// # Errors
    ///
    /// The first step that failed. The file at the path is then still where it was.
    fn roll(&mut self, place: Place<'_>, unlinked: &mut Vec<Unlinked>) -> Result<(), Error>;
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
    fn inspect(&mut self, _: Place<'_>, _: &mut LogFile, _: u64, _: u64) -> Verdict {
        Verdict::Write
    }

    fn roll(&mut self, _: Place<'_>, _: &mut Vec<Unlinked>) -> Result<(), Error> {
        Ok(())
    }
}

/// Looks whether the file at the path is still the open one: [`WatchedFileHandler`](crate::WatchedFileHandler).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch;

impl Upkeep for Watch {
    fn inspect(&mut self, place: Place<'_>, file: &mut LogFile, waiting: u64, _: u64) -> Verdict {
        if waiting > 0 {
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

    fn roll(&mut self, _: Place<'_>, _: &mut Vec<Unlinked>) -> Result<(), Error> {
        Ok(())
    }
}
