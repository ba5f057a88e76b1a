//! `NullHandler`.

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_stream::NullHandler;
use tracing_handlers_testing::record;

#[test]
fn a_record_is_taken_and_counted() {
    let handler = NullHandler::new();
    handler.handle(&record("nobody reads this").as_record()).unwrap();
    handler.flush(Deadline::now()).unwrap();
    assert_eq!((handler.stats().handled, handler.stats().delivered), (1, 1));
}

#[test]
fn a_closed_handler_refuses() {
    let handler = NullHandler::new();
    handler.close(Deadline::now()).unwrap();
    assert!(handler.handle(&record("late").as_record()).unwrap_err().is_closed());
    assert!(handler.stats().is_balanced());
}
