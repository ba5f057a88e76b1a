//! Escaping: no text of a record can end a line, start a terminal sequence or reorder what a person sees (pure).
//!
//! Escaped are the C0 and C1 control characters, DEL, the line and paragraph separators (U+2028, U+2029) and the
//! bidirectional overrides and isolates (U+202A–U+202E, U+2066–U+2069). Clean text, found by one scan, is copied whole.

use std::ops::ControlFlow;

use crate::record::encode::short_word;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Unquoted text: `\n`, `\r`, `\t`, `\0`, `\x1b`, `\u{9b}`. A backslash of the text stays as it is.
pub fn text(text: &str, out: &mut Vec<u8>) {
    text_bytes(text.as_bytes(), out);
}

/// Text in double quotes, with `"` and `\` escaped as well.
pub fn quoted(text: &str, out: &mut Vec<u8>) {
    quoted_bytes(text.as_bytes(), out);
}

/// A JSON string with its quotes (RFC 8259 section 7).
pub fn json(text: &str, out: &mut Vec<u8>) {
    json_bytes(text.as_bytes(), out);
}

/// As [`text`]. Where the bytes are no UTF-8, which only a fault of our own could make, they are replaced.
pub(crate) fn text_bytes(text: &[u8], out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        escape(text, out, Style::Text);
    }
}

/// `name=` as [`text`], behind a space where it is to be separated from what stands before.
#[inline]
pub(crate) fn key(name: &[u8], separate: bool, out: &mut Vec<u8>) {
    if separate {
        out.push(b' ');
    }
    match short_key(name) {
        Some(key) => {
            let end = out.len() + name.len() + 1;
            out.extend_from_slice(&key);
            out.truncate(end);
        }
        None => {
            text_bytes(name, out);
            out.push(b'=');
        }
    }
}

/// A clean name of up to 15 bytes, filled up with `=`: looked at and copied as one word.
#[inline]
fn short_key(name: &[u8]) -> Option<[u8; 16]> {
    const FILL: u128 = 0x3d3d_3d3d_3d3d_3d3d_3d3d_3d3d_3d3d_3d3d;
    let word = match (name.first_chunk(), name.last_chunk(), name.len()) {
        // First and last eight may overlap: the same bits come twice into the same place.
        (Some(first), Some(last), len @ 8..16) => {
            u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << (8 * (len - 8))
        }
        _ => u128::from(short_word(name)?),
    };
    let key = word | FILL << (8 * name.len());
    let [low, high] = [key as u64, (key >> 64) as u64];
    let is_plain = (not_printable(low) | not_printable(high)) & HIGHEST == 0;
    is_plain.then(|| key.to_le_bytes())
}

/// As [`quoted`].
pub(crate) fn quoted_bytes(text: &[u8], out: &mut Vec<u8>) {
    in_quotes(text, out, Style::Quoted);
}

/// As [`json`].
pub(crate) fn json_bytes(text: &[u8], out: &mut Vec<u8>) {
    in_quotes(text, out, Style::Json);
}

#[inline]
fn in_quotes(text: &[u8], out: &mut Vec<u8>, style: Style) {
    out.push(b'"');
    if is_plain_quoted(text) {
        out.extend_from_slice(text);
    } else {
        escape(text, out, style);
    }
    out.push(b'"');
}

/// Printable ASCII only.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    marks(bytes, not_printable) == 0
}

/// Printable ASCII only, and nothing that ends a quoted text or escapes in it.
#[inline]
fn is_plain_quoted(bytes: &[u8]) -> bool {
    marks(bytes, |word| not_printable(word) | equals(word, b'"') | equals(word, b'\\')) == 0
}

/// The marks that `mark` gives to the bytes, eight at a time: a mark is the highest bit of a byte.
#[inline]
fn marks(bytes: &[u8], mark: impl Fn(u64) -> u64) -> u64 {
    let words = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes.last_chunk::<8>()) {
        // The last eight bytes are looked at as one word, whatever remains of the words before.
        (_, _, Some(last)) => {
            let (words, _) = bytes.as_chunks::<8>();
            words.iter().fold(mark(u64::from_ne_bytes(*last)), |marks, word| marks | mark(u64::from_ne_bytes(*word)))
        }
        // First and last four may overlap.
        (Some(first), Some(last), _) => {
            mark(u64::from(u32::from_ne_bytes(*first)) | u64::from(u32::from_ne_bytes(*last)) << 32)
        }
        _ => bytes.iter().fold(0, |marks, byte| marks | mark(EACH * u64::from(*byte))),
    };
    words & HIGHEST
}

/// A one in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte of a word.
const HIGHEST: u64 = 0x80 * EACH;

/// Marks the first byte that is no printable ASCII, and perhaps others behind it.
#[inline]
fn not_printable(word: u64) -> u64 {
    word | word.wrapping_add(EACH) | word.wrapping_sub(0x20 * EACH)
}

/// Marks the first byte that is `byte`, in a word of ASCII.
#[inline]
fn equals(word: u64, byte: u8) -> u64 {
    (word ^ (EACH * u64::from(byte))).wrapping_sub(EACH)
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Text,
    Quoted,
    Json,
}

/// Copies runs of clean characters, escapes the others.
#[cold]
fn escape(text: &[u8], out: &mut Vec<u8>, style: Style) {
    let text = &*String::from_utf8_lossy(text);
    let mut clean_from = 0;
    for (at, char) in text.char_indices() {
        if needs_escape(char, style) {
            out.extend_from_slice(text.get(clean_from..at).unwrap_or_default().as_bytes());
            one(char, out, style);
            clean_from = at + char.len_utf8();
        }
    }
    out.extend_from_slice(text.get(clean_from..).unwrap_or_default().as_bytes());
}

fn needs_escape(char: char, style: Style) -> bool {
    match char {
        '"' | '\\' => style != Style::Text,
        ' '..='~' => false,
        '\0'..='\u{9f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => false,
    }
}

fn one(char: char, out: &mut Vec<u8>, style: Style) {
    let short = match char {
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        '"' | '\\' => Some(char as u8),
        '\0' if style != Style::Json => Some(b'0'),
        _ => None,
    };
    if let Some(letter) = short {
        out.extend_from_slice(&[b'\\', letter]);
        return;
    }
    let code = char as u32;
    match style {
        Style::Json => {
            out.extend_from_slice(b"\\u");
            hex(code, 4, out);
        }
        _ if code < 0x80 => {
            out.extend_from_slice(b"\\x");
            hex(code, 2, out);
        }
        _ => {
            out.extend_from_slice(b"\\u{");
            hex(code, if code < 0x100 { 2 } else { 4 }, out);
            out.push(b'}');
        }
    }
}

/// The lowest `digits` hexadecimal digits.
fn hex(code: u32, digits: u32, out: &mut Vec<u8>) {
    for digit in (0..digits).rev() {
        let nibble = (code >> (4 * digit)) & 0xf;
        out.extend(HEX.get(nibble as usize));
    }
}

/// Whether bytes that somebody else wrote would be escaped anywhere; for formats that write raw bytes.
pub fn is_clean(text: &str) -> bool {
    let flow = text.chars().try_for_each(|char| match needs_escape(char, Style::Text) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    flow.is_continue()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(write: fn(&str, &mut Vec<u8>), input: &str) -> String {
        let mut out = Vec::new();
        write(input, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn clean_text_is_copied() {
        for clean in ["", "hello", "späm ✓ \u{1f600}", r"C:\temp", "it's \"quoted\""] {
            assert_eq!(with(text, clean), clean);
        }
    }

    #[test]
    fn line_ends_controls_and_terminal_escapes_are_visible() {
        assert_eq!(with(text, "a\nb\r\tc\0"), r"a\nb\r\tc\0");
        assert_eq!(with(text, "\x1b[31mred\x7f"), r"\x1b[31mred\x7f");
        assert_eq!(with(text, "\u{9b}31m\u{85}"), r"\u{9b}31m\u{85}");
        assert_eq!(with(text, "x\u{2028}y\u{202e}z\u{2066}"), r"x\u{2028}y\u{202e}z\u{2066}");
    }

    #[test]
    fn quoted_text_cannot_end_its_quotes() {
        assert_eq!(with(quoted, r#"say "hi" \o/"#), r#""say \"hi\" \\o/""#);
        assert_eq!(with(quoted, "a\u{1b}"), r#""a\x1b""#);
    }

    #[test]
    fn json_strings_read_back_as_they_were() {
        let all: String = (0..0x300).chain(0x2020..0x2070).filter_map(char::from_u32).collect();
        let written = with(json, &all);
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), all);
        assert!(is_clean(&written), "{written}");
    }

    #[test]
    fn every_byte_is_seen_at_every_place() {
        for len in 0..40 {
            for at in 0..len {
                let mut bytes = vec![b'~'; len];
                for byte in 0..=u8::MAX {
                    bytes[at] = byte;
                    let printable = byte == b' ' || byte.is_ascii_graphic();
                    assert_eq!(is_plain(&bytes), printable, "{byte:#x} at {at} of {len}");
                    assert_eq!(is_plain_quoted(&bytes), printable && !b"\"\\".contains(&byte), "{byte:#x} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut out = Vec::new();
        text_bytes(b"a\xff\n\xc3\xa4", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a\u{fffd}\\n\u{e4}");
    }

    #[test]
    fn no_character_leaves_a_control_byte() {
        for char in (0..0x3000).filter_map(char::from_u32) {
            let input = format!("x{char}y");
            for write in [text, quoted, json] {
                assert!(is_clean(&with(write, &input)), "{char:?}");
            }
        }
    }
}
