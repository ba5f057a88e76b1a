//! Who else writes to the file: handlers that take turns, or a second handler where one was expected.
//!
//! The lock is that of the file which is written, not of a file beside it. Whoever has the lock of the file *and* sees that file at
//! the path is the only one who may roll it; after a rollover the path shows another file, with a lock of its own.

use std::path::Path;
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::sync::attempt_before;
use tracing_handlers_core::{Deadline, Error, Timestamp};

use super::io::RETRY_AFTER;
use crate::log_file::LogFile;

/// How long a caller waits for another writer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a handler gets along with the other writers of its file.
pub(super) struct Turns {
    rule: Rule,
    /// Somebody else has the lock that one writer was to have alone.
    is_contested: bool,
    /// When the lock was awaited in vain.
    failed_at: Option<Timestamp>,
    is_noted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing is rolled: whoever appends does no harm.
    Anybody,
    /// The lock is held as long as the file is open.
    One,
    /// The lock is held for a write.
    Several,
}

impl Turns {
    pub(super) fn new(is_shared: bool, rolls: bool) -> Self {
        let rule = match (is_shared, rolls) {
            (true, _) => Rule::Several,
            (false, true) => Rule::One,
            (false, false) => Rule::Anybody,
        };
        Self { rule, is_contested: false, failed_at: None, is_noted: false }
    }

    #[inline]
    pub(super) fn is_shared(&self) -> bool {
        self.rule == Rule::Several
    }

    /// Whether others may have moved the file since the last write.
    #[inline]
    pub(super) fn has_others(&self) -> bool {
        self.is_shared() || self.is_contested
    }

    /// Whether a rollover of somebody else would be an accident, unknown as yet.
    pub(super) fn expects_nobody(&self) -> bool {
        self.rule == Rule::One && !self.is_contested
    }

    /// The file was opened.
    pub(super) fn begin(&mut self, path: &Path, file: &mut LogFile, notes: &mut Vec<Error>) {
        if !file.is_regular() {
            return;
        }
        match self.rule {
            Rule::Anybody => {}
            Rule::Several => file.share(),
            Rule::One => {
                // Where there are no locks, nothing is found out.
                self.is_contested = file.try_lock().is_ok_and(|is_locked| !is_locked);
                if self.is_contested {
                    file.share();
                    self.note(second_writer(path), notes);
                }
            }
        }
    }

    /// Waits for the lock, if it is taken for a write. Without it the record is written all the same.
    #[inline]
    pub(super) fn take(&mut self, path: &Path, file: &mut LogFile, clock: &ClockSource, notes: &mut Vec<Error>) {
        if !self.is_shared() || file.is_locked() {
            return;
        }
        if !matches!(file.try_lock(), Ok(true)) {
            self.wait(path, file, clock, notes);
        } else if self.failed_at.is_some() {
            (self.failed_at, self.is_noted) = (None, false);
        }
    }

    #[cold]
    fn wait(&mut self, path: &Path, file: &mut LogFile, clock: &ClockSource, notes: &mut Vec<Error>) {
        let now = clock.now();
        let was_patient = self.failed_at.is_some_and(|at| at.as_nanos().abs_diff(now.as_nanos()) < RETRY_AFTER);
        let deadline = if was_patient { Deadline::now() } else { Deadline::after(PATIENCE) };
        let what = || format!("lock {}", path.display());
        match attempt_before(deadline, || file.try_lock()) {
            Ok(true) => return,
            Ok(false) => self.note(Error::timed_out(format!("{}: another writer keeps it", what())), notes),
            Err(error) => self.note(Error::io(what(), error), notes),
        }
        if !was_patient {
            self.failed_at = Some(clock.now());
        }
    }

    /// Whether this handler is the one that rolls the file.
    pub(super) fn may_roll(&mut self, file: &mut LogFile) -> bool {
        if !file.is_regular() {
            return true;
        }
        if self.is_contested {
            // The other one may be gone.
            self.is_contested = file.try_lock().is_ok_and(|is_locked| !is_locked);
        }
        if self.is_shared() { file.is_locked() } else { !self.is_contested }
    }

    /// Lets the others write.
    #[inline]
    pub(super) fn pass(&self, path: &Path, file: Option<&mut LogFile>, notes: &mut Vec<Error>) {
        if let Some(file) = file.filter(|_| self.is_shared()) {
            let unlocked = file.unlock().map_err(|error| Error::io(format!("unlock {}", path.display()), error));
            notes.extend(unlocked.err());
        }
    }

    fn note(&mut self, error: Error, notes: &mut Vec<Error>) {
        if !self.is_noted {
            notes.push(error);
        }
        self.is_noted = true;
    }
}

fn second_writer(path: &Path) -> Error {
    let what = "another handler or process writes to it, so it is not rolled here; all of them need `shared(true)`";
    Error::new(format!("open {}: {what}", path.display()))
}
