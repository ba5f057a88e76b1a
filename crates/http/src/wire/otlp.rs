//! OpenTelemetry's logs over HTTP, in JSON: `ExportLogsServiceRequest` (pure).

use std::borrow::Cow;

use serde_json::Value as Json;
use tracing_handlers_core::format::escape;
use tracing_handlers_core::{Error, Level, Record, Value};
use tracing_handlers_delivery::{Frames, Outcome};

use crate::encoding::Encoding;
use crate::reply::Reply;
use crate::wire::json;
use crate::wire::object::{Object, attributes, text};

pub(crate) struct Otlp {
    /// The attributes of the resource, as a JSON array.
    resource: Vec<u8>,
}

impl Otlp {
    pub(crate) fn new(resource: impl IntoIterator<Item = (String, String)>) -> Self {
        let resource: Vec<_> = resource.into_iter().collect();
        let mut out = Vec::new();
        let mut list = List::begin(&mut out);
        resource.iter().for_each(|(name, value)| list.attribute(name, Value::Str(value)));
        list.end();
        Self { resource: out }
    }
}

impl Encoding for Otlp {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let (number, name) = severity(record.level());
        let nanos = record.timestamp().as_nanos().max(0);
        let mut object = Object::begin(out);
        object.raw("timeUnixNano", format_args!("\"{nanos}\""));
        object.raw("observedTimeUnixNano", format_args!("\"{nanos}\""));
        object.raw("severityNumber", number);
        object.str("severityText", name);
        any_value(Value::Str(record.message()), object.key("body"));
        let fields = attributes(record);
        for (name, key, digits) in [("trace_id", "traceId", 32), ("span_id", "spanId", 16)] {
            let id = fields.iter().find(|(field, _)| *field == name).map(|(_, value)| text(*value));
            if let Some(id) = id.filter(|id| id.len() == digits && id.bytes().all(|digit| digit.is_ascii_hexdigit())) {
                object.str(key, &id);
            }
        }
        let mut list = List::begin(object.key("attributes"));
        circumstances(record, &mut list);
        fields.into_iter().for_each(|(name, value)| list.attribute(name, value));
        list.end();
        object.end();
        Ok(())
    }

    fn body(&self, records: &Frames, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"resourceLogs\":[{\"resource\":{\"attributes\":");
        out.extend_from_slice(&self.resource);
        out.extend_from_slice(b"},\"scopeLogs\":[{\"scope\":{\"name\":\"tracing-handlers\"},\"logRecords\":");
        json::list(records, out);
        out.extend_from_slice(b"}]}]}");
    }

    fn path(&self) -> &str {
        "/v1/logs"
    }

    /// Only 429, 502, 503 and 504 are worth another try. What an answer of 200 says was rejected must not be sent again.
    fn outcome(&self, reply: &Reply, records: &Frames) -> Outcome {
        match reply.status() {
            200..300 => partial_success(reply, records.len()),
            413 => Outcome::Split,
            429 | 502 | 503 | 504 => reply.retry(),
            _ => reply.reject(),
        }
    }
}

/// How many were rejected the collector says, but not which: the first ones stand for them.
fn partial_success(reply: &Reply, records: usize) -> Outcome {
    let answer: Json = serde_json::from_slice(reply.body()).unwrap_or_default();
    let partial = |key: &str| answer.get("partialSuccess").and_then(|partial| partial.get(key));
    // 64-bit integers are texts; some collectors write numbers.
    let rejected = match partial("rejectedLogRecords") {
        Some(Json::String(text)) => text.parse().unwrap_or(0),
        other => other.and_then(Json::as_u64).unwrap_or(0),
    };
    if rejected == 0 {
        return Outcome::Delivered;
    }
    let rejected = usize::try_from(rejected).unwrap_or(records).min(records);
    let mut why = format!("the peer rejected {rejected} of {records} records: ").into_bytes();
    escape::text(partial("errorMessage").and_then(Json::as_str).unwrap_or("it does not say why"), &mut why);
    let why = String::from_utf8_lossy(&why).into_owned();
    Outcome::Partial {
        retry: Vec::new(),
        dead: (0..rejected).map(|index| (index, why.clone())).collect(),
        after: None,
        why: None,
    }
}

fn severity(level: Level) -> (u8, &'static str) {
    match level {
        Level::ERROR => (17, "ERROR"),
        Level::WARN => (13, "WARN"),
        Level::INFO => (9, "INFO"),
        Level::DEBUG => (5, "DEBUG"),
        _ => (1, "TRACE"),
    }
}

/// What of a record's circumstances has a name in OpenTelemetry's conventions.
fn circumstances<'k>(record: &Record<'k>, list: &mut List<'_, 'k>) {
    list.attribute("log.target", Value::Str(record.target()));
    let texts = [("code.file.path", record.file()), ("thread.name", record.thread_name())];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .for_each(|(name, text)| list.attribute(name, Value::Str(text)));
    let numbers = [("code.line.number", record.line().map(u64::from)), ("thread.id", record.thread_id())];
    numbers
        .into_iter()
        .filter_map(|(name, number)| Some((name, number?)))
        .for_each(|(name, number)| list.attribute(name, number.into()));
}

/// `[{"key":…,"value":{…}},…]`, in which no key stands twice.
struct List<'a, 'k> {
    out: &'a mut Vec<u8>,
    keys: Vec<Cow<'k, str>>,
    separator: u8,
}

impl<'a, 'k> List<'a, 'k> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, keys: Vec::new(), separator: b'[' }
    }

    fn attribute(&mut self, key: &'k str, value: Value<'_>) {
        let is_there = self.keys.iter().any(|there| there == key);
        let key = if is_there { Cow::Owned(format!("field.{key}")) } else { Cow::Borrowed(key) };
        self.out.push(self.separator);
        self.separator = b',';
        let mut object = Object::begin(self.out);
        object.str("key", &key);
        any_value(value, object.key("value"));
        object.end();
        self.keys.push(key);
    }

    fn end(self) {
        if self.separator == b'[' {
            self.out.push(b'[');
        }
        self.out.push(b']');
    }
}

/// `AnyValue`: the type is the key.
fn any_value(value: Value<'_>, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    match value {
        Value::Bool(value) => object.raw("boolValue", value),
        Value::I64(value) => object.raw("intValue", format_args!("\"{value}\"")),
        // The JSON of protocol buffers has names for what is no number.
        Value::F64(value) if value.is_finite() => object.raw("doubleValue", format_args!("{value:?}")),
        Value::F64(value) if value.is_nan() => object.str("doubleValue", "NaN"),
        Value::F64(value) => object.str("doubleValue", if value > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Bytes(bytes) => object.str("bytesValue", &crate::wire::base64::encode(bytes)),
        Value::Nil => {}
        other => object.str("stringValue", &text(other)),
    }
    object.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rejected_is_not_sent_again() {
        let reply = |body: &str| partial_success(&Reply::new(200, body), 5);
        assert!(matches!(reply("{}"), Outcome::Delivered));
        assert!(matches!(reply(""), Outcome::Delivered));
        for body in [
            r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}"#,
            r#"{"partialSuccess":{"rejectedLogRecords":2,"errorMessage":"too old"}}"#,
        ] {
            let Outcome::Partial { retry, dead, .. } = reply(body) else { panic!("{body}") };
            assert!(
                retry.is_empty() && dead.len() == 2 && dead[0].1 == "the peer rejected 2 of 5 records: too old",
                "{dead:?}"
            );
        }
    }
}
