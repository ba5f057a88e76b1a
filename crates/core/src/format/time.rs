//! Timestamps as text. The calendar is worked out once a second and thread; within the second only the fraction changes.

use std::cell::RefCell;

use time::UtcOffset;

use super::number;
use crate::Timestamp;

/// In which zone times are written.
///
/// ```
/// use tracing_handlers_core::Timestamp;
/// use tracing_handlers_core::format::Zone;
///
/// let (stamp, mut out) = (Timestamp::from_nanos(1_700_000_000_250_000_000), Vec::new());
/// Zone::fixed(5, 30)?.write_rfc3339(stamp, &mut out);
/// assert_eq!(out, b"2023-11-15T03:43:20.250000+05:30");
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Zone {
    /// Coordinated universal time, written with `Z`.
    #[default]
    Utc,
    /// The system's zone, daylight saving included, at the moment of the record.
    Local,
    /// Always this offset.
    Fixed(UtcOffset),
}

impl Zone {
    /// An offset of hours and minutes east of Greenwich (both negative for the west).
    ///
    /// # Errors
    ///
    /// A configuration error for hours beyond ±25 or minutes beyond ±59.
    pub fn fixed(hours: i8, minutes: i8) -> Result<Self, crate::Error> {
        UtcOffset::from_hms(hours, minutes, 0)
            .map(Self::Fixed)
            .map_err(|error| crate::Error::config("zone", format_args!("{hours}:{minutes}"), error))
    }

    /// The offset at that moment. A system that does not know its zone is taken to be at UTC.
    pub fn offset_at(self, stamp: Timestamp) -> UtcOffset {
        match self {
            Self::Utc => UtcOffset::UTC,
            Self::Local => UtcOffset::local_offset_at(stamp.to_utc()).unwrap_or(UtcOffset::UTC),
            Self::Fixed(offset) => offset,
        }
    }

    /// RFC 3339 with microseconds: `2023-11-14T22:13:20.250000Z`.
    #[inline]
    pub fn write_rfc3339(self, stamp: Timestamp, out: &mut Vec<u8>) {
        self.with_second(stamp, |second, nanos| {
            // All 32 bytes are copied, as that costs less than a copy of another length, and the others taken back.
            let end = out.len() + usize::from(second.len);
            out.extend_from_slice(&second.rfc3339);
            if let Some(text) = out.last_chunk_mut() {
                overwrite(text, FRACTION, number::padded::<6>(nanos / 1_000));
            }
            out.truncate(end);
        });
    }

    /// Python's default `asctime`: `2023-11-14 22:13:20,250`.
    pub(crate) fn write_asctime(self, stamp: Timestamp, out: &mut Vec<u8>) {
        self.with_second(stamp, |second, nanos| {
            let mut text = second.rfc3339;
            overwrite(&mut text, 10, *b" ");
            overwrite(&mut text, FRACTION - 1, *b",");
            overwrite(&mut text, FRACTION, number::padded::<3>(nanos / 1_000_000));
            out.extend_from_slice(text.get(..FRACTION + 3).unwrap_or_default());
        });
    }

    /// Gives `write` the text of the second, and the nanoseconds into it.
    #[inline]
    fn with_second(self, stamp: Timestamp, write: impl FnOnce(&Second, u32)) {
        let key = self.key();
        SECONDS.with(|seconds| {
            // Read where it stands: a copy would cost as much as all the rest. Nobody else has it meanwhile.
            let mut seconds = seconds.borrow_mut();
            let known = seconds.first().and_then(|newest| newest.nanos(key, stamp));
            let nanos = known.unwrap_or_else(|| {
                self.bring_to_front(key, stamp, &mut seconds);
                stamp.subsec_nanos()
            });
            if let Some(newest) = seconds.first() {
                write(newest, nanos);
            }
        });
    }

    #[inline(never)]
    fn bring_to_front(self, key: i32, stamp: Timestamp, seconds: &mut [Second; 3]) {
        let place = seconds.iter().position(|second| second.nanos(key, stamp).is_some());
        let known = seconds.get_mut(..=place.unwrap_or(2)).unwrap_or_default();
        known.rotate_right(1);
        if let (None, Some(newest)) = (place, known.first_mut()) {
            *newest = Second::new(self, key, stamp);
        }
    }

    fn key(self) -> i32 {
        match self {
            Self::Utc => i32::MAX,
            Self::Local => i32::MIN,
            Self::Fixed(offset) => offset.whole_seconds(),
        }
    }
}

/// The text of one second in one zone.
#[derive(Clone, Copy)]
struct Second {
    /// Its beginning in nanoseconds. The range of [`Timestamp`] begins within a second, which has none.
    start: Option<i64>,
    key: i32,
    /// Date, time, a fraction of six zeros and the zone, `len` bytes.
    rfc3339: [u8; 32],
    len: u8,
}

/// Where the fraction of a second stands.
const FRACTION: usize = 20;

thread_local! {
    /// A few zones may be in use by one thread: a file in UTC, a terminal in local time.
    static SECONDS: RefCell<[Second; 3]> = const { RefCell::new([const { Second::NONE }; 3]) };
}

impl Second {
    const NONE: Self = Self { start: None, key: 0, rfc3339: *b"0000-00-00T00:00:00.000000+00:00", len: 32 };

    fn new(zone: Zone, key: i32, stamp: Timestamp) -> Self {
        let offset = zone.offset_at(stamp);
        let local = stamp.to_utc().to_offset(offset);
        let mut text = Self::NONE.rfc3339;
        overwrite(&mut text, 0, number::padded::<4>(local.year().unsigned_abs()));
        let parts = [u8::from(local.month()), local.day(), local.hour(), local.minute(), local.second()];
        for (at, part) in (5..).step_by(3).zip(parts) {
            overwrite(&mut text, at, number::padded::<2>(u32::from(part)));
        }
        let len = write_suffix(zone, offset, &mut text);
        Self { start: stamp.unix_seconds().checked_mul(1_000_000_000), key, rfc3339: text, len }
    }

    /// The nanoseconds into this second, if it is that of the stamp.
    #[inline]
    fn nanos(&self, key: i32, stamp: Timestamp) -> Option<u32> {
        let nanos = stamp.as_nanos().wrapping_sub(self.start?) as u64;
        (self.key == key && nanos < 1_000_000_000).then_some(nanos as u32)
    }
}

/// Writes the zone behind the fraction; says where it ends.
fn write_suffix(zone: Zone, offset: UtcOffset, text: &mut [u8; 32]) -> u8 {
    if zone == Zone::Utc {
        overwrite(text, FRACTION + 6, *b"Z");
        return 27;
    }
    let minutes = u32::from(offset.whole_minutes().unsigned_abs());
    overwrite(text, FRACTION + 6, [if offset.is_negative() { b'-' } else { b'+' }]);
    overwrite(text, FRACTION + 7, number::padded::<2>(minutes / 60));
    overwrite(text, FRACTION + 10, number::padded::<2>(minutes % 60));
    32
}

#[inline]
fn overwrite<const N: usize>(text: &mut [u8; 32], at: usize, with: [u8; N]) {
    if let Some(place) = text.get_mut(at..at + N) {
        place.copy_from_slice(&with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::format_description::well_known::Rfc3339;

    fn written(zone: Zone, stamp: Timestamp) -> String {
        let mut out = Vec::new();
        zone.write_rfc3339(stamp, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_what_the_time_crate_writes_over_six_centuries() {
        for day in (-100_000..100_000).step_by(37) {
            let stamp = Timestamp::from_nanos(day * 86_400_000_000_000 + day * 12_345_678);
            for zone in [Zone::Utc, Zone::fixed(-3, -30).unwrap()] {
                let text = written(zone, stamp);
                let back = time::OffsetDateTime::parse(&text, &Rfc3339).unwrap();
                assert_eq!(back.unix_timestamp_nanos() / 1000, i128::from(stamp.as_nanos().div_euclid(1000)), "{text}");
            }
        }
    }

    #[test]
    fn more_zones_than_are_kept_are_written_in_any_order() {
        let zones = [Zone::Utc, Zone::fixed(1, 0).unwrap(), Zone::fixed(2, 0).unwrap(), Zone::fixed(-3, -30).unwrap()];
        let expected = ["22:13:20.250000Z", "23:13:20.250000+01:00", "00:13:20.250000+02:00", "18:43:20.250000-03:30"];
        let stamp = Timestamp::from_nanos(1_700_000_000_250_000_000);
        for order in [[0, 1, 2, 3], [1, 0, 1, 0], [2, 1, 0, 2], [3, 3, 2, 1], [0, 2, 0, 3]] {
            for index in order {
                let text = written(zones[index], stamp);
                assert!(text.ends_with(expected[index]), "{text}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_written() {
        for nanos in [i64::MIN, i64::MIN + 1, i64::MAX] {
            let stamp = Timestamp::from_nanos(nanos);
            let back = time::OffsetDateTime::parse(&written(Zone::Utc, stamp), &Rfc3339).unwrap();
            assert_eq!(back.unix_timestamp_nanos() / 1000, i128::from(nanos.div_euclid(1000)));
        }
    }

    #[test]
    fn zones_do_not_disturb_each_other_within_a_second() {
        let stamp = Timestamp::from_unix_seconds(1_700_000_000);
        for _ in 0..3 {
            assert_eq!(written(Zone::Utc, stamp), "2023-11-14T22:13:20.000000Z");
            assert_eq!(written(Zone::fixed(0, 0).unwrap(), stamp), "2023-11-14T22:13:20.000000+00:00");
            assert_eq!(written(Zone::fixed(1, 0).unwrap(), stamp), "2023-11-14T23:13:20.000000+01:00");
            assert_eq!(written(Zone::fixed(-1, -30).unwrap(), stamp), "2023-11-14T20:43:20.000000-01:30");
            assert_eq!(written(Zone::fixed(2, 0).unwrap(), stamp), "2023-11-15T00:13:20.000000+02:00");
        }
    }

    #[test]
    fn asctime_is_pythons() {
        let mut out = Vec::new();
        Zone::Utc.write_asctime(Timestamp::from_nanos(1_700_000_000_007_900_000), &mut out);
        assert_eq!(out, b"2023-11-14 22:13:20,007");
    }

    #[test]
    fn a_wrong_offset_names_the_setting() {
        assert!(Zone::fixed(30, 0).unwrap_err().is_config());
    }
}
