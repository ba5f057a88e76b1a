//! The steady state allocates nothing.

// A global allocator can only be written with `unsafe`.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "the functions that tests call fail as tests do")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tracing_handlers_core::{Handler, Level, Record};
use tracing_handlers_memory::{MemoryHandler, MemoryHandlerBuilder};
use tracing_handlers_stream::NullHandler;

/// The system's allocator, which counts the calls of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.try_with(|count| count.set(count.get() + 1)).ok();
}

// SAFETY: every call goes to the system's allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
    let before = ALLOCATIONS.get();
    handle_all(200);
    assert_eq!(ALLOCATIONS.get() - before, 0);
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
