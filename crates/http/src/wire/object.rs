//! JSON, written as it comes (pure).

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write as _;

use tracing_handlers_core::format::{escape, hex};
use tracing_handlers_core::record::ValueBuf;
use tracing_handlers_core::{Record, Value};

/// An object under way: knows whether a comma is due.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    separator: u8,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    /// Begins an entry; what is appended next is its value.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(self.separator);
        self.separator = b',';
        escape::json(key, self.out);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn str(&mut self, key: &str, text: &str) {
        escape::json(text, self.key(key));
    }

    /// A value whose text is JSON already, as that of a whole number.
    pub(crate) fn raw(&mut self, key: &str, value: impl Display) {
        raw(value, self.key(key));
    }

    pub(crate) fn value(&mut self, key: &str, value: Value<'_>) {
        json_value(value, self.key(key));
    }

    pub(crate) fn end(self) {
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }
}

pub(crate) fn raw(value: impl Display, out: &mut Vec<u8>) {
    // Memory takes everything.
    write!(out, "{value}").ok();
}

/// A value in its own type, where JSON has that and readers keep it exact; as text otherwise.
pub(crate) fn json_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => raw(value, out),
        Value::I64(value) => raw(value, out),
        Value::U64(value) => raw(value, out),
        Value::F64(value) if value.is_finite() => raw(format_args!("{value:?}"), out),
        Value::F64(_) | Value::Nil => out.extend_from_slice(b"null"),
        other => escape::json(&text(other), out),
    }
}

/// A value as text: an error with its sources, bytes in hexadecimal.
pub(crate) fn text(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Str(text) | Value::Debug(text) => Cow::Borrowed(text),
        Value::Bool(value) => value.to_string().into(),
        Value::I64(value) => value.to_string().into(),
        Value::U64(value) => value.to_string().into(),
        Value::I128(value) => value.to_string().into(),
        Value::U128(value) => value.to_string().into(),
        Value::F64(value) => value.to_string().into(),
        Value::Bytes(bytes) => hex::plain(bytes).into(),
        Value::Error(chain) => chain.collect::<Vec<_>>().join(": ").into(),
        _ => Cow::Borrowed("None"),
    }
}

/// What `then` makes of a value that owns its text.
pub(crate) fn borrowed<R>(value: &ValueBuf, then: impl FnOnce(Value<'_>) -> R) -> R {
    match (value, value.as_value()) {
        (ValueBuf::Error(chain), _) => then(Value::Str(&chain.join(": "))),
        (_, value) => then(value.unwrap_or(Value::Nil)),
    }
}

/// The fields of all spans, from root to leaf, and of the event. Each name stands once, with the value that is nearest to the event.
pub(crate) fn attributes<'a>(record: &Record<'a>) -> Vec<(&'a str, Value<'a>)> {
    let mut all: Vec<(&str, Value<'_>)> = Vec::new();
    for (name, value) in record.spans().flat_map(|span| span.fields()).chain(record.fields()) {
        match all.iter_mut().find(|(there, _)| *there == name) {
            Some(entry) => entry.1 = value,
            None => all.push((name, value)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearest_to_the_event_counts() {
        let record = Record::builder()
            .span("outer", "app", [("id", 1.into()), ("user", "ann".into())])
            .span("inner", "app", [("id", 2.into())])
            .field("user", "bob")
            .build();
        let found = attributes(&record.as_record());
        assert_eq!(found, [("id", Value::I64(2)), ("user", Value::Str("bob"))]);
    }

    #[test]
    fn what_json_has_no_type_for_is_a_text() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.value("key", Value::Bytes(&[0xde, 0x0d]));
        object.value("wide", Value::I128(i128::MIN));
        object.value("endless", Value::F64(f64::INFINITY));
        object.end();
        let expected = r#"{"key":"de0d","wide":"-170141183460469231731687303715884105728","endless":null}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn an_object_without_entries_is_one() {
        let mut out = Vec::new();
        Object::begin(&mut out).end();
        assert_eq!(out, b"{}");
    }
}
