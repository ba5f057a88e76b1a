//! Lines that are written together, and how many of them some bytes are (pure).

/// More memory than this is given back.
const KEEP_BYTES: usize = 1 << 20;

/// Lines one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Block {
    pub(crate) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many lines there are.
    pub(crate) fn lines(&self) -> u64 {
        self.ends.len() as u64
    }

    /// How many lines are whole within the first `len` bytes.
    pub(crate) fn lines_within(&self, len: usize) -> u64 {
        self.ends.partition_point(|end| *end <= len) as u64
    }

    /// Forgets the lines and keeps the memory, unless one of them was huge.
    pub(crate) fn clear(&mut self) {
        if self.bytes.capacity() > KEEP_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_count() {
        let mut block = Block::default();
        ["one\n", "", "three\n"].iter().for_each(|line| block.push(line.as_bytes()));
        assert_eq!((block.lines(), block.bytes()), (3, &b"one\nthree\n"[..]));
        assert_eq!([0, 3, 4, 9, 10].map(|len| block.lines_within(len)), [0, 0, 2, 2, 3]);
        block.clear();
        assert_eq!((block.lines(), block.lines_within(9)), (0, 0));
        block.push(&vec![b'x'; 2 * KEEP_BYTES]);
        block.clear();
        assert_eq!(block.bytes.capacity(), 0);
    }
}
