//! The attributes of a record under the names that Python gives them (pure).

use crate::format::python::{file_name, file_stem, level_name, level_number};
use crate::record::{Record, Value};

/// What a field of a pattern stands for.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    Target,
    Message,
    LevelName,
    LevelNumber,
    PathName,
    FileName,
    Module,
    Line,
    FuncName,
    Created,
    Msecs,
    RelativeCreated,
    Thread,
    ThreadName,
    Process,
    ProcessName,
    TaskName,
    Asctime,
    Fields,
    Spans,
    /// A field of the event, or of a span.
    Named(String),
}

/// What can be said of an attribute before there is a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
    /// Known only when a record is there.
    Any,
}

/// What an attribute of one record is.
pub(super) enum Part<'a> {
    Text(&'a str),
    Number(Number),
    /// A value that is neither text nor number.
    Value(Value<'a>),
    Asctime,
    RelativeCreated,
    ProcessName,
    Fields,
    Spans,
    Missing,
}

#[derive(Clone, Copy)]
pub(super) enum Number {
    Signed(i64),
    Unsigned(u64),
    Signed128(i128),
    Unsigned128(u128),
    Float(f64),
}

impl Attribute {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "name" | "target" => Self::Target,
            "message" | "msg" => Self::Message,
            "levelname" => Self::LevelName,
            "levelno" => Self::LevelNumber,
            "pathname" => Self::PathName,
            "filename" => Self::FileName,
            "module" => Self::Module,
            "lineno" => Self::Line,
            "funcName" => Self::FuncName,
            "created" => Self::Created,
            "msecs" => Self::Msecs,
            "relativeCreated" => Self::RelativeCreated,
            "thread" => Self::Thread,
            "threadName" => Self::ThreadName,
            "process" => Self::Process,
            "processName" => Self::ProcessName,
            "taskName" => Self::TaskName,
            "asctime" => Self::Asctime,
            "fields" => Self::Fields,
            "spans" => Self::Spans,
            other => Self::Named(other.to_owned()),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::LevelNumber | Self::Line | Self::Thread | Self::Process => Kind::Integer,
            Self::Created | Self::Msecs | Self::RelativeCreated => Kind::Float,
            Self::Named(_) => Kind::Any,
            _ => Kind::Text,
        }
    }

    #[inline]
    pub(super) fn part<'a>(&self, record: &Record<'a>) -> Part<'a> {
        match self {
            Self::Target => Part::Text(record.target()),
            Self::Message => Part::Text(record.message()),
            Self::LevelName => Part::Text(level_name(record.level())),
            Self::LevelNumber => Part::Number(Number::Unsigned(level_number(record.level()).into())),
            Self::PathName => text(record.file()),
            Self::FileName => text(record.file().map(file_name)),
            Self::Module => text(record.file().map(file_stem)),
            Self::Line => whole(record.line().map(u64::from)),
            Self::FuncName => text(record.spans().leaf().map(|span| span.name())),
            Self::Created => Part::Number(Number::Float(record.timestamp().as_nanos() as f64 / 1e9)),
            Self::Msecs => Part::Number(Number::Float(f64::from(record.timestamp().subsec_nanos() / 1_000_000))),
            Self::RelativeCreated => Part::RelativeCreated,
            Self::Thread => whole(record.thread_id()),
            Self::ThreadName => text(record.thread_name()),
            Self::Process => whole(Some(u64::from(record.process_id()))),
            Self::ProcessName => Part::ProcessName,
            Self::TaskName => Part::Text("None"),
            Self::Asctime => Part::Asctime,
            Self::Fields => Part::Fields,
            Self::Spans => Part::Spans,
            Self::Named(name) => named(name, record),
        }
    }
}

fn text(text: Option<&str>) -> Part<'_> {
    text.map_or(Part::Missing, Part::Text)
}

fn whole<'a>(number: Option<u64>) -> Part<'a> {
    number.map_or(Part::Missing, |number| Part::Number(Number::Unsigned(number)))
}

/// The event's own field, or that of the innermost span that has it.
fn named<'a>(name: &str, record: &Record<'a>) -> Part<'a> {
    let of_a_span = || record.spans().filter_map(|span| span.field(name)).last();
    match record.field(name).or_else(of_a_span) {
        None => Part::Missing,
        Some(Value::Str(text) | Value::Debug(text)) => Part::Text(text),
        Some(Value::Error(chain)) => Part::Text(chain.message()),
        Some(Value::I64(value)) => Part::Number(Number::Signed(value)),
        Some(Value::U64(value)) => Part::Number(Number::Unsigned(value)),
        Some(Value::I128(value)) => Part::Number(Number::Signed128(value)),
        Some(Value::U128(value)) => Part::Number(Number::Unsigned128(value)),
        Some(Value::F64(value)) => Part::Number(Number::Float(value)),
        Some(other) => Part::Value(other),
    }
}
