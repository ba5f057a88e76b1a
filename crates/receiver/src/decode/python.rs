//! The attributes of a `LogRecord` as a record (pure).

use tracing_handlers_core::format::python::level_name;
use tracing_handlers_core::record::RecordBuilder;
use tracing_handlers_core::{Level, Record, RecordBuf, Timestamp};
use tracing_handlers_socket::export;

use super::json::unprefixed;
use super::tree::{Entries, Tree, fields, take};
use super::{Reason, Refused};

/// What other attributes say as well, or what holds for the sender alone.
const REDUNDANT: [&str; 7] = ["filename", "module", "exc_info", "message", "asctime", "msecs", "relativeCreated"];

pub(crate) fn record(tree: Tree<'_>) -> Result<RecordBuf, Refused> {
    let Tree::Dict(mut entries) = tree else { return Err(Refused::new(Reason::Malformed, "a pickle, but no dictionary")) };
    let message = take(&mut entries, "msg").ok_or_else(|| Refused::new(Reason::Malformed, "a pickle without `msg`"))?;
    let mut record = Record::builder().message(message.into_text());
    record = head(record, &mut entries);
    record = place(record, &mut entries);
    record = spans(record, &mut entries);
    if let Some(count) = take(&mut entries, "omitted_fields").and_then(|count| count.as_int()) {
        record = record.omitted_fields(count);
    }
    entries.retain(|(key, tree)| says_something(key, tree));
    let record = fields(entries, event_name).into_iter().fold(record, |record, (name, value)| record.field(&name, value));
    Ok(record.build())
}

/// When, how important, what about, and who.
fn head(mut record: RecordBuilder, entries: &mut Entries<'_>) -> RecordBuilder {
    if let Some(Tree::Float(created)) = take(entries, "created") {
        record = record.timestamp(timestamp(created));
    }
    if let Some(number) = take(entries, "levelno").and_then(|number| number.as_int()) {
        let level = level(number);
        record = record.level(level);
        // `CRITICAL`, or a level of the sender's own: no level here says that.
        let is_ours = |(key, tree): &(_, Tree<'_>)| key == "levelname" && tree.as_text() == Some(level_name(level));
        entries.retain(|entry| !is_ours(entry));
    }
    if let Some(name) = take(entries, "name") {
        record = record.target(name.into_text());
    }
    if let Some(id) = take(entries, "process").and_then(|id| id.as_int()) {
        record = record.process_id(id);
    }
    if let Some(id) = take(entries, "thread").and_then(|id| id.as_int()) {
        record = record.thread_id(id);
    }
    if let Some(Tree::Text(name)) = take(entries, "threadName") {
        record = record.thread_name(name);
    }
    record
}

/// Where it was logged. What is not known has the values of `LogRecord` for that.
fn place(mut record: RecordBuilder, entries: &mut Entries<'_>) -> RecordBuilder {
    if let Some(Tree::Text(path)) = take(entries, "pathname").filter(|path| path.as_text() != Some("(unknown file)")) {
        record = record.file(path);
    }
    if let Some(line) = take(entries, "lineno").and_then(|line| line.as_int()).filter(|line| *line > 0) {
        record = record.line(line);
    }
    if let Some(Tree::Text(name)) = take(entries, "funcName") {
        record = record.name(name);
    }
    record
}

/// The spans of a record of ours; anything else of that name is a field.
fn spans(record: RecordBuilder, entries: &mut Entries<'_>) -> RecordBuilder {
    let is_span = |span: &Tree<'_>| matches!(span, Tree::Dict(parts) if parts.iter().any(|(key, _)| key == "name"));
    let is_ours = |tree: &Tree<'_>| matches!(tree, Tree::List(spans) if spans.iter().all(is_span));
    let Some(at) = entries.iter().position(|(key, tree)| key == "spans" && is_ours(tree)) else { return record };
    let Tree::List(spans) = entries.remove(at).1 else { return record };
    spans.into_iter().fold(record, |record, span| {
        let Tree::Dict(mut parts) = span else { return record };
        let mut text = |key| take(&mut parts, key).map(Tree::into_text).unwrap_or_default();
        let (name, target) = (text("name"), text("target"));
        let nested = match take(&mut parts, "fields") {
            Some(Tree::Dict(nested)) => fields(nested, |name| name),
            _ => Vec::new(),
        };
        record.span(&name, &target, nested.iter().map(|(name, value)| (name.as_str(), value.clone())))
    })
}

/// Every record has these; they are fields where the sender said something by them.
fn says_something(key: &str, tree: &Tree<'_>) -> bool {
    match key {
        "args" | "exc_text" | "stack_info" | "taskName" => *tree != Tree::Nil,
        "processName" => !matches!(tree.as_text(), None | Some("MainProcess")),
        _ => !REDUNDANT.contains(&key),
    }
}

/// The name that a field had before an attribute of that name took its place.
fn event_name(name: &str) -> &str {
    unprefixed(name, export::is_taken)
}

/// The next lower of ours, for levels in between.
fn level(number: i64) -> Level {
    match number {
        40.. => Level::ERROR,
        30.. => Level::WARN,
        20.. => Level::INFO,
        10.. => Level::DEBUG,
        _ => Level::TRACE,
    }
}

/// In two parts: all nanoseconds since 1970 are more than a float holds.
fn timestamp(created: f64) -> Timestamp {
    let seconds = Timestamp::from_unix_seconds(created.floor() as i64);
    let nanos = ((created - created.floor()) * 1e9).round() as i64;
    Timestamp::from_nanos(seconds.as_nanos().saturating_add(nanos))
}
