//! Elasticsearch's and OpenSearch's `_bulk` (pure).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value as Json;
use tracing_handlers_core::format::{Zone, escape};
use tracing_handlers_core::{Error, Record};
use tracing_handlers_delivery::{Frames, Outcome};

use crate::encoding::Encoding;
use crate::reply::Reply;
use crate::wire::object::{Object, attributes};

/// Two lines a record: what to do, and the document. Each has an id of ours, so that one that is sent twice is there once.
pub(crate) struct Elasticsearch {
    index: String,
    /// Differs from handler to handler and process to process.
    origin: u64,
    next: AtomicU64,
}

impl Elasticsearch {
    pub(crate) fn new(index: String) -> Self {
        Self { index, origin: RandomState::new().build_hasher().finish(), next: AtomicU64::new(0) }
    }
}

impl Encoding for Elasticsearch {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let mut action = Object::begin(out);
        let mut create = Object::begin(action.key("create"));
        create.str("_index", &self.index);
        create.raw("_id", format_args!("\"{:016x}-{sequence}\"", self.origin));
        create.end();
        action.end();
        out.push(b'\n');
        document(record, out);
        out.push(b'\n');
        Ok(())
    }

    fn content_type(&self) -> &str {
        "application/x-ndjson"
    }

    fn path(&self) -> &str {
        "/_bulk"
    }

    /// An answer of 200 can hold failures. 409 says that the document is there already.
    fn outcome(&self, reply: &Reply, records: &Frames) -> Outcome {
        if !reply.is_success() {
            return reply.outcome();
        }
        let Ok(answer) = serde_json::from_slice::<Json>(reply.body()) else {
            return Outcome::retry(Error::new("the peer's answer to a bulk request cannot be read"));
        };
        match answer.get("errors") {
            Some(Json::Bool(false)) => Outcome::Delivered,
            _ => items(answer.get("items"), reply, records.len()),
        }
    }
}

fn items(items: Option<&Json>, reply: &Reply, records: usize) -> Outcome {
    let items = items.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let (mut retry, mut dead, mut why) = (Vec::new(), Vec::new(), None);
    for index in 0..records {
        // `{"create":{"status":201,…}}`
        let item = items.get(index).and_then(Json::as_object).and_then(|item| item.values().next());
        match item.and_then(|item| item.get("status")?.as_u64()) {
            Some(200..300 | 409) => {}
            Some(status @ (429 | 500..600)) => {
                why.get_or_insert_with(|| Error::new(reason(status, item)));
                retry.push(index);
            }
            Some(status) => dead.push((index, reason(status, item))),
            None => {
                why.get_or_insert_with(|| Error::new("the peer's answer to a bulk request leaves out a record"));
                retry.push(index);
            }
        }
    }
    match retry.is_empty() && dead.is_empty() {
        true => Outcome::Delivered,
        false => Outcome::Partial { retry, dead, after: reply.retry_after(), why },
    }
}

fn reason(status: u64, item: Option<&Json>) -> String {
    let mut why = format!("the peer refused a document with {status}: ").into_bytes();
    let error = item.and_then(|item| item.get("error"));
    let told = error.and_then(|error| error.get("reason").or(error.get("type")).unwrap_or(error).as_str());
    escape::text(told.unwrap_or("it does not say why"), &mut why);
    String::from_utf8_lossy(&why).into_owned()
}

/// Names as in the Elastic Common Schema, the record's own fields under `fields`.
fn document(record: &Record<'_>, out: &mut Vec<u8>) {
    let mut document = Object::begin(out);
    let stamp = document.key("@timestamp");
    stamp.push(b'"');
    Zone::Utc.write_rfc3339(record.timestamp(), stamp);
    stamp.push(b'"');
    document.str("log.level", record.level().as_str());
    document.str("log.logger", record.target());
    document.str("message", record.message());
    if let Some(file) = record.file() {
        document.str("log.origin.file.name", file);
    }
    if let Some(line) = record.line() {
        document.raw("log.origin.file.line", line);
    }
    document.raw("process.pid", record.process_id());
    if let Some(thread) = record.thread_name() {
        document.str("process.thread.name", thread);
    }
    let attributes = attributes(record);
    if !attributes.is_empty() {
        let mut fields = Object::begin(document.key("fields"));
        attributes.into_iter().for_each(|(name, value)| fields.value(name, value));
        fields.end();
    }
    document.end();
}
