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

/// A field value whose text is not checked to be UTF-8: for formats, which look at every byte anyway.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValue<'a> {
    I64(i64),
    F64(f64),
    Str(&'a [u8]),
    Debug(&'a [u8]),
    Other(Value<'a>),
}

impl<'a> RawValue<'a> {
    #[inline]
    fn checked(self) -> Option<Value<'a>> {
        match self {
            Self::I64(value) => Some(Value::I64(value)),
            Self::F64(value) => Some(Value::F64(value)),
            Self::Str(text) => std::str::from_utf8(text).ok().map(Value::Str),
            Self::Debug(text) => std::str::from_utf8(text).ok().map(Value::Debug),
            Self::Other(value) => Some(value),
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

    /// A big-endian number of `WIDTH` bytes.
    #[inline]
    fn number<const WIDTH: usize>(&mut self) -> Option<u64> {
        let (bytes, rest) = self.rest.split_first_chunk::<WIDTH>()?;
        self.rest = rest;
        Some(bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    #[inline]
    fn length<const WIDTH: usize>(&mut self) -> Option<usize> {
        usize::try_from(self.number::<WIDTH>()?).ok()
    }

    pub(crate) fn map_len(&mut self) -> Option<u32> {
        match Marker::from_u8(self.byte()?) {
            Marker::FixMap(len) => Some(u32::from(len)),
            Marker::Map16 => self.number::<2>().map(|len| len as u32),
            Marker::Map32 => self.number::<4>().map(|len| len as u32),
            _ => None,
        }
    }

    pub(crate) fn array_len(&mut self) -> Option<u32> {
        match Marker::from_u8(self.byte()?) {
            Marker::FixArray(len) => Some(u32::from(len)),
            Marker::Array16 => self.number::<2>().map(|len| len as u32),
            Marker::Array32 => self.number::<4>().map(|len| len as u32),
            _ => None,
        }
    }

    /// The bytes of a string, not checked to be UTF-8.
    #[inline]
    pub(crate) fn str_bytes(&mut self) -> Option<&'a [u8]> {
        let len = match self.byte()? {
            first @ 0xa0..0xc0 => usize::from(first & 0x1f),
            0xd9 => self.length::<1>()?,
            0xda => self.length::<2>()?,
            0xdb => self.length::<4>()?,
            _ => return None,
        };
        self.take(len)
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
        self.raw_value()?.checked()
    }

    /// One field value, its text as it stands.
    #[inline]
    pub(crate) fn raw_value(&mut self) -> Option<RawValue<'a>> {
        let before = *self;
        Some(match Marker::from_u8(self.byte()?) {
            Marker::FixPos(value) => RawValue::I64(i64::from(value)),
            Marker::FixNeg(value) => RawValue::I64(i64::from(value)),
            Marker::U8 => RawValue::I64(self.number::<1>()? as i64),
            Marker::U16 => RawValue::I64(self.number::<2>()? as i64),
            Marker::U32 => RawValue::I64(self.number::<4>()? as i64),
            Marker::I8 => RawValue::I64(i64::from(self.number::<1>()? as i8)),
            Marker::I16 => RawValue::I64(i64::from(self.number::<2>()? as i16)),
            Marker::I32 => RawValue::I64(i64::from(self.number::<4>()? as i32)),
            Marker::I64 => RawValue::I64(self.number::<8>()? as i64),
            Marker::F64 => RawValue::F64(f64::from_bits(self.number::<8>()?)),
            Marker::F32 => RawValue::F64(f64::from(f32::from_bits(self.number::<4>()? as u32))),
            Marker::FixMap(1) => self.tagged()?,
            Marker::U64 => RawValue::Other(Value::from(self.number::<8>()?)),
            Marker::False => RawValue::Other(Value::Bool(false)),
            Marker::True => RawValue::Other(Value::Bool(true)),
            Marker::Bin8 => RawValue::Other(Value::Bytes(self.length::<1>().and_then(|len| self.take(len))?)),
            Marker::Bin16 => RawValue::Other(Value::Bytes(self.length::<2>().and_then(|len| self.take(len))?)),
            Marker::Bin32 => RawValue::Other(Value::Bytes(self.length::<4>().and_then(|len| self.take(len))?)),
            Marker::Null => RawValue::Other(Value::Nil),
            _ => {
                *self = before;
                RawValue::Str(self.str_bytes()?)
            }
        })
    }

    fn tagged(&mut self) -> Option<RawValue<'a>> {
        let key = self.str_bytes()?;
        if key == tag::DEBUG.as_bytes() {
            return self.str_bytes().map(RawValue::Debug);
        }
        let value = if key == tag::ERROR.as_bytes() {
            self.error_chain().map(Value::Error)
        } else if key == tag::I128.as_bytes() {
            self.str()?.parse().ok().map(Value::I128)
        } else if key == tag::U128.as_bytes() {
            self.str()?.parse().ok().map(Value::U128)
        } else {
            None
        };
        value.map(RawValue::Other)
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
    pub(crate) fn skip(&mut self) -> Option<()> {
        self.skip_nested(MAX_DEPTH)
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
            Marker::Str8 | Marker::Bin8 => self.length::<1>()?,
            Marker::Str16 | Marker::Bin16 => self.length::<2>()?,
            Marker::Str32 | Marker::Bin32 => self.length::<4>()?,
            Marker::Ext8 => self.length::<1>()?.checked_add(1)?,
            Marker::Ext16 => self.length::<2>()?.checked_add(1)?,
            Marker::Ext32 => self.length::<4>()?.checked_add(1)?,
            Marker::FixMap(len) => return self.skip_many(u64::from(len) * 2, depth),
            Marker::Map16 => return self.number::<2>().and_then(|len| self.skip_many(len * 2, depth)),
            Marker::Map32 => return self.number::<4>().and_then(|len| self.skip_many(len * 2, depth)),
            Marker::FixArray(len) => return self.skip_many(u64::from(len), depth),
            Marker::Array16 => return self.number::<2>().and_then(|len| self.skip_many(len, depth)),
            Marker::Array32 => return self.number::<4>().and_then(|len| self.skip_many(len, depth)),
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
