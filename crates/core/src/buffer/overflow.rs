//! The bounds of a queue, and what becomes of records beyond them.

use std::time::Duration;

use crate::{Error, Level};

/// What a full queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// The record that comes is dropped; no caller ever waits.
    #[default]
    DropNewest,
    /// The oldest records make room; no caller ever waits.
    DropOldest,
    /// Records below the level make room, the oldest first, for one at the level or above; where there are none, and for one
    /// below the level, the record that comes is dropped.
    DropBelow(Level),
    /// The caller waits for room, at most this long; then the record is dropped.
    Block(Duration),
}

/// How much a queue holds and how long it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most records.
    pub records: usize,
    /// The most bytes, encoded. A larger record is taken when it is alone.
    pub bytes: usize,
    /// What a full queue does.
    pub overflow: Overflow,
    /// How long a record may wait before the consumer looks.
    pub max_delay: Duration,
    /// A record at this level or above wakes the consumer at once.
    pub wake_level: Level,
}

/// So many records or bytes are worth waking the consumer for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Much {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Much {
    #[inline]
    pub(super) fn is_reached(self, records: usize, bytes: usize) -> bool {
        records >= self.records || bytes >= self.bytes
    }

    /// What both have in common, if a consumer wants no more than so much.
    pub(super) fn or_less(self, records: usize, bytes: usize) -> Self {
        Self { records: self.records.min(records), bytes: self.bytes.min(bytes) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 1 << 16,
            bytes: 32 << 20,
            overflow: Overflow::DropNewest,
            max_delay: Duration::from_millis(5),
            wake_level: Level::ERROR,
        }
    }
}

impl Limits {
    /// Past so much the consumer is woken: half of the room, or as much as one write is worth.
    const WORTH_WAKING: usize = 1 << 20;

    /// These limits, if they let anything through.
    ///
    /// # Errors
    ///
    /// A configuration error that names the setting.
    pub fn check(self) -> Result<Self, Error> {
        if self.records == 0 {
            return Err(Error::config("capacity", self.records, "must be at least one record"));
        }
        if self.bytes == 0 {
            return Err(Error::config("capacity_bytes", self.bytes, "must be at least one byte"));
        }
        if self.max_delay.is_zero() {
            return Err(Error::config("max_delay", "0", "must be positive; `wake_level(Level::TRACE)` wakes at once"));
        }
        Ok(self)
    }

    /// From where on the consumer is woken.
    pub(super) fn much(&self) -> Much {
        Much { records: self.records.div_ceil(2), bytes: (self.bytes / 2).min(Self::WORTH_WAKING) }
    }

    #[inline]
    pub(super) fn fit(&self, records: usize, bytes: usize) -> bool {
        records <= self.records && (bytes <= self.bytes || records == 1)
    }
}
