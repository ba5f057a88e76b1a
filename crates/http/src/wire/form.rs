//! Records as forms: `application/x-www-form-urlencoded`, as Python's `urlencode` writes it (pure).

use std::borrow::Cow;

use tracing_handlers_core::format::python;
use tracing_handlers_core::{Error, Record};

use crate::body::MapRecord;
use crate::encoding::Encoding;
use crate::wire::object::{attributes, borrowed, text};

/// The attributes of one record, under Python's names.
pub(crate) struct Form {
    pub(crate) map: Option<MapRecord>,
}

impl Encoding for Form {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut form = Writer { out, is_first: true };
        match &self.map {
            Some(map) => {
                map(record).iter().for_each(|(name, value)| borrowed(value, |value| form.pair(name, &text(value))));
            }
            None => own_attributes(record, &mut form),
        }
        Ok(())
    }

    fn content_type(&self) -> &str {
        "application/x-www-form-urlencoded"
    }

    fn max_records(&self) -> usize {
        1
    }
}

/// The names that a field of the event must not take.
const NAMES: [&str; 15] = [
    "name",
    "msg",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "thread",
    "threadName",
    "process",
    "omitted_fields",
];

fn own_attributes(record: &Record<'_>, form: &mut Writer<'_>) {
    let path = record.file();
    let stamp = record.timestamp();
    form.pair("name", record.target());
    form.pair("msg", record.message());
    form.pair("levelname", python::level_name(record.level()));
    form.pair("levelno", &python::level_number(record.level()).to_string());
    form.pair("pathname", path.unwrap_or("None"));
    form.pair("filename", path.map_or("None", python::file_name));
    form.pair("module", path.map_or("None", python::file_stem));
    form.pair("lineno", &optional(record.line()));
    form.pair("funcName", record.spans().leaf().map_or("None", |span| span.name()));
    form.pair("created", &(stamp.as_nanos() as f64 / 1e9).to_string());
    form.pair("msecs", &(stamp.subsec_nanos() / 1_000_000).to_string());
    form.pair("thread", &optional(record.thread_id()));
    form.pair("threadName", record.thread_name().unwrap_or("None"));
    form.pair("process", &record.process_id().to_string());
    for (name, value) in attributes(record) {
        let name = if NAMES.contains(&name) { Cow::Owned(format!("field.{name}")) } else { Cow::Borrowed(name) };
        form.pair(&name, &text(value));
    }
    if record.omitted_fields() > 0 {
        form.pair("omitted_fields", &record.omitted_fields().to_string());
    }
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| value.to_string())
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl Writer<'_> {
    fn pair(&mut self, name: &str, value: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b'&');
        }
        quote_plus(name, self.out);
        self.out.push(b'=');
        quote_plus(value, self.out);
    }
}

/// `urllib.parse.quote_plus`.
fn quote_plus(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| HEX.get(usize::from(value)).copied().unwrap_or(b'0');
    for byte in text.bytes() {
        match byte {
            b' ' => out.push(b'+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte),
            _ => out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Vectors {
        basic_foo_bar: String,
        quote_plus: BTreeMap<String, String>,
    }

    #[test]
    fn the_vectors_of_cpython_come_out() {
        let vectors: Vectors = serde_json::from_str(include_str!("../../tests/data/http_vectors.json")).unwrap();
        assert_eq!(vectors.quote_plus.len(), 18);
        for (plain, quoted) in &vectors.quote_plus {
            let mut out = Vec::new();
            super::quote_plus(plain, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), *quoted, "{plain:?}");
        }
        assert_eq!(format!("Basic {}", crate::wire::base64::encode(b"foo:bar")), vectors.basic_foo_bar);
    }

    #[test]
    fn a_field_does_not_pass_itself_off_as_an_attribute() {
        let record = Record::builder().target("app").message("m").field("name", "forged&levelno=50").build();
        let mut out = Vec::new();
        Form { map: None }.record(&record.as_record(), &mut out).unwrap();
        let form = String::from_utf8(out).unwrap();
        assert!(form.starts_with("name=app&msg=m&") && form.ends_with("&field.name=forged%26levelno%3D50"), "{form}");
    }
}
