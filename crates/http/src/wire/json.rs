//! Records as JSON: one array, or a line each (pure).

use std::sync::Arc;

use tracing_handlers_core::{Error, Format, Record};
use tracing_handlers_delivery::Frames;

use crate::body::MapRecord;
use crate::encoding::Encoding;
use crate::wire::object::{Object, borrowed};

/// What a record is in either of them.
pub(crate) struct Element {
    pub(crate) format: Arc<dyn Format>,
    pub(crate) map: Option<MapRecord>,
}

impl Element {
    fn write(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let Some(map) = &self.map else { return self.format.format(record, out) };
        let mut object = Object::begin(out);
        for (name, value) in map(record) {
            borrowed(&value, |value| object.value(&name, value));
        }
        object.end();
    }
}

/// One array a request.
pub(crate) struct Array(pub(crate) Element);

impl Encoding for Array {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        self.0.write(record, out);
        Ok(())
    }

    fn body(&self, records: &Frames, out: &mut Vec<u8>) {
        list(records, out);
    }
}

/// `[a,b,c]`
pub(crate) fn list(records: &Frames, out: &mut Vec<u8>) {
    let mut separator = b'[';
    for record in records.iter() {
        out.push(separator);
        out.extend_from_slice(record);
        separator = b',';
    }
    if records.is_empty() {
        out.push(b'[');
    }
    out.push(b']');
}

/// A line each.
pub(crate) struct Lines(pub(crate) Element);

impl Encoding for Lines {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        self.0.write(record, out);
        out.push(b'\n');
        Ok(())
    }

    fn content_type(&self) -> &str {
        "application/x-ndjson"
    }
}
