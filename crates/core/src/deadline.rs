//! How long a flush or a close may take.

use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// The moment by which an operation has to be done.
///
/// ```
/// use std::time::Duration;
/// use tracing_handlers_core::Deadline;
///
/// assert!(!Deadline::after(Duration::from_secs(5)).has_passed());
/// assert!(Deadline::now().has_passed());
/// assert_eq!(Deadline::never().remaining(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// `timeout` from now; a time-out beyond what the clock can hold is [`never`](Deadline::never).
    pub fn after(timeout: Duration) -> Self {
        Self(monotonic().checked_add(timeout))
    }

    /// Do what can be done without waiting.
    pub fn now() -> Self {
        Self(Some(monotonic()))
    }

    /// At a given instant.
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// Wait as long as it takes.
    pub const fn never() -> Self {
        Self(None)
    }

    /// The time left, zero when it has passed, `None` for [`never`](Deadline::never).
    pub fn remaining(&self) -> Option<Duration> {
        self.0.map(|instant| instant.saturating_duration_since(monotonic()))
    }

    /// Whether the time is up.
    pub fn has_passed(&self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }
}

impl From<Duration> for Deadline {
    fn from(timeout: Duration) -> Self {
        Self::after(timeout)
    }
}
