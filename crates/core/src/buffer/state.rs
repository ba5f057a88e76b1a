//! What a queue knows while its lock is held: what waits, who waits, and the books.

use std::mem;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::batch::Room;
use super::overflow::{Limits, Much, Overflow};
use super::segments::Segments;
use super::wake::{Consumer, Pace};
use crate::clock::monotonic;
use crate::{DropReason, Level, Record, Stats};

/// How often drops are told of.
const TOLD_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct State {
    pub(super) filling: Segments,
    /// While the batch that is being filled has this room, one more record has no consequences: nobody has to be woken or told of drops,
    /// and it fits. Only a push keeps it; whoever else changes anything makes it none.
    pub(super) calm: Room,
    pub(super) is_closed: bool,
    pub(super) is_stopped: bool,
    pub(super) consumer: Consumer,
    /// How to wake a consumer that is a task.
    pub(super) waker: Option<Waker>,
    /// The consumer should look now.
    pub(super) is_urgent: bool,
    /// What makes it urgent.
    pub(super) much: Much,
    /// Counts accepted records; what is flushed is everything up to one of these numbers.
    pub(super) accepted: u64,
    pub(super) taken: u64,
    pub(super) done: u64,
    pub(super) in_flight: u64,
    /// So many were handled and not accepted: refused, or made of what was dropped.
    pub(super) beside: u64,
    pub(super) delivered: u64,
    pub(super) dropped: Stats,
    /// What the consumer said of its target after the last batch.
    pub(super) target: Stats,
    pub(super) unreported: Told,
    pub(super) unsummarized: Told,
}

/// Drops that nobody was told of yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) drops: Stats,
    pub(super) at: Option<Instant>,
}

impl Told {
    pub(super) fn take_if_due(&mut self, now: Instant) -> Option<Stats> {
        let too_soon = self.at.is_some_and(|at| now.saturating_duration_since(at) < TOLD_EVERY);
        if too_soon { None } else { self.take(Some(now)) }
    }

    pub(super) fn take(&mut self, now: Option<Instant>) -> Option<Stats> {
        if self.drops.dropped() == 0 {
            return None;
        }
        self.at = now.or(self.at);
        Some(mem::take(&mut self.drops))
    }
}

impl State {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            filling: Segments::default(),
            calm: Room::NONE,
            is_closed: false,
            is_stopped: false,
            consumer: Consumer::Busy,
            waker: None,
            is_urgent: false,
            much: limits.much(),
            accepted: 0,
            taken: 0,
            done: 0,
            in_flight: 0,
            beside: 0,
            delivered: 0,
            dropped: Stats::new(),
            target: Stats::new(),
            unreported: Told::default(),
            unsummarized: Told::default(),
        }
    }

    /// Pushes, after others made room as the policy has it.
    pub(super) fn try_push(&mut self, record: &Record<'_>, limits: &Limits) -> bool {
        // What drops the newest need not encode it first.
        let is_full =
            self.filling.len() >= limits.records && matches!(limits.overflow, Overflow::DropNewest | Overflow::Block(_));
        if self.is_closed || is_full {
            return false;
        }
        self.filling.push_numbered(record, self.accepted + 1);
        if !limits.fit(self.filling.len(), self.filling.bytes_len()) && !self.make_room(record.level(), limits) {
            self.filling.pop();
            return false;
        }
        self.accepted += 1;
        true
    }

    /// After a record was taken in, and whoever sleeps was woken for it.
    pub(super) fn find_calm(&self, limits: &Limits) -> Room {
        // Whoever is busy and knows that it is urgent need not be told again.
        let is_known = self.is_urgent && self.consumer == Consumer::Busy;
        let (records, bytes) = match is_known {
            true => (limits.records, limits.bytes),
            false => (limits.records.min(self.much.records.saturating_sub(1)), limits.bytes.min(self.much.bytes)),
        };
        self.filling.room_of_last(records, bytes)
    }

    fn make_room(&mut self, newest: Level, limits: &Limits) -> bool {
        while !limits.fit(self.filling.len(), self.filling.bytes_len()) {
            let made = match limits.overflow {
                Overflow::DropOldest => self.filling.evict(|_| true),
                // More verbose levels are the greater ones.
                Overflow::DropBelow(level) => newest <= level && self.filling.evict(|other| other > level),
                Overflow::DropNewest | Overflow::Block(_) => false,
            };
            if !made {
                return false;
            }
            self.drop_one(DropReason::Full);
        }
        true
    }

    pub(super) fn drop_one(&mut self, reason: DropReason) {
        self.dropped.add_dropped(reason, 1);
        self.unreported.drops.add_dropped(reason, 1);
        if reason == DropReason::Full {
            self.unsummarized.drops.add_dropped(reason, 1);
        }
    }

    pub(super) fn evicted_report(&mut self) -> Option<Box<Stats>> {
        if self.unreported.drops.dropped() == 0 { None } else { self.report_if_due() }
    }

    pub(super) fn report_if_due(&mut self) -> Option<Box<Stats>> {
        self.unreported.take_if_due(monotonic()).map(Box::new)
    }

    /// Whether the consumer has to be woken; then it counts as woken.
    pub(super) fn wakes(&mut self, record: &Record<'_>, limits: &Limits) -> bool {
        let is_urgent =
            record.level() <= limits.wake_level || self.much.is_reached(self.filling.len(), self.filling.bytes_len());
        // Whoever is busy looks once more before it waits.
        self.is_urgent |= is_urgent;
        let wakes = match self.consumer {
            Consumer::Busy => false,
            Consumer::Polling => is_urgent,
            Consumer::Asleep => true,
        };
        if wakes {
            self.consumer = Consumer::Busy;
        }
        wakes
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_stopped || self.is_closed
    }

    pub(super) fn begin_wait(&mut self, pace: &mut Pace, longest: Duration) -> Option<Duration> {
        let owes_nothing = self.filling.is_empty() && self.unsummarized.drops.dropped() == 0;
        let pause = pace.pause().or((!owes_nothing).then_some(longest));
        self.consumer = if pause.is_some() { Consumer::Polling } else { Consumer::Asleep };
        pause
    }

    pub(super) fn stats(&self) -> Stats {
        let pending = self.filling.len() as u64 + self.in_flight;
        let handled = self.accepted + self.beside;
        self.dropped.with_handled(handled).with_delivered(self.delivered).with_pending(pending)
    }
}
