//! Encoded records, as a transport sends them (pure).

use std::ops::Range;

use tracing_handlers_core::Timestamp;

/// Records that were encoded, back to back, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    times: Vec<Timestamp>,
}

impl Frames {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, in one piece.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.bytes.get(self.range(index)).unwrap_or_default())
    }

    /// How many of them are whole within the first `len` bytes.
    pub fn whole_within(&self, len: usize) -> usize {
        self.ends.partition_point(|end| *end <= len)
    }

    /// Appends one that `write` encodes; where that fails, nothing.
    ///
    /// # Errors
    ///
    /// That of `write`.
    pub fn push<E>(&mut self, time: Timestamp, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        // What a `write` that panicked has left is nobody's.
        let start = self.ends.last().copied().unwrap_or(0);
        self.bytes.truncate(start);
        match write(&mut self.bytes) {
            Ok(()) => {
                self.ends.push(self.bytes.len());
                self.times.push(time);
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// Cuts off what a `write` left behind that panicked.
    pub(crate) fn cut_torn(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Those whose numbers are wanted.
    #[must_use]
    pub fn select(&self, mut is_wanted: impl FnMut(usize) -> bool) -> Self {
        let mut selected = Self::new();
        for index in (0..self.len()).filter(|index| is_wanted(*index)) {
            selected.bytes.extend_from_slice(self.bytes.get(self.range(index)).unwrap_or_default());
            selected.ends.push(selected.bytes.len());
            selected.times.extend(self.times.get(index));
        }
        selected
    }

    /// The time of each record.
    pub(crate) fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// Forgets all, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.times.clear();
    }

    fn range(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        start..self.ends.get(index).copied().unwrap_or(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(texts: &[&str]) -> Frames {
        let mut frames = Frames::new();
        for text in texts {
            let write = |out: &mut Vec<u8>| -> Result<(), ()> {
                out.extend_from_slice(text.as_bytes());
                if text.contains('!') { Err(()) } else { Ok(()) }
            };
            frames.push(Timestamp::default(), write).ok();
        }
        frames
    }

    #[test]
    fn what_fails_to_be_encoded_leaves_no_trace() {
        assert_eq!(frames(&["one", "no!", "two"]), frames(&["one", "two"]));
    }

    #[test]
    fn what_a_panic_left_behind_is_cut_off() {
        let mut all = frames(&["one"]);
        all.bytes.extend_from_slice(b"tor");
        all.cut_torn();
        assert_eq!(all, frames(&["one"]));
    }

    #[test]
    fn what_panicked_half_way_leaves_no_trace() {
        let mut all = frames(&["one"]);
        let panics = |out: &mut Vec<u8>| -> Result<(), ()> {
            out.extend_from_slice(b"half");
            panic!("deliberate mistake");
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| all.push(Timestamp::default(), panics))).unwrap_err();
        let write = |out: &mut Vec<u8>| -> Result<(), ()> {
            out.extend_from_slice(b"two");
            Ok(())
        };
        all.push(Timestamp::default(), write).unwrap();
        assert_eq!(all, frames(&["one", "two"]));
    }

    #[test]
    fn some_are_selected_in_order() {
        let all = frames(&["a", "", "ccc", "dd"]);
        assert_eq!(all.select(|index| index != 2), frames(&["a", "", "dd"]));
        assert_eq!(all.iter().collect::<Vec<_>>(), [&b"a"[..], b"", b"ccc", b"dd"]);
    }

    #[test]
    fn a_frame_counts_as_written_when_its_last_byte_is() {
        let all = frames(&["aa", "bbb"]);
        assert_eq!([0, 1, 2, 4, 5].map(|len| all.whole_within(len)), [0, 0, 1, 1, 2]);
    }
}
