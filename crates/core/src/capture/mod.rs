//! A `tracing` event and its spans become a [`Record`]. The only place that knows both.
//!
//! Several layers of ours in one registry see each event one after the other; its values are visited for the first of them, and
//! the others find them ([`Visited`]). The spans are found for each, as a per-layer filter may hide some from one layer alone.

mod lineage;
mod log_bridge;
mod occasion;
pub(crate) mod spans;
mod visit;

use std::cell::Cell;
use std::process;
use std::thread;

use tracing_core::span::Id;
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

pub(crate) use self::lineage::Place;
use self::lineage::Shown;
use self::log_bridge::{LogMeta, LogVisitor};
pub(crate) use self::occasion::Mark;
use self::occasion::Occasion;
use self::spans::{Entries, Found};
use self::visit::Captured;
pub(crate) use self::visit::Panics;
use crate::clock::ClockSource;
use crate::record::slots;
use crate::record::{CallSite, Head, Message, Record, Site, Spans};
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
    /// A configuration error where a byte limit is below 64 or above 1 GiB.
    pub fn check(self) -> Result<Self, Error> {
        for (setting, bytes) in [("value_bytes", self.value_bytes), ("record_bytes", self.record_bytes)] {
            if bytes < 64 {
                return Err(Error::config(setting, bytes, "must be at least 64"));
            }
            if bytes > slots::MOST_TEXT {
                return Err(Error::config(setting, bytes, "must be at most 1 GiB"));
            }
        }
        Ok(self)
    }
}

/// Buffers that each thread reuses, so that the steady state allocates nothing.
#[derive(Debug, Default)]
struct Scratch {
    fields: Captured,
    /// The current span, where the event is in that.
    current: Option<Id>,
    spans: Entries,
    omitted: u32,
    /// The spans of an event before, which are often those of the next.
    shown: Option<Shown>,
    log: LogMeta,
    origin: Origin,
    visited: Option<Visited>,
}

/// Buffers above this size, all together, are given back after use.
const KEEP_BYTES: usize = 128 * 1024;

/// The event whose values stand in a [`Scratch`], so that the next layer need not visit them again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Visited {
    occasion: Occasion,
    limits: Limits,
    /// When, by the system's clock. A layer with a clock of its own shares nothing.
    now: Timestamp,
}

impl Scratch {
    /// When the event was raised that stands here, if it is this one, captured within the same limits.
    #[inline]
    fn holds(&self, occasion: Option<Occasion>, limits: &Limits) -> Option<Timestamp> {
        let visited = self.visited.filter(|visited| Some(visited.occasion) == occasion && visited.limits == *limits);
        visited.map(|visited| visited.now)
    }

    /// Visits the values of the event.
    #[inline]
    fn visit(&mut self, event: &Event<'_>, limits: &Limits, panics: Panics) {
        self.visited = None;
        self.fields.start(limits, true, panics);
        match LogMeta::is_bridge(event.metadata()) {
            false => event.record(&mut self.fields),
            true => event.record(&mut LogVisitor { log: self.log.cleared(), others: &mut self.fields }),
        }
    }

    /// The spans that were found, and how many of their fields were left out.
    #[inline(always)]
    fn spans(&self, found: Found) -> (Spans<'_>, u32) {
        match (found, &self.shown) {
            (Found::Nothing, _) => (Spans::EMPTY, 0),
            (Found::Shown, Some(shown)) => shown.spans(),
            _ => (Spans { count: self.spans.count, bytes: &self.spans.bytes, kept: None }, self.omitted),
        }
    }

    /// The event that stands here.
    #[inline(always)]
    fn record<'a>(
        &'a self,
        code: &'static CallSite,
        site: Site<'a>,
        (spans, omitted): (Spans<'a>, u32),
        now: Timestamp,
    ) -> Record<'a> {
        Record {
            head: self.origin.head(now, site),
            message: Message::Slot(self.fields.message),
            fields: self.fields.fields(code.fields()),
            spans,
            omitted: omitted + self.fields.omitted_count(),
        }
    }

    /// Whether it is small enough to be kept for the next event.
    #[inline]
    fn is_small(&self) -> bool {
        self.fields.bytes.capacity() + self.spans.bytes.capacity() <= KEEP_BYTES
    }
}

/// Who raises the events: asked once a thread.
#[derive(Debug)]
struct Origin {
    thread_id: Option<u64>,
    thread_name: Option<Box<str>>,
    process_id: u32,
}

impl Origin {
    #[inline]
    fn head<'a>(&'a self, time: Timestamp, site: Site<'a>) -> Head<'a> {
        let Self { thread_id, thread_name, process_id } = self;
        Head { time, site, thread_id: *thread_id, thread_name: thread_name.as_deref(), process_id: *process_id }
    }
}

impl Default for Origin {
    /// That of the calling thread.
    fn default() -> Self {
        let current = thread::current();
        // `ThreadId` shows its number only through `Debug`: `ThreadId(7)`.
        let digits: String = format!("{:?}", current.id()).chars().filter(char::is_ascii_digit).collect();
        Self { thread_id: digits.parse().ok(), thread_name: current.name().map(Box::from), process_id: process::id() }
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// How a layer captures.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) limits: Limits,
    pub(crate) clock: ClockSource,
    pub(crate) mark: Mark,
    /// Where the layer is, once it is in a registry.
    pub(crate) place: Option<Place>,
}

/// What becomes of a record. No closure, as those are not compiled into each way that leads to them.
pub(crate) trait Take {
    fn take(self, record: &Record<'_>) -> Result<(), Error>;
}

/// Captures the event and hands the record to `then`. Where user code panics and that is passed on, `then` was not called.
#[inline(always)]
pub(crate) fn event<S, T>(
    event: &Event<'_>,
    context: &Context<'_, S>,
    capture: &Capture,
    panics: Panics,
    then: T,
) -> Result<(), Error>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    T: Take,
{
    // Late in a thread's life its locals are gone; a record is captured all the same.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let (now, is_again) = visit_once(&mut scratch, event, capture, panics);
    if !is_again {
        scratch.current = if event.is_contextual() { context.current_span().id().cloned() } else { None };
    }
    let result = with_spans(&mut scratch, event, context, capture, now, then);
    if scratch.is_small() {
        SCRATCH.try_with(|place| place.set(Some(scratch))).ok();
    }
    result
}

/// Brings the values of the event into `scratch`, unless another layer did. Gives the time of the event, and whether
/// the values were there.
#[inline(always)]
fn visit_once(scratch: &mut Scratch, event: &Event<'_>, capture: &Capture, panics: Panics) -> (Timestamp, bool) {
    let Capture { limits, clock, mark, .. } = capture;
    let occasion = Occasion::of(event, *mark).filter(|_| matches!(clock, ClockSource::System));
    if let Some(now) = scratch.holds(occasion.map(|(occasion, _)| occasion), limits) {
        return (now, true);
    }
    let now = clock.now();
    scratch.visit(event, limits, panics);
    // Only now, as user code may have panicked.
    if let Some((occasion, true)) = occasion {
        scratch.visited = Some(Visited { occasion: occasion.now(), limits: *limits, now });
    }
    (now, false)
}

#[inline(always)]
fn with_spans<S, T>(
    scratch: &mut Scratch,
    event: &Event<'_>,
    context: &Context<'_, S>,
    capture: &Capture,
    now: Timestamp,
    then: T,
) -> Result<(), Error>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    T: Take,
{
    let found = spans::find(event, context, capture, scratch);
    let code = event.metadata();
    // Each way on its own, so that what is known of a record is known to the handler that is compiled into it.
    if LogMeta::is_bridge(code) {
        return from_log(scratch, code, found, now, then);
    }
    match found {
        Found::Nothing => then.take(&scratch.record(code, Site::Code(code), (Spans::EMPTY, 0), now)),
        _ => then.take(&scratch.record(code, Site::Code(code), scratch.spans(found), now)),
    }
}

#[cold]
#[inline(never)]
fn from_log<T: Take>(scratch: &Scratch, code: &'static CallSite, found: Found, now: Timestamp, then: T) -> Result<(), Error> {
    then.take(&scratch.record(code, Site::Told(scratch.log.told(code)), scratch.spans(found), now))
}
