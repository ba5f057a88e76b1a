//! A clock that stands still until the test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tracing_handlers_core::{Clock, Timestamp};

/// A clock that the test sets. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use tracing_handlers_core::{Clock, Timestamp};
/// use tracing_handlers_testing::ManualClock;
///
/// let clock = ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000));
/// let of_the_handler = clock.clone();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(of_the_handler.now(), Timestamp::from_unix_seconds(1_700_000_060));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    nanos: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { nanos: Arc::new(AtomicI64::new(now.as_nanos())) }
    }

    /// Sets the time; back is allowed, as on real machines.
    pub fn set(&self, now: Timestamp) {
        self.nanos.store(now.as_nanos(), Ordering::SeqCst);
    }

    /// Moves the time forward; beyond what a [`Timestamp`] can hold it stops at the end.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.nanos.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |nanos| Some(nanos.saturating_add(by))).ok();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_show_the_same_time() {
        let clock = ManualClock::new(Timestamp::from_unix_seconds(5));
        let clone = clock.clone();
        clone.set(Timestamp::from_unix_seconds(3));
        assert_eq!(clock.now(), Timestamp::from_unix_seconds(3));
    }

    #[test]
    fn it_stands_still_by_itself_and_stops_at_the_end_of_time() {
        let clock = ManualClock::new(Timestamp::from_unix_seconds(5));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::from_nanos(i64::MAX));
    }
}
