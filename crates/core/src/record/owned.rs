//! A record that owns its bytes.

use std::fmt;

use super::read::Reader;
use super::{DecodeError, Record};

/// An owned record: the bytes of one MessagePack map in a box. Cloning copies them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecordBuf {
    bytes: Box<[u8]>,
}

impl RecordBuf {
    pub(crate) fn from_record(record: &Record<'_>) -> Self {
        let mut bytes =
            Vec::with_capacity(192 + record.message_bytes().len() + record.fields.bytes.len() + record.spans.bytes.len());
        record.encode(&mut bytes);
        Self { bytes: bytes.into_boxed_slice() }
    }

    /// Takes bytes that are a record.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] where they are not.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        Record::decode(&bytes)?;
        Ok(Self { bytes })
    }

    /// The record as a view.
    pub fn as_record(&self) -> Record<'_> {
        // The bytes were written by our encoder or checked by `from_bytes`.
        Record::read(&mut Reader::new(&self.bytes)).unwrap_or(Record::EMPTY)
    }

    /// The MessagePack.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The MessagePack, given away.
    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }
}

impl fmt::Debug for RecordBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_record().fmt(f)
    }
}
