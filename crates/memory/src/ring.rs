//! Encoded records back to back, the oldest first (pure).

use std::collections::VecDeque;

use tracing_handlers_core::Record;

/// Records in the order in which they came. Once it has grown, neither pushing nor forgetting allocates.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// Where the oldest record begins; what is before it was forgotten.
    start: usize,
    /// The length of each record.
    lengths: VecDeque<usize>,
}

impl Ring {
    pub(crate) fn len(&self) -> usize {
        self.lengths.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The bytes of all records.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) {
        // Each byte that is moved here stands for one that was forgotten, so a record is moved once at the most, on average.
        if self.start > self.bytes_len() {
            self.bytes.copy_within(self.start.., 0);
            self.bytes.truncate(self.bytes_len());
            self.start = 0;
        }
        let before = self.bytes.len();
        record.encode(&mut self.bytes);
        self.lengths.push_back(self.bytes.len() - before);
    }

    /// Forgets the oldest until `records` and `bytes` hold, or one is left; says how many went.
    pub(crate) fn forget_beyond(&mut self, records: usize, bytes: usize) -> u64 {
        let mut forgotten = 0;
        while self.len() > 1 && (self.len() > records || self.bytes_len() > bytes) {
            self.start += self.lengths.pop_front().unwrap_or_default();
            forgotten += 1;
        }
        forgotten
    }

    /// Empties it; keeps its memory, up to `bytes`.
    pub(crate) fn clear(&mut self, bytes: usize) {
        self.bytes.clear();
        self.start = 0;
        self.lengths.clear();
        // One huge record must not hold its room for ever; half a doubling beyond the bound is normal.
        if self.bytes.capacity() / 4 > bytes {
            self.bytes.shrink_to(bytes);
        }
    }

    /// The records, each as the bytes it was encoded to.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = self.start;
        self.lengths.iter().map(move |length| {
            let begin = at;
            at += length;
            self.bytes.get(begin..at).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn messages(ring: &Ring) -> Vec<String> {
        ring.iter().map(|bytes| Record::decode(bytes).unwrap().message().to_owned()).collect()
    }

    fn size_of(message: &str) -> usize {
        Record::builder().message(message).build().as_bytes().len()
    }

    #[test]
    fn the_last_one_stays_whatever_its_size() {
        let mut ring = Ring::default();
        ring.push(&Record::builder().message("one").build().as_record());
        assert_eq!(ring.forget_beyond(0, 0), 0);
        ring.push(&Record::builder().message("x".repeat(1_000)).build().as_record());
        assert_eq!(ring.forget_beyond(10, 100), 1);
        assert_eq!(messages(&ring), ["x".repeat(1_000)]);
    }

    #[test]
    fn a_huge_record_does_not_hold_its_memory_for_ever() {
        let mut ring = Ring::default();
        ring.push(&Record::builder().message("x".repeat(1 << 20)).build().as_record());
        ring.clear(1_000);
        assert!(ring.bytes.capacity() < 10_000 && ring.is_empty() && ring.bytes_len() == 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The same as a queue of messages that is cut at its front.
        #[test]
        fn it_holds_the_newest(sizes in prop::collection::vec(0_usize..300, 0..200), records in 1_usize..20, bytes in 1_usize..4_000) {
            let (mut ring, mut model) = (Ring::default(), VecDeque::new());
            for (index, size) in sizes.into_iter().enumerate() {
                let message = format!("{index} {}", "x".repeat(size));
                ring.push(&Record::builder().message(message.as_str()).build().as_record());
                model.push_back(message);
                let before = model.len();
                while model.len() > 1 && (model.len() > records || model.iter().map(|message| size_of(message)).sum::<usize>() > bytes) {
                    model.pop_front();
                }
                prop_assert_eq!(ring.forget_beyond(records, bytes), (before - model.len()) as u64);
                prop_assert_eq!(ring.len(), model.len());
                prop_assert_eq!(messages(&ring), Vec::from(model.clone()));
                prop_assert!(ring.bytes.len() <= 2 * (bytes + 2 * 400), "what was forgotten still takes room");
            }
        }
    }
}
