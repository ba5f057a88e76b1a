//! The flight recorder: forgets, until there is a reason to look back.

use tracing::{debug, error, info};
use tracing_handlers_core::{Deadline, DropReason, Handler, Level};
use tracing_handlers_memory::MemoryHandler;
use tracing_handlers_testing::FailureLog;
use tracing_subscriber::prelude::*;

use crate::support::{Target, give};

#[test]
fn an_error_brings_along_what_came_before_it_in_one_batch() {
    let target = Target::new();
    let layer = MemoryHandler::flight_recorder(3).target(target.clone()).layer().unwrap();
    let handle = layer.handle();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        (0..10).for_each(|step| debug!("step {step}"));
        error!("broken");
        info!("after");
        error!("broken again");
    });
    // For a handler that sends mail: a message each, with its context.
    assert_eq!(target.batches(), [vec!["step 8", "step 9", "broken"], vec!["after", "broken again"]]);
    let stats = handle.stats();
    assert_eq!((stats.handled, stats.delivered, stats.dropped_for(DropReason::Forgotten)), (13, 5, 8));
}

#[test]
fn forgetting_is_counted_and_reported_to_nobody() {
    let (target, failures) = (Target::new(), FailureLog::new());
    let builder = MemoryHandler::flight_recorder(2).target(target.clone()).on_failure(failures.clone());
    let memory = builder.build().unwrap();
    (0..5).for_each(|number| give(&memory, Level::WARN, number.to_string()));
    assert!(target.batches().is_empty(), "the capacity is no reason to dump");
    let stats = memory.stats();
    assert_eq!((stats.pending, stats.dropped_for(DropReason::Forgotten), stats.dropped()), (2, 3, 3));
    memory.close(Deadline::never()).unwrap();
    assert!(target.batches().is_empty(), "nor is its end");
    assert_eq!((memory.stats().pending, memory.stats().dropped_for(DropReason::Forgotten)), (0, 5));
    assert!(failures.is_empty());
}

#[test]
fn it_is_dumped_on_request() {
    let target = Target::new();
    let memory = MemoryHandler::flight_recorder(2).target(target.clone()).build().unwrap();
    (0..3).for_each(|number| give(&memory, Level::INFO, number.to_string()));
    memory.dump().unwrap();
    memory.dump().unwrap();
    assert_eq!(target.batches(), [["1", "2"]]);
}

#[test]
fn bytes_bound_it_too_and_a_record_larger_than_all_is_held_alone() {
    let target = Target::new();
    let memory = MemoryHandler::flight_recorder(1_000).capacity_bytes(500).target(target.clone()).build().unwrap();
    (0..100).for_each(|number| give(&memory, Level::INFO, number.to_string()));
    let held = memory.stats().pending;
    assert!((2..10).contains(&held), "{held}");
    give(&memory, Level::INFO, "x".repeat(10_000));
    assert_eq!(memory.stats().pending, 1);
    memory.dump().unwrap();
    assert_eq!(target.messages(), ["x".repeat(10_000)]);
}

/// A request page, say: the log of a flight recorder without a target is taken out by giving it one.
#[test]
fn without_a_target_it_waits_for_one() {
    let memory = MemoryHandler::flight_recorder(2).build().unwrap();
    (0..5).for_each(|number| give(&memory, Level::ERROR, number.to_string()));
    let target = Target::new();
    memory.set_target(target.clone());
    memory.dump().unwrap();
    assert!(memory.take_target().is_some());
    assert_eq!(target.batches(), [["3", "4"]]);
    assert_eq!(memory.stats().dropped_for(DropReason::Forgotten), 3);
}
