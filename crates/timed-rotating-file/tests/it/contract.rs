//! The contract suite while the file rolls often, by size and by the clock, direct, buffered and shared.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing_handlers_core::{Clock, Timestamp};
use tracing_handlers_file::Buffering;
use tracing_handlers_testing::{FileParts, FileSubject, ManualClock, MessageOnly, contract};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

/// A second passes whenever the time was asked so often.
const READINGS_A_SECOND: u64 = 100;

/// A clock that goes on as it is read, and as the test moves it.
struct BusyClock {
    manual: ManualClock,
    readings: AtomicU64,
}

impl Clock for BusyClock {
    fn now(&self) -> Timestamp {
        let seconds = self.readings.fetch_add(1, Ordering::SeqCst) / READINGS_A_SECOND;
        let nanos = Duration::from_secs(seconds).as_nanos() as i64;
        Timestamp::from_nanos(self.manual.now().as_nanos() + nanos)
    }
}

fn rolling(parts: FileParts) -> TimedRotatingFileHandlerBuilder {
    let FileParts { path, fs, clock, failures } = parts;
    let clock = BusyClock { manual: clock, readings: AtomicU64::new(0) };
    let builder = TimedRotatingFileHandler::builder(path).when(When::Seconds).utc(true);
    builder.fs(fs).clock(clock).on_failure(failures).format(MessageOnly)
}

fn buffering() -> Buffering {
    Buffering::new().capacity(64 << 20).flush_interval(Duration::from_millis(1))
}

contract!(direct, || FileSubject::new(|parts| rolling(parts).build().unwrap()));
contract!(buffered, || FileSubject::new(|parts| rolling(parts).buffered(buffering()).build().unwrap()));
#[cfg(unix)]
contract!(shared_by_size_too, || FileSubject::new(|parts| {
    rolling(parts).max_bytes(1_024).backup_count(100_000).shared(true).build().unwrap()
}));
contract!(direct_by_size_too, || FileSubject::new(|parts| {
    rolling(parts).max_bytes(1_024).backup_count(100_000).roll_idle(true).build().unwrap()
}));
contract!(buffered_by_size_too, || FileSubject::new(|parts| {
    rolling(parts).max_bytes(1_024).backup_count(100_000).buffered(buffering()).build().unwrap()
}));
