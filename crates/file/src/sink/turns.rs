//! Who else writes to the file: handlers that take turns, or a second handler where one was expected.
//!
//! The lock is that of the file which is written, not of a file beside it. Whoever has the lock of the file *and* sees that file at
//! the path is the only one who may roll it; after a rollover the path shows another file, with a lock of its own.
//!
//! Those who only write have the lock together, and keep it for a while: as long as they do, nobody can roll, so they need not look.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::sync::attempt_before;
use tracing_handlers_core::{Deadline, Error, Timestamp};

use super::gate::Gate;
use super::io::RETRY_AFTER;
use super::lease::Lease;
use crate::fs::Fs;
use crate::log_file::LogFile;
use crate::settings::Settings;

/// How long a caller waits for another writer.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How long it waits once somebody has kept the lock for longer than that.
const LITTLE_PATIENCE: Duration = Duration::from_millis(20);

/// After how many attempts at the lock others are kept from sharing it.
const POLITE_ATTEMPTS: usize = 50;

/// How soon a record has to follow another so that the lock is kept, in nanoseconds. Keeping it for a single record would only wake a
/// thread.
const SOON: u64 = 1_000_000;

/// How a handler gets along with the other writers of its file.
pub(super) struct Turns {
    rule: Rule,
    /// Somebody else has the lock that one writer was to have alone.
    is_contested: bool,
    /// When the lock was awaited in vain.
    failed_at: Option<Timestamp>,
    is_noted: bool,
    /// Whether those who only write lock together.
    joins: bool,
    /// Ends what is kept. `None` where the lock is had for one write at a time.
    lease: Option<Arc<Lease>>,
    /// The lock that is shared is kept after the write.
    is_kept: bool,
    joined_at: Option<Timestamp>,
    gate: Gate,
    /// The file is near the end of its time: each record has to have the lock alone, so that limits are exact.
    is_ending: bool,
    /// What comes is a block of records, best written in one piece.
    is_block: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing is rolled: whoever appends does no harm.
    Anybody,
    /// The lock is held as long as the file is open.
    One,
    /// The lock is held for a write, or for several.
    Several,
}

impl Turns {
    pub(super) fn new(settings: &Settings, rolls: bool) -> Self {
        let rule = match (settings.shared, rolls) {
            (true, _) => Rule::Several,
            (false, true) => Rule::One,
            (false, false) => Rule::Anybody,
        };
        let joins = settings.shared && !settings.lease.is_zero();
        // A block of records has its lock for itself, and the next block is far away.
        let keeps = joins && settings.buffering.is_none();
        Self {
            rule,
            is_contested: false,
            failed_at: None,
            is_noted: false,
            joins,
            lease: keeps.then(Arc::default),
            is_kept: false,
            joined_at: None,
            gate: Gate::default(),
            is_ending: false,
            is_block: false,
        }
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

    pub(super) fn lease(&self) -> Option<Arc<Lease>> {
        self.lease.clone()
    }

    /// The file was opened.
    pub(super) fn begin(&mut self, fs: &dyn Fs, path: &Path, file: &mut LogFile, notes: &mut Vec<Error>) {
        if !file.is_regular() {
            return;
        }
        match self.rule {
            Rule::Anybody => {}
            Rule::Several => {
                file.share();
                self.is_ending = false;
                if self.lease.is_some() {
                    self.gate = Gate::of(fs, path);
                }
            }
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

    /// Whether each record has to have the lock alone.
    #[inline]
    pub(super) fn is_ending(&self) -> bool {
        self.is_ending
    }

    pub(super) fn set_ending(&mut self, is_ending: bool) {
        self.is_ending = is_ending;
    }

    /// What comes next is a block of records, or no longer.
    pub(super) fn expect_block(&mut self, is_block: bool) {
        self.is_block = is_block;
    }

    /// Locks the file together with others who write to it. Says whether: not if somebody has it alone, or wants to.
    pub(super) fn join(&mut self, file: &mut LogFile, clock: &ClockSource) -> bool {
        if !self.joins || self.is_block && matches!(file.try_lock(), Ok(true)) {
            return false;
        }
        let keeps = self.lease.is_some() && self.comes_soon(clock.now());
        let may_join = !keeps || self.gate.is_open();
        may_join && self.join_now(file, keeps)
    }

    fn comes_soon(&mut self, now: Timestamp) -> bool {
        let before = self.joined_at.replace(now);
        before.is_some_and(|at| at.as_nanos().abs_diff(now.as_nanos()) < SOON)
    }

    fn join_now(&mut self, file: &mut LogFile, keeps: bool) -> bool {
        let has_joined = matches!(file.try_join(), Ok(true));
        self.is_kept = has_joined && keeps;
        if let Some(lease) = self.lease.as_ref().filter(|_| self.is_kept) {
            lease.begin();
        }
        has_joined
    }

    /// Waits until nobody else has the lock. If that takes too long, the record is written all the same, beside those who write too.
    #[inline]
    pub(super) fn take(&mut self, path: &Path, file: &mut LogFile, clock: &ClockSource, notes: &mut Vec<Error>) {
        if !self.is_shared() || file.is_locked() {
            return;
        }
        if !matches!(file.try_lock(), Ok(true)) {
            self.wait(path, file, clock, notes);
        }
        if file.is_locked() {
            (self.failed_at, self.is_noted) = (None, false);
        }
    }

    #[cold]
    fn wait(&mut self, path: &Path, file: &mut LogFile, clock: &ClockSource, notes: &mut Vec<Error>) {
        let was_patient = self.has_waited(clock);
        let patience = if self.is_noted { LITTLE_PATIENCE } else { PATIENCE };
        let deadline = if was_patient { Deadline::now() } else { Deadline::after(patience) };
        let what = || format!("lock {}", path.display());
        let mut attempts = 0;
        let locked = attempt_before(deadline, || {
            attempts += 1;
            if attempts > POLITE_ATTEMPTS {
                self.gate.close();
            }
            file.try_lock()
        });
        self.gate.open();
        match locked {
            Ok(true) => return,
            Ok(false) => self.note(Error::timed_out(format!("{}: another writer keeps it", what())), notes),
            Err(error) => self.note(Error::io(what(), error), notes),
        }
        if !was_patient {
            self.failed_at = Some(clock.now());
        }
        if self.joins {
            // As long as it is locked together with whoever keeps it, nobody rolls it. Who waits for it needs all to let go at one time.
            let keeps = self.lease.is_some() && self.gate.is_open();
            self.join_now(file, keeps);
        }
    }

    /// Whether the lock was awaited in vain a moment ago.
    #[inline]
    pub(super) fn has_waited(&self, clock: &ClockSource) -> bool {
        self.failed_at.is_some_and(|at| at.as_nanos().abs_diff(clock.now().as_nanos()) < RETRY_AFTER)
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

    /// Lets the others have the file, unless it is shared with them for a while.
    #[inline]
    pub(super) fn pass(&self, path: &Path, file: Option<&mut LogFile>, notes: &mut Vec<Error>) {
        let is_kept = |file: &LogFile| self.is_kept && file.is_joined();
        if let Some(file) = file.filter(|file| self.is_shared() && !is_kept(file)) {
            let_go(path, file, notes);
        }
    }

    /// What is shared is kept no longer than for this write.
    pub(super) fn keep_no_longer(&mut self) {
        self.is_kept = false;
    }

    fn note(&mut self, error: Error, notes: &mut Vec<Error>) {
        if !self.is_noted {
            notes.push(error);
        }
        self.is_noted = true;
    }
}

/// Unlocks the file.
pub(super) fn let_go(path: &Path, file: &mut LogFile, notes: &mut Vec<Error>) {
    let unlocked = file.unlock().map_err(|error| Error::io(format!("unlock {}", path.display()), error));
    notes.extend(unlocked.err());
}

fn second_writer(path: &Path) -> Error {
    let what = "another handler or process writes to it, so it is not rolled here; all of them need `shared(true)`";
    Error::new(format!("open {}: {what}", path.display()))
}
