//! The steady state allocates nothing.

#![allow(clippy::unwrap_used, reason = "the functions that tests call fail as tests do")]

#[path = "../../core/tests/allocator/mod.rs"]
mod allocator;

use tracing_handlers_core::{Handler, Level, Record};
use tracing_handlers_memory::{MemoryHandler, MemoryHandlerBuilder};
use tracing_handlers_stream::NullHandler;

use crate::allocator::allocations;

/// Records of four sizes, each fifteenth an error that has everything handed over.
fn assert_nothing_is_allocated(builder: MemoryHandlerBuilder) {
    let memory = builder.target(NullHandler::new()).build().unwrap();
    let records: Vec<_> = (0..15)
        .map(|number| Record::builder().level(if number == 0 { Level::ERROR } else { Level::INFO }).field("number", number))
        .zip([3, 50, 200, 7].into_iter().cycle())
        .map(|(record, size)| record.message("x".repeat(size)).build())
        .collect();
    let handle_all = |rounds| {
        for record in records.iter().cycle().take(records.len() * rounds) {
            memory.handle(&record.as_record()).unwrap();
        }
    };
    handle_all(20);
    assert_eq!(allocations(|| handle_all(200)), 0);
    assert!(memory.stats().delivered > 200);
}

#[test]
fn a_buffer_allocates_nothing_once_warm() {
    assert_nothing_is_allocated(MemoryHandler::builder(1_000));
    assert_nothing_is_allocated(MemoryHandler::builder(4));
}

#[test]
fn a_flight_recorder_allocates_nothing_once_warm() {
    assert_nothing_is_allocated(MemoryHandler::flight_recorder(9));
    assert_nothing_is_allocated(MemoryHandler::flight_recorder(1_000).capacity_bytes(2_000));
}
