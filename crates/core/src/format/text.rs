//! One line for people: time, level, spans, target, message, fields.

use super::sites::{self, Known};
use super::{Format, Zone, again, escape, number, value};
use crate::Level;
use crate::record::Site;
use crate::record::read::{Other, RawValue};
use crate::record::slots::{Kind, Slot, Slots};
use crate::record::{Fields, Record, Spans, Value};

/// The layout of `tracing_subscriber`'s default format, on exactly one line.
///
/// ```
/// use tracing_handlers_core::{Record, Timestamp};
/// use tracing_handlers_core::format::{Format, Text};
///
/// let record = Record::builder()
///     .timestamp(Timestamp::from_nanos(1_700_000_000_250_000_000))
///     .target("app::db")
///     .message("slow\nquery")
///     .field("millis", 812_u64)
///     .span("request", "app", [("id", "7f3a".into())])
///     .build();
///
/// let mut line = Vec::new();
/// Text::new().format(&record.as_record(), &mut line);
/// assert_eq!(
///     String::from_utf8_lossy(&line),
///     r#"2023-11-14T22:13:20.250000Z  INFO request{id="7f3a"}: app::db: slow\nquery millis=812"#,
/// );
/// ```
///
/// | setting | default |
/// |---|---|
/// | [`zone`](Text::zone) | UTC |
/// | [`time`](Text::time), [`level`](Text::level), [`spans`](Text::spans), [`target`](Text::target) | shown |
/// | [`source_location`](Text::source_location), [`thread_name`](Text::thread_name), [`thread_id`](Text::thread_id) | not shown |
/// | [`ansi`](Text::ansi) colours | off |
///
/// Line ends, control characters and terminal escapes in any text of the record are escaped ([`escape`]).
#[derive(Clone, Debug)]
pub struct Text {
    zone: Zone,
    time: bool,
    level: bool,
    spans: bool,
    target: bool,
    source_location: bool,
    thread_name: bool,
    thread_id: bool,
    ansi: bool,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            zone: Zone::Utc,
            time: true,
            level: true,
            spans: true,
            target: true,
            source_location: false,
            thread_name: false,
            thread_id: false,
            ansi: false,
        }
    }
}

impl Text {
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
        /// Whether the line begins with the time.
        time
        /// Whether the level is shown.
        level
        /// Whether the spans are shown.
        spans
        /// Whether the target is shown.
        target
        /// Whether file and line of the call site are shown.
        source_location
        /// Whether the name of the thread is shown.
        thread_name
        /// Whether the number of the thread is shown.
        thread_id
        /// Whether level and time are coloured, for terminals.
        ansi
    }

    fn styled(&self, style: &[u8], out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.ansi {
            out.extend_from_slice(style);
            write(out);
            out.extend_from_slice(ansi::RESET);
        } else {
            write(out);
        }
    }

    fn thread(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        if let Some(name) = record.thread_name().filter(|_| self.thread_name) {
            escape::text(name, out);
            out.push(b' ');
        }
        if let Some(id) = record.thread_id().filter(|_| self.thread_id) {
            out.extend_from_slice(b"ThreadId(");
            number::u64(id, out);
            out.extend_from_slice(b") ");
        }
    }

    fn span_list(&self, spans: Spans<'_>, out: &mut Vec<u8>) {
        if !spans.is_empty() {
            let layout = if self.ansi { again::TEXT_IN_COLOUR } else { again::TEXT };
            again::write(spans, layout, out, |out| self.write_spans(spans, out));
        }
    }

    fn write_spans(&self, spans: Spans<'_>, out: &mut Vec<u8>) {
        spans.for_each_name(|name, of_span| {
            self.styled(ansi::BOLD, out, |out| escape::text_bytes(name, out));
            let mut behind = of_span.bytes;
            if !of_span.is_empty() {
                out.push(b'{');
                behind = fields(of_span, out, false);
                out.push(b'}');
            }
            out.push(b':');
            behind
        });
        out.push(b' ');
    }

    fn location(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let Some(file) = record.file() else { return };
        self.styled(ansi::DIM, out, |out| {
            escape::text(file, out);
            out.push(b':');
            if let Some(line) = record.line() {
                number::u64(u64::from(line), out);
                out.push(b':');
            }
        });
        out.push(b' ');
    }
}

impl Format for Text {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        match record.head.site {
            Site::Code(site) => sites::with(site, |known| self.line(record, known.as_deref(), out)),
            Site::Told(_) => self.line(record, None, out),
        }
    }
}

impl Text {
    #[inline]
    fn line(&self, record: &Record<'_>, known: Option<&Known>, out: &mut Vec<u8>) {
        if self.time {
            self.styled(ansi::DIM, out, |out| self.zone.write_rfc3339(record.timestamp(), out));
            out.push(b' ');
        }
        if self.level {
            match known.filter(|_| !self.ansi) {
                Some(known) => known.level(out),
                None => {
                    self.styled(colour(record.level()), out, |out| out.extend_from_slice(&level(record.level())));
                    out.push(b' ');
                }
            }
        }
        self.thread(record, out);
        if self.spans {
            self.span_list(record.spans(), out);
        }
        if self.target {
            self.about(record, known, out);
        }
        if self.source_location {
            self.location(record, out);
        }
        let message = record.message_bytes();
        escape::text_bytes(message, out);
        match (known, record.fields.names) {
            (Some(known), Some(_)) => known_fields(record.fields, known, out, !message.is_empty()),
            _ => drop(fields(record.fields, out, !message.is_empty())),
        }
        omitted(record, out);
    }

    #[inline]
    fn about(&self, record: &Record<'_>, known: Option<&Known>, out: &mut Vec<u8>) {
        match known.filter(|_| !self.ansi) {
            Some(known) => known.target(out),
            None => {
                self.styled(ansi::DIM, out, |out| {
                    escape::text(record.target(), out);
                    out.push(b':');
                });
                out.push(b' ');
            }
        }
    }
}

/// `name=value`, separated by spaces. Gives what stands behind the fields.
pub(super) fn fields<'a>(fields: Fields<'a>, out: &mut Vec<u8>, mut separate: bool) -> &'a [u8] {
    fields.for_each_raw(|name, value| {
        escape::key(name, separate, out);
        separate = true;
        value::text(value, out);
        if let RawValue::Other(other) = value {
            sources(name, other, out);
        }
    })
}

/// The same of the fields of a call site that is known.
#[inline]
fn known_fields(fields: Fields<'_>, known: &Known, out: &mut Vec<u8>, mut separate: bool) {
    let mut slots = Slots { rest: fields.bytes };
    while let Some(slot) = slots.next_field() {
        known.key(slot.field, separate, out);
        separate = true;
        match slot.kind {
            Kind::I64 => number::i64(slot.bits.cast_signed(), out),
            Kind::U64 => number::u64(slot.bits, out),
            Kind::F64 => number::f64(f64::from_bits(slot.bits), out),
            Kind::Debug => escape::text_bytes(slot.text, out),
            Kind::Str => escape::quoted_bytes(slot.text, out),
            _ => known_value(slot, known, out),
        }
    }
}

/// A value of a kind that few fields have.
#[cold]
fn known_value(slot: Slot<'_>, known: &Known, out: &mut Vec<u8>) {
    let value = slot.raw_value();
    value::text(value, out);
    if let RawValue::Other(other) = value {
        sources(known.name(slot.field), other, out);
    }
}

/// The sources of an error, where the value is one and has any, as a field of their own.
fn sources(name: &[u8], other: Other<'_>, out: &mut Vec<u8>) {
    let Some(Value::Error(chain)) = other.value() else { return };
    if chain.len() > 1 {
        out.push(b' ');
        escape::text_bytes(name, out);
        out.extend_from_slice(b".sources=");
        value::sources(chain, out);
    }
}

/// The mark of fields that the limits on capture left out.
#[inline]
pub(super) fn omitted(record: &Record<'_>, out: &mut Vec<u8>) {
    if record.omitted_fields() > 0 {
        out.extend_from_slice(" …[".as_bytes());
        number::u64(u64::from(record.omitted_fields()), out);
        out.extend_from_slice(b" fields omitted]");
    }
}

pub(super) fn level(level: Level) -> [u8; 5] {
    match level {
        Level::ERROR => *b"ERROR",
        Level::WARN => *b" WARN",
        Level::INFO => *b" INFO",
        Level::DEBUG => *b"DEBUG",
        Level::TRACE => *b"TRACE",
    }
}

fn colour(level: Level) -> &'static [u8] {
    match level {
        Level::ERROR => ansi::RED,
        Level::WARN => ansi::YELLOW,
        Level::INFO => ansi::GREEN,
        Level::DEBUG => ansi::BLUE,
        Level::TRACE => ansi::PURPLE,
    }
}

/// Select Graphic Rendition sequences (ECMA-48 section 8.3.117).
mod ansi {
    pub(super) const RESET: &[u8] = b"\x1b[0m";
    pub(super) const BOLD: &[u8] = b"\x1b[1m";
    pub(super) const DIM: &[u8] = b"\x1b[2m";
    pub(super) const RED: &[u8] = b"\x1b[31m";
    pub(super) const GREEN: &[u8] = b"\x1b[32m";
    pub(super) const YELLOW: &[u8] = b"\x1b[33m";
    pub(super) const BLUE: &[u8] = b"\x1b[34m";
    pub(super) const PURPLE: &[u8] = b"\x1b[35m";
}
