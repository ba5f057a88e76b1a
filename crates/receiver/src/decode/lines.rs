//! Frames that end in a line feed (pure).

use super::{Reason, Refused};

/// The first line without its end, once that is there.
pub(crate) fn first(bytes: &[u8], limit: usize) -> Result<Option<&[u8]>, Refused> {
    // One byte more than the longest line: its end.
    let within = bytes.get(..=limit).unwrap_or(bytes);
    match within.iter().position(|byte| *byte == b'\n') {
        Some(end) => Ok(bytes.get(..end)),
        None if bytes.len() > limit => {
            Err(Refused::new(Reason::Oversized, format!("a line of more than the {limit} bytes that are allowed")))
        }
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_there_when_its_end_is() {
        assert_eq!(first(b"abc", 3).unwrap(), None);
        assert_eq!(first(b"abc\ndef", 3).unwrap(), Some(&b"abc"[..]));
        assert_eq!(first(b"\nabc", 3).unwrap(), Some(&b""[..]));
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_before_its_end_comes() {
        assert_eq!(first(b"abcd", 3).unwrap_err().reason, Reason::Oversized);
        assert_eq!(first(b"abcd\n", 3).unwrap_err().reason, Reason::Oversized);
    }
}
