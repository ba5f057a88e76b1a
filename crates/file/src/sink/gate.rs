//! Where those wait who would keep the lock of a file, while somebody wants it alone.
//!
//! A stream of writers that lock a file together would keep the one out who has to roll it, were there no second lock. It is that of the
//! directory: nothing has to be made beside the log. It decides only who waits for whom; what is written where does not depend on it.

use std::path::Path;

use crate::fs::{FileOptions, Fs, FsFile};

/// The lock of the log's directory. One that cannot be opened or locked is an open gate.
#[derive(Default)]
pub(super) struct Gate {
    directory: Option<Box<dyn FsFile>>,
    is_closed: bool,
}

impl Gate {
    /// The gate of the file at `path`.
    pub(super) fn of(fs: &dyn Fs, path: &Path) -> Self {
        let directory = path.parent().and_then(|directory| fs.open_read(directory, &FileOptions::default()).ok());
        Self { directory, is_closed: false }
    }

    /// Whether nobody wants a file of this directory alone.
    pub(super) fn is_open(&mut self) -> bool {
        match self.directory.as_ref().map(|directory| directory.try_lock_shared()) {
            Some(Ok(true)) => {
                self.unlock();
                true
            }
            Some(Ok(false)) => false,
            Some(Err(_)) | None => true,
        }
    }

    /// Keeps others from passing, if that is possible now.
    pub(super) fn close(&mut self) {
        if !self.is_closed {
            self.is_closed = self.directory.as_ref().is_some_and(|directory| matches!(directory.try_lock(), Ok(true)));
        }
    }

    /// Lets others pass.
    pub(super) fn open(&mut self) {
        if std::mem::take(&mut self.is_closed) {
            self.unlock();
        }
    }

    /// A lock that cannot be let go of goes with the handle.
    fn unlock(&mut self) {
        self.directory.take_if(|directory| directory.unlock().is_err());
    }
}
