//! Lines one behind the other, with their lengths, so that they can be written in one call and counted one by one.

use tracing_handlers_core::Timestamp;

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    lens: Vec<u32>,
    /// When each line came, where that matters.
    times: Vec<Timestamp>,
    /// Lines and bytes written already.
    done: usize,
    done_bytes: usize,
    /// One of the lines is to be synced as soon as it is written.
    needs_sync: bool,
}

/// Few lines are shorter.
const SHORT_LINE: usize = 64;

/// A buffer above this size is given back once it is empty.
const KEEP_BYTES: usize = 4 << 20;

impl Batch {
    /// With room for so many bytes of lines, as far as that much is kept.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let bytes = bytes.min(KEEP_BYTES);
        Self { bytes: Vec::with_capacity(bytes), lens: Vec::with_capacity(bytes / SHORT_LINE), ..Self::default() }
    }

    #[inline]
    pub(super) fn push(&mut self, line: &[u8], at: Option<Timestamp>) {
        self.bytes.extend_from_slice(line);
        self.times.extend(at);
        self.lens.push(u32::try_from(line.len()).unwrap_or(u32::MAX));
    }

    #[inline]
    pub(super) fn demand_sync(&mut self, needs_sync: bool) {
        self.needs_sync |= needs_sync;
    }

    /// Whether the lines are to be synced now that they are written. Asked once.
    pub(super) fn take_sync_demand(&mut self) -> bool {
        std::mem::take(&mut self.needs_sync)
    }

    #[inline]
    pub(super) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// Lines not written yet, a half-written one included.
    pub(super) fn pending(&self) -> u64 {
        (self.lens.len() - self.done) as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done == self.lens.len()
    }

    /// The bytes of the next lines, `len` of them.
    pub(super) fn next(&self, len: usize) -> &[u8] {
        self.bytes.get(self.done_bytes..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }

    /// When the line came that is the `index`th of those not written yet, if that was asked when it came.
    pub(super) fn time(&self, index: usize) -> Option<Timestamp> {
        self.times.get(self.done + index).copied()
    }

    /// The lengths of the lines not written yet; of a half-written one, what is left of it.
    pub(super) fn lens(&self) -> impl Iterator<Item = usize> + '_ {
        let half = self.half_written();
        let rest = self.lens.get(self.done..).unwrap_or_default().iter();
        rest.enumerate().map(move |(index, len)| if index == 0 { *len as usize - half } else { *len as usize })
    }

    /// How much of the next line is written.
    pub(super) fn half_written(&self) -> usize {
        let complete: usize = self.lens.get(..self.done).unwrap_or_default().iter().map(|len| *len as usize).sum();
        self.done_bytes - complete
    }

    /// Takes note that `count` more bytes are written; says how many lines that completed.
    pub(super) fn advance(&mut self, count: usize) -> u64 {
        let mut half = self.half_written() + count;
        self.done_bytes += count;
        let before = self.done;
        while let Some(len) = self.lens.get(self.done).map(|len| *len as usize).filter(|len| *len <= half) {
            half -= len;
            self.done += 1;
        }
        let completed = self.done - before;
        if self.is_empty() {
            self.clear();
        }
        completed as u64
    }

    /// Takes note that what was written of the next line is gone from the file.
    pub(super) fn take_back_half(&mut self) {
        self.done_bytes -= self.half_written();
    }

    /// Gives up what is left; says how many lines that was.
    pub(super) fn abandon(&mut self) -> u64 {
        let pending = self.pending();
        self.clear();
        pending
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.lens.clear();
        self.times.clear();
        self.done = 0;
        self.done_bytes = 0;
        if self.bytes.capacity() > KEEP_BYTES {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(lines: &[&str]) -> Batch {
        let mut batch = Batch::default();
        lines.iter().for_each(|line| batch.push(line.as_bytes(), None));
        batch
    }

    #[test]
    fn lines_are_counted_when_their_last_byte_is_written() {
        let mut batch = batch(&["one\n", "three\n", "x\n"]);
        assert_eq!(batch.advance(3), 0);
        assert_eq!(batch.half_written(), 3);
        assert_eq!(batch.lens().collect::<Vec<_>>(), [1, 6, 2]);
        assert_eq!(batch.advance(4), 1);
        assert_eq!(batch.next(3), b"ee\n");
        assert_eq!(batch.pending(), 2);
        assert_eq!(batch.advance(5), 2);
        assert!(batch.is_empty());
        assert_eq!(batch.bytes_len(), 0);
    }

    #[test]
    fn a_line_that_was_taken_back_is_to_be_written_whole() {
        let mut batch = batch(&["one\n", "three\n"]);
        batch.advance(6);
        batch.take_back_half();
        assert_eq!((batch.half_written(), batch.next(6)), (0, &b"three\n"[..]));
    }

    #[test]
    fn an_empty_line_counts() {
        let mut batch = batch(&["", "a"]);
        assert_eq!(batch.pending(), 2);
        assert_eq!(batch.advance(1), 2);
    }

    #[test]
    fn what_is_abandoned_is_counted() {
        let mut batch = batch(&["one\n", "two\n"]);
        batch.advance(5);
        assert_eq!(batch.abandon(), 1);
        assert!(batch.is_empty());
    }
}
