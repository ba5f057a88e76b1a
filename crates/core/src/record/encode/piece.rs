//! A key and what follows it in one piece: room is made once for both, and what was too much is taken back (pure).

use super::{clamp, short_word};
use crate::record::short::Short;
use crate::record::slots::{Kind, Slot};

/// All of a value that is short, or what stands before a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    first: u8,
    /// The bytes behind the first, from the lowest on.
    rest: u64,
    /// How many bytes there are in all.
    len: usize,
}

/// The most bytes of a piece.
pub(super) const PIECE: usize = 1 + size_of::<u64>();

impl Piece {
    /// The piece of a value, and the text behind it; nothing where that takes more than a piece.
    #[inline(always)]
    pub(super) fn of<'a>(Slot { kind, bits, text, .. }: Slot<'a>) -> Option<(Self, &'a [u8])> {
        match kind {
            Kind::U64 => Some((Self::u64(bits), &[])),
            Kind::I64 => Some((Self::i64(bits.cast_signed()), &[])),
            Kind::F64 => Some((Self::f64(bits), &[])),
            Kind::Bool => Some((Self::bool(bits != 0), &[])),
            Kind::Debug => Self::debug(text),
            Kind::Str => Self::str(text),
            Kind::Message | Kind::Bytes | Kind::Encoded => None,
        }
    }

    /// A marker and the lowest `width` bytes of a number.
    #[inline]
    fn number(marker: u8, number: u64, width: usize) -> Self {
        let rest = (number << (u64::BITS as usize - 8 * width)).swap_bytes();
        Self { first: marker, rest, len: 1 + width }
    }

    #[inline]
    pub(super) fn bool(value: bool) -> Self {
        Self { first: 0xc2 | u8::from(value), rest: 0, len: 1 }
    }

    #[inline]
    pub(super) fn f64(bits: u64) -> Self {
        Self::number(0xcb, bits, 8)
    }

    /// A length that takes two bytes behind this marker, or four behind the next.
    pub(super) fn len(marker: u8, len: usize) -> Self {
        match len {
            ..0x1_0000 => Self::number(marker, len as u64, 2),
            _ => Self::number(marker + 1, u64::from(clamp(len)), 4),
        }
    }

    #[inline]
    pub(super) fn u64(value: u64) -> Self {
        match value {
            0..0x80 => Self { first: value as u8, rest: 0, len: 1 },
            0x80..0x100 => Self::number(0xcc, value, 1),
            0x100..0x1_0000 => Self::number(0xcd, value, 2),
            0x1_0000..0x1_0000_0000 => Self::number(0xce, value, 4),
            _ => Self::number(0xcf, value, 8),
        }
    }

    /// As [`i64`](Self::i64), for a number that is wide, if it is a time of these days.
    #[inline]
    pub(super) fn nanos(value: i64) -> Self {
        match value {
            0x1_0000_0000.. => Self::number(0xcf, value.cast_unsigned(), 8),
            _ => Self::i64(value),
        }
    }

    #[inline]
    pub(super) fn i64(value: i64) -> Self {
        let bits = value.cast_unsigned();
        match value {
            0.. => Self::u64(bits),
            -0x20..0 => Self { first: value as u8, rest: 0, len: 1 },
            -0x80..-0x20 => Self::number(0xd0, bits, 1),
            -0x8000..-0x80 => Self::number(0xd1, bits, 2),
            -0x8000_0000..-0x8000 => Self::number(0xd2, bits, 4),
            _ => Self::number(0xd3, bits, 8),
        }
    }

    #[inline]
    pub(super) fn str(text: &[u8]) -> Option<(Self, &[u8])> {
        let len = text.len();
        match (short_word(text), len) {
            (Some(word), _) => Some((Self { first: 0xa0 | len as u8, rest: word, len: 1 + len }, &[])),
            (None, 0..32) => Some((Self { first: 0xa0 | len as u8, rest: 0, len: 1 }, text)),
            (None, 32..0x100) => Some((Self { first: 0xd9, rest: len as u64, len: 2 }, text)),
            _ => None,
        }
    }

    #[inline]
    fn debug(text: &[u8]) -> Option<(Self, &[u8])> {
        const TAG: u64 = u64::from_le_bytes(*b"\xa5debug\0\0");
        let len = text.len() as u64;
        match len {
            0..32 => Some((Self { first: 0x81, rest: TAG | (0xa0 | len) << 48, len: 8 }, text)),
            32..0x100 => Some((Self { first: 0x81, rest: TAG | 0xd9 << 48 | len << 56, len: 9 }, text)),
            _ => None,
        }
    }

    #[inline]
    fn bytes(self) -> [u8; PIECE] {
        let [a, b, c, d, e, f, g, h] = self.rest.to_le_bytes();
        [self.first, a, b, c, d, e, f, g, h]
    }

    /// Appends the first `len` of some bytes, which have room for a piece behind them, and the piece.
    #[inline]
    pub(super) fn append<const ROOM: usize>(self, bytes: &[u8; ROOM], len: usize, out: &mut Vec<u8>) {
        let begin = out.len() + len;
        out.extend_from_slice(bytes);
        match out.get_mut(begin..).and_then(<[u8]>::first_chunk_mut) {
            Some(place) => *place = self.bytes(),
            None => {
                out.truncate(begin);
                out.extend_from_slice(&self.bytes());
            }
        }
        out.truncate(begin + self.len);
    }

    #[inline]
    pub(super) fn push(self, out: &mut Vec<u8>) {
        let end = out.len() + self.len;
        out.extend_from_slice(&self.bytes());
        out.truncate(end);
    }

    #[inline]
    pub(super) fn append_to(self, name: &Short, out: &mut Vec<u8>) {
        let (bytes, len) = name.with_room();
        self.append(bytes, len, out);
    }
}

#[cfg(test)]
mod tests {
    use rmp::encode::{write_bool, write_f64, write_map_len, write_sint, write_str, write_uint};

    use super::*;

    /// What is behind all bytes of `name`, of whatever length that is.
    #[track_caller]
    fn assert_appended(slot: Slot<'_>, expected: impl Fn(&mut Vec<u8>)) {
        let (piece, text) = Piece::of(slot).unwrap();
        for len in 0..32 {
            let name = "n".repeat(len);
            let (mut plain, mut out) = (b"before".to_vec(), b"before".to_vec());
            plain.extend_from_slice(name.as_bytes());
            expected(&mut plain);
            piece.append_to(&Short::new(name.as_bytes()).unwrap(), &mut out);
            out.extend_from_slice(text);
            assert_eq!(out, plain, "{slot:?} behind {len} bytes");
        }
    }

    const NOTHING: Slot<'_> = Slot { kind: Kind::Bool, field: 0, bits: 0, text: b"" };

    #[test]
    fn numbers_are_encoded_as_without_a_name() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for bits in edges.chain([u64::MAX]) {
            let slot = Slot { bits, ..NOTHING };
            assert_appended(Slot { kind: Kind::U64, ..slot }, |out| assert!(write_uint(out, bits).is_ok()));
            assert_appended(Slot { kind: Kind::F64, ..slot }, |out| write_f64(out, f64::from_bits(bits)).unwrap());
            for signed in [bits.cast_signed(), bits.cast_signed().wrapping_neg()] {
                let slot = Slot { kind: Kind::I64, bits: signed.cast_unsigned(), ..NOTHING };
                assert_appended(slot, |out| assert!(write_sint(out, signed).is_ok()));
                let (mut plain, mut out) = (Vec::new(), Vec::new());
                write_sint(&mut plain, signed).unwrap();
                Piece::nanos(signed).append(&[0; PIECE], 0, &mut out);
                assert_eq!(out, plain, "the time {signed}");
            }
        }
        for bits in [0, 1] {
            assert_appended(Slot { bits, ..NOTHING }, |out| write_bool(out, bits == 1).unwrap());
        }
    }

    #[test]
    fn texts_are_encoded_as_without_a_name() {
        for len in 0..256 {
            let text = &*"t".repeat(len);
            let slot = Slot { text: text.as_bytes(), ..NOTHING };
            assert_appended(Slot { kind: Kind::Str, ..slot }, |out| write_str(out, text).unwrap());
            assert_appended(Slot { kind: Kind::Debug, ..slot }, |out| {
                write_map_len(out, 1).unwrap();
                write_str(out, "debug").unwrap();
                write_str(out, text).unwrap();
            });
        }
    }

    #[test]
    fn what_takes_more_is_left_to_others() {
        let text = &*b"t".repeat(256);
        for kind in [Kind::Str, Kind::Debug] {
            assert!(Piece::of(Slot { kind, text, ..NOTHING }).is_none());
        }
        for kind in [Kind::Message, Kind::Bytes, Kind::Encoded] {
            assert!(Piece::of(Slot { kind, text: b"t", ..NOTHING }).is_none());
        }
    }
}
