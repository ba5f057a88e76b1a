//! Rolling and reopening: the old file is let go of only when there is a new one.

use std::path::Path;

use tracing_handlers_core::{Error, Timestamp, reentry};

use super::chase::Chase;
use super::{Io, RETRY_AFTER};
use crate::cleanup;
use crate::sink::turns;
use crate::upkeep::{Aftermath, Arrival, Place, Upkeep, Verdict};

/// Who is in the way (on Windows whoever has the file open without sharing it) may stay for hours.
const LONGEST_WAIT: u64 = 30 * RETRY_AFTER;
const MOST_DOUBLINGS: u32 = 5;

impl<U: Upkeep> Io<U> {
    /// Reopens or rolls until there is a file that the record can be written to; others may be faster.
    #[cold]
    pub(in crate::sink) fn settle(&mut self, mut verdict: Verdict, arrival: Arrival, notes: &mut Vec<Error>) {
        let mut chase = Chase::default();
        loop {
            let is_done = self.keep_up(verdict, arrival, notes);
            if !is_done || !self.turns.has_others() {
                return;
            }
            verdict = self.verdict(arrival, notes);
            if verdict == Verdict::Write {
                return;
            }
            if chase.is_over(verdict) {
                notes.extend((verdict == Verdict::Reopen).then(|| self.overtaken()));
                return;
            }
        }
    }

    fn overtaken(&self) -> Error {
        Error::timed_out(format!("follow {}: others rolled it each time", self.path.display()))
    }

    /// Rolls what an earlier process left, if that is wanted. Where it fails, it is tried again with the records that come.
    pub(in crate::sink) fn roll_what_was_left(&mut self, notes: &mut Vec<Error>) {
        if self.rolls_first {
            self.roll_if_due(self.clock.now(), notes);
        }
    }

    /// Rolls an idle file, if it is due at `now`.
    pub(in crate::sink) fn roll_if_due(&mut self, now: Timestamp, notes: &mut Vec<Error>) {
        let arrival = Arrival { at: now, ..Arrival::default() };
        if self.file.is_some() && self.verdict(arrival, notes) == Verdict::Roll {
            self.settle(Verdict::Roll, arrival, notes);
        }
        self.pass_on(notes);
    }

    pub(in crate::sink) fn reopen_if_moved(&mut self, notes: &mut Vec<Error>) -> Result<bool, Error> {
        if self.is_closed {
            return Err(self.closed());
        }
        let arrival = Arrival { at: self.clock.now(), ..Arrival::default() };
        match self.verdict(arrival, notes) {
            Verdict::Reopen => self.reopen(notes).map(|()| true),
            other => {
                if other == Verdict::Roll {
                    self.keep_up(other, arrival, notes);
                }
                Ok(false)
            }
        }
    }

    /// Reopens or rolls; says whether that worked. A failure is noted and tried again a second later, and a rollover after two seconds then,
    /// four and so on up to [`LONGEST_WAIT`]; the old file goes on being written.
    #[cold]
    pub(in crate::sink) fn keep_up(&mut self, verdict: Verdict, arrival: Arrival, notes: &mut Vec<Error>) -> bool {
        let now = self.clock.now();
        let wait = (RETRY_AFTER << self.failed_in_a_row.saturating_sub(1).min(MOST_DOUBLINGS)).min(LONGEST_WAIT);
        if self.failed_at.is_some_and(|at| at.as_nanos().abs_diff(now.as_nanos()) < wait) {
            return false;
        }
        let done = match verdict {
            Verdict::Write => Ok(()),
            Verdict::Reopen => self.reopen(notes),
            // A record may have waited in a buffer: its own time says which file comes next.
            Verdict::Roll => self.roll_over(if self.is_timed { arrival.at } else { now }, notes),
        };
        let is_done = done.is_ok();
        self.failed_at = (!is_done).then_some(now);
        // A file that is only to be followed is found again at once.
        self.failed_in_a_row = if !is_done && verdict == Verdict::Roll { self.failed_in_a_row.saturating_add(1) } else { 0 };
        notes.extend(done.err());
        is_done
    }

    /// Rolls because the user asked for it. A delayed file is opened with the next record, as it was at first.
    pub(in crate::sink) fn roll_on_request(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if !self.upkeep.rolls_bare_files() && self.is_bare() {
            return Ok(());
        }
        let now = self.clock.now();
        let rolled = self.take_hold(notes).and_then(|()| match self.delay {
            true => self.roll(now, notes),
            false => self.roll_over(now, notes),
        });
        self.pass_on(notes);
        rolled
    }

    /// Makes sure that nobody else rolls the file at the path.
    pub(in crate::sink) fn take_hold(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.file.is_none() && self.turns.is_shared() && self.fs.stat(&self.path).is_ok() {
            self.open_first(notes)?;
        }
        let refused = |path: &Path| Error::new(format!("roll {}: another handler or process has it", path.display()));
        let mut chase = Chase::default();
        while !self.is_rolled && self.turns.has_others() && self.has_moved(notes) {
            if chase.is_over(Verdict::Reopen) {
                // The lock is that of a file which somebody else rolled: it says nothing about the one at the path.
                self.pass_on(notes);
                return Err(refused(&self.path));
            }
            self.reopen(notes)?;
        }
        let may_roll = self.is_rolled || self.file.as_mut().is_none_or(|file| self.turns.may_roll(file));
        if may_roll { Ok(()) } else { Err(refused(&self.path)) }
    }

    /// Whether there is another file at the path, though nobody was expected to put it there.
    pub(in crate::sink) fn was_replaced(&self) -> bool {
        let Some(file) = self.file.as_ref().filter(|file| file.is_regular() && self.turns.expects_nobody()) else {
            return false;
        };
        !self.is_rolled && self.fs.stat(&self.path).is_ok_and(|stat| stat.is_regular && stat.id != file.id())
    }

    /// Whether there is nothing to keep. Of a file that is not open yet, what stands in it counts.
    pub(in crate::sink) fn is_bare(&self) -> bool {
        match &self.file {
            Some(file) => !self.is_rolled && file.is_regular() && file.is_bare(),
            None => !self.is_closed && self.fs.stat(&self.path).is_ok_and(|stat| stat.is_regular && stat.len == 0),
        }
    }

    /// Moves the old file away, opens the new one and only then lets go of the old.
    pub(in crate::sink) fn roll_over(&mut self, now: Timestamp, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.was_replaced() {
            // What somebody else put there is not rolled but gone on with: rolling it would leave that one in an archive.
            return self.reopen(notes);
        }
        self.roll(now, notes)?;
        self.reopen(notes)
    }

    /// Moves the file at the path away; the open one stays open until the next is.
    pub(in crate::sink) fn roll(&mut self, now: Timestamp, notes: &mut Vec<Error>) -> Result<(), Error> {
        // Hooks of the user run here; what they log must not come back to this lock.
        let _own_work = reentry::enter();
        if self.is_closed {
            return Err(self.closed());
        }
        if self.is_rolled {
            return Ok(());
        }
        self.care.remember(&*self.fs, &self.path, self.file.as_ref());
        self.finish(notes);
        let mut aftermath = Aftermath::default();
        let rolled = self.upkeep.roll(Place { fs: &*self.fs, path: &self.path }, now, &mut aftermath);
        if !aftermath.unlinked.is_empty() {
            cleanup::drop_later(aftermath.unlinked);
        }
        notes.append(&mut aftermath.notes);
        self.is_rolled = rolled.is_ok();
        if self.is_rolled {
            self.rolls_first = false;
        } else {
            self.failed_rollovers += 1;
            self.go_on();
        }
        rolled
    }

    /// Opens the path again, and lets go of the old file if that works.
    pub(in crate::sink) fn reopen(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.is_closed {
            return Err(self.closed());
        }
        let mut new = self.care.open(&*self.fs, &self.path, false, notes).inspect_err(|_| self.go_on())?;
        let was_rolled = std::mem::take(&mut self.is_rolled);
        (self.failed_at, self.failed_in_a_row) = (None, 0);
        match &self.file {
            Some(old) if old.id() == new.id() => new.continues(old),
            Some(_) if !was_rolled => {
                if let Ok(stat) = new.stat() {
                    self.upkeep.followed(&stat, self.clock.now());
                }
                self.let_go(notes);
            }
            _ => self.let_go(notes),
        }
        // The lock may be that of the same file.
        if let Some(file) = &mut self.file {
            turns::let_go(&self.path, file, notes);
        }
        self.turns.begin(&*self.fs, &self.path, &mut new, notes);
        if let Some(old) = self.file.replace(new) {
            // On Windows a file may keep its name as long as it is open, also when it was removed: who compresses it is to be rid of it.
            if cfg!(windows) { drop(old) } else { cleanup::drop_later(old) }
        }
        self.release();
        self.begin(notes);
        Ok(())
    }
}
