//! Before a record is written to a file that others write to as well: beside them, or alone.
//!
//! Beside them is the common way: the lock is shared, and kept, so the file stays where it is, and one call says how large it is. Alone is
//! who rolls it, who begins it, and who comes so near to a limit that what others write at the same moment might decide.

use tracing_handlers_core::Error;

use super::Io;
use crate::identity::{Standing, standing};
use crate::log_file::LogFile;
use crate::sink::turns;
use crate::upkeep::{Arrival, Place, Upkeep, Verdict};

/// How many bytes others may be about to write at the same moment, at most, for limits to be exact.
const RESERVE: u64 = 64 << 10;

/// The most bytes that are written at once beside others, so that two fit into the reserve.
const AT_ONCE: u64 = RESERVE / 2;

impl<U: Upkeep> Io<U> {
    /// What is to be done before a record is written. Until the turn is passed on, the file stays where it is.
    #[inline]
    pub(super) fn verdict_among_others(&mut self, arrival: Arrival, notes: &mut Vec<Error>) -> Verdict {
        if arrival.waiting > 0 {
            return self.verdict_behind_others_of_a_block(arrival);
        }
        let is_beside = match &mut self.file {
            Some(file) if file.is_joined() => {
                let is_measured = file.measure().is_ok();
                // As somebody does not let go of the file, limits cannot be kept now, and it is not asked for with each record.
                if is_measured && self.turns.has_waited(&self.clock) {
                    return Verdict::Write;
                }
                is_measured
            }
            Some(file) if file.is_locked() || self.turns.is_ending() => false,
            Some(file) => {
                let has_joined = self.turns.join(file, &self.clock);
                if has_joined && self.is_elsewhere() {
                    self.turns.keep_no_longer();
                    return Verdict::Reopen;
                }
                has_joined
            }
            None => return Verdict::Write,
        };
        if is_beside && self.is_far_from_the_end(arrival) {
            return Verdict::Write;
        }
        self.verdict_alone(arrival, notes)
    }

    /// Whether limits stay exact whatever others write at this moment.
    #[inline]
    fn is_far_from_the_end(&mut self, arrival: Arrival) -> bool {
        let begun = !self.rolls_first && self.file.as_ref().is_some_and(|file| !file.is_bare());
        let largest = Arrival { incoming: arrival.incoming.saturating_add(RESERVE), ..arrival };
        begun && arrival.waiting.saturating_add(arrival.incoming) <= AT_ONCE && self.inspect(largest) == Verdict::Write
    }

    /// The turn was taken for the first record of the block. What does not fit beside others is the next block.
    fn verdict_behind_others_of_a_block(&mut self, arrival: Arrival) -> Verdict {
        let is_beside = self.file.as_ref().is_some_and(LogFile::is_joined);
        match self.inspect(arrival) {
            Verdict::Write if is_beside && !self.is_far_from_the_end(arrival) => Verdict::Roll,
            verdict => verdict,
        }
    }

    #[cold]
    fn verdict_alone(&mut self, arrival: Arrival, notes: &mut Vec<Error>) -> Verdict {
        if self.has_moved(notes) {
            self.turns.keep_no_longer();
            return Verdict::Reopen;
        }
        let largest = Arrival { incoming: arrival.incoming.saturating_add(RESERVE), ..arrival };
        let is_ending = self.inspect(largest) != Verdict::Write;
        self.turns.set_ending(is_ending);
        self.final_verdict(arrival)
    }

    /// What the upkeep says, unless a rollover is the business of somebody else.
    #[inline]
    pub(super) fn final_verdict(&mut self, arrival: Arrival) -> Verdict {
        let verdict = self.inspect(arrival);
        let may_roll = verdict != Verdict::Roll || self.file.as_mut().is_none_or(|file| self.turns.may_roll(file));
        if may_roll { verdict } else { Verdict::Write }
    }

    /// What the upkeep says.
    #[inline]
    pub(super) fn inspect(&mut self, arrival: Arrival) -> Verdict {
        let Some(file) = &mut self.file else { return Verdict::Write };
        let place = Place { fs: &*self.fs, path: &self.path };
        if self.rolls_first { Verdict::Roll } else { self.upkeep.inspect(place, file, arrival) }
    }

    /// Whether somebody else moved the file. If not, and nobody else has the lock, it stays where it is, and its size what it is, until the
    /// turn is passed on.
    pub(super) fn has_moved(&mut self, notes: &mut Vec<Error>) -> bool {
        let Some(file) = self.file.as_mut().filter(|file| file.is_regular()) else { return false };
        self.turns.take(&self.path, file, &self.clock, notes);
        self.is_elsewhere()
    }

    /// Looks whether the open file is still the one at the path, and how large it is.
    fn is_elsewhere(&mut self) -> bool {
        let Some(file) = self.file.as_mut().filter(|file| file.is_regular()) else { return false };
        let at_path = self.fs.stat(&self.path);
        match (standing(file, &at_path), at_path) {
            (Standing::Moved, _) => return true,
            (Standing::Truncated(len), _) => file.was_truncated_to(len),
            (Standing::Same, Ok(stat)) => file.has_grown_to(stat.len),
            (Standing::Same, Err(_)) => {}
        }
        false
    }

    /// Takes back the `count` bytes that the system took of a record. Where others write, that needs the file alone.
    pub(super) fn take_back(&mut self, count: usize, notes: &mut Vec<Error>) {
        let Some(file) = self.file.as_mut().filter(|_| count > 0) else { return };
        if file.is_regular() {
            self.turns.take(&self.path, file, &self.clock, notes);
        }
        file.take_back(count);
    }

    /// Lets go of the lock that was kept.
    pub(in crate::sink) fn end_lease(&mut self, notes: &mut Vec<Error>) {
        if let Some(file) = self.file.as_mut().filter(|file| file.is_joined()) {
            turns::let_go(&self.path, file, notes);
        }
    }

    #[inline]
    pub(super) fn pass_on(&mut self, notes: &mut Vec<Error>) {
        self.turns.pass(&self.path, self.file.as_mut(), notes);
    }
}
