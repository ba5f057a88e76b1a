//! Fields as structured data (RFC 5424 section 6.3), under an enterprise number (pure).
//!
//! ```text
//! [event@32473 target="app::db" spans="request:query"][fields@32473 millis="812"][spans@32473 request.id="7f3a"]
//! ```
//!
//! Names are cut to 32 bytes and have `_` for what must not stand in one; values have `"`, `\` and `]` escaped and nothing else. A
//! parameter that does not fit is left out whole, and `[cut@32473 fields="1"]` says how many there were.

use std::fmt::Write as _;

use tracing_handlers_core::format::hex;
use tracing_handlers_core::{Record, Value};

use super::text::Forbidden;
use super::{clean, number};

/// Names end here.
const NAME_BYTES: usize = 32;
/// Room for the mark of what was left out.
const MARK_BYTES: usize = "[cut@4294967295 fields=\"4294967295\"]".len();

/// Appends the structured data of a record, `-` if there is none, in `room` bytes. Gives how many fields did not fit.
pub fn write(record: &Record<'_>, enterprise: u32, forbidden: Forbidden, room: usize, out: &mut Vec<u8>) -> u32 {
    let start = out.len();
    let end = start + room.saturating_sub(MARK_BYTES);
    let mut writer =
        Writer { out, end, enterprise, forbidden, open: None, omitted: 0, scratch: String::new(), param: Vec::new() };
    if !record.target().is_empty() {
        writer.param("event", "target", Value::Str(record.target()));
    }
    let names: Vec<_> = record.spans().map(|span| span.name()).collect();
    if !names.is_empty() {
        writer.param("event", "spans", Value::Str(&names.join(":")));
    }
    for (name, value) in record.fields() {
        writer.param("fields", name, value);
    }
    for span in record.spans() {
        for (name, value) in span.fields() {
            writer.param("spans", &format!("{}.{name}", span.name()), value);
        }
    }
    writer.finish(record.omitted_fields());
    let omitted = writer.omitted;
    if out.len() == start {
        out.push(b'-');
    }
    omitted
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// Nothing but the mark is written behind this.
    end: usize,
    enterprise: u32,
    forbidden: Forbidden,
    /// The element that is not closed yet.
    open: Option<&'static str>,
    omitted: u32,
    scratch: String,
    param: Vec<u8>,
}

impl Writer<'_> {
    fn param(&mut self, element: &'static str, name: &str, value: Value<'_>) {
        self.param.clear();
        if self.open != Some(element) {
            if self.open.is_some() {
                self.param.push(b']');
            }
            begin(element, self.enterprise, &mut self.param);
        }
        self.param.push(b' ');
        param_name(name, &mut self.param);
        self.param.extend_from_slice(b"=\"");
        self.scratch.clear();
        let value = text(value, &mut self.scratch);
        param_value(value, self.forbidden, &mut self.param);
        self.param.push(b'"');
        // One byte closes the element.
        if self.out.len() + self.param.len() < self.end {
            self.out.extend_from_slice(&self.param);
            self.open = Some(element);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    fn finish(&mut self, omitted_before: u32) {
        if self.open.take().is_some() {
            self.out.push(b']');
        }
        let omitted = self.omitted.saturating_add(omitted_before);
        if omitted > 0 {
            begin("cut", self.enterprise, self.out);
            self.out.extend_from_slice(b" fields=\"");
            number(omitted.into(), self.out);
            self.out.extend_from_slice(b"\"]");
        }
    }
}

fn begin(element: &str, enterprise: u32, out: &mut Vec<u8>) {
    out.push(b'[');
    out.extend_from_slice(element.as_bytes());
    out.push(b'@');
    number(enterprise.into(), out);
}

/// Appends a parameter's name.
pub fn param_name(name: &str, out: &mut Vec<u8>) {
    match name.is_empty() {
        true => out.push(b'_'),
        false => clean(name, NAME_BYTES, |byte| byte.is_ascii_graphic() && !b"=]\"".contains(&byte), out),
    }
}

/// Appends a parameter's value, escaped.
pub fn param_value(value: &str, forbidden: Forbidden, out: &mut Vec<u8>) {
    for byte in value.bytes() {
        match forbidden.escape(byte) {
            // The backslash of our escape is text here.
            Some(letter) => out.extend_from_slice(&[b'\\', b'\\', letter]),
            None => {
                if matches!(byte, b'"' | b'\\' | b']') {
                    out.push(b'\\');
                }
                out.push(byte);
            }
        }
    }
}

/// The text of a value: strings as they are, errors with their sources behind them.
fn text<'v>(value: Value<'v>, scratch: &'v mut String) -> &'v str {
    // Writing into a string does not fail.
    match value {
        Value::Str(text) | Value::Debug(text) => return text,
        Value::Bool(value) => write!(scratch, "{value}"),
        Value::I64(value) => write!(scratch, "{value}"),
        Value::U64(value) => write!(scratch, "{value}"),
        Value::I128(value) => write!(scratch, "{value}"),
        Value::U128(value) => write!(scratch, "{value}"),
        Value::F64(value) => write!(scratch, "{value:?}"),
        Value::Bytes(bytes) => {
            scratch.push_str(&hex::plain(bytes));
            Ok(())
        }
        Value::Error(chain) => {
            scratch.push_str(&chain.collect::<Vec<_>>().join(": "));
            Ok(())
        }
        other => write!(scratch, "{other:?}"),
    }
    .ok();
    scratch
}
