//! What became of connections and frames.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing_handlers_socket::Encoding;

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
    /// It was not whole within `frame_timeout` from its first byte. The connection is closed.
    TooSlow,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Reason; 6] =
        [Self::Oversized, Self::Truncated, Self::Malformed, Self::Forbidden, Self::TooComplex, Self::TooSlow];

    /// The reason as one word, for messages and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Forbidden => "forbidden",
            Self::TooComplex => "too complex",
            Self::TooSlow => "too slow",
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
    /// Bytes that came, frames and all; over TLS, those inside of it.
    pub bytes: u64,
    by_encoding: [u64; ENCODINGS],
    refused: [u64; Reason::ALL.len()],
}

/// MessagePack, JSON in frames or lines, pickles.
const ENCODINGS: usize = 3;

fn place_of(encoding: Encoding) -> usize {
    match encoding {
        Encoding::MessagePack => 0,
        Encoding::Pickle => 2,
        _ => 1,
    }
}

impl ReceiverStats {
    /// Records that came in one encoding. JSON in frames and JSON in lines count as one.
    pub fn records_in(&self, encoding: Encoding) -> u64 {
        self.by_encoding.get(place_of(encoding)).copied().unwrap_or(0)
    }

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
    pub(crate) bytes: AtomicU64,
    records: [AtomicU64; ENCODINGS],
    refused: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    pub(crate) fn refused(&self, reason: Reason) {
        if let Some(count) = self.refused.get(reason as usize) {
            add(count, 1);
        }
    }

    pub(crate) fn record(&self, encoding: Encoding) {
        if let Some(count) = self.records.get(place_of(encoding)) {
            add(count, 1);
        }
    }

    pub(crate) fn snapshot(&self) -> ReceiverStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        // Before those that were opened: more may be open than is said, never fewer than none.
        let closed = read(&self.closed);
        let connections = read(&self.connections);
        let by_encoding = self.records.each_ref().map(read);
        let records = by_encoding.iter().sum();
        let refused = self.refused.each_ref().map(read);
        let frames = records + refused.iter().sum::<u64>();
        let open = connections.saturating_sub(closed);
        let (turned_away, bytes) = (read(&self.turned_away), read(&self.bytes));
        ReceiverStats { connections, open, turned_away, frames, records, bytes, by_encoding, refused }
    }
}

pub(crate) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}
