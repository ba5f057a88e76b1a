//! Records as JSON: the layout of `format::Json`, flat or not, and what else has a message and a level (pure).

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing_handlers_core::record::{RecordBuf, RecordBuilder};
use tracing_handlers_core::{Level, Record, Timestamp};

use super::tree::{Entries, Tree, fields, take};
use super::{Reason, Refused};

pub(crate) fn record(bytes: &[u8]) -> Result<RecordBuf, Refused> {
    let tree = serde_json::from_slice(bytes).map_err(|error| Refused::new(Reason::Malformed, format!("no JSON: {error}")))?;
    match tree {
        Tree::Dict(entries) => Ok(from_entries(entries)),
        _ => Err(Refused::new(Reason::Malformed, "JSON, but no object")),
    }
}

fn from_entries(mut entries: Entries<'_>) -> RecordBuf {
    let mut record = Record::builder();
    if let Some(stamp) = known(&mut entries, "timestamp", |tree| timestamp(tree.as_text()?)) {
        record = record.timestamp(stamp);
    }
    if let Some(level) = known(&mut entries, "level", |tree| level(tree.as_text()?)) {
        record = record.level(level);
    }
    if let Some(target) = known(&mut entries, "target", text) {
        record = record.target(target);
    }
    if let Some(file) = known(&mut entries, "filename", text) {
        record = record.file(file);
    }
    if let Some(line) = known(&mut entries, "line_number", Tree::as_int) {
        record = record.line(line);
    }
    if let Some(name) = known(&mut entries, "threadName", text) {
        record = record.thread_name(name);
    }
    if let Some(id) = known(&mut entries, "threadId", thread_id) {
        record = record.thread_id(id);
    }
    if let Some(count) = known(&mut entries, "omitted_fields", Tree::as_int) {
        record = record.omitted_fields(count);
    }
    record = with_spans(record, &mut entries);
    with_fields(record, entries)
}

/// The message and the fields, under `fields` or beside the other keys.
fn with_fields(record: RecordBuilder, mut entries: Entries<'_>) -> RecordBuf {
    let mut all = match entries.iter().position(|(key, tree)| key == "fields" && matches!(tree, Tree::Dict(_))) {
        Some(at) => match entries.remove(at).1 {
            Tree::Dict(nested) => nested,
            _ => Vec::new(),
        },
        None => Vec::new(),
    };
    all.append(&mut entries);
    let message = known(&mut all, "message", text).unwrap_or_default();
    let record = fields(all, event_name).into_iter().fold(record, |record, (name, value)| record.field(&name, value));
    record.message(message).build()
}

/// All spans or, where only that is there, the innermost.
fn with_spans(record: RecordBuilder, entries: &mut Entries<'_>) -> RecordBuilder {
    let leaf = known(entries, "span", |tree| matches!(tree, Tree::Dict(_)).then(|| tree.clone()));
    let spans = match take(entries, "spans") {
        Some(Tree::List(spans)) => spans,
        Some(other) => {
            entries.push((Cow::Borrowed("spans"), other));
            Vec::new()
        }
        None => leaf.into_iter().collect(),
    };
    spans.into_iter().fold(record, |record, span| match span {
        Tree::Dict(mut entries) => {
            // The name comes last, behind fields.
            let name = entries.iter().rposition(|(key, tree)| key == "name" && tree.as_text().is_some());
            let name = name.map(|at| entries.remove(at).1.into_text()).unwrap_or_default();
            let fields = fields(entries, |name| unprefixed(name, |name| name == "name"));
            record.span(&name, "", fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
        }
        _ => record,
    })
}

/// Takes a key out, if its value is what it should be; else it stays and becomes a field.
fn known<'a, T>(entries: &mut Entries<'a>, key: &str, read: impl Fn(&Tree<'a>) -> Option<T>) -> Option<T> {
    let at = entries.iter().position(|(name, _)| name == key)?;
    let value = entries.get(at).and_then(|(_, tree)| read(tree))?;
    entries.remove(at);
    Some(value)
}

fn text(tree: &Tree<'_>) -> Option<String> {
    tree.as_text().map(str::to_owned)
}

fn timestamp(text: &str) -> Option<Timestamp> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(Timestamp::from)
}

/// The names of `tracing` and those of Python.
fn level(text: &str) -> Option<Level> {
    let names = [
        ("TRACE", Level::TRACE),
        ("DEBUG", Level::DEBUG),
        ("INFO", Level::INFO),
        ("WARN", Level::WARN),
        ("WARNING", Level::WARN),
        ("ERROR", Level::ERROR),
        ("CRITICAL", Level::ERROR),
    ];
    names.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| level)
}

/// `ThreadId(7)` or `7`.
fn thread_id(tree: &Tree<'_>) -> Option<u64> {
    match tree.as_text() {
        Some(text) => text.strip_prefix("ThreadId(")?.strip_suffix(')')?.parse().ok(),
        None => tree.as_int(),
    }
}

/// The name that a field had before a key of that name took its place.
fn event_name(name: &str) -> &str {
    let keys =
        ["message", "timestamp", "level", "target", "filename", "line_number", "span", "spans", "threadName", "threadId"];
    unprefixed(name, |name| keys.contains(&name) || name == "omitted_fields")
}

pub(super) fn unprefixed(name: &str, is_taken: impl Fn(&str) -> bool) -> &str {
    name.strip_prefix("field.").filter(|name| is_taken(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_handlers_core::Format;
    use tracing_handlers_core::format::Json;
    use tracing_handlers_core::record::ValueBuf;

    fn sent() -> RecordBuf {
        let record = Record::builder().timestamp(Timestamp::from_nanos(1_700_000_000_250_000_000)).level(Level::WARN);
        let record =
            record.target("app::db").message("slow\n\"query\"").file("src/db.rs").line(7).thread_id(3).thread_name("main");
        record
            .field("b", 812_u64)
            .field("a", -1.5)
            .field("on", true)
            .field("message", "second")
            .field("error", ValueBuf::Error(vec!["outer".into(), "inner".into()]))
            .field("big", u64::MAX)
            .span("request", "", [("id", ValueBuf::I64(5)), ("name", ValueBuf::Str("x".into()))])
            .span("query", "", [])
            .omitted_fields(2)
            .build()
    }

    #[test]
    fn what_our_json_says_of_a_record_is_read_back_flat_or_not() {
        for flatten in [false, true] {
            let layout = Json::new().source_location(true).thread_name(true).thread_id(true).flatten_event(flatten);
            let mut line = Vec::new();
            layout.format(&sent().as_record(), &mut line);
            assert_eq!(record(&line).unwrap(), sent(), "{}", String::from_utf8_lossy(&line));
        }
    }

    #[test]
    fn json_of_others_keeps_what_has_no_place_as_fields() {
        let read = record(br#"{"level":"warning","message":"m","timestamp":"yesterday","n":[1,"x",{"a":null}]}"#).unwrap();
        let read = read.as_record();
        assert_eq!((read.level(), read.message()), (Level::WARN, "m"));
        assert_eq!(read.field("timestamp").unwrap().as_str(), Some("yesterday"));
        assert_eq!(read.field("n").unwrap().as_str(), Some(r#"[1, "x", {"a": null}]"#));
    }

    #[test]
    fn a_number_keeps_its_last_place() {
        for number in [1.5161904794820726e-174, 5e-324, f64::MAX, -0.1, 1e23] {
            let read = record(format!(r#"{{"message":"m","n":{number:e}}}"#).as_bytes()).unwrap();
            assert_eq!(read.as_record().field("n"), Some(tracing_handlers_core::Value::F64(number)));
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for bytes in [&b"[]"[..], b"1", b"{", b"", b"{}x", &b"[".repeat(100_000)] {
            assert_eq!(record(bytes).unwrap_err().reason, Reason::Malformed);
        }
    }
}
