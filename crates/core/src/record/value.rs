//! The values of fields, borrowed and owned.

use std::error::Error as StdError;
use std::fmt;

use super::encode;
use super::read::Reader;

/// A typed field value, borrowed from a record.
///
/// Whole numbers that fit are [`I64`](Value::I64), whatever type they were written with; [`U64`](Value::U64) holds those above
/// `i64::MAX`. So one number has one encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A boolean.
    Bool(bool),
    /// A whole number that fits into `i64`.
    I64(i64),
    /// A whole number above `i64::MAX`.
    U64(u64),
    /// A number recorded as `i128`.
    I128(i128),
    /// A number recorded as `u128`.
    U128(u128),
    /// A floating-point number.
    F64(f64),
    /// A string recorded as `str`.
    Str(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// The text of a `Debug` or `Display` implementation (`?value`, `%value`).
    Debug(&'a str),
    /// An error and its sources.
    Error(ErrorChain<'a>),
    /// Nothing: never captured from `tracing`, but other senders may write it.
    Nil,
}

impl<'a> Value<'a> {
    /// The text of a string or `Debug` value.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Self::Str(text) | Self::Debug(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, where it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I64(value) => Some(value),
            Self::I128(value) => value.try_into().ok(),
            Self::U128(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// A whole number that is not negative, where it fits.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::I64(value) => value.try_into().ok(),
            Self::U64(value) => Some(value),
            Self::I128(value) => value.try_into().ok(),
            Self::U128(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// A floating-point number.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::F64(value) => Some(value),
            _ => None,
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A copy that owns its text.
    pub fn to_owned(&self) -> ValueBuf {
        match *self {
            Self::Bool(value) => ValueBuf::Bool(value),
            Self::I64(value) => ValueBuf::I64(value),
            Self::U64(value) => ValueBuf::U64(value),
            Self::I128(value) => ValueBuf::I128(value),
            Self::U128(value) => ValueBuf::U128(value),
            Self::F64(value) => ValueBuf::F64(value),
            Self::Str(value) => ValueBuf::Str(value.to_owned()),
            Self::Bytes(value) => ValueBuf::Bytes(value.to_owned()),
            Self::Debug(value) => ValueBuf::Debug(value.to_owned()),
            Self::Error(chain) => ValueBuf::Error(chain.map(str::to_owned).collect()),
            Self::Nil => ValueBuf::Nil,
        }
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::U64(value), Self::I64)
    }
}

/// An error's own text, then the texts of its sources, outermost first.
#[derive(Clone, Copy)]
pub struct ErrorChain<'a> {
    left: u32,
    reader: Reader<'a>,
}

impl<'a> ErrorChain<'a> {
    pub(crate) fn new(count: u32, bytes: &'a [u8]) -> Self {
        Self { left: count, reader: Reader::new(bytes) }
    }

    /// The error's own text.
    pub fn message(&self) -> &'a str {
        { *self }.next().unwrap_or_default()
    }

    /// The texts of its sources.
    pub fn sources(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.skip(1)
    }
}

impl<'a> Iterator for ErrorChain<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.left = self.left.checked_sub(1)?;
        self.reader.str()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for ErrorChain<'_> {}

impl PartialEq for ErrorChain<'_> {
    fn eq(&self, other: &Self) -> bool {
        (*self).eq(*other)
    }
}

impl fmt::Debug for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// A typed field value that owns its text: what [`Record::builder`](super::Record::builder) takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueBuf {
    /// A boolean.
    Bool(bool),
    /// A whole number that fits into `i64`.
    I64(i64),
    /// A whole number above `i64::MAX`.
    U64(u64),
    /// A number recorded as `i128`.
    I128(i128),
    /// A number recorded as `u128`.
    U128(u128),
    /// A floating-point number.
    F64(f64),
    /// A string.
    Str(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// The text of a `Debug` or `Display` implementation.
    Debug(String),
    /// An error's text and those of its sources.
    Error(Vec<String>),
    /// Nothing.
    Nil,
}

impl ValueBuf {
    /// The text that `Debug` makes of a value.
    pub fn debug(value: impl fmt::Debug) -> Self {
        Self::Debug(format!("{value:?}"))
    }

    /// The text that `Display` makes of a value, as `%value` in `tracing`.
    pub fn display(value: impl fmt::Display) -> Self {
        Self::Debug(value.to_string())
    }

    /// An error with its sources.
    pub fn error(error: &(dyn StdError + 'static)) -> Self {
        let mut texts = vec![error.to_string()];
        let mut next = error.source();
        while let Some(source) = next.filter(|_| texts.len() <= encode::MAX_SOURCES) {
            texts.push(source.to_string());
            next = source.source();
        }
        Self::Error(texts)
    }

    /// The same value without its own copy of the text; nothing for an error, whose texts stand apart here.
    pub fn as_value(&self) -> Option<Value<'_>> {
        Some(match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::I64(value) => Value::I64(*value),
            Self::U64(value) => Value::U64(*value),
            Self::I128(value) => Value::I128(*value),
            Self::U128(value) => Value::U128(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Str(value) => Value::Str(value),
            Self::Bytes(value) => Value::Bytes(value),
            Self::Debug(value) => Value::Debug(value),
            Self::Error(_) => return None,
            Self::Nil => Value::Nil,
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => encode::bool(out, *value),
            Self::I64(value) => encode::i64(out, *value),
            Self::U64(value) => encode::u64(out, *value),
            Self::I128(value) => encode::i128(out, *value),
            Self::U128(value) => encode::u128(out, *value),
            Self::F64(value) => encode::f64(out, *value),
            Self::Str(value) => encode::str(out, value),
            Self::Bytes(value) => encode::bytes(out, value),
            Self::Debug(value) => encode::value(out, Value::Debug(value)),
            Self::Error(chain) => encode::error_texts(out, chain.len(), chain.iter().map(String::as_str)),
            Self::Nil => encode::nil(out),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $into:expr;)*) => {$(
        impl From<$from> for ValueBuf {
            fn from($value: $from) -> Self {
                $into
            }
        }
    )*};
}

value_from! {
    bool => |value| Self::Bool(value);
    i32 => |value| Self::I64(value.into());
    i64 => |value| Self::I64(value);
    u32 => |value| Self::I64(value.into());
    u64 => |value| i64::try_from(value).map_or(Self::U64(value), Self::I64);
    usize => |value| Self::from(value as u64);
    i128 => |value| Self::I128(value);
    u128 => |value| Self::U128(value);
    f64 => |value| Self::F64(value);
    &str => |value| Self::Str(value.to_owned());
    String => |value| Self::Str(value);
    &[u8] => |value| Self::Bytes(value.to_owned());
    Vec<u8> => |value| Self::Bytes(value);
}
