//! Targets that refuse, panic, are slow, or come back to the handler that they serve.

use std::io;
use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use tracing_handlers_core::{Deadline, DropReason, Handler, Level};
use tracing_handlers_memory::MemoryHandler;
use tracing_handlers_stream::StreamHandler;
use tracing_handlers_testing::{CollectingHandler, FailureLog, OnRecord};

use crate::support::{Conduct, Target, child, give, log_after, record};

/// Refuses or panics over the records that are called so.
fn by_message(message: &str) -> Conduct {
    match message {
        "refused" => Conduct::Refuses,
        "panics" => Conduct::Panics,
        _ => Conduct::Keeps,
    }
}

fn memory_with(target: &Target) -> (MemoryHandler, FailureLog) {
    let failures = FailureLog::new();
    let memory = MemoryHandler::builder(100).target(target.clone()).on_failure(failures.clone()).build().unwrap();
    (memory, failures)
}

#[test]
fn what_the_target_refuses_is_dropped_and_reported_once() {
    let target = Target::conducted(by_message);
    let (memory, failures) = memory_with(&target);
    ["one", "refused", "two", "refused", "three"].into_iter().for_each(|message| give(&memory, Level::INFO, message));
    let error = memory.flush(Deadline::never()).unwrap_err();
    assert!(error.is_reported());
    assert_eq!(target.batches(), [["one", "two", "three"]]);
    let stats = memory.stats();
    assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed), stats.pending), (3, 2, 0));
    assert_eq!(failures.texts(), ["memory: hand records to the target of memory: the target refuses"]);
    assert_eq!(failures.lost(), 2);
    memory.flush(Deadline::never()).unwrap();
}

#[test]
fn a_target_that_panics_loses_that_record_and_gets_the_rest() {
    let target = Target::conducted(by_message);
    let (memory, failures) = memory_with(&target);
    ["one", "two", "panics", "three", "panics", "refused", "four"]
        .into_iter()
        .for_each(|message| give(&memory, Level::INFO, message));
    assert!(memory.flush(Deadline::never()).unwrap_err().is_reported());
    assert_eq!(target.messages(), ["one", "two", "three", "four"]);
    let stats = memory.stats();
    assert_eq!((stats.delivered, stats.dropped_for(DropReason::Panicked), stats.dropped_for(DropReason::Failed)), (4, 2, 1));
    assert_eq!((failures.len(), failures.lost_for(DropReason::Panicked), failures.lost_for(DropReason::Failed)), (2, 2, 1));
}

/// Nobody can say then what was kept of a batch that failed; none of it counts as delivered.
#[test]
fn a_target_without_counters_is_believed_only_when_it_says_ok() {
    let target = Target::without_counters(by_message);
    let (memory, _) = memory_with(&target);
    ["one", "refused", "two"].into_iter().for_each(|message| give(&memory, Level::INFO, message));
    assert!(memory.flush(Deadline::never()).is_err());
    assert_eq!((memory.stats().delivered, memory.stats().dropped_for(DropReason::Failed)), (0, 3));
    give(&memory, Level::ERROR, "three");
    assert_eq!(memory.stats().delivered, 1);
}

#[test]
fn a_record_that_is_handed_over_at_once_and_refused_is_the_callers_error() {
    let target = Target::conducted(by_message);
    let (memory, _) = memory_with(&target);
    let error = memory.handle(&record(Level::ERROR, "refused").as_record()).unwrap_err();
    assert!(error.is_reported());
    let error = memory.handle(&record(Level::ERROR, "panics").as_record()).unwrap_err();
    assert!(error.is_panicked());
}

#[test]
fn a_slow_target_holds_up_only_who_flushes() {
    let target = Target::new();
    let (memory, _) = memory_with(&target);
    target.gate().close();
    thread::scope(|scope| {
        let flusher = scope.spawn(|| give(&memory, Level::ERROR, "slow"));
        target.gate().wait_until_held();
        // On this thread: it would hang here.
        (0..50).for_each(|number| give(&memory, Level::INFO, number.to_string()));
        assert_eq!((memory.stats().handled, memory.stats().pending), (51, 51));
        assert!(memory.flush(Deadline::now()).unwrap_err().is_timed_out());
        assert!(memory.close(Deadline::now()).unwrap_err().is_timed_out());
        assert_eq!(memory.stats().pending, 51, "what is held waits for the next attempt to close");
        assert!(memory.handle(&record(Level::INFO, "late").as_record()).unwrap_err().is_closed());
        target.gate().open();
        flusher.join().unwrap();
    });
    memory.close(Deadline::never()).unwrap();
    let stats = memory.stats();
    assert_eq!((stats.delivered, stats.dropped_for(DropReason::Closed), stats.pending), (51, 1, 0));
    assert_eq!(target.batches().len(), 2);
    assert_eq!(target.messages()[..3], ["slow", "0", "1"]);
}

#[test]
fn a_batch_under_way_goes_to_the_old_target_and_the_next_to_the_new() {
    let (old, new) = (Target::new(), Target::new());
    let (memory, _) = memory_with(&old);
    old.gate().close();
    thread::scope(|scope| {
        let flusher = scope.spawn(|| give(&memory, Level::ERROR, "one"));
        old.gate().wait_until_held();
        assert!(memory.set_target(new.clone()).is_some());
        give(&memory, Level::INFO, "two");
        old.gate().open();
        flusher.join().unwrap();
    });
    memory.flush(Deadline::never()).unwrap();
    assert_eq!((old.messages(), new.messages()), (vec!["one".to_owned()], vec!["two".to_owned()]));
}

#[test]
fn a_flush_flushes_the_target_and_a_close_does_not_close_it() {
    let target = CollectingHandler::new();
    let memory = MemoryHandler::builder(10).target(target.clone()).build().unwrap();
    give(&memory, Level::INFO, "one");
    memory.flush(Deadline::never()).unwrap();
    assert_eq!((target.flushes(), target.lines()), (1, vec!["one".to_owned()]));
    memory.close(Deadline::never()).unwrap();
    assert!(!target.is_closed());
    assert!(memory.take_target().is_none(), "it lets go of it");
}

#[test]
fn a_target_that_comes_back_does_not_wait_for_itself() {
    let own = Arc::new(OnceLock::<Weak<MemoryHandler>>::new());
    let (seen, memory) = (CollectingHandler::new(), Arc::clone(&own));
    let kept = seen.clone();
    // It logs into, flushes and closes the handler that it serves.
    let target = OnRecord::new(move |record| {
        kept.handle(record)?;
        let Some(memory) = memory.get().and_then(Weak::upgrade) else { return Ok(()) };
        if record.message() == "first" {
            give(&memory, Level::ERROR, "from the target");
            assert!(memory.flush(Deadline::never()).unwrap_err().is_timed_out());
            assert!(memory.close(Deadline::never()).unwrap_err().is_timed_out());
        }
        Ok(())
    });
    let builder = MemoryHandler::builder(10).target(target).on_failure(FailureLog::new());
    let memory = Arc::new(builder.build().unwrap());
    own.set(Arc::downgrade(&memory)).unwrap();
    give(&memory, Level::ERROR, "first");
    assert_eq!(memory.stats().pending, 1);
    memory.close(Deadline::never()).unwrap();
    assert_eq!(seen.lines(), ["first", "from the target"]);
}

struct Broken;

impl io::Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_the_target_has_said_on_stderr_is_not_said_again() {
    if child().is_some() {
        let target = StreamHandler::builder(Broken).build().unwrap();
        let memory = MemoryHandler::builder(10).target(target).build().unwrap();
        give(&memory, Level::INFO, "one");
        assert!(memory.flush(Deadline::never()).unwrap_err().is_reported());
        assert_eq!(memory.stats().dropped_for(DropReason::Failed), 1);
        return;
    }
    let (status, _, stderr) = log_after("targets::what_the_target_has_said_on_stderr_is_not_said_again", "");
    assert!(status.success(), "{stderr}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("tracing-handlers: ")).count(), 1, "{stderr}");
}

/// A memory handler is a target like any other.
#[test]
fn memory_behind_memory() {
    let target = Target::new();
    let inner = MemoryHandler::builder(1).target(target.clone()).build().unwrap();
    let (outer, _) = memory_with(&target);
    outer.set_target(inner);
    give(&outer, Level::INFO, "one");
    give(&outer, Level::ERROR, "two");
    assert_eq!(target.messages(), ["one", "two"]);
}
