//! What is kept under the lock that every caller takes: the records, the counters, the target.

use std::mem;
use std::sync::Arc;

use tracing_handlers_core::{DropReason, Handler, Record, Stats};

use crate::delivery::Outcome;
use crate::ring::Ring;

/// The bounds of what is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    /// Whether the oldest make room for the newest, or the target gets all of them.
    pub(crate) keeps_newest: bool,
}

pub(crate) struct Store {
    ring: Ring,
    /// Records that are with the target and not settled yet.
    under_way: u64,
    counted: Stats,
    is_closed: bool,
    target: Option<Arc<dyn Handler>>,
}

/// What became of a record that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Kept,
    /// It is time to hand everything to the target.
    Due,
    /// It was kept, and this many of the oldest had to go.
    Crowded(u64),
    Closed,
}

impl Store {
    pub(crate) fn new(target: Option<Arc<dyn Handler>>) -> Self {
        Self { ring: Ring::default(), under_way: 0, counted: Stats::new(), is_closed: false, target }
    }

    /// Keeps a record. `is_trigger` says that the target should have it now, `can_flush` that this thread may see to that.
    #[inline]
    pub(crate) fn push(&mut self, record: &Record<'_>, bounds: Bounds, is_trigger: bool, can_flush: bool) -> Pushed {
        self.counted.handled += 1;
        if self.is_closed {
            self.counted.add_dropped(DropReason::Closed, 1);
            return Pushed::Closed;
        }
        self.ring.push(record);
        let is_full = self.ring.len() >= bounds.records || self.ring.bytes_len() >= bounds.bytes;
        let can_flush = can_flush && self.target.is_some();
        if can_flush && !bounds.keeps_newest && (is_full || is_trigger) {
            return Pushed::Due;
        }
        let gone = self.ring.forget_beyond(bounds.records, bounds.bytes);
        if bounds.keeps_newest {
            self.counted.add_dropped(DropReason::Forgotten, gone);
            return if can_flush && is_trigger { Pushed::Due } else { Pushed::Kept };
        }
        self.counted.add_dropped(DropReason::Full, gone);
        if gone > 0 { Pushed::Crowded(gone) } else { Pushed::Kept }
    }

    /// Moves everything into `empty`, for the target; what is held stays where there is none.
    pub(crate) fn take(&mut self, empty: &mut Ring) -> Option<Arc<dyn Handler>> {
        let target = self.target.clone()?;
        mem::swap(&mut self.ring, empty);
        self.under_way = empty.len() as u64;
        Some(target)
    }

    /// Counts what became of what was taken.
    pub(crate) fn settle(&mut self, outcome: &Outcome) {
        self.under_way = 0;
        self.counted.delivered += outcome.delivered;
        for loss in &outcome.losses {
            self.counted.add_dropped(loss.reason, loss.lost);
        }
    }

    /// Drops everything held, for `reason`; says how many.
    pub(crate) fn discard(&mut self, reason: DropReason) -> u64 {
        let discarded = self.ring.len() as u64;
        self.ring = Ring::default();
        self.counted.add_dropped(reason, discarded);
        discarded
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Puts another target in the place of the one there is, which is given back: it is not to be dropped under the lock.
    pub(crate) fn replace_target(&mut self, target: Option<Arc<dyn Handler>>) -> Option<Arc<dyn Handler>> {
        mem::replace(&mut self.target, target)
    }

    pub(crate) fn target(&self) -> Option<Arc<dyn Handler>> {
        self.target.clone()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counted.with_pending(self.ring.len() as u64 + self.under_way)
    }
}
