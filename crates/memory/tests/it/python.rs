//! CPython's `MemoryHandlerTest`, one test a case, and what else `BufferingHandler` does.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler, Level};
use tracing_handlers_memory::{MemoryHandler, MemoryHandlerBuilder};
use tracing_handlers_testing::FailureLog;

use crate::support::{Target, child, give, log_after};

fn as_in_cpython(target: &Target) -> MemoryHandlerBuilder {
    MemoryHandler::builder(10).flush_level(Level::WARN).target(target.clone())
}

#[test]
fn test_flush() {
    let target = Target::new();
    let memory = as_in_cpython(&target).build().unwrap();
    give(&memory, Level::DEBUG, "0");
    give(&memory, Level::INFO, "1");
    assert!(target.messages().is_empty());
    give(&memory, Level::WARN, "2");
    assert_eq!(target.batches(), [["0", "1", "2"]]);
    for tens in 1..3 {
        for ones in 0..9 {
            give(&memory, Level::DEBUG, format!("{tens}{ones}"));
        }
        assert_eq!(target.batches().len(), tens, "the tenth is still to come");
        give(&memory, Level::DEBUG, format!("{tens}9"));
        assert_eq!(target.batches()[tens].len(), 10);
    }
    give(&memory, Level::DEBUG, "held");
    assert_eq!(target.messages().len(), 23);
    assert_eq!(memory.stats().pending, 1);
}

#[test]
fn test_flush_on_close() {
    for flush_on_close in [true, false] {
        let (target, failures) = (Target::new(), FailureLog::new());
        let memory = as_in_cpython(&target).flush_on_close(flush_on_close).on_failure(failures.clone()).build().unwrap();
        give(&memory, Level::DEBUG, "one");
        give(&memory, Level::INFO, "two");
        assert!(target.messages().is_empty());
        memory.close(Deadline::never()).unwrap();
        let expected: &[&str] = if flush_on_close { &["one", "two"] } else { &[] };
        assert_eq!(target.messages(), expected);
        let lost = if flush_on_close { 0 } else { 2 };
        assert_eq!((memory.stats().dropped_for(DropReason::Closed), memory.stats().pending), (lost, 0));
        assert_eq!(failures.lost_for(DropReason::Closed), lost);
    }
}

#[test]
fn test_shutdown_flush_on_close() {
    if let Some((way, _)) = child() {
        let target = Target::new();
        let memory = as_in_cpython(&target).flush_on_close(way == "flush").build().unwrap();
        give(&memory, Level::DEBUG, "one");
        give(&memory, Level::INFO, "two");
        let report = tracing_handlers_core::shutdown(Duration::from_secs(5));
        let expected: &[&str] = if way == "flush" { &["one", "two"] } else { &[] };
        assert_eq!(target.messages(), expected);
        assert_eq!((report.handlers, report.failed, report.stats.pending), (1, 0, 0));
        return;
    }
    for way in ["flush", "do not"] {
        let (status, _, stderr) = log_after("python::test_shutdown_flush_on_close", way);
        assert!(status.success(), "{stderr}");
    }
}

#[test]
fn test_race_between_set_target_and_flush() {
    let (target, other) = (Target::new(), Target::new());
    let memory = Arc::new(as_in_cpython(&target).build().unwrap());
    for round in 0..10 {
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100 {
                    drop(memory.take_target());
                    memory.set_target(if round % 2 == 0 { target.clone() } else { other.clone() });
                }
            });
            give(&memory, Level::INFO, "not flushed");
            give(&memory, Level::WARN, "flushed");
        });
    }
    memory.flush(Deadline::never()).unwrap();
    assert_eq!(target.messages().len() + other.messages().len(), 20);
    assert_eq!((memory.stats().delivered, memory.stats().dropped()), (20, 0));
}

/// `HandlerTest.test_builtin_handlers`: `BufferingHandler(0)` is to flush, `BufferingHandler(1)` not before it has one.
#[test]
fn a_capacity_of_nothing_hands_over_each_record() {
    for capacity in [0, 1] {
        let target = Target::new();
        let memory = MemoryHandler::builder(capacity).target(target.clone()).build().unwrap();
        assert!(target.batches().is_empty());
        give(&memory, Level::TRACE, "one");
        give(&memory, Level::TRACE, "two");
        assert_eq!(target.batches(), [["one"], ["two"]]);
    }
}

/// Python holds everything then, until the memory of the machine ends.
#[test]
fn without_a_target_the_newest_are_held_and_the_others_counted() {
    let failures = FailureLog::new();
    let memory = MemoryHandler::builder(3).on_failure(failures.clone()).build().unwrap();
    for number in 0..10 {
        give(&memory, Level::ERROR, number.to_string());
    }
    let stats = memory.stats();
    assert_eq!((stats.handled, stats.pending, stats.dropped_for(DropReason::Full)), (10, 3, 7));
    assert_eq!(failures.lost_for(DropReason::Full), 7);
    assert!(memory.flush(Deadline::never()).is_err(), "nothing has reached a target");
    assert_eq!(memory.stats().pending, 3);

    let target = Target::new();
    assert!(memory.set_target(target.clone()).is_none());
    assert!(target.messages().is_empty(), "a target alone is no reason to flush");
    memory.flush(Deadline::never()).unwrap();
    assert_eq!(target.messages(), ["7", "8", "9"]);
}

#[test]
fn what_is_held_without_a_target_is_counted_when_it_closes() {
    let failures = FailureLog::new();
    let memory = MemoryHandler::builder(3).on_failure(failures.clone()).build().unwrap();
    give(&memory, Level::INFO, "one");
    assert!(memory.close(Deadline::never()).is_err());
    assert_eq!((memory.stats().pending, memory.stats().dropped_for(DropReason::Closed), failures.lost()), (0, 1, 1));
    memory.close(Deadline::never()).unwrap();
}

#[test]
fn a_drop_hands_over_what_is_held() {
    let target = Target::new();
    give(&as_in_cpython(&target).build().unwrap(), Level::INFO, "one");
    assert_eq!(target.messages(), ["one"]);
}

#[test]
fn bytes_are_a_capacity_too() {
    let target = Target::new();
    let memory = MemoryHandler::builder(1_000).capacity_bytes(1_000).target(target.clone()).build().unwrap();
    (0..100).for_each(|number| give(&memory, Level::INFO, format!("{number} {}", "x".repeat(100))));
    memory.flush(Deadline::never()).unwrap();
    let batches = target.batches();
    assert!(batches.len() > 10 && batches.iter().all(|batch| batch.len() < 10), "{:?}", batches.len());
    assert_eq!(target.messages().len(), 100);
}

#[test]
fn a_function_says_when_in_the_place_of_the_level() {
    let target = Target::new();
    let builder = MemoryHandler::builder(4).target(target.clone());
    let memory = builder.flush_when(|record| record.message().starts_with("now")).build().unwrap();
    give(&memory, Level::ERROR, "held whatever its level");
    give(&memory, Level::TRACE, "now");
    assert_eq!(target.batches(), [["held whatever its level", "now"]]);
    (0..4).for_each(|number| give(&memory, Level::INFO, number.to_string()));
    assert_eq!(target.batches().len(), 2, "the capacity goes on to be a reason");
}

#[test]
fn a_function_that_panics_is_a_reason_to_flush_and_reported() {
    let (target, failures) = (Target::new(), FailureLog::new());
    let builder = MemoryHandler::builder(4).target(target.clone()).on_failure(failures.clone());
    let memory = builder.flush_when(|_| panic!("deliberate mistake")).build().unwrap();
    give(&memory, Level::INFO, "one");
    assert_eq!(target.messages(), ["one"]);
    assert_eq!((failures.len(), failures.lost()), (1, 0));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    assert!(MemoryHandler::flight_recorder(0).build().unwrap_err().is_config());
    assert!(MemoryHandler::builder(1).capacity_bytes(0).build().unwrap_err().is_config());
}
