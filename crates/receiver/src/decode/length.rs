//! Frames with four bytes of length, big-endian, before them (pure).

use super::{Reason, Refused};

/// The payload of the first frame, once it is there whole. A length above `limit` is refused before anybody waits for it.
pub(crate) fn first(bytes: &[u8], limit: usize) -> Result<Option<&[u8]>, Refused> {
    let Some((prefix, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length > limit {
        return Err(Refused::new(Reason::Oversized, format!("a frame of {length} bytes, {limit} are allowed")));
    }
    Ok(rest.get(..length))
}

/// The payload of a datagram that is one frame.
pub(crate) fn only(bytes: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = bytes.split_first_chunk()?;
    (u32::from_be_bytes(*prefix) as usize == rest.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_there_when_its_last_byte_is() {
        let frame = b"\0\0\0\x03abcd";
        for arrived in 0..7 {
            assert_eq!(first(&frame[..arrived], 3).unwrap(), None);
        }
        assert_eq!(first(frame, 3).unwrap(), Some(&b"abc"[..]));
    }

    #[test]
    fn a_length_above_the_limit_is_refused_by_its_prefix_alone() {
        assert_eq!(first(&[0, 0, 0, 4], 3).unwrap_err().reason, Reason::Oversized);
        assert_eq!(first(&[4, 0, 0, 0], 1 << 20).unwrap_err().reason, Reason::Oversized);
    }

    #[test]
    fn a_datagram_is_a_frame_only_if_the_length_is_its_own() {
        assert_eq!(only(b"\0\0\0\x02ab"), Some(&b"ab"[..]));
        assert_eq!(only(b"\0\0\0\x02abc"), None);
        assert_eq!(only(b"\0\0\0\x02a"), None);
        assert_eq!(only(b"\0\0"), None);
    }
}
