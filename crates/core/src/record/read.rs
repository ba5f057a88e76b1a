//! Reading MessagePack that may come from anyone: nothing here panics, recurses without bound or trusts a length (pure).

use rmp::Marker;

use super::encode::tag;
use super::value::{ErrorChain, Value};

/// How deep unknown values may nest before a record is refused.
const MAX_DEPTH: u8 = 32;

/// A cursor over bytes; every method gives `None` where the bytes are not what it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// A field value for formats: the kinds that most fields have, ready to be written, and others where they stand. Text is not
/// checked to be UTF-8, as formats look at every byte anyway.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValue<'a> {
    I64(i64),
    F64(f64),
    Str(&'a [u8]),
    Debug(&'a [u8]),
    Other(Other<'a>),
}

/// A value of a kind that few fields have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Other<'a> {
    Encoded(Reader<'a>),
    Known(Value<'a>),
}

impl<'a> Other<'a> {
    /// The value, if the bytes are one.
    pub(crate) fn value(self) -> Option<Value<'a>> {
        match self {
            Self::Encoded(mut at) => at.value(),
            Self::Known(value) => Some(value),
        }
    }
}

impl<'a> RawValue<'a> {
    /// The value, if its text is UTF-8.
    #[inline]
    pub(crate) fn value(self) -> Option<Value<'a>> {
        match self {
            Self::I64(value) => Some(Value::I64(value)),
            Self::F64(value) => Some(Value::F64(value)),
            Self::Str(text) => std::str::from_utf8(text).ok().map(Value::Str),
            Self::Debug(text) => std::str::from_utf8(text).ok().map(Value::Debug),
            Self::Other(Other::Encoded(mut at)) => at.other_value(),
            Self::Other(Other::Known(value)) => Some(value),
        }
    }
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// Steps over these bytes, if they are the next.
    #[inline]
    pub(crate) fn expect<const LEN: usize>(&mut self, bytes: &[u8; LEN]) -> Option<()> {
        self.array().filter(|next| next == bytes).map(drop)
    }

    /// The next `LEN` bytes.
    #[inline]
    fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    #[inline]
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    #[inline]
    fn take8(&mut self) -> Option<&'a [u8]> {
        let len = self.byte()?;
        self.take(usize::from(len))
    }

    #[inline]
    fn take16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    fn take32(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.take(usize::try_from(len).ok()?)
    }

    pub(crate) fn map_len(&mut self) -> Option<u32> {
        match Marker::from_u8(self.byte()?) {
            Marker::FixMap(len) => Some(u32::from(len)),
            Marker::Map16 => self.u16().map(u32::from),
            Marker::Map32 => self.u32(),
            _ => None,
        }
    }

    pub(crate) fn array_len(&mut self) -> Option<u32> {
        match Marker::from_u8(self.byte()?) {
            Marker::FixArray(len) => Some(u32::from(len)),
            Marker::Array16 => self.u16().map(u32::from),
            Marker::Array32 => self.u32(),
            _ => None,
        }
    }

    /// The bytes of a string, not checked to be UTF-8.
    #[inline]
    pub(crate) fn str_bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.str_len()?;
        self.take(len)
    }

    /// The header of a string.
    #[inline]
    fn str_len(&mut self) -> Option<usize> {
        match self.byte()? {
            first @ 0xa0..0xc0 => Some(usize::from(first & 0x1f)),
            0xd9 => self.byte().map(usize::from),
            0xda => self.u16().map(usize::from),
            0xdb => usize::try_from(self.u32()?).ok(),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.str_bytes()?).ok()
    }

    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        match self.value()? {
            Value::U64(value) => Some(value),
            Value::I64(value) => u64::try_from(value).ok(),
            _ => None,
        }
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        match self.value()? {
            Value::I64(value) => Some(value),
            _ => None,
        }
    }

    /// One field value; the one-entry maps of [`tag`] become the types they stand for.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.raw_value()?.value()
    }

    /// One field value, its text as it stands.
    // Always: where the caller looks at the kind at once, the kind is never made.
    #[inline(always)]
    pub(crate) fn raw_value(&mut self) -> Option<RawValue<'a>> {
        let before = *self;
        Some(match self.byte()? {
            // The key with the header that our encoder writes.
            0x81 if self.expect(b"\xa5debug").is_some() => RawValue::Debug(self.str_bytes()?),
            byte @ 0x00..=0x7f => RawValue::I64(i64::from(byte)),
            byte @ 0xe0.. => RawValue::I64(i64::from(byte as i8)),
            0xcc => RawValue::I64(i64::from(self.byte()?)),
            0xcd => RawValue::I64(i64::from(self.u16()?)),
            0xce => RawValue::I64(i64::from(self.u32()?)),
            0xd0 => RawValue::I64(i64::from(self.byte()? as i8)),
            0xd1 => RawValue::I64(i64::from(self.u16()? as i16)),
            0xd2 => RawValue::I64(i64::from(self.u32()? as i32)),
            0xd3 => RawValue::I64(self.u64()? as i64),
            0xca => RawValue::F64(f64::from(f32::from_bits(self.u32()?))),
            0xcb => RawValue::F64(f64::from_bits(self.u64()?)),
            0xa0..0xc0 | 0xd9..=0xdb => {
                *self = before;
                RawValue::Str(self.str_bytes()?)
            }
            _ => {
                *self = before;
                self.skip()?;
                RawValue::Other(Other::Encoded(before))
            }
        })
    }

    /// One of the values that are [`RawValue::Other`].
    fn other_value(&mut self) -> Option<Value<'a>> {
        Some(match Marker::from_u8(self.byte()?) {
            Marker::U64 => Value::from(self.u64()?),
            Marker::False => Value::Bool(false),
            Marker::True => Value::Bool(true),
            Marker::Bin8 => Value::Bytes(self.take8()?),
            Marker::Bin16 => Value::Bytes(self.take16()?),
            Marker::Bin32 => Value::Bytes(self.take32()?),
            Marker::Null => Value::Nil,
            Marker::FixMap(1) => self.tagged()?,
            _ => return None,
        })
    }

    fn tagged(&mut self) -> Option<Value<'a>> {
        let key = self.str_bytes()?;
        if key == tag::DEBUG.as_bytes() {
            self.str().map(Value::Debug)
        } else if key == tag::ERROR.as_bytes() {
            self.error_chain().map(Value::Error)
        } else if key == tag::I128.as_bytes() {
            self.str()?.parse().ok().map(Value::I128)
        } else if key == tag::U128.as_bytes() {
            self.str()?.parse().ok().map(Value::U128)
        } else {
            None
        }
    }

    fn error_chain(&mut self) -> Option<ErrorChain<'a>> {
        let count = self.array_len()?;
        let all = self.rest;
        for _ in 0..count {
            self.str()?;
        }
        let len = all.len() - self.rest.len();
        Some(ErrorChain::new(count, all.get(..len)?))
    }

    /// Steps over one value of any kind, also kinds that a record does not use.
    #[inline]
    pub(crate) fn skip(&mut self) -> Option<()> {
        match self.rest.split_first()? {
            (0x00..=0x7f | 0xc2 | 0xc3 | 0xe0..=0xff, rest) => {
                self.rest = rest;
                Some(())
            }
            (0xa0..=0xbf, _) => self.str_bytes().map(drop),
            _ => self.skip_nested(MAX_DEPTH),
        }
    }

    fn skip_nested(&mut self, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let len = match Marker::from_u8(self.byte()?) {
            Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => 0,
            Marker::U8 | Marker::I8 => 1,
            Marker::U16 | Marker::I16 | Marker::FixExt1 => 2,
            Marker::FixExt2 => 3,
            Marker::U32 | Marker::I32 | Marker::F32 => 4,
            Marker::FixExt4 => 5,
            Marker::U64 | Marker::I64 | Marker::F64 => 8,
            Marker::FixExt8 => 9,
            Marker::FixExt16 => 17,
            Marker::FixStr(len) => usize::from(len),
            Marker::Str8 | Marker::Bin8 => usize::from(self.byte()?),
            Marker::Str16 | Marker::Bin16 => usize::from(self.u16()?),
            Marker::Str32 | Marker::Bin32 => usize::try_from(self.u32()?).ok()?,
            Marker::Ext8 => usize::from(self.byte()?) + 1,
            Marker::Ext16 => usize::from(self.u16()?) + 1,
            Marker::Ext32 => usize::try_from(self.u32()?).ok()?.checked_add(1)?,
            Marker::FixMap(len) => return self.skip_many(u64::from(len) * 2, depth),
            Marker::Map16 => return self.u16().and_then(|len| self.skip_many(u64::from(len) * 2, depth)),
            Marker::Map32 => return self.u32().and_then(|len| self.skip_many(u64::from(len) * 2, depth)),
            Marker::FixArray(len) => return self.skip_many(u64::from(len), depth),
            Marker::Array16 => return self.u16().and_then(|len| self.skip_many(u64::from(len), depth)),
            Marker::Array32 => return self.u32().and_then(|len| self.skip_many(u64::from(len), depth)),
            Marker::Reserved => return None,
        };
        self.take(len).map(drop)
    }

    fn skip_many(&mut self, count: u64, depth: u8) -> Option<()> {
        for _ in 0..count {
            self.skip_nested(depth)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;
    use crate::format::{Format, Text};

    #[test]
    fn a_span_that_another_encoder_wrote_looks_the_same() {
        let ours = Record::builder().span("request", "app", [("id", 7_u64.into())]).build();
        let theirs = rmp_serde::to_vec_named(&serde_json::json!({
            "ts": 0, "level": "INFO",
            "spans": [{"fields": {"id": 7}, "colour": "red", "target": "app", "name": "request"}],
        }));
        let theirs = theirs.unwrap();
        let [mut line, mut other] = [Vec::new(), Vec::new()];
        Text::new().format(&ours.as_record(), &mut line);
        Text::new().format(&Record::decode(&theirs).unwrap(), &mut other);
        assert_eq!(String::from_utf8(line), String::from_utf8(other));
    }

    #[test]
    fn skipping_a_value_goes_as_far_as_reading_it() {
        let values: [&[u8]; 14] = [
            b"\x07",
            b"\xff",
            b"\xc0",
            b"\xc3",
            b"\xcc\x80",
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
            b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
            b"\xa2hi",
            b"\xd9\x02hi",
            b"\xc4\x02hi",
            b"\x81\xa5debug\xa2hi",
            b"\x81\xd9\x05debug\xa2hi",
            b"\x81\xa5error\x92\xa1a\xa1b",
        ];
        for value in values {
            let bytes = [value, b"rest"].concat();
            let [mut read, mut skipped] = [Reader::new(&bytes); 2];
            assert!(read.value().is_some() && skipped.skip().is_some(), "{value:x?}");
            assert_eq!((read.rest(), skipped.rest()), (&b"rest"[..], &b"rest"[..]), "{value:x?}");
        }
    }

    #[test]
    fn a_text_is_a_text_whatever_the_header_of_its_key() {
        for bytes in [&b"\x81\xa5debug\xa2hi"[..], b"\x81\xd9\x05debug\xa2hi"] {
            assert_eq!(Reader::new(bytes).value(), Some(Value::Debug("hi")));
        }
    }
}
