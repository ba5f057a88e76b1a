//! The contract suite, for each handler, direct and buffered.

use std::time::Duration;

use tracing_handlers_file::{Buffering, FileHandler, WatchedFileHandler};
use tracing_handlers_testing::{FileParts, FileSubject, MessageOnly, contract};

fn often() -> Buffering {
    Buffering::new().capacity(64 << 20).flush_interval(Duration::from_millis(1))
}

fn file(parts: FileParts, buffering: Option<Buffering>) -> FileHandler {
    let builder =
        FileHandler::builder(parts.path).fs(parts.fs).clock(parts.clock).on_failure(parts.failures).format(MessageOnly);
    let builder = match buffering {
        Some(buffering) => builder.buffered(buffering),
        None => builder,
    };
    builder.build().unwrap()
}

fn watched(parts: FileParts, buffering: Option<Buffering>) -> WatchedFileHandler {
    let builder =
        WatchedFileHandler::builder(parts.path).fs(parts.fs).clock(parts.clock).on_failure(parts.failures).format(MessageOnly);
    let builder = match buffering {
        Some(buffering) => builder.buffered(buffering),
        None => builder,
    };
    builder.build().unwrap()
}

contract!(file_direct, || FileSubject::new(|parts| file(parts, None)));
contract!(file_buffered, || FileSubject::new(|parts| file(parts, Some(often()))));
contract!(watched_direct, || FileSubject::new(|parts| watched(parts, None)));
contract!(watched_buffered, || FileSubject::new(|parts| watched(parts, Some(often()))));
