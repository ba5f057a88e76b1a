//! Frames of RELP: `17 syslog 5 hello` and a line feed (pure).

use super::number;

/// The greatest number of a frame; the next one is 1. Hints have 0.
const GREATEST: u32 = 999_999_999;
/// No answer is longer.
const MOST_BYTES: usize = 128 << 10;
/// No command is longer, and no number.
const LONGEST_WORD: usize = 32;

/// What a peer said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) number: u32,
    pub(crate) command: &'a [u8],
    pub(crate) data: &'a [u8],
}

/// The number behind this one.
pub(crate) fn next(number: u32) -> u32 {
    if number >= GREATEST { 1 } else { number + 1 }
}

/// Appends a frame.
pub(crate) fn frame(of: u32, command: &str, data: &[u8], out: &mut Vec<u8>) {
    number(of.into(), out);
    out.push(b' ');
    out.extend_from_slice(command.as_bytes());
    out.push(b' ');
    number(data.len() as u64, out);
    if !data.is_empty() {
        out.push(b' ');
        out.extend_from_slice(data);
    }
    out.push(b'\n');
}

/// The first frame and its length, if all of it is there.
///
/// # Errors
///
/// Bytes that no frame begins with.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Answer<'_>, usize)>, &'static str> {
    let Some((number, b' ', rest)) = word(bytes)? else { return ended_early(bytes, 1) };
    let Some((command, b' ', rest)) = word(rest)? else { return ended_early(bytes, 2) };
    let Some((length, end, rest)) = word(rest)? else { return Ok(None) };
    let number = decimal(number).and_then(|number| u32::try_from(number).ok()).ok_or("a frame without a number")?;
    let length =
        decimal(length).filter(|length| *length <= MOST_BYTES).ok_or("a frame without a length, or of too great a one")?;
    let consumed = |rest: &[u8]| bytes.len() - rest.len();
    if end == b'\n' {
        let answer = Answer { number, command, data: &[] };
        return if length == 0 { Ok(Some((answer, consumed(rest)))) } else { Err("a frame without its data") };
    }
    let Some((data, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    match rest.split_first() {
        None => Ok(None),
        Some((b'\n', rest)) => Ok(Some((Answer { number, command, data }, consumed(rest)))),
        Some(_) => Err("a frame that does not end where its length says"),
    }
}

/// Either more is to come, or a line feed stands where a word should follow.
fn ended_early<T>(bytes: &[u8], words: usize) -> Result<Option<T>, &'static str> {
    let ends_early = bytes.split(|byte| *byte == b' ').take(words).any(|word| word.contains(&b'\n'));
    if ends_early { Err("a frame of too few words") } else { Ok(None) }
}

/// A word, what ended it, and what is behind that.
type Word<'a> = (&'a [u8], u8, &'a [u8]);

/// Up to a space or a line feed, which it was, and what is behind it.
fn word(bytes: &[u8]) -> Result<Option<Word<'_>>, &'static str> {
    let Some(end) = bytes.iter().position(|byte| matches!(byte, b' ' | b'\n')) else {
        return if bytes.len() > LONGEST_WORD { Err("a word without end") } else { Ok(None) };
    };
    match (bytes.get(..end), bytes.get(end), bytes.get(end + 1..)) {
        (Some(word), Some(byte), Some(rest)) if word.len() <= LONGEST_WORD => Ok(Some((word, *byte, rest))),
        _ => Err("a word without end"),
    }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_framed_is_read_back_and_no_part_of_it_is_taken_for_the_whole() {
        for data in [&b""[..], b"x", b"200 OK\nmore \n0 serverclose 0\n", &[0; 5_000]] {
            let mut bytes = Vec::new();
            frame(17, "rsp", data, &mut bytes);
            for part in 0..bytes.len() {
                assert_eq!(parse(&bytes[..part]), Ok(None), "{part} of {}", bytes.len());
            }
            let length = bytes.len();
            bytes.extend_from_slice(b"18 rsp");
            assert_eq!(parse(&bytes), Ok(Some((Answer { number: 17, command: b"rsp", data }, length))));
        }
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let long = [b'1'; LONGEST_WORD + 1];
        for bytes in
            [&b"x rsp 0\n"[..], b"1\n", b"1 rsp\n", b"1 rsp x\n", b"1 rsp 5\n", b"1 rsp 1 ab\n", b"1 rsp 999999999 ", &long]
        {
            parse(bytes).unwrap_err();
        }
    }

    #[test]
    fn numbers_begin_again_behind_the_greatest() {
        assert_eq!((next(0), next(1), next(GREATEST - 1), next(GREATEST)), (1, 2, GREATEST, 1));
    }
}
