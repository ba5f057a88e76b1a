//! The text of a message: line ends, what a framing forbids, and the cut (pure).

use super::framing::Framing;

/// What becomes of line ends in a text and in the values of structured data, which are never split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newlines {
    /// They stay, where the framing allows it.
    Keep,
    /// They become `\n` and `\r`, and a NUL becomes `\0`: a backslash and a letter.
    Escape,
    /// Each line is a message of its own, with the same header; empty lines are left out.
    Split,
}

/// The control bytes that are written as a backslash and a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forbidden {
    line_ends: bool,
    nul: bool,
}

impl Forbidden {
    /// Those that the setting and the framing, if there is one, do not let through.
    pub fn of(newlines: Newlines, framing: Option<Framing>) -> Self {
        let is_forbidden = |byte| framing.is_some_and(|framing| framing.forbids(byte));
        let escapes = newlines == Newlines::Escape;
        Self { line_ends: escapes || is_forbidden(b'\n'), nul: escapes || is_forbidden(0) }
    }

    /// The letter for a byte that is one of them.
    pub(super) fn escape(self, byte: u8) -> Option<u8> {
        match byte {
            b'\n' if self.line_ends => Some(b'n'),
            b'\r' if self.line_ends => Some(b'r'),
            0 if self.nul => Some(b'0'),
            _ => None,
        }
    }

    /// The text without them.
    pub(super) fn escaped(self, text: &[u8], out: &mut Vec<u8>) {
        for byte in text {
            match self.escape(*byte) {
                Some(letter) => out.extend_from_slice(&[b'\\', letter]),
                None => out.push(*byte),
            }
        }
    }
}

/// The lines that are not empty, or one that is.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_empty = |line: &&[u8]| line.is_empty();
    let lines = || text.split(|byte| matches!(byte, b'\n' | b'\r'));
    let nothing = lines().all(|line| line.is_empty()).then_some(&b""[..]);
    lines().filter(move |line| !is_empty(line)).chain(nothing)
}

/// Appends as much of the text as fits into `room`, with a mark of what was cut: `…[12 bytes cut]`. Says whether something was.
pub(super) fn cut(text: &[u8], room: usize, out: &mut Vec<u8>) -> bool {
    if text.len() <= room {
        out.extend_from_slice(text);
        return false;
    }
    // The number is one of as many digits as that of all bytes, or less.
    let longest_mark = mark(text.len());
    let room_for_text = room.checked_sub(longest_mark.len());
    let end = boundary(text, room_for_text.unwrap_or(room));
    out.extend_from_slice(text.get(..end).unwrap_or_default());
    if room_for_text.is_some() {
        out.extend_from_slice(mark(text.len() - end).as_bytes());
    }
    true
}

fn mark(bytes: usize) -> String {
    format!("…[{bytes} bytes cut]")
}

/// The last place at or before `end` where a character begins.
fn boundary(text: &[u8], end: usize) -> usize {
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // A character has four bytes at most; what has more such bytes is no UTF-8.
    (end.saturating_sub(3)..=end).rev().find(|at| !is_inside(*at)).unwrap_or(end)
}
