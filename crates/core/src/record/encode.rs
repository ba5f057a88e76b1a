//! Writing values as MessagePack, byte for byte what `rmp-serde` writes for the same ones (pure).
//!
//! Schema: `docs/wire-format.md`. Headers are always the shortest that fit.

mod map;
mod piece;

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::ops::Range;

use self::piece::Piece;
use super::value::{ErrorChain, Value};

pub(crate) use self::map::{fields, key, level_name, record, span};
pub(super) use self::map::{origin, record_of, site};

/// The keys of the one-entry maps that stand for the types MessagePack does not have.
pub(crate) mod tag {
    pub(crate) const DEBUG: &str = "debug";
    pub(crate) const ERROR: &str = "error";
    pub(crate) const I128: &str = "i128";
    pub(crate) const U128: &str = "u128";
}

/// How many sources of an error are followed; a cycle ends here.
pub(crate) const MAX_SOURCES: usize = 16;

#[inline]
pub(crate) fn nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

pub(crate) fn bool(out: &mut Vec<u8>, value: bool) {
    Piece::bool(value).push(out);
}

pub(crate) fn u64(out: &mut Vec<u8>, value: u64) {
    Piece::u64(value).push(out);
}

pub(crate) fn i64(out: &mut Vec<u8>, value: i64) {
    Piece::i64(value).push(out);
}

pub(crate) fn f64(out: &mut Vec<u8>, value: f64) {
    Piece::f64(value.to_bits()).push(out);
}

pub(crate) fn str(out: &mut Vec<u8>, value: &str) {
    str_bytes(out, value.as_bytes());
}

/// A string, given as its UTF-8.
pub(crate) fn str_bytes(out: &mut Vec<u8>, value: &[u8]) {
    let text = match Piece::str(value) {
        Some((piece, text)) => {
            piece.push(out);
            text
        }
        None => {
            Piece::len(0xda, value.len()).push(out);
            value
        }
    };
    out.extend_from_slice(text);
}

/// Up to seven bytes as a number, the first in its lowest byte. Many names are that short, and a call to copy them costs more.
#[inline]
pub(crate) fn short_word(bytes: &[u8]) -> Option<u64> {
    // First and last may overlap: the same bits come twice into the same place.
    let behind = |from: usize| 8 * (bytes.len() - from);
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
        (Some(first), Some(last), _) if bytes.len() < 8 => {
            Some(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << behind(4))
        }
        (None, _, [first, middle @ .., last]) => {
            let middle = middle.first().map_or(0, |middle| u64::from(*middle) << 8);
            Some(u64::from(*first) | middle | u64::from(*last) << behind(1))
        }
        _ => None,
    }
}

pub(crate) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    bytes_header(out, value.len());
    out.extend_from_slice(value);
}

fn bytes_header(out: &mut Vec<u8>, len: usize) {
    match len {
        0..0x100 => out.extend_from_slice(&[0xc4, len as u8]),
        _ => Piece::len(0xc5, len).push(out),
    }
}

#[inline]
pub(crate) fn map_header(out: &mut Vec<u8>, len: u32) {
    match len {
        0..16 => out.push(0x80 | len as u8),
        _ => infallible(rmp::encode::write_map_len(out, len)),
    }
}

#[inline]
pub(crate) fn array_header(out: &mut Vec<u8>, len: u32) {
    match len {
        0..16 => out.push(0x90 | len as u8),
        _ => infallible(rmp::encode::write_array_len(out, len)),
    }
}

pub(crate) fn i128(out: &mut Vec<u8>, value: i128) {
    tagged_text(out, tag::I128, format_args!("{value}"));
}

pub(crate) fn u128(out: &mut Vec<u8>, value: u128) {
    tagged_text(out, tag::U128, format_args!("{value}"));
}

/// `{"debug": text}`.
#[inline]
pub(crate) fn debug(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(b"\x81\xa5debug");
    str_bytes(out, text);
}

/// `{"error": [message, source, source's source, …]}`; each text goes through `write`, which may cut it.
pub(crate) fn error(out: &mut Vec<u8>, error: &(dyn StdError + 'static), mut write: impl FnMut(&mut Text<'_>, &dyn StdError)) {
    out.push(0x81);
    str(out, tag::ERROR);
    let header = out.len();
    out.push(0x90);
    let mut count = 0_u8;
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| usize::from(count) <= MAX_SOURCES) {
        text(out, |text| write(text, error));
        count += 1;
        next = error.source();
    }
    if count < 16 {
        if let Some(byte) = out.get_mut(header) {
            *byte = 0x90 | count;
        }
    } else {
        replace(out, header..header + 1, &[0xdc, 0, count]);
    }
}

/// A whole error chain given as texts.
pub(crate) fn error_texts<'a>(out: &mut Vec<u8>, count: usize, texts: impl Iterator<Item = &'a str>) {
    out.push(0x81);
    str(out, tag::ERROR);
    array_header(out, clamp(count));
    for text in texts {
        str(out, text);
    }
}

pub(crate) fn value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Bool(value) => bool(out, value),
        Value::I64(value) => i64(out, value),
        Value::U64(value) => u64(out, value),
        Value::I128(value) => i128(out, value),
        Value::U128(value) => u128(out, value),
        Value::F64(value) => f64(out, value),
        Value::Str(value) => str(out, value),
        Value::Bytes(value) => bytes(out, value),
        Value::Debug(value) => debug(out, value.as_bytes()),
        Value::Error(chain) => error_chain(out, chain),
        Value::Nil => nil(out),
    }
}

fn error_chain(out: &mut Vec<u8>, chain: ErrorChain<'_>) {
    error_texts(out, chain.len(), chain);
}

fn tagged_text(out: &mut Vec<u8>, tag: &str, content: fmt::Arguments<'_>) {
    out.push(0x81);
    str(out, tag);
    text(out, |text| text.write_fmt(content).unwrap_or(()));
}

/// A string whose length is known only after it was written: one byte is kept for the header and widened where needed.
fn text(out: &mut Vec<u8>, write: impl FnOnce(&mut Text<'_>)) {
    out.push(0xa0);
    let start = out.len();
    write(&mut Text(out));
    let len = out.len() - start;
    let [a, b, c, d] = clamp(len).to_be_bytes();
    let header: &[u8] = match len {
        ..32 => &[0xa0 | d],
        32..0x100 => &[0xd9, d],
        0x100..0x1_0000 => &[0xda, c, d],
        _ => &[0xdb, a, b, c, d],
    };
    replace(out, start - 1..start, header);
}

/// Puts `new` in the place of as many bytes or fewer.
fn replace(out: &mut Vec<u8>, old: Range<usize>, new: &[u8]) {
    let end = out.len();
    out.resize(end + new.len().saturating_sub(old.len()), 0);
    out.copy_within(old.end..end, old.start + new.len());
    if let Some(place) = out.get_mut(old.start..old.start + new.len()) {
        place.copy_from_slice(new);
    }
}

/// Where the text of a value goes.
pub(crate) struct Text<'a>(pub(crate) &'a mut Vec<u8>);

impl Text<'_> {
    #[inline]
    pub(crate) fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }
}

impl fmt::Write for Text<'_> {
    #[inline]
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s);
        Ok(())
    }
}

fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Writing into a `Vec` cannot fail; the signature of `rmp` says it might.
fn infallible<T, E>(result: Result<T, E>) {
    debug_assert!(result.is_ok(), "writing into memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_headers_are_the_shortest_that_fit() {
        for len in [0, 1, 31, 32, 255, 256, 65_535, 65_536, 70_000] {
            let content = "x".repeat(len);
            let (mut direct, mut patched, mut pieces) = (Vec::new(), Vec::new(), Vec::new());
            str(&mut direct, &content);
            text(&mut patched, |text| text.push(&content));
            assert!(direct == patched, "length {len}");
            text(&mut pieces, |text| content.chars().for_each(|char| text.push(char.encode_utf8(&mut [0; 4]))));
            assert!(direct == pieces, "length {len}, in pieces");
        }
    }

    #[test]
    fn an_error_without_end_is_cut() {
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("endless")
            }
        }
        impl StdError for Endless {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&Endless)
            }
        }
        let mut out = Vec::new();
        error(&mut out, &Endless, |text, error| text.push(&error.to_string()));
        let Some(Value::Error(chain)) = super::super::read::Reader::new(&out).value() else { panic!("an error") };
        assert_eq!(chain.count(), MAX_SOURCES + 1);
    }
}
