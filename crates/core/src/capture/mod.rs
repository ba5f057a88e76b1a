//! A `tracing` event and its spans become a [`Record`]. The only place that knows both.

mod log_bridge;
pub(crate) mod spans;
mod visit;

use std::cell::Cell;
use std::process;
use std::thread;

use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::log_bridge::LogMeta;
use self::visit::{Entries, FieldVisitor};
use crate::record::{Fields, Head, Record, Spans};
use crate::{Error, Timestamp};

/// How much of an event is captured. What is cut is marked (`…[12 bytes cut]`), what is left out is counted
/// ([`Record::omitted_fields`]); nothing vanishes without a trace.
///
/// | limit | default |
/// |---|---|
/// | [`fields`](Limits::fields) of an event, and of each span | 256 |
/// | [`value_bytes`](Limits::value_bytes): one value, or the message | 1 MiB |
/// | [`record_bytes`](Limits::record_bytes): all fields and spans of a record | 4 MiB |
///
/// A span's fields are captured once, within the limits of the first layer that sees the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    fields: u32,
    value_bytes: usize,
    record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fields: 256, value_bytes: 1 << 20, record_bytes: 4 << 20 }
    }
}

impl Limits {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most fields of an event, and of each span.
    #[must_use]
    pub fn fields(mut self, count: u32) -> Self {
        self.fields = count;
        self
    }

    /// The most bytes of one value or message.
    #[must_use]
    pub fn value_bytes(mut self, bytes: usize) -> Self {
        self.value_bytes = bytes;
        self
    }

    /// The most bytes of all fields and spans together.
    #[must_use]
    pub fn record_bytes(mut self, bytes: usize) -> Self {
        self.record_bytes = bytes;
        self
    }

    /// Checks that the limits let anything through.
    ///
    /// # Errors
    ///
    /// A configuration error where a byte limit is below 64.
    pub fn check(self) -> Result<Self, Error> {
        for (setting, bytes) in [("value_bytes", self.value_bytes), ("record_bytes", self.record_bytes)] {
            if bytes < 64 {
                return Err(Error::config(setting, bytes, "must be at least 64"));
            }
        }
        Ok(self)
    }
}

/// Buffers that each thread reuses, so that the steady state allocates nothing.
#[derive(Debug, Default)]
struct Scratch {
    message: String,
    fields: Entries,
    spans: Entries,
    omitted: u32,
    log: LogMeta,
    origin: Origin,
}

/// Buffers above this size, all together, are given back after use.
const KEEP_BYTES: usize = 128 * 1024;

impl Scratch {
    fn clear(&mut self) {
        self.message.clear();
        self.fields.clear();
        self.spans.clear();
        self.omitted = 0;
    }

    /// Whether it is small enough to be kept for the next event.
    #[inline]
    fn is_small(&self) -> bool {
        self.message.capacity() + self.fields.bytes.capacity() + self.spans.bytes.capacity() <= KEEP_BYTES
    }
}

/// Who raises the events: asked once a thread.
#[derive(Debug)]
struct Origin {
    thread_id: Option<u64>,
    thread_name: Option<String>,
    process_id: u32,
}

impl Default for Origin {
    /// That of the calling thread.
    fn default() -> Self {
        let current = thread::current();
        // `ThreadId` shows its number only through `Debug`: `ThreadId(7)`.
        let digits: String = format!("{:?}", current.id()).chars().filter(char::is_ascii_digit).collect();
        Self { thread_id: digits.parse().ok(), thread_name: current.name().map(str::to_owned), process_id: process::id() }
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Captures the event and hands the record to `then`.
#[inline]
pub(crate) fn event<S, R>(
    event: &Event<'_>,
    context: &Context<'_, S>,
    limits: &Limits,
    now: Timestamp,
    then: impl FnOnce(&Record<'_>) -> R,
) -> R
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    // Late in a thread's life its locals are gone; a record is captured all the same.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = with_scratch(&mut scratch, event, context, limits, now, then);
    if scratch.is_small() {
        SCRATCH.try_with(|place| place.set(Some(scratch))).ok();
    }
    result
}

fn with_scratch<S, R>(
    scratch: &mut Scratch,
    event: &Event<'_>,
    context: &Context<'_, S>,
    limits: &Limits,
    now: Timestamp,
    then: impl FnOnce(&Record<'_>) -> R,
) -> R
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    scratch.clear();
    let metadata = event.metadata();
    let from_log = LogMeta::is_bridge(metadata);
    if from_log {
        scratch.log.clear();
    }
    event.record(&mut FieldVisitor {
        limits,
        entries: &mut scratch.fields,
        message: Some(&mut scratch.message),
        log: from_log.then_some(&mut scratch.log),
    });
    spans::write(event, context, limits, scratch);

    let mut head = head(metadata, now, &scratch.origin);
    if from_log {
        scratch.log.apply(&mut head);
    }
    then(&Record {
        head,
        message: &scratch.message,
        fields: Fields { count: scratch.fields.count, bytes: &scratch.fields.bytes },
        spans: Spans { count: scratch.spans.count, bytes: &scratch.spans.bytes },
        omitted: scratch.omitted + scratch.fields.omitted_count(),
    })
}

#[inline]
fn head<'a>(metadata: &Metadata<'a>, now: Timestamp, origin: &'a Origin) -> Head<'a> {
    Head {
        timestamp: now,
        level: *metadata.level(),
        target: metadata.target(),
        name: metadata.name(),
        module_path: metadata.module_path(),
        file: metadata.file(),
        line: metadata.line(),
        thread_id: origin.thread_id,
        thread_name: origin.thread_name.as_deref(),
        process_id: origin.process_id,
    }
}
