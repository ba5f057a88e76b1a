//! What became of connections and frames.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a frame was refused. Each has a counter of its own in [`ReceiverStats`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It is longer than `max_frame_bytes`. The connection is closed: where the next frame begins, nobody knows.
    Oversized,
    /// The connection ended in the middle of it.
    Truncated,
    /// It is no record in the encoding that it claims to have.
    Malformed,
    /// It is a pickle that does more than hold data. Nothing of it was done.
    Forbidden,
    /// It is a pickle that is too deep, has too many values, or repeats too much.
    TooComplex,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Reason; 5] = [Self::Oversized, Self::Truncated, Self::Malformed, Self::Forbidden, Self::TooComplex];

    /// The reason as one word, for messages and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Forbidden => "forbidden",
            Self::TooComplex => "too complex",
        }
    }
}

/// A snapshot of a receiver's counters: `frames = records + refused by reason`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// Connections that were accepted.
    pub connections: u64,
    /// Those of them that are open.
    pub open: u64,
    /// Connections that were closed at once, since as many as allowed were open.
    pub turned_away: u64,
    /// Frames that came, in datagrams too.
    pub frames: u64,
    /// Those of them that were records. What becomes of these, the handler counts.
    pub records: u64,
    refused: [u64; Reason::ALL.len()],
}

impl ReceiverStats {
    /// Frames refused for one reason.
    pub fn refused_for(&self, reason: Reason) -> u64 {
        self.refused.get(reason as usize).copied().unwrap_or(0)
    }

    /// Frames refused for any reason.
    pub fn refused(&self) -> u64 {
        self.refused.iter().sum()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    pub(crate) records: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    pub(crate) fn refused(&self, reason: Reason) {
        if let Some(count) = self.refused.get(reason as usize) {
            add(count, 1);
        }
    }

    pub(crate) fn snapshot(&self) -> ReceiverStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        // Before those that were opened: more may be open than is said, never fewer than none.
        let closed = read(&self.closed);
        let (connections, records) = (read(&self.connections), read(&self.records));
        let refused = self.refused.each_ref().map(read);
        let frames = records + refused.iter().sum::<u64>();
        let open = connections.saturating_sub(closed);
        ReceiverStats { connections, open, turned_away: read(&self.turned_away), frames, records, refused }
    }
}

pub(crate) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}
