//! The file, its upkeep and its counters: everything that happens under the one lock.

mod chase;
mod rolling;
mod sharing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::{DropReason, Error, Stats, Timestamp};

use super::batch::Batch;
use super::buffered::Buffering;
use super::care::Care;
use super::lease::Lease;
use super::turns::Turns;
use crate::fs::Fs;
use crate::log_file::LogFile;
use crate::settings::Settings;
use crate::upkeep::{Aftermath, Arrival, Background, Place, Upkeep, Verdict};

/// How long a rollover or a reopening that failed is left alone at first, in nanoseconds of the handler's clock.
pub(super) const RETRY_AFTER: u64 = 1_000_000_000;

/// A batch of more bytes than this is better written in one piece than beside others.
const SMALL_BLOCK: usize = 8 << 10;

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
    /// How often rolling failed since it worked.
    failed_in_a_row: u32,
    failed_rollovers: u64,
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
        let turns = Turns::new(&settings, upkeep.rolls());
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
            failed_in_a_row: 0,
            failed_rollovers: 0,
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
        let written = self.prepare(arrival, notes).and_then(|()| self.append(line, arrival, notes));
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
    fn append(&mut self, line: &[u8], arrival: Arrival, notes: &mut Vec<Error>) -> Result<(), Error> {
        let Some(file) = &mut self.file else { return Err(self.closed()) };
        let (count, written) = file.append_some(line);
        if written.is_ok() && count == line.len() {
            return Ok(());
        }
        self.take_back(count, notes);
        written.map_err(|error| write_error(&self.path, error))?;
        self.append_alone(line, arrival, notes)
    }

    /// The system took a part of a record beside others: it is written again, now that nobody else writes.
    #[cold]
    fn append_alone(&mut self, line: &[u8], arrival: Arrival, notes: &mut Vec<Error>) -> Result<(), Error> {
        self.prepare(arrival, notes)?;
        let Some(file) = &mut self.file else { return Err(self.closed()) };
        file.append(line).map_err(|error| write_error(&self.path, error))
    }

    /// Writes all lines of a batch that can be written; says how many were lost, and why.
    pub(super) fn write_batch(&mut self, batch: &mut Batch, notes: &mut Vec<Error>) -> (u64, Result<(), Error>) {
        let all = batch.pending();
        let written = self.write_lines(batch, notes);
        let half = batch.half_written();
        let lost = batch.abandon();
        self.stats.handled += all - lost;
        if let Err(error) = &written {
            self.take_back(half, notes);
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
        if self.file.is_some() && self.turns.has_others() {
            // What others write must not stand behind half a line.
            self.take_back(back.half_written(), notes);
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
        self.turns.expect_block(batch.bytes_len() > SMALL_BLOCK);
        let written = self.write_runs(batch, notes);
        self.turns.expect_block(false);
        written
    }

    fn write_runs(&mut self, batch: &mut Batch, notes: &mut Vec<Error>) -> Result<(), Error> {
        while !batch.is_empty() {
            let run = self.next_run(batch, notes)?;
            let Some(file) = &mut self.file else { return Err(self.closed()) };
            let (count, written) = file.append_some(batch.next(run));
            let is_cut = count < run;
            self.stats.delivered += batch.advance(count);
            if is_cut && written.is_ok() {
                // Beside others, who may have written on: the rest goes behind it only when nobody else writes.
                self.take_back(batch.half_written(), notes);
                batch.take_back_half();
            }
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
        if self.turns.is_shared() && self.file.as_ref().is_some_and(LogFile::is_regular) {
            return self.verdict_among_others(arrival, notes);
        }
        if self.turns.has_others() && arrival.waiting == 0 && self.has_moved(notes) {
            return Verdict::Reopen;
        }
        self.final_verdict(arrival)
    }

    #[cold]
    fn open_first(&mut self, notes: &mut Vec<Error>) -> Result<(), Error> {
        if self.is_closed {
            return Err(self.closed());
        }
        let mut aftermath = Aftermath::default();
        let place = Place { fs: &*self.fs, path: &self.path };
        let prepared = self.upkeep.before_opening(place, self.clock.now(), &mut aftermath);
        notes.append(&mut aftermath.notes);
        prepared?;
        let mut file = self.care.open(&*self.fs, &self.path, self.truncate, notes)?;
        self.turns.begin(&*self.fs, &self.path, &mut file, notes);
        self.rolls_first &= file.is_regular() && !file.is_empty();
        self.file = Some(file);
        self.truncate = false;
        self.is_rolled = false;
        self.release();
        self.begin(notes);
        Ok(())
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

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn upkeep(&mut self) -> (&mut U, Place<'_>) {
        (&mut self.upkeep, Place { fs: &*self.fs, path: &self.path })
    }

    /// What was rolled is not written to any more, unless somebody else does.
    fn release(&mut self) {
        if self.turns.expects_nobody() {
            self.upkeep.released();
        }
    }

    pub(super) fn lease(&self) -> Option<Arc<Lease>> {
        self.turns.lease()
    }

    pub(super) fn background(&self) -> Option<Arc<dyn Background>> {
        self.upkeep.background()
    }

    /// Lets go of the file; says how many lines could not be written before.
    pub(super) fn close(&mut self, notes: &mut Vec<Error>) -> u64 {
        self.let_go(notes);
        self.is_closed = true;
        self.file = None;
        self.release();
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

    pub(super) fn failed_rollovers(&self) -> u64 {
        self.failed_rollovers
    }

    fn closed(&self) -> Error {
        Error::closed(self.path.display())
    }
}

fn write_error(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::io(format!("write {}", path.display()), error)
}
