//! `BoundedQueue`: push, take, wait, and the flush barrier.

use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;

use super::batch::{Batch, Room};
use super::entry::Parts;
use super::lock::{Guard, Lock};
use super::overflow::{Limits, Overflow};
use super::segments::Segments;
use super::signal::Signal;
use super::state::State;
use super::wake::{Consumer, Pace};
use crate::clock::monotonic;
use crate::{Deadline, DropReason, Record, Stats};

/// A queue of encoded records, bounded in records and bytes, with many producers and one consumer.
///
/// ```
/// use tracing_handlers_core::Record;
/// use tracing_handlers_core::buffer::{Batch, BoundedQueue, Limits};
///
/// let queue = BoundedQueue::new(Limits { records: 1, ..Limits::default() });
/// let record = Record::builder().message("hello").build();
/// assert!(queue.push(&record.as_record()).result.is_ok());
/// assert!(queue.push(&record.as_record()).result.is_err());
///
/// let mut batch = Batch::new();
/// let taken = queue.take(&mut batch);
/// assert_eq!(taken.records, 1);
/// assert!(taken.summary.is_some(), "a record of what was dropped is due");
/// queue.finish(0, Default::default());
/// assert_eq!((queue.stats().delivered, queue.stats().dropped()), (2, 1));
/// ```
#[derive(Debug)]
pub struct BoundedQueue {
    limits: Limits,
    state: Lock<State>,
    /// The consumer waits here for records.
    work: Signal,
    /// Producers wait here for room.
    room: Signal,
    /// Flushes wait here for what is under way.
    progress: Signal,
}

/// What became of a record that was pushed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Pushed {
    /// Whether the record is in.
    pub result: Result<(), DropReason>,
    /// Drops that it is time to report.
    pub report: Option<Box<Stats>>,
}

/// What the consumer took.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// How many records.
    pub records: usize,
    /// Whether there are others left.
    pub is_more: bool,
    /// Drops that it is time to write a record of.
    pub summary: Option<Stats>,
}

impl BoundedQueue {
    /// An empty queue within these limits.
    pub fn new(limits: Limits) -> Self {
        let state = State::new(&limits);
        let [work, room, progress] = [(); 3].map(|()| Signal::new());
        Self { limits, state: Lock::new(state), work, room, progress }
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes a record in, or counts it as dropped.
    #[inline(always)]
    pub fn push(&self, record: &Record<'_>) -> Pushed {
        match self.push_calmly(record) {
            true => Pushed { result: Ok(()), report: None },
            false => self.push_with_care(*record),
        }
    }

    /// Takes in what has no consequences; says whether it did.
    #[inline(always)]
    fn push_calmly(&self, record: &Record<'_>) -> bool {
        if record.level() <= self.limits.wake_level {
            return false;
        }
        let Some(parts) = Parts::of(record) else { return false };
        let mut state = self.state.lock();
        let State { filling, calm, accepted, .. } = &mut *state;
        if !filling.last().has_room(*calm, Parts::most_bytes(record)) {
            return false;
        }
        let shared = filling.last().shared_bytes_len();
        let is_in = filling.push_to_last(record, parts, *accepted + 1);
        *accepted += u64::from(is_in);
        // What spans take counts once; where they are new, the room is another.
        if record.spans.kept.is_some() && filling.last().shared_bytes_len() != shared {
            *calm = Room::NONE;
        }
        is_in
    }

    /// By value: a record whose address nobody takes stays in registers on the way of most.
    #[cold]
    #[inline(never)]
    fn push_with_care(&self, record: Record<'_>) -> Pushed {
        let mut state = self.state.lock();
        if !state.try_push(&record, &self.limits) {
            return self.push_without_room(state, record);
        }
        let wakes = state.wakes(&record, &self.limits);
        let report = state.evicted_report();
        state.calm = state.find_calm(&self.limits);
        if wakes {
            self.wake(state);
        }
        Pushed { result: Ok(()), report }
    }

    fn push_without_room<'s>(&'s self, mut state: Guard<'s, State>, record: Record<'_>) -> Pushed {
        let mut is_in = false;
        if let (Overflow::Block(patience), false) = (self.limits.overflow, state.is_closed) {
            let deadline = Deadline::after(patience);
            while !is_in && !state.is_closed && !deadline.has_passed() {
                state = self.wait_for_room(state, deadline);
                is_in = state.try_push(&record, &self.limits);
            }
        }
        let wakes = state.wakes(&record, &self.limits);
        let reason = if state.is_closed { DropReason::Closed } else { DropReason::Full };
        if !is_in {
            state.drop_one(reason);
            state.beside += 1;
        }
        let report = state.report_if_due();
        if wakes {
            self.wake(state);
        }
        Pushed { result: if is_in { Ok(()) } else { Err(reason) }, report }
    }

    /// The state, for whoever may change it: what a push may rely on has to be found out again.
    fn change(&self) -> Guard<'_, State> {
        let mut state = self.state.lock();
        state.calm = Room::NONE;
        state
    }

    fn wait_for_room<'s>(&'s self, mut state: Guard<'s, State>, deadline: Deadline) -> Guard<'s, State> {
        // Who is full was half full: the consumer was woken. It may have gone to sleep over a batch since.
        state.is_urgent = true;
        let ticket = self.room.ticket();
        self.wake(state);
        self.room.wait(ticket, deadline.remaining());
        self.state.lock()
    }

    /// Gives the state to others until the signal comes, or for so long.
    fn wait_for<'s>(&'s self, signal: &Signal, state: Guard<'s, State>, longest: Option<Duration>) -> Guard<'s, State> {
        let ticket = signal.ticket();
        drop(state);
        signal.wait(ticket, longest);
        self.state.lock()
    }

    /// Takes the oldest batch of records in exchange for `batch`, whose content is forgotten. What is taken is pending until
    /// [`finish`](Self::finish).
    pub fn take(&self, batch: &mut Batch) -> Taken {
        self.take_by(batch, Segments::take_batch)
    }

    /// Takes the oldest records, so many of them or so many bytes at most, but one at least.
    pub fn take_some(&self, batch: &mut Batch, records: usize, bytes: usize) -> Taken {
        self.take_by(batch, |waiting, batch| waiting.take(batch, records, bytes))
    }

    fn take_by(&self, batch: &mut Batch, take: impl FnOnce(&mut Segments, &mut Batch)) -> Taken {
        batch.clear();
        let mut state = self.change();
        take(&mut state.filling, batch);
        state.taken = state.filling.oldest().map_or(state.accepted, |oldest| oldest - 1);
        state.in_flight = batch.len() as u64;
        let now = (state.unsummarized.drops.dropped() > 0).then(monotonic);
        let summary = match now {
            Some(_) if state.is_closed => state.unsummarized.take(None),
            Some(now) => state.unsummarized.take_if_due(now),
            None => None,
        };
        state.in_flight += u64::from(summary.is_some());
        state.beside += u64::from(summary.is_some());
        let is_more = !state.filling.is_empty();
        drop(state);
        if !batch.is_empty() {
            self.room.give();
        }
        Taken { records: batch.len(), is_more, summary }
    }

    /// Settles some of what was taken, before the rest.
    pub fn settle(&self, delivered: u64, dropped: Stats) {
        let mut state = self.change();
        let delivered = delivered.min(state.in_flight);
        state.delivered += delivered;
        state.in_flight -= delivered;
        for reason in DropReason::ALL {
            let count = dropped.dropped_for(reason).min(state.in_flight);
            state.dropped.add_dropped(reason, count);
            state.in_flight -= count;
        }
    }

    /// Settles all that is left of what was taken: delivered, but for those `lost` to a panic. `target` is what the place they went
    /// to counted.
    pub fn finish(&self, lost: u64, target: Stats) {
        let mut state = self.change();
        let lost = lost.min(state.in_flight);
        state.delivered += state.in_flight - lost;
        state.dropped.add_dropped(DropReason::Panicked, lost);
        state.in_flight = 0;
        state.done = state.taken;
        state.target = target;
        drop(state);
        self.progress.give();
    }

    /// A consumer that is a task begins to wait: for how long it may, and `None` is until it is woken. It asks
    /// [`poll_woken`](Self::poll_woken) meanwhile, and ends with [`end_wait`](Self::end_wait).
    pub fn begin_wait(&self, pace: &mut Pace) -> Option<Duration> {
        self.change().begin_wait(pace, self.limits.max_delay)
    }

    /// The same for company for the records that are there: it is woken for so many, or so many bytes. `false` if they are there already.
    pub fn begin_linger(&self, records: usize, bytes: usize) -> bool {
        let mut state = self.change();
        state.much = self.limits.much().or_less(records, bytes);
        let is_short = !state.much.is_reached(state.filling.len(), state.filling.bytes_len());
        state.consumer = if is_short { Consumer::Polling } else { Consumer::Busy };
        is_short
    }

    /// Whether the consumer should look; if not, the task is woken when it should.
    pub fn poll_woken(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.change();
        if state.is_urgent || state.is_over() || state.consumer == Consumer::Busy {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// The consumer is at work again. Says whether somebody wants it to look at once: for much, for something important, or to flush.
    pub fn end_wait(&self) -> bool {
        let mut state = self.change();
        state.consumer = Consumer::Busy;
        state.much = self.limits.much();
        state.waker = None;
        mem::take(&mut state.is_urgent)
    }

    /// Wakes the consumer, whatever it is.
    fn wake(&self, mut state: Guard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.work.give();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The consumer waits for records, for its pace or for a wake-up.
    pub fn wait(&self, pace: &mut Pace) {
        let mut state = self.change();
        if !state.is_urgent && !state.is_over() {
            let pause = state.begin_wait(pace, self.limits.max_delay);
            // Woken for no reason, the consumer looks once too often.
            state = self.wait_for(&self.work, state, pause);
        }
        state.consumer = Consumer::Busy;
        state.is_urgent = false;
    }

    /// Has the consumer look now; gives the number up to which everything was accepted.
    pub fn barrier(&self) -> u64 {
        let mut state = self.change();
        state.is_urgent = true;
        let sequence = state.accepted;
        self.wake(state);
        sequence
    }

    /// Waits until everything up to a [`barrier`](Self::barrier) was settled; `false` if the time is up first.
    pub fn wait_until_done(&self, sequence: u64, deadline: Deadline) -> bool {
        let mut state = self.change();
        while state.done < sequence {
            if deadline.has_passed() {
                return false;
            }
            state = self.wait_for(&self.progress, state, deadline.remaining());
        }
        true
    }

    /// The number up to which everything was accepted, without a hurry.
    pub fn accepted(&self) -> u64 {
        self.state.lock().accepted
    }

    /// Whether everything up to a [`barrier`](Self::barrier) was settled.
    pub fn is_done(&self, sequence: u64) -> bool {
        self.state.lock().done >= sequence
    }

    /// Refuses records from now on; what is in stays for the consumer.
    pub fn close(&self) {
        let mut state = self.change();
        state.is_closed = true;
        self.wake(state);
        self.room.give();
    }

    /// Tells the consumer to end, or that a new one begins.
    pub fn set_stopped(&self, is_stopped: bool) {
        let mut state = self.change();
        state.is_stopped = is_stopped;
        self.wake(state);
    }

    /// Whether the consumer should end, after it took what is in by now: it was stopped, or the queue is closed.
    pub fn is_over(&self) -> bool {
        self.state.lock().is_over()
    }

    /// Drops that were not reported yet, for flush and close.
    pub fn take_unreported(&self) -> Option<Stats> {
        self.change().unreported.take(None)
    }

    /// The queue's own counters: delivered is what the consumer settled.
    pub fn stats(&self) -> Stats {
        self.state.lock().stats()
    }

    /// The counters, those of the target after the last batch, and the number of that batch where none is under way.
    pub fn snapshot(&self) -> (Stats, Stats, Option<u64>) {
        let state = self.state.lock();
        let quiet = (state.in_flight == 0).then_some(state.done);
        (state.stats(), state.target, quiet)
    }
}
