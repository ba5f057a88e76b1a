//! The opcodes of pickle that make data, and none that makes anything else (pure).

use tracing_handlers_core::format::hex;
use tracing_handlers_core::{Error, Value};

const MARK: u8 = b'(';
const STOP: u8 = b'.';
const NONE: u8 = b'N';
const BININT: u8 = b'J';
const BININT1: u8 = b'K';
const BININT2: u8 = b'M';
const LONG: u8 = b'L';
const BINFLOAT: u8 = b'G';
const BINUNICODE: u8 = b'X';
const BINPUT: u8 = b'q';
const LONG_BINPUT: u8 = b'r';
const EMPTY_LIST: u8 = b']';
const APPENDS: u8 = b'e';
const EMPTY_DICT: u8 = b'}';
const SETITEMS: u8 = b'u';

/// Writes a pickle of protocol 1. Texts and containers go into the memo as CPython puts them there.
pub(crate) struct Opcodes<'o> {
    out: &'o mut Vec<u8>,
    memo: u32,
}

impl<'o> Opcodes<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, memo: 0 }
    }

    pub(crate) fn begin_dict(&mut self) {
        self.out.push(EMPTY_DICT);
        self.remember();
        self.out.push(MARK);
    }

    pub(crate) fn end_dict(&mut self) {
        self.out.push(SETITEMS);
    }

    pub(crate) fn stop(&mut self) {
        self.out.push(STOP);
    }

    /// A key and its value.
    pub(crate) fn entry(&mut self, key: &str, value: Value<'_>) -> Result<(), Error> {
        self.text(key)?;
        self.value(value)
    }

    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(T, &mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.out.push(EMPTY_LIST);
        self.remember();
        self.out.push(MARK);
        for item in items {
            each(item, self)?;
        }
        self.out.push(APPENDS);
        Ok(())
    }

    /// Bytes are text: for those of its own, protocol 1 would call a function.
    pub(crate) fn value(&mut self, value: Value<'_>) -> Result<(), Error> {
        match value {
            Value::Bool(true) => self.out.extend_from_slice(b"I01\n"),
            Value::Bool(false) => self.out.extend_from_slice(b"I00\n"),
            Value::I64(value) => self.integer(value.into()),
            Value::U64(value) => self.integer(value.into()),
            Value::I128(value) => self.integer(value),
            Value::U128(value) => match i128::try_from(value) {
                Ok(value) => self.integer(value),
                Err(_) => self.long(&value.to_string()),
            },
            Value::F64(value) => {
                self.out.push(BINFLOAT);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
            Value::Str(text) | Value::Debug(text) => self.text(text)?,
            Value::Error(chain) => self.text(chain.message())?,
            Value::Bytes(bytes) => self.text(&hex::plain(bytes))?,
            _ => self.out.push(NONE),
        }
        Ok(())
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Error> {
        let length = u32::try_from(text.len()).map_err(|_| Error::new(format!("pickle a text of {} bytes", text.len())))?;
        self.out.push(BINUNICODE);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
        self.remember();
        Ok(())
    }

    pub(crate) fn integer(&mut self, value: i128) {
        if let Ok(value) = u8::try_from(value) {
            self.out.extend_from_slice(&[BININT1, value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.out.push(BININT2);
            self.out.extend_from_slice(&value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(BININT);
            self.out.extend_from_slice(&value.to_le_bytes());
        } else {
            self.long(&value.to_string());
        }
    }

    fn long(&mut self, digits: &str) {
        self.out.push(LONG);
        self.out.extend_from_slice(digits.as_bytes());
        self.out.extend_from_slice(b"L\n");
    }

    fn remember(&mut self) {
        match u8::try_from(self.memo) {
            Ok(place) => self.out.extend_from_slice(&[BINPUT, place]),
            Err(_) => {
                self.out.push(LONG_BINPUT);
                self.out.extend_from_slice(&self.memo.to_le_bytes());
            }
        }
        self.memo = self.memo.wrapping_add(1);
    }
}
