//! What Windows refuses is counted and reported, and what can be tried again is.

use tracing_handlers_core::{Deadline, DropReason, Handler};
use tracing_handlers_event_log::EventLogHandler;
use tracing_handlers_testing::{FailureLog, record};

use crate::log::Log;

fn handler() -> (Log, FailureLog, EventLogHandler) {
    let (log, failures) = (Log::default(), FailureLog::new());
    let handler = log.builder(&failures).register(false).build().unwrap();
    (log, failures, handler)
}

fn handle(handler: &EventLogHandler, message: &str) -> Result<(), tracing_handlers_core::Error> {
    handler.handle(&record(message).as_record())
}

#[test]
fn the_source_is_opened_once_and_closed_once() {
    let (log, _, handler) = handler();
    assert_eq!(log.take_calls(), [""; 0]);
    handle(&handler, "1").unwrap();
    handle(&handler, "2").unwrap();
    handler.close(Deadline::never()).unwrap();
    handler.close(Deadline::never()).unwrap();
    assert_eq!(log.take_calls(), ["open", "report", "report", "close"]);
    assert_eq!(log.open_sources(), 0);
}

#[test]
fn a_handler_that_is_dropped_leaves_no_source_open() {
    let (log, _, handler) = handler();
    handle(&handler, "1").unwrap();
    assert_eq!(log.open_sources(), 1);
    drop(handler);
    assert_eq!(log.open_sources(), 0);
}

/// `ERROR_LOG_FILE_FULL`, and the number for a string or data beyond the limits.
#[test]
fn an_event_that_is_refused_is_lost_alone_and_reported_with_its_number() {
    for number in [1502, 1734] {
        let (log, failures, handler) = handler();
        handle(&handler, "before").unwrap();
        log.fail_reports(&[number]);
        let error = handle(&handler, "refused").unwrap_err();
        assert!(error.is_io() && error.is_reported(), "{error:?}");
        handle(&handler, "after").unwrap();

        assert_eq!(log.texts(), ["before", "after"]);
        assert_eq!(log.take_calls(), ["open", "report", "report", "report"], "{number}");
        let stats = handler.stats();
        assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed)), (2, 1));
        assert_eq!((failures.len(), failures.lost()), (1, 1));
        let text = &failures.texts()[0];
        assert!(text.contains("report an event of app") && text.contains(&format!("os error {number}")), "{text}");
    }
}

/// A wrong handle, a wrong binding, no service, a call that was not executed.
#[test]
fn a_source_that_is_gone_is_opened_again_and_no_record_is_lost() {
    for number in [6, 1702, 1722, 1727] {
        let (log, failures, handler) = handler();
        handle(&handler, "before").unwrap();
        log.fail_reports(&[number]);
        handle(&handler, "after").unwrap();
        assert_eq!(log.texts(), ["before", "after"]);
        assert_eq!(log.take_calls(), ["open", "report", "report", "open", "report"]);
        assert_eq!(log.open_sources(), 1, "the old source is still open");
        assert!(failures.is_empty());
    }
}

#[test]
fn a_record_is_tried_again_once_and_not_for_ever() {
    let (log, failures, handler) = handler();
    handle(&handler, "before").unwrap();
    log.fail_reports(&[1722, 1722]);
    handle(&handler, "lost").unwrap_err();
    assert_eq!(log.take_calls(), ["open", "report", "report", "open", "report"]);
    handle(&handler, "after").unwrap();
    assert_eq!(log.take_calls(), ["open", "report"]);
    assert_eq!((failures.len(), failures.lost(), handler.stats().delivered), (1, 1, 2));
}

/// `RPC_S_CALL_FAILED`: the event may be in the log, and would be there twice.
#[test]
fn a_record_whose_fate_is_unknown_is_not_tried_again_but_the_source_is_opened_anew() {
    let (log, failures, handler) = handler();
    handle(&handler, "before").unwrap();
    log.fail_reports(&[1726]);
    handle(&handler, "perhaps").unwrap_err();
    handle(&handler, "after").unwrap();
    assert_eq!(log.take_calls(), ["open", "report", "report", "open", "report"]);
    assert_eq!(failures.lost(), 1);
}

#[test]
fn a_service_that_is_not_there_yet_fails_no_build_and_is_found_later() {
    let (log, failures) = (Log::default(), FailureLog::new());
    log.fail(Some(1722));
    let handler = log.builder(&failures).build().unwrap();
    handle(&handler, "too early").unwrap_err();
    assert_eq!(log.take_calls(), ["register", "open"], "a source that was only just tried is tried again");
    assert!(failures.texts()[0].contains("open the event source app"), "{:?}", failures.texts());
    log.fail(None);
    handle(&handler, "there").unwrap();
    assert_eq!(log.texts(), ["there"]);
    assert_eq!((handler.stats().delivered, handler.stats().dropped()), (1, 1));
}

#[test]
fn a_source_that_cannot_be_closed_is_reported_and_the_handler_is_closed() {
    let (log, failures, handler) = handler();
    handle(&handler, "1").unwrap();
    log.fail_closing(6);
    let error = handler.close(Deadline::never()).unwrap_err();
    assert!(error.is_reported(), "{error:?}");
    assert_eq!((failures.len(), failures.lost()), (1, 0));
    assert!(handle(&handler, "late").unwrap_err().is_closed());
    handler.close(Deadline::never()).unwrap();
}
