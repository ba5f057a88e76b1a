//! From bytes that may come from anyone to records (pure).

#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "public for the fuzz targets only")]
pub mod exercise;
mod json;
mod length;
mod lines;
mod pickle;
mod python;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;
mod tree;

use tracing_handlers_core::RecordBuf;
use tracing_handlers_socket::Encoding;

use crate::stats::Reason;

/// Why bytes are no record.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) why: String,
}

impl Refused {
    pub(crate) fn new(reason: Reason, why: impl Into<String>) -> Self {
        Self { reason, why: why.into() }
    }
}

/// Reads frames of one encoding or of any, up to a length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    /// Nothing: any, told apart by their first byte.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) max_frame_bytes: usize,
}

impl Decoder {
    /// The encoding of one payload; lines of JSON are JSON.
    pub(crate) fn encoding_of(self, payload: &[u8]) -> Encoding {
        self.encoding.unwrap_or_else(|| encoding_of(payload))
    }

    /// The record of one payload.
    pub(crate) fn record(self, payload: &[u8]) -> Result<RecordBuf, Refused> {
        match self.encoding_of(payload) {
            Encoding::MessagePack => {
                RecordBuf::from_bytes(payload).map_err(|error| Refused::new(Reason::Malformed, error.to_string()))
            }
            Encoding::Pickle => python::record(pickle::load(payload)?),
            _ => json::record(payload),
        }
    }

    /// The payload at the beginning of a stream's bytes, once it is there whole, and the bytes that it takes with its frame.
    pub(crate) fn first(self, bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Refused> {
        let (payload, frame) = match self.is_in_lines(bytes) {
            true => (lines::first(bytes, self.max_frame_bytes)?, 1),
            false => (length::first(bytes, self.max_frame_bytes)?, 4),
        };
        Ok(payload.map(|payload| (payload, payload.len() + frame)))
    }

    /// Whether the end of the stream ends the frame as well.
    pub(crate) fn ends_with_stream(self, bytes: &[u8]) -> bool {
        self.is_in_lines(bytes)
    }

    /// The payloads of one datagram.
    pub(crate) fn payloads(self, datagram: &[u8]) -> Result<Vec<&[u8]>, Refused> {
        if datagram.len() > self.max_frame_bytes.saturating_add(4) {
            return Err(Refused::new(Reason::Oversized, "a datagram of more bytes than are allowed"));
        }
        if self.is_in_lines(datagram) {
            return Ok(datagram.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect());
        }
        let payload = length::only(datagram);
        let wrong_length =
            || Refused::new(Reason::Malformed, format!("a datagram of {} bytes without its length", datagram.len()));
        payload.map(|payload| vec![payload]).ok_or_else(wrong_length)
    }

    /// As the first byte of a length, that of JSON would announce 2 GB.
    fn is_in_lines(self, bytes: &[u8]) -> bool {
        match self.encoding {
            Some(encoding) => encoding == Encoding::JsonLines,
            None => matches!(bytes.first(), Some(b'{' | b'\n')),
        }
    }
}

/// A pickle begins with `PROTO` or, before protocol 2, with the dictionary; a record of MessagePack with a map, never an empty one.
fn encoding_of(payload: &[u8]) -> Encoding {
    match payload {
        [b'{', ..] => Encoding::Json,
        [b'}' | b'(', ..] | [0x80, _, ..] => Encoding::Pickle,
        _ => Encoding::MessagePack,
    }
}
