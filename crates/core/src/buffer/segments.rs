//! What waits in a queue: batches of bounded size one behind the other, so that a consumer takes one and no record is moved (pure).
//!
//! It also bounds what a producer may meet under the lock: no piece of memory grows for ever, and is copied as it grows.

use std::collections::VecDeque;
use std::mem;

use super::batch::{Batch, Room};
use super::entry::Parts;
use crate::{Level, Record};

/// With so many records, or bytes, a batch is full. They are few enough to be in the processor's cache when they are read.
const RECORDS: usize = 1_024;
const BYTES: usize = 256 << 10;

/// So many emptied batches are kept for the next records.
const SPARE: usize = 4;

/// Records in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// Full batches, the oldest first; none of them is empty.
    full: VecDeque<Batch>,
    /// What the full ones hold.
    records: usize,
    bytes: usize,
    /// So many of the full ones have nothing that could be evicted: the policy of a queue stays the same.
    searched: usize,
    /// The batch that is being filled.
    last: Batch,
    spare: Vec<Batch>,
}

impl Segments {
    /// How many records there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.records + self.last.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that they take.
    #[inline]
    pub(super) fn bytes_len(&self) -> usize {
        self.bytes + self.last.bytes_len()
    }

    /// The number of the oldest record.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.full.front().unwrap_or(&self.last).oldest()
    }

    /// The batch that is being filled.
    #[inline(always)]
    pub(super) fn last(&self) -> &Batch {
        &self.last
    }

    /// Up to where that batch may be filled, for so many records and bytes in all.
    pub(super) fn room_of_last(&self, records: usize, bytes: usize) -> Room {
        self.last.room(records.saturating_sub(self.records).min(RECORDS), bytes.saturating_sub(self.bytes).min(BYTES))
    }

    /// Appends a record of these parts to the batch that is being filled, which has [room](Self::room_of_last) for it; says whether
    /// that has room for its thread.
    #[inline(always)]
    pub(super) fn push_to_last(&mut self, record: &Record<'_>, parts: Parts, number: u64) -> bool {
        self.last.push_parts(record, parts, number)
    }

    /// Appends a record.
    pub(super) fn push_numbered(&mut self, record: &Record<'_>, number: u64) {
        if self.last.len() >= RECORDS || self.last.bytes_len() >= BYTES {
            self.begin_another();
        }
        self.last.push_numbered(record, number);
    }

    fn begin_another(&mut self) {
        // As large as this one had to be: memory that grows is copied, and callers wait meanwhile.
        let next = self.spare.pop().unwrap_or_else(|| self.last.empty_of_its_size());
        let full = mem::replace(&mut self.last, next);
        self.records += full.len();
        self.bytes += full.bytes_len();
        self.full.push_back(full);
    }

    /// Takes the newest record back, which was pushed just now.
    pub(super) fn pop(&mut self) {
        self.last.pop();
    }

    /// Takes out the oldest record, but for the newest, whose level is meant; `false` where there is none. It is always asked with
    /// the same meaning.
    pub(super) fn evict(&mut self, is_meant: impl Fn(Level) -> bool) -> bool {
        while let Some(batch) = self.full.get_mut(self.searched) {
            let (records, bytes) = (batch.len(), batch.bytes_len());
            if batch.evict_any(&is_meant) {
                let (left, bytes_left) = (batch.len(), batch.bytes_len());
                self.uncount(records - left, bytes - bytes_left);
                if left == 0
                    && let Some(emptied) = self.full.remove(self.searched)
                {
                    self.keep(emptied);
                }
                return true;
            }
            self.searched += 1;
        }
        self.last.evict(is_meant)
    }

    /// Takes the oldest batch whole, in exchange for `batch`, which has no records.
    pub(super) fn take_batch(&mut self, batch: &mut Batch) {
        match self.full.pop_front() {
            Some(oldest) => {
                self.uncount(oldest.len(), oldest.bytes_len());
                self.searched = self.searched.saturating_sub(1);
                self.keep(mem::replace(batch, oldest));
            }
            None => mem::swap(&mut self.last, batch),
        }
    }

    /// Takes the oldest records into `batch`, which has none: so many, or so many bytes ([whole](Batch::whole_bytes_len)), but one at
    /// least. Only what is within one batch of ours is not moved.
    pub(super) fn take(&mut self, batch: &mut Batch, records: usize, bytes: usize) {
        let oldest = self.full.front().unwrap_or(&self.last);
        if oldest.len() <= records && oldest.whole_bytes_len() <= bytes {
            self.take_batch(batch);
        }
        while !self.is_empty() && batch.len() < records.max(1) {
            let before = batch.len();
            self.move_from_oldest(batch, records.max(1) - before, bytes.saturating_sub(batch.whole_bytes_len()));
            if batch.len() == before {
                return;
            }
        }
    }

    fn move_from_oldest(&mut self, batch: &mut Batch, records: usize, bytes: usize) {
        let at_least = usize::from(batch.is_empty());
        let Some(oldest) = self.full.front_mut() else { return self.last.move_within(batch, records, bytes, at_least) };
        let before = (oldest.len(), oldest.bytes_len());
        oldest.move_within(batch, records, bytes, at_least);
        let after = (oldest.len(), oldest.bytes_len());
        self.uncount(before.0 - after.0, before.1 - after.1);
        if after.0 == 0
            && let Some(emptied) = self.full.pop_front()
        {
            self.searched = self.searched.saturating_sub(1);
            self.keep(emptied);
        }
    }

    /// So many records and bytes of the full batches are gone.
    fn uncount(&mut self, records: usize, bytes: usize) {
        self.records -= records;
        self.bytes -= bytes;
    }

    /// Keeps the memory of a batch for the next records.
    fn keep(&mut self, mut emptied: Batch) {
        if self.spare.len() < SPARE {
            emptied.clear();
            self.spare.push(emptied);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(segments: &mut Segments, number: u64, level: Level) {
        segments.push_numbered(&Record::builder().level(level).message(number.to_string()).build().as_record(), number);
    }

    fn filled(records: u64) -> Segments {
        let mut segments = Segments::default();
        (1..=records).for_each(|number| push(&mut segments, number, if number % 2 == 0 { Level::INFO } else { Level::ERROR }));
        segments
    }

    /// All records, batch by batch, each filled by `take`.
    fn drain(segments: &mut Segments, take: impl Fn(&mut Segments, &mut Batch)) -> Vec<Vec<u64>> {
        let (mut batch, mut all) = (Batch::new(), Vec::new());
        while !segments.is_empty() {
            batch.clear();
            take(segments, &mut batch);
            all.push(batch.records().map(|record| record.message().parse().unwrap()).collect());
        }
        assert_eq!((segments.bytes_len(), segments.oldest()), (0, None));
        all
    }

    #[test]
    fn batches_come_out_whole_and_in_order() {
        let taken = drain(&mut filled(2_500), Segments::take_batch);
        assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), [RECORDS, RECORDS, 452]);
        assert_eq!(taken.concat(), (1..=2_500).collect::<Vec<_>>());
    }

    #[test]
    fn who_wants_fewer_or_more_gets_as_many() {
        for (records, bytes, sizes) in [
            (1_000, usize::MAX, &[1_000, 1_000, 500][..]),
            (1_024, usize::MAX, &[1_024, 1_024, 452]),
            (2_048, usize::MAX, &[2_048, 452]),
            (2_200, usize::MAX, &[2_200, 300]),
            (usize::MAX, usize::MAX, &[2_500]),
            (usize::MAX, 1, &[1; 2_500]),
        ] {
            let taken = drain(&mut filled(2_500), |segments, batch| segments.take(batch, records, bytes));
            assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{records}");
            assert_eq!(taken.concat(), (1..=2_500).collect::<Vec<_>>());
        }
        let by_bytes = |segments: &mut Segments, batch: &mut Batch| {
            segments.take(batch, usize::MAX, 250_000);
            assert!((1..=250_000).contains(&batch.whole_bytes_len()));
        };
        assert!(drain(&mut filled(2_500), by_bytes).len() < 6);
    }

    #[test]
    fn a_batch_is_full_by_its_bytes_too() {
        let mut segments = Segments::default();
        let record = Record::builder().message("x".repeat(100 << 10)).build();
        (1..=10).for_each(|number| segments.push_numbered(&record.as_record(), number));
        let mut batch = Batch::new();
        segments.take_batch(&mut batch);
        assert_eq!((batch.len(), segments.len()), (3, 7));
        segments.take_batch(&mut Batch::new());
        assert_eq!(segments.oldest(), Some(7));
    }

    #[test]
    fn the_oldest_that_are_meant_go_first_through_all_batches_and_never_the_newest() {
        let mut segments = filled(2_500);
        let before = segments.bytes_len();
        for _ in 0..1_249 {
            assert!(segments.evict(|level| level == Level::INFO));
        }
        assert!(!segments.evict(|level| level == Level::INFO), "the newest is one of them and stays");
        assert_eq!((segments.len(), segments.oldest()), (1_251, Some(1)));
        assert!(segments.bytes_len() < before * 6 / 10);
        push(&mut segments, 2_501, Level::ERROR);
        assert!(segments.evict(|level| level == Level::INFO));
        assert_eq!(drain(&mut segments, Segments::take_batch).concat(), (1..=2_501).step_by(2).collect::<Vec<_>>());
    }

    #[test]
    fn all_may_go_and_memory_is_used_again() {
        let mut segments = filled(5_000);
        for left in (1..5_000).rev() {
            assert!(segments.evict(|_| true));
            assert_eq!(segments.len(), left);
        }
        assert_eq!((segments.oldest(), segments.full.len(), segments.spare.len()), (Some(5_000), 0, SPARE));
        (5_001..9_000).for_each(|number| push(&mut segments, number, Level::INFO));
        assert_eq!(segments.spare.len(), SPARE - 3);
        assert_eq!(drain(&mut segments, Segments::take_batch).concat(), (5_000..9_000).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_taken_makes_room_for_another_search() {
        let mut segments = filled(3_000);
        while segments.evict(|level| level == Level::INFO) {}
        let mut batch = Batch::new();
        segments.take_batch(&mut batch);
        (3_001..6_000).for_each(|number| push(&mut segments, number, Level::INFO));
        assert!(segments.evict(|level| level == Level::INFO));
        let left = drain(&mut segments, Segments::take_batch).concat();
        assert!(!left.contains(&3_000) && left.contains(&3_001), "the oldest that was left");
    }
}
