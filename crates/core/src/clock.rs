//! The only file that asks what time it is.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[cfg(unix)]
use rustix::time::{ClockId, Timespec, clock_gettime};
use time::OffsetDateTime;

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted, 1677 to 2262.
///
/// ```
/// use tracing_handlers_core::Timestamp;
///
/// let stamp = Timestamp::from_nanos(1_700_000_000_250_000_000);
/// assert_eq!(stamp.unix_seconds(), 1_700_000_000);
/// assert_eq!(stamp.subsec_nanos(), 250_000_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// Nanoseconds into the second, 0 to 999,999,999.
    pub const fn subsec_nanos(self) -> u32 {
        self.0.rem_euclid(1_000_000_000) as u32
    }

    /// The same instant as UTC date and time.
    pub fn to_utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<SystemTime> for Timestamp {
    #[inline]
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(clamped_nanos(since)),
            Err(before) => Self(-clamped_nanos(before.duration())),
        }
    }
}

/// Without the 128 bits of [`Duration::as_nanos`]: this runs once an event.
#[inline]
fn clamped_nanos(duration: Duration) -> i64 {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(duration.subsec_nanos()))
}

impl From<OffsetDateTime> for Timestamp {
    fn from(time: OffsetDateTime) -> Self {
        Self(time.unix_timestamp_nanos().clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

/// Tells the wall-clock time. A seam: tests set the time by hand, everybody else has [`SystemClock`].
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Timestamp {
        system_time()
    }
}

/// Seconds and nanoseconds as the system has them: `SystemTime` tells them only as a difference to another time, which takes as long as
/// to format half of a line.
#[cfg(unix)]
#[inline]
fn system_time() -> Timestamp {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Realtime);
    Timestamp(tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(tv_nsec as i32)))
}

#[cfg(not(unix))]
#[inline]
fn system_time() -> Timestamp {
    SystemTime::now().into()
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The clock a handler was given: the system's (no indirection) or another.
#[derive(Clone, Default)]
pub enum ClockSource {
    /// The system's clock.
    #[default]
    System,
    /// Another clock.
    Other(Arc<dyn Clock>),
}

impl ClockSource {
    /// The time now.
    #[inline]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => SystemClock.now(),
            Self::Other(clock) => clock.now(),
        }
    }
}

impl fmt::Debug for ClockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "ClockSource::System",
            Self::Other(_) => "ClockSource::Other",
        })
    }
}

/// When this process asked for the first time: as near to its start as can be known without asking the system.
pub(crate) fn first_asked() -> Timestamp {
    static FIRST: OnceLock<Timestamp> = OnceLock::new();
    *FIRST.get_or_init(|| SystemClock.now())
}

/// A clock that never jumps, for intervals and deadlines.
#[inline]
pub fn monotonic() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch_have_positive_fractions() {
        let stamp = Timestamp::from(UNIX_EPOCH - Duration::from_millis(250));
        assert_eq!(stamp.unix_seconds(), -1);
        assert_eq!(stamp.subsec_nanos(), 750_000_000);
    }

    #[test]
    fn times_beyond_the_range_are_its_ends() {
        let three_centuries = Duration::from_secs(300 * 366 * 86_400);
        assert_eq!(Timestamp::from(UNIX_EPOCH + three_centuries).as_nanos(), i64::MAX);
        assert_eq!(Timestamp::from(UNIX_EPOCH - three_centuries).as_nanos(), -i64::MAX);
    }

    #[test]
    fn a_timestamp_survives_the_way_through_a_date() {
        let stamp = Timestamp::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(Timestamp::from(stamp.to_utc()), stamp);
    }
}
