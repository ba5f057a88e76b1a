//! Buffering: callers put lines into memory, one thread writes them out at an interval.
//!
//! The thread polls: waking it for every record would cost the caller 10 to 20 µs each. It is woken when the buffer is half full.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{DropReason, Error, Level, Stats, Timestamp, reentry};

use super::Shared;
use super::batch::Batch;
use crate::durability::is_at_or_above;
use crate::upkeep::Upkeep;

/// How a file handler buffers.
///
/// | setting | default |
/// |---|---|
/// | [`capacity`](Buffering::capacity): bytes in memory; a full buffer is written by the caller that meets it | 1 MiB |
/// | [`flush_interval`](Buffering::flush_interval): how long a record may stay in memory | 100 ms |
/// | [`flush_level`](Buffering::flush_level): a record at this level or above is written at once | none |
///
/// A buffered record is in memory until the next interval, flush, close, return from `main` or (but on Windows) `process::exit`. It is
/// lost by `abort`, `SIGKILL` and a power cut. Where writing fails, it stays in memory as long as there is room, and is written when
/// the fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffering {
    capacity: usize,
    flush_interval: Duration,
    flush_level: Option<Level>,
}

impl Default for Buffering {
    fn default() -> Self {
        Self { capacity: 1 << 20, flush_interval: Duration::from_millis(100), flush_level: None }
    }
}

impl Buffering {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most bytes in memory, twice that while they are being written.
    #[must_use]
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// How long a record may stay in memory.
    #[must_use]
    pub fn flush_interval(mut self, interval: Duration) -> Self {
        self.flush_interval = interval;
        self
    }

    /// A batch that need not grow while callers wait; memory that no line touched costs nothing.
    pub(super) fn batch(self) -> Batch {
        Batch::with_capacity(self.capacity)
    }

    /// Has a record at this level or above written at once, by the caller, with everything before it, as Python's `MemoryHandler`
    /// does. What came through `io::Write` has no level.
    #[must_use]
    pub fn flush_level(mut self, level: Level) -> Self {
        self.flush_level = Some(level);
        self
    }

    /// Whether a record of this level is written at once.
    #[inline]
    pub(super) fn is_due_after(self, level: Option<Level>) -> bool {
        self.flush_level.is_some_and(|threshold| is_at_or_above(level, threshold))
    }

    pub(super) fn interval(self) -> Duration {
        self.flush_interval
    }

    pub(super) fn check(self) -> Result<Self, Error> {
        if self.capacity == 0 {
            return Err(Error::config("buffered.capacity", self.capacity, "must be at least one byte"));
        }
        if self.flush_interval.is_zero() {
            return Err(Error::config(
                "buffered.flush_interval",
                "0",
                "must be positive; leave `buffered` out to write at once",
            ));
        }
        Ok(self)
    }
}

/// Where callers put their lines.
pub(super) struct Front {
    lines: Batch,
    capacity: usize,
    is_closed: bool,
    /// The writer was woken since the last swap.
    was_woken: bool,
    handled: u64,
    dropped: Stats,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Quietly,
    /// It is in, and the writer should hurry.
    HalfFull,
    NoRoom,
    Closed,
}

impl Front {
    pub(super) fn new(buffering: Buffering) -> Self {
        Self {
            lines: buffering.batch(),
            capacity: buffering.capacity,
            is_closed: false,
            was_woken: false,
            handled: 0,
            dropped: Stats::new(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, line: &[u8], at: Option<Timestamp>, needs_sync: bool) -> Pushed {
        if self.is_closed {
            return Pushed::Closed;
        }
        let after = self.lines.bytes_len() + line.len();
        // A line larger than the whole buffer is taken when it is alone.
        if after > self.capacity && self.lines.bytes_len() > 0 {
            return Pushed::NoRoom;
        }
        self.lines.push(line, at);
        self.lines.demand_sync(needs_sync);
        self.handled += 1;
        if after < self.capacity / 2 || self.was_woken {
            return Pushed::Quietly;
        }
        self.was_woken = true;
        Pushed::HalfFull
    }

    /// Counts the line as dropped where it does not fit.
    pub(super) fn push_or_drop(&mut self, line: &[u8], at: Option<Timestamp>, needs_sync: bool) -> Option<DropReason> {
        let reason = match self.push(line, at, needs_sync) {
            Pushed::Quietly | Pushed::HalfFull => return None,
            Pushed::NoRoom => DropReason::Full,
            Pushed::Closed => DropReason::Closed,
        };
        self.handled += 1;
        self.dropped.add_dropped(reason, 1);
        Some(reason)
    }

    /// Gives the lines to the writer in exchange for its empty batch.
    pub(super) fn swap(&mut self, empty: &mut Batch) {
        std::mem::swap(&mut self.lines, empty);
        self.was_woken = false;
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn stats(&self) -> Stats {
        self.dropped.with_handled(self.handled).with_pending(self.lines.pending())
    }
}

/// The thread that writes; ends when this is dropped.
pub(super) struct Writer {
    signal: Arc<Signal>,
}

#[derive(Default)]
struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
struct SignalState {
    is_urgent: bool,
    is_over: bool,
}

impl Writer {
    pub(super) fn start<U: Upkeep>(shared: &Arc<Shared<U>>, interval: Duration, timer: bool) -> Result<Self, Error> {
        let signal = Arc::new(Signal::default());
        let (weak, its_signal) = (Arc::downgrade(shared), Arc::clone(&signal));
        let run = move || {
            reentry::mark_thread();
            while its_signal.wait(interval) {
                let Some(shared) = weak.upgrade() else { break };
                if timer {
                    shared.roll_if_due();
                } else {
                    shared.relieve();
                }
                shared.sync_if_due(interval);
            }
        };
        let spawned = thread::Builder::new().name("log-writer".into()).spawn(run);
        spawned.map_err(|error| Error::io("start the thread log-writer", error))?;
        Ok(Self { signal })
    }

    #[cold]
    pub(super) fn wake(&self) {
        lock(&self.signal.state).is_urgent = true;
        self.signal.changed.notify_one();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        lock(&self.signal.state).is_over = true;
        self.signal.changed.notify_one();
    }
}

impl Signal {
    /// Waits for the interval or a wake-up; `false` when it is over.
    fn wait(&self, interval: Duration) -> bool {
        let state = lock(&self.state);
        let waited = self.changed.wait_timeout_while(state, interval, |state| !state.is_urgent && !state.is_over);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_urgent = false;
        !state.is_over
    }
}
