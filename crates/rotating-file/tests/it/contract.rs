//! The contract suite while the file rolls often, direct, buffered and shared.

use std::time::Duration;

use tracing_handlers_file::Buffering;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::{FileParts, FileSubject, MessageOnly, contract};

fn rolling(parts: FileParts) -> RotatingFileHandlerBuilder {
    let FileParts { path, fs, clock, failures } = parts;
    let builder = RotatingFileHandler::builder(path).max_bytes(4_096).backup_count(100_000);
    builder.fs(fs).clock(clock).on_failure(failures).format(MessageOnly)
}

contract!(direct, || FileSubject::new(|parts| rolling(parts).build().unwrap()));
#[cfg(unix)]
contract!(shared, || FileSubject::new(|parts| rolling(parts).shared(true).build().unwrap()));
#[cfg(unix)]
contract!(shared_buffered, || FileSubject::new(|parts| {
    let buffering = Buffering::new().capacity(64 << 20).flush_interval(Duration::from_millis(1));
    rolling(parts).buffered(buffering).shared(true).build().unwrap()
}));
contract!(buffered, || FileSubject::new(|parts| {
    let buffering = Buffering::new().capacity(64 << 20).flush_interval(Duration::from_millis(1));
    rolling(parts).buffered(buffering).build().unwrap()
}));
