//! What is sent again over the next connection (pure).

use std::collections::VecDeque;

/// The newest frames that were sent.
#[derive(Default)]
pub(super) struct Window {
    pub(super) limit: usize,
    bytes: VecDeque<u8>,
    /// Of each frame.
    lengths: VecDeque<usize>,
}

impl Window {
    pub(super) fn add<'f>(&mut self, frames: impl Iterator<Item = &'f [u8]>) {
        if self.limit == 0 {
            return;
        }
        for frame in frames {
            self.bytes.extend(frame);
            self.lengths.push_back(frame.len());
            while self.bytes.len() > self.limit {
                let Some(oldest) = self.lengths.pop_front() else { return };
                self.bytes.drain(..oldest);
            }
        }
    }

    /// What comes behind so many bytes, as far as it lies in one piece.
    pub(super) fn from(&self, start: usize) -> &[u8] {
        let (first, second) = self.bytes.as_slices();
        match start.checked_sub(first.len()) {
            Some(start) => second.get(start..).unwrap_or_default(),
            None => first.get(start..).unwrap_or_default(),
        }
    }
}
