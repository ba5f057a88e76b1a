//! Records made by hand.

use super::owned::RecordBuf;
use super::{Fields, Head, Message, Record, Site, Spans, Told, ValueBuf, encode};
use crate::{Level, Timestamp};

/// Builds a [`RecordBuf`] field by field. What is not set is empty; the timestamp is the epoch, the level `INFO`.
#[derive(Clone, Debug)]
#[must_use]
pub struct RecordBuilder {
    timestamp: Timestamp,
    level: Level,
    target: String,
    name: String,
    module_path: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    thread_id: Option<u64>,
    thread_name: Option<String>,
    process_id: u32,
    message: String,
    fields: Encoded,
    spans: Encoded,
    omitted: u32,
}

/// Entries without the header that counts them.
#[derive(Clone, Debug, Default)]
struct Encoded {
    count: u32,
    bytes: Vec<u8>,
}

impl Encoded {
    fn entry(&mut self, name: &str, value: &ValueBuf) {
        encode::str(&mut self.bytes, name);
        value.encode(&mut self.bytes);
        self.count += 1;
    }
}

impl Default for RecordBuilder {
    fn default() -> Self {
        Self {
            timestamp: Timestamp::default(),
            level: Level::INFO,
            target: String::new(),
            name: String::new(),
            module_path: None,
            file: None,
            line: None,
            thread_id: None,
            thread_name: None,
            process_id: 0,
            message: String::new(),
            fields: Encoded::default(),
            spans: Encoded::default(),
            omitted: 0,
        }
    }
}

impl RecordBuilder {
    /// When it happened.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = timestamp;
        self
    }

    /// How important it is.
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// What it is about.
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// The call site's name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The module of the call site.
    pub fn module_path(mut self, module_path: impl Into<String>) -> Self {
        self.module_path = Some(module_path.into());
        self
    }

    /// The source file of the call site.
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The line of the call site.
    pub fn line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    /// The number of the thread.
    pub fn thread_id(mut self, id: u64) -> Self {
        self.thread_id = Some(id);
        self
    }

    /// The name of the thread.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = Some(name.into());
        self
    }

    /// The process.
    pub fn process_id(mut self, id: u32) -> Self {
        self.process_id = id;
        self
    }

    /// The message.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds a field.
    pub fn field(mut self, name: &str, value: impl Into<ValueBuf>) -> Self {
        self.fields.entry(name, &value.into());
        self
    }

    /// Adds a span inside those added before.
    pub fn span<'f>(mut self, name: &str, target: &str, fields: impl IntoIterator<Item = (&'f str, ValueBuf)>) -> Self {
        let mut encoded = Encoded::default();
        for (name, value) in fields {
            encoded.entry(name, &value);
        }
        encode::span(&mut self.spans.bytes, name, target, encoded.count, &encoded.bytes);
        self.spans.count += 1;
        self
    }

    /// How many fields were left out.
    pub fn omitted_fields(mut self, count: u32) -> Self {
        self.omitted = count;
        self
    }

    /// The record.
    pub fn build(self) -> RecordBuf {
        let site = Told {
            level: self.level,
            target: &self.target,
            name: &self.name,
            module_path: self.module_path.as_deref(),
            file: self.file.as_deref(),
            line: self.line,
        };
        let head = Head {
            time: self.timestamp,
            site: Site::Told(site),
            thread_id: self.thread_id,
            thread_name: self.thread_name.as_deref(),
            process_id: self.process_id,
        };
        RecordBuf::from_record(&Record {
            head,
            message: Message::Text(self.message.as_bytes()),
            fields: Fields::encoded(self.fields.count, &self.fields.bytes),
            spans: Spans { count: self.spans.count, bytes: &self.spans.bytes, kept: None },
            omitted: self.omitted,
        })
    }
}
