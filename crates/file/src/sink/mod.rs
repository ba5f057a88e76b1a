//! Where the records of every file handler go: format, then one lock, then one write; or a buffer and a writer thread.

mod batch;
mod buffered;
mod care;
mod gate;
mod io;
mod lease;
mod turns;

use std::fmt;
use std::io::Result as IoResult;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::with_line;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, DropReason, Error, Format, Handler, Level, Record, Stats, Timestamp, register_pending};

pub use self::buffered::Buffering;

use self::batch::Batch;
use self::buffered::{Front, Pushed, Writer};
use self::io::Io;
use self::lease::Landlord;
use crate::durability::Sync as SyncPolicy;
use crate::settings::Settings;
use crate::upkeep::{Place, Upkeep};

/// How often an idle file is looked at.
const TIMER_INTERVAL: Duration = Duration::from_millis(250);

/// How long a drop waits for a buffer to be written.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// The common body of all file handlers; `U` is what makes them different.
pub struct Sink<U: Upkeep> {
    shared: Arc<Shared<U>>,
    /// The thread that writes what is buffered and rolls an idle file. Ends when this is dropped.
    writer: Option<Writer>,
    /// There may be something to write or to sync at the end.
    closes_on_drop: bool,
    /// Where several write: the thread that lets go of the lock. Ends when this is dropped.
    _landlord: Option<Landlord>,
}

struct Shared<U> {
    format: Arc<dyn Format>,
    terminator: Vec<u8>,
    /// Where the time of a record comes from, if the upkeep needs it.
    clock: Option<ClockSource>,
    /// Taken before `front` where both are needed.
    io: Mutex<Io<U>>,
    /// Only with buffering: where callers put their lines.
    front: Option<Mutex<Front>>,
    buffering: Option<Buffering>,
    sync: SyncPolicy,
    reporter: Reporter,
    /// Memory for the next records that come together.
    spare: Mutex<Batch>,
}

/// As many bytes of lines are written at once: few enough to be in the processor's cache still.
const BLOCK_BYTES: usize = 128 << 10;

impl<U: Upkeep> Sink<U> {
    /// Opens the file (unless it is to be opened with the first record) and starts the writer thread, if there is to be one.
    ///
    /// # Errors
    ///
    /// Settings that cannot be, and a file that cannot be opened.
    pub fn open(kind: &str, settings: Settings, upkeep: U) -> Result<Self, Error> {
        let Settings { path, format, terminator, buffering, timer, on_failure, drain_on_exit, .. } = &settings;
        let reporter = Reporter::new(format!("{kind} {}", path.display()), on_failure.clone());
        let buffering = buffering.map(Buffering::check).transpose()?;
        let (format, terminator, drain_on_exit) = (Arc::clone(format), terminator.clone(), *drain_on_exit);
        let (timer, lease_length) = (*timer, settings.lease);
        let clock = upkeep.is_timed().then(|| settings.clock.clone());
        let (sync, has_footer) = (settings.sync, settings.hooks.on_close.is_some());
        let mut notes = Vec::new();
        let has_background = upkeep.background().is_some();
        let io = Io::open(settings, upkeep, &mut notes)?;
        let lease = io.lease();
        let front = buffering.map(|buffering| Mutex::new(Front::new(buffering)));
        let shared = Arc::new(Shared {
            format,
            terminator,
            clock,
            io: Mutex::new(io),
            front,
            buffering,
            sync,
            reporter,
            spare: Mutex::default(),
        });
        shared.report(notes);
        let needs_thread = buffering.is_some() || timer || sync.interval().is_some();
        let interval = interval_of(buffering, timer, sync);
        let writer = needs_thread.then(|| Writer::start(&shared, interval, timer)).transpose()?;
        let landlord = lease.map(|lease| Landlord::start(&shared, lease, lease_length)).transpose()?;
        if buffering.is_some() || sync.is_on() || has_footer || has_background {
            let handler: Arc<dyn Handler> = Arc::clone(&shared) as Arc<dyn Handler>;
            // Unbuffered records are in the kernel; the end of the process does them no harm.
            register_pending(&handler, drain_on_exit && buffering.is_some());
        }
        Ok(Self { shared, writer, closes_on_drop: buffering.is_some() || sync.is_on() || has_footer, _landlord: landlord })
    }

    /// Writes bytes as they are, as one record.
    ///
    /// # Errors
    ///
    /// The record was not taken; it is counted and reported.
    pub fn write_raw(&self, bytes: &[u8]) -> IoResult<usize> {
        if !bytes.is_empty() {
            self.shared.write_line(bytes, None, self.writer.as_ref())?;
        }
        Ok(bytes.len())
    }

    /// How often the file could not be rolled.
    pub fn failed_rollovers(&self) -> u64 {
        lock(&self.shared.io).failed_rollovers()
    }

    /// Runs `action` on the open file and what keeps it up, with everything buffered written before.
    pub fn with_io<R>(&self, action: impl FnOnce(&mut FileAccess<'_, U>) -> R) -> R {
        let mut io = lock(&self.shared.io);
        let mut notes = Vec::new();
        self.shared.drain(&mut io, &mut notes);
        let result = action(&mut FileAccess { io: &mut io, notes: &mut notes });
        drop(io);
        self.shared.report(notes);
        result
    }
}

/// The file of a sink, locked.
pub struct FileAccess<'a, U> {
    io: &'a mut Io<U>,
    notes: &'a mut Vec<Error>,
}

impl<U: Upkeep> FileAccess<'_, U> {
    /// The time by the handler's clock.
    pub fn now(&self) -> Timestamp {
        self.io.now()
    }

    /// What keeps the file up, and where it is.
    pub fn upkeep(&mut self) -> (&mut U, Place<'_>) {
        self.io.upkeep()
    }

    /// Rolls the file over now.
    ///
    /// # Errors
    ///
    /// The step that failed; the old file is still written to.
    pub fn roll_over(&mut self) -> Result<(), Error> {
        self.io.roll_on_request(self.notes)
    }

    /// Looks at the file as before a record, and opens it again if it is another. Says whether it did.
    ///
    /// # Errors
    ///
    /// The path cannot be opened; the old file is still written to.
    pub fn reopen_if_moved(&mut self) -> Result<bool, Error> {
        self.io.reopen_if_moved(self.notes)
    }

    /// Closes the file and opens the path again.
    ///
    /// # Errors
    ///
    /// The path cannot be opened; the old file is still written to.
    pub fn reopen(&mut self) -> Result<(), Error> {
        self.io.reopen(self.notes)
    }
}

impl<U: Upkeep> Handler for Sink<U> {
    #[inline]
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let shared = &*self.shared;
        let level = Some(record.level());
        let written =
            with_line(&*shared.format, record, &shared.terminator, |line| shared.write_line(line, level, self.writer.as_ref()));
        written.unwrap_or_else(|panicked| Err(shared.drop_one(panicked)))
    }

    fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        if self.shared.front.is_some() {
            return records.map(|record| self.handle(&record)).fold(Ok(()), Result::and);
        }
        self.shared.write_all(records)
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.shared.flush(deadline)
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.shared.close(deadline)
    }

    fn stats(&self) -> Stats {
        self.shared.stats()
    }
}

impl<U: Upkeep> Shared<U> {
    #[inline]
    fn write_line(&self, line: &[u8], level: Option<Level>, writer: Option<&Writer>) -> Result<(), Error> {
        match (&self.front, writer) {
            (Some(front), Some(writer)) => {
                self.push(front, line, level, writer)?;
                if self.buffering.is_some_and(|buffering| buffering.is_due_after(level)) {
                    // What cannot be written is reported and stays in memory.
                    self.relieve();
                }
                Ok(())
            }
            _ => self.write_now(line, level),
        }
    }

    #[inline]
    fn now(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(ClockSource::now)
    }

    #[inline]
    fn write_now(&self, line: &[u8], level: Option<Level>) -> Result<(), Error> {
        let mut notes = Vec::new();
        let written = lock(&self.io).write(line, self.sync.is_due_after(level), &mut notes);
        if !notes.is_empty() {
            self.report(notes);
        }
        written.map_err(|error| self.report_lost(error, 1))
    }

    #[inline]
    fn push(&self, front: &Mutex<Front>, line: &[u8], level: Option<Level>, writer: &Writer) -> Result<(), Error> {
        let needs_sync = self.sync.is_due_after(level);
        loop {
            let pushed = self.push_now(front, |front, at| front.push(line, at, needs_sync));
            match pushed {
                Pushed::Quietly => return Ok(()),
                Pushed::HalfFull => {
                    writer.wake();
                    return Ok(());
                }
                // The caller writes what is buffered itself, as a direct handler would have done line by line. Other callers may
                // have filled the room again before this one comes back, so only a fault ends this.
                Pushed::NoRoom if self.relieve() => {}
                Pushed::NoRoom | Pushed::Closed => break,
            }
        }
        let refused = self.push_now(front, |front, at| front.push_or_drop(line, at, needs_sync));
        refused.map_or(Ok(()), |reason| {
            let what = self.reporter.handler();
            let error = match reason {
                DropReason::Closed => Error::closed(what),
                _ => Error::full(format!("the buffer of {what} is full")),
            };
            Err(self.report_lost(error, 1))
        })
    }

    /// The time of a line is asked under the lock, so that lines stand in the order of their times.
    #[inline]
    fn push_now<R>(&self, front: &Mutex<Front>, push: impl Fn(&mut Front, Option<Timestamp>) -> R) -> R {
        let mut front = lock(front);
        push(&mut front, self.now())
    }

    /// Writes everything that is buffered; says whether nothing stayed behind.
    fn relieve(&self) -> bool {
        let mut notes = Vec::new();
        let mut io = lock(&self.io);
        self.drain(&mut io, &mut notes);
        let is_done = io.back_is_empty();
        drop(io);
        self.report(notes);
        is_done
    }

    /// Rolls the file if that is due, though no record came.
    fn roll_if_due(&self) {
        let mut notes = Vec::new();
        let mut io = lock(&self.io);
        // In this order: what is buffered after the drain came after `now`, so it belongs into the next file.
        let now = io.now();
        self.drain(&mut io, &mut notes);
        if io.back_is_empty() {
            io.roll_if_due(now, &mut notes);
        }
        drop(io);
        self.report(notes);
    }

    /// Lets go of the lock that was kept. The thread calls it.
    fn end_lease(&self) {
        let mut notes = Vec::new();
        lock(&self.io).end_lease(&mut notes);
        self.report(notes);
    }

    /// Brings to the disk what was written, if that is due. The thread calls it, each `tick`.
    fn sync_if_due(&self, tick: Duration) {
        let Some(interval) = self.sync.interval() else { return };
        let mut notes = Vec::new();
        lock(&self.io).sync_if_due(interval, tick, &mut notes);
        self.report(notes);
    }

    /// Writes everything that is buffered; what cannot be written stays.
    fn drain(&self, io: &mut Io<U>, notes: &mut Vec<Error>) {
        let Some(front) = &self.front else { return };
        // What an earlier, failed drain left goes first.
        io.write_back(notes);
        if io.back_is_empty() {
            lock(front).swap(io.back_mut());
            io.write_back(notes);
        }
    }

    /// Writes many records, a block of lines in each call.
    fn write_all(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        let mut block = std::mem::take(&mut *lock(&self.spare));
        let mut first = Ok(());
        for record in records {
            block.demand_sync(self.sync.is_due_after(Some(record.level())));
            // Each line for itself first: a format of somebody's own may do more than append. Without a time: it is asked under the lock,
            // as for a single record.
            let pushed = with_line(&*self.format, &record, &self.terminator, |line| block.push(line, None));
            first = first.and(pushed.map_err(|panicked| self.drop_one(panicked)));
            if block.bytes_len() >= BLOCK_BYTES {
                first = first.and(self.write_block(&mut block));
            }
        }
        if !block.is_empty() {
            first = first.and(self.write_block(&mut block));
        }
        *lock(&self.spare) = block;
        first
    }

    fn write_block(&self, block: &mut Batch) -> Result<(), Error> {
        let mut notes = Vec::new();
        let (lost, written) = lock(&self.io).write_batch(block, &mut notes);
        self.report(notes);
        written.map_err(|error| self.report_lost(error, lost))
    }

    fn drain_before(&self, deadline: Deadline) -> Result<(), Error> {
        let Some(mut io) = lock_before(&self.io, deadline) else {
            return Err(Error::timed_out(format!("flush {}", self.reporter.handler())));
        };
        let mut notes = Vec::new();
        self.drain(&mut io, &mut notes);
        let is_synced = !self.sync.is_on() || io.sync_for_flush(&mut notes);
        let is_done = io.back_is_empty() && is_synced;
        drop(io);
        let newest = self.report(notes);
        if is_done { Ok(()) } else { Err(newest.unwrap_or_else(|| self.not_flushed())) }
    }

    fn not_flushed(&self) -> Error {
        Error::timed_out(format!("flush {}: the file cannot be written", self.reporter.handler()))
    }

    /// Counts a record that the format panicked over.
    fn drop_one(&self, panicked: Error) -> Error {
        lock(&self.io).count_dropped(DropReason::Panicked, 1);
        self.reporter.lost(panicked, DropReason::Panicked, 1)
    }

    #[cold]
    fn report_lost(&self, error: Error, lost: u64) -> Error {
        let reason = DropReason::of(&error);
        self.reporter.lost(error, reason, lost)
    }

    /// Reports failures that lost nothing; gives back the newest.
    #[cold]
    fn report(&self, notes: Vec<Error>) -> Option<Error> {
        notes.into_iter().map(|note| self.reporter.note(note)).last()
    }
}

/// How often the thread looks: as often as the most impatient of its tasks wants.
fn interval_of(buffering: Option<Buffering>, timer: bool, sync: SyncPolicy) -> Duration {
    let timer = timer.then_some(TIMER_INTERVAL);
    let intervals = [buffering.map(Buffering::interval), timer.filter(|_| buffering.is_none()), sync.interval()];
    intervals.into_iter().flatten().min().unwrap_or(TIMER_INTERVAL)
}

/// What the exit hook and `shutdown` see of a buffered handler.
impl<U: Upkeep> Handler for Shared<U> {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        // Behind what is buffered, so that the order is kept.
        self.relieve();
        let level = Some(record.level());
        let written = with_line(&*self.format, record, &self.terminator, |line| self.write_now(line, level));
        written.unwrap_or_else(|panicked| Err(self.drop_one(panicked)))
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        let result = match &self.front {
            // What `handle` returned from is in the kernel.
            None if !self.sync.is_on() => Ok(()),
            _ => self.drain_before(deadline),
        };
        self.reporter.settle();
        result
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        let closed = self.close_file(deadline);
        closed.and(self.finish_background(deadline))
    }

    fn stats(&self) -> Stats {
        let io = lock(&self.io);
        let front = self.front.as_ref().map_or(Stats::new(), |front| lock(front).stats());
        io.stats().plus(front)
    }
}

impl<U: Upkeep> Shared<U> {
    /// Waits for what goes on in the background; what is not done by the deadline stays for the next handler.
    fn finish_background(&self, deadline: Deadline) -> Result<(), Error> {
        let Some(background) = lock_before(&self.io, deadline).and_then(|io| io.background()) else { return Ok(()) };
        let finished = background.finish(deadline);
        background.abandon();
        finished
    }

    fn close_file(&self, deadline: Deadline) -> Result<(), Error> {
        if let Some(front) = &self.front {
            lock(front).close();
        }
        let flushed = self.flush(deadline);
        let Some(mut io) = lock_before(&self.io, deadline) else {
            return flushed.and(Err(Error::timed_out(format!("close {}", self.reporter.handler()))));
        };
        let mut notes = Vec::new();
        let abandoned = io.close(&mut notes);
        drop(io);
        self.report(notes);
        if abandoned > 0 {
            let error = Error::new(format!("close {}: the buffer could not be written", self.reporter.handler()));
            self.report_lost(error, abandoned);
        }
        self.reporter.settle();
        flushed
    }
}

impl<U: Upkeep> Drop for Sink<U> {
    fn drop(&mut self) {
        if self.closes_on_drop {
            // A failure was counted and reported by `close`.
            self.shared.close_file(Deadline::after(DROP_TIMEOUT)).ok();
        }
    }
}

impl<U: Upkeep> fmt::Debug for Sink<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("handler", &self.shared.reporter.handler())
            .field("buffered", &self.shared.front.is_some())
            .finish_non_exhaustive()
    }
}
