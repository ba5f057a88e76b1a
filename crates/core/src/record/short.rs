//! Texts that are known beforehand and copied often (pure).

/// A text with room around it: it is copied with all of that, which costs less than a copy of just its length.
#[derive(Clone, Debug)]
pub(crate) struct Short {
    bytes: [u8; Self::ROOM],
    len: usize,
}

impl Short {
    const ROOM: usize = 32;

    /// Nothing, if it is too long.
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::ROOM];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { bytes, len: text.len() })
    }

    /// What `write` appends.
    pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>)) -> Option<Self> {
        let mut text = Vec::new();
        write(&mut text);
        Self::new(&text)
    }

    #[inline]
    pub(crate) fn append(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }

    /// The text with the room behind it, and its length.
    #[inline]
    pub(crate) fn with_room(&self) -> (&[u8; Self::ROOM], usize) {
        (&self.bytes, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_text_is_appended_and_nothing_else() {
        let mut out = b"<".to_vec();
        for len in [0, 1, 31, 32] {
            Short::new(&b"x".repeat(len)).unwrap().append(&mut out);
            out.push(b'>');
        }
        assert_eq!(out, [&b"<>x>"[..], &b"x".repeat(31), b">", &b"x".repeat(32), b">"].concat());
        assert!(Short::new(&[0; 33]).is_none());
    }
}
