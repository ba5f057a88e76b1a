//! The file, its upkeep and its counters: everything that happens under the one lock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::{DropReason, Error, Stats, Timestamp, reentry};

use super::batch::Batch;
use super::buffered::Buffering;
use super::care::Care;
use super::turns::Turns;
use crate::cleanup;
use crate::fs::Fs;
use crate::identity::{Standing, standing};
use crate::log_file::LogFile;
use crate::settings::Settings;
use crate::upkeep::{Aftermath, Arrival, Background, Place, Upkeep, Verdict};

/// How long a rollover or a reopening that failed is left alone, in nanoseconds of the handler's clock.
pub(super) const RETRY_AFTER: u64 = 1_000_000_000;

/// How often the others may be faster with a rollover before a record is written all the same.
const FOLLOWED_AT_MOST: usize = 16;

pub(super) struct Io<U> {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    clock: ClockSource,
    upkeep: U,
    care: Care,
    turns: Turns,
    /// Whether records have a time of their own.
    is_timed: bool,
    delay: bool,
    /// What is in the file goes when it is opened for the first time.
    truncate: bool,
    /// `None` before the first record of a delayed file, and after close.
    file: Option<LogFile>,
    /// The file was rolled, but the new one could not be opened: records go on into the old file until it can.
    is_rolled: bool,
    failed_at: Option<Timestamp>,
    /// What an earlier process left is still to be rolled.
    rolls_first: bool,
    is_closed: bool,
    stats: Stats,
    /// Lines taken from the buffer and not yet written.
    back: Batch,
}

impl<U: Upkeep> Io<U> {
    pub(super) fn open(settings: Settings, mut upkeep: U, notes: &mut Vec<Error>) -> Result<Self, Error> {
        let care = Care::new(&settings);
        let turns = Turns::new(settings.shared, upkeep.rolls());
        let Settings { path, fs, clock, delay, roll_on_start, buffering, .. } = settings;
        // What is rolled is kept.
        let truncate = settings.truncate && !roll_on_start;
        let is_timed = upkeep.is_timed();
        let before = fs.stat(&path).ok().filter(|stat| stat.is_regular && !truncate);
        upkeep.opening(before.as_ref(), clock.now());
        let mut io = Self {
            fs,
            path,
            clock,
            upkeep,
            care,
            turns,
            is_timed,
            delay,
            truncate,
            file: None,
            is_rolled: false,
            failed_at: None,
            rolls_first: roll_on_start,
            is_closed: false,
            stats: Stats::new(),
            back: buffering.map_or_else(Batch::default, Buffering::batch),
        };
        if !delay {
            io.open_first(notes)?;
            io.roll_what_was_left(notes);
        }
        Ok(io)
    }

    /// Writes one record, whole, or counts it as dropped.
    #[inline]
    pub(super) fn write(&mut self, line: &[u8], needs_sync: bool, notes: &mut Vec<Error>) -> Result<(), Error> {
        // Asked here, under the lock, so that what is written later never came earlier.
        let at = self.arrival_time();
        let arrival = Arrival { incoming: line.len() as u64, waiting: 0, at };
        let written = self.prepare(arrival, notes).and_then(|()| self.append(line));
        self.pass_on(notes);
        match &written {
            Ok(()) => {
                self.stats.handled += 1;
                self.stats.delivered += 1;
                if needs_sync {
                    self.sync(notes);
                }
            }
            Err(error) => self.count_dropped(DropReason::of(error), 1),
        }
        written
    }

    /// When a record comes that is written at once.
    #[inline]
    fn arrival_time(&self) -> Timestamp {
        if self.is_timed { self.clock.now() } else { Timestamp::default() }
    }

    #[inline]
    fn append(&mut self, line: &[u8]) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Err(self.closed()) };
        file.append(line).map_err(|error| write_error(&self.path, error))
    }

    /// Writes all lines of a batch that can be written; says how many were lost, and why.
    pub(super) fn write_batch(&mut self, mut batch: Batch, notes: &mut Vec<Error>) -> (u64, Result<(), Error>) {
        let all = batch.pending();
        let written = self.write_lines(&mut batch, notes);
        let half = batch.half_written();
        let lost = batch.abandon();
        self.stats.handled += all - lost;
        if let Err(error) = &written {
            if let Some(file) = &mut self.file {
                file.take_back(half);
            }
            self.count_dropped(DropReason::of(error), lost);
        }
        self.pass_on(notes);
        if batch.take_sync_demand() {
            self.sync(notes);
        }
        (lost, written)
    }

    /// Writes the lines taken from the buffer; what fails stays for the next time.
    pub(super) fn write_back(&mut self, notes: &mut Vec<Error>) {
        if self.back.is_empty() {
            return;
        }
        let mut back = std::mem::take(&mut self.back);
        let written = self.write_lines(&mut back, notes);
        if let Some(file) = self.file.as_mut().filter(|_| self.turns.has_others()) {
            // What others write must not stand behind half a line.
            file.take_back(back.half_written());
            back.take_back_half();
        }
        self.pass_on(notes);
        match written {
            Ok(()) if back.take_sync_demand() => self.sync(notes),
            Ok(()) => {}
            Err(error) => notes.push(error),
        }
        self.back = back;
    }

    pub(super) fn back_is_empty(&self) -> bool {
        self.back.is_empty()
    }

    pub(super) fn back_mut(&mut self) -> &mut Batch {
        &mut self.back
    }

    fn write_lines(&mut self, batch: &mut Batch, notes: &mut Vec<Error>) -> Result<(), Error> {
        while !batch.is_empty() {
            let run = self.next_run(batch, notes)?;
            let Some(file) = &mut self.file else { return Err(self.closed()) };
            let (count, written) = file.append_some(batch.next(run));
            self.stats.delivered += batch.advance(count);
            written.map_err(|error| write_error(&self.path, error))?;
        }
        Ok(())
    }

    /// How many bytes go into the file in one write: whole lines, up to one before which the file has to be rolled.
    fn next_run(&mut self, batch: &Batch, notes: &mut Vec<Error>) -> Result<usize, Error> {
        // The rest of a half-written line belongs into the file that has its beginning.
        let mut run = 0_usize;
        let is_half_written = batch.half_written() > 0;
        for (index, len) in batch.lens().enumerate() {
            if index > 0 || !is_half_written {
                let at = batch.time(index).unwrap_or_else(|| self.arrival_time());
                let arrival = Arrival { incoming: len as u64, waiting: run as u64, at };
                if run == 0 {
                    self.prepare(arrival, notes)?;
                } else if self.verdict(arrival, notes) != Verdict::Write {
                    break;
                }
            }
            run += len;
        }
        Ok(run)
    }

    /// Makes the file ready for a record of `incoming` bytes: opened, the right one, rolled if that is due.
    #[inline]
    fn prepare(&mut self, arrival: Arrival, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.file.is_none() {
            self.open_first(notes)?;
        }
        match self.verdict(arrival, notes) {
            Verdict::Write => {}
            other => self.settle(other, arrival, notes),
        }
        // What somebody else emptied begins anew, and a header that could not be written is tried again.
        if self.care.has_header() {
            self.begin(notes);
        }
        Ok(())
    }

    #[inline]
    fn verdict(&mut self, arrival: Arrival, notes: &mut Vec<Error>) -> Verdict {
        if self.is_rolled && self.file.is_some() {
            return Verdict::Reopen;
        }
        if self.turns.has_others() && arrival.waiting == 0 && self.has_moved(notes) {
            return Verdict::Reopen;
        }
        let Some(file) = &mut self.file else { return Verdict::Write };
        let place = Place { fs: &*self.fs, path: &self.path };
        match if self.rolls_first { Verdict::Roll } else { self.upkeep.inspect(place, file, arrival) } {
            Verdict::Roll if !self.turns.may_roll(file) => Verdict::Write,
            verdict => verdict,
        }
    }

    /// Whether somebody else moved the file. If not, it stays where it is, and its size what it is, until the turn is passed on.
    fn has_moved(&mut self, notes: &mut Vec<Error>) -> bool {
        let Some(file) = self.file.as_mut().filter(|file| file.is_regular()) else { return false };
        self.turns.take(&self.path, file, &self.clock, notes);
        let at_path = self.fs.stat(&self.path);
        match (standing(file, &at_path), at_path) {
            (Standing::Moved, _) => return true,
            (Standing::Truncated(len), _) => file.was_truncated_to(len),
            (Standing::Same, Ok(stat)) => file.has_grown_to(stat.len),
            (Standing::Same, Err(_)) => {}
        }
        false
    }

    /// Reopens or rolls until there is a file that the record can be written to; others may be faster.
    #[cold]
    fn settle(&mut self, mut verdict: Verdict, arrival: Arrival, notes: &mut Vec<Error>) {
        for _ in 0..FOLLOWED_AT_MOST {
            let is_done = self.keep_up(verdict, arrival, notes);
            if !is_done || !self.turns.has_others() {
                return;
            }
            verdict = self.verdict(arrival, notes);
            if verdict == Verdict::Write {
                return;
            }
        }
    }

    #[inline]
    fn pass_on(&mut self, notes: &mut Vec<Error>) {
        self.turns.pass(&self.path, self.file.as_mut(), notes);
    }

    #[cold]
    fn open_first(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.is_closed {
            return Err(self.closed());
        }
        let mut file = self.care.open(&*self.fs, &self.path, self.truncate, notes)?;
        self.turns.begin(&self.path, &mut file, notes);
        self.rolls_first &= file.is_regular() && !file.is_empty();
        self.file = Some(file);
        self.truncate = false;
        self.is_rolled = false;
        self.upkeep.released();
        self.begin(notes);
        Ok(())
    }

    /// Rolls what an earlier process left, if that is wanted. Where it fails, it is tried again with the records that come.
    fn roll_what_was_left(&mut self, notes: &mut Vec<Error>) {
        if self.rolls_first {
            self.roll_if_due(self.clock.now(), notes);
        }
    }

    /// Writes the header, if nothing stands in the file; where others do the same, in turns.
    fn begin(&mut self, notes: &mut Vec<Error>) {
        if self.turns.is_shared() && !self.file.as_ref().is_some_and(LogFile::is_locked) {
            return;
        }
        if let Some(file) = self.file.as_mut().filter(|file| file.is_empty()) {
            self.care.begin(&self.path, file, &self.clock, notes);
        }
    }

    /// Takes back the line whose rest waits in memory, as it will be written to another file, and writes the footer if one is due.
    fn finish(&mut self, notes: &mut Vec<Error>) {
        if let Some(file) = &mut self.file {
            file.take_back(self.back.half_written());
            self.back.take_back_half();
            self.care.end(&self.path, file, &self.clock, notes);
        }
    }

    /// Records go on into this file after all.
    fn go_on(&mut self) {
        if let Some(file) = &mut self.file {
            file.take_footer_back();
        }
    }

    /// Reopens or rolls; says whether that worked. A failure is noted and tried again a second later; the old file goes on being
    /// written.
    #[cold]
    fn keep_up(&mut self, verdict: Verdict, arrival: Arrival, notes: &mut Vec<Error>) -> bool {
        let now = self.clock.now();
        let wait = self.failed_at.is_some_and(|at| at.as_nanos().abs_diff(now.as_nanos()) < RETRY_AFTER);
        if wait {
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
        notes.extend(done.err());
        is_done
    }

    /// Rolls because the user asked for it. A delayed file is opened with the next record, as it was at first.
    pub(super) fn roll_on_request(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
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
    fn take_hold(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.file.is_none() && self.turns.is_shared() && self.fs.stat(&self.path).is_ok() {
            self.open_first(notes)?;
        }
        for _ in 0..FOLLOWED_AT_MOST {
            if self.is_rolled || !self.turns.has_others() || !self.has_moved(notes) {
                break;
            }
            self.reopen(notes)?;
        }
        let may_roll = self.is_rolled || self.file.as_mut().is_none_or(|file| self.turns.may_roll(file));
        let refused = || Error::new(format!("roll {}: another handler or process has it", self.path.display()));
        if may_roll { Ok(()) } else { Err(refused()) }
    }

    /// Whether there is another file at the path, though nobody was expected to put it there.
    fn was_replaced(&self) -> bool {
        let Some(file) = self.file.as_ref().filter(|file| file.is_regular() && self.turns.expects_nobody()) else {
            return false;
        };
        !self.is_rolled && self.fs.stat(&self.path).is_ok_and(|stat| stat.is_regular && stat.id != file.id())
    }

    /// Whether there is nothing to keep. Of a file that is not open yet, what stands in it counts.
    fn is_bare(&self) -> bool {
        match &self.file {
            Some(file) => !self.is_rolled && file.is_regular() && file.is_bare(),
            None => !self.is_closed && self.fs.stat(&self.path).is_ok_and(|stat| stat.is_regular && stat.len == 0),
        }
    }

    /// Moves the old file away, opens the new one and only then lets go of the old.
    fn roll_over(&mut self, now: Timestamp, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.was_replaced() {
            // What somebody else put there is not rolled but gone on with: rolling it would leave that one in an archive.
            return self.reopen(notes);
        }
        self.roll(now, notes)?;
        self.reopen(notes)
    }

    /// Moves the file at the path away; the open one stays open until the next is.
    fn roll(&mut self, now: Timestamp, notes: &mut Vec<Error>) -> Result<(), Error> {
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
            self.go_on();
        }
        rolled
    }

    /// Opens the path again, and lets go of the old file if that works.
    pub(super) fn reopen(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.is_closed {
            return Err(self.closed());
        }
        let mut new = self.care.open(&*self.fs, &self.path, false, notes).inspect_err(|_| self.go_on())?;
        let was_rolled = std::mem::take(&mut self.is_rolled);
        self.failed_at = None;
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
        let unlocked = self.file.as_mut().map_or(Ok(()), LogFile::unlock);
        notes.extend(unlocked.err().map(|error| Error::io(format!("unlock {}", self.path.display()), error)));
        self.turns.begin(&self.path, &mut new, notes);
        if let Some(old) = self.file.replace(new) {
            cleanup::drop_later(old);
        }
        self.upkeep.released();
        self.begin(notes);
        Ok(())
    }

    /// The last that is done to an open file.
    fn let_go(&mut self, notes: &mut Vec<Error>) {
        // Where others write, what the file ends with is written by who rolls it.
        if !self.turns.has_others() {
            self.finish(notes);
        }
        if self.care.is_durable() {
            self.sync(notes);
        }
    }

    /// Brings to the disk what was written.
    #[cold]
    fn sync(&mut self, notes: &mut Vec<Error>) {
        self.care.sync(&*self.fs, &self.path, self.file.as_mut(), &self.clock, notes);
    }

    /// As `sync`, if the last time is long enough ago.
    pub(super) fn sync_if_due(&mut self, interval: Duration, tick: Duration, notes: &mut Vec<Error>) {
        if self.care.is_sync_due(interval, tick, self.clock.now()) {
            self.sync(notes);
        }
    }

    /// Says whether everything is on the disk that was written since the last flush.
    pub(super) fn sync_for_flush(&mut self, notes: &mut Vec<Error>) -> bool {
        self.sync(notes);
        !self.care.take_sync_failure()
    }

    /// Rolls an idle file, if it is due at `now`.
    pub(super) fn roll_if_due(&mut self, now: Timestamp, notes: &mut Vec<Error>) {
        let arrival = Arrival { at: now, ..Arrival::default() };
        if self.file.is_some() && self.verdict(arrival, notes) == Verdict::Roll {
            self.settle(Verdict::Roll, arrival, notes);
        }
        self.pass_on(notes);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn upkeep(&mut self) -> (&mut U, Place<'_>) {
        (&mut self.upkeep, Place { fs: &*self.fs, path: &self.path })
    }

    pub(super) fn background(&self) -> Option<Arc<dyn Background>> {
        self.upkeep.background()
    }

    pub(super) fn reopen_if_moved(&mut self, notes: &mut Vec<Error>) -> Result<bool, Error> {
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

    /// Lets go of the file; says how many lines could not be written before.
    pub(super) fn close(&mut self, notes: &mut Vec<Error>) -> u64 {
        self.let_go(notes);
        self.is_closed = true;
        self.file = None;
        self.upkeep.released();
        let abandoned = self.back.abandon();
        // Buffered lines were counted as handled when they were buffered.
        self.stats.add_dropped(DropReason::Failed, abandoned);
        abandoned
    }

    pub(super) fn count_dropped(&mut self, reason: DropReason, count: u64) {
        self.stats.handled += count;
        self.stats.add_dropped(reason, count);
    }

    pub(super) fn stats(&self) -> Stats {
        self.stats.with_pending(self.back.pending())
    }

    fn closed(&self) -> Error {
        Error::closed(self.path.display())
    }
}

fn write_error(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::io(format!("write {}", path.display()), error)
}
