//! What became of every record: `handled = delivered + dropped by reason + pending`.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a record was dropped. Each has a counter of its own in [`Stats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The destination refused it (an I/O error).
    Failed,
    /// The handler was closed.
    Closed,
    /// A bounded buffer was full.
    Full,
    /// It was raised while a handler was at work on the same thread, so handling it could recurse without end.
    Reentrant,
    /// User code (a format, a hook, a handler) panicked over it.
    Panicked,
    /// It waited too long for a peer that was not there.
    Expired,
    /// A handler that keeps only the newest records let go of it, which is what such a handler is for: no failure, reported to
    /// nobody.
    Forgotten,
}

impl DropReason {
    /// Every reason, in the order of declaration.
    pub const ALL: [DropReason; 7] =
        [Self::Failed, Self::Closed, Self::Full, Self::Reentrant, Self::Panicked, Self::Expired, Self::Forgotten];

    /// The reason as one word, for messages and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Closed => "closed",
            Self::Full => "full",
            Self::Reentrant => "reentrant",
            Self::Panicked => "panicked",
            Self::Expired => "expired",
            Self::Forgotten => "forgotten",
        }
    }

    /// The reason that fits an error which a handler returned.
    pub fn of(error: &crate::Error) -> Self {
        if error.is_closed() {
            Self::Closed
        } else if error.is_full() {
            Self::Full
        } else if error.is_panicked() {
            Self::Panicked
        } else {
            Self::Failed
        }
    }
}

/// A snapshot of a handler's counters.
///
/// At every quiet moment (no call of the handler under way) `handled = delivered + dropped() + pending`; see
/// [`is_balanced`](Stats::is_balanced).
///
/// ```
/// use tracing_handlers_core::{DropReason, Stats};
///
/// let stats = Stats::new().with_handled(10).with_delivered(8).with_dropped(DropReason::Failed, 2);
/// assert_eq!(stats.dropped(), 2);
/// assert!(stats.is_balanced());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records the handler took responsibility for.
    pub handled: u64,
    /// Records that reached the place the handler's guarantees name.
    pub delivered: u64,
    /// Records still waiting.
    pub pending: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Stats {
    /// All counters at zero.
    pub const fn new() -> Self {
        Self { handled: 0, delivered: 0, pending: 0, dropped: [0; DropReason::ALL.len()] }
    }

    /// Records dropped, all reasons together.
    #[inline]
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Records dropped for one reason.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    /// Whether every record is accounted for.
    pub fn is_balanced(&self) -> bool {
        self.handled == self.delivered + self.dropped() + self.pending
    }

    /// Adds `count` records to those dropped for `reason`.
    pub fn add_dropped(&mut self, reason: DropReason, count: u64) {
        if let Some(counter) = self.dropped.get_mut(reason as usize) {
            *counter += count;
        }
    }

    /// The sum of two snapshots, counter by counter.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.handled += other.handled;
        self.delivered += other.delivered;
        self.pending += other.pending;
        for reason in DropReason::ALL {
            self.add_dropped(reason, other.dropped_for(reason));
        }
        self
    }

    /// These stats with another count of handled records.
    #[must_use]
    pub fn with_handled(mut self, count: u64) -> Self {
        self.handled = count;
        self
    }

    /// These stats with another count of delivered records.
    #[must_use]
    pub fn with_delivered(mut self, count: u64) -> Self {
        self.delivered = count;
        self
    }

    /// These stats with another count of pending records.
    #[must_use]
    pub fn with_pending(mut self, count: u64) -> Self {
        self.pending = count;
        self
    }

    /// These stats with `count` more records dropped for `reason`.
    #[must_use]
    pub fn with_dropped(mut self, reason: DropReason, count: u64) -> Self {
        self.add_dropped(reason, count);
        self
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "handled {}, delivered {}, pending {}, dropped {}",
            self.handled,
            self.delivered,
            self.pending,
            self.dropped()
        )?;
        let mut separator = " (";
        for reason in DropReason::ALL {
            let count = self.dropped_for(reason);
            if count > 0 {
                write!(f, "{separator}{}: {count}", reason.as_str())?;
                separator = ", ";
            }
        }
        if self.dropped() > 0 { f.write_str(")") } else { Ok(()) }
    }
}

/// Counters for handlers that share no lock of their own; file handlers keep theirs as plain numbers under the lock.
#[derive(Debug, Default)]
pub struct Counters {
    handled: AtomicU64,
    delivered: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
}

impl Counters {
    /// One record handled and delivered.
    pub fn delivered(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    /// One record handled and dropped.
    pub fn dropped(&self, reason: DropReason) {
        self.handled.fetch_add(1, Ordering::Relaxed);
        if let Some(counter) = self.dropped.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A snapshot; nothing is ever pending here.
    pub fn snapshot(&self) -> Stats {
        let mut stats = Stats::new().with_delivered(self.delivered.load(Ordering::Relaxed));
        for (reason, counter) in DropReason::ALL.into_iter().zip(&self.dropped) {
            stats.add_dropped(reason, counter.load(Ordering::Relaxed));
        }
        stats.with_handled(self.handled.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_reason_at_its_own_index() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }

    #[test]
    fn display_names_only_reasons_that_happened() {
        let stats = Stats::new().with_handled(3).with_delivered(1).with_dropped(DropReason::Full, 2);
        assert_eq!(stats.to_string(), "handled 3, delivered 1, pending 0, dropped 2 (full: 2)");
    }

    #[test]
    fn counters_balance() {
        let counters = Counters::default();
        counters.delivered();
        counters.dropped(DropReason::Closed);
        let stats = counters.snapshot();
        assert!(stats.is_balanced());
        assert_eq!(stats.dropped_for(DropReason::Closed), 1);
    }
}
