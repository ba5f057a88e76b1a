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

    #[inline]
    fn number(&mut self, width: usize) -> Option<u64> {
        self.take(width).map(|bytes| bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    fn length(&mut self, width: usize) -> Option<usize> {
        usize::try_from(self.number(width)?).ok()
    }

    pub(crate) fn map_len(&mut self) -> Option<u32> {
        match Marker::from_u8(self.byte()?) {
            Marker::FixMap(len) => Some(u32::from(len)),
            Marker::Map16 => self.number(2).map(|len| len as u32),
            Marker::Map32 => self.number(4).map(|len| len as u32),
            _ => None,
        }
    }

    pub(crate) fn array_len(&mut self) -> Option<u32> {
        match Marker::from_u8(self.byte()?) {
            Marker::FixArray(len) => Some(u32::from(len)),
            Marker::Array16 => self.number(2).map(|len| len as u32),
            Marker::Array32 => self.number(4).map(|len| len as u32),
            _ => None,
        }
    }

    /// The bytes of a string, not checked to be UTF-8.
    #[inline]
    fn str_bytes(&mut self) -> Option<&'a [u8]> {
        let first = self.byte()?;
        let len = match Marker::from_u8(first) {
            Marker::FixStr(len) => usize::from(len),
            Marker::Str8 => self.length(1)?,
            Marker::Str16 => self.length(2)?,
            Marker::Str32 => self.length(4)?,
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
        let before = *self;
        Some(match Marker::from_u8(self.byte()?) {
            Marker::FixPos(value) => Value::I64(i64::from(value)),
            Marker::FixNeg(value) => Value::I64(i64::from(value)),
            Marker::U8 => Value::I64(self.number(1)? as i64),
            Marker::U16 => Value::I64(self.number(2)? as i64),
            Marker::U32 => Value::I64(self.number(4)? as i64),
            Marker::U64 => Value::from(self.number(8)?),
            Marker::I8 => Value::I64(i64::from(self.number(1)? as i8)),
            Marker::I16 => Value::I64(i64::from(self.number(2)? as i16)),
            Marker::I32 => Value::I64(i64::from(self.number(4)? as i32)),
            Marker::I64 => Value::I64(self.number(8)? as i64),
            Marker::False => Value::Bool(false),
            Marker::True => Value::Bool(true),
            Marker::F64 => Value::F64(f64::from_bits(self.number(8)?)),
            Marker::F32 => Value::F64(f64::from(f32::from_bits(self.number(4)? as u32))),
            Marker::Bin8 => Value::Bytes(self.length(1).and_then(|len| self.take(len))?),
            Marker::Bin16 => Value::Bytes(self.length(2).and_then(|len| self.take(len))?),
            Marker::Bin32 => Value::Bytes(self.length(4).and_then(|len| self.take(len))?),
            Marker::Null => Value::Nil,
            Marker::FixMap(1) => self.tagged()?,
            _ => {
                *self = before;
                Value::Str(self.str()?)
            }
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
            Marker::Str8 | Marker::Bin8 => self.length(1)?,
            Marker::Str16 | Marker::Bin16 => self.length(2)?,
            Marker::Str32 | Marker::Bin32 => self.length(4)?,
            Marker::Ext8 => self.length(1)?.checked_add(1)?,
            Marker::Ext16 => self.length(2)?.checked_add(1)?,
            Marker::Ext32 => self.length(4)?.checked_add(1)?,
            Marker::FixMap(len) => return self.skip_many(u64::from(len) * 2, depth),
            Marker::Map16 => return self.number(2).and_then(|len| self.skip_many(len * 2, depth)),
            Marker::Map32 => return self.number(4).and_then(|len| self.skip_many(len * 2, depth)),
            Marker::FixArray(len) => return self.skip_many(u64::from(len), depth),
            Marker::Array16 => return self.number(2).and_then(|len| self.skip_many(len, depth)),
            Marker::Array32 => return self.number(4).and_then(|len| self.skip_many(len, depth)),
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
