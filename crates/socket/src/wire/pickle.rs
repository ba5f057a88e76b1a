//! What CPython's `SocketHandler.makePickle` sends: the attributes of a `LogRecord` as a pickle of protocol 1 (pure).
//!
//! Read against CPython 3.14, `logging/handlers.py` and `pickle.py`. The bytes are those of its pickler, memo included.

use std::borrow::Cow;
use std::collections::HashSet;

use tracing_handlers_core::format::python;
use tracing_handlers_core::record::{Fields, Spans};
use tracing_handlers_core::{Error, Record, Timestamp, Value};

use super::opcodes::Opcodes;

/// What `LogRecord` and its formatters keep for themselves, and the keys that we add.
const RESERVED: [&str; 26] = [
    "args",
    "asctime",
    "created",
    "exc_info",
    "exc_text",
    "filename",
    "funcName",
    "getMessage",
    "levelname",
    "levelno",
    "lineno",
    "message",
    "module",
    "msecs",
    "msg",
    "name",
    "omitted_fields",
    "pathname",
    "process",
    "processName",
    "relativeCreated",
    "spans",
    "stack_info",
    "taskName",
    "thread",
    "threadName",
];

const PROCESS_NAME: &str = "processName";

/// Makes pickles for one process.
pub(crate) struct Pickler {
    started: Timestamp,
    program: String,
    process: u32,
}

impl Pickler {
    /// `relativeCreated` counts from `started`; `program` is the `processName` of records of this process.
    pub(crate) fn new(started: Timestamp, program: String, process: u32) -> Self {
        Self { started, program, process }
    }

    pub(crate) fn pickle(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut pickle = Opcodes::new(out);
        pickle.begin_dict();
        let program = self.program_of(record);
        self.attributes(record, program.unwrap_or(&self.program), &mut pickle)?;
        let mut omitted = u64::from(record.omitted_fields());
        let is_attribute = |name: &str| program.is_some() && name == PROCESS_NAME;
        omitted += fields(record.fields(), is_attribute, free_name, &mut pickle)?;
        if !record.spans().is_empty() {
            pickle.text("spans")?;
            omitted += spans(record.spans(), &mut pickle)?;
        }
        if omitted > 0 {
            pickle.text("omitted_fields")?;
            pickle.integer(omitted.into());
        }
        pickle.end_dict();
        pickle.stop();
        Ok(())
    }

    /// What a record of another process says of it: a receiver makes a field of that, and here it is an attribute again.
    fn program_of<'a>(&self, record: &Record<'a>) -> Option<&'a str> {
        if record.process_id() == self.process {
            return None;
        }
        match record.fields().find(PROCESS_NAME)? {
            Value::Str(program) => Some(program),
            _ => None,
        }
    }

    /// A key that is left out would show the receiver's value, so all of them are there, in CPython's order.
    fn attributes(&self, record: &Record<'_>, program: &str, pickle: &mut Opcodes<'_>) -> Result<(), Error> {
        let stamp = record.timestamp();
        // In two parts: all nanoseconds since 1970 are more than a float holds.
        let created = stamp.unix_seconds() as f64 + f64::from(stamp.subsec_nanos()) / 1e9;
        let relative = stamp.as_nanos().saturating_sub(self.started.as_nanos()) as f64 / 1e6;
        let path = record.file().unwrap_or("(unknown file)");
        pickle.entry("name", Value::Str(record.target()))?;
        pickle.entry("msg", Value::Str(record.message()))?;
        pickle.entry("args", Value::Nil)?;
        pickle.entry("levelname", Value::Str(python::level_name(record.level())))?;
        pickle.entry("levelno", Value::I64(python::level_number(record.level()).into()))?;
        pickle.entry("pathname", Value::Str(path))?;
        pickle.entry("filename", Value::Str(python::file_name(path)))?;
        pickle.entry("module", Value::Str(python::file_stem(path)))?;
        pickle.entry("exc_info", Value::Nil)?;
        pickle.entry("exc_text", Value::Nil)?;
        pickle.entry("stack_info", Value::Nil)?;
        pickle.entry("lineno", Value::I64(record.line().unwrap_or(0).into()))?;
        pickle.entry("funcName", text(record.spans().leaf().map(|span| span.name())))?;
        pickle.entry("created", Value::F64(created))?;
        pickle.entry("msecs", Value::F64((stamp.subsec_nanos() / 1_000_000).into()))?;
        pickle.entry("relativeCreated", Value::F64(relative))?;
        pickle.entry("thread", record.thread_id().map_or(Value::Nil, Value::from))?;
        pickle.entry("threadName", text(record.thread_name()))?;
        pickle.entry(PROCESS_NAME, Value::Str(program))?;
        pickle.entry("process", Value::I64(record.process_id().into()))?;
        pickle.entry("taskName", Value::Nil)
    }
}

/// Writes fields as entries of a dictionary; says how many were left out because their name stood there before. As everywhere the first
/// one counts; in Python the last one would. The first of a name that is an attribute stands there already.
fn fields<'a>(
    fields: Fields<'a>,
    is_attribute: impl Fn(&str) -> bool,
    name_of: impl Fn(&'a str) -> Cow<'a, str>,
    pickle: &mut Opcodes<'_>,
) -> Result<u64, Error> {
    let (mut names, mut omitted) = (HashSet::new(), 0);
    for (name, value) in fields {
        if is_attribute(name) && names.insert(name_of(name)) {
            continue;
        }
        let name = name_of(name);
        if names.contains(&name) {
            omitted += 1;
            continue;
        }
        pickle.entry(&name, value)?;
        if let Value::Error(chain) = value
            && chain.len() > 1
            && names.insert(Cow::Owned(format!("{name}.sources")))
        {
            pickle.text(&format!("{name}.sources"))?;
            pickle.list(chain.sources(), |text, pickle| pickle.text(text))?;
        }
        names.insert(name);
    }
    Ok(omitted)
}

/// Each span as a dictionary of its `name`, `target` and `fields`, from root to leaf.
fn spans(spans: Spans<'_>, pickle: &mut Opcodes<'_>) -> Result<u64, Error> {
    let mut omitted = 0;
    pickle.list(spans, |span, pickle| {
        pickle.begin_dict();
        pickle.entry("name", Value::Str(span.name()))?;
        pickle.entry("target", Value::Str(span.target()))?;
        pickle.text("fields")?;
        pickle.begin_dict();
        omitted += fields(span.fields(), |_| false, Cow::Borrowed, pickle)?;
        pickle.end_dict();
        pickle.end_dict();
        Ok(())
    })?;
    Ok(omitted)
}

/// Whether a `LogRecord` has an attribute or a method of this name.
pub fn is_taken(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with("__")
}

/// A field's key: one that would take the place of an attribute or method of `LogRecord` gets a prefix.
fn free_name(name: &str) -> Cow<'_, str> {
    if is_taken(name) { Cow::Owned(format!("field.{name}")) } else { Cow::Borrowed(name) }
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Nil, Value::Str)
}
