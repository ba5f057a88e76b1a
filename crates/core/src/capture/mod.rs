//! A `tracing` event and its spans become a [`Record`]. The only place that knows both.
//!
//! Several layers of ours in one registry see each event one after the other; its values are visited for the first of them, and
//! the others find them ([`Visited`]). The spans are looked up for each, as a per-layer filter may hide some from one layer alone.

mod log_bridge;
pub(crate) mod spans;
mod visit;

use std::cell::Cell;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::log_bridge::LogMeta;
pub(crate) use self::visit::Panics;
use self::visit::{Entries, FieldVisitor};
use crate::clock::ClockSource;
use crate::record::{Circumstances, Fields, Head, Record, Spans};
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

/// One event on its way through the layers of a registry.
///
/// The number alone would not do: between two layers of ours, a third may raise an event of its own. Nor would the place in memory, which
/// the next event has again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Occasion {
    number: u64,
    event: *const (),
}

/// One layer of ours, as a bit; with more than 64 of them some share one, and then nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// That of the next layer.
    pub(crate) fn next() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        Self(1_u64.rotate_left(MADE.fetch_add(1, Ordering::Relaxed)))
    }

    /// Takes note that an event is about to be handed to this layer: each of ours says so before the first of them gets it.
    #[inline]
    pub(crate) fn announce(self) {
        let note = |announced: &Cell<Announced>| {
            let Announced { number, to } = announced.get();
            announced.set(Announced { number: number.wrapping_add(1), to: to | self.0 });
        };
        ANNOUNCED.try_with(note).ok();
    }
}

/// The events that were announced on this thread.
#[derive(Clone, Copy, Debug)]
struct Announced {
    number: u64,
    /// The layers that wait for one.
    to: u64,
}

impl Occasion {
    /// Nothing for an event that was not announced to the layer: a subscriber around the registry may keep that to itself.
    #[inline]
    fn of(event: &Event<'_>, mark: Mark) -> Option<Self> {
        let take = |announced: &Cell<Announced>| {
            let Announced { number, to } = announced.get();
            announced.set(Announced { number, to: to & !mark.0 });
            (to & mark.0 != 0).then_some(number)
        };
        // Nothing late in a thread's life either, when its locals are gone.
        let number = ANNOUNCED.try_with(take).ok().flatten()?;
        Some(Self { number, event: std::ptr::from_ref(event).cast() })
    }

    /// The same event, after its values were visited: a user's `Debug` may have raised others.
    #[inline]
    fn now(self) -> Self {
        Self { number: ANNOUNCED.try_with(Cell::get).map_or(self.number, |announced| announced.number), ..self }
    }
}

impl Scratch {
    /// Makes room for another event.
    fn clear(&mut self) {
        self.visited = None;
        self.message.clear();
        self.fields.clear();
        self.log.clear();
    }

    /// When the event was raised that stands here, if it is this one, captured within the same limits.
    #[inline]
    fn holds(&self, occasion: Option<Occasion>, limits: &Limits) -> Option<Timestamp> {
        let visited = self.visited.filter(|visited| Some(visited.occasion) == occasion && visited.limits == *limits);
        visited.map(|visited| visited.now)
    }

    /// Visits the values of the event.
    #[inline]
    fn visit(&mut self, event: &Event<'_>, limits: &Limits, panics: Panics) {
        event.record(&mut FieldVisitor {
            limits,
            entries: &mut self.fields,
            message: Some(&mut self.message),
            log: LogMeta::is_bridge(event.metadata()).then_some(&mut self.log),
            panics,
        });
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

impl Origin {
    #[inline]
    fn at(&self, timestamp: Timestamp) -> Circumstances<'_> {
        let Self { thread_id, thread_name, process_id } = self;
        Circumstances { timestamp, thread_id: *thread_id, thread_name: thread_name.as_deref(), process_id: *process_id }
    }
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
    static ANNOUNCED: Cell<Announced> = const { Cell::new(Announced { number: 0, to: 0 }) };
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Captures the event and hands the record to `then`. Where user code panics and that is passed on, `then` was not called.
#[inline]
pub(crate) fn event<S, R>(
    event: &Event<'_>,
    context: &Context<'_, S>,
    limits: &Limits,
    clock: &ClockSource,
    mark: Mark,
    panics: Panics,
    then: impl FnOnce(&Record<'_>) -> R,
) -> R
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    // Late in a thread's life its locals are gone; a record is captured all the same.
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let now = visit_once(&mut scratch, event, limits, clock, mark, panics);
    let result = with_spans(&mut scratch, event, context, limits, now, then);
    if scratch.is_small() {
        SCRATCH.try_with(|place| place.set(Some(scratch))).ok();
    }
    result
}

/// Brings the values of the event into `scratch`, unless another layer did. Gives the time of the event.
#[inline]
fn visit_once(
    scratch: &mut Scratch,
    event: &Event<'_>,
    limits: &Limits,
    clock: &ClockSource,
    mark: Mark,
    panics: Panics,
) -> Timestamp {
    let occasion = Occasion::of(event, mark).filter(|_| matches!(clock, ClockSource::System));
    if let Some(now) = scratch.holds(occasion, limits) {
        return now;
    }
    let now = clock.now();
    scratch.clear();
    scratch.visit(event, limits, panics);
    // Only now, as user code may have panicked.
    scratch.visited = occasion.map(|occasion| Visited { occasion: occasion.now(), limits: *limits, now });
    now
}

fn with_spans<S, R>(
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
    scratch.spans.clear();
    scratch.omitted = 0;
    spans::write(event, context, limits, scratch);
    let site = event.metadata();
    let mut head = Head::at(site, scratch.origin.at(now));
    let is_bridge = LogMeta::is_bridge(site);
    if is_bridge {
        scratch.log.apply(&mut head);
    }
    then(&Record {
        head,
        message: &scratch.message,
        fields: Fields { count: scratch.fields.count, bytes: &scratch.fields.bytes },
        spans: Spans { count: scratch.spans.count, bytes: &scratch.spans.bytes },
        omitted: scratch.omitted + scratch.fields.omitted_count(),
        site: (!is_bridge).then_some(site),
    })
}
