//! One JSON object a record, with the field layout of `tracing_subscriber`'s JSON format.

mod layout;

pub(super) use self::layout::Layout;
use super::{Format, Zone, again, escape, number, sites, value};
use crate::record::read::{Other, RawValue};
use crate::record::short::Short;
use crate::record::slots::{Kind, Slot, Slots};
use crate::record::{Fields, RawSpan, Record, Site, Value};

/// The layout of `tracing_subscriber`'s JSON format, so that existing pipelines keep working.
///
/// ```
/// use tracing_handlers_core::{Record, Timestamp};
/// use tracing_handlers_core::format::{Format, Json};
///
/// let record = Record::builder()
///     .timestamp(Timestamp::from_nanos(1_700_000_000_250_000_000))
///     .target("app::db")
///     .message("slow query")
///     .field("millis", 812_u64)
///     .build();
///
/// let mut line = Vec::new();
/// Json::new().format(&record.as_record(), &mut line);
/// assert_eq!(
///     String::from_utf8_lossy(&line),
///     r#"{"timestamp":"2023-11-14T22:13:20.250000Z","level":"INFO","fields":{"message":"slow query","millis":812},"target":"app::db"}"#,
/// );
/// ```
///
/// | setting | default |
/// |---|---|
/// | [`zone`](Json::zone) | UTC |
/// | [`flatten_event`](Json::flatten_event): fields beside the other keys instead of under `fields` | off |
/// | [`current_span`](Json::current_span) as `span`, [`span_list`](Json::span_list) as `spans`, [`target`](Json::target) | shown |
/// | [`source_location`](Json::source_location) as `filename`, `line_number` | not shown |
/// | [`thread_name`](Json::thread_name) as `threadName`, [`thread_id`](Json::thread_id) as `threadId` | not shown |
///
/// Numbers that JSON readers round (128 bits wide) and bytes are strings, numbers that JSON does not have are `null`. Beyond that
/// layout: the sources of an error stand beside it (`"err.sources": […]`), and fields that the limits on capture left out are
/// counted (`"omitted_fields": 3`).
#[derive(Clone, Debug)]
pub struct Json {
    zone: Zone,
    flatten_event: bool,
    current_span: bool,
    span_list: bool,
    target: bool,
    source_location: bool,
    thread_name: bool,
    thread_id: bool,
}

impl Default for Json {
    fn default() -> Self {
        Self {
            zone: Zone::Utc,
            flatten_event: false,
            current_span: true,
            span_list: true,
            target: true,
            source_location: false,
            thread_name: false,
            thread_id: false,
        }
    }
}

impl Json {
    /// The default layout.
    pub fn new() -> Self {
        Self::default()
    }

    /// In which zone the time is written.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    switches! {
        /// Whether an event's fields stand beside the other keys. A field that has the name of one of those is written as
        /// `field.<name>`, so that no key stands twice.
        flatten_event
        /// Whether the innermost span is shown as `span`.
        current_span
        /// Whether all spans are shown as `spans`, root first.
        span_list
        /// Whether the target is shown.
        target
        /// Whether file and line of the call site are shown.
        source_location
        /// Whether the name of the thread is shown.
        thread_name
        /// Whether the number of the thread is shown.
        thread_id
    }

    fn event_fields(&self, record: &Record<'_>, object: &mut Object<'_>) {
        if self.flatten_event {
            let has_message = object.message(record);
            object.fields(record.fields(), |name| self.is_taken(name, has_message));
        } else {
            let mut fields = object.nested("fields");
            let has_message = fields.message(record);
            fields.fields(record.fields(), |name| self.is_taken(name, has_message));
            fields.end();
        }
    }

    /// Whether a field of that name would have the key of something else.
    fn is_taken(&self, name: &[u8], has_message: bool) -> bool {
        self.flatten_event && RESERVED.contains(&name) || has_message && name == b"message"
    }

    fn span_keys(&self, record: &Record<'_>, object: &mut Object<'_>) {
        let spans = record.spans();
        if spans.is_empty() {
            return;
        }
        // A comma is always due: the time stands before them.
        if self.current_span {
            object.out.extend_from_slice(b",\"span\":");
            again::write(spans, again::JSON_LEAF, object.out, |out| {
                let mut leaf = None;
                spans.for_each_raw(|span| leaf = Some(span));
                match leaf {
                    Some(leaf) => span(&leaf, out),
                    None => out.extend_from_slice(b"{}"),
                }
            });
        }
        if self.span_list {
            object.out.extend_from_slice(b",\"spans\":");
            again::write(spans, again::JSON_LIST, object.out, |out| {
                let mut separator = b'[';
                spans.for_each_raw(|each| {
                    out.push(separator);
                    span(&each, out);
                    separator = b',';
                });
                out.push(b']');
            });
        }
    }
}

/// Keys that a flattened field must not take.
const RESERVED: [&[u8]; 10] = [
    b"timestamp",
    b"level",
    b"target",
    b"filename",
    b"line_number",
    b"span",
    b"spans",
    b"threadName",
    b"threadId",
    b"omitted_fields",
];

impl Format for Json {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        match record.head.site {
            Site::Code(site) if record.fields.names.is_some() => sites::with(site, |known| match known {
                Some(known) => self.known_line(record, known.json(self.flatten_event), out),
                None => self.line(record, out),
            }),
            _ => self.line(record, out),
        }
    }
}

impl Json {
    fn line(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        self.timestamp(record, out);
        let mut object = Object { out, first: false };
        object.string("level", record.level().as_str());
        self.event_fields(record, &mut object);
        if self.target {
            object.string("target", record.target());
        }
        if self.source_location {
            object.location(record.file(), record.line());
        }
        self.rest(record, object);
    }

    /// The same of an event whose call site is known.
    #[inline]
    fn known_line(&self, record: &Record<'_>, layout: &Layout, out: &mut Vec<u8>) {
        self.timestamp(record, out);
        let message = record.message_bytes();
        layout.begin(!message.is_empty(), out);
        if !message.is_empty() {
            escape::json_bytes(message, out);
        }
        self.known_fields(record, layout, out, !message.is_empty());
        if self.target {
            layout.target(out);
        } else if !self.flatten_event {
            out.push(b'}');
        }
        if self.source_location {
            layout.location(out);
        }
        self.rest(record, Object { out, first: false });
    }

    #[inline]
    fn known_fields(&self, record: &Record<'_>, layout: &Layout, out: &mut Vec<u8>, has_message: bool) {
        let mut object = Object { out, first: !self.flatten_event && !has_message };
        let mut slots = Slots { rest: record.fields.bytes };
        while let Some(slot) = slots.next_field() {
            match layout.key(slot.field) {
                Some(key) => object.known_key(key),
                None => {
                    let name = layout.name(slot.field);
                    object.field_key(name, self.is_taken(name, has_message));
                }
            }
            match slot.kind {
                Kind::I64 => number::i64(slot.bits.cast_signed(), object.out),
                Kind::U64 => number::u64(slot.bits, object.out),
                Kind::F64 => json_f64(f64::from_bits(slot.bits), object.out),
                Kind::Debug | Kind::Str => escape::json_bytes(slot.text, object.out),
                _ => object.slot(slot, layout),
            }
        }
    }

    /// `{"timestamp":"…"`
    #[inline]
    fn timestamp(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        self.zone.write_rfc3339(record.timestamp(), out);
        out.push(b'"');
    }

    /// What stands behind the call site.
    #[inline]
    fn rest(&self, record: &Record<'_>, mut object: Object<'_>) {
        self.span_keys(record, &mut object);
        if let Some(name) = record.thread_name().filter(|_| self.thread_name) {
            object.string("threadName", name);
        }
        if let Some(id) = record.thread_id().filter(|_| self.thread_id) {
            object.key("threadId");
            object.out.extend_from_slice(b"\"ThreadId(");
            number::u64(id, object.out);
            object.out.extend_from_slice(b")\"");
        }
        if record.omitted_fields() > 0 {
            object.key("omitted_fields");
            number::u64(u64::from(record.omitted_fields()), object.out);
        }
        object.end();
    }
}

/// A span's fields and its name in one object, as `tracing_subscriber` writes it.
fn span(span: &RawSpan<'_>, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    object.fields(span.fields, |name| name == b"name");
    object.key("name");
    escape::json_bytes(span.name, object.out);
    object.end();
}

/// An object under way: knows whether a comma is due.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn key(&mut self, key: &str) {
        self.key_bytes(key.as_bytes());
    }

    fn key_bytes(&mut self, key: &[u8]) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        escape::json_bytes(key, self.out);
        self.out.push(b':');
    }

    fn field_key(&mut self, name: &[u8], is_taken: bool) {
        match is_taken {
            true => self.key_bytes(&[b"field.", name].concat()),
            false => self.key_bytes(name),
        }
    }

    /// A key that is there with its comma: behind the brace that is the place of the brace.
    #[inline]
    fn known_key(&mut self, key: &Short) {
        if !std::mem::take(&mut self.first) {
            return key.append(self.out);
        }
        self.out.pop();
        let brace = self.out.len();
        key.append(self.out);
        if let Some(place) = self.out.get_mut(brace) {
            *place = b'{';
        }
    }

    fn string(&mut self, key: &str, text: &str) {
        self.string_bytes(key, text.as_bytes());
    }

    fn string_bytes(&mut self, key: &str, text: &[u8]) {
        self.key(key);
        escape::json_bytes(text, self.out);
    }

    fn nested(&mut self, key: &str) -> Object<'_> {
        self.key(key);
        Object::begin(self.out)
    }

    /// The message, if there is one. A `message` that is no text (`message = 42`) is an ordinary field.
    fn message(&mut self, record: &Record<'_>) -> bool {
        let message = record.message_bytes();
        let has_message = !message.is_empty();
        if has_message {
            self.string_bytes("message", message);
        }
        has_message
    }

    /// Fields; a name that is taken gets a prefix, so that no key stands twice.
    fn fields(&mut self, fields: Fields<'_>, is_taken: impl Fn(&[u8]) -> bool) {
        fields.for_each_raw(|name, value| {
            self.field_key(name, is_taken(name));
            json_value(value, self.out);
            if let RawValue::Other(other) = value {
                self.sources(name, other);
            }
        });
    }

    /// A value of a kind that few fields have.
    fn slot(&mut self, slot: Slot<'_>, layout: &Layout) {
        let value = slot.raw_value();
        json_value(value, self.out);
        if let RawValue::Other(other) = value {
            self.sources(layout.name(slot.field), other);
        }
    }

    /// The sources of an error, where the value is one and has any, as a key of their own.
    fn sources(&mut self, name: &[u8], other: Other<'_>) {
        let Some(Value::Error(chain)) = other.value() else { return };
        if chain.len() > 1 {
            self.key_bytes(&[name, b".sources"].concat());
            let mut separator = b'[';
            for source in chain.sources() {
                self.out.push(separator);
                escape::json(source, self.out);
                separator = b',';
            }
            self.out.push(b']');
        }
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

#[inline]
fn json_f64(number: f64, out: &mut Vec<u8>) {
    match number.is_finite() {
        true => number::f64(number, out),
        false => out.extend_from_slice(b"null"),
    }
}

fn json_value(value: RawValue<'_>, out: &mut Vec<u8>) {
    match value {
        RawValue::I64(number) => number::i64(number, out),
        RawValue::F64(number) => json_f64(number, out),
        RawValue::Str(text) | RawValue::Debug(text) => escape::json_bytes(text, out),
        RawValue::Other(other) => other_value(other.value().unwrap_or(Value::Nil), out),
    }
}

fn other_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Debug(text) => escape::json(text, out),
        Value::Error(chain) => escape::json(chain.message(), out),
        Value::I128(_) | Value::U128(_) | Value::Bytes(_) => {
            out.push(b'"');
            value::bare(value, out);
            out.push(b'"');
        }
        other => value::bare(other, out),
    }
}
