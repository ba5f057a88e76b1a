//! Where events end in a stream.

/// Counts frames that begin with four bytes of length, big-endian.
#[derive(Default)]
pub(super) struct Frames {
    /// How much of the frame's head is known.
    head: Vec<u8>,
    /// How much of its body is still to come.
    rest: usize,
}

impl Frames {
    /// How many frames end in the next bytes of the stream.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut frames = 0;
        while !bytes.is_empty() {
            if self.rest > 0 {
                let (_, behind) = bytes.split_at(self.rest.min(bytes.len()));
                self.rest -= bytes.len() - behind.len();
                frames += u64::from(self.rest == 0);
                bytes = behind;
                continue;
            }
            let (head, behind) = bytes.split_at((4 - self.head.len()).min(bytes.len()));
            self.head.extend_from_slice(head);
            if let Ok(length) = <[u8; 4]>::try_from(self.head.as_slice()) {
                self.rest = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                frames += u64::from(self.rest == 0);
                self.head.clear();
            }
            bytes = behind;
        }
        frames
    }
}

/// How many events are in these bytes, whatever is between them: each has one question mark, in its path.
pub(super) fn marks(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'?')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_the_stream_is_cut() {
        let stream = [&[0, 0, 0, 3][..], b"abc", &[0, 0, 0, 0], &[0, 0, 1, 0], &[7; 256], &[0, 0, 0, 9], b"open"].concat();
        for size in [1, 2, 3, 5, 7, 64, stream.len()] {
            let mut open = Frames::default();
            let frames: u64 = stream.chunks(size).map(|chunk| open.count(chunk)).sum();
            assert_eq!(frames, 3, "chunks of {size}");
        }
    }
}
