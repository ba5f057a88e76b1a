//! The case of CPython's `NTEventLogHandlerTest`, by name.

#![allow(non_snake_case, reason = "the names are CPython's")]

mod NTEventLogHandlerTest {
    use tracing_handlers_core::{Deadline, Handler, Record};
    use tracing_handlers_event_log::{EventLogHandler, EventType};

    use crate::log::{Kept, Log};

    /// On a double. CPython reads the event back with its text, to which the message file adds a line end.
    #[test]
    fn test_basic() {
        let log = Log::default();
        let handler = EventLogHandler::builder("test_logging").api(log.clone()).format(message).build().unwrap();
        log_one(&handler);

        let [Kept { source, event_type, category, id, text, strings, data }] = log.events().try_into().unwrap();
        assert_eq!((source.as_str(), text.to_string().as_str()), ("test_logging", "Test Log Message"));
        assert_eq!((event_type, category, id), (EventType::Information, 0, 1));
        assert!(strings.is_empty() && data.is_empty());
    }

    /// On Windows itself, which says that it took the event. Under Wine nobody can read it back: its logs are always empty.
    #[cfg(windows)]
    #[test]
    fn test_basic_on_windows() {
        let handler = EventLogHandler::builder("test_logging").register(false).format(message).build().unwrap();
        log_one(&handler);
        assert_eq!((handler.stats().delivered, handler.stats().dropped()), (1, 0));
    }

    fn log_one(handler: &EventLogHandler) {
        handler.handle(&Record::builder().message("Test Log Message").build().as_record()).unwrap();
        handler.close(Deadline::never()).unwrap();
    }

    fn message(record: &Record<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(record.message().as_bytes());
    }
}
