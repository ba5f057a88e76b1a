//! The case of CPython's `NTEventLogHandlerTest`, by name, on a double of Windows.

use tracing_handlers_core::{Deadline, Handler, Record};
use tracing_handlers_event_log::{EventLogHandler, EventType};

use crate::log::{Kept, Log};

/// CPython reads the event back with its text, to which the message file adds a line end.
#[test]
fn test_basic() {
    let log = Log::default();
    let handler = EventLogHandler::builder("test_logging").api(log.clone()).format(message).build().unwrap();
    handler.handle(&Record::builder().message("Test Log Message").build().as_record()).unwrap();
    handler.close(Deadline::never()).unwrap();

    let [Kept { source, event_type, category, id, text, data }] = log.events().try_into().unwrap();
    assert_eq!((source.as_str(), text.to_string().as_str()), ("test_logging", "Test Log Message"));
    assert_eq!((event_type, category, id), (EventType::Information, 0, 1));
    assert!(data.is_empty());
}

fn message(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}
