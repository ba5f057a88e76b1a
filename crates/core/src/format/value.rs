//! How field values look in text formats (pure).

use super::{escape, hex, number};
use crate::record::read::RawValue;
use crate::record::{ErrorChain, Value};

/// As `tracing_subscriber`'s `fmt` writes them: strings quoted, `Debug` and `Display` texts bare.
#[inline]
pub(crate) fn text(value: RawValue<'_>, out: &mut Vec<u8>) {
    match value {
        RawValue::I64(value) => number::i64(value, out),
        RawValue::F64(value) => number::f64(value, out),
        RawValue::Str(text) => escape::quoted_bytes(text, out),
        RawValue::Debug(text) => escape::text_bytes(text, out),
        RawValue::Other(other) => bare(other.value().unwrap_or(Value::Nil), out),
    }
}

/// Strings bare too: Python's `%(field)s`.
pub(crate) fn bare(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::I64(value) => number::i64(value, out),
        Value::U64(value) => number::u64(value, out),
        Value::I128(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::U128(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::F64(value) => number::f64(value, out),
        Value::Str(text) | Value::Debug(text) => escape::text(text, out),
        Value::Bytes(bytes) => hex::spaced(bytes, out),
        Value::Error(chain) => escape::text(chain.message(), out),
        Value::Nil => out.extend_from_slice(b"null"),
    }
}

/// The sources of an error as a list: `[cause, cause's cause]`.
pub(crate) fn sources(chain: ErrorChain<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, source) in chain.sources().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        escape::text(source, out);
    }
    out.push(b']');
}
