//! Timestamps as text. The calendar is worked out once a second and thread; within the second only the fraction changes.

use std::cell::Cell;

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
        let second = self.second(stamp.unix_seconds());
        out.extend_from_slice(&second.date_time);
        out.push(b'.');
        number::padded::<6>(stamp.subsec_nanos() / 1_000, out);
        out.extend_from_slice(second.suffix.get(..usize::from(second.suffix_len)).unwrap_or_default());
    }

    /// Python's default `asctime`: `2023-11-14 22:13:20,250`.
    pub(crate) fn write_asctime(self, stamp: Timestamp, out: &mut Vec<u8>) {
        let mut date_time = self.second(stamp.unix_seconds()).date_time;
        if let Some(separator) = date_time.get_mut(10) {
            *separator = b' ';
        }
        out.extend_from_slice(&date_time);
        out.push(b',');
        number::padded::<3>(stamp.subsec_nanos() / 1_000_000, out);
    }

    #[inline]
    fn second(self, unix: i64) -> Second {
        let key = self.key();
        let slots = SECONDS.get();
        if let Some(second) = slots.iter().find(|second| second.unix == unix && second.key == key) {
            return *second;
        }
        let second = Second::new(self, key, unix);
        let [newest, older, ..] = slots;
        SECONDS.set([second, newest, older]);
        second
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
    unix: i64,
    key: i32,
    date_time: [u8; 19],
    suffix: [u8; 6],
    suffix_len: u8,
}

thread_local! {
    /// A few zones may be in use by one thread: a file in UTC, a terminal in local time.
    static SECONDS: Cell<[Second; 3]> = const { Cell::new([Second::NONE; 3]) };
}

impl Second {
    const NONE: Self = Self { unix: i64::MIN, key: 0, date_time: [b'0'; 19], suffix: [b'Z'; 6], suffix_len: 1 };

    fn new(zone: Zone, key: i32, unix: i64) -> Self {
        let stamp = Timestamp::from_unix_seconds(unix);
        let offset = zone.offset_at(stamp);
        let local = stamp.to_utc().to_offset(offset);
        let mut text = Vec::with_capacity(32);
        number::padded::<4>(local.year().unsigned_abs(), &mut text);
        for (separator, part) in [(b'-', u8::from(local.month())), (b'-', local.day())] {
            text.push(separator);
            number::padded::<2>(u32::from(part), &mut text);
        }
        for (separator, part) in [(b'T', local.hour()), (b':', local.minute()), (b':', local.second())] {
            text.push(separator);
            number::padded::<2>(u32::from(part), &mut text);
        }
        let (suffix, suffix_len) = suffix(zone, offset);
        let date_time = text.as_slice().try_into().unwrap_or(Self::NONE.date_time);
        Self { unix, key, date_time, suffix, suffix_len }
    }
}

fn suffix(zone: Zone, offset: UtcOffset) -> ([u8; 6], u8) {
    if zone == Zone::Utc {
        return (*b"Z\0\0\0\0\0", 1);
    }
    let minutes = u32::from(offset.whole_minutes().unsigned_abs());
    let mut text = Vec::with_capacity(6);
    text.push(if offset.is_negative() { b'-' } else { b'+' });
    number::padded::<2>(minutes / 60, &mut text);
    text.push(b':');
    number::padded::<2>(minutes % 60, &mut text);
    (text.as_slice().try_into().unwrap_or(*b"+00:00"), 6)
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
