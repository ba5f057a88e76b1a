//! The steady state allocates nothing.

mod allocator;

use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering};

use tracing::{info, info_span};
use tracing_handlers_core::format::{self, Json, Pattern, Text, Zone};
use tracing_handlers_core::{Clock, Counters, Deadline, Error, Format, Handler, HandlerLayer, Record, Stats, Timestamp};
use tracing_subscriber::prelude::*;

use crate::allocator::allocations;

/// A clock that goes on by 100 µs at each look, so that no two records have the same text.
struct Steps(AtomicI64);

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(1_700_000_000_000_000_000 + self.0.fetch_add(100_000, Ordering::Relaxed))
    }
}

/// Formats as a file handler does and throws the line away.
struct Formatting<F> {
    format: F,
    counters: Counters,
}

impl<F: Format> Handler for Formatting<F> {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        format::with_line(&self.format, record, b"\n", |line| {
            black_box(line);
        })?;
        self.counters.delivered();
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

/// A thousand events with three fields in two spans, after a few to warm up.
fn assert_nothing_is_allocated(name: &str, format: impl Format) {
    let layer = HandlerLayer::new(Formatting { format, counters: Counters::default() }).clock(Steps(AtomicI64::new(0)));
    let handle = layer.handle();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _outer = info_span!("request", id = "7f3a", method = "GET").entered();
        let _inner = info_span!("query", table = "users", attempt = 2).entered();
        let event = |number: u64| info!(number, user = "eve", share = 0.75, "slow query of {} rows", number);
        (1_000..1_016).for_each(event);
        assert_eq!(allocations(|| (1_000..2_000).for_each(event)), 0, "{name}");
    });
    assert_eq!(handle.stats().delivered, 1_016);
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn text_allocates_nothing() {
    assert_nothing_is_allocated("default", Text::new());
    assert_nothing_is_allocated("all", Text::new().source_location(true).thread_name(true).thread_id(true).zone(Zone::Local));
}

#[test]
fn json_allocates_nothing() {
    assert_nothing_is_allocated("default", Json::new());
    assert_nothing_is_allocated(
        "flat",
        Json::new().flatten_event(true).source_location(true).thread_name(true).thread_id(true),
    );
}

#[test]
fn patterns_allocate_nothing() {
    let common =
        "%(asctime)s %(levelname)-8s %(name)30s %(process)d %(threadName)s %(filename)s:%(lineno)05d %(message).20s %(user)10s";
    assert_nothing_is_allocated("common", Pattern::percent(common).unwrap());
    let rest =
        "{created:.3f} {msecs:03.0f} {relativeCreated:>20.0f} {fields} {spans:·^80} {share:+.2f} {number:06} {funcName} {none}";
    assert_nothing_is_allocated("rest", Pattern::brace(rest).unwrap());
    let dated = Pattern::percent("%(asctime)s %(message)s").unwrap().datefmt("%A, %d. %B %Y %H:%M:%S %z").unwrap();
    assert_nothing_is_allocated("dated", dated);
}
