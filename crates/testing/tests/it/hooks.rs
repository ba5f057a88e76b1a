//! The collecting handler and the failure log.

use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{Deadline, DropReason, Error, Failure, Handler};
use tracing_handlers_testing::{CollectingHandler, FailureLog, record};

#[test]
fn a_collecting_handler_keeps_whole_records() {
    let handler = CollectingHandler::new();
    let record = record("message");
    handler.handle(&record.as_record()).unwrap();
    assert_eq!(handler.records(), [record]);
}

#[test]
fn a_collecting_handler_holds_who_brings_a_record() {
    let handler = CollectingHandler::new();
    handler.gate().close();
    thread::scope(|scope| {
        let bringing = scope.spawn(|| handler.handle(&record("held").as_record()));
        handler.gate().wait_until_held();
        assert_eq!(handler.stats().handled, 0);
        handler.gate().open();
        bringing.join().unwrap().unwrap();
    });
    assert_eq!(handler.lines(), ["held"]);
}

#[test]
fn a_closed_collecting_handler_refuses_and_counts() {
    let handler = CollectingHandler::new();
    handler.close(Deadline::never()).unwrap();
    assert!(handler.handle(&record("late").as_record()).unwrap_err().is_closed());
    assert!(handler.is_closed() && handler.lines().is_empty());
    assert_eq!(handler.stats().dropped_for(DropReason::Closed), 1);
    assert!(handler.stats().is_balanced());
}

#[test]
fn a_failing_collecting_handler_refuses_flushes_too() {
    let handler = CollectingHandler::new();
    handler.fail(ErrorKind::BrokenPipe);
    assert!(handler.flush(Deadline::never()).unwrap_err().is_io());
    handler.mend();
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(handler.flushes(), 2);
}

#[test]
fn a_failure_log_keeps_what_it_is_told_before_its_second_hook_runs() {
    let failures = FailureLog::new().then(|_: &Failure<'_>| panic!("deliberate mistake"));
    let reporter = Reporter::new("x", Some(Arc::new(failures.clone())));
    reporter.lost(Error::new("write x"), DropReason::Full, 2);
    reporter.note(Error::new("roll x"));
    assert_eq!(failures.texts(), ["x: write x", "x: roll x"]);
    assert_eq!((failures.lost(), failures.lost_for(DropReason::Full), failures.lost_for(DropReason::Failed)), (2, 2, 0));
}
